//! Error responses as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use taskwright::schema::Violation;

use crate::gateway::Relayed;
use crate::scope::Scope;

/// `Retry-After` when it is not known how long the problem lasts, in seconds.
const RETRY_SECONDS: u64 = 5;

/// An error response. `Display` is its `detail`, written for the sender of the task.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The request or its body is not readable as HTTP.
    #[error("The request could not be read: {0}.")]
    BadRequest(Cow<'static, str>),
    /// The body is not one JSON text (RFC 8259).
    #[error("The body is not JSON: {reason} (line {line}, column {column}).")]
    MalformedJson {
        /// What is wrong.
        reason: String,
        /// Line of the first invalid byte, from 1.
        line: usize,
        /// Column of the first invalid byte, from 1.
        column: usize,
    },
    /// `Idempotency-Key` is malformed or sent twice.
    #[error("Idempotency-Key must be sent once, with 1 to 255 printable ASCII characters.")]
    InvalidIdempotencyKey,
    /// A query parameter is unknown, repeated or out of range.
    #[error("The query is invalid: {0}.")]
    InvalidQuery(Cow<'static, str>),
    /// The agent token is missing or not accepted.
    #[error("{0}")]
    BadToken(&'static str),
    /// The agent token is accepted, but not for this.
    #[error(
        "This token is accepted, but it does not have the scope \"{}\", which this request needs. Nothing was stored.",
        .0.name()
    )]
    InsufficientScope(Scope),
    /// The path does not exist.
    #[error("Nothing exists at this path.")]
    NotFound,
    /// The path exists, but does not allow the method.
    #[error("This path does not allow this method.")]
    MethodNotAllowed,
    /// The headers or the body took too long to arrive.
    #[error("The request did not arrive in time. Nothing was stored.")]
    Timeout,
    /// The body is too large.
    #[error("The body is larger than {limit} bytes.")]
    TooLarge {
        /// The largest size that is accepted, in bytes.
        limit: usize,
    },
    /// The media type or the encoding of the body is not supported.
    #[error("{0}")]
    UnsupportedMediaType(&'static str),
    /// The request names another host than loopback while the default token is accepted.
    #[error(
        "With the default token, the server accepts only localhost and loopback addresses as host. Set AGENT_API_TOKEN to use another host name."
    )]
    Misdirected,
    /// The task violates the schema.
    #[error("The task does not satisfy the schema at /tasks/schema.")]
    SchemaViolation(Vec<Violation>),
    /// The check of the task against the schema takes too long.
    #[error("The task could not be checked against the schema in time. Nothing was stored.")]
    CheckTimeout,
    /// The idempotency key was used with a different body.
    #[error("This Idempotency-Key was already used with a different body. Nothing was stored.")]
    IdempotencyKeyReused,
    /// The token has exceeded its rate limit.
    #[error("Too many requests with this token. Nothing was stored.")]
    RateLimited {
        /// Seconds until the next request is allowed.
        retry_after: u64,
    },
    /// The client has sent too many wrong tokens, and too many responses are delayed already.
    #[error("Too many requests with wrong tokens. Nothing was stored.")]
    TooManyWrongTokens {
        /// Seconds until the client may try another token.
        retry_after: u64,
    },
    /// The client has too many open connections.
    #[error("Too many connections from this address. Nothing was stored.")]
    TooManyConnections,
    /// Too many large tasks are being checked.
    #[error("The server is checking too many large tasks. Nothing was stored.")]
    Overloaded,
    /// The token has exceeded a limit of the gateway.
    #[error("Too many {unit} of the model in a minute with this token.")]
    ModelRateLimited {
        /// What is limited: requests or tokens.
        unit: &'static str,
        /// Seconds until the next request is allowed.
        retry_after: u64,
    },
    /// The gateway gets no response from the model endpoint.
    #[error("The gateway cannot reach the model endpoint.")]
    ModelUnreachable,
    /// The model endpoint redirects, which the gateway does not follow: the key belongs to one address.
    #[error("The model endpoint redirects, and the gateway does not follow.")]
    ModelRedirect,
    /// The model endpoint does not begin its response in time.
    #[error("The model endpoint did not begin its response in time.")]
    ModelTimeout,
    /// A bug in the server.
    #[error("The server failed to process the request. A task in it may have been stored.")]
    Internal,
    /// The server is draining.
    #[error("The server is stopping. Nothing was stored.")]
    Draining,
    /// The store cannot be read or written at present. Nothing was stored.
    #[error("The task store is not available. Nothing was stored.")]
    StoreUnavailable,
    /// The result of the commit is not known. Has no `Retry-After`, which promises that nothing was
    /// stored.
    #[error(
        "The server could not confirm that the task is stored, and it may be. Look it up, or send it again with the same Idempotency-Key."
    )]
    NotConfirmed,
}

/// The code of the problem in a response, for the log.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
}

