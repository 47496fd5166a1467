//! The gateway: `/v1/chat/completions`, `/v1/responses` and `/v1/models` on the server's own origin,
//! passed on to a model endpoint with a key that no client gets to see.
//!
//! Requests are complete before they are passed on, responses pass byte for byte as they arrive. The
//! log has statuses, sizes and token counts, and nothing of a body, a header or an address.

pub mod gateway_error;
pub mod key_mask;
pub mod model_address;
pub mod passing_body;
pub mod relayed_headers;
pub mod token_count;
pub mod usage_scan;

use std::error::Error as _;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http_body_util::Full;
use hyper::body::Incoming;

use self::gateway_error::GatewayError;
use self::key_mask::KeyMask;
use self::model_address::ModelAddress;
use self::passing_body::PassingBody;
use self::token_count::TokenCount;
use crate::app::App;
use crate::caller::Caller;
use crate::outbound::OutboundClient;
use crate::problem::Problem;
use crate::request_body;
use crate::secret_text::SecretText;

/// The largest body of a request to the model, in bytes: 4 MiB.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// The path of the gateway; a client uses it as the path of its base URL.
pub const BASE_PATH: &str = "/v1";

/// Tells nginx whether to collect a response before it passes it on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How the gateway calls the model endpoint.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The endpoint.
    pub address: ModelAddress,
    /// The header that carries the key as it is; `None` for `Authorization: Bearer`.
    pub key_header: Option<HeaderName>,
    /// Parameters of every request's query.
    pub query: Vec<(String, String)>,
    /// Requests per minute with each agent token; `None` for no limit.
    pub requests_per_minute: Option<u32>,
    /// The model's tokens per minute with each agent token; `None` for no limit.
    pub tokens_per_minute: Option<u32>,
    /// Longest time until the endpoint begins its response.
    pub first_byte_timeout: Duration,
    /// Longest pause of the endpoint within a response.
    pub idle_timeout: Duration,
}

/// The model endpoint behind the gateway, and its key.
pub struct Gateway {
    options: GatewayOptions,
    client: OutboundClient,
    key: RwLock<Option<ModelKey>>,
}

/// The key, and the value of the header that carries it.
#[derive(Clone)]
struct ModelKey {
    text: SecretText,
    header: HeaderValue,
}

/// Marks a response that is passed on: its errors stay as they are, and it may take any time.
#[derive(Debug, Clone, Copy)]
pub struct Relayed;

impl Gateway {
    /// A gateway to an endpoint that requires `key`, or none.
    ///
    /// # Errors
    /// [`GatewayError::KeyNotSendable`].
    pub fn new(
        options: GatewayOptions,
        client: OutboundClient,
        key: Option<&SecretText>,
    ) -> Result<Self, GatewayError> {
        let gateway = Self {
            options,
            client,
            key: RwLock::new(None),
        };
        gateway.replace_key(key)?;
        Ok(gateway)
    }

    /// Uses another key from now on. Requests in progress keep theirs.
    ///
    /// # Errors
    /// [`GatewayError::KeyNotSendable`]; then the key stays as it was.
    pub fn replace_key(&self, key: Option<&SecretText>) -> Result<(), GatewayError> {
        let key = key
            .map(|text| {
                let value = match self.options.key_header {
                    Some(_) => text.reveal().to_owned(),
                    None => format!("Bearer {}", text.reveal()),
                };
                let mut header =
                    HeaderValue::try_from(value).map_err(|_| GatewayError::KeyNotSendable)?;
                // Keeps it out of debug output.
                header.set_sensitive(true);
                Ok::<_, GatewayError>(ModelKey {
                    text: text.clone(),
                    header,
                })
            })
            .transpose()?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        Ok(())
    }

    /// The limits of each token.
    #[must_use]
    pub fn options(&self) -> &GatewayOptions {
        &self.options
    }

