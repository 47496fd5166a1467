use super::*;

/// The texts of the tasks, everything else that was found, and how reading ended.
fn read_in(pieces: &[&str]) -> (Vec<String>, Vec<Found>, Result<Envelope, EnvelopeError>) {
    let mut envelope = Envelope::new();
    let (mut tasks, mut others) = (Vec::new(), Vec::new());
    let mut text = String::new();
    for piece in pieces {
        text.push_str(piece);
        let result = envelope.read(&text, &mut |found| match found {
            Found::Task(task) => tasks.push(task.text().to_owned()),
            other => others.push(other),
        });
        if let Err(error) = result {
            return (tasks, others, Err(error));
        }
    }
    (tasks, others, Ok(envelope))
}

/// Reads the text in one piece and character by character, and asserts that both give the same.
fn read_both_ways(text: &str) -> (Vec<String>, Vec<Found>, Result<bool, EnvelopeError>) {
    let (tasks, found, end) = read_in(&[text]);
    let single: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = single.iter().map(String::as_str).collect();
    let (tasks_again, found_again, end_again) = read_in(&pieces);
    let end = end.map(|envelope| envelope.is_closed());
    assert_eq!(tasks, tasks_again, "{text}");
    assert_eq!(found, found_again, "{text}");
    assert_eq!(
        end,
        end_again.map(|envelope| envelope.is_closed()),
        "{text}"
    );
    (tasks, found, end)
}

