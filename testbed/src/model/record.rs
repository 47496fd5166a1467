//! The requests that the model endpoint received, and how their responses ended.
//!
//! Only tagged requests are recorded: someone who tries the page with a real API key leaves no trace.

use axum::http::{HeaderMap, Method, Uri};
use serde::Serialize;

use crate::recorder::{Entry, Recorder, header_list, now_ms};

/// Maximum number of recorded requests.
const MAX_REQUESTS: usize = 4_000;
/// Maximum size of all recorded bodies, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A recorded request.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// Its number among all recorded requests, from 1.
    pub number: u64,
    /// When it arrived, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its tag.
    pub tag: String,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without its question mark; may be empty.
    pub query: String,
    /// Header names in lower case and their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body. Bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The response so far.
    #[serde(rename = "answer")]
    pub response: RecordedResponse,
}

/// What was sent in response to a request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RecordedResponse {
    /// The status, once it is known.
    pub status: Option<u16>,
    /// Bytes of the body that were handed to the connection.
    pub bytes_sent: u64,
    /// How the response ended.
    pub ended: End,
}

/// How a response ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It has not ended.
    #[default]
    Open,
    /// It was sent from beginning to end.
    Whole,
    /// The script cut it off.
    Cut,
    /// The client disconnected.
    Abandoned,
}

/// The tagged requests of an endpoint. Clones share them.
#[derive(Clone, Debug)]
pub struct Records(Recorder<RecordedRequest>);

impl Default for Records {
    fn default() -> Self {
        Self(Recorder::new(MAX_REQUESTS, MAX_BYTES))
    }
}

impl Records {
    /// Records a request under `tag`.
    pub fn add(
        &self,
        tag: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> ResponseRecord {
        let body = String::from_utf8_lossy(body).into_owned();
        let entry = self.0.add(body.len(), |number| RecordedRequest {
            number,
            at_ms: now_ms(),
            tag: tag.to_owned(),
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: header_list(headers),
            body,
            response: RecordedResponse::default(),
        });
        ResponseRecord(Some(entry))
    }

    /// The requests with this tag, in order.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<RecordedRequest> {
        self.0.list(|request| request.tag == tag)
    }
}

/// Records the progress of a response; for an untagged request, nowhere.
#[derive(Clone, Debug, Default)]
pub struct ResponseRecord(Option<Entry<RecordedRequest>>);

impl ResponseRecord {
    /// Records the status.
    pub fn status(&self, status: u16) {
        self.update(|response| response.status = Some(status));
    }

    /// Records bytes that were sent.
    pub fn sent(&self, bytes: usize) {
        self.update(|response| response.bytes_sent += bytes as u64);
    }

    /// Records the end. Only the first call counts.
    pub fn ended(&self, end: End) {
        self.update(|response| {
            if response.ended == End::Open {
                response.ended = end;
            }
        });
    }

    fn update(&self, change: impl FnOnce(&mut RecordedResponse)) {
        if let Some(entry) = &self.0 {
            entry.update(|request| change(&mut request.response));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_lists_its_own_requests_and_the_first_end_of_each() {
        let records = Records::default();
        let add = |tag, body: &[u8]| {
            let uri = Uri::from_static("/v1/x?a=b");
            records.add(tag, &Method::POST, &uri, &HeaderMap::new(), body)
        };
        let first = add("a", b"one");
        add("b", b"two");
        first.status(200);
        first.sent(5);
        first.ended(End::Abandoned);
        first.ended(End::Whole);
        let [request] = &records.tagged("a")[..] else {
            panic!("one request has the tag");
        };
        assert_eq!(
            (request.path.as_str(), request.query.as_str()),
            ("/v1/x", "a=b")
        );
        assert_eq!(request.body, "one");
        assert_eq!(request.response.status, Some(200));
        assert_eq!(request.response.bytes_sent, 5);
        assert_eq!(request.response.ended, End::Abandoned);
    }
}
