//! Guessing and reading of roles.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};
use taskwright::document::Document;
use taskwright::schema::{Roles, TaskSchema, agent_action_schema, agent_task_schema};

fn guessed(schema: &Value) -> [Option<String>; 3] {
    let roles = Roles::guess(schema);
    [roles.key, roles.title, roles.depends_on]
}

fn expected(names: [&str; 3]) -> [Option<String>; 3] {
    names.map(|name| (!name.is_empty()).then(|| name.to_owned()))
}

fn with(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[test]
fn the_shipped_schemas_have_the_expected_roles() {
    let task: Value = serde_json::from_str(agent_task_schema()).unwrap();
    assert_eq!(guessed(&task), expected(["key", "title", "depends_on"]));
    let action: Value = serde_json::from_str(agent_action_schema()).unwrap();
    assert_eq!(guessed(&action), expected(["", "title", ""]));
}

#[test]
fn names_match_in_any_spelling_and_the_most_likely_wins() {
    let text = json!({"type": "string"});
    let list = json!({"type": "array", "items": {"type": "string"}});
    let cases = [
        (
            json!({"taskId": text, "taskName": text, "dependsOn": list}),
            ["taskId", "taskName", "dependsOn"],
        ),
        (
            json!({"id": text, "slug": text, "name": text, "title": text}),
            ["slug", "title", ""],
        ),
        (
            json!({"External-ID": text, "summary": text, "Blocked By": list}),
            ["External-ID", "summary", "Blocked By"],
        ),
        (json!({"task": text}), ["", "task", ""]),
        (json!({"colour": text}), ["", "", ""]),
    ];
    for (properties, names) in cases {
        assert_eq!(
            guessed(&with(properties.clone())),
            expected(names),
            "{properties}"
        );
    }
}

#[test]
fn a_member_of_an_unsuitable_type_has_no_role() {
    let cases = [
        json!({"id": {"type": "boolean"}}),
        json!({"key": {"enum": ["a", "b"]}}),
        json!({"task": {"type": "object"}}),
        json!({"dependencies": {"type": "array", "items": {"type": "object"}}}),
        json!({"after": {"type": "boolean"}}),
    ];
    for properties in cases {
        assert_eq!(
            guessed(&with(properties.clone())),
            expected(["", "", ""]),
            "{properties}"
        );
    }
}

#[test]
fn members_behind_references_and_choices_have_roles() {
    let schema = json!({
        "allOf": [{"$ref": "#/$defs/Base"}],
        "anyOf": [
            {"properties": {"after": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
            {"$ref": "#/$defs/None"}],
        "$defs": {"Base": {"properties": {"key": {"$ref": "#/$defs/Text"}}}, "Text": {"type": "string"}}
    });
    assert_eq!(guessed(&schema), expected(["key", "", "after"]));
}

#[test]
fn a_schema_without_properties_has_no_roles() {
    for schema in [json!({}), json!(true), json!({"$ref": "#"}), json!([1])] {
        assert_eq!(guessed(&schema), expected(["", "", ""]));
    }
}

#[test]
fn keys_and_dependencies_are_read_from_strings_numbers_and_arrays() {
    let roles = Roles {
        key: Some("id".into()),
        title: Some("name".into()),
        depends_on: Some("after".into()),
    };
    let table: [(&str, Option<&str>, &[&str]); 7] = [
        (r#"{"id":"b","after":"a"}"#, Some("b"), &["a"]),
        (r#"{"id":2,"after":1}"#, Some("2"), &["1"]),
        (r#"{"id":1.50,"after":[1,"a"]}"#, Some("1.50"), &["1", "a"]),
        (r#"{"id":"b","after":["a","c"]}"#, Some("b"), &["a", "c"]),
        (r#"{"id":null,"after":null}"#, None, &[]),
        (r#"{"id":["b"],"after":{"a":1}}"#, None, &[]),
        (r#"{"after":[null,["a"],"a"]}"#, None, &["a"]),
    ];
    for (task, key, dependencies) in table {
        let task = Document::parse(task).unwrap();
        assert_eq!(roles.key(task.root()).as_deref(), key, "{}", task.text());
        assert_eq!(
            roles.dependencies(task.root()),
            dependencies,
            "{}",
            task.text()
        );
    }
}

#[test]
fn numbers_can_be_keys_and_dependencies() {
    let number = json!({"type": "integer"});
    let numbers = json!({"type": "array", "items": number});
    for depends_on in [&number, &numbers] {
        let schema = with(json!({"id": number, "title": {"type": "string"}, "after": depends_on}));
        assert_eq!(guessed(&schema), expected(["id", "title", "after"]));
    }
}

#[test]
fn chosen_roles_take_the_place_of_guesses() {
    let schema = r#"{"properties": {"id": {"type": "string"}, "name": {"type": "string"},
        "code": {"type": "string"}, "waits": {"type": "array"}}}"#;
    let schema = TaskSchema::parse(schema).unwrap();
    let chosen = Roles {
        key: Some("code".to_owned()),
        title: None,
        depends_on: Some("waits".to_owned()),
    };
    let task =
        Document::parse(r#"{"id": "i", "code": "c", "name": "n", "waits": ["a", 1]}"#).unwrap();
    let roles = schema.with_roles(&chosen);
    let roles = roles.roles();
    assert_eq!(roles.key(task.root()).as_deref(), Some("c"));
    assert_eq!(roles.title(task.root()).as_deref(), Some("n"));
    assert_eq!(roles.dependencies(task.root()), ["a", "1"]);
    // Choosing again starts from the guesses.
    let again = schema.with_roles(&chosen).with_roles(&Roles {
        title: Some("code".to_owned()),
        ..Roles::default()
    });
    assert_eq!(again.roles().key(task.root()).as_deref(), Some("i"));
    assert_eq!(again.roles().title(task.root()).as_deref(), Some("c"));
}

#[test]
fn a_task_whose_schema_declares_no_title_may_have_one() {
    let schema = TaskSchema::parse(r#"{"type": "object"}"#).unwrap();
    for (task, title) in [
        (r#"{"name": "n", "summary": "s"}"#, Some("n")),
        (r#"{"description": "d"}"#, Some("d")),
        (r#"{"title": 7}"#, None),
        (r#"{"kind": "k"}"#, None),
    ] {
        let task = Document::parse(task).unwrap();
        assert_eq!(schema.roles().title(task.root()).as_deref(), title);
    }
}
