//! Every script behaves as described in its file, over real HTTP.
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
use support::{Api, End, ParsedStream, Response, post_at, send, start, violations};
use taskwright_testbed::script::{Library, Reply, Source};

/// Number of scripts that are tested concurrently. Some of them only wait.
const CONCURRENCY: usize = 8;

/// Expects a stream with the finish reason `stop`, without refusal and error.
fn finished(response: &Response) -> ParsedStream {
    assert_eq!((response.status, response.end), (200, End::Whole));
    assert_eq!(
        response.header("content-type"),
        Some("text/event-stream; charset=utf-8")
    );
    let stream = ParsedStream::new(&response.body());
    assert_eq!(stream.finish.as_deref(), Some("stop"));
    assert!(stream.refusal.is_empty() && stream.error.is_none());
    stream
}

/// Expects a finished stream with three valid tasks.
fn complete(response: &Response) -> ParsedStream {
    let stream = finished(response);
    assert_eq!(stream.tasks().len(), 3);
    for task in stream.tasks() {
        assert_eq!(violations(&task.to_string()), [], "{task}");
    }
    stream
}

/// Expects a stream whose JSON is incomplete.
fn half(response: &Response) -> ParsedStream {
    assert_eq!(response.status, 200);
    let stream = ParsedStream::new(&response.body());
    assert!(
        stream.content.starts_with("{\"tasks\":["),
        "{}",
        stream.content
    );
    assert!(serde_json::from_str::<Value>(&stream.content).is_err());
    stream
}

/// Expects a stream whose JSON is incomplete, without a finish reason.
fn interrupted(response: &Response, end: End) {
    let stream = half(response);
    assert_eq!(response.end, end);
    assert_eq!(
        (stream.finish, stream.done, stream.usage),
        (None, false, None)
    );
}

/// Expects an error response.
fn failed(response: &Response, status: u16) -> Value {
    assert_eq!((response.status, response.end), (status, End::Whole));
    let error = response.json()["error"].clone();
    assert!(error["message"].is_string());
    error
}

/// The fixed text of a script.
fn verbatim(name: &str) -> String {
    let library = Library::embedded().unwrap();
    match &library.get(name).unwrap().replies[0] {
        Reply::Model(answer) => match &answer.text.source {
            Source::Verbatim(text) => text.clone(),
            Source::Tasks(_) => panic!("{name} has no fixed text"),
        },
        _ => panic!("{name} has no model response"),
    }
}

#[test]
fn every_script_behaves_as_described_in_chat_completions() {
    every_script_behaves_as_described_in(Api::Chat);
}

#[test]
fn every_script_behaves_as_described_in_responses() {
    every_script_behaves_as_described_in(Api::Responses);
}

fn every_script_behaves_as_described_in(api: Api) {
    let port = start(|_| {});
    let library = Library::embedded().unwrap();
    let names = Mutex::new(library.iter().map(|(name, _)| name));
    std::thread::scope(|scope| {
        for _ in 0..CONCURRENCY {
            scope.spawn(|| {
                while let Some(name) = { names.lock().unwrap().next() } {
                    check_script(port, api, name);
                }
            });
        }
    });
}

