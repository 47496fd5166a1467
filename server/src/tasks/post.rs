//! `POST /tasks`: validates a task, stores it, and only then confirms it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use taskwright::document::Document;

use super::{MAX_BODY_BYTES, is_idempotency_key, json_response, rfc_3339, store_problem};
use crate::app::App;
use crate::caller::Caller;
use crate::enforced_schema::EnforcedSchema;
use crate::problem::Problem;
use crate::request_body;
use crate::scope::Scope;
use crate::store::{IdempotencyKey, Insertion, NewTask, QUEUED, Receipt, StoreError};

/// The largest body that is validated on the connection's own thread, in bytes.
const MAX_INLINE_BYTES: usize = 8 << 10;

/// The request header with the idempotency key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The response header that marks a replayed response.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Stores a task: `201` with its receipt, or `200` if the same idempotency key and body were posted
/// before.
///
/// # Errors
/// Every [`Problem`] except those about paths and methods. Only `201` and `200` confirm the task.
/// After [`Problem::NotConfirmed`] and [`Problem::Internal`], the task may be stored nevertheless; a
/// request with an idempotency key can safely be repeated after any response.
pub async fn post_task(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.authorize(&headers, &caller, Scope::Post).await?;
    request_body::require_json(&headers)?;
    let key = idempotency_key(&headers)?;
    let body = request_body::read(&headers, body, MAX_BODY_BYTES, app.body_timeout()).await?;
    let key = key.map(|text| IdempotencyKey {
        text,
        body_digest: Sha256::digest(&body).into(),
    });

    let problem = match validate(body, &app).await {
        Ok(body) => {
            let task = NewTask {
                body,
                key: key.clone(),
            };
            match app.store().insert(task).await {
                Ok(insertion) => return confirmation(insertion),
                Err(error) => store_problem(&error),
            }
        }
        Err(problem) => problem,
    };
    // A task stored before is replayed even if it violates the current schema or the store is full.
    let Some(key) = key else { return Err(problem) };
    match app.store().find_key(key).await {
        Ok(Some(earlier)) => confirmation(earlier),
        Ok(None) => Err(problem),
        Err(error) => Err(unresolved(problem, &error)),
    }
}

/// The problem of a task when looking up its key fails as well. A failed look-up alone would promise
/// that nothing was stored; it does not make the result of a commit known.
fn unresolved(problem: Problem, look_up: &StoreError) -> Problem {
    let look_up = store_problem(look_up);
    if matches!(problem, Problem::NotConfirmed) {
        problem
    } else {
        look_up
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = sent.next() else {
        return Ok(None);
    };
    let text = first.to_str().map_err(|_| Problem::InvalidIdempotencyKey)?;
    if sent.next().is_none() && is_idempotency_key(text) {
        Ok(Some(text.to_owned()))
    } else {
        Err(Problem::InvalidIdempotencyKey)
    }
}

/// Parses and validates the body. A large task and a schema with many patterns take milliseconds, so
/// large bodies are moved off the threads that serve connections. For a small body, the move would
/// take several times as long as the validation.
async fn validate(body: Vec<u8>, app: &App) -> Result<Vec<u8>, Problem> {
    if body.len() <= MAX_INLINE_BYTES {
        return validate_inline(body, app.schema());
    }
    let schema = Arc::clone(app.schema());
    app.large_checks()
        .run(move || validate_inline(body, &schema))
        .await?
}

fn validate_inline(body: Vec<u8>, schema: &EnforcedSchema) -> Result<Vec<u8>, Problem> {
    let text = std::str::from_utf8(&body).map_err(|error| not_utf8(&body, error.valid_up_to()))?;
    let document = Document::parse(text).map_err(|error| Problem::MalformedJson {
        reason: error.to_string(),
        line: error.line(),
        column: error.column(),
    })?;
    let violations = schema.check(&document);
    if violations.is_empty() {
        Ok(body)
    } else {
        Err(Problem::SchemaViolation(violations))
    }
}

fn not_utf8(body: &[u8], valid_up_to: usize) -> Problem {
    let before = body.get(..valid_up_to).unwrap_or_default();
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline.saturating_add(1));
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default())
        .chars()
        .count();
    Problem::MalformedJson {
        reason: "invalid UTF-8".to_owned(),
        line: line.saturating_add(1),
        column: column.saturating_add(1),
    }
}

#[derive(Serialize)]
struct Confirmation {
    id: String,
    status: &'static str,
    received_at: String,
}

fn confirmation(insertion: Insertion) -> Result<Response, Problem> {
    let (receipt, replayed) = match insertion {
        Insertion::Created(receipt) => (receipt, false),
        Insertion::Replayed(receipt) => (receipt, true),
        Insertion::KeyReused => return Err(Problem::IdempotencyKeyReused),
    };
    let Receipt { id, received_at } = receipt;
    let location = HeaderValue::try_from(format!("/tasks/{id}")).map_err(|_| Problem::Internal)?;
    let confirmation = Confirmation {
        id,
        status: QUEUED,
        received_at: rfc_3339(received_at),
    };
    let json = serde_json::to_string(&confirmation).map_err(|_| Problem::Internal)?;
    let mut response = json_response(json);
    response.headers_mut().insert(LOCATION, location);
    if replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    } else {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_look_up_never_promises_that_an_unconfirmed_task_is_not_stored() {
        let problem = unresolved(Problem::NotConfirmed, &StoreError::Busy);
        assert_eq!(problem.retry_after(), None);
        let problem = unresolved(Problem::SchemaViolation(Vec::new()), &StoreError::Busy);
        assert_eq!(problem.code(), "store_unavailable");
    }

    #[test]
    fn invalid_utf_8_is_located_by_line_and_column() {
        let Problem::MalformedJson { line, column, .. } = not_utf8("{\n\"ä\u{0}".as_bytes(), 5)
        else {
            panic!("expected MalformedJson");
        };
        assert_eq!((line, column), (2, 3));
    }
}
