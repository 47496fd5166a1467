//! Parsing of the members that both APIs share. Errors are those of the public service.

use serde_json::{Map, Value};

use super::Format;
use crate::model::error::ApiError;
use crate::model::strict_rules;

/// The members of a request body.
///
/// # Errors
/// When the body is not an object, or has a member that is not in `known`.
pub(super) fn of_body<'a>(
    body: &'a Value,
    known: &[&str],
) -> Result<&'a Map<String, Value>, ApiError> {
    let Value::Object(body) = body else {
        return Err(ApiError::request(
            400,
            None,
            "The body of the request must be a JSON object.",
        ));
    };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(body),
        Some(unknown) => Err(ApiError::parameter(
            unknown,
            "unknown_parameter",
            format!("Unknown parameter: '{unknown}'."),
        )),
    }
}

/// The model name.
pub(super) fn model(body: &Map<String, Value>) -> Result<String, ApiError> {
    match body.get("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(model.clone()),
        None | Some(Value::Null) => Err(missing("model")),
        Some(_) => Err(wrong_type("model", "a string")),
    }
}

/// The error for a missing parameter.
pub(super) fn missing(param: &str) -> ApiError {
    ApiError::parameter(
        param,
        "missing_required_parameter",
        format!("Missing required parameter: '{param}'."),
    )
}

/// The error for a parameter of the wrong type.
pub(super) fn wrong_type(param: &str, expected: &str) -> ApiError {
    ApiError::parameter(
        param,
        "invalid_type",
        format!("Invalid type for '{param}': expected {expected}."),
    )
}

/// An optional boolean.
pub(super) fn boolean(
    object: &Map<String, Value>,
    name: &str,
    param: &str,
) -> Result<Option<bool>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(wrong_type(param, "a boolean")),
    }
}

/// An optional integer of at least `min`.
pub(super) fn at_least(
    object: &Map<String, Value>,
    name: &str,
    min: u64,
) -> Result<Option<u64>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) if number >= min => Ok(Some(number)),
            Some(number) => Err(ApiError::parameter(
                name,
                "integer_below_min_value",
                format!("Invalid '{name}': expected a value of at least {min}, but got {number}."),
            )),
            None => Err(wrong_type(name, "an integer")),
        },
    }
}

/// Checks an optional number against a range.
pub(super) fn check_range(
    object: &Map<String, Value>,
    name: &str,
    min: f64,
    max: f64,
) -> Result<(), ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(value) => match value.as_f64() {
            Some(number) if number >= min && number <= max => Ok(()),
            Some(_) => Err(ApiError::parameter(
                name,
                "decimal_out_of_range",
                format!("Invalid '{name}': expected a value from {min} to {max}."),
            )),
            None => Err(wrong_type(name, "a number")),
        },
    }
}

/// The type of a response format, and the object with its members.
type TypedFormat<'a> = (&'a str, &'a Map<String, Value>);

/// The optional response format in the parameter `param`.
pub(super) fn format_type<'a>(
    format: Option<&'a Value>,
    param: &str,
) -> Result<Option<TypedFormat<'a>>, ApiError> {
    let format = match format {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(format)) => format,
        Some(_) => return Err(wrong_type(param, "an object")),
    };
    match format.get("type").and_then(Value::as_str) {
        Some(kind @ ("text" | "json_object" | "json_schema")) => Ok(Some((kind, format))),
        _ => Err(ApiError::parameter(
            &format!("{param}.type"),
            "invalid_value",
            "Invalid value: expected one of json_object, json_schema, text.",
        )),
    }
}

/// The format `json_object`. The public service refuses it if no message mentions JSON, because such
/// a model may generate whitespace until its limit. `error` is that refusal.
pub(super) fn json_object(messages: &[(String, String)], error: &str) -> Result<Format, ApiError> {
    let mentioned = messages
        .iter()
        .any(|(_, text)| text.to_ascii_lowercase().contains("json"));
    if mentioned {
        Ok(Format::JsonObject)
    } else {
        Err(ApiError::request(400, None, error))
    }
}

/// The format `json_schema`. `param` is the parameter with its members; errors in a strict schema name
/// the parameter `schema_param`.
pub(super) fn json_schema(
    members: &Map<String, Value>,
    param: &str,
    schema_param: &str,
) -> Result<Format, ApiError> {
    let member = |name: &str| format!("{param}.{name}");
    let name = match members.get("name") {
        Some(Value::String(name)) => name,
        None => return Err(missing(&member("name"))),
        Some(_) => return Err(wrong_type(&member("name"), "a string")),
    };
    let fits = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        let param = member("name");
        let message = format!("Invalid '{param}': at most 64 letters, digits, '_' and '-'.");
        return Err(ApiError::parameter(&param, "invalid_value", message));
    }
    let schema = match members.get("schema") {
        Some(schema @ Value::Object(_)) => schema,
        None => return Err(missing(&member("schema"))),
        Some(_) => return Err(wrong_type(&member("schema"), "an object")),
    };
    if boolean(members, "strict", &member("strict"))?.unwrap_or(false) {
        strict_rules::check(schema).map_err(|broken| {
            ApiError::parameter(
                schema_param,
                "invalid_json_schema",
                format!("Invalid schema for response_format '{name}': {broken}"),
            )
        })?;
    }
    Ok(Format::JsonSchema(schema.clone()))
}
