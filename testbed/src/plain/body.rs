//! A task as a plain server reads it, and FastAPI's words where it does not want it.

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
    /// The values, as far as they fit in a [`Value`]: a number such as `1e999` does not.
    value: Value,
}

/// Why a body is not taken.
#[derive(Debug)]
pub enum Refused {
    /// It is not UTF-8, which FastAPI answers with 400 rather than with 422.
    Undecodable,
    /// It is not what is wanted: an item of the `detail` of FastAPI's 422, with `type`, `loc`,
    /// `msg` and `input`.
    Unprocessable(Value),
}

impl IntoResponse for Refused {
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
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not declared as JSON, is no JSON, or is no object.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refused> {
        let no_object = |input: Value| {
            Refused::Unprocessable(json!({
                "type": "dict_type",
                "loc": ["body"],
                "msg": "Input should be a valid dictionary",
                "input": input,
            }))
        };
        if std::str::from_utf8(body).is_err() {
            return Err(Refused::Undecodable);
        }
        // Without the declaration FastAPI hands the body on as a string.
        if !declares_json(headers) {
            return Err(no_object(Value::from(String::from_utf8_lossy(body))));
        }
        match serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(body) {
            Ok(members) => Ok(Self {
                members,
                value: serde_json::from_slice(body).unwrap_or_default(),
            }),
            Err(error) if error.is_data() => {
                Err(no_object(serde_json::from_slice(body).unwrap_or_default()))
            }
            Err(error) => Err(Refused::Unprocessable(json!({
                "type": "json_invalid",
                "loc": ["body", error.column()],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": error.to_string()},
            }))),
        }
    }

    /// Asks for a member.
    ///
    /// # Errors
    /// When it is not there.
    pub fn requires(&self, member: &str) -> Result<(), Refused> {
        if self.members.contains_key(member) {
            return Ok(());
        }
        Err(Refused::Unprocessable(json!({
            "type": "missing",
            "loc": ["body", member],
            "msg": "Field required",
            "input": self.value,
        })))
    }

    /// Asks for a member not to be there.
    ///
    /// # Errors
    /// When it is.
    pub fn forbids(&self, member: &str) -> Result<(), Refused> {
        if !self.members.contains_key(member) {
            return Ok(());
        }
        Err(Refused::Unprocessable(json!({
            "type": "extra_forbidden",
            "loc": ["body", member],
            "msg": "Extra inputs are not permitted",
            "input": self.value.get(member),
        })))
    }

    /// The task's title; empty when it has none.
    #[must_use]
    pub fn title(&self) -> &str {
        self.value
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Whether the headers declare JSON, with or without a structured suffix (RFC 6839). FastAPI takes
/// a request without a declaration for JSON too.
fn declares_json(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(CONTENT_TYPE) else {
        return true;
    };
    let declared = declared.to_str().unwrap_or_default().to_ascii_lowercase();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