    /// Sends a request to the endpoint and waits for the beginning of its response.
    async fn send(
        &self,
        method: Method,
        url: Uri,
        mut headers: HeaderMap,
        body: Bytes,
        key: Option<&ModelKey>,
    ) -> Result<Response<Incoming>, Problem> {
        // What arrives is searched for the usage and for the key, so it must not be compressed.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(key) = key {
            let name = self.options.key_header.clone().unwrap_or(AUTHORIZATION);
            headers.insert(name, key.header.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url;
        *request.headers_mut() = headers;
        let response = self.client.request(request);
        match tokio::time::timeout(self.options.first_byte_timeout, response).await {
            Err(_) => Err(Problem::ModelTimeout),
            Ok(Ok(response)) if response.status().is_redirection() => Err(Problem::ModelRedirect),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => {
                // Says what failed (such as the connection or the certificate) and names no header.
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(
                    error = %error,
                    cause = cause.unwrap_or_default(),
                    "the model endpoint cannot be reached"
                );
                Err(Problem::ModelUnreachable)
            }
        }
    }
}

/// The routes of the gateway.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/chat/completions", post(post_chat_completions))
        .route("/v1/responses", post(post_responses))
        .route("/v1/models", get(get_models))
}

/// Passes a request of Chat Completions on.
///
/// # Errors
/// Those of the token, [`Problem::ModelRateLimited`], those of the body,
/// [`Problem::ModelUnreachable`], [`Problem::ModelTimeout`], [`Problem::ModelRedirect`]. Errors of the
/// endpoint are passed on as they are.
pub async fn post_chat_completions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    relay(&app, &caller, "/chat/completions", headers, Some(body)).await
}

/// Passes a request of Responses on.
///
/// # Errors
/// As [`post_chat_completions`].
pub async fn post_responses(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    relay(&app, &caller, "/responses", headers, Some(body)).await
}

/// Passes the request for the list of models on.
///
/// # Errors
/// As [`post_chat_completions`], without those of the body.
pub async fn get_models(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    relay(&app, &caller, "/models", headers, None).await
}

/// Passes a request on; it is a `GET` if it has no body.
async fn relay(
    app: &App,
    caller: &Caller,
    path: &str,
    headers: HeaderMap,
    body: Option<Body>,
) -> Result<Response, Problem> {
    let gateway = app.gateway().ok_or(Problem::NotFound)?;
    let options = &gateway.options;
    let token = app.authorize_model(&headers, caller).await?;
    if let Some(per_minute) = options.requests_per_minute {
        token
            .model_requests()
            .take(1, per_minute, Instant::now())
            .map_err(|wait| Problem::ModelRateLimited {
                unit: "requests",
                retry_after: wait.as_secs().saturating_add(1),
            })?;
    }
    let (method, body) = match body {
        None => (Method::GET, Bytes::new()),
        Some(body) => {
            request_body::require_json(&headers)?;
            let timeout = app.body_timeout();
            let body = request_body::read(&headers, body, MAX_BODY_BYTES, timeout).await?;
            (Method::POST, Bytes::from(body))
        }
    };
    let count = TokenCount::of_request(token, body.len(), options.tokens_per_minute)?;
    let url = options
        .address
        .at(path, &options.query)
        .ok_or(Problem::Internal)?;
    let key = gateway
        .key
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let headers = relayed_headers::of_request(&headers);
    let response = match gateway.send(method, url, headers, body, key.as_ref()).await {
        Ok(response) => response,
        Err(problem) => {
            count.nothing();
            return Err(problem);
        }
    };
    let (parts, incoming) = response.into_parts();
    let mask = KeyMask::new(key.as_ref().map(|key| &key.text));
    let mut headers = relayed_headers::of_response(&parts.headers, &mask);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx collects a response otherwise.
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    let is_success = parts.status.is_success();
    let body = PassingBody::new(incoming, options.idle_timeout, mask, count, is_success);
    let mut response = Response::new(Body::new(body));
    // Not the reason phrase, in which an endpoint may repeat anything.
    *response.status_mut() = known_status(parts.status);
    *response.headers_mut() = headers;
    response.extensions_mut().insert(Relayed);
    Ok(response)
}

/// The status for the client. An informational one cannot be the status of a response.
fn known_status(status: StatusCode) -> StatusCode {
    if status.is_informational() {
        StatusCode::BAD_GATEWAY
    } else {
        status
    }
}
