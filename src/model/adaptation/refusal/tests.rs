use super::*;
use crate::model::http;
use serde_json::json;

use Adaptation as A;
use ResponseFormat::{JsonObject, PromptOnly};

/// A request of Chat Completions with every part.
fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "system", "content": "s"},
            {"role": "user", "content": "u"}],
        "max_completion_tokens": 50, "stream": true, "stream_options": {"include_usage": true},
        "response_format": {"type": "json_schema", "json_schema": {"name": "tasks", "strict": true,
            "schema": {"type": "object", "additionalProperties": false, "properties": {"tasks":
                {"type": "array", "maxItems": 9, "items": {"type": "object", "properties": {
                    "key": {"type": "string", "pattern": "^[a-z]+$"},
                    "due": {"type": "string", "format": "date"}}}}}}}},
        "temperature": 0.2, "top_k": 3})
}

fn responses() -> Value {
    json!({"model": "m", "instructions": "s", "input": [{"role": "user", "content": "u"}],
        "store": false, "max_output_tokens": 50, "stream": true,
        "text": {"format": {"type": "json_schema", "name": "tasks", "strict": true,
            "schema": {"type": "object"}}}})
}

fn with(mut request: Value, name: &str, value: Value) -> Value {
    request[name] = value;
    request
}

fn without(mut request: Value, name: &str) -> Value {
    request.as_object_mut().unwrap().shift_remove(name);
    request
}

fn proposed(status: u16, body: &str, sent: &Value) -> Option<Proposal> {
    let failure = http::failure(status, |_| None, body.as_bytes(), 0);
    propose(&failure, body, &sent.to_string())
}

/// Asserts that each of these refusals proposes the change, by its name.
fn assert_named(sent: &Value, expected: &Adaptation, refusals: &[(u16, Value)]) {
    for (status, body) in refusals {
        let body = match body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let proposal = proposed(*status, &body, sent);
        let proposal = proposal.unwrap_or_else(|| panic!("nothing is proposed: {body}"));
        assert_eq!(&proposal.adaptation, expected, "{body}");
        assert!(proposal.is_named, "{body}");
    }
}

fn message(text: &str) -> Value {
    json!({"error": {"message": text, "type": "invalid_request_error", "param": null, "code": null}})
}

fn param(name: &str, text: &str) -> Value {
    json!({"error": {"message": text, "param": name, "code": "unsupported_value"}})
}

fn detail(loc: &[&str], text: &str) -> Value {
    json!({"detail": [{"type": "extra_forbidden", "loc": loc, "msg": text}]})
}

#[test]
fn a_refused_response_format_falls_back_in_any_words() {
    assert_named(
        &chat(),
        &A::ResponseFormat(JsonObject),
        &[
            (400, param("response_format", "no")),
            (400, param("response_format.type", "no")),
            (422, detail(&["body", "response_format", "type"], "bad")),
            (
                400,
                message("This model does not support response_format json_schema"),
            ),
            (
                400,
                message("JSON schema conversion failed: unsupported reference"),
            ),
            (400, message("failed to parse grammar")),
            (
                500,
                json!({"error": {"message": "invalid JSON schema in format", "type": "api_error"}}),
            ),
            (
                400,
                json!({"object": "error", "message": "The grammar backend lacks features of this schema",
                "type": "BadRequestError", "param": null, "code": 400}),
            ),
            (
                400,
                message("Structured outputs are not available for this model"),
            ),
            (
                500,
                json!({"error": {"message": "[{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}]"}}),
            ),
            (
                400,
                json!({"error": {"message": "Failed to make JSON", "code": "json_validate_failed",
                "failed_generation": "{\"tasks\":["}}),
            ),
            (
                400,
                json!({"error": {"message": "Provider returned error", "code": 400, "metadata":
                {"raw": "{\"error\":{\"message\":\"response_format is unavailable\"}}"}}}),
            ),
            (400, json!("guided decoding is not enabled on this server")),
        ],
    );
    let object = with(chat(), "response_format", json!({"type": "json_object"}));
    assert_named(
        &object,
        &A::ResponseFormat(PromptOnly),
        &[
            (
                400,
                param("response_format.type", "must be json_schema or text"),
            ),
            (400, message("'json_object' is not supported")),
            (
                400,
                message("response_format with JSON mode does not support streaming"),
            ),
        ],
    );
    assert_named(
        &responses(),
        &A::ResponseFormat(JsonObject),
        &[
            (400, param("text.format", "no")),
            (400, param("text.format.schema", "no")),
            (422, detail(&["body", "text", "format"], "bad")),
        ],
    );
}

