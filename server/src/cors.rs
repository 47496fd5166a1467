//! Which origins may call the server from a browser (Fetch standard, "CORS protocol").
//!
//! Every answer to an allowed origin carries the headers, errors and answers made by other layers
//! included: without them a page cannot tell an error from a network that is down.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;

const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
const ALLOWED_HEADERS: HeaderValue =
    HeaderValue::from_static("content-type, x-agent-token, idempotency-key");
const EXPOSED_HEADERS: HeaderValue =
    HeaderValue::from_static("location, retry-after, idempotent-replayed");
/// Seconds; Chromium caps it here.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// An origin in the form browsers send it: scheme, host and, unless it is the scheme's own, port
/// (RFC 6454, section 6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is no origin that can be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `*` or `null`.
    #[error("name each origin: \"*\" and \"null\" would let any page post tasks")]
    Wildcard,
    /// Anything that is not scheme, host and port.
    #[error("an origin looks like https://tasks.example.org or http://localhost:3000")]
    NotAnOrigin,
}

impl Origin {
    /// Reads `scheme://host[:port]`, `http` or `https`; a closing slash is forgiven, as it comes
    /// with every address copied from a browser.
    ///
    /// # Errors
    /// See [`OriginError`].
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

    /// Builds the origin of a host and port; the scheme's own port is left out.
    #[must_use]
    pub fn new(scheme: &str, host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let own_port = matches!((scheme, port), ("http", 80) | ("https", 443));
        Self(if own_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        })
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
    /// The server's own port on the loopback names, and `further` ones.
    #[must_use]
    pub fn new(scheme: &str, port: u16, further: &[Origin]) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(|host| Origin::new(scheme, host, port));
        Self(own.into_iter().chain(further.iter().cloned()).collect())
    }

    /// The request's `Origin`, if it is one of these.
    fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut sent = headers.get_all(ORIGIN).iter();
        let origin = sent.next()?;
        let only_one = sent.next().is_none();
        let listed = self
            .0
            .iter()
            .any(|allowed| allowed.as_str().as_bytes() == origin.as_bytes());
        (only_one && listed).then(|| origin.clone())
    }
}

/// Answers preflights, and puts the headers on every other answer.
///
/// A preflight is answered even while the server drains and for paths that do not exist, so that
/// the page gets to read the real answer.
pub async fn share_with_allowed_origins(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    let origin = app.origins().of(request.headers());
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let private_network = request
        .headers()
        .get(REQUEST_PRIVATE_NETWORK)
        .is_some_and(|value| value == "true");

    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else {
        return response;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if private_network {
            headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
    } else {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_kept_as_browsers_send_them() {
        for (given, kept) in [
            ("https://tasks.example.org", "https://tasks.example.org"),
            ("https://tasks.example.org/", "https://tasks.example.org"),
            ("https://Tasks.Example.org:443", "https://tasks.example.org"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://localhost:80", "http://localhost"),
        ] {
            assert_eq!(Origin::parse(given).unwrap().as_str(), kept, "{given}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
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
