//! What endpoints send in the field beyond the documented APIs, by class. Each class has several
//! inputs that differ in wording, place or shape.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::string_slice)]

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use taskwright::document::Document;
use taskwright::model::{End, StreamEvent, TaskStream};
use taskwright::schema::{Check, Violation};
use taskwright::settings::Api;

const ANSWER: &str = r#"{"tasks":[{"key":"a","due":null},{"key":"b","due":null}]}"#;
const DRAFT: &str = r#"{"tasks":[{"key":"draft"}]}"#;

struct AcceptAll;

impl Check for AcceptAll {
    fn check(&self, _: &Document) -> Vec<Violation> {
        Vec::new()
    }
}

#[derive(Debug, PartialEq)]
struct Reading {
    /// The events; consecutive texts are merged.
    events: Vec<StreamEvent>,
    code: &'static str,
    raw_text: String,
    reasoning: String,
    usage: Option<(u64, u64)>,
}

impl Reading {
    fn keys(&self) -> Vec<String> {
        let key = |document: &Document| {
            let node = document.at("/key")?;
            Some(node.text().trim_matches('"').to_owned())
        };
        let tasks = self.events.iter().filter_map(|event| match event {
            StreamEvent::Task { document, .. } => Some(document),
            _ => None,
        });
        tasks.map(|task| key(task).unwrap_or_default()).collect()
    }

    fn notices(&self) -> Vec<&str> {
        let notices = self.events.iter().filter_map(|event| match event {
            StreamEvent::Notice(notice) => Some(notice.code.as_str()),
            _ => None,
        });
        notices.collect()
    }
}

fn read_pieces<'a>(api: Api, pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut stream = TaskStream::new(api, Arc::new(AcceptAll));
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
    for piece in pieces {
        take(stream.push(piece));
    }
    take(stream.close());
    Reading {
        events,
        code: stream.finish(End::Ended).code(),
        raw_text: stream.raw_text().to_owned(),
        reasoning: stream.reasoning().to_owned(),
        usage: stream.usage().map(|usage| (usage.input, usage.output)),
    }
}

/// Reads a body whole and in pieces of several sizes, and asserts that all give the same.
fn read(api: Api, body: &str) -> Reading {
    let whole = read_pieces(api, [body.as_bytes()]);
    for size in [1, 2, 7, 64] {
        let split = read_pieces(api, body.as_bytes().chunks(size));
        assert_eq!(split, whole, "in pieces of {size}: {body}");
    }
    whole
}

