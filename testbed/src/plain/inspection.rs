//! The tests' view of what a plain server received.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{PlainWorld, bucket_name, detail};
use crate::cors;

/// What the bare path received.
pub(super) async fn received(State(world): State<PlainWorld>) -> Response {
    received_list(&world, "")
}

/// What a bucket of a variant received.
pub(super) async fn received_of_variant(
    State(world): State<PlainWorld>,
    Path((variant, bucket)): Path<(String, String)>,
) -> Response {
    received_list(&world, &bucket_name(&variant, &bucket))
}

/// One body that the bare path received.
pub(super) async fn received_body(
    State(world): State<PlainWorld>,
    Path(number): Path<u64>,
) -> Response {
    received_bytes(&world, "", number)
}

/// One body that a bucket of a variant received.
pub(super) async fn received_body_of_variant(
    State(world): State<PlainWorld>,
    Path((variant, bucket, number)): Path<(String, String, u64)>,
) -> Response {
    received_bytes(&world, &bucket_name(&variant, &bucket), number)
}

/// Every `POST` of a bucket, in order, its body as text. Bytes that are not UTF-8 are replaced;
/// `…/_received/{number}` has them as they came.
fn received_list(world: &PlainWorld, bucket: &str) -> Response {
    let list: Vec<Value> = world
        .buckets
        .of(bucket)
        .into_iter()
        .map(|received| {
            json!({
                "number": received.number,
                "at_ms": received.at_ms,
                "headers": received.headers,
                "body": String::from_utf8_lossy(&received.body),
                "stored": received.task_id.is_some(),
                "task_id": received.task_id,
                "status": received.status,
            })
        })
        .collect();
    let mut response = Json(json!({"received": list})).into_response();
    cors::open_to_all(&mut response);
    response
}

/// The bytes of one `POST`.
fn received_bytes(world: &PlainWorld, bucket: &str, number: u64) -> Response {
    let found = world
        .buckets
        .of(bucket)
        .into_iter()
        .find(|received| received.number == number);
    let mut response = match found {
        Some(received) => {
            let content_type = HeaderValue::from_static("application/octet-stream");
            ([(CONTENT_TYPE, content_type)], received.body).into_response()
        }
        None => detail(StatusCode::NOT_FOUND, "Not Found"),
    };
    cors::open_to_all(&mut response);
    response
}
