use super::*;
use crate::model::usage::Usage;

fn pieces(name: &str, data: &str) -> Result<Vec<String>, Malformed> {
    let mut seen = Vec::new();
    read(name, data, &mut |piece| {
        seen.push(match piece {
            Piece::Content(text) => format!("content {text}"),
            Piece::Snapshot(text) => format!("snapshot {text}"),
            Piece::Reasoning(text) => format!("reasoning {text}"),
            Piece::Refusal(text) => format!("refusal {text}"),
            Piece::Finish(finish) => format!("finish {finish:?}"),
            Piece::Usage(Usage { input, output, .. })
            | Piece::FinalUsage(Usage { input, output, .. }) => format!("usage {input} {output}"),
            Piece::Error(error) => {
                format!(
                    "error {} {}",
                    error.code.unwrap_or_default(),
                    error.message.unwrap_or_default()
                )
            }
            Piece::Done => "done".to_owned(),
            Piece::Notice(code, _) => format!("notice {}", code.as_str()),
            other => panic!("{other:?}"),
        });
    })?;
    Ok(seen)
}

#[test]
fn events_of_known_endpoints_give_the_expected_pieces() {
    let table: &[(&str, &[&str])] = &[
        (
            r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            &[],
        ),
        (
            r#"{"choices":[{"index":0,"delta":{"content":"{\"ta"},"logprobs":null,"finish_reason":null}],"obfuscation":"x8Kd"}"#,
            &[r#"content {"ta"#],
        ),
        (
            r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}"#,
            &[],
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}]}"#,
            &["finish Stop"],
        ),
        (
            r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length","index":0}]}"#,
            &["content x", "finish Length"],
        ),
        (
            r#"{"choices":[{"delta":{"content":null},"finish_reason":"content_filter"}]}"#,
            &["finish ContentFilter"],
        ),
        (
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":"tool_calls"}]}"#,
            &[r#"finish ToolCall("tool_calls")"#],
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"moon"}]}"#,
            &[r#"finish Other("moon")"#],
        ),
        (
            r#"{"choices":[{"delta":{"content":"x"},"finish_reason":""}]}"#,
            &["content x"],
        ),
        (
            r#"{"choices":[{"index":0,"delta":{"refusal":"I can't"}}]}"#,
            &["refusal I can't"],
        ),
        (
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            &["usage 3 4"],
        ),
        (
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
            &["usage 3 4"],
        ),
        (
            r#"{"choices":[{"delta":{"reasoning_content":"hm","reasoning":"hm"}}]}"#,
            &["reasoning hm"],
        ),
        (
            r#"{"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}}]}"#,
            &["notice other_choice", "content yes"],
        ),
        (r#"{"choices":[{"delta":null,"finish_reason":null}]}"#, &[]),
        (
            r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}"#,
            &["content a"],
        ),
        (
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"[]","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
            &["snapshot []", "finish Stop", "usage 1 1"],
        ),
        (
            r#"{"error":{"message":"busy","code":503}}"#,
            &["error 503 busy"],
        ),
        (
            r#"{"id":"g","error":{"code":"server_error","message":"gone"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
            &["error server_error gone"],
        ),
        (
            r#"{"choices":[{"index":0,"error":{"code":502,"message":"upstream"}}]}"#,
            &["error 502 upstream"],
        ),
        (
            r#"{"error":null,"choices":[{"delta":{"content":"a"}}]}"#,
            &["content a"],
        ),
        (r#"{"type":"ping"}"#, &["notice unknown_event"]),
        ("[1]", &["notice unknown_event"]),
        ("[DONE]", &["done"]),
        (" [DONE] ", &["done"]),
        ("", &[]),
    ];
    for (data, expected) in table {
        assert_eq!(pieces("message", data).unwrap(), *expected, "{data}");
    }
}

