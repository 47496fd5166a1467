//! `POST /v1/chat/completions` and `POST /v1/responses`.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::error::ApiError;
use super::output::ModelOutput;
use super::record::{End, ResponseRecord};
use super::request::{Api, ModelRequest};
use super::{ModelState, completion, paced, reply, response, sse};
use crate::connection::Connection;
use crate::cors;
use crate::recorder::now_ms;
use crate::script::{ModelReply, Overrides, Reply, Selection, Wire};

/// The largest request body, in bytes.
pub(super) const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// Time limit for receiving a request body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The only response header that the public service exposes to pages.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Chat Completions. `base` is the script and the tag of a base URL that selects them.
pub(super) async fn chat_completions(
    State(state): State<ModelState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    respond(&state, connection, Api::ChatCompletions, base, request).await
}

/// Responses. `base` is the script and the tag of a base URL that selects them.
pub(super) async fn responses(
    State(state): State<ModelState>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    respond(&state, connection, Api::Responses, base, request).await
}

async fn respond(
    state: &ModelState,
    connection: Connection,
    api: Api,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = read_body(body).await;
    let text = body.as_deref().unwrap_or_default();
    let value: Option<Value> = serde_json::from_slice(text).ok();
    let model = value
        .as_ref()
        .and_then(|value| value.get("model"))
        .and_then(Value::as_str);
    let selection = match &base {
        Some(Path((script, tag))) => Selection::from_base(script, tag, model),
        None => Selection::from_model(model.unwrap_or_default()),
    };
    let base_tag = base.map(|Path((_, tag))| tag);
    let tag = match &selection {
        Ok(selection) => selection.tag.as_ref().or(base_tag.as_ref()),
        Err(_) => base_tag.as_ref(),
    };
    let record = tag.map_or_else(ResponseRecord::default, |tag| {
        state
            .records
            .add(tag, &parts.method, &parts.uri, &parts.headers, text)
    });
    let result = async {
        body?;
        let value = value.ok_or_else(|| {
            ApiError::request(
                400,
                None,
                "We could not parse the JSON body of your request.",
            )
        })?;
        let parsed = JsonRequest {
            api,
            parts: &parts,
            value: &value,
            selection: selection.map_err(ApiError::from),
        };
        parsed.respond(state, connection, &record).await
    };
    let response = result.await.unwrap_or_else(|error: ApiError| {
        record.ended(End::Whole);
        error.into_response()
    });
    record.status(response.status().as_u16());
    response
}

/// Reads the body within the limits of size and time.
async fn read_body(body: Body) -> Result<Bytes, ApiError> {
    let reading = axum::body::to_bytes(body, BODY_LIMIT);
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(ApiError::request(
            413,
            Some("request_too_large"),
            "The request is larger than 8 MiB or incomplete.",
        )),
        Err(_) => Err(ApiError::request(
            408,
            Some("timeout"),
            "The request took longer than 30 seconds to arrive.",
        )),
    }
}

/// A request with a JSON body.
struct JsonRequest<'a> {
    api: Api,
    parts: &'a Parts,
    value: &'a Value,
    selection: Result<Selection, ApiError>,
}

