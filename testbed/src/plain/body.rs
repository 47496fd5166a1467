//! The body of a post, and FastAPI's errors for an invalid one.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// A body that is a JSON object.
#[derive(Debug)]
pub struct TaskBody {
    members: BTreeMap<String, IgnoredAny>,
    /// The object; null if it does not fit a [`Value`], for instance because of a number like `1e999`.
    value: Value,
}

/// Why a body is refused.
#[derive(Debug)]
pub enum BodyError {
    /// It is not UTF-8. FastAPI responds with 400, not with 422.
    Undecodable,
    /// It is invalid. This is an item of the `detail` of FastAPI's 422, with `type`, `loc`, `msg` and
    /// `input`.
    Unprocessable(Value),
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Undecodable => (
                StatusCode::BAD_REQUEST,
                json!("There was an error parsing the body"),
            ),
            Self::Unprocessable(item) => (StatusCode::UNPROCESSABLE_ENTITY, json!([item])),
        };
        (status, Json(json!({ "detail": detail }))).into_response()
    }
}

impl TaskBody {
    /// Parses a body.
    ///
    /// # Errors
    /// When it is not declared as JSON, is not JSON, or is not an object.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, BodyError> {
        let not_an_object = |input: Value| {
            BodyError::Unprocessable(json!({
                "type": "dict_type",
                "loc": ["body"],
                "msg": "Input should be a valid dictionary",
                "input": input,
            }))
        };
        if std::str::from_utf8(body).is_err() {
            return Err(BodyError::Undecodable);
        }
        // Without a JSON content type, FastAPI treats the body as a string.
        if !declares_json(headers) {
            return Err(not_an_object(Value::from(String::from_utf8_lossy(body))));
        }
        match serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body) {
            Ok(members) => Ok(Self {
                members,
                value: serde_json::from_slice(body).unwrap_or_default(),
            }),
            Err(error) if error.is_data() => Err(not_an_object(
                serde_json::from_slice(body).unwrap_or_default(),
            )),
            Err(error) => Err(BodyError::Unprocessable(json!({
                "type": "json_invalid",
                "loc": ["body", error.column()],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": error.to_string()},
            }))),
        }
    }

    /// Requires a member.
    ///
    /// # Errors
    /// When it is missing.
    pub fn requires(&self, member: &str) -> Result<(), BodyError> {
        if self.members.contains_key(member) {
            return Ok(());
        }
        Err(BodyError::Unprocessable(json!({
            "type": "missing",
            "loc": ["body", member],
            "msg": "Field required",
            "input": self.value,
        })))
    }

    /// Forbids a member.
    ///
    /// # Errors
    /// When it is present.
    pub fn forbids(&self, member: &str) -> Result<(), BodyError> {
        if !self.members.contains_key(member) {
            return Ok(());
        }
        Err(BodyError::Unprocessable(json!({
            "type": "extra_forbidden",
            "loc": ["body", member],
            "msg": "Extra inputs are not permitted",
            "input": self.value.get(member),
        })))
    }

    /// Whether the body has this text anywhere.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.value.to_string().contains(text)
    }

    /// The title of the task, or an empty string.
    #[must_use]
    pub fn title(&self) -> &str {
        self.value
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Whether the content type is JSON, or has the suffix `+json` (RFC 6839). FastAPI also accepts a
/// request without a content type.
fn declares_json(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let declared = declared.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