#[test]
fn a_finish_reason_is_found_under_its_other_names_and_null_as_text_is_none() {
    for (choice, expected) in [
        (r#""finish_reason":"end_turn""#, &["finish Stop"][..]),
        (r#""finishReason":"MAX_TOKENS""#, &["finish Length"]),
        (
            r#""finish_reason":null,"stop_reason":"end_turn""#,
            &["finish Stop"],
        ),
        (r#""done_reason":"length""#, &["finish Length"]),
        (
            r#""finish_reason":"length","stop_reason":"stop""#,
            &["finish Length"],
        ),
        (r#""finish_reason":"null""#, &[]),
        (r#""finish_reason":"None""#, &[]),
        (r#""finish_reason":null,"stop_reason":128009"#, &[]),
        // The sequence that stopped the model.
        (r#""stop_reason":"&&""#, &[]),
    ] {
        let data = format!(r#"{{"choices":[{{"index":0,"delta":{{}},{choice}}}]}}"#);
        assert_eq!(pieces("message", &data).unwrap(), expected, "{data}");
    }
    for delta in [
        r#"{"refusal":"null"}"#,
        r#"{"refusal":"None","content":null}"#,
        r#"{"reasoning_content":null,"reasoning":null,"content":""}"#,
    ] {
        let data = format!(r#"{{"error":"null","choices":[{{"delta":{delta}}}],"usage":"null"}}"#);
        assert_eq!(pieces("message", &data).unwrap(), [""; 0], "{data}");
    }
}

#[test]
fn usage_is_found_wherever_it_is() {
    for (event, expected) in [
        (
            r#"{"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":4}}]}"#,
            &["finish Stop", "usage 3 4"][..],
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":4,"queue_time":0.1}}}"#,
            &["finish Stop", "usage 3 4"],
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#,
            &["finish Stop", "usage 3 4"],
        ),
        (
            r#"{"choices":[],"timings":{"prompt_n":3,"predicted_n":4,"predicted_ms":12.5}}"#,
            &["usage 3 4"],
        ),
        (
            r#"{"choices":[],"metadata":{"usage":{"inputTokens":3,"outputTokens":4}}}"#,
            &["usage 3 4"],
        ),
        (
            r#"{"choices":[],"usage":{"prompt_eval_count":3,"eval_count":4}}"#,
            &["usage 3 4"],
        ),
        (r#"{"choices":[]}"#, &[]),
    ] {
        assert_eq!(pieces("message", event).unwrap(), expected, "{event}");
    }
}

#[test]
fn reasoning_is_read_in_every_form_and_apart_from_the_content() {
    for (delta, expected) in [
        (r#"{"reasoning_content":"hm"}"#, &["reasoning hm"][..]),
        (r#"{"reasoning":"hm","content":null}"#, &["reasoning hm"]),
        (r#"{"thinking":"hm","content":""}"#, &["reasoning hm"]),
        (r#"{"reasoning":{"content":"hm"}}"#, &["reasoning hm"]),
        (
            r#"{"reasoning_details":[{"type":"reasoning.text","text":"hm"}]}"#,
            &["reasoning hm"],
        ),
        (
            r#"{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}],"content":"a"}"#,
            &["reasoning hm", "content a"],
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}"#,
            &["reasoning hm", "content a"],
        ),
        (
            r#"{"content":[{"type":"reasoning","text":"hm"}]}"#,
            &["reasoning hm"],
        ),
        (
            r#"{"content":[{"type":"thought","reasoning":"hm"},{"text":"a"}]}"#,
            &["reasoning hm", "content a"],
        ),
    ] {
        let data = format!(r#"{{"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        assert_eq!(pieces("message", &data).unwrap(), expected, "{data}");
    }
}

#[test]
fn an_event_named_error_is_an_error_in_any_form() {
    let table = [
        (r#"{"message":"m","code":"c"}"#, "error c m"),
        (r#"{"error":{"message":"m","code":"c"}}"#, "error c m"),
        ("overloaded", "error  overloaded"),
        (r#""overloaded""#, "error  overloaded"),
    ];
    for (data, expected) in table {
        assert_eq!(
            pieces("error", data),
            Ok(vec![expected.to_owned()]),
            "{data}"
        );
    }
}

#[test]
fn an_event_that_cannot_be_read_is_an_error() {
    for data in [
        r#"{"choices":[{"delta":{"content":"a"#,
        "ping",
        r#"{"choices":[{"delta":{"content":12}}]}"#,
        r#"{"choices":{"0":{}}}"#,
        r#"{"choices":[{"delta":"text"}]}"#,
        r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
    ] {
        assert!(pieces("message", data).is_err(), "{data}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// All pieces of one event as text, followed by the error if there is one.
    fn pieces_and_error(
        read: impl FnOnce(&mut dyn FnMut(String)) -> Result<(), Malformed>,
    ) -> Vec<String> {
        let mut seen = Vec::new();
        let result = read(&mut |piece| seen.push(piece));
        seen.extend(result.err().map(|malformed| malformed.0));
        seen
    }

    fn literal() -> impl Strategy<Value = String> {
        let quoted = ".{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap());
        let raw = r#"[ab"\\/nu00d89\u{1}é]{0,8}"#.prop_map(|text| format!("\"{text}\""));
        prop_oneof![3 => quoted, 1 => raw, 1 => Just("null".to_owned()), 1 => Just("7".to_owned())]
    }

    fn event() -> impl Strategy<Value = String> {
        let shapes = prop_oneof![
            6 => Just(r#"{"id":"c","choices":[{"index":0,"delta":{"content":C},"finish_reason":null}],"usage":null,"obfuscation":N}"#),
            3 => Just(r#"{"choices":[{"delta":{"content":C}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C,"refusal":N}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C,"reasoning_content":N}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C,"reasoning":N},"stop_reason":null}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C},"usage":{"prompt_tokens":N}}]}"#),
            1 => Just(r#"{"choices":[{"delta":{"content":C},"finish_reason":N}]}"#),
            1 => Just(r#"{"choices":[{"index":1,"delta":{"content":C}}],"obfuscation":N}"#),
            1 => Just(r#"{"obfuscation":N,"choices":[{"delta":{"content":C}}]}"#),
            1 => Just(r#"{"choices":[{"delta":{"content":C}},{"index":1,"delta":{"content":N}}]}"#),
            1 => Just(r#"{"choices":[{"delta":{"content":C,"content":N}}]}"#),
            1 => Just(r#"{"error":N,"choices":[{"delta":{"content":C}}]}"#),
        ];
        (
            shapes,
            literal(),
            literal(),
            any::<prop::sample::Index>(),
            0..12,
        )
            .prop_map(|(shape, content, noise, at, cut)| {
                let mut event = shape.replacen('N', &noise, 1).replacen('C', &content, 1);
                let at = at.index(event.len());
                if cut == 0 && event.is_char_boundary(at) {
                    event.truncate(at);
                }
                event
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_pieces_of_an_event_do_not_depend_on_earlier_events(
            events in prop::collection::vec(event(), 1..6),
            error: bool,
        ) {
            let mut reader = ChatReader::default();
            for (index, event) in events.iter().enumerate() {
                let name = if error && index == 2 { "error" } else { "message" };
                let alone = pieces_and_error(|report| {
                    read(name, event, &mut |piece| report(format!("{piece:?}"))).map(drop)
                });
                let after_others = pieces_and_error(|report| {
                    reader.read(name, event, &mut |piece| report(format!("{piece:?}")))
                });
                prop_assert_eq!(after_others, alone, "{}", event);
            }
        }
    }
}