impl JsonRequest<'_> {
    async fn respond(
        self,
        state: &ModelState,
        connection: Connection,
        record: &ResponseRecord,
    ) -> Result<Response, ApiError> {
        // As on the public service, a missing key is reported before an error in the body, and a
        // missing model before an unknown one.
        if let Ok(selection) = &self.selection {
            reply::check_key(state.script(selection)?, &self.parts.headers)?;
        }
        let request = ModelRequest::read(self.api, self.value)?;
        let selection = self.selection?;
        let script = state.script(&selection)?;
        if script.refuses_storing && request.store {
            return Err(ApiError::parameter(
                "store",
                "unsupported_value",
                "This endpoint stores nothing: 'store' must be false.",
            ));
        }
        if let Some(refusal) = script
            .refuses
            .iter()
            .find(|refusal| refusal.applies_to(self.value))
        {
            if let Some(http) = &refusal.reply {
                record.ended(End::Whole);
                let tag = selection.tag.as_deref();
                return Ok(reply::fixed(
                    http,
                    &selection.overrides,
                    &self.parts.headers,
                    tag,
                ));
            }
            return Err(ApiError::parameter(
                &refusal.parameter,
                &refusal.code,
                refusal.message.clone(),
            ));
        }
        match state.next_reply(script, &selection) {
            Some(Reply::Model(scripted)) => {
                let key = reply::given_key(&self.parts.headers).unwrap_or_default();
                let generation = Generation {
                    reply: &scripted.with_key(key),
                    request: &request,
                    body: self.value,
                    overrides: &selection.overrides,
                };
                generation.respond(connection, record)
            }
            Some(Reply::Http(http)) => {
                record.ended(End::Whole);
                Ok(reply::fixed(
                    http,
                    &selection.overrides,
                    &self.parts.headers,
                    selection.tag.as_deref(),
                ))
            }
            Some(Reply::Hang) => Ok(reply::hang(record).await),
            Some(Reply::Drop) | None => Ok(reply::reset(&connection, record)),
        }
    }
}

/// What a model response is built from.
struct Generation<'a> {
    reply: &'a ModelReply,
    request: &'a ModelRequest,
    body: &'a Value,
    overrides: &'a Overrides,
}

/// The body of a model response.
enum ResponseBody {
    Stream(Vec<sse::Event>),
    Document(Value),
}

impl Generation<'_> {
    /// The response, as a stream or as a document.
    fn respond(
        &self,
        connection: Connection,
        record: &ResponseRecord,
    ) -> Result<Response, ApiError> {
        let wire = override_wire(&self.reply.wire, self.overrides);
        let seed = self.overrides.seed.unwrap_or_default();
        let output = ModelOutput::new(self.reply, self.request, seed)?;
        let stream = wire.stream.unwrap_or(self.request.stream);
        let (id, body) = match self.request.api {
            Api::ChatCompletions => {
                let id = format!("chatcmpl-{}", now_ms());
                let body = if stream {
                    ResponseBody::Stream(completion::stream(&output, self.request, &wire, &id))
                } else {
                    ResponseBody::Document(completion::document(&output, self.request, &wire, &id))
                };
                (id, body)
            }
            Api::Responses => {
                let id = format!("resp_{}", now_ms());
                let response =
                    response::ResponseBuilder::new(&output, self.request, self.body, &wire, &id);
                let body = if stream {
                    ResponseBody::Stream(response.stream())
                } else {
                    ResponseBody::Document(response.document())
                };
                (id, body)
            }
        };
        let (content_type, writes) = match body {
            ResponseBody::Stream(events) => (
                "text/event-stream; charset=utf-8",
                sse::writes(&events, &wire),
            ),
            ResponseBody::Document(document) => (
                "application/json",
                sse::split(vec![document.to_string().into_bytes()], &wire),
            ),
        };
        let body = paced::body(writes, &wire, connection, record.clone());
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        cors::expose(&mut response, &[REQUEST_ID.as_str()]);
        Ok(response)
    }
}

/// The script's wire with the parameters of the selection applied.
fn override_wire(wire: &Wire, overrides: &Overrides) -> Wire {
    Wire {
        piece: overrides.piece.unwrap_or(wire.piece),
        write: overrides.write.or(wire.write),
        delay_ms: overrides.delay_ms.unwrap_or(wire.delay_ms),
        pause_ms: overrides.pause_ms.unwrap_or(wire.pause_ms),
        hold_ms: overrides.hold_ms.unwrap_or(wire.hold_ms),
        cut_at_byte: overrides.cut_at_byte.or(wire.cut_at_byte),
        ..wire.clone()
    }
}
