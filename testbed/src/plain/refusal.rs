//! Responses that say no, in the forms that frameworks give them.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The form of a refusal of the member `title`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// RFC 9457, with a pointer for each error.
    Problem,
    /// JSON:API.
    JsonApi,
    /// A map from fields to messages, as Rails sends it.
    Rails,
    /// express-validator.
    Validator,
    /// Zod.
    Zod,
}

/// The form of a 2xx that reports a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// An error object.
    Error,
    /// A failure inside another object.
    Nested,
    /// Plain text.
    Text,
}

const MESSAGE: &str = "is too long";

impl Refusal {
    /// Parses the name of a form.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "problem" => Self::Problem,
            "jsonapi" => Self::JsonApi,
            "rails" => Self::Rails,
            "validator" => Self::Validator,
            "zod" => Self::Zod,
            _ => return None,
        })
    }

    /// The response. Frameworks differ in the status, too.
    #[must_use]
    pub fn response(self) -> Response {
        let (status, content_type, body): (_, _, Value) = match self {
            Self::Problem => (
                422,
                "application/problem+json",
                json!({
                    "type": "https://tasks.example/problems/invalid",
                    "title": "The task is not valid",
                    "status": 422,
                    "errors": [{"detail": MESSAGE, "pointer": "#/title"}],
                }),
            ),
            Self::JsonApi => (
                422,
                "application/vnd.api+json",
                json!({"errors": [{
                    "status": "422",
                    "title": "Invalid attribute",
                    "detail": MESSAGE,
                    "source": {"pointer": "/data/attributes/title"},
                }]}),
            ),
            Self::Rails => (
                422,
                "application/json",
                json!({"errors": {"title": [MESSAGE]}}),
            ),
            Self::Validator => (
                400,
                "application/json",
                json!({"errors": [{
                    "type": "field", "value": "t", "msg": MESSAGE, "path": "title", "location": "body",
                }]}),
            ),
            Self::Zod => (
                400,
                "application/json",
                json!({"success": false, "error": {"name": "ZodError", "issues": [{
                    "origin": "string", "code": "too_big", "maximum": 3, "path": ["title"],
                    "message": MESSAGE,
                }]}}),
            ),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, [(CONTENT_TYPE, content_type)], body.to_string()).into_response()
    }
}

impl Contradiction {
    /// Parses the name of a form.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::Error,
            "nested" => Self::Nested,
            "text" => Self::Text,
            _ => return None,
        })
    }

    /// The response.
    #[must_use]
    pub fn response(self) -> Response {
        match self {
            Self::Error => Json(json!({"error": {"message": "The queue is full"}})).into_response(),
            Self::Nested => Json(json!({"data": {"createTask": {
                "success": false, "message": "The queue is full",
            }}}))
            .into_response(),
            Self::Text => "ERROR: The queue is full".into_response(),
        }
    }
}