fn events(events: &[Value]) -> String {
    let lines = events.iter().map(|event| format!("data: {event}\n\n"));
    lines.collect()
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn content(text: &str) -> Value {
    delta(&json!({"content": text}))
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// A stream whose content is this text, in pieces of 9 characters.
fn stream_of(text: &str) -> Vec<Value> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(9);
    pieces
        .map(|piece| content(&piece.iter().collect::<String>()))
        .collect()
}

fn complete(text: &str) -> String {
    let mut all = stream_of(text);
    all.push(finish("stop"));
    events(&all)
}

/// Asserts that a body is a complete response with the tasks of [`ANSWER`].
fn assert_answered(api: Api, body: &str) -> Reading {
    let reading = read(api, body);
    assert_eq!(reading.code, "complete", "{body}\n{reading:?}");
    assert_eq!(reading.keys(), ["a", "b"], "{body}");
    reading
}

#[test]
fn a_whole_last_event_without_its_empty_line_counts_and_a_partial_one_never_does() {
    let chat = complete(ANSWER);
    let responses = events(&[
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": ANSWER}),
        json!({"type": "response.completed", "response": {"status": "completed"}}),
    ]);
    for (api, body) in [
        (Api::ChatCompletions, chat.clone()),
        (Api::ChatCompletions, chat.replace('\n', "\r\n")),
        (Api::ChatCompletions, chat.replace('\n', "\r")),
        (Api::ChatCompletions, format!("{chat}data: [DONE]\n\n")),
        (Api::Responses, responses),
    ] {
        let trimmed = body.trim_end();
        assert_answered(api, trimmed);
        assert_answered(api, &format!("{trimmed}\n"));
        let finished = trimmed.rfind('}').unwrap();
        for end in 0..=finished {
            let cut = read_pieces(api, [&body.as_bytes()[..end]]);
            assert_ne!(cut.code, "complete", "{:?}", &body[..end]);
        }
    }
    // A name after the data gives it another meaning, so it counts only if its line is whole.
    let named = "data: {\"message\":\"busy\"}\nevent: error";
    assert_eq!(read(Api::ChatCompletions, named).code, "interrupted");
}

#[test]
fn reasoning_in_members_of_its_own_is_kept_apart_and_is_no_task() {
    for reasoning in [
        json!({"reasoning_content": DRAFT}),
        json!({"reasoning": DRAFT, "content": null}),
        json!({"thinking": DRAFT, "content": ""}),
        json!({"reasoning": {"content": DRAFT}}),
        json!({"reasoning_details": [{"type": "reasoning.text", "text": DRAFT}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": DRAFT}]}]}),
        json!({"content": [{"type": "reasoning", "text": DRAFT}]}),
    ] {
        let mut all = vec![delta(&reasoning)];
        all.extend(stream_of(ANSWER));
        all.push(finish("stop"));
        let reading = assert_answered(Api::ChatCompletions, &events(&all));
        assert_eq!(reading.reasoning, DRAFT, "{reasoning}");
        assert_eq!(reading.raw_text, ANSWER, "{reasoning}");

        // Without a response, it is named, and is still no task.
        for (reason, code) in [("stop", "only_reasoning"), ("length", "cut_off")] {
            let body = events(&[delta(&reasoning), finish(reason)]);
            let reading = read(Api::ChatCompletions, &body);
            assert_eq!(reading.code, code, "{body}");
            assert_eq!(reading.keys(), [""; 0], "{body}");
            assert_eq!(reading.reasoning, DRAFT);
            let is_named = code == "only_reasoning" || reading.notices() == ["only_reasoning"];
            assert!(is_named, "{body}");
        }
    }
    let document = json!({"choices": [{"message": {"reasoning_content": DRAFT, "content": ANSWER},
        "finish_reason": "stop"}]});
    let reading = assert_answered(Api::ChatCompletions, &document.to_string());
    assert_eq!(reading.reasoning, DRAFT);
}

#[test]
fn reasoning_in_the_content_is_skipped_with_or_without_its_opening_marker() {
    for text in [
        format!("<think>As {DRAFT}.</think>\n{ANSWER}"),
        format!("As {DRAFT}.</think>{ANSWER}"),
        format!("Each needs a title, as {{\"title\":\"x\"}}.</think>{ANSWER}"),
        format!("So: {DRAFT} and {DRAFT}, {{\"a\":</think>{ANSWER}"),
        format!("[THINK]As {DRAFT}.[/THINK]{ANSWER}"),
        format!("As {DRAFT}.\n</thinking>\n\n{ANSWER}\n"),
        format!(
            "<|channel|>analysis<|message|>As {DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}<|return|>"
        ),
        format!("analysisAs {DRAFT}assistantfinal{ANSWER}"),
        format!("<|channel>thought\nAs {DRAFT}<channel|>{ANSWER}"),
    ] {
        let body = complete(&text);
        let reading = assert_answered(Api::ChatCompletions, &body);
        assert_eq!(
            reading.raw_text, text,
            "reasoning is kept with the raw text"
        );
        assert!(
            reading.notices().contains(&"reasoning_in_response"),
            "{text}"
        );
    }
    // When reasoning is all there is, it is named.
    for text in [
        format!("<think>As {DRAFT}</think>"),
        format!("<think>As {DRAFT}"),
        format!("As {DRAFT}</think>\n"),
        format!("<|channel|>analysis<|message|>As {DRAFT}"),
    ] {
        let reading = read(Api::ChatCompletions, &complete(&text));
        assert_eq!(reading.code, "only_reasoning", "{text}");
        assert_eq!(reading.keys(), [""; 0], "{text}");
    }
    // What was taken for tasks before a closing marker makes the response incomplete.
    for text in [
        format!("{DRAFT}</think>{ANSWER}"),
        format!("{DRAFT} Better:\n</think>\n{ANSWER}"),
        format!("```json\n{DRAFT}\n```</thinking>{ANSWER}"),
    ] {
        let reading = read(Api::ChatCompletions, &complete(&text));
        assert_eq!(reading.code, "several_documents", "{text}");
    }
}

#[test]
fn text_that_is_sent_again_is_read_once() {
    let message = |text: &str| {
        json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": text},
            "finish_reason": "stop"}]})
    };
    let both = json!({"choices": [{"index": 0, "delta": {"content": ""},
        "message": {"content": ANSWER}, "finish_reason": "stop"}]});
    let repeated = json!({"choices": [{"index": 0, "delta": {"content": ANSWER},
        "finish_reason": "stop"}]});
    let cumulative: Vec<Value> = (1..=ANSWER.len())
        .filter(|end| end % 7 == 0 || *end == ANSWER.len())
        .map(|end| content(&ANSWER[..end]))
        .chain([finish("stop")])
        .collect();
    let snapshots: Vec<Value> = (1..=ANSWER.len())
        .filter(|end| end % 7 == 0)
        .map(|end| json!({"choices": [{"index": 0, "message": {"content": &ANSWER[..end]}}]}))
        .chain([message(ANSWER)])
        .collect();
    for last in [
        message(ANSWER),
        message(&format!("{ANSWER}\n")),
        both,
        repeated,
    ] {
        let mut all = stream_of(ANSWER);
        all.push(last);
        let reading = assert_answered(Api::ChatCompletions, &events(&all));
        assert_eq!(reading.raw_text.trim_end(), ANSWER);
    }
    for all in [cumulative, snapshots, vec![message(ANSWER)]] {
        let reading = assert_answered(Api::ChatCompletions, &events(&all));
        assert_eq!(reading.raw_text, ANSWER);
    }
    // A repetition that differs makes the response incomplete.
    let mut all = stream_of(ANSWER);
    all.push(message(DRAFT));
    let reading = read(Api::ChatCompletions, &events(&all));
    assert_eq!(reading.code, "text_mismatch");
}

