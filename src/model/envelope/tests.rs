use super::*;

/// The texts of the tasks, everything else that was found, and how reading ended.
fn read_in(pieces: &[&str]) -> (Vec<String>, Vec<Found>, Result<Envelope, EnvelopeError>) {
    let mut envelope = Envelope::at(0);
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
    let result = envelope.end(&text, &mut |found| match found {
        Found::Task(task) => tasks.push(task.text().to_owned()),
        other => others.push(other),
    });
    (tasks, others, result.map(|()| envelope))
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
fn reasoning_between_markers_is_never_taken_for_tasks() {
    const ANSWER: &str = r#"{"tasks":[{"a":1}]}"#;
    let draft = r#"Perhaps {"tasks":[{"a":0}]}? Or {"a":} < [no"#;
    for (before, after) in [
        ("<think>", "</think>"),
        ("<Think>\n", "\n</Think>\n\n"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("[THINK]", "[/THINK]"),
        ("<seed:think>", "</seed:think>"),
        ("\u{25c1}think\u{25b7}", "\u{25c1}/think\u{25b7}"),
        ("<|begin_of_thought|>", "<|end_of_thought|>\n"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|channel>thought\n", "<channel|>"),
        (
            "<|channel|>analysis<|message|>",
            "<|end|><|start|>assistant<|channel|>final<|message|>",
        ),
        (
            "<|channel|>analysis<|message|>",
            "<|channel|>final <|constrain|>json<|message|>",
        ),
        ("Well. <think>", "</think>"),
        ("<think>first</think><think>", "</think>"),
        ("<think>nested <think>", "</think> again </think>"),
    ] {
        let text = format!("{before}{draft}{after}{ANSWER}");
        let (tasks, found, end) = read_both_ways(&text);
        assert_eq!(tasks, [r#"{"a":1}"#], "{text}");
        assert_eq!(end, Ok(true), "{text}");
        assert!(found.contains(&Found::Reasoning), "{text}");
    }
}

#[test]
fn what_precedes_a_lone_closing_marker_is_reasoning() {
    for thought in [
        "",
        "Hm.",
        r#"Each needs a title, as {"title":"x"}."#,
        r#"A draft: {"tasks":[{"title":"draft"}]} Better:"#,
        r#"Two: {"tasks":[{"b":1}]} {"tasks":[{"b":2}]}"#,
        r#"Or [{"b":1},{"b": and so on"#,
        r#"An envelope {"tasks":[], twice "tasks":[]}"#,
        "Braces { and [ and \"quotes",
    ] {
        for (closing, rest) in [
            ("</think>", ""),
            ("</think>\n\n", "\n"),
            ("</thinking>", ""),
            ("[/THINK]", ""),
            ("<|end_of_thought|>", ""),
            ("\nassistantfinal", ""),
            (
                "<|start|>assistant<|channel|>final<|message|>",
                "<|return|>",
            ),
        ] {
            let text = format!("{thought}{closing}{{\"tasks\":[{{\"a\":1}}]}}{rest}");
            let (tasks, found, end) = read_both_ways(&text);
            assert_eq!(tasks, [r#"{"a":1}"#], "{text}");
            assert_eq!(end, Ok(true), "{text}");
            assert!(found.contains(&Found::Reasoning), "{text}");
        }
    }
}

#[test]
fn a_marker_inside_a_task_is_text() {
    for marker in [
        "</think>",
        "<think>",
        "[/THINK]",
        "<|end|>",
        "assistantfinal",
    ] {
        for (lead, trail) in [("", ""), ("Here: ", ""), ("```json\n", "\n```")] {
            let task = format!("{{\"a\":\"so {marker} it is\"}}");
            let text = format!("{lead}{{\"tasks\":[{task}]}}{trail}");
            let (tasks, found, end) = read_both_ways(&text);
            assert_eq!(tasks, [task], "{text}");
            assert_eq!(end, Ok(true), "{text}");
            assert!(!found.contains(&Found::Reasoning), "{text}");
        }
    }
}

#[test]
fn a_closing_marker_after_tasks_were_reported_is_an_error() {
    for (text, offset) in [
        (r#"{"tasks":[{"a":0}]}</think>{"tasks":[{"a":1}]}"#, 19),
        (r#"[{"a":0}] no. </think> [{"a":1}]"#, 14),
        ("```\n[{\"a\":0}]\n```\n[/THINK][]", 18),
    ] {
        let (.., end) = read_both_ways(text);
        assert_eq!(
            end,
            Err(EnvelopeError::ReasoningAfterTasks { offset }),
            "{text}"
        );
    }
}

#[test]
fn a_response_of_reasoning_alone_has_no_tasks() {
    for (text, is_only_reasoning) in [
        (r#"<think>{"tasks":[{"a":0}]}</think>"#, true),
        (r#"<think>{"tasks":[{"a":0}]}"#, true),
        (r#"Draft {"tasks":[{"a":0}]}</think>"#, true),
        ("<|channel|>analysis<|message|>hm<|end|>", true),
        ("<think>hm</think>So be it.", false),
        ("<think>hm</think>[]", false),
        ("", false),
    ] {
        let (tasks, _, envelope) = read_in(&[text]);
        assert_eq!(tasks, [""; 0], "{text}");
        assert_eq!(
            envelope.unwrap().is_only_reasoning(),
            is_only_reasoning,
            "{text}"
        );
    }
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
fn a_bracket_after_the_document_that_begins_nothing_is_text_around_it() {
    for text in ["{}[", "[{}]\n[ ", "{\"tasks\":[{}]}[", "{}[x"] {
        let (tasks, found, end) = read_both_ways(text);
        assert_eq!(tasks, ["{}"], "{text}");
        assert!(found.contains(&Found::TextAround), "{text}: {found:?}");
        assert_eq!(end, Ok(true), "{text}");
    }
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
