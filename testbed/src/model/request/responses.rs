//! A request to `POST /v1/responses`.

use serde_json::{Map, Value};

use super::members::{self, at_least, boolean, check_range, missing, wrong_type};
use super::{Api, Format, ModelRequest};
use crate::model::error::ApiError;

/// The parameters in the API reference. Others are refused, including those of Chat Completions that
/// have another name here.
const PARAMETERS: &[&str] = &[
    "background",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Parameters that need stored responses, which scripts do not support.
const UNSUPPORTED: &[&str] = &["conversation", "previous_response_id", "prompt"];

/// The roles that a message may have.
const ROLES: &[&str] = &["assistant", "developer", "system", "user"];

/// The minimum of `max_output_tokens` on the public service.
const MIN_OUTPUT_TOKENS: u64 = 16;

/// Parses a request body.
pub(super) fn read(body: &Value) -> Result<ModelRequest, ApiError> {
    let body = members::of_body(body, PARAMETERS)?;
    let model = members::model(body)?;
    let input = read_input(body)?;
    let instructions = match body.get("instructions") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(("system".to_owned(), text.clone())),
        Some(_) => return Err(wrong_type("instructions", "a string")),
    };
    let stream = boolean(body, "stream", "stream")?.unwrap_or(false);
    let include_obfuscation = read_stream_options(body, stream)?;
    let token_limit = at_least(body, "max_output_tokens", MIN_OUTPUT_TOKENS)?;
    check_range(body, "temperature", 0.0, 2.0)?;
    check_range(body, "top_p", 0.0, 1.0)?;
    let store = boolean(body, "store", "store")?.unwrap_or(true);
    let unsupported = UNSUPPORTED
        .iter()
        .find(|name| body.get(**name).is_some_and(|value| !value.is_null()));
    let background = boolean(body, "background", "background")?.unwrap_or(false);
    if let Some(name) = unsupported.or(background.then_some(&"background")) {
        return Err(ApiError::parameter(
            name,
            "unsupported_value",
            format!("'{name}' is not supported: no response is stored."),
        ));
    }
    let format = read_format(body, &input)?;
    Ok(ModelRequest {
        api: Api::Responses,
        model,
        messages: instructions.into_iter().chain(input).collect(),
        stream,
        include_usage: true,
        include_obfuscation,
        store,
        token_limit,
        format,
    })
}

/// The role and the text of each input message. A string is a single message.
fn read_input(body: &Map<String, Value>) -> Result<Vec<(String, String)>, ApiError> {
    let items = match body.get("input") {
        None | Some(Value::Null) => return Err(missing("input")),
        Some(Value::String(text)) => return Ok(vec![("user".to_owned(), text.clone())]),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(wrong_type("input", "a string or an array of input items")),
    };
    if items.is_empty() {
        return Err(ApiError::parameter(
            "input",
            "empty_array",
            "Invalid 'input': empty array. Expected an array with at least one item.",
        ));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| read_message(item, &format!("input[{index}]")))
        .collect()
}

/// An input item in the parameter `param`.
fn read_message(item: &Value, param: &str) -> Result<(String, String), ApiError> {
    let member = |name: &str| format!("{param}.{name}");
    match item.get("type") {
        None => {}
        Some(Value::String(kind)) if kind == "message" => {}
        Some(_) => {
            return Err(ApiError::parameter(
                &member("type"),
                "invalid_value",
                "Invalid value: only items of type 'message' are supported.",
            ));
        }
    }
    let role = match item.get("role") {
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => role,
        None => return Err(missing(&member("role"))),
        Some(_) => {
            return Err(ApiError::parameter(
                &member("role"),
                "invalid_value",
                format!("Invalid value: expected one of {}.", ROLES.join(", ")),
            ));
        }
    };
    // Text of the model has the type of output, and other text that of input.
    let part_type = if role == "assistant" {
        "output_text"
    } else {
        "input_text"
    };
    let text = match item.get("content") {
        None => return Err(missing(&member("content"))),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Option<Vec<&str>> = parts
                .iter()
                .map(|part| {
                    let kind = part.get("type").and_then(Value::as_str)?;
                    let text = part.get("text").and_then(Value::as_str)?;
                    (kind == part_type).then_some(text)
                })
                .collect();
            let Some(texts) = texts else {
                return Err(ApiError::parameter(
                    &member("content"),
                    "invalid_value",
                    format!("Invalid value: expected text parts of type '{part_type}'."),
                ));
            };
            texts.join("\n")
        }
        Some(_) => {
            return Err(wrong_type(
                &member("content"),
                "a string or an array of parts",
            ));
        }
    };
    Ok((role.clone(), text))
}

/// Whether the stream may contain padding.
fn read_stream_options(body: &Map<String, Value>, stream: bool) -> Result<bool, ApiError> {
    let options = match body.get("stream_options") {
        None | Some(Value::Null) => return Ok(true),
        Some(_) if !stream => {
            return Err(ApiError::parameter(
                "stream_options",
                "invalid_value",
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            ));
        }
        Some(Value::Object(options)) => options,
        Some(_) => return Err(wrong_type("stream_options", "an object")),
    };
    let padding = "include_obfuscation";
    if let Some(unknown) = options.keys().find(|name| *name != padding) {
        let param = format!("stream_options.{unknown}");
        let message = format!("Unknown parameter: '{param}'.");
        return Err(ApiError::parameter(&param, "unknown_parameter", message));
    }
    Ok(boolean(options, padding, "stream_options.include_obfuscation")?.unwrap_or(true))
}