#[test]
fn a_refused_keyword_is_left_out_of_the_schema() {
    for (keyword, refusals) in [
        (
            "pattern",
            vec![
                (
                    400,
                    message(
                        "JSON schema conversion failed: a pattern has to begin with '^' and end with '$'",
                    ),
                ),
                (400, message("Invalid schema: unsupported regex escape")),
                (
                    422,
                    detail(
                        &[
                            "body",
                            "response_format",
                            "schema",
                            "properties",
                            "key",
                            "pattern",
                        ],
                        "no",
                    ),
                ),
            ],
        ),
        (
            "maxItems",
            vec![
                (
                    400,
                    message(
                        "Invalid schema for response_format 'tasks': In context=('properties', 'tasks'), 'maxItems' is not permitted.",
                    ),
                ),
                (400, message("schema: max_items is unsupported")),
                (400, message("maxItems cannot be used with this model")),
                (
                    400,
                    json!({"message": "the JSON schema uses maxItems, which the backend lacks"}),
                ),
            ],
        ),
        (
            "format",
            vec![
                (400, message("Unknown format 'date' in schema")),
                (400, message("schema uses unsupported string format: date")),
                (500, message("json schema: format \"date\" not implemented")),
            ],
        ),
        (
            "additionalProperties",
            vec![
                (
                    400,
                    json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message":
                    "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'response_format.schema'"}}]),
                ),
                (
                    400,
                    message("json_schema: additional_properties is not supported"),
                ),
                (
                    422,
                    message("additionalProperties: unknown keyword in schema"),
                ),
            ],
        ),
    ] {
        assert_named(&chat(), &A::OmitKeyword(keyword.to_owned()), &refusals);
    }
}

#[test]
fn the_token_limit_is_sent_under_its_other_name() {
    let to_old = A::TokenLimit(TokenLimitName::MaxTokens);
    assert_named(
        &chat(),
        &to_old,
        &[
            (
                422,
                json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden",
                "loc": ["body", "max_completion_tokens"], "msg": "not permitted"}]}}),
            ),
            (
                400,
                param("max_completion_tokens", "Unrecognized request argument"),
            ),
            (400, message("Unknown field: max_completion_tokens")),
            (
                400,
                json!("unexpected keyword argument 'max_completion_tokens'"),
            ),
            (
                500,
                json!({"detail": "max_completion_tokens: extra fields not permitted"}),
            ),
        ],
    );
    let old = with(
        without(chat(), "max_completion_tokens"),
        "max_tokens",
        json!(50),
    );
    assert_named(
        &old,
        &A::TokenLimit(TokenLimitName::MaxCompletionTokens),
        &[
            (
                400,
                param(
                    "max_tokens",
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                ),
            ),
            (
                400,
                message("max_tokens is not supported, please use max_completion_tokens"),
            ),
            (
                422,
                detail(&["body", "max_tokens"], "Extra inputs are not permitted"),
            ),
        ],
    );
    for text in [
        "max_completion_tokens is too large: 50000. This model supports at most 16384",
        "max_completion_tokens must be at least 16",
        "Invalid max_completion_tokens value, the valid range is [1, 8192]",
    ] {
        assert_eq!(
            proposed(400, &message(text).to_string(), &chat()),
            None,
            "{text}"
        );
    }
}

#[test]
fn other_members_are_left_out_or_changed() {
    /// The request, the change, and refusals that lead to it.
    type Row = (Value, Adaptation, [(u16, Value); 3]);
    let table: [Row; 7] = [
        (
            chat(),
            A::OmitStreamOptions,
            [
                (400, param("stream_options", "Unknown parameter")),
                (
                    422,
                    detail(
                        &["body", "stream_options"],
                        "Extra inputs are not permitted",
                    ),
                ),
                (
                    400,
                    message("stream_options: include_usage is not recognized"),
                ),
            ],
        ),
        (
            responses(),
            A::OmitStore,
            [
                (400, param("store", "no")),
                (
                    422,
                    detail(&["body", "store"], "Extra inputs are not permitted"),
                ),
                (400, message("The store parameter is not supported")),
            ],
        ),
        (
            chat(),
            A::NoStreaming,
            [
                (
                    400,
                    param(
                        "stream",
                        "Your organization must be verified to stream this model.",
                    ),
                ),
                (400, message("Streaming is not supported for this model")),
                (
                    422,
                    json!({"message": "This deployment only allows stream=false"}),
                ),
            ],
        ),
        (
            chat(),
            A::MergeSystemMessage,
            [
                (
                    400,
                    json!({"object": "error", "message": "This template has no system role", "code": 400}),
                ),
                (500, json!({"detail": "System role not supported"})),
                (
                    400,
                    message("Conversation roles must alternate user/assistant/user/assistant/..."),
                ),
            ],
        ),
        (
            responses(),
            A::MergeSystemMessage,
            [
                (400, param("instructions", "Unsupported parameter")),
                (
                    400,
                    message("Developer instruction is not enabled for models/m"),
                ),
                (
                    422,
                    detail(&["body", "instructions"], "Extra inputs are not permitted"),
                ),
            ],
        ),
        (
            responses(),
            A::OmitParameter("max_output_tokens".to_owned()),
            [
                (400, param("max_output_tokens", "Unsupported parameter")),
                (
                    422,
                    detail(
                        &["body", "max_output_tokens"],
                        "Extra inputs are not permitted",
                    ),
                ),
                (
                    400,
                    message("Unrecognized request argument supplied: max_output_tokens"),
                ),
            ],
        ),
        (
            chat(),
            A::OmitParameter("temperature".to_owned()),
            [
                (
                    400,
                    param("temperature", "Only the default (1) value is supported"),
                ),
                (422, detail(&["body", "temperature"], "no")),
                (400, message("`temperature` is deprecated for this model.")),
            ],
        ),
    ];
    for (sent, expected, refusals) in table {
        assert_named(&sent, &expected, &refusals);
    }
    let more = [
        (
            422,
            json!({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]}),
        ),
        (400, message("Only user and assistant roles are supported!")),
    ];
    assert_named(&chat(), &A::MergeSystemMessage, &more);
    let top_k = [(
        400,
        message("Unrecognized request argument supplied: top_k"),
    )];
    assert_named(&chat(), &A::OmitParameter("top_k".to_owned()), &top_k);
}

