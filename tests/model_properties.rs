//! Properties of every response, however it is written, split, cut or corrupted.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::string_slice)]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use taskwright::document::Document;
use taskwright::model::{End, GenerationOutcome, NoticeCode, StreamEvent, TaskStream};
use taskwright::schema::{Check, Violation};
use taskwright::settings::Api;

/// Accepts every task: these tests are about reading, not about schemas.
struct AcceptAll;

impl Check for AcceptAll {
    fn check(&self, _: &Document) -> Vec<Violation> {
        Vec::new()
    }
}

struct Reading {
    events: Vec<StreamEvent>,
    outcome: GenerationOutcome,
    raw_text: String,
}

impl Reading {
    fn tasks(&self) -> Vec<&Document> {
        self.events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Task { document, .. } => Some(document),
                _ => None,
            })
            .collect()
    }

    fn has_notice(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, StreamEvent::Notice(_)))
    }
}

/// Adds events and merges consecutive text events.
fn take(events: &mut Vec<StreamEvent>, more: Vec<StreamEvent>) {
    for event in more {
        match (events.last_mut(), event) {
            (Some(StreamEvent::Text { delta }), StreamEvent::Text { delta: more }) => {
                delta.push_str(&more);
            }
            (_, event) => events.push(event),
        }
    }
}

/// Reads a body split at `cuts`. Merges consecutive text events.
fn read(api: Api, body: &[u8], cuts: &[usize]) -> Reading {
    let mut stream = TaskStream::new(api, Arc::new(AcceptAll));
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
    cuts.push(body.len());
    cuts.sort_unstable();
    let mut events: Vec<StreamEvent> = Vec::new();
    let mut from = 0;
    for to in cuts {
        take(&mut events, stream.push(&body[from..to]));
        from = to;
    }
    take(&mut events, stream.close());
    Reading {
        events,
        outcome: stream.finish(End::Ended),
        raw_text: stream.raw_text().to_owned(),
    }
}

