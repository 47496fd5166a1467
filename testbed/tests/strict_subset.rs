//! The product's model-facing schemas are in the strict subset, and tasks that are valid by them are
//! valid by the operator's schema.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use serde_json::{Value, json};
use support::{Api, ParsedStream, TIMEOUT, post_at, request, start, violations};
use taskwright::document::Document;
use taskwright::schema::strict::{envelope, model_schema, without_model_nulls};

/// A strict request for twelve tasks with a model-facing schema.
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
fn tasks_of_agent_task_are_valid_after_their_nulls_are_removed() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let body = strict_request(&derived.schema);
    let response = post_at(port, "/v1/chat/completions", &body, TIMEOUT);
    assert_eq!(response.status, 200, "{}", response.text());
    let tasks = ParsedStream::new(&response.body()).tasks();
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
fn agent_action_is_accepted() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_action_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let body = strict_request(&derived.schema);
    let response = post_at(port, "/v1/chat/completions", &body, TIMEOUT);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(ParsedStream::new(&response.body()).tasks().len(), 12);
}

#[test]
fn agent_task_is_accepted_in_responses() {
    let port = start(|_| {});
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let derived = model_schema(&schema).unwrap();
    let mut body = Api::Responses.request("scripted", 12);
    body["text"]["format"]["strict"] = json!(true);
    body["text"]["format"]["schema"] = envelope(&derived.schema).unwrap();
    let response = Api::Responses.send(port, &body);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(ParsedStream::new(&response.body()).tasks().len(), 12);
}
