//! Response bodies in the styles of the known endpoints.
//!
//! Each file of `transcripts/` is one body, byte for byte, named `NAME.API.txt`. The files were
//! written for this test from the vendors' documentation; none was recorded from a service.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::string_slice)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskwright::document::Document;
use taskwright::model::{
    End, GenerationOutcome, MAX_EXCERPT_BYTES, Stall, StreamEvent, TaskStream, Usage,
};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Violation, agent_task_schema};
use taskwright::settings::Api;

/// File, outcome code, number of tasks, input and output tokens if reported, notices.
type Row = (
    &'static str,
    &'static str,
    usize,
    Option<(u64, u64)>,
    &'static [&'static str],
);

const TABLE: &[Row] = &[
    // Chat Completions in the style of each endpoint.
    ("openai.chat.txt", "complete", 2, Some((412, 96)), &[]),
    ("openai-no-usage.chat.txt", "complete", 2, None, &[]),
    ("azure.chat.txt", "complete", 2, None, &[]),
    ("ollama.chat.txt", "complete", 2, Some((301, 77)), &[]),
    ("vllm.chat.txt", "complete", 2, Some((288, 20)), &[]),
    ("llama-cpp.chat.txt", "complete", 2, Some((290, 80)), &[]),
    ("lm-studio.chat.txt", "complete", 2, None, &[]),
    ("openrouter.chat.txt", "complete", 2, Some((350, 120)), &[]),
    ("litellm.chat.txt", "complete", 2, None, &[]),
    ("reasoning.chat.txt", "complete", 2, Some((30, 90)), &[]),
    ("gateway-cr.chat.txt", "complete", 2, Some((412, 96)), &[]),
    // Complete responses with oddities.
    (
        "ollama-prose.chat.txt",
        "complete",
        2,
        None,
        &["text_around_json"],
    ),
    (
        "ollama-thinking.chat.txt",
        "complete",
        2,
        None,
        &["reasoning_in_response"],
    ),
    (
        "not-streamed.chat.txt",
        "complete",
        2,
        Some((412, 96)),
        &["not_streamed"],
    ),
    (
        "latin1.chat.txt",
        "complete",
        2,
        Some((412, 96)),
        &["invalid_utf8"],
    ),
    (
        "no-tasks.chat.txt",
        "complete",
        0,
        Some((412, 96)),
        &["no_tasks"],
    ),
    ("invalid-task.chat.txt", "complete", 1, Some((412, 96)), &[]),
    (
        "two-choices.chat.txt",
        "complete",
        2,
        None,
        &["other_choice"],
    ),
    // Incomplete responses.
    ("openai-length.chat.txt", "cut_off", 1, Some((412, 96)), &[]),
    (
        "openai-length-closed.chat.txt",
        "cut_off",
        2,
        Some((412, 96)),
        &[],
    ),
    (
        "not-streamed-length.chat.txt",
        "cut_off",
        1,
        None,
        &["not_streamed"],
    ),
    ("openai-refusal.chat.txt", "refused", 0, None, &[]),
    ("azure-filtered.chat.txt", "filtered", 1, None, &[]),
    ("openai-cut.chat.txt", "interrupted", 1, None, &[]),
    (
        "openai-done-without-finish.chat.txt",
        "interrupted",
        2,
        None,
        &[],
    ),
    ("empty.chat.txt", "interrupted", 0, None, &[]),
    // Errors.
    (
        "openai-stop-not-closed.chat.txt",
        "json_not_closed",
        2,
        Some((412, 96)),
        &[],
    ),
    ("openai-tool-call.chat.txt", "tool_call", 0, None, &[]),
    (
        "openai-tool-call.responses.txt",
        "tool_call",
        0,
        Some((412, 9)),
        &[],
    ),
    ("openai-error-inside.chat.txt", "server_error", 1, None, &[]),
    ("llama-cpp-error.chat.txt", "context_too_long", 1, None, &[]),
    ("lm-studio-error.chat.txt", "endpoint_error", 0, None, &[]),
    ("openrouter-error.chat.txt", "server_error", 1, None, &[]),
    (
        "broken-event.chat.txt",
        "malformed_stream",
        0,
        Some((412, 96)),
        &[],
    ),
    (
        "malformed-answer.chat.txt",
        "malformed_response",
        1,
        Some((412, 96)),
        &[],
    ),
    ("prose-only.chat.txt", "no_json", 0, Some((412, 96)), &[]),
    ("error-body.chat.txt", "server_error", 0, None, &[]),
    ("detail-body.chat.txt", "endpoint_error", 0, None, &[]),
    (
        "ollama-native.chat.txt",
        "not_a_model_response",
        0,
        None,
        &[],
    ),
    ("page.chat.txt", "web_page", 0, None, &[]),
    ("text.chat.txt", "not_a_model_response", 0, None, &[]),
    // Responses.
    ("openai.responses.txt", "complete", 2, Some((412, 96)), &[]),
    ("ollama.responses.txt", "complete", 2, Some((301, 77)), &[]),
    (
        "end-only.responses.txt",
        "complete",
        2,
        Some((412, 96)),
        &[],
    ),
    (
        "not-streamed.responses.txt",
        "complete",
        2,
        Some((412, 96)),
        &["not_streamed"],
    ),
    (
        "openai-unknown-event.responses.txt",
        "complete",
        2,
        Some((412, 96)),
        &["unknown_event"],
    ),
    (
        "openai-incomplete.responses.txt",
        "cut_off",
        1,
        Some((412, 96)),
        &[],
    ),
    (
        "openai-filtered.responses.txt",
        "filtered",
        1,
        Some((412, 96)),
        &[],
    ),
    (
        "openai-incomplete-other.responses.txt",
        "unknown_finish",
        2,
        Some((412, 96)),
        &[],
    ),
    (
        "openai-refusal.responses.txt",
        "refused",
        0,
        Some((412, 96)),
        &[],
    ),
    (
        "openai-failed.responses.txt",
        "rate_limited",
        1,
        Some((412, 96)),
        &[],
    ),
    ("openai-error.responses.txt", "server_error", 1, None, &[]),
    ("openai-cut.responses.txt", "interrupted", 2, None, &[]),
    (
        "openai-mismatch.responses.txt",
        "text_mismatch",
        2,
        Some((412, 96)),
        &[],
    ),
    (
        "wrong-api.responses.txt",
        "interrupted",
        0,
        None,
        &["unknown_event"],
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

fn body(file: &str) -> Vec<u8> {
    std::fs::read(folder().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn api(file: &str) -> Api {
    if file.ends_with(".responses.txt") {
        Api::Responses
    } else {
        Api::ChatCompletions
    }
}

fn check() -> Arc<dyn Check> {
    let schema = serde_json::from_str(agent_task_schema()).unwrap();
    Arc::new(Validator::compile(&schema, &ValidatorOptions::default()).unwrap())
}

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
    usage: Option<Usage>,
}

/// Reads a body in pieces of `size` bytes. Merges consecutive text events, because only they may
/// depend on the split.
fn read(file: &str, size: usize, check: &Arc<dyn Check>) -> Reading {
    let mut stream = TaskStream::new(api(file), Arc::clone(check));
    let mut events: Vec<StreamEvent> = Vec::new();
    let mut take = |more: Vec<StreamEvent>| {
        for event in more {
            match (events.last_mut(), event) {
                (Some(StreamEvent::Text { delta }), StreamEvent::Text { delta: more }) => {
                    delta.push_str(&more);
                }
                (_, event) => events.push(event),
            }
        }
    };
    for piece in body(file).chunks(size) {
        take(stream.push(piece));
    }
    take(stream.close());
    Reading {
        events,
        outcome: stream.finish(End::Ended),
        raw_text: stream.raw_text().to_owned(),
        usage: stream.usage(),
    }
}

#[test]
fn every_transcript_has_the_expected_outcome_however_its_bytes_are_split() {
    let check = check();
    for (file, code, tasks, usage, notices) in TABLE {
        let unsplit = read(file, usize::MAX, &check);
        assert_eq!(
            unsplit.outcome.code(),
            *code,
            "{file}: {:?}",
            unsplit.outcome
        );
        let seen: Vec<&str> = unsplit
            .events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Notice(notice) => Some(notice.code.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(seen, *notices, "{file}");
        let used = unsplit.usage.map(|usage| (usage.input, usage.output));
        assert_eq!(used, *usage, "{file}");
        let found = unsplit
            .events
            .iter()
            .filter(|event| matches!(event, StreamEvent::Task { .. }))
            .count();
        assert_eq!(found, *tasks, "{file}");
        for size in [1, 2, 3, 64, 1000] {
            let split = read(file, size, &check);
            assert_eq!(split.events, unsplit.events, "{file} in pieces of {size}");
            assert_eq!(split.outcome, unsplit.outcome, "{file} in pieces of {size}");
        }
    }
}

#[test]
fn every_transcript_is_in_the_table() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    files.sort();
    let mut listed: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
    listed.sort_unstable();
    assert_eq!(files, listed);
}

#[test]
fn tasks_have_the_exact_text_of_the_response_and_valid_ones_have_no_violations() {
    let check = check();
    for (file, code, ..) in TABLE {
        let reading = read(file, usize::MAX, &check);
        let mut next = 0;
        for event in &reading.events {
            let StreamEvent::Task {
                index,
                document,
                violations,
            } = event
            else {
                continue;
            };
            assert_eq!(*index, next, "{file}");
            next += 1;
            assert!(reading.raw_text.contains(document.text()), "{file}");
            let is_valid = *file != "invalid-task.chat.txt";
            assert_eq!(violations.is_empty(), is_valid, "{file}: {violations:?}");
        }
        let text: String = reading
            .events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Text { delta } => Some(delta.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(text, reading.raw_text, "{file} {code}");
    }
}

#[test]
fn an_invalid_task_has_every_violation_and_its_exact_digits() {
    let reading = read("invalid-task.chat.txt", 5, &check());
    let (document, violations) = reading
        .events
        .iter()
        .find_map(|event| match event {
            StreamEvent::Task {
                document,
                violations,
                ..
            } => Some((document, violations)),
            _ => None,
        })
        .unwrap();
    assert!(document.text().contains("12345678901234567890"));
    let keywords: Vec<&str> = violations.iter().map(|v| v.keyword.as_str()).collect();
    for keyword in ["pattern", "enum", "additionalProperties"] {
        assert!(keywords.contains(&keyword), "{keyword} in {keywords:?}");
    }
    assert!(
        violations.iter().any(|v| v.instance_path == "/title"),
        "{violations:?}"
    );
}

#[test]
fn no_transcript_is_complete_before_the_endpoint_says_that_it_finished() {
    // Whether a task is valid does not matter here, and a check of each would take long.
    let check: Arc<dyn Check> = Arc::new(AcceptAll);
    for (file, code, ..) in TABLE {
        let bytes = body(file);
        let finished_at = end_of_terminal_event(&bytes).filter(|_| *code == "complete");
        let mut unclosed = TaskStream::new(api(file), Arc::clone(&check));
        for (at, byte) in bytes.iter().enumerate() {
            unclosed.push(std::slice::from_ref(byte));
            assert!(
                !unclosed.finish(End::Ended).is_complete()
                    || finished_at.is_some_and(|end| at + 1 >= end),
                "{file} cut after byte {at}"
            );
            // The end of the body can complete an event only here.
            if !matches!(byte, b'}' | b']' | b'\n' | b'\r') {
                continue;
            }
            let mut stream = TaskStream::new(api(file), Arc::clone(&check));
            stream.push(&bytes[..=at]);
            stream.close();
            let outcome = stream.finish(End::Ended);
            let has_finished = finished_at.is_some_and(|end| at + 1 >= end);
            assert_eq!(
                outcome.is_complete(),
                has_finished,
                "{file} cut after byte {at}: {outcome:?}"
            );
        }
    }
}

/// The offset after the event that says `stop` or `completed`: after its data, or for a single document
/// after the last bracket.
fn end_of_terminal_event(bytes: &[u8]) -> Option<usize> {
    // One character per byte, so that offsets are the same in both.
    let text: String = bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii() {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect();
    let words = [
        r#""finish_reason":"stop""#,
        r#""finish_reason": "stop""#,
        r#""type":"response.completed""#,
        r#""status": "completed""#,
    ];
    let (at, in_one_piece) = words
        .iter()
        .find_map(|word| Some((text.find(word)?, word.contains(": "))))?;
    if in_one_piece {
        return Some(text.rfind('}')? + 1);
    }
    let line_end = text[at..].find(['\n', '\r'])?;
    Some(at + text[..at + line_end][at..].rfind('}')? + 1)
}

#[test]
fn what_the_endpoint_said_takes_precedence_over_how_the_body_ended() {
    let check = check();
    let ends = [
        (End::Cancelled, "cancelled"),
        (End::Stalled(Stall::Idle), "stalled"),
        (End::TransportError("reset".to_owned()), "interrupted"),
    ];
    for (end, otherwise) in ends {
        for (file, expected) in [
            ("openai.chat.txt", "complete"),
            ("openai-length.chat.txt", "cut_off"),
            ("openai-cut.chat.txt", otherwise),
            ("malformed-answer.chat.txt", "malformed_response"),
            ("text.chat.txt", otherwise),
            ("empty.chat.txt", otherwise),
        ] {
            let mut stream = TaskStream::new(api(file), Arc::clone(&check));
            stream.push(&body(file));
            assert_eq!(
                stream.finish(end.clone()).code(),
                expected,
                "{file} {end:?}"
            );
        }
    }
}

#[test]
fn refusals_and_errors_contain_the_endpoints_message() {
    let check = check();
    for (file, message) in [
        (
            "openai-refusal.chat.txt",
            "I'm sorry, but I can't help with that.",
        ),
        ("openai-refusal.responses.txt", "I can't do that."),
        (
            "llama-cpp-error.chat.txt",
            "Context size has been exceeded.",
        ),
        ("openrouter-error.chat.txt", "Provider disconnected"),
        ("error-body.chat.txt", "Loading model"),
        ("openai-failed.responses.txt", "Slow down."),
    ] {
        let outcome = read(file, 10, &check).outcome;
        assert!(outcome.message().contains(message), "{file}: {outcome:?}");
    }
    for (file, code) in [
        ("llama-cpp-error.chat.txt", "500"),
        ("openrouter-error.chat.txt", "502"),
        ("openai-failed.responses.txt", "rate_limit_exceeded"),
    ] {
        let GenerationOutcome::Failed(failure) = read(file, 10, &check).outcome else {
            panic!("{file}");
        };
        assert_eq!(failure.endpoint_code.as_deref(), Some(code), "{file}");
    }
    for file in ["page.chat.txt", "text.chat.txt", "ollama-native.chat.txt"] {
        let GenerationOutcome::Failed(failure) = read(file, 10, &check).outcome else {
            panic!("{file}");
        };
        let start = String::from_utf8(body(file)).unwrap();
        let shown = failure.body.unwrap();
        assert!(start.starts_with(shown.trim_end_matches('…')), "{file}");
    }
}

#[test]
fn a_stream_is_settled_once_its_outcome_is_final() {
    let check = check();
    for (file, settled) in [
        ("openai.chat.txt", true),
        ("openai.responses.txt", true),
        ("malformed-answer.chat.txt", true),
        ("openai-error-inside.chat.txt", true),
        ("openai-cut.chat.txt", false),
        // The excerpt of a page may still grow.
        ("page.chat.txt", false),
    ] {
        let mut stream = TaskStream::new(api(file), Arc::clone(&check));
        assert!(!stream.is_settled());
        stream.push(&body(file));
        assert_eq!(stream.is_settled(), settled, "{file}");
    }
    let mut page = TaskStream::new(Api::ChatCompletions, check);
    page.push(format!("<html>{}", " ".repeat(MAX_EXCERPT_BYTES)).as_bytes());
    assert!(page.is_settled());
}
