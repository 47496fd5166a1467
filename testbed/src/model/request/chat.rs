//! A request to `POST /v1/chat/completions`.

use serde_json::{Map, Value};

use super::members::{self, at_least, boolean, check_range, missing, wrong_type};
use super::{Api, Format, ModelRequest};
use crate::model::error::ApiError;

/// The parameters in the API reference. Others are refused.
const PARAMETERS: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// The roles that a message may have.
const ROLES: &[&str] = &[
    "assistant",
    "developer",
    "function",
    "system",
    "tool",
    "user",
];

/// Parses a request body.
pub(super) fn read(body: &Value) -> Result<ModelRequest, ApiError> {
    let body = members::of_body(body, PARAMETERS)?;
    let model = members::model(body)?;
    let messages = read_messages(body)?;
    let stream = boolean(body, "stream", "stream")?.unwrap_or(false);
    let (include_usage, include_obfuscation) = read_stream_options(body, stream)?;
    let token_limit = match at_least(body, "max_completion_tokens", 1)? {
        Some(limit) => Some(limit),
        None => at_least(body, "max_tokens", 1)?,
    };
    if at_least(body, "n", 1)?.is_some_and(|choices| choices != 1) {
        return Err(ApiError::parameter(
            "n",
            "unsupported_value",
            "Only one choice is supported.",
        ));
    }
    check_range(body, "temperature", 0.0, 2.0)?;
    check_range(body, "top_p", 0.0, 1.0)?;
    let store = boolean(body, "store", "store")?.unwrap_or(false);
    let format = read_format(body, &messages)?;
    Ok(ModelRequest {
        api: Api::ChatCompletions,
        model,
        messages,
        stream,
        include_usage,
        include_obfuscation,
        store,
        token_limit,
        format,
    })
}

fn read_messages(body: &Map<String, Value>) -> Result<Vec<(String, String)>, ApiError> {
    let messages = match body.get("messages") {
        None | Some(Value::Null) => return Err(missing("messages")),
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err(wrong_type("messages", "an array of messages")),
    };
    if messages.is_empty() {
        return Err(ApiError::parameter(
            "messages",
            "empty_array",
            "Invalid 'messages': empty array. Expected an array with at least one message.",
        ));
    }
    messages
        .iter()
        .enumerate()
        .map(|(index, message)| {
            let role = match message.get("role") {
                Some(Value::String(role)) if ROLES.contains(&role.as_str()) => role.clone(),
                None => return Err(missing(&format!("messages[{index}].role"))),
                Some(_) => {
                    return Err(ApiError::parameter(
                        &format!("messages[{index}].role"),
                        "invalid_value",
                        format!("Invalid value: expected one of {}.", ROLES.join(", ")),
                    ));
                }
            };
            let text = message_text(message.get("content")).ok_or_else(|| {
                wrong_type(
                    &format!("messages[{index}].content"),
                    "a string or an array of text parts",
                )
            })?;
            Ok((role, text))
        })
        .collect()
}

/// The text of a message: a string or an array of parts.
fn message_text(content: Option<&Value>) -> Option<String> {
    match content? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts
            .iter()
            .map(|part| part.get("text").and_then(Value::as_str))
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.join("\n")),
        _ => None,
    }
}

fn read_stream_options(body: &Map<String, Value>, stream: bool) -> Result<(bool, bool), ApiError> {
    match body.get("stream_options") {
        None | Some(Value::Null) => Ok((false, true)),
        Some(_) if !stream => Err(ApiError::parameter(
            "stream_options",
            "invalid_value",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        )),
        Some(Value::Object(options)) => Ok((
            boolean(options, "include_usage", "stream_options.include_usage")?.unwrap_or(false),
            boolean(
                options,
                "include_obfuscation",
                "stream_options.include_obfuscation",
            )?
            .unwrap_or(true),
        )),
        Some(_) => Err(wrong_type("stream_options", "an object")),
    }
}