#[test]
fn null_as_text_is_no_text_and_inside_a_document_it_is_a_value() {
    let null = content("null");
    let mut all = vec![
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "null"},
            "finish_reason": "null"}], "usage": "null", "error": ""}),
        delta(&json!({"content": null, "refusal": "null", "reasoning_content": "None"})),
    ];
    for piece in ANSWER.split_inclusive("null") {
        match piece.strip_suffix("null") {
            Some(before) => all.extend([content(before), null.clone()]),
            None => all.push(content(piece)),
        }
    }
    all.extend([null, finish("stop"), finish("None")]);
    let reading = assert_answered(Api::ChatCompletions, &events(&all));
    assert_eq!(reading.raw_text, ANSWER);
    assert_eq!(reading.notices(), [""; 0]);
}

#[test]
fn finish_reasons_with_a_known_meaning_have_it_and_others_are_never_complete() {
    for (choice, code) in [
        (json!({"finish_reason": "end_turn"}), "complete"),
        (json!({"finish_reason": "STOP"}), "complete"),
        (
            json!({"finish_reason": null, "stop_reason": "end_turn"}),
            "complete",
        ),
        (json!({"finishReason": "FinishReason.STOP"}), "complete"),
        (json!({"finish_reason": "max_tokens"}), "cut_off"),
        (json!({"finish_reason": "MAX_TOKENS"}), "cut_off"),
        (json!({"finish_reason": "model_length"}), "cut_off"),
        (json!({"finish_reason": "SAFETY"}), "filtered"),
        (json!({"finish_reason": "guardrail_intervened"}), "filtered"),
        (json!({"finish_reason": "refusal"}), "refused"),
        (json!({"finish_reason": "tool_use"}), "tool_call"),
        (json!({"finish_reason": "error"}), "endpoint_error"),
        (json!({"finish_reason": "aborted"}), "endpoint_error"),
        (json!({"finish_reason": "moon"}), "unknown_finish"),
        (json!({"finish_reason": "null"}), "interrupted"),
        (json!({"finish_reason": ""}), "interrupted"),
        (json!({"stop_reason": "}"}), "interrupted"),
    ] {
        let mut last = choice.clone();
        last["delta"] = json!({});
        let mut all = stream_of(ANSWER);
        all.push(json!({"choices": [last]}));
        let reading = read(Api::ChatCompletions, &events(&all));
        assert_eq!(reading.code, code, "{choice}");
        assert_eq!(reading.keys(), ["a", "b"], "{choice}");
    }
}

