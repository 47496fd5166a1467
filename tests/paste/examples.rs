//! Example tasks and the schemas that they suggest.

use serde_json::{Value, json};
use taskwright::paste::{PastedExamples, Recognized, recognize};

use crate::support::request;

fn examples(text: &str) -> PastedExamples {
    match recognize(text) {
        Recognized::Examples(examples) => examples,
        other => panic!("{text}\nis no example: {other:?}"),
    }
}

fn schema(text: &str) -> Value {
    let mut schema: Value = serde_json::from_str(&examples(text).schema).unwrap();
    schema.as_object_mut().unwrap().shift_remove("$schema");
    schema
}

#[test]
fn one_object_becomes_a_closed_schema_of_its_members() {
    assert_eq!(
        schema(
            r#"{"title": "a", "n": 1, "x": 1.5, "done": false, "tags": ["a"], "owner": {"name": "b"}, "nothing": null, "none": []}"#
        ),
        json!({
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "n": {"type": "integer"},
                "x": {"type": "number"},
                "done": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "owner": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                    "additionalProperties": false
                },
                "nothing": {},
                "none": {"type": "array", "items": {}}
            },
            "required": ["title", "n", "x", "done", "tags", "owner", "nothing", "none"],
            "additionalProperties": false
        })
    );
}

#[test]
fn several_objects_are_merged() {
    let expected = json!({
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "n": {"type": ["number", "null"]},
            "steps": {"type": "array", "items": {
                "type": "object",
                "properties": {"do": {"type": "string"}, "by": {"type": "string"}},
                "required": ["do"],
                "additionalProperties": false
            }}
        },
        "required": ["title", "n"],
        "additionalProperties": false
    });
    let one = r#"{"title": "a", "n": 1, "steps": [{"do": "x"}, {"do": "y", "by": "z"}]}"#;
    let two = r#"{"title": "b", "n": 1.5}"#;
    let three = r#"{"title": "c", "n": null}"#;
    for text in [
        format!("[{one}, {two}, {three}]"),
        format!("{one}\n{two}\n\n{three}\n"),
        format!("{{\"tasks\": [{one}, {two}, {three}]}}"),
        format!("```json\n[{one}, {two}, {three}]\n```"),
    ] {
        assert_eq!(schema(&text), expected, "{text}");
        assert_eq!(examples(&text).count, 3);
    }
}

#[test]
fn formats_and_values_are_guessed_only_from_clear_evidence() {
    let values = |values: &[&str]| {
        let lines: Vec<String> = values
            .iter()
            .map(|it| json!({"v": it}).to_string())
            .collect();
        schema(&lines.join("\n"))["properties"]["v"].clone()
    };
    for (given, expected) in [
        (
            vec!["2026-11-30"],
            json!({"type": "string", "format": "date"}),
        ),
        (vec!["2026-11-30", "soon"], json!({"type": "string"})),
        (
            vec!["2026-11-30T16:00:00Z"],
            json!({"type": "string", "format": "date-time"}),
        ),
        (
            vec!["a@b.example"],
            json!({"type": "string", "format": "email"}),
        ),
        (
            vec!["https://a.example/x"],
            json!({"type": "string", "format": "uri"}),
        ),
        (
            vec!["low", "high", "low", "high"],
            json!({"type": "string", "enum": ["high", "low"]}),
        ),
        (vec!["low", "high", "low"], json!({"type": "string"})),
        (vec!["low", "low", "low", "low"], json!({"type": "string"})),
        (
            vec!["low", "high", "low", "high", "odd"],
            json!({"type": "string"}),
        ),
    ] {
        assert_eq!(values(&given), expected, "{given:?}");
    }
}

#[test]
fn guesses_are_named() {
    let found = examples(
        "{\"a\": \"2026-11-30\", \"b\": null}\n{\"a\": \"2026-12-01\", \"b\": 1, \"c\": 2}",
    );
    let notices: Vec<String> = found.notices.iter().map(ToString::to_string).collect();
    let notices = notices.join("\n");
    for text in [
        "guessed from 2 examples",
        "so not required: c.",
        "every value has it: a.",
        "May be null, because an example is: b.",
    ] {
        assert!(notices.contains(text), "{text} is not in\n{notices}");
    }
}

#[test]
fn a_secret_of_an_example_stays_out_of_everything() {
    let text =
        "{\"title\": \"a\", \"password\": \"hunter2\", \"note\": \"ghp_0123456789abcdefghij\"}";
    let found = examples(text);
    let shown = format!("{found:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("ghp_"),
        "{shown}"
    );
    assert!(shown.contains("/password"), "{shown}");
}

#[test]
fn the_body_of_a_call_suggests_a_schema_and_an_envelope() {
    let call = request(
        r#"curl https://a.example/t -d '{"type": "work", "v": 1, "payload": {"title": "a", "n": 1}}'"#,
    );
    let envelope = call.example.unwrap().envelope.unwrap();
    let template: String = envelope.template.into();
    assert_eq!(template, r#"{"type": "work", "v": 1, "payload": $task}"#);
    let schema: Value = serde_json::from_str(&envelope.schema).unwrap();
    assert_eq!(schema["required"], json!(["title", "n"]));
    for body in [
        r#"{"title": "a", "owner": {"name": "b"}}"#,
        r#"{"a": {"title": "x"}, "b": {"title": "y"}}"#,
        r#"{"type": "x", "options": {"n": 1}}"#,
    ] {
        let call = request(&format!("curl https://a.example/t -d '{body}'"));
        assert_eq!(call.example.unwrap().envelope, None, "{body}");
    }
}