fn read_format(
    body: &Map<String, Value>,
    messages: &[(String, String)],
) -> Result<Format, ApiError> {
    let parameter = Api::ChatCompletions.format_parameter();
    match members::format_type(body.get("response_format"), parameter)? {
        Some(("json_object", _)) => members::json_object(
            messages,
            "'messages' must contain the word 'json' in some form, to use 'response_format' of \
             type 'json_object'.",
        ),
        Some(("json_schema", format)) => {
            let inner = "response_format.json_schema";
            match format.get("json_schema") {
                Some(Value::Object(members)) => members::json_schema(members, inner, parameter),
                None => Err(missing(inner)),
                Some(_) => Err(wrong_type(inner, "an object")),
            }
        }
        _ => Ok(Format::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_invalid_request_is_refused_with_the_parameter_at_fault() {
        let messages = json!([{"role": "user", "content": "x"}]);
        for (body, param) in [
            (json!([]), None),
            (json!({"messages": messages}), Some("model")),
            (json!({"model": 4, "messages": messages}), Some("model")),
            (json!({"model": "m"}), Some("messages")),
            (json!({"model": "m", "messages": []}), Some("messages")),
            (json!({"model": "m", "messages": "x"}), Some("messages")),
            (
                json!({"model": "m", "messages": [{"content": "x"}]}),
                Some("messages[0].role"),
            ),
            (
                json!({"model": "m", "messages": [{"role": "king", "content": "x"}]}),
                Some("messages[0].role"),
            ),
            (
                json!({"model": "m", "messages": [{"role": "user", "content": 3}]}),
                Some("messages[0].content"),
            ),
            (
                json!({"model": "m", "messages": messages, "stream": "yes"}),
                Some("stream"),
            ),
            (
                json!({"model": "m", "messages": messages, "stream_options": {}}),
                Some("stream_options"),
            ),
            (
                json!({"model": "m", "messages": messages, "max_completion_tokens": 0}),
                Some("max_completion_tokens"),
            ),
            (
                json!({"model": "m", "messages": messages, "max_tokens": 1.5}),
                Some("max_tokens"),
            ),
            (
                json!({"model": "m", "messages": messages, "n": 2}),
                Some("n"),
            ),
            (
                json!({"model": "m", "messages": messages, "temperature": 3}),
                Some("temperature"),
            ),
            (
                json!({"model": "m", "messages": messages, "maxTokens": 3}),
                Some("maxTokens"),
            ),
            (
                json!({"model": "m", "messages": messages, "response_format": {"type": "yaml"}}),
                Some("response_format.type"),
            ),
            (
                json!({"model": "m", "messages": messages,
                    "response_format": {"type": "json_schema"}}),
                Some("response_format.json_schema"),
            ),
            (
                json!({"model": "m", "messages": messages, "response_format":
                    {"type": "json_schema", "json_schema": {"name": "my tasks", "schema": {}}}}),
                Some("response_format.json_schema.name"),
            ),
            (
                json!({"model": "m", "messages": messages, "response_format":
                    {"type": "json_schema", "json_schema": {"name": "tasks"}}}),
                Some("response_format.json_schema.schema"),
            ),
            (
                json!({"model": "m", "messages": messages, "response_format":
                    {"type": "json_schema", "json_schema":
                        {"name": "tasks", "strict": true, "schema": {"type": "object"}}}}),
                Some("response_format"),
            ),
            (
                json!({"model": "m", "messages": messages,
                    "response_format": {"type": "json_object"}}),
                None,
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
            "messages": [{"role": "user", "content": [{"type": "text", "text": "as JSON"}]}],
            "response_format": {"type": "json_object"},
            "max_completion_tokens": 10,
        }))
        .unwrap();
        assert_eq!(
            request.messages,
            [("user".to_owned(), "as JSON".to_owned())]
        );
        assert_eq!(request.format, Format::JsonObject);
        assert_eq!(request.token_limit, Some(10));
        assert!(!request.stream && !request.include_usage && request.include_obfuscation);
    }
}
