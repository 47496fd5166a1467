//! The model endpoint apart from its scripts: models, tags, CORS, limits and invalid requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{
    End, ORIGIN, ParsedStream, Response, TIMEOUT, generate, post_at, request, send, start,
    violations,
};

const CHAT: &str = "/v1/chat/completions";

fn get(port: u16, path: &str) -> Response {
    send(port, "GET", path, &[("Origin", ORIGIN)], b"", TIMEOUT)
}

fn recorded(port: u16, tag: &str) -> Vec<Value> {
    let response = get(port, &format!("/_testbed/requests?tag={tag}"));
    response.json()["requests"].as_array().unwrap().clone()
}

#[test]
fn the_list_of_models_names_every_script() {
    let port = start(|_| {});
    let response = get(port, "/v1/models");
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let list = response.json();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids[0], "scripted");
    assert!(ids.contains(&"scripted:cut-off") && ids.len() > 80);
}

#[test]
fn a_stream_has_the_same_chunks_in_the_same_order_as_the_public_service() {
    let port = start(|_| {});
    let response = generate(port, "scripted?piece=4");
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        response.header("access-control-expose-headers"),
        Some("x-request-id")
    );
    let stream = ParsedStream::new(&response.body());
    let chunks = &stream.chunks;
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks[0]["object"], "chat.completion.chunk");
    assert_eq!(
        chunks[1]["choices"][0]["delta"],
        json!({"content": "{\"ta"})
    );
    assert!(chunks[1]["obfuscation"].is_string());
    let (last, rest) = chunks.split_last().unwrap();
    assert!(
        rest.iter()
            .all(|chunk| chunk.get("usage") == Some(&Value::Null))
    );
    assert_eq!(last["choices"], json!([]));
    let usage = &last["usage"];
    let sum =
        usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"].as_u64(), Some(sum));
    let finish = &rest.last().unwrap()["choices"][0];
    assert_eq!(
        (&finish["delta"], &finish["finish_reason"]),
        (&json!({}), &json!("stop"))
    );
    assert!(stream.done);
}

#[test]
fn usage_and_padding_are_omitted_unless_requested() {
    let port = start(|_| {});
    let mut body = request("scripted", 1);
    body["stream_options"] = json!({"include_obfuscation": false});
    let stream = ParsedStream::new(&post_at(port, CHAT, &body, TIMEOUT).body());
    assert!(stream.usage.is_none());
    for chunk in &stream.chunks {
        assert!(chunk.get("usage").is_none() && chunk.get("obfuscation").is_none());
    }
}

#[test]
fn the_text_does_not_depend_on_the_size_of_pieces_and_writes() {
    let port = start(|_| {});
    let whole = ParsedStream::new(&generate(port, "scripted?piece=100000").body()).content;
    for parameters in [
        "piece=1",
        "piece=3&write=5",
        "write=17",
        "piece=64&pause_ms=1",
    ] {
        let response = generate(port, &format!("scripted?{parameters}"));
        assert_eq!(
            ParsedStream::new(&response.body()).content,
            whole,
            "{parameters}"
        );
    }
    let other = ParsedStream::new(&generate(port, "scripted?seed=2").body()).content;
    assert_ne!(other, whole);
}

