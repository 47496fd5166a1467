//! The CORS behaviour of the simulated servers.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

/// A response extension: the response gets no CORS headers, so that no page can read it.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable;

/// Whether a request is a CORS preflight (Fetch standard, section 3.3.1).
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Lets every origin read a response, unless it is [`Unreadable`].
pub fn open_to_all(response: &mut Response) {
    if response.extensions().get::<Unreadable>().is_none() {
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}

/// The response to a preflight of any origin. It allows the headers in `allowed`, or the requested
/// ones if there is no such list.
#[must_use]
pub fn open_preflight(headers: &HeaderMap, allowed: Option<&[String]>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let response_headers = response.headers_mut();
    response_headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    // Short, so that a test that replaces a server does not get a cached preflight.
    response_headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("5"));
    let allowed = match allowed {
        Some(list) => HeaderValue::from_str(&list.join(", ")).ok(),
        None => headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned(),
    };
    if let Some(allowed) = allowed {
        response_headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    open_to_all(&mut response);
    response
}

/// The rules of Starlette's `CORSMiddleware` with a list of origins and a list of headers. The
/// response texts are the same.
#[derive(Clone, Debug)]
pub struct Starlette {
    origins: Vec<String>,
    max_age_s: u32,
    /// Whether `Idempotency-Key` is allowed.
    allows_key: bool,
}

/// The headers that are allowed, in lower case. As in Starlette, they include the safelisted ones.
const STRICT_HEADERS: &[&str] = &[
    "accept",
    "accept-language",
    "content-language",
    "content-type",
    "x-agent-token",
];

impl Starlette {
    /// Rules for these origins, each as a browser sends it (`http://127.0.0.1:8080`); `*` allows
    /// every origin. A browser may cache a preflight for `max_age_s` seconds.
    #[must_use]
    pub fn new(origins: Vec<String>, max_age_s: u32) -> Self {
        Self {
            origins,
            max_age_s,
            allows_key: false,
        }
    }

    /// The same rules, with `Idempotency-Key` allowed or not.
    #[must_use]
    pub fn with_key(self, allows_key: bool) -> Self {
        Self { allows_key, ..self }
    }

    fn allows_header(&self, name: &str) -> bool {
        STRICT_HEADERS.contains(&name) || (self.allows_key && name == "idempotency-key")
    }

    /// The value of `Access-Control-Allow-Origin`; `None` if the origin is not allowed.
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

    /// The response to a preflight: 200 `OK`, or 400 with what is not allowed.
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
        let requested = headers
            .get(ACCESS_CONTROL_REQUEST_HEADERS)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if requested
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
        let response_headers = response.headers_mut();
        response_headers.insert(VARY, HeaderValue::from_static("Origin"));
        response_headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST"),
        );
        response_headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age_s));
        response_headers.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(if self.allows_key {
                "Accept, Accept-Language, Content-Language, Content-Type, X-AGENT-TOKEN, \
                 Idempotency-Key"
            } else {
                "Accept, Accept-Language, Content-Language, Content-Type, X-AGENT-TOKEN"
            }),
        );
        if let Some(origin) = origin {
            response_headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        response
    }

    /// Adds CORS headers to the response to a request other than a preflight, unless it is
    /// [`Unreadable`].
    pub fn apply(&self, request: &HeaderMap, response: &mut Response) {
        if response.extensions().get::<Unreadable>().is_some() {
            return;
        }
        if let Some(origin) = self.allowed_origin(request) {
            let response_headers = response.headers_mut();
            response_headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response_headers.insert(VARY, HeaderValue::from_static("Origin"));
        }
    }
}

/// Lets a page read these response headers. If a name is invalid, none is exposed.
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
