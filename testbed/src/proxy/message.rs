//! HTTP/1.1 messages (RFC 9112) that the proxy passes on byte for byte.
//!
//! Header fields keep the line in which they arrived. Only the fields that belong to a single
//! connection are removed and written again.

use std::io;

use httparse::{EMPTY_HEADER, Header, Status};
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// Maximum size of a head, in bytes.
const MAX_HEAD: u64 = 64 * 1024;
/// Maximum number of header fields in a message.
const MAX_FIELDS: usize = 256;
/// Maximum size of a body, in bytes.
const MAX_BODY: u64 = 8 * 1024 * 1024;
/// The fields of a request that the proxy replaces or removes. `Expect` is met by reading the body.
const REQUEST_HOP: &[&str] = &["host", "connection", "keep-alive", "expect"];
/// The fields of a response that the proxy replaces or removes.
const RESPONSE_HOP: &[&str] = &["connection", "keep-alive"];

/// Why a message cannot be read.
#[derive(Debug, Error)]
pub enum MessageError {
    /// The connection broke, or ended within the message.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// The message is not HTTP/1.1.
    #[error("this is not HTTP/1.1: {0}")]
    Malformed(String),
    /// The head or the body is too large.
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    /// The body of a request has no length in advance.
    #[error("the body of a request needs a Content-Length")]
    NoLength,
}

impl MessageError {
    /// The status to respond with; `None` if the client is gone.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Broken(_) => None,
            Self::Malformed(_) => Some(400),
            Self::TooLarge("head") => Some(431),
            Self::TooLarge(_) => Some(413),
            Self::NoLength => Some(411),
        }
    }
}

impl From<httparse::Error> for MessageError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooLarge("head"),
            error => Self::Malformed(error.to_string()),
        }
    }
}