#[test]
fn a_refusal_that_names_nothing_is_one_attempt_at_the_next_response_format() {
    for (status, body, is_lasting) in [
        (
            400,
            json!([{"error": {"code": 400, "message": "Request contains an invalid argument.",
            "status": "INVALID_ARGUMENT"}}]),
            true,
        ),
        (
            400,
            message("The request has too many states for serving"),
            true,
        ),
        (422, json!({}), true),
        (400, json!("Bad Request"), true),
        (500, message("Internal error"), false),
        (500, json!(""), false),
        (501, json!("Not Implemented"), false),
    ] {
        let body = body
            .as_str()
            .map_or_else(|| body.to_string(), str::to_owned);
        let expected = Proposal {
            adaptation: A::ResponseFormat(JsonObject),
            is_named: false,
            is_lasting,
        };
        assert_eq!(proposed(status, &body, &chat()), Some(expected), "{body}");
        for without_schema in [
            without(chat(), "response_format"),
            with(chat(), "response_format", json!({"type": "json_object"})),
        ] {
            assert_eq!(proposed(status, &body, &without_schema), None, "{body}");
        }
    }
}

#[test]
fn nothing_is_proposed_for_a_refusal_of_the_caller_or_for_an_overloaded_endpoint() {
    let naming = message("response_format and stream are not supported").to_string();
    for status in [401, 402, 403, 404, 413, 429, 503, 529] {
        assert_eq!(proposed(status, &naming, &chat()), None, "{status}");
    }
    for (status, body) in [
        (
            400,
            json!({"error": {"message": "m", "code": "insufficient_quota"}}),
        ),
        (
            400,
            json!({"error": {"message": "m", "code": "context_length_exceeded"}}),
        ),
        (
            400,
            json!({"error": {"message": "m", "code": "content_filter"}}),
        ),
        (
            400,
            message("API key not valid. Please pass a valid API key."),
        ),
        (400, message("Your credit balance is too low")),
        (500, message("The server is overloaded, try again later")),
        (500, message("Model is temporarily unavailable")),
        (502, json!("Bad Gateway")),
        (504, json!("Gateway Timeout")),
        // It names a part that no change helps against.
        (
            400,
            message("Nothing was stored, please restore the store and try again"),
        ),
        (400, param("model", "no such model")),
        (400, param("messages", "too long")),
        (422, detail(&["body", "user"], "field required")),
    ] {
        assert_eq!(
            proposed(status, &body.to_string(), &chat()),
            None,
            "{status} {body}"
        );
    }
    let waits = http::failure(
        500,
        |name| (name == "retry-after").then(|| "1".to_owned()),
        b"",
        0,
    );
    assert_eq!(propose(&waits, "", &chat().to_string()), None);
}

#[test]
fn a_part_that_the_request_does_not_have_is_not_changed() {
    for (absent, body) in [
        ("stream_options", param("stream_options", "no")),
        (
            "max_completion_tokens",
            param("max_completion_tokens", "no"),
        ),
        ("response_format", param("response_format", "no")),
        ("temperature", param("temperature", "no")),
    ] {
        let sent = without(chat(), absent);
        assert_eq!(proposed(400, &body.to_string(), &sent), None, "{absent}");
    }
}

#[test]
fn a_slip_of_the_model_is_not_worth_remembering() {
    let body = json!({"error": {"message": "m", "code": "json_validate_failed"}}).to_string();
    let proposal = proposed(400, &body, &chat()).unwrap();
    assert!(proposal.is_named && !proposal.is_lasting);
    let body = param("response_format", "no").to_string();
    assert!(proposed(400, &body, &chat()).unwrap().is_lasting);
}
