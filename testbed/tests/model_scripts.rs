//! Every script does what its file says, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use support::{Api, End, Got, Heard, ask_at, send, start, violations};
use taskwright_testbed::script::{Library, Reply, Source};

/// How many scripts play at a time. Some of them only wait.
const SIDE_BY_SIDE: usize = 8;

/// A stream that says that it finished and closes its JSON.
fn finished(got: &Got) -> Heard {
    assert_eq!((got.status, got.end), (200, End::Whole));
    assert_eq!(
        got.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    let heard = Heard::new(&got.body());
    assert_eq!(heard.finish.as_deref(), Some("stop"));
    assert!(heard.refusal.is_empty() && heard.error.is_none());
    heard
}

/// A finished stream with three valid tasks.
fn complete(got: &Got) -> Heard {
    let heard = finished(got);
    assert_eq!(heard.tasks().len(), 3);
    for task in heard.tasks() {
        assert_eq!(violations(&task.to_string()), [], "{task}");
    }
    heard
}

/// A stream that breaks off within its JSON.
fn half(got: &Got) -> Heard {
    assert_eq!(got.status, 200);
    let heard = Heard::new(&got.body());
    assert!(
        heard.content.starts_with("{\"tasks\":["),
        "{}",
        heard.content
    );
    assert!(serde_json::from_str::<Value>(&heard.content).is_err());
    heard
}

/// A stream that breaks off and never says why.
fn interrupted(got: &Got, end: End) {
    let heard = half(got);
    assert_eq!(got.end, end);
    assert_eq!((heard.finish, heard.done, heard.usage), (None, false, None));
}

/// An error of the endpoint.
fn failed(got: &Got, status: u16) -> Value {
    assert_eq!((got.status, got.end), (status, End::Whole));
    let error = got.json()["error"].clone();
    assert!(error["message"].is_string());
    error
}

/// The fixed text of a script.
fn verbatim(name: &str) -> String {
    let library = Library::embedded().unwrap();
    match &library.get(name).unwrap().replies[0] {
        Reply::Answer(answer) => match &answer.text.source {
            Source::Verbatim(text) => text.clone(),
            Source::Tasks(_) => panic!("{name} has no fixed text"),
        },
        _ => panic!("{name} has no answer"),
    }
}

#[test]
fn every_script_does_what_it_says_in_chat_completions() {
    every_script_does_what_it_says_in(Api::Chat);
}

#[test]
fn every_script_does_what_it_says_in_responses() {
    every_script_does_what_it_says_in(Api::Responses);
}

fn every_script_does_what_it_says_in(api: Api) {
    let port = start(|_| {});
    let library = Library::embedded().unwrap();
    let names = Mutex::new(library.iter().map(|(name, _)| name));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(name) = { names.lock().unwrap().next() } {
                    plays(port, api, name);
                }
            });
        }
    });
}

