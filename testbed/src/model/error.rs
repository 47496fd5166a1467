//! Errors of an OpenAI-compatible endpoint.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;

use crate::script::SelectionError;

/// An error response: `{"error": {"message", "type", "param", "code"}}`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// The parameter at fault.
    pub param: Option<String>,
    /// A stable code for the error.
    pub code: Option<String>,
}

impl ApiError {
    /// A 400 about a parameter.
    #[must_use]
    pub fn parameter(param: &str, code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            param: Some(param.to_owned()),
            code: Some(code.to_owned()),
        }
    }

    /// An error about the whole request.
    #[must_use]
    pub fn request(status: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            param: None,
            code: code.map(str::to_owned),
        }
    }
}

impl From<SelectionError> for ApiError {
    fn from(error: SelectionError) -> Self {
        let status = match error {
            SelectionError::NotScripted(_) => 404,
            SelectionError::UnknownParameter(_) | SelectionError::BadValue { .. } => 400,
        };
        Self {
            status,
            message: error.to_string(),
            param: Some("model".to_owned()),
            code: Some(error.code().to_owned()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = json!({"error": {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        }});
        (status, Json(body)).into_response()
    }
}
