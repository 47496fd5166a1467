//! A plain task server as they exist: `POST /tasks` takes any JSON object.
//!
//! No idempotency keys, no look-up, no schema; FastAPI's words for what it refuses, Starlette's
//! rule for other origins. `/plain/{variant}/{bucket}/tasks` is the same server with a habit of its
//! own (see [`Variant`]) and a memory of its own, so that tests run side by side. `…/_received`
//! tells a test what arrived.

mod body;
mod received;
mod variant;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{ALLOW, CONNECTION, HOST, LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::cors::{self, Strict, Unreadable};
use crate::recorder::{header_list, now_ms};
use body::TaskBody;
use received::{Buckets, Received};
use variant::{Behaviour, Variant};

/// The largest body, in bytes: twice what the task server that comes along takes.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a server that never answers holds a connection.
const SILENCE: Duration = Duration::from_secs(600);
/// The header that carries the token.
const TOKEN_HEADER: &str = "x-agent-token";

/// How a plain server is set up.
#[derive(Clone, Debug)]
pub struct PlainOptions {
    /// The token it wants in `X-AGENT-TOKEN`. Where a variant wants another one after a while, it
    /// is this one followed by `-renewed`.
    pub token: String,
    /// The origins whose pages may call it; `*` for all.
    pub allow_origins: Vec<String>,
    /// Whether `/tasks` is declared with a slash at its end, so that the path without it
    /// redirects.
    pub trailing_slash: bool,
    /// Members that every task must have.
    pub required: Vec<String>,
    /// How long after a post has arrived it is answered, preflights excepted. Posts wait side by
    /// side, so that any number of them is answered in this time.
    pub answer_time: Duration,
    /// How many seconds a browser may remember the answer to a preflight; Starlette's 600 unless
    /// given.
    pub preflight_max_age_s: u32,
    /// Whether pages may send `Idempotency-Key`, which is not looked at all the same.
    pub allows_key: bool,
}

impl Default for PlainOptions {
    fn default() -> Self {
        Self {
            token: "changeme".to_owned(),
            allow_origins: Vec::new(),
            trailing_slash: false,
            required: Vec::new(),
            answer_time: Duration::ZERO,
            preflight_max_age_s: 600,
            allows_key: false,
        }
    }
}

/// What the server knows. Clones share it.
#[derive(Clone, Debug)]
pub struct PlainWorld {
    options: Arc<PlainOptions>,
    cors: Strict,
    buckets: Buckets,
}

impl PlainWorld {
    /// A server that has received nothing.
    #[must_use]
    pub fn new(options: PlainOptions) -> Self {
        Self {
            cors: Strict::new(options.allow_origins.clone(), options.preflight_max_age_s)
                .with_key(options.allows_key),
            options: Arc::new(options),
            buckets: Buckets::default(),
        }
    }
}

/// The routes of the server. Whatever is not among them gets FastAPI's 404.
pub(crate) fn router(world: PlainWorld) -> Router {
    Router::new()
        .route("/tasks", any(tasks))
        .route("/tasks/", any(tasks))
        .route("/openapi.json", get(openapi))
        .route("/plain/{variant}/{bucket}/tasks", any(tasks))
        .route("/plain/{variant}/{bucket}/tasks/", any(tasks))
        .route("/plain/{variant}/{bucket}/openapi.json", get(openapi))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(
            world.clone(),
            across_origins,
        ))
        // The tests' own view is open to every origin, so it stands outside that layer.
        .route("/_received", get(received::received))
        .route("/_received/{number}", get(received::received))
        .route(
            "/plain/{variant}/{bucket}/_received",
            get(received::received),
        )
        .route(
            "/plain/{variant}/{bucket}/_received/{number}",
            get(received::received),
        )
        .with_state(world)
}

/// An error in FastAPI's shape.
fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"detail": text}))).into_response()
}