#[test]
fn usage_is_read_wherever_it_is() {
    for last in [
        json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}),
        json!({"usage": {"input_tokens": 3, "output_tokens": 4}}),
        json!({"choices": [{"index": 0, "delta": {}, "usage": {"prompt_tokens": 3, "completion_tokens": 4},
            "finish_reason": "stop"}]}),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "x_groq":
            {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}}),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usageMetadata":
            {"promptTokenCount": 3, "candidatesTokenCount": 4}}),
        json!({"choices": [], "timings": {"prompt_n": 3, "predicted_n": 4}}),
    ] {
        let mut all = stream_of(ANSWER);
        all.extend([finish("stop"), last.clone()]);
        let reading = assert_answered(Api::ChatCompletions, &events(&all));
        assert_eq!(reading.usage, Some((3, 4)), "{last}");
    }
}

fn responses_delta(output: u64, text: &str) -> Value {
    json!({"type": "response.output_text.delta", "output_index": output, "content_index": 0,
        "delta": text})
}

fn message_item(phase: Option<&str>, text: &str) -> Value {
    let mut item = json!({"type": "message", "content": [{"type": "output_text", "text": text}]});
    if let Some(phase) = phase {
        item["phase"] = phase.into();
    }
    item
}

fn completed(output: &[Value]) -> Value {
    json!({"type": "response.completed", "response": {"status": "completed", "output": output}})
}

#[test]
fn the_tasks_are_in_the_last_message_and_a_commentary_has_none() {
    let chatter = format!("First I thought of {DRAFT}, but:");
    let added = |output: u64, phase: &str| {
        json!({"type": "response.output_item.added", "output_index": output,
            "item": {"type": "message", "phase": phase}})
    };
    let done = |output: u64, text: &str| {
        json!({"type": "response.output_text.done", "output_index": output, "content_index": 0,
            "text": text})
    };
    for all in [
        // The phases are known from the start.
        vec![
            added(0, "commentary"),
            responses_delta(0, DRAFT),
            done(0, DRAFT),
            added(1, "final_answer"),
            responses_delta(1, ANSWER),
            done(1, ANSWER),
            completed(&[]),
        ],
        // Without phases.
        vec![
            responses_delta(0, &chatter),
            done(0, &chatter),
            responses_delta(1, ANSWER),
            done(1, ANSWER),
            completed(&[message_item(None, &chatter), message_item(None, ANSWER)]),
        ],
        // Only at the end.
        vec![completed(&[
            message_item(Some("commentary"), DRAFT),
            message_item(Some("final_answer"), ANSWER),
        ])],
        vec![completed(&[
            message_item(None, &chatter),
            message_item(None, ANSWER),
        ])],
    ] {
        let reading = assert_answered(Api::Responses, &events(&all));
        let everything = reading.raw_text + &reading.reasoning;
        assert!(everything.contains(DRAFT), "{all:?}");
    }
    // A commentary alone is no response.
    for all in [
        vec![completed(&[message_item(Some("commentary"), ANSWER)])],
        vec![
            added(0, "commentary"),
            responses_delta(0, ANSWER),
            completed(&[message_item(Some("commentary"), ANSWER)]),
        ],
        vec![
            responses_delta(0, ANSWER),
            completed(&[message_item(Some("commentary"), ANSWER)]),
        ],
    ] {
        let code = read(Api::Responses, &events(&all)).code;
        assert!(
            ["only_reasoning", "unknown_finish"].contains(&code),
            "{code}: {all:?}"
        );
    }
}

