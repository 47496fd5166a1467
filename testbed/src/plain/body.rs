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

/// A reason to answer 422, in the shape of FastAPI (`{"detail": [{"type", "loc", "msg", "input"}]}`).
#[derive(Debug)]
pub struct Unprocessable {
    kind: &'static str,
    location: Vec<Value>,
    message: &'static str,
    input: Value,
    context: Option<Value>,
}

impl IntoResponse for Unprocessable {
    fn into_response(self) -> Response {
        let mut detail = json!({
            "type": self.kind,
            "loc": self.location,
            "msg": self.message,
            "input": self.input,
        });
        if let (Some(fields), Some(context)) = (detail.as_object_mut(), self.context) {
            fields.insert("ctx".to_owned(), context);
        }
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({"detail": [detail]})),
        )
            .into_response()
    }
}

impl TaskBody {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not declared as JSON, is no JSON, or is no object.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Unprocessable> {
        let no_object = |input: Value| Unprocessable {
            kind: "dict_type",
            location: vec![json!("body")],
            message: "Input should be a valid dictionary",
            input,
            context: None,
        };
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
            Err(error) => Err(Unprocessable {
                kind: "json_invalid",
                location: vec![json!("body"), json!(error.column())],
                message: "JSON decode error",
                input: json!({}),
                context: Some(json!({"error": error.to_string()})),
            }),
        }
    }

    /// Asks for a member.
    ///
    /// # Errors
    /// When it is not there.
    pub fn requires(&self, member: &str) -> Result<(), Unprocessable> {
        if self.members.contains_key(member) {
            return Ok(());
        }
        Err(Unprocessable {
            kind: "missing",
            location: vec![json!("body"), json!(member)],
            message: "Field required",
            input: self.value.clone(),
            context: None,
        })
    }

    /// Asks for a member not to be there.
    ///
    /// # Errors
    /// When it is.
    pub fn forbids(&self, member: &str) -> Result<(), Unprocessable> {
        if !self.members.contains_key(member) {
            return Ok(());
        }
        Err(Unprocessable {
            kind: "extra_forbidden",
            location: vec![json!("body"), json!(member)],
            message: "Extra inputs are not permitted",
            input: self.value.get(member).cloned().unwrap_or_default(),
            context: None,
        })
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
