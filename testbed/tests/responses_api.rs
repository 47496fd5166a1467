//! The Responses API beyond the scripts: its events in their order, its documents and its refusals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use serde_json::{Value, json};
use support::{Api, Heard, ORIGIN, PATIENCE, ask_at, send, start};

/// The types of the events in order, each run of the same type once.
fn kinds(heard: &Heard) -> Vec<&str> {
    let mut kinds: Vec<&str> = heard
        .chunks
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}

fn hear(port: u16, model: &str) -> Heard {
    let got = Api::Responses.ask(port, model);
    assert_eq!(got.status, 200, "{}", got.text());
    Heard::new(&got.body())
}

#[test]
fn a_stream_has_the_events_of_the_public_service_in_their_order() {
    let port = start(|_| {});
    let got = Api::Responses.ask(port, "scripted?piece=4");
    assert_eq!(
        got.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    assert!(!got.text().contains("[DONE]"));
    let heard = Heard::new(&got.body());
    assert_eq!(
        kinds(&heard),
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
    let begun = &heard.chunks[0]["response"];
    assert_eq!(
        (&begun["status"], &begun["output"], &begun["usage"]),
        (&json!("in_progress"), &json!([]), &Value::Null)
    );
    let delta = &heard.chunks[4];
    assert_eq!(delta["delta"], "{\"ta");
    assert_eq!(
        (&delta["output_index"], &delta["content_index"]),
        (&json!(0), &json!(0))
    );
    assert!(delta["obfuscation"].is_string());
    let response = &heard.chunks.last().unwrap()["response"];
    assert_eq!(response["id"], begun["id"]);
    assert_eq!(response["store"], false);
    assert_eq!(
        response["instructions"],
        "You break a brief down into tasks."
    );
    let item = &response["output"][0];
    assert_eq!(item["id"], delta["item_id"]);
    assert_eq!(item["content"][0]["text"], heard.content);
    let usage = &response["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("input_tokens") > 0 && count("output_tokens") > 0);
    assert_eq!(
        count("total_tokens"),
        count("input_tokens") + count("output_tokens")
    );
}

#[test]
fn both_apis_say_the_same_streamed_or_not() {
    let port = start(|_| {});
    let chat = Heard::new(&Api::Chat.ask(port, "scripted").body()).content;
    assert_eq!(hear(port, "scripted?piece=1").content, chat);
    let body = Api::Responses.request_for_document("scripted", 3);
    let document = Api::Responses.send(port, &body);
    assert_eq!(document.header("content-type"), Some("application/json"));
    let document = document.json();
    assert_eq!(document["output"][0]["content"][0]["text"], chat);
    assert_eq!(document["status"], "completed");
}

#[test]
fn a_refusal_is_a_part_of_its_own() {
    let port = start(|_| {});
    let refused = hear(port, "scripted:refused");
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
    let halfway = hear(port, "scripted:refused-halfway");
    let last = &halfway.chunks.last().unwrap()["response"];
    let content = last["output"][0]["content"].as_array().unwrap();
    assert_eq!((content.len(), &content[1]["type"]), (2, &json!("refusal")));
}

#[test]
fn reasoning_is_an_item_before_the_answer_and_a_call_one_after_it() {
    let port = start(|_| {});
    let types = |heard: &Heard| -> Vec<Value> {
        let output = &heard.chunks.last().unwrap()["response"]["output"];
        let items = output.as_array().unwrap();
        items.iter().map(|item| item["type"].clone()).collect()
    };
    let reasoned = hear(port, "scripted:reasoning");
    assert_eq!(types(&reasoned), ["reasoning", "message"]);
    let text = |event: &&Value| event["type"] == "response.output_text.delta";
    assert_eq!(
        reasoned.chunks.iter().find(text).unwrap()["output_index"],
        1
    );
    let called = hear(port, "scripted:tool-calls");
    assert_eq!(types(&called), ["message", "function_call"]);
}

#[test]
fn how_an_answer_ended_is_said_by_the_last_event() {
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
        // These end without saying how, the second one after all parts have ended.
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
        let heard = hear(port, &format!("scripted:{script}"));
        let event = heard.chunks.last().unwrap();
        assert_eq!(event["type"], last, "{script}");
        assert_eq!(event.pointer(pointer), Some(&json!(value)), "{script}");
    }
}

#[test]
fn an_answer_that_is_cut_off_says_so_in_its_item_too() {
    let port = start(|_| {});
    let mut body = Api::Responses.request("scripted", 3);
    body["max_output_tokens"] = json!(20);
    let heard = Heard::new(&Api::Responses.send(port, &body).body());
    assert_eq!(heard.content.chars().count(), 80);
    let response = &heard.chunks.last().unwrap()["response"];
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["output"][0]["status"], "incomplete");
    assert_eq!(response["max_output_tokens"], 20);
    assert_eq!(response["usage"]["output_tokens"], 20);
}

#[test]
fn without_padding_there_is_none_and_a_script_can_leave_the_usage_out() {
    let port = start(|_| {});
    let mut body = Api::Responses.request("scripted", 1);
    body["stream_options"] = json!({"include_obfuscation": false});
    let heard = Heard::new(&Api::Responses.send(port, &body).body());
    assert!(
        heard
            .chunks
            .iter()
            .all(|it| it.get("obfuscation").is_none())
    );
    assert!(hear(port, "scripted:no-usage").usage.is_none());
}

#[test]
fn bad_requests_get_the_error_of_the_public_service() {
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
        let got = Api::Responses.send(port, &body);
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["param"]), (status, &param), "{error}");
        assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    }
    let get = send(port, "GET", "/v1/responses", &[], b"", PATIENCE);
    assert!((400..500).contains(&get.status), "{}", get.status);
}

#[test]
fn a_base_url_picks_script_and_tag_for_this_api_too() {
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
    let allowed = send(port, "OPTIONS", base, &preflight, b"", PATIENCE);
    assert_eq!(allowed.status, 204);
    let body = Api::Responses.request("gpt-5", 3);
    let heard = Heard::new(&ask_at(port, base, &body, PATIENCE).body());
    assert_eq!(heard.finish.as_deref(), Some("length"));
    let seen = "/_testbed/requests?tag=of-responses";
    let seen = send(port, "GET", seen, &[], b"", PATIENCE).json();
    assert_eq!(seen["requests"][1]["path"], base);
    assert_eq!(seen["requests"][1]["body"], body.to_string());
    assert_eq!(seen["requests"][1]["answer"]["status"], 200);
}
