//! Reads error objects in all the forms that endpoints send.
//!
//! The documented form is `{"error":{"message","type","param","code"}}`. In llama.cpp, `code` is a
//! number; some gateways send `error` as a string; and proxies in front of an endpoint have other
//! forms (`{"detail":…}`, `{"message":…}`).

use serde_json::{Map, Value};

use super::MAX_MESSAGE_BYTES;
use super::finish::stands_for_nothing;
use crate::text::truncate_bytes;

/// An error object, read leniently.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The endpoint's error code; a number as its digits.
    pub code: Option<String>,
    /// Its `type`, unless that is just `error`.
    pub kind: Option<String>,
    /// The message, truncated to [`MAX_MESSAGE_BYTES`].
    pub message: Option<String>,
    /// The request parameter that it objects to.
    pub parameter: Option<String>,
}

impl ErrorBody {
    /// Finds the error in a complete response body. Anything that looks like an error message counts.
    /// `None` if the body reports no error.
    #[must_use]
    pub fn find(value: &Value) -> Option<ErrorBody> {
        // Google's gateway wraps its error in an array of one.
        let value = value.get(0).unwrap_or(value);
        let object = value.as_object()?;
        ErrorBody::find_in_event(value).or_else(|| {
            if let Some(detail) = object.get("detail") {
                return Some(ErrorBody::of_detail(detail));
            }
            let message = object.get("message")?;
            message.is_string().then(|| ErrorBody::of_object(object))
        })
    }

    /// Finds the error in one event of a stream. Only what is named an error counts.
    #[must_use]
    pub fn find_in_event(value: &Value) -> Option<ErrorBody> {
        let object = value.as_object()?;
        match object.get("error") {
            Some(Value::Null) | None => {}
            Some(error) => return ErrorBody::of_error(error, object),
        }
        let named = |member: &str| object.get(member).and_then(Value::as_str) == Some("error");
        (named("object") || named("type")).then(|| ErrorBody::of_object(object))
    }

    /// Reads an event named `error`, whatever it contains.
    #[must_use]
    pub fn of_event(value: &Value) -> ErrorBody {
        match value {
            Value::Object(object) => ErrorBody::of_object(object),
            other => ErrorBody {
                message: Some(truncate_bytes(
                    other.as_str().unwrap_or(&other.to_string()),
                    MAX_MESSAGE_BYTES,
                )),
                ..ErrorBody::default()
            },
        }
    }

    /// Reads the value of the `error` member of `parent`.
    #[must_use]
    fn of_error(error: &Value, parent: &Map<String, Value>) -> Option<ErrorBody> {
        match error {
            Value::Object(object) => Some(ErrorBody::of_object(object)),
            // Some endpoints write the absence of an error as text.
            Value::String(text) if stands_for_nothing(text) => None,
            Value::String(text) => {
                let mut body = ErrorBody::of_object(parent);
                body.message = Some(truncate_bytes(text, MAX_MESSAGE_BYTES));
                Some(body)
            }
            Value::Bool(false) => None,
            _ => Some(ErrorBody::of_object(parent)),
        }
    }

    /// Reads the members of an error object.
    #[must_use]
    pub fn of_object(object: &Map<String, Value>) -> ErrorBody {
        let scalar = |name: &str| match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(truncate_bytes(text, 200)),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let message = match object.get("message") {
            Some(Value::String(text)) => Some(truncate_bytes(text, MAX_MESSAGE_BYTES)),
            Some(Value::Null) | None => None,
            Some(other) => Some(truncate_bytes(&other.to_string(), MAX_MESSAGE_BYTES)),
        };
        ErrorBody {
            code: scalar("code"),
            kind: scalar("type").filter(|kind| kind != "error"),
            message,
            parameter: scalar("param"),
        }
    }

    /// FastAPI: `{"detail":"…"}` or `{"detail":[{"loc":["body","model"],"msg":"…"}]}`.
    fn of_detail(detail: &Value) -> ErrorBody {
        let first = match detail {
            Value::Array(items) => items.first().unwrap_or(detail),
            other => other,
        };
        let parameter = first.get("loc").and_then(Value::as_array).map(|parts| {
            let names: Vec<String> = parts
                .iter()
                .filter(|part| part.as_str() != Some("body"))
                .map(|part| {
                    part.as_str()
                        .map_or_else(|| part.to_string(), str::to_owned)
                })
                .collect();
            truncate_bytes(&names.join("."), 200)
        });
        let message = first
            .get("msg")
            .or_else(|| first.get("message"))
            .unwrap_or(first);
        let message = message
            .as_str()
            .map_or_else(|| message.to_string(), str::to_owned);
        ErrorBody {
            code: None,
            kind: None,
            message: Some(truncate_bytes(&message, MAX_MESSAGE_BYTES)),
            parameter: parameter.filter(|name| !name.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(
        value: Value,
    ) -> (
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    ) {
        let body = ErrorBody::find(&value).unwrap_or_else(|| panic!("no error in {value}"));
        (body.code, body.kind, body.message, body.parameter)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_forms_of_known_endpoints_are_understood() {
        let table = [
            (
                json!({"error": {"message": "m", "type": "t", "param": "model", "code": "c"}}),
                (some("c"), some("t"), some("m"), some("model")),
            ),
            (
                json!({"error": {"code": 500, "message": "m", "type": "server_error"}}),
                (some("500"), some("server_error"), some("m"), None),
            ),
            (
                json!({"error": {"message": "m", "type": "t", "param": null, "code": null}}),
                (None, some("t"), some("m"), None),
            ),
            (json!({"error": "m"}), (None, None, some("m"), None)),
            (
                json!({"type": "error", "code": "c", "message": "m", "param": null}),
                (some("c"), None, some("m"), None),
            ),
            (
                json!({"object": "error", "message": "m", "code": 40303}),
                (some("40303"), None, some("m"), None),
            ),
            (
                json!({"detail": "Not Found"}),
                (None, None, some("Not Found"), None),
            ),
            (
                json!({"detail": [{"loc": ["body", "messages", 0], "msg": "m", "type": "x"}]}),
                (None, None, some("m"), some("messages.0")),
            ),
            (
                json!([{"error": {"code": 429, "message": "m", "status": "X"}}]),
                (some("429"), None, some("m"), None),
            ),
            (json!({"message": "m"}), (None, None, some("m"), None)),
            (json!({"error": {}}), (None, None, None, None)),
            (
                json!({"error": {"message": {"a": 1}}}),
                (None, None, some("{\"a\":1}"), None),
            ),
        ];
        for (value, expected) in table {
            assert_eq!(found(value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn other_bodies_and_events_are_not_errors() {
        let status = json!({"type": "status", "message": "warming up"});
        assert_eq!(ErrorBody::find_in_event(&status), None);
        for value in [
            json!({"error": null, "choices": []}),
            json!({"choices": [{"message": {"content": "x"}}]}),
            json!({"error": false}),
            json!("error"),
            json!(null),
            json!([]),
        ] {
            assert_eq!(ErrorBody::find(&value), None, "{value}");
        }
    }
}
