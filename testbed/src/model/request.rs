//! A request to `POST /v1/chat/completions`, read as strictly as the public service reads it, so
//! that a client which is careless about a parameter hears of it here.

use serde_json::{Map, Value};

use super::error::ApiError;
use super::strict_rules;

/// The parameters that the API reference names. Others are refused.
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

/// Who may say a message.
const ROLES: &[&str] = &[
    "assistant",
    "developer",
    "function",
    "system",
    "tool",
    "user",
];

/// A request that was read.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The model's name as it was sent.
    pub model: String,
    /// Role and text of each message.
    pub messages: Vec<(String, String)>,
    /// Whether a stream is wanted.
    pub stream: bool,
    /// Whether the stream is to carry the usage.
    pub include_usage: bool,
    /// Whether the stream may carry padding.
    pub include_obfuscation: bool,
    /// The most tokens of the answer.
    pub token_limit: Option<u64>,
    /// The shape the answer must have.
    pub format: Format,
}

/// The shape an answer must have.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// A JSON document of this schema.
    JsonSchema(Value),
}

impl ChatRequest {
    /// Reads a request's body.
    ///
    /// # Errors
    /// With the parameter that is missing, unknown or not right.
    pub fn read(body: &Value) -> Result<Self, ApiError> {
        let Value::Object(body) = body else {
            return Err(ApiError::request(
                400,
                None,
                "The body of the request must be a JSON object.",
            ));
        };
        if let Some(unknown) = body
            .keys()
            .find(|name| !PARAMETERS.contains(&name.as_str()))
        {
            return Err(ApiError::parameter(
                unknown,
                "unknown_parameter",
                format!("Unknown parameter: '{unknown}'."),
            ));
        }
        let model = match body.get("model") {
            Some(Value::String(model)) if !model.is_empty() => model.clone(),
            None | Some(Value::Null) => {
                return Err(missing("model"));
            }
            Some(_) => return Err(wrong_type("model", "a string")),
        };
        let messages = read_messages(body)?;
        let stream = boolean(body, "stream", "stream")?.unwrap_or(false);
        let (include_usage, include_obfuscation) = read_stream_options(body, stream)?;
        let token_limit = match positive(body, "max_completion_tokens")? {
            Some(limit) => Some(limit),
            None => positive(body, "max_tokens")?,
        };
        if positive(body, "n")?.is_some_and(|choices| choices != 1) {
            return Err(ApiError::parameter(
                "n",
                "unsupported_value",
                "Only one choice is made here.",
            ));
        }
        check_range(body, "temperature", 0.0, 2.0)?;
        check_range(body, "top_p", 0.0, 1.0)?;
        let format = read_format(body, &messages)?;
        Ok(Self {
            model,
            messages,
            stream,
            include_usage,
            include_obfuscation,
            token_limit,
            format,
        })
    }
}

fn missing(param: &str) -> ApiError {
    ApiError::parameter(
        param,
        "missing_required_parameter",
        format!("Missing required parameter: '{param}'."),
    )
}

fn wrong_type(param: &str, wanted: &str) -> ApiError {
    ApiError::parameter(
        param,
        "invalid_type",
        format!("Invalid type for '{param}': expected {wanted}."),
    )
}

fn boolean(object: &Map<String, Value>, name: &str, param: &str) -> Result<Option<bool>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(_) => Err(wrong_type(param, "a boolean")),
    }
}

fn positive(object: &Map<String, Value>, name: &str) -> Result<Option<u64>, ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(0) => Err(ApiError::parameter(
                name,
                "integer_below_min_value",
                format!("Invalid '{name}': expected a value of at least 1, but got 0."),
            )),
            Some(number) => Ok(Some(number)),
            None => Err(wrong_type(name, "a whole number above 0")),
        },
    }
}

fn check_range(
    object: &Map<String, Value>,
    name: &str,
    least: f64,
    most: f64,
) -> Result<(), ApiError> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(()),
        Some(value) => match value.as_f64() {
            Some(number) if number >= least && number <= most => Ok(()),
            Some(_) => Err(ApiError::parameter(
                name,
                "decimal_out_of_range",
                format!("Invalid '{name}': expected a value from {least} to {most}."),
            )),
            None => Err(wrong_type(name, "a number")),
        },
    }
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

/// The text of a message, whether it is a string or an array of parts.
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
    let format = match body.get("response_format") {
        None | Some(Value::Null) => return Ok(Format::Text),
        Some(Value::Object(format)) => format,
        Some(_) => return Err(wrong_type("response_format", "an object")),
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => {
            // The public service refuses this combination, since a model that was never told of
            // JSON can go on with white space until its limit.
            if messages
                .iter()
                .any(|(_, text)| text.to_ascii_lowercase().contains("json"))
            {
                Ok(Format::JsonObject)
            } else {
                Err(ApiError::request(
                    400,
                    None,
                    "'messages' must contain the word 'json' in some form, to use \
                     'response_format' of type 'json_object'.",
                ))
            }
        }
        Some("json_schema") => read_json_schema(format),
        _ => Err(ApiError::parameter(
            "response_format.type",
            "invalid_value",
            "Invalid value: expected one of json_object, json_schema, text.",
        )),
    }
}

fn read_json_schema(format: &Map<String, Value>) -> Result<Format, ApiError> {
    let inner = match format.get("json_schema") {
        Some(Value::Object(inner)) => inner,
        None => return Err(missing("response_format.json_schema")),
        Some(_) => return Err(wrong_type("response_format.json_schema", "an object")),
    };
    let name = match inner.get("name") {
        Some(Value::String(name)) => name,
        None => return Err(missing("response_format.json_schema.name")),
        Some(_) => return Err(wrong_type("response_format.json_schema.name", "a string")),
    };
    let fits = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(ApiError::parameter(
            "response_format.json_schema.name",
            "invalid_value",
            "Invalid 'response_format.json_schema.name': at most 64 letters, digits, '_' and '-'.",
        ));
    }
    let schema = match inner.get("schema") {
        Some(schema @ Value::Object(_)) => schema,
        None => return Err(missing("response_format.json_schema.schema")),
        Some(_) => {
            return Err(wrong_type(
                "response_format.json_schema.schema",
                "an object",
            ));
        }
    };
    let strict = boolean(inner, "strict", "response_format.json_schema.strict")?.unwrap_or(false);
    if strict {
        strict_rules::check(schema).map_err(|broken| {
            ApiError::parameter(
                "response_format",
                "invalid_json_schema",
                format!("Invalid schema for response_format '{name}': {broken}"),
            )
        })?;
    }
    Ok(Format::JsonSchema(schema.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_that_is_not_right_is_refused_with_the_parameter_at_fault() {
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
            let error = ChatRequest::read(&body).unwrap_err();
            assert_eq!(error.status, 400, "{body}");
            assert_eq!(error.param.as_deref(), param, "{body}");
        }
    }

    #[test]
    fn a_request_is_read_with_its_defaults() {
        let request = ChatRequest::read(&json!({
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
