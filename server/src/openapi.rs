//! The OpenAPI 3.1 document of the server.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::tasks::read::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::tasks::{MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_BYTES};

/// `GET /openapi.json`: returns the document. Needs no token.
pub async fn get_document(State(app): State<App>) -> Response {
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ],
        document(app.schema().value()).to_string(),
    )
        .into_response()
}

fn document(task_schema: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "taskwright-server",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Accepts tasks, validates them against a JSON Schema and stores them durably.",
            "description": format!("Request bodies are limited to {MAX_BODY_BYTES} bytes. Errors are application/problem+json (RFC 9457) with a stable code.")
        },
        "paths": {
            "/tasks": { "post": post_task(), "get": list_tasks() },
            "/tasks/{id}": { "get": get_task() },
            "/tasks/schema": { "get": public_get("The schema every task must satisfy.", "application/schema+json", json!(true)) },
            "/healthz": { "get": public_get("Whether the task store is available.", "application/json", json!({
                "type": "object", "required": ["status"], "properties": { "status": { "const": "ok" } }
            })) },
            "/openapi.json": { "get": public_get("This document.", "application/json", json!({ "type": "object" })) }
        },
        "components": {
            "securitySchemes": {
                "AgentToken": { "type": "apiKey", "in": "header", "name": "X-AGENT-TOKEN" }
            },
            "schemas": schemas(task_schema),
            "responses": { "Problem": {
                "description": "An error.",
                "headers": { "Retry-After": {
                    "description": "Seconds; sent with 429 and 503.", "schema": { "type": "integer" }
                } },
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" }
                } }
            } }
        }
    })
}

fn post_task() -> Value {
    let confirmation = json!({ "application/json": {
        "schema": { "$ref": "#/components/schemas/Confirmation" }
    } });
    let mut responses = json!({
        "201": {
            "description": "The task is stored.",
            "headers": { "Location": { "schema": { "type": "string" } } },
            "content": confirmation
        },
        "200": {
            "description": "The task was stored before with the same idempotency key and body. This is the first response again.",
            "headers": {
                "Location": { "schema": { "type": "string" } },
                "Idempotent-Replayed": { "schema": { "const": "true" } }
            },
            "content": confirmation
        }
    });
    add_problems(
        &mut responses,
        &[
            "400", "401", "408", "413", "415", "422", "429", "500", "503",
        ],
    );
    json!({
        "operationId": "postTask",
        "summary": "Store a task.",
        "security": [{ "AgentToken": [] }],
        "parameters": [{
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Repeating a request with the same key and body stores the task only once. Keys are retained for at least 7 days.",
            "schema": { "type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_BYTES, "pattern": "^[ -~]+$" }
        }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Task" } } }
        },
        "responses": responses
    })
}

fn list_tasks() -> Value {
    let mut responses = json!({ "200": {
        "description": "Tasks in order of arrival.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Page" } } }
    } });
    add_problems(&mut responses, &["400", "401", "429", "500", "503"]);
    json!({
        "operationId": "listTasks",
        "summary": "List tasks, or look one up by its idempotency key.",
        "security": [{ "AgentToken": [] }],
        "parameters": [
            query_parameter("limit", json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT })),
            query_parameter("cursor", json!({ "type": "string", "description": "next_cursor of the previous page." })),
            query_parameter("status", json!({ "type": "string" })),
            query_parameter("idempotency_key", json!({ "type": "string", "maxLength": MAX_IDEMPOTENCY_KEY_BYTES }))
        ],
        "responses": responses
    })
}

fn get_task() -> Value {
    let mut responses = json!({ "200": {
        "description": "The task.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Item" } } }
    } });
    add_problems(&mut responses, &["401", "404", "429", "500", "503"]);
    json!({
        "operationId": "getTask",
        "summary": "Get one task.",
        "security": [{ "AgentToken": [] }],
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": responses
    })
}

fn query_parameter(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema })
}

fn public_get(summary: &str, media_type: &str, schema: Value) -> Value {
    let mut responses = json!({ "200": {
        "description": summary, "content": { media_type: { "schema": schema } }
    } });
    add_problems(&mut responses, &["500", "503"]);
    json!({ "summary": summary, "security": [], "responses": responses })
}

fn add_problems(responses: &mut Value, statuses: &[&str]) {
    if let Some(responses) = responses.as_object_mut() {
        for status in statuses {
            let problem = json!({ "$ref": "#/components/responses/Problem" });
            responses.insert((*status).to_owned(), problem);
        }
    }
}

fn schemas(task_schema: &Value) -> Value {
    json!({
        "Task": embeddable(task_schema),
        "Confirmation": {
            "type": "object",
            "required": ["id", "status", "received_at"],
            "properties": {
                "id": { "type": "string" },
                "status": { "const": "queued" },
                "received_at": { "type": "string", "format": "date-time" }
            }
        },
        "Item": {
            "type": "object",
            "required": ["id", "status", "received_at", "idempotency_key", "task"],
            "properties": {
                "id": { "type": "string" },
                "status": { "type": "string" },
                "received_at": { "type": "string", "format": "date-time" },
                "idempotency_key": { "type": ["string", "null"] },
                "task": { "description": "The posted body, byte for byte." }
            }
        },
        "Page": {
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": { "type": "array", "items": { "$ref": "#/components/schemas/Item" } },
                "next_cursor": { "type": ["string", "null"] }
            }
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": { "type": "string", "format": "uri-reference" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "code": { "type": "string" },
                "line": { "type": "integer", "description": "Present with malformed_json." },
                "column": { "type": "integer", "description": "Present with malformed_json." },
                "violations": {
                    "type": "array",
                    "description": "Present with schema_violation; the first 200.",
                    "items": {
                        "type": "object",
                        "required": ["instance_path", "schema_path", "keyword", "message"],
                        "properties": {
                            "instance_path": { "type": "string", "format": "json-pointer" },
                            "schema_path": { "type": "string", "format": "json-pointer" },
                            "keyword": { "type": "string" },
                            "message": { "type": "string" }
                        }
                    }
                }
            }
        }
    })
}

/// The task schema with an `$id`. Embedded in this document, it resolves its own `#/…` references
/// only if the `$id` makes it a schema resource (JSON Schema 2020-12, core, section 8.2.1).
fn embeddable(task_schema: &Value) -> Value {
    let mut schema = task_schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members
            .entry("$id")
            .or_insert_with(|| Value::from("/tasks/schema"));
    }
    schema
}
