//! What was asked of the testbed, kept for tests to look at.
//!
//! Only requests that carry a tag are kept: a person who tries the page with a key of their own
//! leaves nothing behind. What is kept is bounded, and the oldest goes first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Method, Uri};
use serde::Serialize;

/// The most requests that are kept.
const REQUEST_LIMIT: usize = 4_000;
/// The most bytes of bodies that are kept, together.
const BYTE_LIMIT: usize = 64 * 1024 * 1024;

/// A request that was seen, and what became of its answer.
#[derive(Clone, Debug, Serialize)]
pub struct SeenRequest {
    /// Its number among all that were recorded, from 1.
    pub number: u64,
    /// When it was seen, in milliseconds since 1970.
    pub at_ms: u64,
    /// The tag it carried.
    pub tag: String,
    /// The method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query without its question mark; empty when there is none.
    pub query: String,
    /// Names in lower case and values in the order in which they came. Bytes that are not text are
    /// replaced.
    pub headers: Vec<(String, String)>,
    /// The body. Bytes that are not UTF-8 are replaced.
    pub body: String,
    /// What became of the answer.
    pub answer: SeenAnswer,
}

/// What became of an answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SeenAnswer {
    /// The status, once there is one.
    pub status: Option<u16>,
    /// Bytes of the body that were handed to the connection.
    pub bytes_sent: u64,
    /// How it ended.
    pub ended: Ended,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Not yet.
    #[default]
    Open,
    /// It was handed over from beginning to end.
    Whole,
    /// The testbed broke it off, as a script said.
    Cut,
    /// The client went away.
    Abandoned,
}

/// The requests that were seen. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Records(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    requests: VecDeque<(SeenRequest, AnswerRecord)>,
    bytes: usize,
    last_number: u64,
}

/// A handle by which an answer tells how it goes. Without a record behind it, it tells nobody.
#[derive(Clone, Debug, Default)]
pub struct AnswerRecord(Arc<Mutex<SeenAnswer>>);

impl AnswerRecord {
    /// Notes the status.
    pub fn status(&self, status: u16) {
        lock(&self.0).status = Some(status);
    }

    /// Notes bytes that were handed over.
    pub fn sent(&self, bytes: usize) {
        lock(&self.0).bytes_sent += bytes as u64;
    }

    /// Notes the end. The first end counts.
    pub fn ended(&self, how: Ended) {
        let mut answer = lock(&self.0);
        if answer.ended == Ended::Open {
            answer.ended = how;
        }
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
    ) -> AnswerRecord {
        let answer = AnswerRecord::default();
        let mut kept = lock(&self.0);
        kept.last_number += 1;
        let request = SeenRequest {
            number: kept.last_number,
            at_ms: now_ms(),
            tag: tag.to_owned(),
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers: header_list(headers),
            body: String::from_utf8_lossy(body).into_owned(),
            answer: SeenAnswer::default(),
        };
        kept.bytes += request.body.len();
        kept.requests.push_back((request, answer.clone()));
        while kept.requests.len() > REQUEST_LIMIT || kept.bytes > BYTE_LIMIT {
            let Some((oldest, _)) = kept.requests.pop_front() else {
                break;
            };
            kept.bytes = kept.bytes.saturating_sub(oldest.body.len());
        }
        answer
    }

    /// The requests with this tag, in the order in which they were seen, with what has become of
    /// their answers by now.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<SeenRequest> {
        lock(&self.0)
            .requests
            .iter()
            .filter(|(request, _)| request.tag == tag)
            .map(|(request, answer)| SeenRequest {
                answer: lock(&answer.0).clone(),
                ..request.clone()
            })
            .collect()
    }
}

/// The headers as names and values, for a test to read.
#[must_use]
pub fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Milliseconds since 1970; 0 on a clock that stands before it.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|time| u64::try_from(time.as_millis()).ok())
        .unwrap_or_default()
}

/// Locks, even after another thread panicked: what is behind these locks is whole at all times.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(records: &Records, tag: &str, body: &[u8]) -> AnswerRecord {
        records.add(
            tag,
            &Method::POST,
            &Uri::from_static("/v1/x?a=b"),
            &HeaderMap::new(),
            body,
        )
    }

    #[test]
    fn a_tag_sees_its_own_requests_only_and_how_they_went_on() {
        let records = Records::default();
        let first = add(&records, "a", b"one");
        add(&records, "b", b"two");
        first.status(200);
        first.sent(5);
        first.ended(Ended::Abandoned);
        first.ended(Ended::Whole);
        let seen = records.tagged("a");
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (seen[0].path.as_str(), seen[0].query.as_str()),
            ("/v1/x", "a=b")
        );
        assert_eq!(seen[0].body, "one");
        assert_eq!(seen[0].answer.status, Some(200));
        assert_eq!(seen[0].answer.bytes_sent, 5);
        assert_eq!(seen[0].answer.ended, Ended::Abandoned);
    }

    #[test]
    fn the_oldest_requests_go_when_there_are_too_many() {
        let records = Records::default();
        for number in 0..REQUEST_LIMIT + 3 {
            add(&records, "a", number.to_string().as_bytes());
        }
        let seen = records.tagged("a");
        assert_eq!(seen.len(), REQUEST_LIMIT);
        assert_eq!(seen[0].body, "3");
    }

    #[test]
    fn the_oldest_requests_go_when_they_are_too_large() {
        let records = Records::default();
        let large = vec![b'x'; BYTE_LIMIT / 2 + 1];
        add(&records, "a", &large);
        add(&records, "a", &large);
        assert_eq!(records.tagged("a").len(), 1);
    }
}