#[test]
fn five_hundred_tasks_are_valid_and_have_unique_keys() {
    let port = start(|_| {});
    let body = request("scripted?piece=400", 500);
    let stream = ParsedStream::new(&post_at(port, CHAT, &body, Duration::from_secs(120)).body());
    let tasks = stream.tasks();
    assert_eq!(tasks.len(), 500);
    let keys: HashSet<&str> = tasks
        .iter()
        .map(|task| task["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys.len(), 500);
    for task in tasks.iter().step_by(50) {
        assert!(task["title"].as_str().unwrap().contains("Move the archive"));
        assert_eq!(violations(&task.to_string()), []);
    }
}

#[test]
fn a_token_limit_cuts_off_the_response() {
    let port = start(|_| {});
    for parameter in ["max_completion_tokens", "max_tokens"] {
        let mut body = request("scripted", 3);
        body[parameter] = json!(20);
        let stream = ParsedStream::new(&post_at(port, CHAT, &body, TIMEOUT).body());
        assert_eq!(stream.content.chars().count(), 80);
        assert_eq!(stream.finish.as_deref(), Some("length"));
        assert_eq!(stream.usage.unwrap()["completion_tokens"], 20);
    }
}

#[test]
fn a_document_has_the_same_text_as_the_stream() {
    let port = start(|_| {});
    let streamed = ParsedStream::new(&generate(port, "scripted").body()).content;
    let mut body = request("scripted", 3);
    body["stream"] = json!(false);
    body.as_object_mut().unwrap().remove("stream_options");
    let response = post_at(port, CHAT, &body, TIMEOUT).json();
    assert_eq!(response["object"], "chat.completion");
    let choice = &response["choices"][0];
    assert_eq!(choice["message"]["content"], streamed);
    assert_eq!(choice["message"]["refusal"], Value::Null);
    assert_eq!(choice["finish_reason"], "stop");
    assert!(response["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

#[test]
fn invalid_requests_get_the_error_of_the_public_service() {
    let port = start(|_| {});
    let mut no_count = request("scripted", 1);
    no_count["messages"][1]["content"] = json!("Goal: something");
    let mut no_schema = request("scripted", 1);
    no_schema.as_object_mut().unwrap().remove("response_format");
    let mut not_strict = request("scripted", 1);
    not_strict["response_format"]["json_schema"]["strict"] = json!(true);
    let mut impossible = request("scripted", 2);
    impossible["response_format"]["json_schema"]["schema"]["properties"]["tasks"]["items"] =
        json!({"type": "integer", "minimum": 2, "maximum": 1});
    for (body, status, param) in [
        (json!({}), 400, json!("model")),
        (json!([1]), 400, Value::Null),
        (json!({"model": "scripted"}), 400, json!("messages")),
        (
            json!({"model": "scripted", "messages": 3}),
            400,
            json!("messages"),
        ),
        (request("gpt-5", 1), 404, json!("model")),
        (request("scripted:none", 1), 404, json!("model")),
        (request("scripted?pice=3", 1), 400, json!("model")),
        (no_count, 400, json!("messages")),
        (no_schema, 400, json!("response_format")),
        (not_strict, 400, json!("response_format")),
        (impossible, 400, json!("response_format.json_schema.schema")),
    ] {
        let response = post_at(port, CHAT, &body, TIMEOUT);
        let error = &response.json()["error"];
        assert_eq!(
            (response.status, &error["param"]),
            (status, &param),
            "{error}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].as_str().unwrap().len() > 10);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    }
}

#[test]
fn invalid_input_is_refused_and_the_endpoint_keeps_running() {
    let port = start(|_| {});
    let deep = "[".repeat(200_000);
    let many = format!(
        "{{\"model\":\"scripted\",\"messages\":[{{\"role\":\"user\",\"content\":\"{}\"}}]}}",
        "{".repeat(100_000)
    );
    for body in [
        &b""[..],
        b"{",
        b"\xff\xfe",
        b"null",
        deep.as_bytes(),
        many.as_bytes(),
    ] {
        let response = send(port, "POST", CHAT, &[], body, TIMEOUT);
        assert_eq!(response.status, 400);
    }
    for path in [
        "/v1/none",
        "/v1/",
        "/scripted/a/b/c",
        "/scripted/%ff/b/v1/models",
        "/scripted/none/b/v1/models",
    ] {
        let response = get(port, path);
        assert!(
            (400..500).contains(&response.status),
            "{path}: {}",
            response.status
        );
    }
    let response = send(
        port,
        "POST",
        CHAT,
        &[],
        &vec![b' '; 9 * 1024 * 1024],
        TIMEOUT,
    );
    assert!(
        response.status == 413 || response.end == End::Reset,
        "{response:?}"
    );
    assert_eq!(get(port, "/v1/models").status, 200);
}

#[test]
fn a_preflight_allows_the_requested_headers_unless_the_script_lists_others() {
    let port = start(|_| {});
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type,x-extra",
        ),
    ];
    let open = send(port, "OPTIONS", CHAT, &headers, b"", TIMEOUT);
    assert_eq!(open.status, 204);
    assert_eq!(open.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        open.header("access-control-allow-headers"),
        Some("authorization,content-type,x-extra")
    );
    let base = "/scripted/two-headers/preflight/v1/chat/completions";
    let listed = send(port, "OPTIONS", base, &headers, b"", TIMEOUT);
    assert_eq!(
        listed.header("access-control-allow-headers"),
        Some("authorization, content-type")
    );
    let recorded = recorded(port, "preflight");
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["method"], "OPTIONS");
}

#[test]
fn only_tagged_requests_are_recorded() {
    let port = start(|_| {});
    let body = request("scripted?tag=kept", 1);
    post_at(port, CHAT, &body, TIMEOUT);
    generate(port, "scripted");
    let recorded = recorded(port, "kept");
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0]["method"], "POST");
    assert_eq!(recorded[0]["path"], CHAT);
    assert_eq!(recorded[0]["body"], body.to_string());
    let authorization = json!(["authorization", "Bearer testbed-key"]);
    assert!(
        recorded[0]["headers"]
            .as_array()
            .unwrap()
            .contains(&authorization)
    );
    assert_eq!(self::recorded(port, "").len(), 0);
}

#[test]
fn the_end_of_a_response_is_recorded() {
    let port = start(|_| {});
    let ended = |tag: &str, expected: &str| {
        let started = Instant::now();
        loop {
            let response = recorded(port, tag)[0]["answer"].clone();
            if response["ended"] == expected {
                return response;
            }
            assert!(started.elapsed() < TIMEOUT, "{tag}: {response}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let whole = generate(port, "scripted?tag=whole");
    let response = ended("whole", "whole");
    assert_eq!(response["bytes_sent"], whole.body().len());
    assert_eq!(response["status"], 200);

    generate(port, "scripted:reset?tag=cut");
    ended("cut", "cut");

    for (script, tag) in [
        ("stalled", "left-stall"),
        ("hang", "left-hang"),
        ("slow", "left-slow"),
    ] {
        let body = request(&format!("scripted:{script}?tag={tag}"), 3);
        let response = post_at(port, CHAT, &body, Duration::from_secs(1));
        assert_eq!(response.end, End::Timeout);
        ended(tag, "abandoned");
    }
}

#[test]
fn a_base_url_selects_the_script_for_the_list_of_models() {
    let port = start(|_| {});
    let models = |script: &str, headers: &[(&str, &str)], timeout| {
        let path = format!("/scripted/{script}/base/v1/models");
        send(port, "GET", &path, headers, b"", timeout)
    };
    assert_eq!(models("plain", &[], TIMEOUT).status, 200);
    assert_eq!(models("needs-key", &[], TIMEOUT).status, 401);
    let key = [("Authorization", "Bearer any")];
    assert_eq!(models("needs-key", &key, TIMEOUT).status, 200);
    assert_eq!(models("no-model-list", &[], TIMEOUT).status, 404);
    let odd = models("odd-model-list", &[], TIMEOUT);
    assert_eq!((odd.status, odd.json()["data"].clone()), (200, Value::Null));
    let silent = models("silent-model-list", &[], Duration::from_millis(500));
    assert_eq!((silent.status, silent.end), (0, End::Timeout));

    let path = "/scripted/cut-off/base/v1/chat/completions";
    let response = post_at(port, path, &request("gpt-5", 3), TIMEOUT);
    let stream = ParsedStream::new(&response.body());
    assert_eq!(stream.finish.as_deref(), Some("length"));
    assert_eq!(recorded(port, "base").len(), 7);
}

#[test]
fn a_followed_redirect_is_recorded_under_the_tag() {
    let port = start(|_| {});
    let response = generate(port, "scripted:redirect?tag=followed");
    let location = response.header("location").unwrap();
    let (_, path) = location.split_once(&port.to_string()).unwrap();
    assert_eq!(recorded(port, "followed").len(), 1);
    send(port, "POST", path, &[], b"x", TIMEOUT);
    let recorded = recorded(port, "followed");
    assert_eq!(
        (recorded.len(), &recorded[1]["path"]),
        (2, &json!("/elsewhere"))
    );
}