/// Plays one script. A script without a line here fails the test.
fn plays(port: u16, api: Api, name: &str) {
    let tagged = format!("scripted:{name}?tag={name}");
    let model = tagged.as_str();
    match name {
        "plain" | "no-model-list" | "odd-model-list" | "silent-model-list" | "two-headers"
        | "needs-key" | "needs-this-key" | "no-token-limit" | "stream-always" | "no-storing" => {
            let heard = complete(&api.ask(port, model));
            assert!(heard.done && heard.usage.is_some());
        }
        "demo" => {
            let quick = format!("{model}&pause_ms=0&delay_ms=0");
            complete(&api.ask(port, &quick));
        }
        "slow" => {
            let begun = api.ask_and_leave(port, model);
            assert_eq!(begun.end, End::Silence);
            half(&begun);
        }
        "single-bytes" => {
            let got = api.ask(port, model);
            complete(&got);
            assert!(got.chunks.iter().all(|chunk| chunk.len() == 1));
        }
        "split-characters" => {
            let got = api.ask(port, model);
            assert_eq!(finished(&got).content, verbatim(name));
            let split = got
                .chunks
                .iter()
                .filter(|it| std::str::from_utf8(it).is_err());
            assert!(split.count() > 10);
        }
        "lines-crlf" => {
            let got = api.ask(port, model);
            complete(&got);
            assert_eq!(
                got.text().matches('\n').count(),
                got.text().matches("\r\n").count()
            );
        }
        "lines-cr" => {
            let got = api.ask(port, model);
            complete(&got);
            assert!(!got.text().contains('\n'));
        }
        "keep-alive" => {
            let got = api.ask(port, model);
            let heard = complete(&got);
            assert!(got.text().matches(": keep-alive\n\n").count() >= heard.chunks.len());
        }
        "extra-fields" => {
            let got = api.ask(port, model);
            complete(&got);
            let event = match api {
                Api::Chat => "message",
                Api::Responses => "response.created",
            };
            let beginning = format!("id: 0\nretry: 3000\nevent: {event}\ndata: {{");
            assert!(got.text().starts_with(&beginning));
        }
        "empty-first-chunk" => {
            let heard = complete(&api.ask(port, model));
            if api == Api::Chat {
                assert_eq!(heard.chunks[0]["choices"], serde_json::json!([]));
                assert_eq!(heard.chunks[0]["created"], 0);
            }
        }
        "no-usage" => {
            let heard = complete(&api.ask(port, model));
            assert!(heard.done && heard.usage.is_none());
        }
        "no-done" => assert!(!complete(&api.ask(port, model)).done),
        "ascii" => {
            let got = api.ask(port, model);
            assert!(got.body().is_ascii() && got.text().contains("\\ud83e\\udd80"));
            assert_eq!(finished(&got).content, verbatim(name));
        }
        "second-choice" => {
            let heard = complete(&api.ask(port, model));
            assert_eq!(
                heard.other.contains("of-the-second-choice"),
                api == Api::Chat
            );
            assert!(!heard.content.contains("of-the-second-choice"));
        }
        "reasoning" => {
            let heard = complete(&api.ask(port, model));
            assert!(heard.reasoning.contains("only-a-thought"));
        }
        "pretty" => assert!(
            complete(&api.ask(port, model))
                .content
                .contains("\n  \"title\": ")
        ),
        "bare-array" => {
            let tasks: Vec<Value> =
                serde_json::from_str(&finished(&api.ask(port, model)).content).unwrap();
            assert_eq!(tasks.len(), 3);
        }
        "single-object" => {
            let task: Value =
                serde_json::from_str(&finished(&api.ask(port, model)).content).unwrap();
            assert!(task["title"].is_string());
        }
        "json-lines" => {
            let content = finished(&api.ask(port, model)).content;
            assert_eq!(content.lines().count(), 3);
            for line in content.lines() {
                assert_eq!(violations(line), []);
            }
        }
        "prose-around" => {
            let content = finished(&api.ask(port, model)).content;
            assert!(content.starts_with("Sure!") && content.ends_with("{more} of them."));
            assert!(content.contains("{\"tasks\":["));
        }
        "code-fence" => {
            let content = finished(&api.ask(port, model)).content;
            let json = content.strip_prefix("```json\n").unwrap();
            let json = json.strip_suffix("\n```\n").unwrap();
            assert!(serde_json::from_str::<Value>(json).is_ok());
        }
        "too-few" => assert_eq!(finished(&api.ask(port, model)).tasks().len(), 2),
        "too-many" => assert_eq!(finished(&api.ask(port, model)).tasks().len(), 5),
        "no-tasks" => assert_eq!(finished(&api.ask(port, model)).content, "{\"tasks\":[]}"),
        "invalid-tasks" => {
            let got = api.send(port, &api.request(model, 5));
            let keywords: Vec<String> = finished(&got)
                .tasks()
                .iter()
                .map(|task| match violations(&task.to_string()).as_slice() {
                    [] => "valid".to_owned(),
                    [one] => one.keyword.clone(),
                    more => panic!("one violation each, not {more:?}"),
                })
                .collect();
            let expected = [
                "required",
                "additionalProperties",
                "pattern",
                "valid",
                "valid",
            ];
            assert_eq!(keywords, expected);
        }
        "repeated-members" => {
            let content = finished(&api.ask(port, model)).content;
            let (first, _) = content.split_once("},{").unwrap();
            assert_eq!(first.matches("\"title\":").count(), 2);
        }
        "same-keys" => {
            let tasks = finished(&api.ask(port, model)).tasks();
            assert_eq!(tasks[0]["key"], tasks[1]["key"]);
            assert_ne!(tasks[0]["key"], tasks[2]["key"]);
        }
        "exact-text" => {
            let heard = complete(&api.ask(port, model));
            assert_eq!(heard.content, verbatim(name));
        }
        "exact-number" => {
            let content = finished(&api.ask(port, model)).content;
            assert_eq!(content, verbatim(name));
            assert!(content.contains(":12345678901234567890,"));
        }
        "document" => {
            let got = api.ask(port, model);
            assert_eq!(got.header("content-type"), Some("application/json"));
            let content = content_of(api, &got.json());
            assert!(serde_json::from_str::<Value>(&content).is_ok());
        }
        "cut-off" => {
            let heard = half(&api.ask(port, model));
            assert_eq!(heard.finish.as_deref(), Some("length"));
            assert!(heard.done);
        }
        "refused" => {
            let heard = finished_or_refused(&api.ask(port, model));
            assert!(heard.content.is_empty() && !heard.refusal.is_empty());
        }
        "refused-halfway" => {
            let heard = finished_or_refused(&api.ask(port, model));
            assert!(!heard.content.is_empty() && !heard.refusal.is_empty());
        }
        "filtered" => {
            let heard = half(&api.ask(port, model));
            assert_eq!(heard.finish.as_deref(), Some("content_filter"));
        }
        "failed" => {
            let heard = half(&api.ask(port, model));
            assert_eq!(heard.finish.as_deref(), Some("error"));
        }
        "interrupted" => interrupted(&api.ask(port, model), End::Whole),
        "interrupted-when-whole" | "done-alone" => {
            let got = api.ask(port, model);
            assert_eq!(got.end, End::Whole);
            let heard = Heard::new(&got.body());
            assert_eq!(heard.tasks().len(), 3);
            assert_eq!((heard.finish, heard.done), (None, name == "done-alone"));
        }
        "broken" => interrupted(&api.ask(port, model), End::Closed),
        "reset" => interrupted(&api.ask(port, model), End::Reset),
        "cut-at-byte" => {
            let got = api.ask(port, model);
            assert_eq!((got.body().len(), got.end), (900, End::Closed));
            let got = api.ask(port, &format!("{model}&cut_at_byte=1234"));
            assert_eq!(got.body().len(), 1234);
        }
        "stalled" => {
            interrupted(&api.ask_and_leave(port, model), End::Silence);
            let held = api.ask(port, &format!("{model}&hold_ms=300"));
            interrupted(&held, End::Closed);
        }
        "stalled-at-once" => {
            let got = api.ask_and_leave(port, model);
            assert_eq!((got.status, got.end), (200, End::Silence));
            assert_eq!(Heard::new(&got.body()).content, "");
        }
        "stalled-then-whole" => {
            let got = api.ask(port, &format!("{model}&pause_ms=30"));
            complete(&got);
            assert!(got.text().contains(": keep-alive"));
        }
        "hang" => {
            let request = api.request(model, 3);
            let got = ask_at(port, api.path(), &request, Duration::from_secs(2));
            assert_eq!((got.status, got.end), (0, End::Silence));
        }
        "drop" => {
            let got = api.ask(port, model);
            assert_eq!((got.status, got.end), (0, End::Reset));
        }
        "tool-calls" | "odd-finish" => {
            let heard = Heard::new(&api.ask(port, model).body());
            let reason = if name == "tool-calls" {
                "tool_calls"
            } else {
                "wound_down"
            };
            assert_eq!(heard.finish.as_deref(), Some(reason));
        }
        "error-in-stream" => {
            let heard = half(&api.ask(port, model));
            assert_eq!(heard.error.unwrap()["code"], "server_error");
            assert_eq!((heard.finish, heard.done), (None, false));
        }
        "error-in-stream-at-once" => {
            let heard = Heard::new(&api.ask(port, model).body());
            assert_eq!(heard.error.unwrap()["code"], 502);
            assert_eq!(heard.content, "");
        }
        "http-400" => assert_eq!(failed(&api.ask(port, model), 400)["param"], "temperature"),
        "http-401" => assert_eq!(
            failed(&api.ask(port, model), 401)["code"],
            "invalid_api_key"
        ),
        "http-403" => {
            let code = "unsupported_country_region_territory";
            assert_eq!(failed(&api.ask(port, model), 403)["code"], code);
        }
        "http-404" => assert_eq!(
            failed(&api.ask(port, model), 404)["code"],
            "model_not_found"
        ),
        "http-429" | "http-429-hidden" => {
            let got = api.ask(port, model);
            assert_eq!(failed(&got, 429)["code"], "rate_limit_exceeded");
            assert_eq!(got.header("retry-after"), Some("1"));
            let exposed = (name == "http-429").then_some("retry-after");
            assert_eq!(got.header("access-control-expose-headers"), exposed);
        }
        "http-429-quota" => {
            assert_eq!(
                failed(&api.ask(port, model), 429)["code"],
                "insufficient_quota"
            );
        }
        "http-500" => {
            failed(&api.ask(port, model), 500);
            failed(&api.ask(port, &format!("{model}&status=504")), 504);
        }
        "http-503" => {
            let got = api.ask(port, model);
            assert_eq!(failed(&got, 503)["code"], "server_is_overloaded");
            assert_eq!(got.header("retry-after"), Some("1"));
        }
        "http-503-twice" => {
            failed(&api.ask(port, model), 503);
            failed(&api.ask(port, model), 503);
            complete(&api.ask(port, model));
            complete(&api.ask(port, model));
            failed(&api.ask(port, "scripted:http-503-twice?tag=another"), 503);
        }
        "http-503-once" => {
            let got = api.ask(port, model);
            failed(&got, 503);
            assert_eq!(got.header("retry-after"), None);
            complete(&api.ask(port, model));
        }
        "interrupted-once" => {
            interrupted(&api.ask(port, model), End::Whole);
            complete(&api.ask(port, model));
        }
        "should-not-retry" => {
            let got = api.ask(port, model);
            failed(&got, 500);
            assert_eq!(got.header("x-should-retry"), Some("false"));
        }
        "number-code" => assert_eq!(failed(&api.ask(port, model), 400)["code"], 400),
        "plain-text-error" => {
            let got = api.ask(port, model);
            assert_eq!(got.status, 502);
            assert!(
                got.header("content-type")
                    .unwrap()
                    .starts_with("text/plain")
            );
            assert!(got.text().starts_with("upstream"));
        }
        "html-200" | "html-502" => {
            let got = api.ask(port, model);
            assert_eq!(got.status, if name == "html-200" { 200 } else { 502 });
            assert!(got.header("content-type").unwrap().starts_with("text/html"));
            assert!(got.text().starts_with("<!doctype html>"));
        }
        "not-json" => {
            let got = api.ask(port, model);
            assert_eq!(got.header("content-type"), Some("application/json"));
            assert!(serde_json::from_slice::<Value>(&got.body()).is_err());
        }
        "another-document" => assert_eq!(api.ask(port, model).json()["status"], "ok"),
        "empty-body" => {
            let got = api.ask(port, model);
            assert_eq!((got.status, got.body().len()), (200, 0));
        }
        "redirect" => {
            let got = api.ask(port, model);
            let location = format!("http://localhost:{port}/elsewhere?tag=redirect");
            assert_eq!(
                (got.status, got.header("location")),
                (302, Some(location.as_str()))
            );
        }
        "no-cors" => {
            let got = api.ask(port, model);
            assert_eq!(got.status, 500);
            assert_eq!(got.header("access-control-allow-origin"), None);
        }
        "no-json-schema" => {
            assert_eq!(failed(&api.ask(port, model), 400)["param"], api.format());
            complete(&step_down(port, api, model, Some("json_object")));
        }
        "no-response-format" => {
            let refused = failed(&api.ask(port, model), 400);
            assert_eq!(refused["code"], "unsupported_parameter");
            failed(&step_down(port, api, model, Some("json_object")), 400);
            complete(&step_down(port, api, model, None));
        }
        "no-streaming" => {
            assert_eq!(failed(&api.ask(port, model), 400)["param"], "stream");
            let got = api.send(port, &api.request_for_document(model, 3));
            content_of(api, &got.json());
        }
        other => panic!("no line here says what the script {other} does"),
    }
}

