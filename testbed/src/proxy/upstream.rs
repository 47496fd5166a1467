//! The task server that the proxy forwards to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::Uri;
use thiserror::Error;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::message::{MessageError, Request, Response};

/// Time limit for an exchange with the upstream.
const RESPONSE_TIME: Duration = Duration::from_secs(120);

/// A task server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The host and the port, for `Host`.
    authority: String,
    addresses: Vec<SocketAddr>,
}

/// Why an address cannot be an upstream.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpstreamError {
    /// It is not `http://HOST:PORT`.
    #[error("`{0}` is not an address of the form http://127.0.0.1:PORT")]
    Malformed(String),
    /// It is on another machine.
    #[error("`{0}` is not on this machine")]
    NotLoopback(String),
}

impl UpstreamError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "Use a scheme, a host and a port, without a path.",
            Self::NotLoopback(_) => {
                "Use 127.0.0.1, [::1] or localhost: faults are only injected on this machine."
            }
        }
    }
}

/// Why there is no response of the upstream.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// The connection failed, so the upstream has certainly not received the request.
    #[error("the upstream is unreachable: {0}")]
    Unreachable(std::io::Error),
    /// The connection broke or timed out later, so the upstream may have received the request.
    #[error("the upstream did not respond")]
    NoResponse,
    /// The response is malformed or too large.
    #[error(transparent)]
    BadResponse(#[from] MessageError),
}

impl Upstream {
    /// Parses `http://HOST:PORT`, where the host is `localhost` or a loopback address.
    ///
    /// # Errors
    /// When the text has another form or names another machine.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let malformed = || UpstreamError::Malformed(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let port = authority.port_u16().ok_or_else(malformed)?;
        let is_plain = uri.scheme_str() == Some("http")
            && uri.path() == "/"
            && uri.query().is_none()
            && !authority.as_str().contains('@');
        if !is_plain {
            return Err(malformed());
        }
        let host = authority.host();
        let addresses: Vec<IpAddr> = if host == "localhost" {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        } else {
            host.trim_matches(['[', ']'])
                .parse()
                .ok()
                .filter(IpAddr::is_loopback)
                .into_iter()
                .collect()
        };
        if addresses.is_empty() {
            return Err(UpstreamError::NotLoopback(text.to_owned()));
        }
        Ok(Self {
            authority: authority.as_str().to_owned(),
            addresses: addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, port))
                .collect(),
        })
    }

    /// Sends a request on a new connection and reads the complete response. Calls `reached` once
    /// connected.
    ///
    /// # Errors
    /// When there is no valid response.
    pub(super) async fn forward(
        &self,
        request: &Request,
        reached: impl FnOnce(),
    ) -> Result<Response, ForwardError> {
        let exchange = async {
            let stream = TcpStream::connect(self.addresses.as_slice())
                .await
                .map_err(ForwardError::Unreachable)?;
            reached();
            let mut stream = BufReader::new(stream);
            stream
                .write_all(&request.for_upstream(&self.authority))
                .await
                .map_err(|_| ForwardError::NoResponse)?;
            match Response::read(&mut stream, request.method()).await {
                Ok(Some(response)) => Ok(response),
                Ok(None) | Err(MessageError::Broken(_)) => Err(ForwardError::NoResponse),
                Err(error) => Err(error.into()),
            }
        };
        tokio::time::timeout(RESPONSE_TIME, exchange)
            .await
            .unwrap_or(Err(ForwardError::NoResponse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_on_this_machine_is_an_upstream() {
        for text in [
            "http://127.0.0.1:8080",
            "http://127.0.0.1:8080/",
            "http://127.1.2.3:1",
            "http://[::1]:8080",
            "http://localhost:8080",
        ] {
            assert!(Upstream::parse(text).is_ok(), "{text}");
        }
        for (text, expected) in [
            ("", "is not an address"),
            ("127.0.0.1:8080", "is not an address"),
            ("http://127.0.0.1", "is not an address"),
            ("https://127.0.0.1:8080", "is not an address"),
            ("http://127.0.0.1:8080/tasks", "is not an address"),
            ("http://me@127.0.0.1:8080", "is not an address"),
            ("http://192.0.2.1:8080", "is not on this machine"),
            ("http://example.org:80", "is not on this machine"),
            ("http://localhost.example.org:80", "is not on this machine"),
        ] {
            let error = Upstream::parse(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}");
            assert!(error.hint().len() > 10);
        }
    }
}
