//! The replies that are no answer of a model: spelled-out HTTP, silence, and a reset connection.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::record::{End, ResponseRecord};
use crate::connection::Connection;
use crate::cors;
use crate::script::{Body, HttpReply, Overrides, Script};

/// How long an endpoint that never answers holds a connection.
const SILENCE: Duration = Duration::from_secs(600);

/// Asks for the key that a script wants.
///
/// # Errors
/// 401 when there is none or another one. The key itself is never repeated.
pub fn check_key(script: &Script, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(wanted) = &script.needs_key else {
        return Ok(());
    };
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match given {
        None | Some("") => Err(ApiError::request(
            401,
            None,
            "You didn't provide an API key. Provide it in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY).",
        )),
        Some(key) if wanted == "*" || key == wanted => Ok(()),
        Some(_) => Err(ApiError::request(
            401,
            Some("invalid_api_key"),
            "Incorrect API key provided.",
        )),
    }
}

/// An HTTP answer as a script spells it out.
#[must_use]
pub fn spelled_out(
    http: &HttpReply,
    overrides: &Overrides,
    request: &HeaderMap,
    tag: Option<&str>,
) -> Response {
    let status = overrides.status.unwrap_or(http.status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (content_type, body) = match &http.body {
        Body::Empty => (None, String::new()),
        Body::Json(value) => (Some("application/json"), value.to_string()),
        Body::Html(text) => (Some("text/html; charset=utf-8"), text.clone()),
        Body::Text(text) => (Some("text/plain; charset=utf-8"), text.clone()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &http.headers {
        let value = value
            .replace("{other_origin}", &other_origin(request))
            .replace("{tag}", tag.unwrap_or_default());
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    let exposed: Vec<&str> = http.expose_headers.iter().map(String::as_str).collect();
    cors::expose(&mut response, &exposed);
    if !http.cors {
        response.extensions_mut().insert(cors::Unreadable);
    }
    response
}

/// This server under its other loopback name.
fn other_origin(request: &HeaderMap) -> String {
    let host = request
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let other = if name == "localhost" {
        "127.0.0.1"
    } else {
        "localhost"
    };
    format!("http://{other}:{port}")
}

/// Says nothing for ten minutes, then resets. The record hears when the client leaves before.
pub async fn hang(record: &ResponseRecord) -> Response {
    let left = Left(record.clone());
    tokio::time::sleep(SILENCE).await;
    record.ended(End::Cut);
    drop(left);
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

/// Notes that the client left, when it is dropped before another end was noted.
struct Left(ResponseRecord);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.ended(End::Abandoned);
    }
}

/// Resets the connection. The response it returns never arrives.
pub fn reset(connection: &Connection, record: &ResponseRecord) -> Response {
    connection.reset();
    record.ended(End::Cut);
    StatusCode::BAD_GATEWAY.into_response()
}
