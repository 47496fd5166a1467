//! What goes wrong with a request, as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use taskwright::schema::Violation;

use crate::tasks::MAX_BODY_BYTES;

/// Seconds after which asking again makes sense when a store is unavailable or the server stops.
const RETRY_SECONDS: u64 = 5;

/// An error answer. `Display` is its `detail`, in the words of whoever sends tasks.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The request cannot be read as HTTP with a body.
    #[error("The request could not be read: {0}.")]
    BadRequest(Cow<'static, str>),
    /// The body is not one JSON text (RFC 8259).
    #[error("The body is not JSON: {reason} (line {line}, column {column}).")]
    MalformedJson {
        /// What is wrong.
        reason: String,
        /// Line of the first wrong byte, from 1.
        line: usize,
        /// Column of the first wrong byte, from 1.
        column: usize,
    },
    /// `Idempotency-Key` cannot be used as one.
    #[error("Idempotency-Key must be given once, as 1 to 255 printable ASCII characters.")]
    InvalidIdempotencyKey,
    /// A query parameter is unknown, given twice or out of range.
    #[error("The query cannot be used: {0}.")]
    InvalidQuery(Cow<'static, str>),
    /// The token is missing or wrong.
    #[error("{0}")]
    BadToken(&'static str),
    /// Nothing is there.
    #[error("There is nothing at this address.")]
    NotFound,
    /// The address exists, the method does not.
    #[error("This address does not take this method.")]
    MethodNotAllowed,
    /// The body took too long to arrive.
    #[error("The request's body did not arrive in time. Nothing was stored.")]
    Timeout,
    /// The body is over the limit.
    #[error("The body is larger than {MAX_BODY_BYTES} bytes.")]
    TooLarge,
    /// The body is announced as something else than JSON.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The host the request names is not this server.
    #[error(
        "With the default token only localhost and loopback addresses are answered. Set AGENT_API_TOKEN to use another name."
    )]
    Misdirected,
    /// The task breaks the schema.
    #[error("The task does not satisfy the schema at /tasks/schema.")]
    SchemaViolation(Vec<Violation>),
    /// The key belongs to another body.
    #[error("This Idempotency-Key was used for another body. Nothing was stored.")]
    IdempotencyKeyReused,
    /// The token has used up its rate.
    #[error("Too many requests with this token. Nothing was stored.")]
    RateLimited {
        /// Seconds until the next request is taken.
        retry_after: u64,
    },
    /// A defect of the server.
    #[error("The server failed on this request. A task sent with it may have been stored.")]
    Internal,
    /// The server is stopping.
    #[error("The server is stopping. Nothing was stored.")]
    Draining,
    /// The store cannot take or give tasks now.
    #[error("The task store is not available. The task was not confirmed as stored.")]
    StoreUnavailable,
}

/// The code of the problem an answer holds, for the log.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub &'static str);

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    violations: Option<&'a [Violation]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl Problem {
    /// The stable name of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::MalformedJson { .. } => "malformed_json",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::InvalidQuery(_) => "invalid_query",
            Self::BadToken(_) => "bad_token",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::Misdirected => "misdirected",
            Self::SchemaViolation(_) => "schema_violation",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Internal => "internal",
            Self::Draining => "draining",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_)
            | Self::MalformedJson { .. }
            | Self::InvalidIdempotencyKey
            | Self::InvalidQuery(_) => StatusCode::BAD_REQUEST,
            Self::BadToken(_) => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::SchemaViolation(_) | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Draining | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Seconds after which the same request may succeed; absent where the server cannot know.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Draining | Self::StoreUnavailable => Some(RETRY_SECONDS),
            _ => None,
        }
    }

    /// The body of the answer.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> Body<'_> {
        let violations = match self {
            Self::SchemaViolation(all) => Some(all.as_slice()),
            _ => None,
        };
        let (line, column) = match self {
            Self::MalformedJson { line, column, .. } => (Some(*line), Some(*column)),
            _ => (None, None),
        };
        Body {
            // The code tells problems apart; no page describes them, so no address is claimed
            // (RFC 9457, section 4.2.1).
            r#type: "about:blank",
            title: self.status().canonical_reason().unwrap_or("Error"),
            status: self.status().as_u16(),
            detail: self.to_string(),
            code: self.code(),
            violations,
            line,
            column,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::BadToken(_)) {
            // RFC 9110, section 15.5.2, asks for a challenge with every 401.
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("AgentToken header=\"X-AGENT-TOKEN\""),
            );
        }
        response.extensions_mut().insert(ProblemCode(self.code()));
        response
    }
}

/// Turns error answers made elsewhere (the router, the file service, a panic) into problems.
pub async fn describe_every_error(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let described = response.extensions().get::<ProblemCode>().is_some();
    if described || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        status if status.is_client_error() => Problem::BadRequest(
            status
                .canonical_reason()
                .unwrap_or("no reason given")
                .into(),
        ),
        _ => Problem::Internal,
    };
    let (parts, _) = response.into_parts();
    let mut answer = problem.into_response();
    answer.extensions_mut().extend(parts.extensions);
    if let Some(allow) = parts.headers.get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    answer
}
