//! Replies other than a model response: fixed HTTP responses, hanging, and resets.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::ext::ReasonPhrase;

use super::error::ApiError;
use super::record::{End, ResponseRecord};
use crate::connection::Connection;
use crate::cors;
use crate::script::{Body, HttpReply, Overrides, Script};

/// How long a connection hangs before it is closed.
const HANG_TIME: Duration = Duration::from_secs(600);

/// Checks the API key that a script requires.
///
/// # Errors
/// 401 if the key is missing or wrong. The error never contains the key.
pub fn check_key(script: &Script, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(required) = &script.needs_key else {
        return Ok(());
    };
    match given_key(headers) {
        None | Some("") => Err(ApiError::request(
            401,
            None,
            "You didn't provide an API key. Provide it in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY).",
        )),
        Some(key) if required == "*" || key == required => Ok(()),
        Some(_) => Err(ApiError::request(
            401,
            Some("invalid_api_key"),
            "Incorrect API key provided.",
        )),
    }
}

/// The API key of a request.
#[must_use]
pub fn given_key(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
}

/// A fixed HTTP response.
#[must_use]
pub fn fixed(
    http: &HttpReply,
    overrides: &Overrides,
    request: &HeaderMap,
    tag: Option<&str>,
) -> Response {
    let http = http.with_key(given_key(request).unwrap_or_default());
    let status = overrides.status.unwrap_or(http.status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (content_type, body) = match &http.body {
        Body::Empty => (None, String::new()),
        Body::Json(value) => (Some("application/json"), value.to_string()),
        Body::Html(text) => (Some("text/html; charset=utf-8"), text.clone()),
        Body::Text(text) => (Some("text/plain; charset=utf-8"), text.clone()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &http.headers {
        let value = value
            .replace("{other_origin}", &other_origin(request))
            .replace("{tag}", tag.unwrap_or_default());
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    let exposed: Vec<&str> = http.expose_headers.iter().map(String::as_str).collect();
    cors::expose(&mut response, &exposed);
    if let Some(reason) = http.reason.as_deref() {
        set_reason(&mut response, reason);
    }
    if !http.cors {
        response.extensions_mut().insert(cors::Unreadable);
    }
    response
}

/// Sets the reason phrase of the status line, unless HTTP cannot carry it.
pub(crate) fn set_reason(response: &mut Response, reason: &str) {
    if let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes().to_vec()) {
        response.extensions_mut().insert(reason);
    }
}

/// The address of this server under its other loopback name.
fn other_origin(request: &HeaderMap) -> String {
    let host = request
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let other = if name == "localhost" {
        "127.0.0.1"
    } else {
        "localhost"
    };
    format!("http://{other}:{port}")
}

/// Waits for [`HANG_TIME`], then returns a response. Records whether the client disconnects before.
pub async fn hang(record: &ResponseRecord) -> Response {
    let abandoned = RecordAbandoned(record.clone());
    tokio::time::sleep(HANG_TIME).await;
    record.ended(End::Cut);
    drop(abandoned);
    StatusCode::GATEWAY_TIMEOUT.into_response()
}

/// When dropped, records that the client disconnected, unless another end was recorded.
struct RecordAbandoned(ResponseRecord);

impl Drop for RecordAbandoned {
    fn drop(&mut self) {
        self.0.ended(End::Abandoned);
    }
}

/// Resets the connection. The returned response is never sent.
pub fn reset(connection: &Connection, record: &ResponseRecord) -> Response {
    connection.reset();
    record.ended(End::Cut);
    StatusCode::BAD_GATEWAY.into_response()
}
