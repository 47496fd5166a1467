//! `POST /v1/chat/completions` and `POST /v1/responses`: what a request gets, in either API.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::error::ApiError;
use super::record::{End, ResponseRecord};
use super::request::{Api, ModelRequest};
use super::said::Said;
use super::{ModelWorld, completion, paced, reply, response, sse};
use crate::connection::Connection;
use crate::cors;
use crate::recorder::now_ms;
use crate::script::{Answer, Overrides, Reply, Selection, Wire};

/// The largest body of a request, in bytes.
pub(super) const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The one header that the public service lets pages read.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `POST …/chat/completions`, with or without a base URL that picks the script and the tag.
pub(super) async fn chat_completions(
    State(world): State<ModelWorld>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    answer(&world, connection, Api::ChatCompletions, base, request).await
}

/// `POST …/responses`, with or without a base URL that picks the script and the tag.
pub(super) async fn responses(
    State(world): State<ModelWorld>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    answer(&world, connection, Api::Responses, base, request).await
}

async fn answer(
    world: &ModelWorld,
    connection: Connection,
    api: Api,
    base: Option<Path<(String, String)>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = read(body).await;
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
        world
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
        let asked = Asked {
            api,
            parts: &parts,
            value: &value,
            selection: selection.map_err(ApiError::from),
        };
        asked.respond(world, connection, &record).await
    };
    let response = result.await.unwrap_or_else(|error: ApiError| {
        record.ended(End::Whole);
        error.into_response()
    });
    record.status(response.status().as_u16());
    response
}

/// Reads the body, which may be neither too long nor too slow.
async fn read(body: Body) -> Result<Bytes, ApiError> {
    let reading = axum::body::to_bytes(body, BODY_LIMIT);
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(ApiError::request(
            413,
            Some("request_too_large"),
            "The request is larger than 8 MiB, or it broke off.",
        )),
        Err(_) => Err(ApiError::request(
            408,
            Some("timeout"),
            "The request took longer than 30 seconds to arrive.",
        )),
    }
}

/// A request whose body is JSON.
struct Asked<'a> {
    api: Api,
    parts: &'a Parts,
    value: &'a Value,
    selection: Result<Selection, ApiError>,
}

impl Asked<'_> {
    async fn respond(
        self,
        world: &ModelWorld,
        connection: Connection,
        record: &ResponseRecord,
    ) -> Result<Response, ApiError> {
        // As on the public service, a missing key comes before anything that is wrong in the
        // body, and a missing model before one that does not exist.
        if let Ok(selection) = &self.selection {
            reply::check_key(world.script(selection)?, &self.parts.headers)?;
        }
        let request = ModelRequest::read(self.api, self.value)?;
        let selection = self.selection?;
        let script = world.script(&selection)?;
        if script.refuses_storing && request.store {
            return Err(ApiError::parameter(
                "store",
                "unsupported_value",
                "This endpoint keeps nothing: 'store' must be false.",
            ));
        }
        if let Some(refusal) = script
            .refuses
            .iter()
            .find(|refusal| refusal.applies_to(self.value))
        {
            return Err(ApiError::parameter(
                &refusal.parameter,
                &refusal.code,
                refusal.message.clone(),
            ));
        }
        match world.next_reply(script, &selection) {
            Some(Reply::Answer(answer)) => {
                let said = Answering {
                    answer,
                    request: &request,
                    body: self.value,
                    overrides: &selection.overrides,
                };
                said.respond(connection, record)
            }
            Some(Reply::Http(http)) => {
                record.ended(End::Whole);
                Ok(reply::spelled_out(
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

/// A model's answer to a request.
struct Answering<'a> {
    answer: &'a Answer,
    request: &'a ModelRequest,
    body: &'a Value,
    overrides: &'a Overrides,
}

/// An answer in the words of its API.
enum Worded {
    Stream(Vec<sse::Event>),
    Document(Value),
}

impl Answering<'_> {
    /// The answer, as a stream or as a document.
    fn respond(
        &self,
        connection: Connection,
        record: &ResponseRecord,
    ) -> Result<Response, ApiError> {
        let wire = overridden(&self.answer.wire, self.overrides);
        let seed = self.overrides.seed.unwrap_or_default();
        let said = Said::new(self.answer, self.request, seed)?;
        let stream = wire.stream.unwrap_or(self.request.stream);
        let (id, worded) = match self.request.api {
            Api::ChatCompletions => {
                let id = format!("chatcmpl-{}", now_ms());
                let worded = if stream {
                    Worded::Stream(completion::stream(&said, self.request, &wire, &id))
                } else {
                    Worded::Document(completion::document(&said, self.request, &wire, &id))
                };
                (id, worded)
            }
            Api::Responses => {
                let id = format!("resp_{}", now_ms());
                let response = response::Whole::new(&said, self.request, self.body, &wire, &id);
                let worded = if stream {
                    Worded::Stream(response.stream())
                } else {
                    Worded::Document(response.document())
                };
                (id, worded)
            }
        };
        let (content_type, writes) = match worded {
            Worded::Stream(events) => (
                "text/event-stream; charset=utf-8",
                sse::writes(&events, &wire),
            ),
            Worded::Document(document) => (
                "application/json",
                sse::spread(vec![document.to_string().into_bytes()], &wire),
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

/// The script's wire with the parameters of the request in place.
fn overridden(wire: &Wire, overrides: &Overrides) -> Wire {
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