/// Reads a head up to and including its empty line. Returns `None` if the connection ends before its
/// first byte.
async fn read_head(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> Result<Option<Vec<u8>>, MessageError> {
    let mut stream = stream.take(MAX_HEAD);
    let mut head = Vec::new();
    loop {
        let start = head.len();
        stream.read_until(b'\n', &mut head).await?;
        if head.is_empty() && stream.limit() > 0 {
            return Ok(None);
        }
        match head.get(start..) {
            Some(b"\r\n") => return Ok(Some(head)),
            Some(line) if line.ends_with(b"\r\n") => {}
            Some(line) if line.ends_with(b"\n") => {
                return Err(MessageError::Malformed("a line ends without CR".to_owned()));
            }
            _ if stream.limit() == 0 => return Err(MessageError::TooLarge("head")),
            _ => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

/// The first line of a message and its header fields.
#[derive(Clone, Debug)]
struct Head {
    /// The first line, without its line end.
    start: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    value: Vec<u8>,
    /// The field as it arrived, without its line end.
    line: Vec<u8>,
}

impl Head {
    /// A head from its bytes, with `headers` parsed from them.
    fn new(bytes: &[u8], headers: &[Header<'_>]) -> Self {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        Self {
            start: lines.next().unwrap_or_default(),
            fields: headers
                .iter()
                .zip(lines)
                .map(|(header, line)| Field {
                    name: header.name.to_ascii_lowercase(),
                    value: header.value.to_vec(),
                    line,
                })
                .collect(),
        }
    }

    /// The value of the first field with this name, which is in lower case.
    fn value(&self, name: &str) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.value.as_slice())
    }

    /// The value of `Content-Length`.
    fn length(&self) -> Result<Option<u64>, MessageError> {
        let Some(value) = self.value("content-length") else {
            return Ok(None);
        };
        let length: u64 = std::str::from_utf8(value)
            .ok()
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| MessageError::Malformed("invalid Content-Length".to_owned()))?;
        if length > MAX_BODY {
            return Err(MessageError::TooLarge("body"));
        }
        Ok(Some(length))
    }

    /// The head as bytes, without the fields in `without`, and with those in `with` at the end.
    fn bytes(&self, without: &[&str], with: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = self.start.clone();
        bytes.extend_from_slice(b"\r\n");
        for field in &self.fields {
            if !without.contains(&field.name.as_str()) {
                bytes.extend_from_slice(&field.line);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        for (name, value) in with {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }
}

/// A complete request.
#[derive(Clone, Debug)]
pub struct Request {
    head: Head,
    method: String,
    target: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads a request. Returns `None` if the client disconnects without sending one.
    ///
    /// # Errors
    /// When it is incomplete, malformed or too large, or does not request a path.
    pub async fn read(
        stream: &mut (impl AsyncBufRead + Unpin),
    ) -> Result<Option<Self>, MessageError> {
        let Some(bytes) = read_head(stream).await? else {
            return Ok(None);
        };
        let mut headers = [EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(&bytes)?;
        let (Status::Complete(_), Some(method), Some(target)) = (
            status,
            parsed.method,
            parsed.path.filter(|path| path.starts_with('/')),
        ) else {
            return Err(MessageError::Malformed(
                "this does not request a path".to_owned(),
            ));
        };
        let (method, target) = (method.to_owned(), target.to_owned());
        let head = Head::new(&bytes, parsed.headers);
        if head.value("transfer-encoding").is_some() {
            return Err(MessageError::NoLength);
        }
        let length = head.length()?.unwrap_or_default();
        let mut body = Vec::new();
        stream.take(length).read_to_end(&mut body).await?;
        if (body.len() as u64) < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(Some(Self {
            head,
            method,
            target,
            body,
        }))
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The value of a header field; `name` is in lower case. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.head
            .value(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The request to send to the upstream: with its `Host`, and alone on its connection.
    #[must_use]
    pub(super) fn for_upstream(&self, authority: &str) -> Vec<u8> {
        let own = [("Host", authority), ("Connection", "close")];
        let mut bytes = self.head.bytes(REQUEST_HOP, &own);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A response of the upstream, whose body may be incomplete.
#[derive(Clone, Debug)]
pub struct Response {
    head: Head,
    status: u16,
    body: Vec<u8>,
}

impl Response {
    /// Reads the response to a request with this method, to its end or to that of the connection.
    /// Returns `None` if the connection ends before it. Interim responses (1xx) are skipped.
    ///
    /// # Errors
    /// When the connection breaks within the head, or the response is malformed or too large.
    pub async fn read(
        stream: &mut (impl AsyncBufRead + Unpin),
        method: &str,
    ) -> Result<Option<Self>, MessageError> {
        loop {
            let Some(bytes) = read_head(stream).await? else {
                return Ok(None);
            };
            let mut headers = [EMPTY_HEADER; MAX_FIELDS];
            let mut parsed = httparse::Response::new(&mut headers);
            let (Status::Complete(_), Some(status)) = (parsed.parse(&bytes)?, parsed.code) else {
                return Err(MessageError::Malformed("there is no status".to_owned()));
            };
            if status < 200 {
                continue;
            }
            let head = Head::new(&bytes, parsed.headers);
            let length = if method == "HEAD" || matches!(status, 204 | 304) {
                Some(0)
            } else {
                head.length()?
            };
            let mut body = Vec::new();
            let limit = length.unwrap_or(MAX_BODY + 1);
            // An incomplete body is passed on as it is.
            let _ = stream.take(limit).read_to_end(&mut body).await;
            if body.len() as u64 > MAX_BODY {
                return Err(MessageError::TooLarge("body"));
            }
            return Ok(Some(Self { head, status, body }));
        }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The response to send to the client, alone on its connection.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// A truncated response: the head and half of the body. If the body is empty, the head lacks its
    /// empty line instead.
    #[must_use]
    pub fn first_half(&self) -> Vec<u8> {
        let mut bytes = self.head_bytes();
        if self.body.is_empty() {
            bytes.truncate(bytes.len().saturating_sub(2));
        } else {
            let half = self.body.len() / 2;
            bytes.extend(self.body.iter().take(half));
        }
        bytes
    }

    fn head_bytes(&self) -> Vec<u8> {
        self.head.bytes(RESPONSE_HOP, &[("Connection", "close")])
    }
}

/// A response of the proxy itself.
#[must_use]
pub fn own_response(
    status: u16,
    fields: &[(&str, &str)],
    content_type: &str,
    body: &str,
) -> Vec<u8> {
    let reason = axum::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown");
    let mut text = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!(
        "Content-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn request(bytes: &[u8]) -> Result<Option<Request>, MessageError> {
        Request::read(&mut &*bytes).await
    }

    #[tokio::test]
    async fn a_request_is_forwarded_line_by_line_with_the_upstreams_host() {
        let received = b"POST /tasks?a=%20b HTTP/1.1\r\nHOST: page:1\r\nX-Agent-TOKEN:  s\t\r\n\
            Connection: keep-alive\r\norigin: http://page:2\r\nContent-Length: 4\r\n\r\n\x00\r\n\xffNEXT";
        let request = request(received).await.unwrap().unwrap();
        assert_eq!((request.method(), request.path()), ("POST", "/tasks"));
        assert_eq!(request.header("x-agent-token").as_deref(), Some("s"));
        assert_eq!(
            request.for_upstream("up:3"),
            b"POST /tasks?a=%20b HTTP/1.1\r\nX-Agent-TOKEN:  s\t\r\norigin: http://page:2\r\n\
              Content-Length: 4\r\nHost: up:3\r\nConnection: close\r\n\r\n\x00\r\n\xff"
        );
    }

    #[tokio::test]
    async fn a_malformed_request_is_an_error_and_an_empty_connection_is_not() {
        assert!(request(b"").await.unwrap().is_none());
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(70_000));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(300));
        for (bytes, status) in [
            (&b"GET / HTTP/1.1\r\n"[..], None),
            (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", None),
            (b"GET / HTTP/1.1\nA: b\n\n", Some(400)),
            (b"GET http://a/ HTTP/1.1\r\n\r\n", Some(400)),
            (b"GET / HTTP/2.0\r\n\r\n", Some(400)),
            (b"GET /\r\n\r\n", Some(400)),
            (b"\xff / HTTP/1.1\r\n\r\n", Some(400)),
            (b"GET / HTTP/1.1\r\nno field\r\n\r\n", Some(400)),
            (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", Some(400)),
            (
                b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
                Some(400),
            ),
            (
                b"POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n",
                Some(413),
            ),
            (
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                Some(411),
            ),
            (long.as_bytes(), Some(431)),
            (many.as_bytes(), Some(431)),
            (b"\r\n\r\n", Some(400)),
        ] {
            let error = request(bytes).await.unwrap_err();
            assert_eq!(error.status(), status, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[tokio::test]
    async fn a_truncated_response_loses_half_of_its_body_or_the_end_of_its_head() {
        for (received, truncated) in [
            (
                &b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nabcde"[..],
                &b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: close\r\n\r\nab"[..],
            ),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
                b"HTTP/1.1 204 No Content\r\nConnection: close\r\n",
            ),
        ] {
            let response = Response::read(&mut &*received, "POST").await.unwrap().unwrap();
            assert_eq!(response.first_half(), truncated);
        }
    }
}