async fn not_found() -> Response {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// The variant that a path names.
fn variant_of(path: &str) -> Option<Variant> {
    let name = path.strip_prefix("/plain/")?.split('/').next()?;
    Variant::parse(name).ok()
}

async fn across_origins(State(world): State<PlainWorld>, request: Request, next: Next) -> Response {
    let closes = variant_of(request.uri().path()).is_some_and(|it| it.closes_connections());
    let headers = request.headers().clone();
    let mut response = if cors::is_preflight(request.method(), &headers) {
        world.cors.preflight(&headers)
    } else {
        let mut response = next.run(request).await;
        world.cors.apply(&headers, &mut response);
        response
    };
    if closes {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn tasks(
    State(world): State<PlainWorld>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    place: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    let (variant, bucket) = match &place {
        Some(Path((variant, bucket))) => (variant.as_str(), bucket_name(variant, bucket)),
        None if world.options.trailing_slash => ("redirect307", String::new()),
        None => ("ok200", String::new()),
    };
    match Variant::parse(variant) {
        Ok(variant) => take(&world, &connection, &variant, &bucket, request).await,
        Err(unknown) => detail(StatusCode::NOT_FOUND, &unknown.to_string()),
    }
}

/// The bucket of a path with a variant; the bare path's is the empty one.
fn bucket_name(variant: &str, bucket: &str) -> String {
    format!("{variant}/{bucket}")
}

/// Answers whatever comes to the path of the tasks.
async fn take(
    world: &PlainWorld,
    connection: &Connection,
    variant: &Variant,
    bucket: &str,
    request: Request,
) -> Response {
    if request.method() != axum::http::Method::POST {
        let mut response = detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let (parts, body) = request.into_parts();
    let reading = axum::body::to_bytes(body, BODY_LIMIT);
    let body = match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return detail(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large");
        }
        Err(_) => return detail(StatusCode::REQUEST_TIMEOUT, "Request timed out"),
    };
    let due = Instant::now() + world.options.answer_time;
    if parts.uri.path().ends_with('/') != variant.has_slash() {
        return redirect(&parts.uri, &parts.headers);
    }
    let number = world.buckets.next_post(bucket);
    let act = decide(world, variant, bucket, number, &parts, &body);
    let status = match &act.then {
        Then::Answer(response) => Some(response.status().as_u16()),
        Then::Hang | Then::Reset => None,
    };
    world.buckets.add(Received {
        bucket: bucket.to_owned(),
        number: number + 1,
        at_ms: now_ms(),
        headers: header_list(&parts.headers),
        body,
        stored: act.task_id.is_some(),
        task_id: act.task_id,
        status,
    });
    if !world.options.answer_time.is_zero() {
        tokio::time::sleep_until(due).await;
    }
    match act.then {
        Then::Answer(response) => response,
        Then::Hang => {
            tokio::time::sleep(SILENCE).await;
            connection.reset();
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Then::Reset => {
            connection.reset();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Redirects between the path with and without a slash, as Starlette's router does.
fn redirect(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = match uri.path().strip_suffix('/') {
        Some(path) => path.to_owned(),
        None => format!("{}/", uri.path()),
    };
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("http://{host}{path}{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// What is done with a request.
struct Act {
    task_id: Option<u64>,
    then: Then,
}

/// What the client gets.
enum Then {
    Answer(Response),
    Hang,
    Reset,
}

impl Act {
    fn refuse(response: impl IntoResponse) -> Self {
        Self {
            task_id: None,
            then: Then::Answer(response.into_response()),
        }
    }
}

/// Looks at the token, then at the body, then at what the variant or the task's title wants.
fn decide(
    world: &PlainWorld,
    variant: &Variant,
    bucket: &str,
    number: u64,
    parts: &Parts,
    body: &Bytes,
) -> Act {
    let token = parts
        .headers
        .get(TOKEN_HEADER)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let renewed = token == format!("{}-renewed", world.options.token).as_bytes();
    if !renewed && token != world.options.token.as_bytes() {
        return Act::refuse(detail(
            StatusCode::UNAUTHORIZED,
            "Invalid or missing X-AGENT-TOKEN",
        ));
    }
    let task = match TaskBody::read(&parts.headers, body) {
        Ok(task) => task,
        Err(refused) => return Act::refuse(refused),
    };
    for member in &world.options.required {
        if let Err(refused) = task.requires(member) {
            return Act::refuse(refused);
        }
    }
    let asked_for = Behaviour::in_title(task.title());
    let behaviour = asked_for
        .as_ref()
        .unwrap_or_else(|| variant.behaviour(number));
    behave(world, behaviour, bucket, &task, renewed)
}

fn behave(
    world: &PlainWorld,
    behaviour: &Behaviour,
    bucket: &str,
    task: &TaskBody,
    renewed: bool,
) -> Act {
    let store = |answer: &dyn Fn(u64) -> Response| {
        let id = world.buckets.next_task(bucket);
        Act {
            task_id: Some(id),
            then: Then::Answer(answer(id)),
        }
    };
    let ok = || store(&|id| Json(json!({"task_id": id})).into_response());
    let stored_then = |then: Then| Act {
        task_id: Some(world.buckets.next_task(bucket)),
        then,
    };
    match behaviour {
        Behaviour::Ok200 | Behaviour::Redirect307 => ok(),
        Behaviour::Created201 => store(&|id| {
            let body = Json(json!({"id": id.to_string(), "status": "queued"}));
            let location = [(LOCATION, format!("/tasks/{id}"))];
            (StatusCode::CREATED, location, body).into_response()
        }),
        Behaviour::Accepted202 => store(&|id| {
            let uuid = format!("00000000-0000-4000-8000-{id:012}");
            let body = Json(json!({"data": {"task": {"uuid": uuid}}}));
            (StatusCode::ACCEPTED, body).into_response()
        }),
        Behaviour::NoId => store(&|_| Json(json!({"status": "ok"})).into_response()),
        Behaviour::Empty204 => store(&|_| StatusCode::NO_CONTENT.into_response()),
        Behaviour::Text => store(&|_| "OK".into_response()),
        Behaviour::Error500NoCors => store(&|_| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let mut response = (status, "Internal Server Error").into_response();
            response.extensions_mut().insert(Unreadable);
            response
        }),
        Behaviour::Unauthorized | Behaviour::Forbidden if renewed => ok(),
        Behaviour::Unauthorized => {
            Act::refuse(detail(StatusCode::UNAUTHORIZED, "The token has expired"))
        }
        Behaviour::Forbidden => Act::refuse(detail(
            StatusCode::FORBIDDEN,
            "The token may not queue tasks",
        )),
        Behaviour::Error503RetryAfter => Act::refuse(retry_later(503, true)),
        Behaviour::Error503Hidden => Act::refuse(retry_later(503, false)),
        Behaviour::Rate429 => Act::refuse(retry_later(429, true)),
        Behaviour::Rate429Hidden => Act::refuse(retry_later(429, false)),
        Behaviour::Error409 => Act::refuse(detail(StatusCode::CONFLICT, "Conflict")),
        Behaviour::Html => Act::refuse(Html(
            "<!doctype html><html><head><title>Sign in</title></head>\
             <body><h1>Sign in to continue</h1></body></html>",
        )),
        Behaviour::JsonRpc => Act::refuse(Json(json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": {"code": -32600, "message": "Invalid Request"},
        }))),
        Behaviour::Hang => stored_then(Then::Hang),
        Behaviour::Drop => stored_then(Then::Reset),
        Behaviour::DropUnstored => Act {
            task_id: None,
            then: Then::Reset,
        },
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
            Act::refuse(detail(status, status.canonical_reason().unwrap_or("Error")))
        }
        Behaviour::Requires(member) => match task.requires(member) {
            Ok(()) => ok(),
            Err(refused) => Act::refuse(refused),
        },
        Behaviour::Forbids(member) => match task.forbids(member) {
            Ok(()) => ok(),
            Err(refused) => Act::refuse(refused),
        },
    }
}

/// An answer that asks to come back in a second, which a page may or may not be able to read.
fn retry_later(status: u16, readable: bool) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = detail(status, status.canonical_reason().unwrap_or("Error"));
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    if readable {
        cors::expose(&mut response, &[RETRY_AFTER.as_str()]);
    }
    response
}

/// An OpenAPI document as FastAPI makes it for such a server: it declares no `Idempotency-Key`.
async fn openapi(State(world): State<PlainWorld>) -> Response {
    let properties: serde_json::Map<String, Value> = world
        .options
        .required
        .iter()
        .map(|member| (member.clone(), json!({})))
        .collect();
    Json(json!({
        "openapi": "3.1.0",
        "info": {"title": "Plain task server", "version": "1.0.0"},
        "paths": {"/tasks": {"post": {
            "summary": "Create Task",
            "operationId": "create_task_tasks_post",
            "parameters": [{
                "name": "X-AGENT-TOKEN", "in": "header", "required": true,
                "schema": {"type": "string"},
            }],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {
                "type": "object",
                "properties": properties,
                "required": world.options.required,
                "additionalProperties": true,
            }}}},
            "responses": {"200": {"description": "Successful Response"}},
        }}},
    }))
    .into_response()
}
