//! The task server that the proxy stands in front of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::Uri;
use thiserror::Error;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::message::{MessageError, Request, Response};

/// How long the upstream may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// A task server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Host and port, as the server's own pages would name it.
    authority: String,
    addresses: Vec<SocketAddr>,
}

/// Why an address is no upstream's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpstreamError {
    /// It is not `http://HOST:PORT`.
    #[error("`{0}` is no address of the form http://127.0.0.1:PORT")]
    Malformed(String),
    /// It is on another machine.
    #[error("`{0}` is not on this machine")]
    NotLoopback(String),
}

impl UpstreamError {
    /// What to do about it, in a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "Name scheme, host and port, and nothing after them.",
            Self::NotLoopback(_) => {
                "Name 127.0.0.1, [::1] or localhost: faults are made on this machine only."
            }
        }
    }
}

/// Why there is no answer of the upstream.
#[derive(Debug, Error)]
pub enum ForwardError {
    /// It could not be connected to, so it has certainly not taken the request.
    #[error("the upstream is not there: {0}")]
    NotThere(std::io::Error),
    /// The connection broke or stayed silent after that, so it may have taken the request.
    #[error("the upstream did not answer")]
    NoAnswer,
    /// Its answer is no HTTP/1.1, or larger than it may be.
    #[error(transparent)]
    BadAnswer(#[from] MessageError),
}

impl Upstream {
    /// Reads `http://HOST:PORT`, the host being `localhost` or a loopback address.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, UpstreamError> {
        let malformed = || UpstreamError::Malformed(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let port = authority.port_u16().ok_or_else(malformed)?;
        let bare = uri.scheme_str() == Some("http")
            && uri.path() == "/"
            && uri.query().is_none()
            && !authority.as_str().contains('@');
        if !bare {
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

    /// Hands a request on, on a connection of its own, and reads the whole answer. `reached` is
    /// called as soon as there is somebody to hand it to.
    ///
    /// # Errors
    /// When there is no answer, or none that can be read.
    pub(super) async fn forward(
        &self,
        request: &Request,
        reached: impl FnOnce(),
    ) -> Result<Response, ForwardError> {
        let exchange = async {
            let stream = TcpStream::connect(self.addresses.as_slice())
                .await
                .map_err(ForwardError::NotThere)?;
            reached();
            let mut stream = BufReader::new(stream);
            stream
                .write_all(&request.for_upstream(&self.authority))
                .await
                .map_err(|_| ForwardError::NoAnswer)?;
            match Response::read(&mut stream, request.method()).await {
                Ok(Some(response)) => Ok(response),
                Ok(None) | Err(MessageError::Broken(_)) => Err(ForwardError::NoAnswer),
                Err(error) => Err(error.into()),
            }
        };
        tokio::time::timeout(ANSWER_TIME, exchange)
            .await
            .unwrap_or(Err(ForwardError::NoAnswer))
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
        for (text, says) in [
            ("", "is no address"),
            ("127.0.0.1:8080", "is no address"),
            ("http://127.0.0.1", "is no address"),
            ("https://127.0.0.1:8080", "is no address"),
            ("http://127.0.0.1:8080/tasks", "is no address"),
            ("http://me@127.0.0.1:8080", "is no address"),
            ("http://192.0.2.1:8080", "is not on this machine"),
            ("http://example.org:80", "is not on this machine"),
            ("http://localhost.example.org:80", "is not on this machine"),
        ] {
            let error = Upstream::parse(text).unwrap_err();
            assert!(error.to_string().contains(says), "{text}");
            assert!(error.hint().len() > 10);
        }
    }
}
