//! A plain task server: `POST /tasks` takes any JSON object.
//!
//! It has no idempotency keys, no look-up and no schema. Errors are those of FastAPI, and CORS is that
//! of Starlette. `/plain/{variant}/{bucket}/tasks` is the same server with a special behaviour (see
//! `Variant`) and separate storage, so that tests can run in parallel. `…/_received` lists the
//! received posts.

mod body;
mod received;
mod refusal;
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
use crate::cors::{self, Starlette, Unreadable};
use crate::model::set_reason;
use crate::recorder::{header_list, now_ms};
use body::TaskBody;
use received::{Buckets, Received};
use variant::{Behaviour, Echo, Variant};

/// The largest request body, in bytes: twice the limit of the product's task server.
const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Time limit for receiving a request body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a connection hangs before it is reset.
const HANG_TIME: Duration = Duration::from_secs(600);
/// The header with the agent token.
const TOKEN_HEADER: &str = "x-agent-token";
/// The response header that repeats the agent token.
const ECHO_HEADER: &str = "x-echo";

/// The options of a plain task server.
#[derive(Clone, Debug)]
pub struct PlainOptions {
    /// The agent token. A variant that stops accepting it accepts this token followed by `-renewed`.
    pub token: String,
    /// The origins whose pages may call the server; `*` allows all.
    pub allow_origins: Vec<String>,
    /// Whether the path is `/tasks/`, so that `/tasks` redirects.
    pub trailing_slash: bool,
    /// Members that every task must have.
    pub required: Vec<String>,
    /// The time between the arrival of a post and its response, regardless of the load. Preflights
    /// are not delayed.
    pub response_time: Duration,
    /// Seconds for which a browser may cache a preflight; Starlette's default is 600.
    pub preflight_max_age_s: u32,
    /// Whether pages may send `Idempotency-Key`, which the server ignores.
    pub allows_key: bool,
}

impl Default for PlainOptions {
    fn default() -> Self {
        Self {
            token: "changeme".to_owned(),
            allow_origins: Vec::new(),
            trailing_slash: false,
            required: Vec::new(),
            response_time: Duration::ZERO,
            preflight_max_age_s: 600,
            allows_key: false,
        }
    }
}

/// The state of the server. Clones share it.
#[derive(Clone, Debug)]
pub struct PlainState {
    options: Arc<PlainOptions>,
    cors: Starlette,
    buckets: Buckets,
}

impl PlainState {
    /// A server that has not received anything.
    #[must_use]
    pub fn new(options: PlainOptions) -> Self {
        Self {
            cors: Starlette::new(options.allow_origins.clone(), options.preflight_max_age_s)
                .with_key(options.allows_key),
            options: Arc::new(options),
            buckets: Buckets::default(),
        }
    }
}

/// The routes of the server. Other paths get FastAPI's 404.
pub(crate) fn router(state: PlainState) -> Router {
    Router::new()
        .route("/tasks", any(tasks))
        .route("/tasks/", any(tasks))
        .route("/openapi.json", get(openapi))
        .route("/plain/{variant}/{bucket}/tasks", any(tasks))
        .route("/plain/{variant}/{bucket}/tasks/", any(tasks))
        .route("/plain/{variant}/{bucket}/openapi.json", get(openapi))
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            across_origins,
        ))
        // Every origin may read the received posts, so these routes come after the layer.
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
        .with_state(state)
}

/// A FastAPI error.
fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"detail": text}))).into_response()
}

