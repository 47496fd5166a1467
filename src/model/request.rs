//! The request to the model: its exact bytes, with a slot in place of the API key.

use serde_json::{Map, Value, json};

use super::adaptation::{self, Adaptation, Adaptations};
use super::response_format::ResponseFormat;
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
/// implicit parameters or limits, and no headers except `Content-Type`, those of the settings and, if
/// the endpoint requires an API key, the one that carries it. `adaptations` are applied last.
#[must_use]
pub fn build(
    messages: &[Message],
    schema_for_model: Option<&Value>,
    adaptations: &Adaptations,
    endpoint: &ModelEndpoint,
) -> HttpRequest {
    let schema = schema_for_model
        .map(|schema| adaptation::without_keywords(schema, adaptations.omitted_keywords()));
    let messages = match adaptations.has(&Adaptation::MergeSystemMessage) {
        true => merged(messages),
        false => messages.to_vec(),
    };
    let response_format = adaptations.response_format();
    let is_streamed = !adaptations.has(&Adaptation::NoStreaming);
    let mut body = Map::new();
    let mut add = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    add("model", endpoint.model.as_str().into());
    let path = match endpoint.api {
        Api::ChatCompletions => {
            add("messages", json!(messages));
            if let Some(limit) = endpoint.max_output_tokens {
                add(adaptations.token_limit().as_str(), limit.into());
            }
            if let Some(format) = chat_format(schema, response_format) {
                add("response_format", format);
            }
            add("stream", is_streamed.into());
            if is_streamed && !adaptations.has(&Adaptation::OmitStreamOptions) {
                add("stream_options", json!({"include_usage": true}));
            }
            "/chat/completions"
        }
        Api::Responses => {
            if let Some(instructions) = instructions(&messages) {
                add("instructions", instructions.into());
            }
            let input = messages
                .iter()
                .filter(|message| message.role != Role::System);
            add("input", input.map(|message| json!(message)).collect());
            // By default the endpoint stores requests and responses.
            if !adaptations.has(&Adaptation::OmitStore) {
                add("store", false.into());
            }
            let limit = endpoint.max_output_tokens;
            if let Some(limit) = limit.filter(|_| !adaptations.omits_parameter("max_output_tokens"))
            {
                add("max_output_tokens", limit.into());
            }
            if let Some(format) = responses_format(schema, response_format) {
                add("text", json!({"format": format}));
            }
            add("stream", is_streamed.into());
            "/responses"
        }
    };
    for (name, value) in &endpoint.extra_body {
        if !adaptations.omits_parameter(name) {
            add(name, value.clone());
        }
    }
    authorize(
        HttpRequest::post_json(endpoint.url(path), Value::Object(body).to_string()),
        endpoint,
    )
}

/// The messages with the system messages at the beginning of the first other one.
fn merged(messages: &[Message]) -> Vec<Message> {
    let (system, mut others): (Vec<Message>, Vec<Message>) = messages
        .iter()
        .cloned()
        .partition(|message| message.role == Role::System);
    let texts = system.into_iter().map(|message| message.content);
    let texts: Vec<String> = texts
        .chain(others.first().map(|first| first.content.clone()))
        .collect();
    if let Some(first) = others.first_mut() {
        first.content = texts.join("\n\n");
    }
    others
}

/// Adds the headers of the settings, and the one that carries the API key if the endpoint requires one.
pub(super) fn authorize(request: HttpRequest, endpoint: &ModelEndpoint) -> HttpRequest {
    let mut request = request;
    for (name, value) in &endpoint.extra_headers {
        request = request.header(name.clone(), HeaderValue::Plain(value.clone().into()));
    }
    if !endpoint.requires_api_key() {
        return request;
    }
    let slot = SecretSlot::API_KEY;
    match &endpoint.key_header {
        None => request.header(
            "Authorization",
            HeaderValue::Secret {
                prefix: "Bearer ".into(),
                slot,
            },
        ),
        Some(name) => request.header(
            name.clone(),
            HeaderValue::Secret {
                prefix: "".into(),
                slot,
            },
        ),
    }
}

fn chat_format(schema: Option<Value>, response_format: ResponseFormat) -> Option<Value> {
    match (response_format, schema) {
        (ResponseFormat::JsonSchema, Some(schema)) => Some(json!({
            "type": "json_schema",
            "json_schema": {"name": SCHEMA_NAME, "strict": true, "schema": schema},
        })),
        (ResponseFormat::JsonSchema | ResponseFormat::JsonObject, _) => {
            Some(json!({"type": "json_object"}))
        }
        (ResponseFormat::PromptOnly, _) => None,
    }
}