/// A stream of the status 200 that says `stop`, whatever else it says.
fn finished_or_refused(got: &Got) -> Heard {
    assert_eq!((got.status, got.end), (200, End::Whole));
    let heard = Heard::new(&got.body());
    assert_eq!(heard.finish.as_deref(), Some("stop"));
    heard
}

/// The text of an answer that came as one document and says that it finished.
fn content_of(api: Api, document: &Value) -> String {
    let content = match api {
        Api::Chat => {
            assert_eq!(document["object"], "chat.completion");
            assert_eq!(document["choices"][0]["finish_reason"], "stop");
            &document["choices"][0]["message"]["content"]
        }
        Api::Responses => {
            assert_eq!(document["object"], "response");
            assert_eq!(document["status"], "completed");
            &document["output"][0]["content"][0]["text"]
        }
    };
    content.as_str().unwrap().to_owned()
}

/// The request with its schema in a message and another format.
fn step_down(port: u16, api: Api, model: &str, format: Option<&str>) -> Got {
    let mut body = api.request(model, 3);
    let told = format!("Answer in JSON. Schema:\n{}\n", support::envelope());
    let format = format.map(|format| serde_json::json!({"type": format}));
    let (messages, parameter, value) = match api {
        Api::Chat => ("messages", "response_format", format),
        Api::Responses => (
            "input",
            "text",
            format.map(|format| serde_json::json!({"format": format})),
        ),
    };
    let message = serde_json::json!({"role": "system", "content": told});
    body[messages].as_array_mut().unwrap().insert(0, message);
    let fields = body.as_object_mut().unwrap();
    fields.remove(parameter);
    fields.extend(value.map(|value| (parameter.to_owned(), value)));
    api.send(port, &body)
}