/// Tests one script. An unknown script fails the test.
fn check_script(port: u16, api: Api, name: &str) {
    let tagged = format!("scripted:{name}?tag={name}");
    let model = tagged.as_str();
    match name {
        "plain" | "no-model-list" | "odd-model-list" | "silent-model-list" | "two-headers"
        | "needs-key" | "needs-this-key" | "no-token-limit" | "stream-always" | "no-storing" => {
            let stream = complete(&api.generate(port, model));
            assert!(stream.done && stream.usage.is_some());
        }
        "demo" => {
            let quick = format!("{model}&pause_ms=0&delay_ms=0");
            complete(&api.generate(port, &quick));
        }
        "slow" => {
            let response = api.generate_and_leave(port, model);
            assert_eq!(response.end, End::Timeout);
            half(&response);
        }
        "single-bytes" => {
            let response = api.generate(port, model);
            complete(&response);
            assert!(response.chunks.iter().all(|chunk| chunk.len() == 1));
        }
        "split-characters" => {
            let response = api.generate(port, model);
            assert_eq!(finished(&response).content, verbatim(name));
            let split = response
                .chunks
                .iter()
                .filter(|it| std::str::from_utf8(it).is_err());
            assert!(split.count() > 10);
        }
        "lines-crlf" => {
            let response = api.generate(port, model);
            complete(&response);
            assert_eq!(
                response.text().matches('\n').count(),
                response.text().matches("\r\n").count()
            );
        }
        "lines-cr" => {
            let response = api.generate(port, model);
            complete(&response);
            assert!(!response.text().contains('\n'));
        }
        "keep-alive" => {
            let response = api.generate(port, model);
            let stream = complete(&response);
            assert!(response.text().matches(": keep-alive\n\n").count() >= stream.chunks.len());
        }
        "extra-fields" => {
            let response = api.generate(port, model);
            complete(&response);
            let event = match api {
                Api::Chat => "message",
                Api::Responses => "response.created",
            };
            let start = format!("id: 0\nretry: 3000\nevent: {event}\ndata: {{");
            assert!(response.text().starts_with(&start));
        }
        "empty-first-chunk" => {
            let stream = complete(&api.generate(port, model));
            if api == Api::Chat {
                assert_eq!(stream.chunks[0]["choices"], serde_json::json!([]));
                assert_eq!(stream.chunks[0]["created"], 0);
            }
        }
        "echo-401" => {
            let response = api.generate(port, model);
            let error = failed(&response, 401);
            assert!(error["message"].as_str().unwrap().contains("testbed-key"));
            assert_eq!(error["code"], "testbed-key");
            assert_eq!(response.header("x-request-id"), Some("testbed-key"));
        }
        "echo-html" => {
            let response = api.generate(port, model);
            assert_eq!(response.status, 502);
            assert!(
                response
                    .text()
                    .contains("<title>502 for testbed-key</title>")
            );
        }
        "echo-in-prose" => {
            let stream = finished(&api.generate(port, model));
            assert!(stream.content.starts_with("Your API key is testbed-key."));
            assert!(stream.content.ends_with("Again: testbed-key"));
        }
        "echo-in-stream" => {
            let stream = half(&api.generate(port, model));
            let error = stream.error.unwrap().to_string();
            assert!(error.contains("testbed-key"), "{error}");
        }
        "echo-in-task" => {
            let response = api.generate(port, model);
            let stream = complete(&response);
            assert_eq!(stream.tasks()[0]["title"], "Use testbed-key");
            // In Responses, the event that ends the text repeats it as a whole.
            if api == Api::Chat {
                assert!(!response.text().contains("testbed-key"));
            }
        }
        "no-usage" => {
            let stream = complete(&api.generate(port, model));
            assert!(stream.done && stream.usage.is_none());
        }
        "no-done" => assert!(!complete(&api.generate(port, model)).done),
        "ascii" => {
            let response = api.generate(port, model);
            assert!(response.body().is_ascii() && response.text().contains("\\ud83e\\udd80"));
            assert_eq!(finished(&response).content, verbatim(name));
        }
        "second-choice" => {
            let stream = complete(&api.generate(port, model));
            assert_eq!(
                stream.other.contains("of-the-second-choice"),
                api == Api::Chat
            );
            assert!(!stream.content.contains("of-the-second-choice"));
        }
        "reasoning" => {
            let stream = complete(&api.generate(port, model));
            assert!(stream.reasoning.contains("only-a-thought"));
        }
        "pretty" => assert!(
            complete(&api.generate(port, model))
                .content
                .contains("\n  \"title\": ")
        ),
        "bare-array" => {
            let tasks: Vec<Value> =
                serde_json::from_str(&finished(&api.generate(port, model)).content).unwrap();
            assert_eq!(tasks.len(), 3);
        }
        "single-object" => {
            let task: Value =
                serde_json::from_str(&finished(&api.generate(port, model)).content).unwrap();
            assert!(task["title"].is_string());
        }
        "json-lines" => {
            let content = finished(&api.generate(port, model)).content;
            assert_eq!(content.lines().count(), 3);
            for line in content.lines() {
                assert_eq!(violations(line), []);
            }
        }
        "prose-around" => {
            let content = finished(&api.generate(port, model)).content;
            assert!(content.starts_with("Sure!") && content.ends_with("{more} of them."));
            assert!(content.contains("{\"tasks\":["));
        }
        "code-fence" => {
            let content = finished(&api.generate(port, model)).content;
            let json = content.strip_prefix("```json\n").unwrap();
            let json = json.strip_suffix("\n```\n").unwrap();
            assert!(serde_json::from_str::<Value>(json).is_ok());
        }
        "too-few" => assert_eq!(finished(&api.generate(port, model)).tasks().len(), 2),
        "too-many" => assert_eq!(finished(&api.generate(port, model)).tasks().len(), 5),
        "no-tasks" => assert_eq!(
            finished(&api.generate(port, model)).content,
            "{\"tasks\":[]}"
        ),
        "invalid-tasks" => {
            let response = api.send(port, &api.request(model, 5));
            let keywords: Vec<String> = finished(&response)
                .tasks()
                .iter()
                .map(|task| match violations(&task.to_string()).as_slice() {
                    [] => "valid".to_owned(),
                    [one] => one.keyword.clone(),
                    more => panic!("expected at most one violation, not {more:?}"),
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
            let content = finished(&api.generate(port, model)).content;
            let (first, _) = content.split_once("},{").unwrap();
            assert_eq!(first.matches("\"title\":").count(), 2);
        }
        "same-keys" => {
            let tasks = finished(&api.generate(port, model)).tasks();
            assert_eq!(tasks[0]["key"], tasks[1]["key"]);
            assert_ne!(tasks[0]["key"], tasks[2]["key"]);
        }
        "exact-text" => {
            let stream = complete(&api.generate(port, model));
            assert_eq!(stream.content, verbatim(name));
        }
        "exact-number" => {
            let content = finished(&api.generate(port, model)).content;
            assert_eq!(content, verbatim(name));
            assert!(content.contains(":12345678901234567890,"));
        }
        "document" => {
            let response = api.generate(port, model);
            assert_eq!(response.header("content-type"), Some("application/json"));
            let content = content_of(api, &response.json());
            assert!(serde_json::from_str::<Value>(&content).is_ok());
        }
        "cut-off" => {
            let stream = half(&api.generate(port, model));
            assert_eq!(stream.finish.as_deref(), Some("length"));
            assert!(stream.done);
        }
        "refused" => {
            let stream = finished_or_refused(&api.generate(port, model));
            assert!(stream.content.is_empty() && !stream.refusal.is_empty());
        }
        "refused-halfway" => {
            let stream = finished_or_refused(&api.generate(port, model));
            assert!(!stream.content.is_empty() && !stream.refusal.is_empty());
        }
        "filtered" => {
            let stream = half(&api.generate(port, model));
            assert_eq!(stream.finish.as_deref(), Some("content_filter"));
        }
        "failed" => {
            let stream = half(&api.generate(port, model));
            assert_eq!(stream.finish.as_deref(), Some("error"));
        }
        "interrupted" => interrupted(&api.generate(port, model), End::Whole),
        "interrupted-when-whole" | "done-alone" => {
            let response = api.generate(port, model);
            assert_eq!(response.end, End::Whole);
            let stream = ParsedStream::new(&response.body());
            assert_eq!(stream.tasks().len(), 3);
            assert_eq!((stream.finish, stream.done), (None, name == "done-alone"));
        }
        "broken" => interrupted(&api.generate(port, model), End::Closed),
        "reset" => interrupted(&api.generate(port, model), End::Reset),
        "cut-at-byte" => {
            let response = api.generate(port, model);
            assert_eq!((response.body().len(), response.end), (900, End::Closed));
            let response = api.generate(port, &format!("{model}&cut_at_byte=1234"));
            assert_eq!(response.body().len(), 1234);
        }
        "stalled" => {
            interrupted(&api.generate_and_leave(port, model), End::Timeout);
            let held = api.generate(port, &format!("{model}&hold_ms=300"));
            interrupted(&held, End::Closed);
        }
        "stalled-at-once" => {
            let response = api.generate_and_leave(port, model);
            assert_eq!((response.status, response.end), (200, End::Timeout));
            assert_eq!(ParsedStream::new(&response.body()).content, "");
        }
        "stalled-then-whole" => {
            let response = api.generate(port, &format!("{model}&pause_ms=30"));
            complete(&response);
            assert!(response.text().contains(": keep-alive"));
        }
        "hang" => {
            let request = api.request(model, 3);
            let response = post_at(port, api.path(), &request, Duration::from_secs(2));
            assert_eq!((response.status, response.end), (0, End::Timeout));
        }
        "drop" => {
            let response = api.generate(port, model);
            assert_eq!((response.status, response.end), (0, End::Reset));
        }
        "tool-calls" | "odd-finish" => {
            let stream = ParsedStream::new(&api.generate(port, model).body());
            let reason = if name == "tool-calls" {
                "tool_calls"
            } else {
                "wound_down"
            };
            assert_eq!(stream.finish.as_deref(), Some(reason));
        }
        "error-in-stream" => {
            let stream = half(&api.generate(port, model));
            assert_eq!(stream.error.unwrap()["code"], "server_error");
            assert_eq!((stream.finish, stream.done), (None, false));
        }
        "error-in-stream-at-once" => {
            let stream = ParsedStream::new(&api.generate(port, model).body());
            assert_eq!(stream.error.unwrap()["code"], 502);
            assert_eq!(stream.content, "");
        }
        "http-400" => assert_eq!(
            failed(&api.generate(port, model), 400)["param"],
            "temperature"
        ),
        "http-401" => assert_eq!(
            failed(&api.generate(port, model), 401)["code"],
            "invalid_api_key"
        ),
        "http-403" => {
            let code = "unsupported_country_region_territory";
            assert_eq!(failed(&api.generate(port, model), 403)["code"], code);
        }
        "http-404" => assert_eq!(
            failed(&api.generate(port, model), 404)["code"],
            "model_not_found"
        ),
        "http-429" | "http-429-hidden" => {
            let response = api.generate(port, model);
            assert_eq!(failed(&response, 429)["code"], "rate_limit_exceeded");
            assert_eq!(response.header("retry-after"), Some("1"));
            let exposed = (name == "http-429").then_some("retry-after");
            assert_eq!(response.header("access-control-expose-headers"), exposed);
        }
        "http-429-quota" => {
            assert_eq!(
                failed(&api.generate(port, model), 429)["code"],
                "insufficient_quota"
            );
        }
        "http-500" => {
            failed(&api.generate(port, model), 500);
            failed(&api.generate(port, &format!("{model}&status=504")), 504);
        }
        "http-503" => {
            let response = api.generate(port, model);
            assert_eq!(failed(&response, 503)["code"], "server_is_overloaded");
            assert_eq!(response.header("retry-after"), Some("1"));
        }
        "http-503-twice" => {
            failed(&api.generate(port, model), 503);
            failed(&api.generate(port, model), 503);
            complete(&api.generate(port, model));
            complete(&api.generate(port, model));
            failed(
                &api.generate(port, "scripted:http-503-twice?tag=another"),
                503,
            );
        }
        "http-503-once" => {
            let response = api.generate(port, model);
            failed(&response, 503);
            assert_eq!(response.header("retry-after"), None);
            complete(&api.generate(port, model));
        }
        "interrupted-once" => {
            interrupted(&api.generate(port, model), End::Whole);
            complete(&api.generate(port, model));
        }
        "should-not-retry" => {
            let response = api.generate(port, model);
            failed(&response, 500);
            assert_eq!(response.header("x-should-retry"), Some("false"));
        }
        "number-code" => assert_eq!(failed(&api.generate(port, model), 400)["code"], 400),
        "plain-text-error" => {
            let response = api.generate(port, model);
            assert_eq!(response.status, 502);
            assert!(
                response
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/plain")
            );
            assert!(response.text().starts_with("upstream"));
        }
        "html-200" | "html-502" => {
            let response = api.generate(port, model);
            assert_eq!(response.status, if name == "html-200" { 200 } else { 502 });
            assert!(
                response
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/html")
            );
            assert!(response.text().starts_with("<!doctype html>"));
        }
        "not-json" => {
            let response = api.generate(port, model);
            assert_eq!(response.header("content-type"), Some("application/json"));
            assert!(serde_json::from_slice::<Value>(&response.body()).is_err());
        }
        "another-document" => assert_eq!(api.generate(port, model).json()["status"], "ok"),
        "empty-body" => {
            let response = api.generate(port, model);
            assert_eq!((response.status, response.body().len()), (200, 0));
        }
        "redirect" => {
            let response = api.generate(port, model);
            let location = format!("http://localhost:{port}/elsewhere?tag=redirect");
            assert_eq!(
                (response.status, response.header("location")),
                (302, Some(location.as_str()))
            );
        }
        "no-cors" => {
            let response = api.generate(port, model);
            assert_eq!(response.status, 500);
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
        "no-json-schema" => {
            assert_eq!(
                failed(&api.generate(port, model), 400)["param"],
                api.format()
            );
            complete(&fall_back(port, api, model, Some("json_object")));
        }
        "no-response-format" => {
            let refused = failed(&api.generate(port, model), 400);
            assert_eq!(refused["code"], "unsupported_parameter");
            failed(&fall_back(port, api, model, Some("json_object")), 400);
            complete(&fall_back(port, api, model, None));
        }
        "no-streaming" => {
            assert_eq!(failed(&api.generate(port, model), 400)["param"], "stream");
            let response = api.send(port, &api.request_for_document(model, 3));
            content_of(api, &response.json());
        }
        "nameless-refusal" | "nameless-500" => {
            let response = api.generate(port, model);
            let status = if name == "nameless-500" { 500 } else { 400 };
            assert_eq!((response.status, response.end), (status, End::Whole));
            assert!(!response.text().contains(api.format()));
            complete(&fall_back(port, api, model, Some("json_object")));
        }
        "no-system-role" => {
            let mut body = api.request(model, 3);
            match api {
                Api::Chat => body["messages"][0]["role"] = "system".into(),
                Api::Responses => body["instructions"] = "Plan.".into(),
            }
            let response = api.send(port, &body);
            assert_eq!(response.status, 400);
            assert!(response.text().contains("no system role"));
        }
        "refuses-pattern" => {
            let body = api.request(model, 3);
            let response = api.send(port, &body);
            let is_refused = body.to_string().contains("\"pattern\"");
            assert_eq!(response.status, if is_refused { 400 } else { 200 });
        }
        "open-after-done" => {
            let response = api.generate_and_leave(port, model);
            assert_eq!((response.status, response.end), (200, End::Timeout));
            let text = response.text();
            assert_eq!(text, text.trim_end());
            assert_eq!(
                ParsedStream::new(format!("{text}\n\n").as_bytes())
                    .tasks()
                    .len(),
                3
            );
        }
        "unclosed-event" => {
            let response = api.generate(port, model);
            assert_eq!(response.end, End::Whole);
            let text = response.text();
            assert_eq!(text, text.trim_end());
            let stream = ParsedStream::new(format!("{text}\n\n").as_bytes());
            assert_eq!(stream.finish.as_deref(), Some("stop"));
        }
        "thinking-unopened" => {
            let content = finished(&api.generate(port, model)).content;
            let (thought, answer) = content.split_once("</think>").unwrap();
            assert!(thought.contains("{\"tasks\":["));
            assert!(serde_json::from_str::<Value>(answer).is_ok());
        }
        "reasoning-only" => {
            let response = api.generate(port, model);
            assert!(response.text().contains("Each task ne"));
            assert_eq!(finished(&response).content, "");
        }
        "repeated-text" => {
            let response = api.generate(port, model);
            let text = complete(&response).content;
            let escaped = Value::from(text).to_string();
            assert!(
                response.text().contains(&escaped),
                "the whole text is repeated"
            );
        }
        other => panic!("the script {other} is not tested"),
    }
}

/// Expects a stream with the finish reason `stop`.
fn finished_or_refused(response: &Response) -> ParsedStream {
    assert_eq!((response.status, response.end), (200, End::Whole));
    let stream = ParsedStream::new(&response.body());
    assert_eq!(stream.finish.as_deref(), Some("stop"));
    stream
}

/// Expects a document that finished, and returns its text.
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

/// Sends the request with its schema in a message and another response format.
fn fall_back(port: u16, api: Api, model: &str, format: Option<&str>) -> Response {
    let mut body = api.request(model, 3);
    let instructions = format!("Answer in JSON. Schema:\n{}\n", support::envelope());
    let format = format.map(|format| serde_json::json!({"type": format}));
    let (messages, parameter, value) = match api {
        Api::Chat => ("messages", "response_format", format),
        Api::Responses => (
            "input",
            "text",
            format.map(|format| serde_json::json!({"format": format})),
        ),
    };
    let message = serde_json::json!({"role": "system", "content": instructions});
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
fn a_script_that_refuses_storing_requires_store_to_be_false() {
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
            let response = api.send(port, &body);
            if allowed.contains(&store) {
                finished(&response);
            } else {
                assert_eq!(failed(&response, 400)["param"], "store");
            }
        }
    }
}

#[test]
fn stream_always_sends_a_stream_although_a_document_was_requested() {
    let port = start(|_| {});
    for api in [Api::Chat, Api::Responses] {
        let body = api.request_for_document("scripted:stream-always", 3);
        complete(&api.send(port, &body));
    }
}

#[test]
fn a_missing_or_wrong_key_is_reported_first_and_never_repeated() {
    let port = start(|_| {});
    let path = "/v1/chat/completions";
    let body = r#"{"model": "scripted:needs-this-key"}"#;
    let without = send(port, "POST", path, &[], body.as_bytes(), support::TIMEOUT);
    assert_eq!(failed(&without, 401)["code"], Value::Null);
    let headers = [("Authorization", "Bearer sk-another")];
    let wrong = send(
        port,
        "POST",
        path,
        &headers,
        body.as_bytes(),
        support::TIMEOUT,
    );
    assert_eq!(failed(&wrong, 401)["code"], "invalid_api_key");
    assert!(!wrong.text().contains("sk-another"));
}