fn responses_format(schema: Option<Value>, response_format: ResponseFormat) -> Option<Value> {
    match (response_format, schema) {
        (ResponseFormat::JsonSchema, Some(schema)) => Some(json!({
            "type": "json_schema", "name": SCHEMA_NAME, "strict": true, "schema": schema,
        })),
        (ResponseFormat::JsonSchema | ResponseFormat::JsonObject, _) => {
            Some(json!({"type": "json_object"}))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::adaptation::TokenLimitName;
    use crate::settings::Address;

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

    fn prompt_only() -> Adaptations {
        Adaptations::with_format(ResponseFormat::PromptOnly)
    }

    fn body(response_format: ResponseFormat, endpoint: &ModelEndpoint) -> Value {
        let schema = json!({"type": "object"});
        let adaptations = Adaptations::with_format(response_format);
        let request = build(&messages(), Some(&schema), &adaptations, endpoint);
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
        let without = build(&messages(), None, &Adaptations::default(), &chat);
        assert!(
            without
                .body
                .unwrap()
                .contains(r#""response_format":{"type":"json_object"}"#)
        );
    }

    #[test]
    fn adaptations_change_the_request_and_nothing_else() {
        let adapted = |api, adaptation: Adaptation| -> Value {
            let mut endpoint = endpoint("https://api.example.com/v1", api);
            endpoint.max_output_tokens = Some(50);
            endpoint.extra_body = json!({"top_k": 3}).as_object().cloned().unwrap();
            let schema = json!({"type": "object", "maxItems": 1});
            let adaptations = Adaptations::from_iter([adaptation]);
            let request = build(&messages(), Some(&schema), &adaptations, &endpoint);
            serde_json::from_str(request.body.as_deref().unwrap()).unwrap()
        };
        let none = Adaptation::TokenLimit(TokenLimitName::default());
        let (chat, responses) = (Api::ChatCompletions, Api::Responses);
        let merged = json!([{"role": "user", "content": "Plan.\n\nIt's \"here\"\n$HOME"}]);
        /// The change, what it removes, and what it sets.
        type Row<'a> = (Api, Adaptation, &'a [&'a str], &'a [(&'a str, Value)]);
        let table: [Row<'_>; 9] = [
            (
                chat,
                Adaptation::TokenLimit(TokenLimitName::MaxTokens),
                &["max_completion_tokens"],
                &[("max_tokens", json!(50))],
            ),
            (
                chat,
                Adaptation::OmitStreamOptions,
                &["stream_options"],
                &[],
            ),
            (
                chat,
                Adaptation::NoStreaming,
                &["stream_options"],
                &[("stream", json!(false))],
            ),
            (
                responses,
                Adaptation::NoStreaming,
                &[],
                &[("stream", json!(false))],
            ),
            (responses, Adaptation::OmitStore, &["store"], &[]),
            (
                chat,
                Adaptation::MergeSystemMessage,
                &[],
                &[("messages", merged.clone())],
            ),
            (
                responses,
                Adaptation::MergeSystemMessage,
                &["instructions"],
                &[("input", merged)],
            ),
            (
                responses,
                Adaptation::OmitKeyword("maxItems".to_owned()),
                &[],
                &[(
                    "text",
                    json!({"format": {"type": "json_schema", "name": "tasks",
                    "strict": true, "schema": {"type": "object"}}}),
                )],
            ),
            (
                chat,
                Adaptation::OmitParameter("top_k".to_owned()),
                &["top_k"],
                &[],
            ),
        ];
        for (api, adaptation, removed, set) in table {
            let mut expected = adapted(api, none.clone());
            for name in removed {
                assert!(
                    expected
                        .as_object_mut()
                        .unwrap()
                        .shift_remove(*name)
                        .is_some()
                );
            }
            for (name, value) in set {
                expected[*name] = value.clone();
            }
            assert_eq!(adapted(api, adaptation.clone()), expected, "{adaptation:?}");
        }
    }

    #[test]
    fn the_parameters_of_the_settings_are_sent_as_they_are() {
        let mut endpoint = endpoint("https://x.openai.azure.com/openai/v1", Api::ChatCompletions);
        endpoint.extra_body = json!({"temperature": 0.2, "reasoning": {"effort": "low"},
            "store": true})
        .as_object()
        .cloned()
        .unwrap();
        endpoint.extra_query = [("api-version".to_owned(), "2026 preview&".to_owned())].into();
        endpoint.extra_headers = [("X-Title".to_owned(), "Plans".to_owned())].into();
        endpoint.key_header = Some("api-key".to_owned());
        let request = build(&messages(), None, &prompt_only(), &endpoint);
        assert_eq!(
            request.url,
            "https://x.openai.azure.com/openai/v1/chat/completions?api-version=2026%20preview%26"
        );
        let headers: Vec<String> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.with_placeholder()))
            .collect();
        assert_eq!(
            headers,
            [
                "Content-Type: application/json",
                "X-Title: Plans",
                "api-key: $OPENAI_API_KEY"
            ]
        );
        let body: Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        assert_eq!(body["temperature"], 0.2);
        assert_eq!(body["reasoning"], json!({"effort": "low"}));
        assert_eq!(body["store"], true);
    }

    #[test]
    fn the_api_key_is_a_slot_and_only_in_requests_that_require_one() {
        let cloud = endpoint("https://api.example.com/v1/", Api::ChatCompletions);
        let request = build(&messages(), None, &prompt_only(), &cloud);
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
        let request = build(&messages(), None, &prompt_only(), &local);
        assert_eq!(request.url, "http://localhost:11434/v1/responses");
        assert_eq!(request.headers.len(), 1);
    }
}