#[test]
fn a_script_that_refuses_a_parameter_accepts_the_request_without_it() {
    let port = start(|_| {});
    for (api, parameter) in [
        (Api::Chat, "max_completion_tokens"),
        (Api::Responses, "max_output_tokens"),
    ] {
        let mut body = api.request("scripted:no-token-limit", 1);
        body[parameter] = Value::from(4_000);
        assert_eq!(failed(&api.send(port, &body), 400)["param"], parameter);
    }
}

#[test]
fn a_script_that_keeps_nothing_refuses_a_request_that_lets_it() {
    let port = start(|_| {});
    for (api, allowed) in [
        (Api::Chat, &[None, Some(false)][..]),
        (Api::Responses, &[Some(false)]),
    ] {
        for store in [None, Some(false), Some(true)] {
            let mut body = api.request("scripted:no-storing", 1);
            let fields = body.as_object_mut().unwrap();
            fields.remove("store");
            fields.extend(store.map(|store| ("store".to_owned(), Value::Bool(store))));
            let got = api.send(port, &body);
            if allowed.contains(&store) {
                finished(&got);
            } else {
                assert_eq!(failed(&got, 400)["param"], "store");
            }
        }
    }
}

#[test]
fn a_stream_comes_though_a_document_was_asked_for() {
    let port = start(|_| {});
    for api in [Api::Chat, Api::Responses] {
        let body = api.request_for_document("scripted:stream-always", 3);
        complete(&api.send(port, &body));
    }
}

#[test]
fn a_key_is_asked_for_before_anything_else_and_never_repeated() {
    let port = start(|_| {});
    let path = "/v1/chat/completions";
    let body = r#"{"model": "scripted:needs-this-key"}"#;
    let without = send(port, "POST", path, &[], body.as_bytes(), support::PATIENCE);
    assert_eq!(failed(&without, 401)["code"], Value::Null);
    let headers = [("Authorization", "Bearer sk-another")];
    let wrong = send(
        port,
        "POST",
        path,
        &headers,
        body.as_bytes(),
        support::PATIENCE,
    );
    assert_eq!(failed(&wrong, 401)["code"], "invalid_api_key");
    assert!(!wrong.text().contains("sk-another"));
}