/// The body of a stream with this text, in deltas of `size` characters.
fn stream_of(api: Api, response: &str, size: usize) -> String {
    let characters: Vec<char> = response.chars().collect();
    let mut body = String::new();
    for piece in characters.chunks(size.max(1)) {
        let piece: String = piece.iter().collect();
        let event = match api {
            Api::ChatCompletions => {
                json!({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": null}]})
            }
            Api::Responses => json!({"type": "response.output_text.delta", "output_index": 0,
                                     "content_index": 0, "delta": piece}),
        };
        body.push_str(&format!("data: {event}\n\n"));
    }
    body
}

fn end_of(api: Api) -> String {
    let event = match api {
        Api::ChatCompletions => {
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        }
        Api::Responses => {
            json!({"type": "response.completed", "response": {"status": "completed"}})
        }
    };
    format!("data: {event}\n\n")
}

fn apis() -> impl Strategy<Value = Api> {
    prop_oneof![Just(Api::ChatCompletions), Just(Api::Responses)]
}

/// JSON values as text, with whitespace, escapes and numbers beyond machine precision.
fn json_text() -> impl Strategy<Value = String> {
    let space = "[ \t\n\r]{0,2}";
    let string =
        "(\"([ -!#-\\[\\]-~é😀]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-f]{2}|\\\\ud83d\\\\ude00){0,8}\")";
    let number = "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number,
        string,
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        let item = (space, inner.clone(), space).prop_map(|(a, item, b)| format!("{a}{item}{b}"));
        let member = (space, string, space, inner, space)
            .prop_map(|(a, name, b, value, c)| format!("{a}{name}{b}:{value}{c}"));
        prop_oneof![
            prop::collection::vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..5)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// A task: an object whose first member is not `tasks`.
fn task_text() -> impl Strategy<Value = String> {
    json_text().prop_map(|value| format!("{{ \"key\":\"k\", \"value\" : {value}}}"))
}

/// The text of a response with these tasks, in one of the accepted forms.
fn wrap(form: usize, tasks: &[String]) -> String {
    let list = tasks.join(" ,\n");
    match form {
        0 => format!("{{\"tasks\":[{list}]}}"),
        1 => format!(
            "\n{{ \"note\" : [1, {{\"tasks\":[]}}], \"tasks\" : [ {list} ] , \"n\":-0.5 }}\n"
        ),
        2 => format!("[{list}]"),
        3 => format!("Here [you] are:\n```json\n{{\"tasks\":[{list}]}}\n```\nDone."),
        _ => format!("<think>{{\"a\":1}}</think>{{\"tasks\":[{list}]}}"),
    }
}

fn same_value(document: &Document) -> bool {
    match serde_json::from_str::<Value>(document.text()) {
        Ok(value) => {
            !document.duplicate_members().is_empty() || value == document.root().to_value()
        }
        // RFC 8259 allows this, but serde_json does not.
        Err(error) => error.to_string().contains("number out of range"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_split_gives_the_same_tasks(
        api in apis(),
        form in 0..5usize,
        tasks in prop::collection::vec(task_text(), 1..5),
        size in 1..40usize,
        cuts in prop::collection::vec(any::<usize>(), 0..12),
        carriage_returns in any::<bool>(),
    ) {
        let response = wrap(form, &tasks);
        let mut body = stream_of(api, &response, size) + &end_of(api);
        if carriage_returns {
            body = body.replace('\n', "\r\n");
        }
        let unsplit = read(api, body.as_bytes(), &[]);
        prop_assert!(unsplit.outcome.is_complete(), "{:?}\n{response}", unsplit.outcome);
        prop_assert_eq!(&unsplit.raw_text, &response);
        let found: Vec<&str> = unsplit.tasks().iter().map(|task| task.text()).collect();
        prop_assert_eq!(found, tasks.iter().map(String::as_str).collect::<Vec<_>>());
        for task in unsplit.tasks() {
            prop_assert!(same_value(task), "{}", task.text());
        }
        let split = read(api, body.as_bytes(), &cuts);
        prop_assert_eq!(split.events, unsplit.events);
        prop_assert_eq!(split.outcome, unsplit.outcome);
    }

    #[test]
    fn a_corrupted_response_never_panics_and_its_tasks_are_json(
        api in apis(),
        form in 0..5usize,
        tasks in prop::collection::vec(task_text(), 1..4),
        size in 1..40usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, any::<u8>()), 1..6),
        in_text in any::<bool>(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let mut response = wrap(form, &tasks).into_bytes();
        if in_text {
            corrupt(&mut response, &damage);
        }
        let response = String::from_utf8_lossy(&response).into_owned();
        let mut body = (stream_of(api, &response, size) + &end_of(api)).into_bytes();
        if !in_text {
            corrupt(&mut body, &damage);
        }
        let unsplit = read(api, &body, &[]);
        for task in unsplit.tasks() {
            prop_assert!(same_value(task), "{}", task.text());
            prop_assert!(unsplit.raw_text.contains(task.text()));
        }
        let split = read(api, &body, &cuts);
        prop_assert_eq!(split.events, unsplit.events);
        prop_assert_eq!(split.outcome, unsplit.outcome);
    }

    #[test]
    fn a_bare_document_is_complete_exactly_if_another_parser_accepts_it(
        text in prop_oneof![
            json_text(),
            task_text(),
            ("[\\[{]", "[\\[\\]{}:,\" 01ae.\\-tnfrul\\\\]{0,20}").prop_map(|(a, b)| a + &b),
        ],
        size in 1..10usize,
    ) {
        let first = text.trim_start().chars().next();
        prop_assume!(matches!(first, Some('{' | '[')));
        let api = Api::ChatCompletions;
        let body = stream_of(api, &text, size) + &end_of(api);
        let reading = read(api, body.as_bytes(), &[]);
        let around = reading.events.iter().any(|event| {
            matches!(event, StreamEvent::Notice(notice)
                if notice.code == NoticeCode::TextAroundJson)
        });
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(_)) => prop_assert!(
                reading.outcome.is_complete() || reading.outcome.code() == "several_documents",
                "{text}: {:?}", reading.outcome
            ),
            // An array counts as the tasks if it is empty or begins with an object.
            Ok(value) => {
                let tasks = value.as_array().is_some_and(|items| {
                    items.first().is_none_or(Value::is_object)
                });
                prop_assert_eq!(reading.outcome.is_complete() && !around, tasks, "{}", text);
            }
            Err(error) if error.to_string().contains("number out of range") => {}
            Err(_) => prop_assert!(
                !reading.outcome.is_complete() || around,
                "{text}: {:?}", reading.outcome
            ),
        }
    }

    #[test]
    fn random_bytes_never_panic_and_are_never_complete(
        api in apis(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let unsplit = read(api, &bytes, &[]);
        prop_assert!(!unsplit.outcome.is_complete());
        prop_assert!(!unsplit.outcome.hint().is_empty());
        let split = read(api, &bytes, &cuts);
        prop_assert_eq!(split.outcome, unsplit.outcome);
    }

    #[test]
    fn reasoning_and_other_choices_never_become_part_of_the_response(
        tasks in prop::collection::vec(task_text(), 1..4),
        other in json_text(),
        size in 1..30usize,
    ) {
        let api = Api::ChatCompletions;
        let response = wrap(0, &tasks);
        let mut body = String::new();
        for event in stream_of(api, &response, size).split_inclusive("\n\n") {
            let noise = json!({"choices": [
                {"index": 0, "delta": {"reasoning_content": &other, "reasoning": &other}},
                {"index": 1, "delta": {"content": &other}, "finish_reason": "length"}]});
            body.push_str(&format!(": beat\n\nevent: message\ndata: {noise}\n\n{event}"));
        }
        body.push_str(&end_of(api));
        let reading = read(api, body.as_bytes(), &[]);
        prop_assert!(reading.outcome.is_complete());
        prop_assert!(reading.has_notice());
        prop_assert_eq!(reading.raw_text, response);
    }
}

// Each case reads its response once per character, so there are fewer cases.
proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_truncated_response_is_never_complete_and_its_tasks_are_never_cut(
        api in apis(),
        form in 0..5usize,
        tasks in prop::collection::vec(task_text(), 1..4),
        size in 1..40usize,
        with_end in any::<bool>(),
    ) {
        // Without the end, the body is cut; with it, only the text is.
        let response = wrap(form, &tasks);
        let characters: Vec<char> = response.chars().collect();
        let last_bracket = response.rfind(['}', ']']).unwrap();
        let last_bracket = response[..last_bracket].chars().count();
        for end in 0..=last_bracket {
            let cut: String = characters[..end].iter().collect();
            let mut body = stream_of(api, &cut, size);
            if with_end {
                body.push_str(&end_of(api));
            }
            let reading = read(api, body.as_bytes(), &[]);
            prop_assert!(!reading.outcome.is_complete(), "{cut}");
            for (found, task) in reading.tasks().iter().zip(&tasks) {
                prop_assert_eq!(found.text(), task);
            }
        }
    }
}

/// Replaces, deletes, inserts or repeats bytes.
fn corrupt(bytes: &mut Vec<u8>, damage: &[(prop::sample::Index, u8, u8)]) {
    for (place, kind, byte) in damage {
        if bytes.is_empty() {
            return;
        }
        let at = place.index(bytes.len());
        match kind {
            0 => bytes[at] = *byte,
            1 => {
                bytes.remove(at);
            }
            2 => bytes.insert(at, *byte),
            _ => {
                let end = bytes.len().min(at + 1 + usize::from(byte % 32));
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}
