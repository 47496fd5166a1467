//! What a plain server received, byte for byte, for tests to look at.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;

use crate::records::lock;

/// The most requests that are kept.
const REQUEST_LIMIT: usize = 20_000;
/// The most bytes of bodies that are kept, together.
const BYTE_LIMIT: usize = 128 * 1024 * 1024;
/// The most buckets that are counted; beyond it, counting begins anew.
const BUCKET_LIMIT: usize = 10_000;

/// A `POST` that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its bucket.
    pub bucket: String,
    /// Its number among the `POST`s of the bucket, from 1.
    pub number: u64,
    /// When it had arrived, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
    /// The number of the task it became, where it was stored.
    pub task_id: Option<u64>,
    /// The status it was answered with; absent when there was no answer.
    pub status: Option<u16>,
}

/// Everything that was received, by bucket. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Buckets(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    received: VecDeque<Received>,
    bytes: usize,
    counts: HashMap<String, Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    tasks: u64,
}

impl Buckets {
    /// Counts a request of a bucket; its number, from 0.
    #[must_use]
    pub fn next_request(&self, bucket: &str) -> u64 {
        let mut kept = lock(&self.0);
        let counts = kept.counts(bucket);
        counts.requests += 1;
        counts.requests - 1
    }

    /// Counts a task of a bucket; its number, from 1.
    #[must_use]
    pub fn next_task(&self, bucket: &str) -> u64 {
        let mut kept = lock(&self.0);
        let counts = kept.counts(bucket);
        counts.tasks += 1;
        counts.tasks
    }

    /// Keeps a request. The oldest go when there are too many.
    pub fn keep(&self, received: Received) {
        let mut kept = lock(&self.0);
        kept.bytes += received.body.len();
        kept.received.push_back(received);
        while kept.received.len() > REQUEST_LIMIT || kept.bytes > BYTE_LIMIT {
            let Some(oldest) = kept.received.pop_front() else {
                break;
            };
            kept.bytes = kept.bytes.saturating_sub(oldest.body.len());
        }
    }

    /// What a bucket received, in order.
    #[must_use]
    pub fn of(&self, bucket: &str) -> Vec<Received> {
        let mut received: Vec<Received> = lock(&self.0)
            .received
            .iter()
            .filter(|received| received.bucket == bucket)
            .cloned()
            .collect();
        received.sort_by_key(|received| received.number);
        received
    }
}

impl Kept {
    fn counts(&mut self, bucket: &str) -> &mut Counts {
        if self.counts.len() >= BUCKET_LIMIT && !self.counts.contains_key(bucket) {
            self.counts.clear();
        }
        self.counts.entry(bucket.to_owned()).or_default()
    }
}
