//! The model endpoint beyond its scripts: models, tags, other origins, limits, and bad requests.
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
use support::{End, Got, Heard, ORIGIN, PATIENCE, ask, ask_at, request, send, start, violations};

const CHAT: &str = "/v1/chat/completions";

fn get(port: u16, path: &str) -> Got {
    send(port, "GET", path, &[("Origin", ORIGIN)], b"", PATIENCE)
}

fn seen(port: u16, tag: &str) -> Vec<Value> {
    let got = get(port, &format!("/_testbed/requests?tag={tag}"));
    got.json()["requests"].as_array().unwrap().clone()
}

#[test]
fn the_list_of_models_names_every_script() {
    let port = start(|_| {});
    let got = get(port, "/v1/models");
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    let list = got.json();
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
fn a_stream_has_the_chunks_of_the_public_service_in_their_order() {
    let port = start(|_| {});
    let got = ask(port, "scripted?piece=4");
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        got.header("access-control-expose-headers"),
        Some("x-request-id")
    );
    let heard = Heard::new(&got.body());
    let chunks = &heard.chunks;
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
    assert!(heard.done);
}

#[test]
fn without_the_options_there_is_neither_usage_nor_padding() {
    let port = start(|_| {});
    let mut body = request("scripted", 1);
    body["stream_options"] = json!({"include_obfuscation": false});
    let heard = Heard::new(&ask_at(port, CHAT, &body, PATIENCE).body());
    assert!(heard.usage.is_none());
    for chunk in &heard.chunks {
        assert!(chunk.get("usage").is_none() && chunk.get("obfuscation").is_none());
    }
}

#[test]
fn any_size_of_pieces_and_writes_carries_the_same_text() {
    let port = start(|_| {});
    let whole = Heard::new(&ask(port, "scripted?piece=100000").body()).content;
    for parameters in [
        "piece=1",
        "piece=3&write=5",
        "write=17",
        "piece=64&pause_ms=1",
    ] {
        let got = ask(port, &format!("scripted?{parameters}"));
        assert_eq!(Heard::new(&got.body()).content, whole, "{parameters}");
    }
    let other = Heard::new(&ask(port, "scripted?seed=2").body()).content;
    assert_ne!(other, whole);
}

#[test]
fn five_hundred_tasks_are_valid_and_have_keys_of_their_own() {
    let port = start(|_| {});
    let body = request("scripted?piece=400", 500);
    let heard = Heard::new(&ask_at(port, CHAT, &body, Duration::from_secs(120)).body());
    let tasks = heard.tasks();
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
fn a_token_limit_cuts_the_answer_off() {
    let port = start(|_| {});
    for parameter in ["max_completion_tokens", "max_tokens"] {
        let mut body = request("scripted", 3);
        body[parameter] = json!(20);
        let heard = Heard::new(&ask_at(port, CHAT, &body, PATIENCE).body());
        assert_eq!(heard.content.chars().count(), 80);
        assert_eq!(heard.finish.as_deref(), Some("length"));
        assert_eq!(heard.usage.unwrap()["completion_tokens"], 20);
    }
}

#[test]
fn a_document_says_the_same_as_the_stream() {
    let port = start(|_| {});
    let streamed = Heard::new(&ask(port, "scripted").body()).content;
    let mut body = request("scripted", 3);
    body["stream"] = json!(false);
    body.as_object_mut().unwrap().remove("stream_options");
    let answer = ask_at(port, CHAT, &body, PATIENCE).json();
    assert_eq!(answer["object"], "chat.completion");
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["content"], streamed);
    assert_eq!(choice["message"]["refusal"], Value::Null);
    assert_eq!(choice["finish_reason"], "stop");
    assert!(answer["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

#[test]
fn bad_requests_get_the_error_of_the_public_service() {
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
        let got = ask_at(port, CHAT, &body, PATIENCE);
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["param"]), (status, &param), "{error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(error["message"].as_str().unwrap().len() > 10);
        assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    }
}

#[test]
fn no_bytes_bring_it_down() {
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
        let got = send(port, "POST", CHAT, &[], body, PATIENCE);
        assert_eq!(got.status, 400);
    }
    for path in [
        "/v1/none",
        "/v1/",
        "/scripted/a/b/c",
        "/scripted/%ff/b/v1/models",
        "/scripted/none/b/v1/models",
    ] {
        let got = get(port, path);
        assert!((400..500).contains(&got.status), "{path}: {}", got.status);
    }
    let got = send(
        port,
        "POST",
        CHAT,
        &[],
        &vec![b' '; 9 * 1024 * 1024],
        PATIENCE,
    );
    assert!(got.status == 413 || got.end == End::Reset, "{got:?}");
    assert_eq!(get(port, "/v1/models").status, 200);
}

