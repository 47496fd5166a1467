//! The request to the model: its exact bytes, with a slot in place of the API key.

use serde::Serialize;
use serde_json::Value;

use super::ResponseFormat;
use crate::http::{HeaderValue, HttpRequest};
use crate::prompt::{Message, Role};
use crate::secrets::SecretSlot;
use crate::settings::{Api, ModelEndpoint};

/// The name of the schema in a request: `[A-Za-z0-9_-]`, at most 64 characters.
const SCHEMA_NAME: &str = "tasks";

/// Builds the request for a model's response.
///
/// `schema_for_model` is the schema of the entire response, including the envelope. Without it,
/// `json_schema` falls back to `json_object`. The request contains only what the settings ask for: no
/// sampling parameters, no implicit limits, and no headers except `Content-Type` and, if the endpoint
/// requires an API key, `Authorization`.
#[must_use]
pub fn build(
    messages: &[Message],
    schema_for_model: Option<&Value>,
    response_format: ResponseFormat,
    endpoint: &ModelEndpoint,
) -> HttpRequest {
    let (path, body) = match endpoint.api {
        Api::ChatCompletions => (
            "/chat/completions",
            to_json(&ChatBody {
                model: &endpoint.model,
                messages,
                max_completion_tokens: endpoint.max_output_tokens,
                response_format: chat_format(schema_for_model, response_format),
                stream: true,
                stream_options: StreamOptions {
                    include_usage: true,
                },
            }),
        ),
        Api::Responses => (
            "/responses",
            to_json(&ResponsesBody {
                model: &endpoint.model,
                instructions: instructions(messages),
                input: messages
                    .iter()
                    .filter(|message| message.role != Role::System)
                    .collect(),
                store: false,
                max_output_tokens: endpoint.max_output_tokens,
                text: responses_format(schema_for_model, response_format)
                    .map(|format| Text { format }),
                stream: true,
            }),
        ),
    };
    authorize(
        HttpRequest::post_json(endpoint.base_url.join(path), body),
        endpoint,
    )
}

/// Adds the header that carries the API key, if the endpoint requires one.
pub(super) fn authorize(request: HttpRequest, endpoint: &ModelEndpoint) -> HttpRequest {
    if !endpoint.requires_api_key() {
        return request;
    }
    request.header(
        "Authorization",
        HeaderValue::Secret {
            prefix: "Bearer ",
            slot: SecretSlot::API_KEY,
        },
    )
}

/// Formats the request as a command for a POSIX shell, with `$OPENAI_API_KEY` in place of the API key.
#[must_use]
pub fn as_curl(request: &HttpRequest) -> String {
    let mut command = format!("curl --no-buffer {}", shell_quote(&request.url));
    for (name, value) in &request.headers {
        let header = match value {
            HeaderValue::Plain(value) => shell_quote(&format!("{name}: {value}")),
            // Only the variable is in double quotes, so that the shell expands it and nothing else.
            HeaderValue::Secret { prefix, slot } => format!(
                "{}\"${{{}}}\"",
                shell_quote(&format!("{name}: {prefix}")),
                slot.variable()
            ),
        };
        command.push_str(&format!(" \\\n  --header {header}"));
    }
    if let Some(body) = &request.body {
        // Unlike `--data`, `--data-raw` does not read a file if the text begins with @.
        command.push_str(&format!(" \\\n  --data-raw {}", shell_quote(body)));
    }
    command.push('\n');
    command
}

/// Quotes a word for a POSIX shell (XCU, section 2.2.2): everything between single quotes is literal.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[derive(Serialize)]
struct ChatBody<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ChatFormat<'a>>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ChatFormat<'a> {
    JsonSchema { json_schema: NamedSchema<'a> },
    JsonObject,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    strict: bool,
    schema: &'a Value,
}

#[derive(Serialize)]
struct ResponsesBody<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    input: Vec<&'a Message>,
    /// Always `false`: by default the endpoint stores requests and responses.
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Text<'a> {
    format: ResponsesFormat<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponsesFormat<'a> {
    JsonSchema {
        name: &'static str,
        strict: bool,
        schema: &'a Value,
    },
    JsonObject,
}

fn chat_format(schema: Option<&Value>, response_format: ResponseFormat) -> Option<ChatFormat<'_>> {
    match (response_format, schema) {
        (ResponseFormat::JsonSchema, Some(schema)) => Some(ChatFormat::JsonSchema {
            json_schema: NamedSchema {
                name: SCHEMA_NAME,
                strict: true,
                schema,
            },
        }),
        (ResponseFormat::JsonSchema | ResponseFormat::JsonObject, _) => {
            Some(ChatFormat::JsonObject)
        }
        (ResponseFormat::PromptOnly, _) => None,
    }
}

fn responses_format(
    schema: Option<&Value>,
    response_format: ResponseFormat,
) -> Option<ResponsesFormat<'_>> {
    match (response_format, schema) {
        (ResponseFormat::JsonSchema, Some(schema)) => Some(ResponsesFormat::JsonSchema {
            name: SCHEMA_NAME,
            strict: true,
            schema,
        }),
        (ResponseFormat::JsonSchema | ResponseFormat::JsonObject, _) => {
            Some(ResponsesFormat::JsonObject)
        }
        (ResponseFormat::PromptOnly, _) => None,
    }
}

