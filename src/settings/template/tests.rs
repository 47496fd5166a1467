use super::*;

const VALUES: TemplateValues<'static> = TemplateValues {
    uuid: "7d9d1fd4-6f4e-8c1e-9d5e-0f3a5f1b2c3d",
    number: 3,
    run: "run-1",
    time: "2026-01-02T03:04:05.000Z",
};

fn body(template: &str, task: &str) -> String {
    BodyTemplate::parse(template).unwrap().wrap(task, &VALUES)
}

#[test]
fn the_exact_task_replaces_the_placeholder() {
    let text = "{\"type\": \"work\",  \"payload\": $task }";
    let template = BodyTemplate::parse(text).unwrap();
    assert_eq!(
        template.wrap("{ \"n\" : 98765432109876543210 }", &VALUES),
        "{\"type\": \"work\",  \"payload\": { \"n\" : 98765432109876543210 } }"
    );
    assert_eq!(String::from(template), text);
    assert_eq!(body("$task", "{}"), "{}");
    assert_eq!(body("[$task]", "{}"), "[{}]");
}

#[test]
fn members_of_the_task_keep_their_text_and_absent_ones_are_left_out() {
    let template = r#"{"name": $task.title, "meta": {"level": $task.priority, "by": "page"}, "tags": [$task.tag, "x"]}"#;
    for (task, expected) in [
        (
            r#"{"title": "A \u00e9", "priority": 1.50, "tag": null}"#,
            r#"{"name": "A \u00e9", "meta": {"level": 1.50, "by": "page"}, "tags": [null, "x"]}"#,
        ),
        (
            r#"{"title": {"en": "A"}}"#,
            r#"{"name": {"en": "A"}, "meta": {"by": "page"}, "tags": ["x"]}"#,
        ),
        (r"{}", r#"{"meta": {"by": "page"}, "tags": ["x"]}"#),
        ("7", r#"{"meta": {"by": "page"}, "tags": ["x"]}"#),
    ] {
        assert_eq!(body(template, task), expected, "{task}");
    }
    assert_eq!(
        body(r#"{"a": $task.b.c-1}"#, r#"{"b": {"c-1": [ 1 ]}}"#),
        r#"{"a": [ 1 ]}"#
    );
    assert_eq!(body("[$task.größe]", r#"{"größe": 1}"#), "[1]");
}

#[test]
fn absent_members_are_left_out_of_any_task_and_texts_like_placeholders_are_kept() {
    let template = r#"{"a": $task.a, "price": "$5", "b": "$task..b", "c": "$task.0..c", ...$task}"#;
    let deep = format!("{}{}", "[".repeat(63), "]".repeat(63));
    assert_eq!(
        body(template, &format!(r#"{{"deep": {deep}}}"#)),
        format!(r#"{{"price": "$5", "b": "$task..b", "c": "$task.0..c", "deep": {deep}}}"#)
    );
    assert_eq!(
        body(r#"{"id": $uuid, "a": [$task.a, $task.b], ...$task}"#, "{}"),
        format!(r#"{{"id": "{}", "a": []}}"#, VALUES.uuid)
    );
}

#[test]
fn a_body_is_never_only_a_member_that_a_task_may_lack() {
    assert_eq!(
        BodyTemplate::parse(" $task.a "),
        Err(TemplateError::OnlyMember {
            name: "$task.a".to_owned()
        })
    );
    assert!(BodyTemplate::parse("[$task.a]").is_ok());
}

#[test]
fn the_members_of_the_task_are_inserted_beside_those_of_the_template() {
    let template = r#"{"tenant": "north", ...$task}"#;
    for (task, expected) in [
        (
            "{ \"n\" : 98765432109876543210,\n \"m\":[ ] }",
            "{\"tenant\": \"north\", \"n\" : 98765432109876543210,\n \"m\":[ ]}",
        ),
        ("{}", r#"{"tenant": "north"}"#),
        // The template decides about its own members.
        (
            r#"{"tenant": "south", "n": 1.0}"#,
            r#"{"tenant": "north", "n": 1.0}"#,
        ),
        (r#"{"tenant": "south"}"#, r#"{"tenant": "north"}"#),
        // Nothing that was approved is lost.
        ("[1]", r#"{"tenant": "north", "task":[1]}"#),
    ] {
        assert_eq!(body(template, task), expected, "{task}");
    }
    // A member that is left out displaces nothing.
    let moved = r#"{"title": $task.nope, "headline": $task.alt, ...$task}"#;
    assert_eq!(
        body(moved, r#"{"title": "T", "headline": "H", "alt": 1}"#),
        r#"{"headline": 1, "title": "T", "alt": 1}"#
    );
    assert_eq!(body(r#"{...$task, "z": 1}"#, "{}"), r#"{"z": 1}"#);
    assert_eq!(body("{...$task}", "{}"), "{}");
    assert_eq!(
        body(r#"[{"a": {...$task}}]"#, r#"{"b":1}"#),
        r#"[{"a": {"b":1}}]"#
    );
}

#[test]
fn generated_values_are_json() {
    assert_eq!(
        body(
            r#"{"id": $uuid, "n": $number, "run": $run, "at": $time, "task": $task}"#,
            "{}"
        ),
        r#"{"id": "7d9d1fd4-6f4e-8c1e-9d5e-0f3a5f1b2c3d", "n": 3, "run": "run-1", "at": "2026-01-02T03:04:05.000Z", "task": {}}"#
    );
}

#[test]
fn a_dollar_sign_in_a_string_is_text() {
    assert_eq!(
        body(r#"{"cost": "$5 \"$\" \\", "task": $task}"#, "{}"),
        r#"{"cost": "$5 \"$\" \\", "task": {}}"#
    );
}

#[test]
fn the_places_of_the_task_and_its_members_are_known() {
    let texts = |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    let place = |in_body: &[&str], in_task: &[&str], own: &[&str]| TaskPlace {
        in_body: texts(in_body),
        in_task: texts(in_task),
        own: texts(own),
    };
    for (text, places) in [
        ("$task", vec![place(&[], &[], &[])]),
        (
            r#"{"type": "work", "payload": $task}"#,
            vec![place(&["payload"], &[], &[])],
        ),
        (
            r#"{"data": {"kind": {}, "attributes":$task}}"#,
            vec![place(&["data", "attributes"], &[], &[])],
        ),
        ("[0, [$task]]", vec![place(&["1", "0"], &[], &[])]),
        (
            r#"{"name": $task.title, "more": [$task.a.b], "id": $uuid}"#,
            vec![
                place(&["name"], &["title"], &[]),
                place(&["more", "0"], &["a", "b"], &[]),
            ],
        ),
        (
            r#"{"x": {"tenant": 1, ...$task, "z": $uuid}}"#,
            vec![place(&["x"], &[], &["tenant", "z"])],
        ),
    ] {
        assert_eq!(
            BodyTemplate::parse(text).unwrap().places(),
            places,
            "{text}"
        );
    }
}

#[test]
fn invalid_templates_are_refused() {
    let unknown = |name: &str| TemplateError::Unknown { name: name.into() };
    let in_string = |name: &str| TemplateError::InString { name: name.into() };
    for (text, error) in [
        ("{}", TemplateError::NoTask),
        (r#"{"a": $uuid}"#, TemplateError::NoTask),
        ("[$task, $task]", TemplateError::TaskTwice),
        ("[$task, {...$task}]", TemplateError::TaskTwice),
        (r#"{"a": "$task"}"#, in_string("$task")),
        (
            r#"{"a": "see $task.title below"}"#,
            in_string("$task.title"),
        ),
        (r#"{"a": $tasks}"#, unknown("$tasks")),
        (r#"{"a": $task..b}"#, unknown("$task..b")),
        (r#"{"a": $uuid.b, "b": $task}"#, unknown("$uuid.b")),
        (r#"{"a": $, "b": $task}"#, unknown("$")),
        (r#"{"a": $task"#, TemplateError::NotJson),
        ("{$task: 1}", TemplateError::NotJson),
        ("[...$task]", TemplateError::NotJson),
        ("payload=$task", TemplateError::NotJson),
        (
            r#"{"a": $task, "b": {"c": 1, "c": $uuid}}"#,
            TemplateError::DuplicateMember {
                pointer: "/b/c".to_owned(),
            },
        ),
        ("[$task, $größe]", unknown("$größe")),
    ] {
        assert_eq!(BodyTemplate::parse(text), Err(error), "{text}");
    }
    let long = format!("[\"{}\", $task]", "x".repeat(MAX_TEMPLATE_BYTES));
    assert_eq!(BodyTemplate::parse(&long), Err(TemplateError::TooLong));
}

mod properties {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A JSON value of a few levels.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z$\"\\\\é. ]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c$\"é]{1,2}", inner, 0..4)
                    .prop_map(|members| json!(members)),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_template_never_changes_the_task(task in value(), is_pretty: bool) {
            let text = match is_pretty {
                true => serde_json::to_string_pretty(&task).unwrap(),
                false => task.to_string(),
            };
            let sent = body(r#"{"a": [$number, {"task" : $task}], "z": "$"}"#, &text);
            let exact = format!("{{\"task\" : {text}}}");
            prop_assert!(sent.contains(&exact));
            let sent: Value = serde_json::from_str(&sent).unwrap();
            prop_assert_eq!(sent, json!({"a": [3, {"task": task}], "z": "$"}));
        }

        #[test]
        fn inserted_members_are_those_of_the_task(
            task in prop::collection::btree_map("[a-c$\"é]{1,2}", value(), 0..5),
        ) {
            let text = json!(task).to_string();
            let sent = body(r#"{"a": 0, ...$task, "bb": [$task.b, $task.ab]}"#, &text);
            let mut expected = json!(task);
            expected["a"] = json!(0);
            let members = [task.get("b"), task.get("ab")].into_iter().flatten();
            expected["bb"] = members.cloned().collect();
            let sent: Value = serde_json::from_str(&sent).unwrap();
            prop_assert_eq!(sent, expected);
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "[{}\\[\\],:. \"$taskuid\\\\é]{0,24}") {
            if let Ok(template) = BodyTemplate::parse(&text) {
                let sent = template.wrap(r#"{"a": 1}"#, &VALUES);
                prop_assert!(serde_json::from_str::<Value>(&sent).is_ok(), "{}", sent);
                let again = template.wrap(r#"{"a": 1}"#, &VALUES);
                prop_assert_eq!(sent, again);
            }
        }
    }
}