#[test]
fn tasks_are_found_with_their_exact_text_in_every_form_of_response() {
    let table: &[(&str, &[&str], bool)] = &[
        (
            r#"{"tasks":[{"a":1},{"b":[{}]}]}"#,
            &[r#"{"a":1}"#, r#"{"b":[{}]}"#],
            true,
        ),
        (
            " {\n \"tasks\" : [ { \"a\" : 1.0 } ,\n{} ]\n}\n",
            &[r#"{ "a" : 1.0 }"#, "{}"],
            true,
        ),
        (
            r#"{"note":{"tasks":[1]},"n":-1.5e3,"tasks":[{"a":1}],"done":true}"#,
            &[r#"{"a":1}"#],
            true,
        ),
        (
            r#"{"\u0074asks":[{"a":"]}\"{"}]}"#,
            &[r#"{"a":"]}\"{"}"#],
            true,
        ),
        (r#"{"tasks":[]}"#, &[], true),
        (r#"[{"a":1}, {"a":2}]"#, &[r#"{"a":1}"#, r#"{"a":2}"#], true),
        ("[]", &[], true),
        (
            r#"{"a":1,"b":{"tasks":[{}]}}"#,
            &[r#"{"a":1,"b":{"tasks":[{}]}}"#],
            true,
        ),
        (r#"{"tasks":{"a":1}}"#, &[r#"{"tasks":{"a":1}}"#], true),
        ("{}", &["{}"], true),
        (
            r#"{"tasks":[1,"x",null,[{}]]}"#,
            &["1", "\"x\"", "null", "[{}]"],
            true,
        ),
        (r#"{"tasks":[{"a":1},{"b""#, &[r#"{"a":1}"#], false),
        (r#"{"tasks":[{"a":1}]"#, &[r#"{"a":1}"#], false),
        (r#"{"a":1"#, &[], false),
        ("", &[], false),
        (" \n", &[], false),
        ("\"tasks\"", &[], false),
        ("I cannot do that.", &[], false),
    ];
    for (text, expected, closed) in table {
        let (tasks, found, end) = read_both_ways(text);
        assert_eq!(tasks, *expected, "{text}");
        assert_eq!(end.as_ref(), Ok(closed), "{text}");
        assert_eq!(found.contains(&Found::Closed), *closed, "{text}");
        assert!(!found.contains(&Found::TextAround), "{text}");
    }
}

#[test]
fn a_document_is_found_inside_prose_or_a_fence_or_after_reasoning() {
    let table = [
        "Here you are:\n```json\n{\"tasks\":[{\"a\":1}]}\n```\nAnything else?",
        "```\n[\n {\"a\":1}]\n```",
        "As [1] and {x} say: { \"a\":1}",
        "[see below] {\"tasks\":[{\"a\":1}]}",
        "<b>{\"tasks\":[{\"a\":1}]}",
        "é{\"tasks\":[{\"a\":1}]}",
    ];
    for text in table {
        let (tasks, found, end) = read_both_ways(text);
        assert_eq!(tasks.len(), 1, "{text}");
        assert_eq!(end, Ok(true), "{text}");
        assert!(found.contains(&Found::TextAround), "{text}");
    }
    let reasoning = "<think>Perhaps {\"tasks\":[]}? <</think>\n\n[{\"a\":1}]";
    let (tasks, found, end) = read_both_ways(reasoning);
    assert_eq!((tasks.len(), end), (1, Ok(true)));
    assert_eq!(found, [Found::Reasoning, Found::Closed]);
}

#[test]
fn invalid_json_is_refused_at_the_offset_of_the_fault() {
    let table = [
        ("{'tasks':[]}", 1, "'"),
        ("{tasks:[]}", 1, "t"),
        (r#"{"tasks":[{"a":1},]}"#, 18, "]"),
        (r#"{"tasks":[{"a":1}{"b":2}]}"#, 17, "{"),
        (r#"{"tasks":[{"a":01}]}"#, 16, "1"),
        (r#"{"tasks":[{"a":1,}]}"#, 17, "}"),
        (r#"{"tasks":[{"a":NaN}]}"#, 15, "N"),
        (r#"{"tasks":[{"a":"é"#, 0, ""),
        (r#"{"tasks" [{"a":1}]}"#, 9, "["),
        (r#"{"tasks":[],}"#, 12, "}"),
        (r#"{"tasks":[]]"#, 11, "]"),
        (r#"{"tasks":[]}}"#, 12, "}"),
        (r#"{"a":1},{"a":2}"#, 7, ","),
        ("[{\"a\":\"\u{1}\"}]", 7, "\u{1}"),
        (r#"[{"a":1} // no"#, 9, "/"),
        (r#"[{"é":ß}]"#, 7, "ß"),
    ];
    for (text, expected, at) in table {
        let (_, _, end) = read_both_ways(text);
        match end {
            Err(EnvelopeError::Malformed {
                offset,
                excerpt,
                reason,
            }) => {
                assert_eq!(offset, expected, "{text}: {reason}");
                assert!(excerpt.ends_with(at), "{text}: {excerpt}");
            }
            // This text is only unfinished.
            other => assert_eq!((other, at), (Ok(false), ""), "{text}"),
        }
    }
}

#[test]
fn a_second_document_is_an_error() {
    for (text, offset) in [
        ("{\"a\":1}\n{\"a\":2}", 8),
        ("[{}]\n\n[ ]", 6),
        ("{\"tasks\":[]} and then {\"tasks\":[{}]}", 22),
        ("[] or [ {}]", 6),
    ] {
        let (.., end) = read_both_ways(text);
        assert_eq!(
            end,
            Err(EnvelopeError::SeveralDocuments { offset }),
            "{text}"
        );
    }
    let (.., end) = read_both_ways(r#"{"tasks":[{}],"tasks":[]}"#);
    assert_eq!(end, Err(EnvelopeError::DuplicateMember { offset: 22 }));
}

#[test]
fn each_limit_has_its_own_error_however_the_text_is_split() {
    let deep = |levels: usize| format!("[{}{}]", "[".repeat(levels), "]".repeat(levels));
    let long = |bytes: usize| format!("{{\"tasks\":[\"{}\"]}}", "x".repeat(bytes - 2));
    let single = |bytes: usize| format!("{{\"a\":\"{}\",\"b\":1}}", "x".repeat(bytes - 14));
    let envelope = |text: String| format!("{{\"tasks\":{text}}}");
    let many = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
    let many = |count: usize| envelope(many(count));
    let table = [
        (envelope(deep(64)), Ok(true)),
        (
            envelope(deep(65)),
            Err(EnvelopeError::TooDeep { offset: 10 }),
        ),
        (long(MAX_TASK_BYTES), Ok(true)),
        (
            long(MAX_TASK_BYTES + 1),
            Err(EnvelopeError::TooLarge { offset: 10 }),
        ),
        (single(MAX_TASK_BYTES), Ok(true)),
        (
            single(MAX_TASK_BYTES + 1),
            Err(EnvelopeError::TooLarge { offset: 0 }),
        ),
        (many(MAX_TASKS), Ok(true)),
        (many(MAX_TASKS + 1), Err(EnvelopeError::TooManyTasks)),
    ];
    for (text, expected) in table {
        for size in [text.len(), 1000, 7] {
            let pieces: Vec<&str> = text
                .as_bytes()
                .chunks(size)
                .map(|piece| std::str::from_utf8(piece).unwrap())
                .collect();
            let (.., end) = read_in(&pieces);
            assert_eq!(end.map(|envelope| envelope.is_closed()), expected);
        }
    }
}
