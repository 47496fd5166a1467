use super::*;

/// The tasks' texts, the other findings, and how it ended.
fn walk(pieces: &[&str]) -> (Vec<String>, Vec<Found>, Result<Envelope, EnvelopeError>) {
    let mut envelope = Envelope::new();
    let (mut tasks, mut others) = (Vec::new(), Vec::new());
    let mut answer = String::new();
    for piece in pieces {
        answer.push_str(piece);
        let result = envelope.read(&answer, &mut |found| match found {
            Found::Task(task) => tasks.push(task.text().to_owned()),
            other => others.push(other),
        });
        if let Err(error) = result {
            return (tasks, others, Err(error));
        }
    }
    (tasks, others, Ok(envelope))
}

/// The same in one piece and character by character, which must not differ.
fn walk_both(text: &str) -> (Vec<String>, Vec<Found>, Result<bool, EnvelopeError>) {
    let (tasks, found, end) = walk(&[text]);
    let single: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = single.iter().map(String::as_str).collect();
    let (tasks_again, found_again, end_again) = walk(&pieces);
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
fn tasks_are_found_in_every_form_of_answer_with_their_exact_text() {
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
        let (tasks, found, end) = walk_both(text);
        assert_eq!(tasks, *expected, "{text}");
        assert_eq!(end.as_ref(), Ok(closed), "{text}");
        assert_eq!(found.contains(&Found::Closed), *closed, "{text}");
        assert!(!found.contains(&Found::TextAround), "{text}");
    }
}

#[test]
fn one_document_is_found_inside_prose_a_fence_or_after_reasoning() {
    let table = [
        "Here you are:\n```json\n{\"tasks\":[{\"a\":1}]}\n```\nAnything else?",
        "```\n[\n {\"a\":1}]\n```",
        "As [1] and {x} say: { \"a\":1}",
        "[see below] {\"tasks\":[{\"a\":1}]}",
        "<b>{\"tasks\":[{\"a\":1}]}",
        "é{\"tasks\":[{\"a\":1}]}",
    ];
    for text in table {
        let (tasks, found, end) = walk_both(text);
        assert_eq!(tasks.len(), 1, "{text}");
        assert_eq!(end, Ok(true), "{text}");
        assert!(found.contains(&Found::TextAround), "{text}");
    }
    let thought = "<think>Perhaps {\"tasks\":[]}? <</think>\n\n[{\"a\":1}]";
    let (tasks, found, end) = walk_both(thought);
    assert_eq!((tasks.len(), end), (1, Ok(true)));
    assert_eq!(found, [Found::Reasoning, Found::Closed]);
}

#[test]
fn text_that_is_almost_json_is_refused_where_it_goes_wrong() {
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
        let (_, _, end) = walk_both(text);
        match end {
            Err(EnvelopeError::Malformed {
                offset,
                excerpt,
                reason,
            }) => {
                assert_eq!(offset, expected, "{text}: {reason}");
                assert!(excerpt.ends_with(at), "{text}: {excerpt}");
            }
            // The one that is only unfinished.
            other => assert_eq!((other, at), (Ok(false), ""), "{text}"),
        }
    }
}

#[test]
fn a_second_document_is_never_dropped_in_silence() {
    for (text, offset) in [
        ("{\"a\":1}\n{\"a\":2}", 8),
        ("[{}]\n\n[ ]", 6),
        ("{\"tasks\":[]} and then {\"tasks\":[{}]}", 22),
        ("[] or [ {}]", 6),
    ] {
        let (.., end) = walk_both(text);
        assert_eq!(
            end,
            Err(EnvelopeError::SeveralDocuments { offset }),
            "{text}"
        );
    }
    let (.., end) = walk_both(r#"{"tasks":[{}],"tasks":[]}"#);
    assert_eq!(end, Err(EnvelopeError::RepeatedMember { offset: 22 }));
}

#[test]
fn limits_have_their_own_errors_however_the_text_is_split() {
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
            let (.., end) = walk(&pieces);
            assert_eq!(end.map(|envelope| envelope.is_closed()), expected);
        }
    }
}
