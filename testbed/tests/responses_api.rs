//! The Responses API apart from the scripts: order of events, documents and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use serde_json::{Value, json};
use support::{Api, ORIGIN, ParsedStream, TIMEOUT, post_at, send, start};

/// The types of the events in order, without consecutive repetitions.
fn kinds(stream: &ParsedStream) -> Vec<&str> {
    let mut kinds: Vec<&str> = stream
        .chunks
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}

fn streamed(port: u16, model: &str) -> ParsedStream {
    let response = Api::Responses.generate(port, model);
    assert_eq!(response.status, 200, "{}", response.text());
    ParsedStream::new(&response.body())
}

#[test]
fn a_stream_has_the_same_events_in_the_same_order_as_the_public_service() {
    let port = start(|_| {});
    let response = Api::Responses.generate(port, "scripted?piece=4");
    assert_eq!(
        response.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert!(!response.text().contains("[DONE]"));
    let stream = ParsedStream::new(&response.body());
    assert_eq!(
        kinds(&stream),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let started = &stream.chunks[0]["response"];
    assert_eq!(
        (&started["status"], &started["output"], &started["usage"]),
        (&json!("in_progress"), &json!([]), &Value::Null)
    );
    let delta = &stream.chunks[4];
    assert_eq!(delta["delta"], "{\"ta");
    assert_eq!(
        (&delta["output_index"], &delta["content_index"]),
        (&json!(0), &json!(0))
    );
    assert!(delta["obfuscation"].is_string());
    let response = &stream.chunks.last().unwrap()["response"];
    assert_eq!(response["id"], started["id"]);
    assert_eq!(response["store"], false);
    assert_eq!(
        response["instructions"],
        "You break a brief down into tasks."
    );
    let item = &response["output"][0];
    assert_eq!(item["id"], delta["item_id"]);
    assert_eq!(item["content"][0]["text"], stream.content);
    let usage = &response["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("input_tokens") > 0 && count("output_tokens") > 0);
    assert_eq!(
        count("total_tokens"),
        count("input_tokens") + count("output_tokens")
    );
}

#[test]
fn both_apis_send_the_same_text_streamed_or_not() {
    let port = start(|_| {});
    let chat = ParsedStream::new(&Api::Chat.generate(port, "scripted").body()).content;
    assert_eq!(streamed(port, "scripted?piece=1").content, chat);
    let body = Api::Responses.request_for_document("scripted", 3);
    let document = Api::Responses.send(port, &body);
    assert_eq!(document.header("content-type"), Some("application/json"));
    let document = document.json();
    assert_eq!(document["output"][0]["content"][0]["text"], chat);
    assert_eq!(document["status"], "completed");
}

#[test]
fn a_refusal_is_a_separate_part() {
    let port = start(|_| {});
    let refused = streamed(port, "scripted:refused");
    assert_eq!(
        kinds(&refused)[3..7],
        [
            "response.content_part.added",
            "response.refusal.delta",
            "response.refusal.done",
            "response.content_part.done",
        ]
    );
    let last = &refused.chunks.last().unwrap()["response"];
    let content = &last["output"][0]["content"];
    assert_eq!(
        *content,
        json!([{"type": "refusal", "refusal": refused.refusal}])
    );
    let halfway = streamed(port, "scripted:refused-halfway");
    let last = &halfway.chunks.last().unwrap()["response"];
    let content = last["output"][0]["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[1]["type"]), (2, &json!("refusal")));
}

#[test]
fn reasoning_precedes_the_message_and_a_call_follows_it() {
    let port = start(|_| {});
    let types = |stream: &ParsedStream| -> Vec<Value> {
        let output = &stream.chunks.last().unwrap()["response"]["output"];
        let items = output.as_array().unwrap();
        items.iter().map(|item| item["type"].clone()).collect()
    };
    let reasoned = streamed(port, "scripted:reasoning");
    assert_eq!(types(&reasoned), ["reasoning", "message"]);
    let text = |event: &&Value| event["type"] == "response.output_text.delta";
    assert_eq!(
        reasoned.chunks.iter().find(text).unwrap()["output_index"],
        1
    );
    let called = streamed(port, "scripted:tool-calls");
    assert_eq!(types(&called), ["message", "function_call"]);
}

#[test]
fn the_last_event_has_the_outcome() {
    let port = start(|_| {});
    for (script, last, pointer, value) in [
        (
            "plain",
            "response.completed",
            "/response/status",
            "completed",
        ),
        (
            "cut-off",
            "response.incomplete",
            "/response/incomplete_details/reason",
            "max_output_tokens",
        ),
        (
            "filtered",
            "response.incomplete",
            "/response/incomplete_details/reason",
            "content_filter",
        ),
        (
            "odd-finish",
            "response.incomplete",
            "/response/incomplete_details/reason",
            "wound_down",
        ),
        (
            "failed",
            "response.failed",
            "/response/error/code",
            "server_error",
        ),
        ("error-in-stream", "error", "/code", "server_error"),
        // These have no outcome; in the second one, all parts end.
        (
            "interrupted",
            "response.output_text.delta",
            "/item_id",
            "msg_1",
        ),
        (
            "done-alone",
            "response.output_item.done",
            "/item/id",
            "msg_1",
        ),
    ] {
        let stream = streamed(port, &format!("scripted:{script}"));
        let event = stream.chunks.last().unwrap();
        assert_eq!(event["type"], last, "{script}");
        assert_eq!(event.pointer(pointer), Some(&json!(value)), "{script}");
    }
}

#[test]
fn a_cut_off_response_has_an_incomplete_item() {
    let port = start(|_| {});
    let mut body = Api::Responses.request("scripted", 3);
    body["max_output_tokens"] = json!(20);
    let stream = ParsedStream::new(&Api::Responses.send(port, &body).body());
    assert_eq!(stream.content.chars().count(), 80);
    let response = &stream.chunks.last().unwrap()["response"];
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["output"][0]["status"], "incomplete");
    assert_eq!(response["max_output_tokens"], 20);
    assert_eq!(response["usage"]["output_tokens"], 20);
}

#[test]
fn padding_can_be_disabled_and_a_script_can_omit_the_usage() {
    let port = start(|_| {});
    let mut body = Api::Responses.request("scripted", 1);
    body["stream_options"] = json!({"include_obfuscation": false});
    let stream = ParsedStream::new(&Api::Responses.send(port, &body).body());
    assert!(
        stream
            .chunks
            .iter()
            .all(|it| it.get("obfuscation").is_none())
    );
    assert!(streamed(port, "scripted:no-usage").usage.is_none());
}

#[test]
fn invalid_requests_get_the_error_of_the_public_service() {
    let port = start(|_| {});
    let request = |model: &str| Api::Responses.request(model, 2);
    let mut chat_format = request("scripted");
    chat_format["response_format"] = json!({"type": "json_object"});
    let mut no_count = request("scripted");
    no_count["input"] = json!("Goal: something");
    let mut no_schema = request("scripted");
    no_schema["text"] = json!({"format": {"type": "text"}});
    let mut not_strict = request("scripted");
    not_strict["text"]["format"]["strict"] = json!(true);
    let mut impossible = request("scripted");
    impossible["text"]["format"]["schema"]["properties"]["tasks"]["items"] =
        json!({"type": "integer", "minimum": 2, "maximum": 1});
    for (body, status, param) in [
        (json!({}), 400, json!("model")),
        (json!("x"), 400, Value::Null),
        (json!({"model": "scripted"}), 400, json!("input")),
        (Api::Chat.request("scripted", 2), 400, json!("messages")),
        (chat_format, 400, json!("response_format")),
        (request("gpt-5"), 404, json!("model")),
        (request("scripted:none"), 404, json!("model")),
        (no_count, 400, json!("input")),
        (no_schema, 400, json!("text.format")),
        (not_strict, 400, json!("text.format.schema")),
        (impossible, 400, json!("text.format.schema")),
    ] {
        let response = Api::Responses.send(port, &body);
        let error = &response.json()["error"];
        assert_eq!(
            (response.status, &error["param"]),
            (status, &param),
            "{error}"
        );
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    }
    let get = send(port, "GET", "/v1/responses", &[], b"", TIMEOUT);
    assert!((400..500).contains(&get.status), "{}", get.status);
}

#[test]
fn a_base_url_selects_the_script_and_the_tag() {
    let port = start(|_| {});
    let base = "/scripted/cut-off/of-responses/v1/responses";
    let preflight = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    let allowed = send(port, "OPTIONS", base, &preflight, b"", TIMEOUT);
    assert_eq!(allowed.status, 204);
    let body = Api::Responses.request("gpt-5", 3);
    let stream = ParsedStream::new(&post_at(port, base, &body, TIMEOUT).body());
    assert_eq!(stream.finish.as_deref(), Some("length"));
    let recorded = "/_testbed/requests?tag=of-responses";
    let recorded = send(port, "GET", recorded, &[], b"", TIMEOUT).json();
    assert_eq!(recorded["requests"][1]["path"], base);
    assert_eq!(recorded["requests"][1]["body"], body.to_string());
    assert_eq!(recorded["requests"][1]["answer"]["status"], 200);
}