#[test]
fn a_preflight_allows_what_it_asks_for_unless_the_script_has_a_list() {
    let port = start(|_| {});
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type,x-extra",
        ),
    ];
    let open = send(port, "OPTIONS", CHAT, &headers, b"", PATIENCE);
    assert_eq!(open.status, 204);
    assert_eq!(open.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        open.header("access-control-allow-headers"),
        Some("authorization,content-type,x-extra")
    );
    let base = "/scripted/two-headers/preflight/v1/chat/completions";
    let listed = send(port, "OPTIONS", base, &headers, b"", PATIENCE);
    assert_eq!(
        listed.header("access-control-allow-headers"),
        Some("authorization, content-type")
    );
    let seen = seen(port, "preflight");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["method"], "OPTIONS");
}

#[test]
fn a_tagged_request_is_kept_as_it_came_and_an_untagged_one_is_not() {
    let port = start(|_| {});
    let body = request("scripted?tag=kept", 1);
    ask_at(port, CHAT, &body, PATIENCE);
    ask(port, "scripted");
    let seen = seen(port, "kept");
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["method"], "POST");
    assert_eq!(seen[0]["path"], CHAT);
    assert_eq!(seen[0]["body"], body.to_string());
    let authorization = json!(["authorization", "Bearer testbed-key"]);
    assert!(
        seen[0]["headers"]
            .as_array()
            .unwrap()
            .contains(&authorization)
    );
    assert_eq!(self::seen(port, "").len(), 0);
}

#[test]
fn the_records_tell_how_an_answer_ended() {
    let port = start(|_| {});
    let ended = |tag: &str, wanted: &str| {
        let started = Instant::now();
        loop {
            let answer = seen(port, tag)[0]["answer"].clone();
            if answer["ended"] == wanted {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{tag}: {answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let whole = ask(port, "scripted?tag=whole");
    let answer = ended("whole", "whole");
    assert_eq!(answer["bytes_sent"], whole.body().len());
    assert_eq!(answer["status"], 200);

    ask(port, "scripted:reset?tag=cut");
    ended("cut", "cut");

    for (script, tag) in [
        ("stalled", "left-stall"),
        ("hang", "left-hang"),
        ("slow", "left-slow"),
    ] {
        let body = request(&format!("scripted:{script}?tag={tag}"), 3);
        let got = ask_at(port, CHAT, &body, Duration::from_secs(1));
        assert_eq!(got.end, End::Silence);
        ended(tag, "abandoned");
    }
}

#[test]
fn a_base_url_picks_the_script_for_the_list_of_models_too() {
    let port = start(|_| {});
    let models = |script: &str, headers: &[(&str, &str)], patience| {
        let path = format!("/scripted/{script}/base/v1/models");
        send(port, "GET", &path, headers, b"", patience)
    };
    assert_eq!(models("plain", &[], PATIENCE).status, 200);
    assert_eq!(models("needs-key", &[], PATIENCE).status, 401);
    let key = [("Authorization", "Bearer any")];
    assert_eq!(models("needs-key", &key, PATIENCE).status, 200);
    assert_eq!(models("no-model-list", &[], PATIENCE).status, 404);
    let odd = models("odd-model-list", &[], PATIENCE);
    assert_eq!((odd.status, odd.json()["data"].clone()), (200, Value::Null));
    let silent = models("silent-model-list", &[], Duration::from_millis(500));
    assert_eq!((silent.status, silent.end), (0, End::Silence));

    let path = "/scripted/cut-off/base/v1/chat/completions";
    let got = ask_at(port, path, &request("gpt-5", 3), PATIENCE);
    let heard = Heard::new(&got.body());
    assert_eq!(heard.finish.as_deref(), Some("length"));
    assert_eq!(seen(port, "base").len(), 7);
}

#[test]
fn a_redirect_that_is_followed_shows_under_the_tag() {
    let port = start(|_| {});
    let got = ask(port, "scripted:redirect?tag=followed");
    let location = got.header("location").unwrap();
    let (_, path) = location.split_once(&port.to_string()).unwrap();
    assert_eq!(seen(port, "followed").len(), 1);
    send(port, "POST", path, &[], b"x", PATIENCE);
    let seen = seen(port, "followed");
    assert_eq!((seen.len(), &seen[1]["path"]), (2, &json!("/elsewhere")));
}