fn read_format(body: &Map<String, Value>, input: &[(String, String)]) -> Result<Format, ApiError> {
    let text = match body.get("text") {
        None | Some(Value::Null) => return Ok(Format::Text),
        Some(Value::Object(text)) => text,
        Some(_) => return Err(wrong_type("text", "an object")),
    };
    if let Some(unknown) = text
        .keys()
        .find(|name| !["format", "verbosity"].contains(&name.as_str()))
    {
        let param = format!("text.{unknown}");
        let message = format!("Unknown parameter: '{param}'.");
        return Err(ApiError::parameter(&param, "unknown_parameter", message));
    }
    let parameter = Api::Responses.format_parameter();
    match members::format_type(text.get("format"), parameter)? {
        // The instructions are not input messages, so they do not count.
        Some(("json_object", _)) => members::json_object(
            input,
            "Response input messages must contain the word 'json' in some form to use \
             'text.format' of type 'json_object'.",
        ),
        Some(("json_schema", members)) => {
            members::json_schema(members, parameter, Api::Responses.schema_parameter())
        }
        _ => Ok(Format::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A valid request with these members added.
    fn with(members: Value) -> Value {
        let mut body = json!({"model": "m", "input": "x"});
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    fn with_format(format: Value) -> Value {
        with(json!({"text": {"format": format}}))
    }

    #[test]
    fn an_invalid_request_is_refused_with_the_parameter_at_fault() {
        let strict = |schema: Value| json!({"type": "json_schema", "name": "tasks", "strict": true, "schema": schema});
        for (body, param) in [
            (json!("x"), None),
            (json!({"input": "x"}), Some("model")),
            (json!({"model": "m"}), Some("input")),
            (with(json!({"messages": []})), Some("messages")),
            (
                with(json!({"response_format": {}})),
                Some("response_format"),
            ),
            (
                with(json!({"max_completion_tokens": 20})),
                Some("max_completion_tokens"),
            ),
            (
                with(json!({"max_output_tokens": 15})),
                Some("max_output_tokens"),
            ),
            (
                with(json!({"max_output_tokens": 16.5})),
                Some("max_output_tokens"),
            ),
            (with(json!({"temperature": 3})), Some("temperature")),
            (with(json!({"instructions": ["x"]})), Some("instructions")),
            (with(json!({"store": "no"})), Some("store")),
            (with(json!({"stream": 1})), Some("stream")),
            (with(json!({"stream_options": {}})), Some("stream_options")),
            (
                with(json!({"stream": true, "stream_options": {"include_usage": true}})),
                Some("stream_options.include_usage"),
            ),
            (with(json!({"background": true})), Some("background")),
            (
                with(json!({"previous_response_id": "resp_1"})),
                Some("previous_response_id"),
            ),
            (with(json!({"input": []})), Some("input")),
            (with(json!({"input": 3})), Some("input")),
            (
                with(json!({"input": [{"content": "x"}]})),
                Some("input[0].role"),
            ),
            (
                with(json!({"input": [{"role": "tool", "content": "x"}]})),
                Some("input[0].role"),
            ),
            (
                with(json!({"input": [{"role": "user"}]})),
                Some("input[0].content"),
            ),
            (
                with(json!({"input": [{"role": "user", "content": 3}]})),
                Some("input[0].content"),
            ),
            (
                with(json!({"input": [
                    {"role": "user", "content": [{"type": "text", "text": "x"}]}]})),
                Some("input[0].content"),
            ),
            (
                with(json!({"input": [
                    {"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]})),
                Some("input[0].content"),
            ),
            (
                with(json!({"input": [{"type": "item_reference", "id": "msg_1"}]})),
                Some("input[0].type"),
            ),
            (with(json!({"text": "json"})), Some("text")),
            (
                with(json!({"text": {"type": "json_object"}})),
                Some("text.type"),
            ),
            (
                with_format(json!({"type": "yaml"})),
                Some("text.format.type"),
            ),
            (with_format(json!({"type": "json_object"})), None),
            (
                with_format(json!({"type": "json_schema", "json_schema": {}})),
                Some("text.format.name"),
            ),
            (
                with_format(json!({"type": "json_schema", "name": "my tasks", "schema": {}})),
                Some("text.format.name"),
            ),
            (
                with_format(json!({"type": "json_schema", "name": "tasks"})),
                Some("text.format.schema"),
            ),
            (
                with_format(strict(json!({"type": "object"}))),
                Some("text.format.schema"),
            ),
        ] {
            let error = read(&body).unwrap_err();
            assert_eq!(error.status, 400, "{body}");
            assert_eq!(error.param.as_deref(), param, "{body}");
        }
    }

    #[test]
    fn a_request_is_parsed_with_defaults() {
        let request = read(&json!({
            "model": "scripted",
            "instructions": "Plan.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "as JSON"}]},
                {"type": "message", "role": "assistant", "content": "{}"},
            ],
            "text": {"format": {"type": "json_object"}},
            "max_output_tokens": 16,
        }))
        .unwrap();
        let message = |role: &str, text: &str| (role.to_owned(), text.to_owned());
        assert_eq!(
            request.messages,
            [
                message("system", "Plan."),
                message("user", "as JSON"),
                message("assistant", "{}")
            ]
        );
        assert_eq!(request.format, Format::JsonObject);
        assert_eq!(request.token_limit, Some(16));
        assert!(request.store && request.include_obfuscation && !request.stream);
    }

    #[test]
    fn json_must_be_mentioned_in_the_input_not_in_the_instructions() {
        let mut body = with_format(json!({"type": "json_object"}));
        body["instructions"] = json!("Answer in JSON.");
        assert!(read(&body).is_err());
        body["input"] = json!("Answer in JSON.");
        assert!(read(&body).is_ok());
    }
}
