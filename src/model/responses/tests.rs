use super::*;

fn describe(piece: Piece<'_>) -> String {
    match piece {
        Piece::Message => "message".to_owned(),
        Piece::Reasoning(text) => format!("reasoning {text}"),
        Piece::Part => "part".to_owned(),
        Piece::Content(text) => format!("content {text}"),
        Piece::CompletePart(text) => format!("complete part {text}"),
        Piece::Refusal(text) => format!("refusal {text}"),
        Piece::Finish(finish) => format!("finish {finish:?}"),
        Piece::Usage(usage) => format!("usage {} {}", usage.input, usage.output),
        Piece::Error(error) => format!(
            "error {} {}",
            error.code.unwrap_or_default(),
            error.message.unwrap_or_default()
        ),
        Piece::Done => "done".to_owned(),
        Piece::Notice(code, _) => format!("notice {}", code.as_str()),
        other @ (Piece::Snapshot(_) | Piece::FinalUsage(_)) => panic!("{other:?}"),
    }
}

fn pieces(events: &[&str]) -> Result<Vec<String>, Malformed> {
    let mut reader = ResponsesReader::default();
    let mut seen = Vec::new();
    for data in events {
        reader.read("message", data, &mut |piece| seen.push(describe(piece)))?;
    }
    Ok(seen)
}

#[test]
fn a_documented_stream_is_read_in_order() {
    let seen = pieces(&[
        r#"{"type":"response.created","response":{"id":"r","status":"in_progress","text":{"format":{"type":"text"}},"output":[],"usage":null}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning"}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","delta":"hm","output_index":0}"#,
        r#"{"type":"response.content_part.added","output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}"#,
        r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"{\"tasks\"","obfuscation":"x"}"#,
        r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":":[]}"}"#,
        r#"{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"{\"tasks\":[]}"}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"{\"tasks\":[]}"}]}],"usage":{"input_tokens":5,"output_tokens":6}}}"#,
    ]);
    assert_eq!(
        seen.unwrap(),
        [
            "reasoning hm",
            "message",
            r#"content {"tasks""#,
            "content :[]}",
            r#"complete part {"tasks":[]}"#,
            "usage 5 6",
            "finish Stop"
        ]
    );
}

#[test]
fn each_way_to_end_gives_its_own_pieces() {
    let table: &[(&str, &[&str])] = &[
        (
            r#"{"type":"response.completed","response":{"status":"completed"}}"#,
            &["finish Stop"],
        ),
        (
            r#"{"type":"response.completed","response":{}}"#,
            &["finish Stop"],
        ),
        (
            r#"{"type":"response.completed","response":{"output":[{"type":"function_call","name":"f","arguments":"{}"}]}}"#,
            &[r#"finish ToolCall("function_call")"#],
        ),
        (
            r#"{"type":"response.completed","response":{"output":[{"type":"web_search_call"}]}}"#,
            &["finish Stop"],
        ),
        (
            r#"{"type":"response.completed","response":{"status":"in_progress"}}"#,
            &[r#"finish Other("completed and in_progress")"#],
        ),
        (
            r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
            &["finish Length"],
        ),
        (
            r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#,
            &["finish ContentFilter"],
        ),
        (
            r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"other"}}}"#,
            &[r#"finish Other("other")"#],
        ),
        (
            r#"{"type":"response.incomplete","response":{"incomplete_details":null}}"#,
            &[r#"finish Other("incomplete")"#],
        ),
        (
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}"#,
            &["error server_error m"],
        ),
        (
            r#"{"type":"response.failed","response":{"status":"failed"}}"#,
            &["error  "],
        ),
        (
            r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#,
            &["error rate_limit_exceeded m"],
        ),
        (
            r#"{"type":"error","error":{"code":429,"message":"m"}}"#,
            &["error 429 m"],
        ),
        (
            r#"{"type":"response.refusal.delta","delta":"No"}"#,
            &["refusal No"],
        ),
        (
            r#"{"type":"response.refusal.done","refusal":"No."}"#,
            &["refusal No."],
        ),
        (
            r#"{"type":"response.web_search_call.searching"}"#,
            &["notice unknown_event"],
        ),
        (
            r#"{"type":"new","delta":{"a":1},"text":[2]}"#,
            &["notice unknown_event"],
        ),
        (
            r#"{"object":"chat.completion.chunk","choices":[]}"#,
            &["notice unknown_event"],
        ),
        ("[DONE]", &["done"]),
    ];
    for (data, expected) in table {
        assert_eq!(pieces(&[data]).unwrap(), *expected, "{data}");
    }
}

#[test]
fn text_in_the_final_event_is_read_only_if_it_was_not_streamed() {
    let end = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"},{"type":"refusal","refusal":"No"}]}]}}"#;
    assert_eq!(
        pieces(&[end]).unwrap(),
        ["message", "complete part []", "refusal No", "finish Stop"]
    );
    let before = r#"{"type":"response.output_text.delta","delta":"[]"}"#;
    let refused = r#"{"type":"response.refusal.delta","delta":"No"}"#;
    assert_eq!(
        pieces(&[before, refused, end]).unwrap(),
        ["message", "content []", "refusal No", "finish Stop"]
    );
}

#[test]
fn interleaved_parts_are_not_mixed() {
    let delta = |output: u64, text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","output_index":{output},"content_index":0,"delta":"{text}"}}"#
        )
    };
    let (a, b, c) = (delta(0, "a"), delta(1, "b"), delta(0, "c"));
    assert_eq!(
        pieces(&[&a, &b, &c]).unwrap(),
        [
            "message",
            "content a",
            "message",
            "content b",
            "notice other_choice"
        ]
    );
}

#[test]
fn an_event_that_cannot_be_read_is_an_error() {
    for data in [
        r#"{"type":"response.output_text.delta","delta":"a"#,
        r#"{"type":"response.output_text.delta","delta":12}"#,
        r#"{"type":"response.output_text.delta","output_index":"x","delta":"a"}"#,
        r#"{"type":"response.completed"}"#,
        r#"{"type":"response.completed","response":"done"}"#,
        "plain",
    ] {
        assert!(pieces(&[data]).is_err(), "{data}");
    }
}

#[test]
fn a_body_that_is_not_a_response_object_gives_no_pieces() {
    let mut reader = ResponsesReader::default();
    let mut seen = Vec::new();
    let mut read = |data: &str| reader.read_body(data, &mut |piece| seen.push(describe(piece)));
    read(r#"{"detail":"Not Found"}"#).unwrap();
    read(r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"}]}],"usage":{"input_tokens":1,"output_tokens":2}}"#).unwrap();
    assert_eq!(
        seen,
        ["message", "complete part []", "usage 1 2", "finish Stop"]
    );
}
