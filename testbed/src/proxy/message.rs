//! HTTP/1.1 messages (RFC 9112) as bytes: a proxy that says it changes nothing must not take them
//! apart and put them together again.
//!
//! A header field keeps the line in which it came. Only the fields that belong to one connection
//! are left out and written anew.

use std::io;

use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The largest head of a message, in bytes.
const HEAD_LIMIT: u64 = 64 * 1024;
/// The largest body of a message, in bytes.
const BODY_LIMIT: u64 = 8 * 1024 * 1024;
/// The fields that a request has anew on the way to the upstream. `Expect` is answered by having
/// read the body.
const REQUEST_HOP: &[&str] = &["host", "connection", "keep-alive", "expect"];
/// The fields that an answer has anew on the way to the client.
const ANSWER_HOP: &[&str] = &["connection", "keep-alive"];

/// Why a message cannot be read.
#[derive(Debug, Error)]
pub enum MessageError {
    /// The connection broke, or ended in the middle.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// It is no HTTP/1.1.
    #[error("this is no HTTP/1.1: {0}")]
    Malformed(&'static str),
    /// Its head or its body is larger than it may be.
    #[error("the {0} is larger than it may be")]
    TooLarge(&'static str),
    /// A request's body says no length beforehand.
    #[error("a request's body needs a Content-Length")]
    NoLength,
}

impl MessageError {
    /// The status that says so to a client; none where nobody is left to be told.
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

/// The first line of a message and its header fields, each without its line end.
#[derive(Clone, Debug)]
struct Head {
    start: String,
    fields: Vec<Vec<u8>>,
}

impl Head {
    /// Reads a head; none where the connection ends before its first byte.
    async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Self>, MessageError> {
        let mut stream = stream.take(HEAD_LIMIT);
        let mut start = None;
        let mut fields = Vec::new();
        loop {
            let mut line = Vec::new();
            stream.read_until(b'\n', &mut line).await?;
            if line.is_empty() && start.is_none() && stream.limit() > 0 {
                return Ok(None);
            }
            if !line.ends_with(b"\n") {
                return Err(if stream.limit() == 0 {
                    MessageError::TooLarge("head")
                } else {
                    io::Error::from(io::ErrorKind::UnexpectedEof).into()
                });
            }
            let Some(line) = line.strip_suffix(b"\r\n") else {
                return Err(MessageError::Malformed("a line ends without a CR"));
            };
            match start {
                None => {
                    let text = String::from_utf8(line.to_vec())
                        .map_err(|_| MessageError::Malformed("the first line is no text"))?;
                    start = Some(text);
                }
                Some(start) if line.is_empty() => return Ok(Some(Self { start, fields })),
                Some(_) if name_of(line).is_none() => {
                    return Err(MessageError::Malformed("a line is no header field"));
                }
                Some(_) => fields.push(line.to_vec()),
            }
        }
    }

    /// The value of the first field of this name, in lower case.
    fn value(&self, name: &str) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|field| name_of(field).is_some_and(|it| it.eq_ignore_ascii_case(name.as_bytes())))
            .and_then(|field| field.get(name.len() + 1..))
            .map(<[u8]>::trim_ascii)
    }

    /// Whether a field of this name is there.
    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The length of the body, where the head says it.
    fn length(&self) -> Result<Option<u64>, MessageError> {
        let Some(value) = self.value("content-length") else {
            return Ok(None);
        };
        let length: u64 = std::str::from_utf8(value)
            .ok()
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .ok_or(MessageError::Malformed("the Content-Length is no number"))?;
        if length > BODY_LIMIT {
            return Err(MessageError::TooLarge("body"));
        }
        Ok(Some(length))
    }

    /// The head as bytes, without some fields and with others after the rest.
    fn bytes(&self, without: &[&str], with: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.start).into_bytes();
        for field in &self.fields {
            let name = name_of(field).unwrap_or_default();
            if !without
                .iter()
                .any(|left_out| name.eq_ignore_ascii_case(left_out.as_bytes()))
            {
                bytes.extend_from_slice(field);
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

/// The name of a header field, which is a token (RFC 9110, section 5.6.2).
fn name_of(field: &[u8]) -> Option<&[u8]> {
    let end = field.iter().position(|byte| *byte == b':')?;
    let name = field.get(..end)?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!name.is_empty() && name.iter().all(is_token)).then_some(name)
}

/// A request that has arrived whole.
#[derive(Clone, Debug)]
pub struct Request {
    head: Head,
    method: String,
    target: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads a request; none where the client leaves without one.
    ///
    /// # Errors
    /// When it breaks off, is no HTTP/1.1 with a path, or is larger than it may be.
    pub async fn read(
        stream: &mut (impl AsyncBufRead + Unpin),
    ) -> Result<Option<Self>, MessageError> {
        let Some(head) = Head::read(stream).await? else {
            return Ok(None);
        };
        let mut parts = head.start.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MessageError::Malformed("the first line is no request line"));
        };
        if !target.starts_with('/') {
            return Err(MessageError::Malformed("the target is no path"));
        }
        let (method, target) = (method.to_owned(), target.to_owned());
        if head.has("transfer-encoding") {
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

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The value of a header field, its name in lower case. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.head
            .value(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The request as the upstream gets it: under its own name, and the only one on its connection.
    #[must_use]
    pub(super) fn for_upstream(&self, authority: &str) -> Vec<u8> {
        let own = [("Host", authority), ("Connection", "close")];
        let mut bytes = self.head.bytes(REQUEST_HOP, &own);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// An answer of the upstream, as far as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    head: Head,
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    /// Reads the answer to a request of this method, up to its end or that of the connection; none
    /// where the connection ends before it.
    ///
    /// # Errors
    /// When the connection breaks within the head, or it is no HTTP/1.1 or larger than it may be.
    pub async fn read(
        stream: &mut (impl AsyncBufRead + Unpin),
        method: &str,
    ) -> Result<Option<Self>, MessageError> {
        loop {
            let Some(head) = Head::read(stream).await? else {
                return Ok(None);
            };
            let status: u16 = head
                .start
                .strip_prefix("HTTP/1.")
                .and_then(|rest| rest.split(' ').nth(1))
                .and_then(|status| status.parse().ok())
                .ok_or(MessageError::Malformed("the first line is no status line"))?;
            if status < 200 {
                continue;
            }
            let length = if method == "HEAD" || matches!(status, 204 | 304) {
                Some(0)
            } else {
                head.length()?
            };
            let mut body = Vec::new();
            let limit = length.unwrap_or(BODY_LIMIT + 1);
            // An answer that breaks off in its body is passed on as far as it came.
            let _ = stream.take(limit).read_to_end(&mut body).await;
            if body.len() as u64 > BODY_LIMIT {
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

    /// The answer as the client gets it, the only one on its connection.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The answer without its end: the head and half of the body, or, where there is no body, the
    /// head without the line that ends it.
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
        self.head.bytes(ANSWER_HOP, &[("Connection", "close")])
    }
}

/// An answer of the proxy's own: a status, header fields and a body of this type.
#[must_use]
pub fn own_answer(status: u16, fields: &[(&str, &str)], content_type: &str, body: &str) -> Vec<u8> {
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
    async fn a_request_goes_on_line_by_line_under_the_upstreams_name() {
        let came = b"POST /tasks?a=%20b HTTP/1.1\r\nHOST: page:1\r\nX-Agent-TOKEN:  s\t\r\n\
            Connection: keep-alive\r\norigin: http://page:2\r\nContent-Length: 4\r\n\r\n\x00\r\n\xffNEXT";
        let request = request(came).await.unwrap().unwrap();
        assert_eq!((request.method(), request.path()), ("POST", "/tasks"));
        assert_eq!(request.header("x-agent-token").as_deref(), Some("s"));
        assert_eq!(
            request.for_upstream("up:3"),
            b"POST /tasks?a=%20b HTTP/1.1\r\nX-Agent-TOKEN:  s\t\r\norigin: http://page:2\r\n\
              Content-Length: 4\r\nHost: up:3\r\nConnection: close\r\n\r\n\x00\r\n\xff"
        );
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_a_silent_client_is_not() {
        assert!(request(b"").await.unwrap().is_none());
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(70_000));
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
        ] {
            let error = request(bytes).await.unwrap_err();
            assert_eq!(error.status(), status, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_body_loses_the_end_of_its_head() {
        for (came, cut) in [
            (
                &b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nabcde"[..],
                &b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: close\r\n\r\nab"[..],
            ),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
                b"HTTP/1.1 204 No Content\r\nConnection: close\r\n",
            ),
        ] {
            let answer = Answer::read(&mut &*came, "POST").await.unwrap().unwrap();
            assert_eq!(answer.first_half(), cut);
        }
    }
}
