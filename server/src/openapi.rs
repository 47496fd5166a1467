//! The OpenAPI 3.1 document of the server.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::gateway;
use crate::problem::Problem;
use crate::scope::Scope;
use crate::tasks::read::{CURSOR_PATTERN, DEFAULT_LIMIT, MAX_LIMIT, MAX_STATUS_CHARACTERS};
use crate::tasks::{MAX_BODY_BYTES, MAX_IDEMPOTENCY_KEY_BYTES};

/// `GET /openapi.json`: returns the document. Needs no token.
pub async fn get_document(State(app): State<App>) -> Response {
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ],
        document(app.schema().value(), app.gateway().is_some()).to_string(),
    )
        .into_response()
}

/// The document. It has the paths of the gateway only if there is one, so that a client finds it.
fn document(task_schema: &Value, has_gateway: bool) -> Value {
    let mut document = document_about_tasks(task_schema);
    if has_gateway
        && let Some(paths) = document
            .pointer_mut("/paths")
            .and_then(Value::as_object_mut)
    {
        let post = |name: &str, summary: &str| json!({ "post": model_post(name, summary) });
        paths.extend([
            (
                "/v1/chat/completions".to_owned(),
                post(
                    "createChatCompletion",
                    "Chat Completions of the model endpoint behind the gateway.",
                ),
            ),
            (
                "/v1/responses".to_owned(),
                post(
                    "createResponse",
                    "Responses of the model endpoint behind the gateway.",
                ),
            ),
            ("/v1/models".to_owned(), json!({ "get": model_list() })),
        ]);
    }
    document
}

fn document_about_tasks(task_schema: &Value) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "taskwright-server",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Accepts tasks, validates them against a JSON Schema and stores them durably.",
            "description": format!(
                "Request bodies are limited to {MAX_BODY_BYTES} bytes. Errors are \
                 application/problem+json (RFC 9457) with a stable code. Retry-After is sent only if \
                 nothing was stored. Unknown paths get 404 not_found, other methods 405 \
                 method_not_allowed with Allow. A request that is not HTTP gets 400, and one whose \
                 headers exceed 64 KiB 431, both without a body."
            )
        },
        "paths": {
            "/tasks": { "post": post_task(), "get": list_tasks() },
            "/tasks/{id}": { "get": get_task() },
            "/tasks/schema": { "get": public_get("The schema every task must satisfy.", "application/schema+json", json!(true), None) },
            "/healthz": { "get": public_get("Whether the task store is available.", "application/json", json!({
                "type": "object", "required": ["status"], "properties": { "status": { "const": "ok" } }
            }), Some(Problem::StoreUnavailable)) },
            "/openapi.json": { "get": public_get("This document.", "application/json", json!({ "type": "object" }), None) }
        },
        "components": {
            "securitySchemes": {
                "AgentToken": { "type": "apiKey", "in": "header", "name": "X-AGENT-TOKEN", "description": "A token has one or more of the scopes post, read and model." },
                "BearerToken": { "type": "http", "scheme": "bearer", "description": "An agent token with the scope model." }
            },
            "schemas": schemas(task_schema)
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
        with_token(Scope::Post).into_iter().chain([
            Problem::MalformedJson {
                reason: String::new(),
                line: 1,
                column: 1,
            },
            Problem::InvalidIdempotencyKey,
            Problem::TooLarge {
                limit: MAX_BODY_BYTES,
            },
            Problem::UnsupportedMediaType(""),
            Problem::SchemaViolation(Vec::new()),
            Problem::CheckTimeout,
            Problem::IdempotencyKeyReused,
            Problem::Overloaded,
            Problem::StoreUnavailable,
            Problem::NotConfirmed,
        ]),
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
            "schema": idempotency_key()
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
    let own = [Problem::InvalidQuery("".into()), Problem::StoreUnavailable];
    add_problems(
        &mut responses,
        with_token(Scope::Read).into_iter().chain(own),
    );
    json!({
        "operationId": "listTasks",
        "summary": "List tasks, or look one up by its idempotency key.",
        "security": [{ "AgentToken": [] }],
        "parameters": [
            query_parameter("limit", json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT })),
            query_parameter("cursor", json!({ "type": "string", "pattern": CURSOR_PATTERN, "description": "next_cursor of the previous page." })),
            query_parameter("status", json!({ "type": "string", "minLength": 1, "maxLength": MAX_STATUS_CHARACTERS })),
            query_parameter("idempotency_key", idempotency_key())
        ],
        "responses": responses
    })
}

fn idempotency_key() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_BYTES, "pattern": "^[ -~]+$" })
}

fn get_task() -> Value {
    let mut responses = json!({ "200": {
        "description": "The task.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Item" } } }
    } });
    let own = [Problem::NotFound, Problem::StoreUnavailable];
    add_problems(
        &mut responses,
        with_token(Scope::Read).into_iter().chain(own),
    );
    json!({
        "operationId": "getTask",
        "summary": "Get one task.",
        "security": [{ "AgentToken": [] }],
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": responses
    })
}

