//! Which origins may call the server from a browser (Fetch standard, "CORS protocol").
//!
//! Every response to an allowed origin carries the headers, including errors and responses of other
//! layers: without them a page cannot tell an error from a network failure.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, LOCATION, ORIGIN, RETRY_AFTER, VARY,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::TOKEN_HEADER;
use crate::tasks::post::{IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED};

/// How long browsers may cache a preflight response. Chromium caps it at this value.
const MAX_AGE: Duration = Duration::from_secs(7200);

/// An origin as browsers send it: scheme, host and, unless it is the scheme's default, port (RFC
/// 6454, section 6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text cannot be an allowed origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `*` or `null`.
    #[error("list each origin: \"*\" and \"null\" would let any page post tasks")]
    Wildcard,
    /// Anything but scheme, host and port.
    #[error("expected an origin such as https://tasks.example.org or http://localhost:3000")]
    NotAnOrigin,
}

impl Origin {
    /// Parses `scheme://host[:port]` with the scheme `http` or `https`. Accepts a trailing slash,
    /// because URLs copied from a browser have one.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text == "*" || text == "null" {
            return Err(OriginError::Wildcard);
        }
        let uri: Uri = text.parse().map_err(|_| OriginError::NotAnOrigin)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(OriginError::NotAnOrigin);
        };
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(OriginError::NotAnOrigin),
        };
        let host_and_port_only = !authority.as_str().contains('@')
            && uri.path() == "/"
            && uri.query().is_none()
            && !text.contains('#')
            && !authority.host().is_empty()
            && !authority.host().contains('*');
        if !host_and_port_only {
            return Err(OriginError::NotAnOrigin);
        }
        let port = match authority.port() {
            Some(port) => port
                .as_str()
                .parse()
                .map_err(|_| OriginError::NotAnOrigin)?,
            None if authority.as_str() == authority.host() => default_port,
            None => return Err(OriginError::NotAnOrigin),
        };
        Ok(Self::new(scheme, authority.host(), port))
    }

    /// The origin of a host and port. Omits the scheme's default port.
    #[must_use]
    pub fn new(scheme: &str, host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let is_default_port = matches!((scheme, port), ("http", 80) | ("https", 443));
        Self(if is_default_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        })
    }

    /// Whether a request with this `Host` is for the origin. A `Host` without a port means the default
    /// port of the origin's scheme.
    #[must_use]
    pub fn is_at(&self, host: &Authority) -> bool {
        let Some((scheme, _)) = self.0.split_once("://") else {
            return false;
        };
        let default_port = if scheme == "https" { 443 } else { 80 };
        let port = host.port_u16().unwrap_or(default_port);
        *self == Self::new(scheme, host.host(), port)
    }

    /// The origin as browsers send it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins whose pages may call the server.
#[derive(Debug, Clone)]
pub struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// The server's own port on the loopback names, and the `further` origins.
    #[must_use]
    pub fn new(scheme: &str, port: u16, further: &[Origin]) -> Self {
        let own = loopback_origins(scheme, port);
        Self(own.into_iter().chain(further.iter().cloned()).collect())
    }

    /// Whether the request has one `Origin`, and it is one of these.
    fn include_origin_of(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(ORIGIN).iter();
        let (Some(origin), None) = (sent.next(), sent.next()) else {
            return false;
        };
        self.0
            .iter()
            .any(|allowed| allowed.as_str().as_bytes() == origin.as_bytes())
    }
}

/// The origins of a server's own port on the loopback names.
#[must_use]
pub fn loopback_origins(scheme: &str, port: u16) -> [Origin; 3] {
    ["localhost", "127.0.0.1", "[::1]"].map(|host| Origin::new(scheme, host, port))
}

/// The CORS rules: the headers, and the origins that receive them.
pub struct Cors {
    origins: AllowedOrigins,
    layer: CorsLayer,
}

impl Cors {
    /// The rules for these origins. With a gateway, pages may send a bearer token, and read whether and
    /// when the model endpoint wants a request again.
    #[must_use]
    pub fn new(origins: AllowedOrigins, has_gateway: bool) -> Self {
        let mut allowed = vec![CONTENT_TYPE, TOKEN_HEADER, IDEMPOTENCY_KEY];
        let mut exposed = vec![LOCATION, RETRY_AFTER, IDEMPOTENT_REPLAYED];
        if has_gateway {
            allowed.push(AUTHORIZATION);
            exposed.extend([
                HeaderName::from_static("retry-after-ms"),
                HeaderName::from_static("x-request-id"),
                HeaderName::from_static("x-should-retry"),
            ]);
        }
        let layer = CorsLayer::new()
            // `apply` uses the layer for allowed origins only.
            .allow_origin(AllowOrigin::mirror_request())
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            .allow_headers(allowed)
            .expose_headers(exposed)
            .max_age(MAX_AGE)
            .allow_private_network(true)
            .vary([ORIGIN]);
        Self { origins, layer }
    }
}

/// Answers preflights from allowed origins, and adds the headers to all other responses to them.
///
/// A preflight succeeds even while the server drains and for paths that do not exist, so that the
/// page can read the response to the actual request.
///
/// [`CorsLayer`] alone would send its headers to other origins too, answer `OPTIONS` requests that
/// are no preflight, and answer preflights with `200` instead of `204`.
pub async fn apply(State(cors): State<Arc<Cors>>, request: Request, next: Next) -> Response {
    let is_options = request.method() == Method::OPTIONS;
    let is_preflight = is_options
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !cors.origins.include_origin_of(request.headers()) || (is_options && !is_preflight) {
        let mut response = next.run(request).await;
        response
            .headers_mut()
            .append(VARY, HeaderValue::from(ORIGIN));
        return response;
    }
    let Ok(mut response) = cors.layer.layer(next).oneshot(request).await;
    if is_preflight {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_normalized_to_the_form_browsers_send() {
        for (given, normalized) in [
            ("https://tasks.example.org", "https://tasks.example.org"),
            ("https://tasks.example.org/", "https://tasks.example.org"),
            ("https://Tasks.Example.org:443", "https://tasks.example.org"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(
                Origin::parse(given).unwrap().as_str(),
                normalized,
                "{given}"
            );
        }
    }

    #[test]
    fn a_host_belongs_to_an_origin_with_the_same_name_and_port() {
        for (origin, host, is_at) in [
            ("http://localhost:8080", "localhost:8080", true),
            ("http://localhost:8080", "LocalHost:8080", true),
            ("http://localhost:8080", "localhost", false),
            ("https://tasks.example.org", "tasks.example.org", true),
            ("https://tasks.example.org", "tasks.example.org:443", true),
            ("https://tasks.example.org", "tasks.example.org:80", false),
            ("https://tasks.example.org", "evil.example.org", false),
            ("http://[::1]:8080", "[::1]:8080", true),
        ] {
            let host = host.parse().unwrap();
            assert_eq!(
                Origin::parse(origin).unwrap().is_at(&host),
                is_at,
                "{origin} {host}"
            );
        }
    }

    #[test]
    fn anything_but_scheme_host_and_port_is_refused() {
        for given in [
            "*",
            "null",
            "",
            "localhost",
            "ftp://example.org",
            "https://*.example.org",
            "https://user@example.org",
            "https://example.org/page",
            "https://example.org?x",
            "https://example.org/#x",
            "https://example.org:99999",
        ] {
            assert!(Origin::parse(given).is_err(), "{given}");
        }
    }
}