/// Joins the system messages, which the Responses API takes separately from the conversation.
fn instructions(messages: &[Message]) -> Option<String> {
    let texts: Vec<&str> = messages
        .iter()
        .filter(|message| message.role == Role::System)
        .map(|message| message.content.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// Serializes a body. Strings, booleans, numbers and JSON values always serialize.
fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;
    use serde_json::json;

    fn endpoint(base: &str, api: Api) -> ModelEndpoint {
        ModelEndpoint {
            api,
            ..ModelEndpoint::at(Address::parse(base).unwrap(), "m-1")
        }
    }

    fn messages() -> Vec<Message> {
        [
            (Role::System, "Plan."),
            (Role::User, "It's \"here\"\n$HOME"),
        ]
        .map(|(role, content)| Message {
            role,
            content: content.to_owned(),
        })
        .to_vec()
    }

    fn body(response_format: ResponseFormat, endpoint: &ModelEndpoint) -> Value {
        let schema = json!({"type": "object"});
        let request = build(&messages(), Some(&schema), response_format, endpoint);
        serde_json::from_str(request.body.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn a_chat_completions_body_matches_the_api_reference_and_has_no_other_members() {
        let mut endpoint = endpoint("https://api.example.com/v1", Api::ChatCompletions);
        let expected = json!({
            "model": "m-1",
            "messages": [{"role": "system", "content": "Plan."},
                         {"role": "user", "content": "It's \"here\"\n$HOME"}],
            "response_format": {"type": "json_schema", "json_schema":
                {"name": "tasks", "strict": true, "schema": {"type": "object"}}},
            "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(body(ResponseFormat::JsonSchema, &endpoint), expected);
        endpoint.max_output_tokens = Some(4000);
        assert_eq!(
            body(ResponseFormat::JsonObject, &endpoint)["max_completion_tokens"],
            4000
        );
    }

    #[test]
    fn a_responses_body_matches_the_api_reference_and_disables_storage() {
        let mut endpoint = endpoint("https://api.example.com/v1", Api::Responses);
        let expected = json!({
            "model": "m-1",
            "instructions": "Plan.",
            "input": [{"role": "user", "content": "It's \"here\"\n$HOME"}],
            "store": false,
            "text": {"format": {"type": "json_schema", "name": "tasks", "strict": true,
                                "schema": {"type": "object"}}},
            "stream": true});
        assert_eq!(body(ResponseFormat::JsonSchema, &endpoint), expected);
        endpoint.max_output_tokens = Some(16);
        assert_eq!(
            body(ResponseFormat::PromptOnly, &endpoint)["max_output_tokens"],
            16
        );
    }

    #[test]
    fn each_fallback_asks_for_less() {
        let chat = endpoint("http://localhost:1", Api::ChatCompletions);
        let responses = endpoint("http://localhost:1", Api::Responses);
        let table = [
            (ResponseFormat::JsonSchema, Some("json_schema")),
            (ResponseFormat::JsonObject, Some("json_object")),
            (ResponseFormat::PromptOnly, None),
        ];
        let mut response_format = Some(ResponseFormat::default());
        for (expected, format) in table {
            assert_eq!(response_format, Some(expected));
            let chat = body(expected, &chat);
            assert_eq!(
                chat.pointer("/response_format/type")
                    .and_then(Value::as_str),
                format
            );
            let responses = body(expected, &responses);
            assert_eq!(
                responses
                    .pointer("/text/format/type")
                    .and_then(Value::as_str),
                format
            );
            response_format = expected.fallback();
        }
        assert_eq!(response_format, None);
        let without = build(&messages(), None, ResponseFormat::JsonSchema, &chat);
        assert!(
            without
                .body
                .unwrap()
                .contains(r#""response_format":{"type":"json_object"}"#)
        );
    }

    #[test]
    fn the_api_key_is_a_slot_and_only_in_requests_that_require_one() {
        let cloud = endpoint("https://api.example.com/v1/", Api::ChatCompletions);
        let request = build(&messages(), None, ResponseFormat::PromptOnly, &cloud);
        assert_eq!(request.url, "https://api.example.com/v1/chat/completions");
        assert_eq!(
            request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", value.with_placeholder()))
                .collect::<Vec<_>>(),
            [
                "Content-Type: application/json",
                "Authorization: Bearer $OPENAI_API_KEY",
            ]
        );
        let local = endpoint("http://localhost:11434/v1", Api::Responses);
        let request = build(&messages(), None, ResponseFormat::PromptOnly, &local);
        assert_eq!(request.url, "http://localhost:11434/v1/responses");
        assert_eq!(request.headers.len(), 1);
    }

    #[test]
    fn the_curl_command_is_quoted_for_a_shell() {
        let endpoint = endpoint("https://api.example.com/v1", Api::ChatCompletions);
        let request = build(&messages(), None, ResponseFormat::PromptOnly, &endpoint);
        let command = as_curl(&request);
        assert!(
            command.starts_with("curl --no-buffer 'https://api.example.com/v1/chat/completions'")
        );
        assert!(command.contains(r#"--header 'Authorization: Bearer '"${OPENAI_API_KEY}""#));
        assert!(command.contains(r"It'\''s"));
    }

    #[cfg(unix)]
    #[test]
    fn a_real_shell_passes_the_exact_bytes_of_the_body() {
        let endpoint = endpoint("https://api.example.com/v1", Api::ChatCompletions);
        let mut messages = messages();
        messages[1]
            .content
            .push_str("\\ `id` !! %s \u{1F600} ''\t*");
        let request = build(&messages, None, ResponseFormat::PromptOnly, &endpoint);
        // In place of curl: a function that prints its last argument.
        let script = format!(
            "curl() {{ for last; do :; done; printf %s \"$last\"; }}\n{}",
            as_curl(&request)
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).ok().as_deref(),
            request.body.as_deref()
        );
    }
}