impl Problem {
    /// The stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::MalformedJson { .. } => "malformed_json",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::InvalidQuery(_) => "invalid_query",
            Self::BadToken(_) => "bad_token",
            // The name that RFC 6750, section 3.1, gives to this error.
            Self::InsufficientScope(_) => "insufficient_scope",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::Misdirected => "misdirected",
            Self::SchemaViolation(_) => "schema_violation",
            Self::CheckTimeout => "check_timeout",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RateLimited { .. } => "rate_limited",
            Self::TooManyWrongTokens { .. } => "too_many_wrong_tokens",
            Self::TooManyConnections => "too_many_connections",
            Self::Overloaded => "overloaded",
            Self::ModelRateLimited { .. } => "model_rate_limited",
            Self::ModelUnreachable => "model_unreachable",
            Self::ModelRedirect => "model_redirect",
            Self::ModelTimeout => "model_timeout",
            Self::Internal => "internal",
            Self::Draining => "draining",
            Self::StoreUnavailable => "store_unavailable",
            Self::NotConfirmed => "not_confirmed",
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
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::SchemaViolation(_) | Self::CheckTimeout | Self::IdempotencyKeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::RateLimited { .. }
            | Self::TooManyWrongTokens { .. }
            | Self::ModelRateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::ModelUnreachable | Self::ModelRedirect => StatusCode::BAD_GATEWAY,
            Self::ModelTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyConnections
            | Self::Overloaded
            | Self::Draining
            | Self::StoreUnavailable
            | Self::NotConfirmed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Seconds after which the same request may succeed, if known. Only for problems after which
    /// nothing is stored: clients take it as permission to send the task again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after }
            | Self::TooManyWrongTokens { retry_after }
            | Self::ModelRateLimited { retry_after, .. } => Some(*retry_after),
            Self::TooManyConnections
            | Self::Overloaded
            | Self::Draining
            | Self::StoreUnavailable => Some(RETRY_SECONDS),
            _ => None,
        }
    }

    /// The body of the response.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(&self) -> Body<'_> {
        let violations = match self {
            Self::SchemaViolation(violations) => Some(violations.as_slice()),
            _ => None,
        };
        let (line, column) = match self {
            Self::MalformedJson { line, column, .. } => (Some(*line), Some(*column)),
            _ => (None, None),
        };
        let scope = match self {
            Self::InsufficientScope(scope) => Some(scope.name()),
            _ => None,
        };
        Body {
            // The code identifies the problem. No page documents it, so there is no URI (RFC 9457,
            // section 4.2.1).
            r#type: "about:blank",
            title: self.status().canonical_reason().unwrap_or("Error"),
            status: self.status().as_u16(),
            detail: self.to_string(),
            code: self.code(),
            violations,
            line,
            column,
            scope,
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
            // RFC 9110, section 15.5.2, requires a challenge with every 401.
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("AgentToken header=\"X-AGENT-TOKEN\""),
            );
        }
        response.extensions_mut().insert(ProblemCode(self.code()));
        response
    }
}

/// Turns error responses of the router, the file service and the panic handler into problems. Those of
/// the model endpoint stay as they are.
pub async fn convert_errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let extensions = response.extensions();
    let is_final =
        extensions.get::<ProblemCode>().is_some() || extensions.get::<Relayed>().is_some();
    if is_final || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        status if status.is_client_error() => {
            Problem::BadRequest(status.canonical_reason().unwrap_or("unknown reason").into())
        }
        _ => Problem::Internal,
    };
    let (parts, _) = response.into_parts();
    let mut converted = problem.into_response();
    converted.extensions_mut().extend(parts.extensions);
    if let Some(allow) = parts.headers.get(ALLOW) {
        converted.headers_mut().insert(ALLOW, allow.clone());
    }
    converted
}

/// A problem of each kind, for tests that must not miss one.
#[cfg(test)]
pub(crate) fn one_of_each() -> Vec<Problem> {
    let all = vec![
        Problem::BadRequest("".into()),
        Problem::MalformedJson {
            reason: String::new(),
            line: 1,
            column: 1,
        },
        Problem::InvalidIdempotencyKey,
        Problem::InvalidQuery("".into()),
        Problem::BadToken(""),
        Problem::InsufficientScope(Scope::Read),
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::Timeout,
        Problem::TooLarge { limit: 1 },
        Problem::UnsupportedMediaType(""),
        Problem::Misdirected,
        Problem::SchemaViolation(Vec::new()),
        Problem::CheckTimeout,
        Problem::IdempotencyKeyReused,
        Problem::RateLimited { retry_after: 1 },
        Problem::TooManyWrongTokens { retry_after: 1 },
        Problem::TooManyConnections,
        Problem::Overloaded,
        Problem::ModelRateLimited {
            unit: "requests",
            retry_after: 1,
        },
        Problem::ModelUnreachable,
        Problem::ModelRedirect,
        Problem::ModelTimeout,
        Problem::Internal,
        Problem::Draining,
        Problem::StoreUnavailable,
        Problem::NotConfirmed,
    ];
    for problem in &all {
        // A new kind does not compile until it is added here and above.
        match problem {
            Problem::BadRequest(_)
            | Problem::MalformedJson { .. }
            | Problem::InvalidIdempotencyKey
            | Problem::InvalidQuery(_)
            | Problem::BadToken(_)
            | Problem::InsufficientScope(_)
            | Problem::NotFound
            | Problem::MethodNotAllowed
            | Problem::Timeout
            | Problem::TooLarge { .. }
            | Problem::UnsupportedMediaType(_)
            | Problem::Misdirected
            | Problem::SchemaViolation(_)
            | Problem::CheckTimeout
            | Problem::IdempotencyKeyReused
            | Problem::RateLimited { .. }
            | Problem::TooManyWrongTokens { .. }
            | Problem::TooManyConnections
            | Problem::Overloaded
            | Problem::ModelRateLimited { .. }
            | Problem::ModelUnreachable
            | Problem::ModelRedirect
            | Problem::ModelTimeout
            | Problem::Internal
            | Problem::Draining
            | Problem::StoreUnavailable
            | Problem::NotConfirmed => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_sent_only_when_nothing_is_stored() {
        for problem in one_of_each() {
            let may_be_stored = matches!(problem, Problem::Internal | Problem::NotConfirmed);
            assert!(!may_be_stored || problem.retry_after().is_none());
            let is_unavailable = problem.status() == StatusCode::SERVICE_UNAVAILABLE;
            assert!(!is_unavailable || may_be_stored || problem.retry_after().is_some());
        }
    }
}
