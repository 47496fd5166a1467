//! The model endpoint: an OpenAI-compatible server whose model is a script.
//!
//! `POST /v1/chat/completions`, `POST /v1/responses` and `GET /v1/models` as one knows them, and the
//! same three below `/scripted/{script}/{tag}/v1`, where the base URL picks the script and tags
//! every request, the preflights and the list of models included. What is common to both APIs is in
//! [`said`] (what the model says), [`sse`] (events as bytes) and [`paced`] (bytes over time); each
//! adds how it reads a request, in [`request`], and how it words an answer, in [`completion`] and
//! [`response`].

mod completion;
mod endpoint;
mod error;
mod paced;
mod record;
mod reply;
mod request;
mod response;
mod said;
mod sse;
mod strict_rules;
mod tasks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use crate::connection::Connection;
use crate::cors;
use crate::recorder::lock;
use crate::script::{Library, Overrides, Reply, Script, Selection};
use error::ApiError;
use record::{End, Records, ResponseRecord};

/// The most selections whose requests are counted; beyond it, counting begins anew.
const COUNTER_LIMIT: usize = 10_000;

/// What the requests of a script with several replies are counted by: the script and the tag.
type Counted = (String, Option<String>);

/// What the endpoint knows. Clones share it.
#[derive(Clone, Debug)]
pub struct ModelWorld {
    library: Arc<Library>,
    records: Records,
    counters: Arc<Mutex<HashMap<Counted, usize>>>,
}

impl ModelWorld {
    /// An endpoint with these scripts.
    #[must_use]
    pub fn new(library: Library) -> Self {
        Self {
            library: Arc::new(library),
            records: Records::default(),
            counters: Arc::default(),
        }
    }

    /// The script of a selection.
    fn script(&self, selection: &Selection) -> Result<&Script, ApiError> {
        self.library.get(&selection.script).ok_or_else(|| ApiError {
            status: 404,
            message: format!("There is no script `{}` here.", selection.script),
            param: Some("model".to_owned()),
            code: Some("model_not_found".to_owned()),
        })
    }

    /// The reply whose turn it is for a selection.
    fn next_reply<'a>(&self, script: &'a Script, selection: &Selection) -> Option<&'a Reply> {
        let mut counters = lock(&self.counters);
        if counters.len() >= COUNTER_LIMIT {
            counters.clear();
        }
        let turn = counters
            .entry((selection.script.clone(), selection.tag.clone()))
            .or_default();
        let reply = script.replies.get(*turn).or_else(|| script.replies.last());
        *turn = turn.saturating_add(1);
        reply
    }
}

/// The routes of the endpoint, those of the tests' inspection included.
pub(crate) fn router(world: ModelWorld) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(endpoint::chat_completions))
        .route("/v1/responses", post(endpoint::responses))
        .route("/v1/models", get(list_models))
        .route("/v1/{*rest}", axum::routing::any(invalid_url))
        .route(
            "/scripted/{script}/{tag}/v1/chat/completions",
            post(endpoint::chat_completions),
        )
        .route(
            "/scripted/{script}/{tag}/v1/responses",
            post(endpoint::responses),
        )
        .route(
            "/scripted/{script}/{tag}/v1/models",
            get(list_models_at_base),
        )
        .route(
            "/scripted/{script}/{tag}/{*rest}",
            axum::routing::any(invalid_url),
        )
        .route("/elsewhere", axum::routing::any(elsewhere))
        .route("/_testbed/requests", get(requests))
        .layer(middleware::from_fn_with_state(
            world.clone(),
            across_origins,
        ))
        .with_state(world)
}

/// Answers as OpenAI does where there is nothing.
pub(crate) async fn invalid_url(method: Method, uri: Uri) -> ApiError {
    ApiError::request(
        404,
        Some("unknown_url"),
        format!("Unknown request URL: {method} {}.", uri.path()),
    )
}