#[test]
fn the_reasoning_of_the_responses_api_is_kept_apart() {
    for first in [
        json!({"type": "response.reasoning_text.delta", "delta": DRAFT}),
        json!({"type": "response.reasoning_summary_text.delta", "delta": DRAFT}),
        json!({"type": "response.reasoning.delta", "delta": DRAFT}),
    ] {
        let all = [first, responses_delta(1, ANSWER), completed(&[])];
        let reading = assert_answered(Api::Responses, &events(&all));
        assert_eq!(reading.reasoning, DRAFT);
    }
    for item in [
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": DRAFT}]}),
        json!({"type": "reasoning", "content": [{"type": "reasoning_text", "text": DRAFT}]}),
    ] {
        let body = json!({"object": "response", "status": "completed",
            "output": [item, message_item(None, ANSWER)]});
        let reading = assert_answered(Api::Responses, &body.to_string());
        assert_eq!(reading.reasoning, DRAFT);
        let alone = json!({"object": "response", "status": "completed", "output": [item]});
        let reading = read(Api::Responses, &alone.to_string());
        assert_eq!(reading.code, "only_reasoning");
    }
}

#[test]
fn after_the_finish_reason_the_usage_event_or_done_is_the_last_event() {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    let in_every_event = json!({"choices": [{"delta": {"content": ""}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    for (last, is_settled) in [
        (events(std::slice::from_ref(&usage)), true),
        ("data: [DONE]\n\n".to_owned(), true),
        (
            events(&[json!({"usage": {"input_tokens": 3, "output_tokens": 4}})]),
            true,
        ),
        (events(&[in_every_event]), false),
        (": ping\n\n".to_owned(), false),
        (String::new(), false),
    ] {
        let mut stream = TaskStream::new(Api::ChatCompletions, Arc::new(AcceptAll));
        stream.push(events(&stream_of(ANSWER)).as_bytes());
        stream.push(events(std::slice::from_ref(&usage)).as_bytes());
        assert!(!stream.is_settled() && !stream.has_finished());
        stream.push(events(&[finish("stop")]).as_bytes());
        assert!(!stream.is_settled() && stream.has_finished());
        stream.push(last.as_bytes());
        assert_eq!(stream.is_settled(), is_settled, "{last}");
        assert_eq!(stream.has_new_event(), last.starts_with("data"), "{last}");
    }
}

#[test]
fn a_model_that_reasons_has_begun_and_a_comment_is_no_beginning() {
    for (body, has_begun) in [
        (": ping\n\n".to_owned(), false),
        (
            events(&[delta(&json!({"role": "assistant", "content": ""}))]),
            false,
        ),
        (events(&[delta(&json!({"reasoning_content": "hm"}))]), true),
        (events(&[content("{")]), true),
        (events(&[delta(&json!({"refusal": "No"}))]), true),
        (events(&[finish("stop")]), true),
        (events(&[json!({"error": {"message": "busy"}})]), true),
    ] {
        let mut stream = TaskStream::new(Api::ChatCompletions, Arc::new(AcceptAll));
        stream.push(body.as_bytes());
        assert_eq!(stream.has_begun(), has_begun, "{body}");
    }
}

/// Thoughts with braces, drafts, quotes and half JSON, but without a marker.
fn thought() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(DRAFT.to_owned()),
        Just("{\"title\":\"x\"}".to_owned()),
        Just("[{\"a\":".to_owned()),
        Just("\"".to_owned()),
        "[ a-z{}\\[\\]:,\"\n<é]{0,12}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("So {}", pieces.join(" ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_thought_becomes_a_task_and_every_split_gives_the_same(
        thought in thought(),
        marker in prop::sample::select(vec![
            ("<think>", "</think>"), ("", "</think>"), ("[THINK]", "[/THINK]"),
            ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
        ]),
        cut in any::<prop::sample::Index>(),
    ) {
        // An unclosed string swallows a marker on its line; a new line ends it.
        let text = format!("{}{thought}\n{}{ANSWER}", marker.0, marker.1);
        let reading = read(Api::ChatCompletions, &complete(&text));
        prop_assert_eq!(reading.code, "complete", "{}", text);
        prop_assert_eq!(reading.keys(), ["a", "b"]);
        let body = complete(&text);
        let end = (0..=cut.index(body.len())).rev().find(|end| body.is_char_boundary(*end)).unwrap();
        let finished = body.rfind('}').unwrap();
        let reading = read(Api::ChatCompletions, &body[..end.min(finished)]);
        prop_assert_ne!(reading.code, "complete");
    }
}