fn model_post(operation: &str, summary: &str) -> Value {
    let own = [
        Problem::UnsupportedMediaType(""),
        Problem::TooLarge {
            limit: gateway::MAX_BODY_BYTES,
        },
    ];
    let mut operation = model_operation(operation, summary, own.into_iter());
    if let Some(members) = operation.as_object_mut() {
        let body = json!({
            "required": true,
            "description": format!("Passed on as it is. At most {} bytes.", gateway::MAX_BODY_BYTES),
            "content": { "application/json": { "schema": { "type": "object" } } }
        });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn model_list() -> Value {
    model_operation(
        "listModels",
        "The models of the model endpoint behind the gateway.",
        std::iter::empty(),
    )
}

fn model_operation(operation: &str, summary: &str, own: impl Iterator<Item = Problem>) -> Value {
    let mut responses = json!({
        "default": { "description": "The response of the model endpoint, byte for byte." }
    });
    let problems = anywhere().into_iter().chain([
        Problem::BadToken(""),
        Problem::InsufficientScope(Scope::Model),
        Problem::TooManyWrongTokens { retry_after: 1 },
        Problem::ModelRateLimited {
            unit: "requests",
            retry_after: 1,
        },
        Problem::ModelUnreachable,
        Problem::ModelRedirect,
        Problem::ModelTimeout,
    ]);
    add_problems(&mut responses, problems.chain(own));
    json!({
        "operationId": operation,
        "summary": summary,
        "security": [{ "BearerToken": [] }, { "AgentToken": [] }],
        "responses": responses
    })
}

fn query_parameter(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema })
}

fn public_get(summary: &str, media_type: &str, schema: Value, own: Option<Problem>) -> Value {
    let mut responses = json!({ "200": {
        "description": summary, "content": { media_type: { "schema": schema } }
    } });
    add_problems(&mut responses, anywhere().into_iter().chain(own));
    json!({ "summary": summary, "security": [], "responses": responses })
}

/// The problems of any request.
fn anywhere() -> Vec<Problem> {
    vec![
        Problem::BadRequest("".into()),
        Problem::Timeout,
        Problem::Misdirected,
        Problem::Internal,
        Problem::TooManyConnections,
        Problem::Draining,
    ]
}

/// The problems of any request that needs a token with this scope.
fn with_token(scope: Scope) -> Vec<Problem> {
    let mut problems = anywhere();
    problems.extend([
        Problem::BadToken(""),
        Problem::InsufficientScope(scope),
        Problem::RateLimited { retry_after: 1 },
        Problem::TooManyWrongTokens { retry_after: 1 },
    ]);
    problems
}

/// Adds a response for each status of these problems, with the codes it may have.
fn add_problems(responses: &mut Value, problems: impl Iterator<Item = Problem>) {
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        let status = problem.status().as_u16();
        by_status.entry(status).or_default().push(problem);
    }
    if let Some(responses) = responses.as_object_mut() {
        for (status, problems) in by_status {
            responses.insert(status.to_string(), problem_response(&problems));
        }
    }
}

fn problem_response(problems: &[Problem]) -> Value {
    let codes: Vec<&str> = problems.iter().map(Problem::code).collect();
    let mut headers = serde_json::Map::new();
    if problems
        .iter()
        .any(|problem| problem.retry_after().is_some())
    {
        let all = problems
            .iter()
            .all(|problem| problem.retry_after().is_some());
        headers.insert(
            "Retry-After".to_owned(),
            json!({ "description": "Seconds. Nothing was stored.", "required": all, "schema": { "type": "integer" } }),
        );
    }
    if problems
        .iter()
        .any(|problem| matches!(problem, Problem::BadToken(_)))
    {
        headers.insert(
            "WWW-Authenticate".to_owned(),
            json!({ "required": true, "schema": { "type": "string" } }),
        );
    }
    json!({
        "description": codes.join(", "),
        "headers": headers,
        "content": { "application/problem+json": { "schema": { "allOf": [
            { "$ref": "#/components/schemas/Problem" },
            { "properties": { "code": { "enum": codes } } }
        ] } } }
    })
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
                "scope": { "enum": ["post", "read", "model"], "description": "Present with insufficient_scope: the scope that the token lacks." },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::one_of_each;

    /// The responses of all operations, by status.
    fn documented_responses(document: &Value) -> Vec<(String, Value)> {
        let paths = document["paths"].as_object().unwrap();
        paths
            .values()
            .flat_map(|operations| operations.as_object().unwrap().values())
            .flat_map(|operation| operation["responses"].as_object().unwrap())
            .map(|(status, response)| (status.clone(), response.clone()))
            .collect()
    }

    #[test]
    fn the_gateway_is_described_only_where_there_is_one() {
        for has_gateway in [false, true] {
            let document = document(&json!({}), has_gateway);
            let paths = document["paths"].as_object().unwrap();
            let described = paths.keys().filter(|path| path.starts_with("/v1/"));
            assert_eq!(described.count(), if has_gateway { 3 } else { 0 });
        }
    }

    #[test]
    fn every_problem_is_documented_with_its_status_and_headers() {
        let document = document(&json!({}), true);
        let responses = documented_responses(&document);
        for problem in one_of_each() {
            let code = problem.code();
            if matches!(problem, Problem::MethodNotAllowed) {
                let text = document["info"]["description"].as_str().unwrap();
                assert!(text.contains(code), "{text}");
                continue;
            }
            let of_code: Vec<_> = responses
                .iter()
                .filter(|(_, response)| {
                    let schema = &response["content"]["application/problem+json"]["schema"];
                    schema["allOf"][1]["properties"]["code"]["enum"]
                        .as_array()
                        .is_some_and(|codes| codes.contains(&code.into()))
                })
                .collect();
            assert!(!of_code.is_empty(), "{code}");
            for (status, response) in of_code {
                assert_eq!(*status, problem.status().as_u16().to_string(), "{code}");
                assert!(
                    problem.retry_after().is_none()
                        || response["headers"]["Retry-After"].is_object(),
                    "{code}"
                );
            }
        }
    }
}