/// The script and the tag in a base URL `/scripted/{script}/{tag}/…`.
fn base_of(path: &str) -> Option<(&str, &str)> {
    let mut parts = path.strip_prefix("/scripted/")?.splitn(3, '/');
    let (script, tag) = (parts.next()?, parts.next()?);
    parts.next().map(|_| (script, tag))
}

/// Answers preflights, and lets every page read what is answered.
async fn across_origins(State(world): State<ModelWorld>, request: Request, next: Next) -> Response {
    if cors::is_preflight(request.method(), request.headers()) {
        let base = base_of(request.uri().path());
        let allowed = base
            .and_then(|(script, _)| world.library.get(script))
            .and_then(|script| script.allow_headers.as_deref());
        let response = cors::open_preflight(request.headers(), allowed);
        if let Some((_, tag)) = base {
            let record =
                world
                    .records
                    .add(tag, request.method(), request.uri(), request.headers(), &[]);
            record.status(response.status().as_u16());
            record.ended(End::Whole);
        }
        return response;
    }
    let mut response = next.run(request).await;
    cors::open_to_all(&mut response);
    response
}

async fn list_models(State(world): State<ModelWorld>) -> Response {
    models(&world)
}

/// Every script as a model, the way to pick it being the model's name.
fn models(world: &ModelWorld) -> Response {
    let family = ("scripted".to_owned(), "The script `plain`.");
    let models: Vec<_> = std::iter::once(family)
        .chain(
            world
                .library
                .iter()
                .map(|(name, script)| (format!("scripted:{name}"), script.about.as_str())),
        )
        .map(|(id, about)| {
            json!({
                "id": id,
                "object": "model",
                "created": 0,
                "owned_by": "taskwright-testbed",
                "about": about,
            })
        })
        .collect();
    Json(json!({"object": "list", "data": models})).into_response()
}

async fn list_models_at_base(
    State(world): State<ModelWorld>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((script, tag)): Path<(String, String)>,
    request: Request,
) -> Response {
    let record = world.records.add(
        &tag,
        request.method(),
        request.uri(),
        request.headers(),
        &[],
    );
    let response = scripted_models(
        &world,
        (&script, &tag),
        request.headers(),
        connection,
        &record,
    )
    .await
    .unwrap_or_else(IntoResponse::into_response);
    record.status(response.status().as_u16());
    record.ended(End::Whole);
    response
}

async fn scripted_models(
    world: &ModelWorld,
    (script, tag): (&str, &str),
    headers: &HeaderMap,
    connection: Connection,
    record: &ResponseRecord,
) -> Result<Response, ApiError> {
    let selection = Selection::from_base(script, tag, None)?;
    let script = world.script(&selection)?;
    reply::check_key(script, headers)?;
    match &script.models {
        None | Some(Reply::Answer(_)) => Ok(models(world)),
        Some(Reply::Http(http)) => Ok(reply::spelled_out(
            http,
            &Overrides::default(),
            headers,
            Some(tag),
        )),
        Some(Reply::Hang) => Ok(reply::hang(record).await),
        Some(Reply::Drop) => Ok(reply::reset(&connection, record)),
    }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(default)]
    tag: String,
}

/// Where redirects lead: it tells that somebody followed one.
async fn elsewhere(
    State(world): State<ModelWorld>,
    Query(Tag { tag }): Query<Tag>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, endpoint::BODY_LIMIT)
        .await
        .unwrap_or_default();
    if !tag.is_empty() {
        let record = world
            .records
            .add(&tag, &parts.method, &parts.uri, &parts.headers, &body);
        record.status(200);
        record.ended(End::Whole);
    }
    Json(json!({"followed": true})).into_response()
}

/// What was asked under a tag, for tests.
async fn requests(State(world): State<ModelWorld>, Query(Tag { tag }): Query<Tag>) -> Response {
    Json(json!({"requests": world.records.tagged(&tag)})).into_response()
}