async fn not_found() -> Response {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// The variant in a path.
fn variant_of(path: &str) -> Option<Variant> {
    let name = path.strip_prefix("/plain/")?.split('/').next()?;
    Variant::parse(name).ok()
}

async fn across_origins(State(state): State<PlainState>, request: Request, next: Next) -> Response {
    let closes = variant_of(request.uri().path()).is_some_and(|it| it.closes_connections());
    let headers = request.headers().clone();
    let mut response = if cors::is_preflight(request.method(), &headers) {
        state.cors.preflight(&headers)
    } else {
        let mut response = next.run(request).await;
        state.cors.apply(&headers, &mut response);
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
    State(state): State<PlainState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    place: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    let (variant, bucket) = match &place {
        Some(Path((variant, bucket))) => (variant.as_str(), bucket_name(variant, bucket)),
        None if state.options.trailing_slash => ("redirect307", String::new()),
        None => ("ok200", String::new()),
    };
    match Variant::parse(variant) {
        Ok(variant) => handle_tasks(&state, &connection, &variant, &bucket, request).await,
        Err(unknown) => detail(StatusCode::NOT_FOUND, &unknown.to_string()),
    }
}

/// The bucket of a path with a variant. The plain path has the bucket with the empty name.
fn bucket_name(variant: &str, bucket: &str) -> String {
    format!("{variant}/{bucket}")
}

/// Responds to a request for the path of the tasks.
async fn handle_tasks(
    state: &PlainState,
    connection: &Connection,
    variant: &Variant,
    bucket: &str,
    request: Request,
) -> Response {
    if request.uri().path().ends_with('/') != variant.has_slash() {
        return redirect(request.uri(), request.headers());
    }
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
    let due = Instant::now() + state.options.response_time;
    let number = state.buckets.next_post(bucket);
    let outcome = handle_post(state, variant, bucket, number, &parts, &body);
    let status = match &outcome.action {
        Action::Respond(response) => Some(response.status().as_u16()),
        Action::Hang | Action::Reset => None,
    };
    state.buckets.add(Received {
        bucket: bucket.to_owned(),
        number: number + 1,
        at_ms: now_ms(),
        headers: header_list(&parts.headers),
        body,
        stored: outcome.task_id.is_some(),
        task_id: outcome.task_id,
        status,
    });
    if !state.options.response_time.is_zero() {
        tokio::time::sleep_until(due).await;
    }
    match outcome.action {
        Action::Respond(response) => response,
        Action::Hang => {
            tokio::time::sleep(HANG_TIME).await;
            connection.reset();
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Action::Reset => {
            connection.reset();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Redirects to the path with or without the trailing slash, like Starlette's router.
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

/// The outcome of a post.
struct Outcome {
    task_id: Option<u64>,
    action: Action,
}

/// What happens to the connection.
enum Action {
    Respond(Response),
    Hang,
    Reset,
}

impl Outcome {
    fn refuse(response: impl IntoResponse) -> Self {
        Self {
            task_id: None,
            action: Action::Respond(response.into_response()),
        }
    }
}

/// Who sent a post.
struct Sender<'a> {
    token: &'a str,
    /// Whether it is the renewed token.
    renewed: bool,
}

/// Checks the agent token and the body, then applies the behaviour of the title or the variant.
fn handle_post(
    state: &PlainState,
    variant: &Variant,
    bucket: &str,
    number: u64,
    parts: &Parts,
    body: &Bytes,
) -> Outcome {
    let token = parts
        .headers
        .get(TOKEN_HEADER)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let renewed = token == format!("{}-renewed", state.options.token).as_bytes();
    if !renewed && token != state.options.token.as_bytes() {
        return Outcome::refuse(detail(
            StatusCode::UNAUTHORIZED,
            "Invalid or missing X-AGENT-TOKEN",
        ));
    }
    let task = match TaskBody::read(&parts.headers, body) {
        Ok(task) => task,
        Err(refused) => return Outcome::refuse(refused),
    };
    for member in &state.options.required {
        if let Err(refused) = task.requires(member) {
            return Outcome::refuse(refused);
        }
    }
    let requested = Behaviour::in_title(task.title());
    let behaviour = requested
        .as_ref()
        .unwrap_or_else(|| variant.behaviour(number));
    let sender = Sender {
        token: &String::from_utf8_lossy(token),
        renewed,
    };
    apply(state, behaviour, bucket, &task, &sender)
}

/// A response that repeats the agent token.
fn echo(state: &PlainState, echo: Echo, bucket: &str, token: &str) -> Outcome {
    let (task_id, mut response) = match echo {
        Echo::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            let body = json!({"detail": [{
                "type": "value_error",
                "loc": ["header", "x-agent-token", token],
                "msg": format!("Value error, the token {token} may not do this"),
                "input": token,
            }]});
            (None, (status, Json(body)).into_response())
        }
        Echo::Html => {
            let page = format!(
                "<!doctype html><html><head><title>502 for {token}</title></head>\
                 <body><p>X-AGENT-TOKEN: {token}</p></body></html>"
            );
            (None, (StatusCode::BAD_GATEWAY, Html(page)).into_response())
        }
        Echo::Receipt => {
            let body = json!({"id": token, "note": format!("queued by {token}")});
            let id = state.buckets.next_task(bucket);
            (Some(id), (StatusCode::CREATED, Json(body)).into_response())
        }
    };
    set_reason(&mut response, &format!("Echo {token}"));
    if let Ok(value) = HeaderValue::from_str(token) {
        response.headers_mut().insert(ECHO_HEADER, value);
        cors::expose(&mut response, &[ECHO_HEADER]);
    }
    Outcome {
        task_id,
        action: Action::Respond(response),
    }
}

fn apply(
    state: &PlainState,
    behaviour: &Behaviour,
    bucket: &str,
    task: &TaskBody,
    sender: &Sender<'_>,
) -> Outcome {
    let store = |respond: &dyn Fn(u64) -> Response| {
        let id = state.buckets.next_task(bucket);
        Outcome {
            task_id: Some(id),
            action: Action::Respond(respond(id)),
        }
    };
    let ok = || store(&|id| Json(json!({"task_id": id})).into_response());
    let store_and = |action: Action| Outcome {
        task_id: Some(state.buckets.next_task(bucket)),
        action,
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
        Behaviour::Unauthorized | Behaviour::Forbidden if sender.renewed => ok(),
        Behaviour::Unauthorized => {
            Outcome::refuse(detail(StatusCode::UNAUTHORIZED, "The token has expired"))
        }
        Behaviour::Forbidden => Outcome::refuse(detail(
            StatusCode::FORBIDDEN,
            "The token may not queue tasks",
        )),
        Behaviour::Error503RetryAfter => Outcome::refuse(retry_later(503, true)),
        Behaviour::Error503Hidden => Outcome::refuse(retry_later(503, false)),
        Behaviour::Rate429 => Outcome::refuse(retry_later(429, true)),
        Behaviour::Rate429Hidden => Outcome::refuse(retry_later(429, false)),
        Behaviour::Error409 => Outcome::refuse(detail(StatusCode::CONFLICT, "Conflict")),
        Behaviour::Duplicate409 => Outcome::refuse((
            StatusCode::CONFLICT,
            Json(json!({"code": "duplicate_title", "message": "A task of this title exists"})),
        )),
        Behaviour::InProgress409 => Outcome::refuse((
            StatusCode::CONFLICT,
            Json(json!({"code": "in_progress", "message": "This request is being processed"})),
        )),
        Behaviour::Blocks(text) if task.contains(text) => {
            let page = "<html><head><title>Request blocked</title></head><body>ID 7</body></html>";
            Outcome::refuse((StatusCode::FORBIDDEN, Html(page)))
        }
        Behaviour::Blocks(_) => ok(),
        Behaviour::Refusal(refusal) => Outcome::refuse(refusal.response()),
        Behaviour::Contradiction(contradiction) => Outcome::refuse(contradiction.response()),
        Behaviour::Html => Outcome::refuse(Html(
            "<!doctype html><html><head><title>Sign in</title></head>\
             <body><h1>Sign in to continue</h1></body></html>",
        )),
        Behaviour::JsonRpc => Outcome::refuse(Json(json!({
            "jsonrpc": "2.0",
            "id": null,
            "error": {"code": -32600, "message": "Invalid Request"},
        }))),
        Behaviour::Hang => store_and(Action::Hang),
        Behaviour::Drop => store_and(Action::Reset),
        Behaviour::SeeOther303AfterStore => store(&|id| {
            let location = [(LOCATION, format!("/tasks/{id}"))];
            (StatusCode::SEE_OTHER, location).into_response()
        }),
        Behaviour::Error503AfterStore => store(&|_| {
            let text = "The task may have been stored";
            detail(StatusCode::SERVICE_UNAVAILABLE, text)
        }),
        Behaviour::HtmlHidden => Outcome::refuse(Html(
            "\u{feff}<!-- gateway --><script>location = \"/login\"</script>",
        )),
        Behaviour::SuccessFalse => Outcome::refuse(Json(
            json!({"success": false, "message": "The queue is full"}),
        )),
        Behaviour::DropUnstored => Outcome {
            task_id: None,
            action: Action::Reset,
        },
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
            Outcome::refuse(detail(status, status.canonical_reason().unwrap_or("Error")))
        }
        Behaviour::Requires(member) => match task.requires(member) {
            Ok(()) => ok(),
            Err(refused) => Outcome::refuse(refused),
        },
        Behaviour::Forbids(member) => match task.forbids(member) {
            Ok(()) => ok(),
            Err(refused) => Outcome::refuse(refused),
        },
        Behaviour::Echo(echo) => self::echo(state, *echo, bucket, sender.token),
    }
}

/// An error with a `Retry-After` of 1 s, which a page can read if `readable`.
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

/// The OpenAPI document that FastAPI would generate. It does not declare `Idempotency-Key`.
async fn openapi(State(state): State<PlainState>) -> Response {
    let properties: serde_json::Map<String, Value> = state
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
                "required": state.options.required,
                "additionalProperties": true,
            }}}},
            "responses": {"200": {"description": "Successful Response"}},
        }}},
    }))
    .into_response()
}
