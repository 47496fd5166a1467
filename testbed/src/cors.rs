//! Cross-origin rules, as the servers that are imitated have them.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// A response extension: no cross-origin header may be put on this one.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable;

/// Says whether a request is a preflight of the fetch standard, section 3.3.1.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets every page read a response, unless it is marked as [`Unreadable`].
pub fn open_to_all(response: &mut Response) {
    if response.extensions().get::<Unreadable>().is_none() {
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// Answers a preflight for every page: whatever headers it asks for are allowed, or those of
/// `allowed` where there is such a list.
#[must_use]
pub fn open_preflight(headers: &HeaderMap, allowed: Option<&[String]>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    // Short, so that a test which changes servers is not served from a browser's memory.
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("5"));
    let allowed = match allowed {
        Some(list) => HeaderValue::from_str(&list.join(", ")).ok(),
        None => headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
    };
    if let Some(allowed) = allowed {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    open_to_all(&mut response);
    response
}

/// The rule of a server built on Starlette: a list of origins and a list of headers, and nothing
/// beyond them. It answers as `CORSMiddleware` does, so that a page meets the same texts.
#[derive(Clone, Debug)]
pub struct Strict {
    origins: Vec<String>,
    max_age_s: u32,
    /// Whether `Idempotency-Key` is allowed as well.
    allows_key: bool,
}

/// The headers that [`Strict`] allows, in lower case. The safelisted ones come along, as they do
/// in Starlette.
const STRICT_HEADERS: &[&str] = &[
    "accept",
    "accept-language",
    "content-language",
    "content-type",
    "x-agent-token",
];

impl Strict {
    /// A rule for these origins, each as a browser writes it (`http://127.0.0.1:8080`); `*` is
    /// every origin. A browser may remember the answer to a preflight for so many seconds.
    #[must_use]
    pub fn new(origins: Vec<String>, max_age_s: u32) -> Self {
        Self {
            origins,
            max_age_s,
            allows_key: false,
        }
    }

    /// The same rule, with `Idempotency-Key` among the headers that a page may send.
    #[must_use]
    pub fn with_key(self, allows_key: bool) -> Self {
        Self { allows_key, ..self }
    }

    fn allows_header(&self, name: &str) -> bool {
        STRICT_HEADERS.contains(&name) || (self.allows_key && name == "idempotency-key")
    }

    /// What the response to a page of this origin may be read by.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        if self.origins.iter().any(|allowed| allowed == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        self.origins
            .iter()
            .any(|allowed| allowed.as_bytes() == origin.as_bytes())
            .then(|| origin.clone())
    }

    /// Answers a preflight: 200 `OK`, or 400 with what is not allowed.
    #[must_use]
    pub fn preflight(&self, headers: &HeaderMap) -> Response {
        let mut failures = Vec::new();
        let origin = self.allowed_origin(headers);
        if origin.is_none() {
            failures.push("origin");
        }
        let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD);
        if method.is_none_or(|method| method != "POST" && method != "GET") {
            failures.push("method");
        }
        let asked = headers
            .get(ACCESS_CONTROL_REQUEST_HEADERS)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if asked
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .any(|name| !name.is_empty() && !self.allows_header(&name))
        {
            failures.push("headers");
        }
        let mut response = if failures.is_empty() {
            (StatusCode::OK, "OK").into_response()
        } else {
            let text = format!("Disallowed CORS {}", failures.join(", "));
            (StatusCode::BAD_REQUEST, text).into_response()
        };
        let answer = response.headers_mut();
        answer.insert(VARY, HeaderValue::from_static("Origin"));
        answer.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST"),
        );
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age_s));
        answer.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(if self.allows_key {
                "Accept, Accept-Language, Content-Language, Content-Type, X-AGENT-TOKEN, \
                 Idempotency-Key"
            } else {
                "Accept, Accept-Language, Content-Language, Content-Type, X-AGENT-TOKEN"
            }),
        );
        if let Some(origin) = origin {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        response
    }

    /// Puts the headers on a response that is no preflight's, unless it is [`Unreadable`].
    pub fn apply(&self, request: &HeaderMap, response: &mut Response) {
        if response.extensions().get::<Unreadable>().is_some() {
            return;
        }
        if let Some(origin) = self.allowed_origin(request) {
            let answer = response.headers_mut();
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(VARY, HeaderValue::from_static("Origin"));
        }
    }
}

/// Lets a page read these response headers. Names that are no header names are left out.
pub fn expose(response: &mut Response, names: &[&str]) {
    if names.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_EXPOSE_HEADERS, value);
    }
}
