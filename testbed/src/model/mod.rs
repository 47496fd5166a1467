//! The model endpoint: an OpenAI-compatible server that follows scripts.
//!
//! It serves `POST /v1/chat/completions`, `POST /v1/responses` and `GET /v1/models`, and the same
//! paths below `/scripted/{script}/{tag}/v1`. There the base URL selects the script and tags every
//! request, including preflights and the list of models. Both APIs share `output` (the text of the
//! model), `sse` (events as bytes) and `paced` (bytes over time). `request` parses the requests
//! of each API; `completion` and `response` build the responses.

mod completion;
mod endpoint;
mod error;
mod output;
mod paced;
mod record;
mod reply;
mod request;
mod response;
mod sse;
mod strict_rules;
mod tasks;

pub(crate) use reply::set_reason;

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

/// Maximum number of selections with counts; beyond it, counting starts over.
const COUNTER_LIMIT: usize = 10_000;

/// The script and the tag by which requests are counted.
type Counted = (String, Option<String>);

/// The state of the endpoint. Clones share it.
#[derive(Clone, Debug)]
pub struct ModelState {
    library: Arc<Library>,
    records: Records,
    counters: Arc<Mutex<HashMap<Counted, usize>>>,
}

impl ModelState {
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
            message: format!("The script `{}` does not exist.", selection.script),
            param: Some("model".to_owned()),
            code: Some("model_not_found".to_owned()),
        })
    }

    /// The next reply for a selection.
    fn next_reply<'a>(&self, script: &'a Script, selection: &Selection) -> Option<&'a Reply> {
        let mut counters = lock(&self.counters);
        if counters.len() >= COUNTER_LIMIT {
            counters.clear();
        }
        let count = counters
            .entry((selection.script.clone(), selection.tag.clone()))
            .or_default();
        let reply = script.replies.get(*count).or_else(|| script.replies.last());
        *count = count.saturating_add(1);
        reply
    }
}

/// The routes of the endpoint, including the one that lists recorded requests.
pub(crate) fn router(state: ModelState) -> Router {
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
            state.clone(),
            across_origins,
        ))
        .with_state(state)
}

/// OpenAI's response to an unknown URL.
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

/// Responds to preflights, and lets every page read the other responses.
async fn across_origins(State(state): State<ModelState>, request: Request, next: Next) -> Response {
    if cors::is_preflight(request.method(), request.headers()) {
        let base = base_of(request.uri().path());
        let allowed = base
            .and_then(|(script, _)| state.library.get(script))
            .and_then(|script| script.allow_headers.as_deref());
        let response = cors::open_preflight(request.headers(), allowed);
        if let Some((_, tag)) = base {
            let record =
                state
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

async fn list_models(State(state): State<ModelState>) -> Response {
    models(&state)
}

/// The list of models, which names every script.
fn models(state: &ModelState) -> Response {
    let family = ("scripted".to_owned(), "The script `plain`.");
    let models: Vec<_> = std::iter::once(family)
        .chain(
            state
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
    State(state): State<ModelState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    Path((script, tag)): Path<(String, String)>,
    request: Request,
) -> Response {
    let record = state.records.add(
        &tag,
        request.method(),
        request.uri(),
        request.headers(),
        &[],
    );
    let response = scripted_models(
        &state,
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
    state: &ModelState,
    (script, tag): (&str, &str),
    headers: &HeaderMap,
    connection: Connection,
    record: &ResponseRecord,
) -> Result<Response, ApiError> {
    let selection = Selection::from_base(script, tag, None)?;
    let script = state.script(&selection)?;
    reply::check_key(script, headers)?;
    match &script.models {
        None | Some(Reply::Model(_)) => Ok(models(state)),
        Some(Reply::Http(http)) => Ok(reply::fixed(
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
struct TagQuery {
    #[serde(default)]
    tag: String,
}

/// The target of redirects. It records that a client followed one.
async fn elsewhere(
    State(state): State<ModelState>,
    Query(TagQuery { tag }): Query<TagQuery>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, endpoint::BODY_LIMIT)
        .await
        .unwrap_or_default();
    if !tag.is_empty() {
        let record = state
            .records
            .add(&tag, &parts.method, &parts.uri, &parts.headers, &body);
        record.status(200);
        record.ended(End::Whole);
    }
    Json(json!({"followed": true})).into_response()
}

/// The requests that were recorded under a tag.
async fn requests(
    State(state): State<ModelState>,
    Query(TagQuery { tag }): Query<TagQuery>,
) -> Response {
    Json(json!({"requests": state.records.tagged(&tag)})).into_response()
}
