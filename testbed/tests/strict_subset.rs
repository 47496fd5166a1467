//! The product's model-facing schemas hold against the subset as it is enforced here, and the
//! tasks made of them are what the operator's schema wants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use serde_json::{Value, json};
use support::{Api, Heard, PATIENCE, ask_at, request, start, violations};
use taskwright::document::Document;
use taskwright::schema::strict::{envelope, model_schema, without_model_nulls};

/// A strict request for twelve tasks of an operator's schema.
fn strict_request(model_facing: &Value) -> Value {
    let mut body = request("scripted", 12);
    body["response_format"]["json_schema"] = json!({
        "name": "tasks",
        "strict": true,
        "schema": envelope(model_facing).unwrap(),
    });
    body
}

#[test]
fn tasks_of_the_shipped_schema_are_valid_once_their_nulls_are_taken_out() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let body = strict_request(&derived.schema);
    let got = ask_at(port, "/v1/chat/completions", &body, PATIENCE);
    assert_eq!(got.status, 200, "{}", got.text());
    let tasks = Heard::new(&got.body()).tasks();
    assert_eq!(tasks.len(), 12);
    let has_null = |task: &Value| task.as_object().unwrap().values().any(Value::is_null);
    assert!(tasks.iter().any(has_null));
    for task in tasks {
        let document = Document::parse(&task.to_string()).unwrap();
        let cleaned = without_model_nulls(&document, &derived);
        assert_eq!(violations(cleaned.text()), [], "{}", cleaned.text());
    }
}

#[test]
fn the_shipped_schema_of_actions_is_accepted_too() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_action_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let body = strict_request(&derived.schema);
    let got = ask_at(port, "/v1/chat/completions", &body, PATIENCE);
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(Heard::new(&got.body()).tasks().len(), 12);
}

#[test]
fn the_same_schema_is_accepted_in_responses() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let mut body = Api::Responses.request("scripted", 12);
    body["text"]["format"]["strict"] = json!(true);
    body["text"]["format"]["schema"] = envelope(&derived.schema).unwrap();
    let got = Api::Responses.send(port, &body);
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(Heard::new(&got.body()).tasks().len(), 12);
}
