//! The posts that a plain task server received, byte for byte, for tests to read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::{PlainState, bucket_name, detail};
use crate::cors;
use crate::recorder::{Recorder, lock};

/// Maximum number of recorded posts.
const MAX_POSTS: usize = 20_000;
/// Maximum size of all recorded bodies, in bytes.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// Maximum number of buckets with counts; beyond it, counting starts over.
const MAX_BUCKETS: usize = 10_000;

/// A `POST` that was received.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Its bucket.
    #[serde(skip)]
    pub bucket: String,
    /// Its number in the bucket, from 1.
    pub number: u64,
    /// When it arrived, in milliseconds since 1970.
    pub at_ms: u64,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body. In JSON, bytes that are not UTF-8 are replaced.
    #[serde(serialize_with = "as_text")]
    pub body: Bytes,
    /// Whether a task was stored.
    pub stored: bool,
    /// The number of that task in the bucket.
    pub task_id: Option<u64>,
    /// The status of the response; absent if there was none.
    pub status: Option<u16>,
}

fn as_text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

/// The posts of every bucket. Clones share them.
#[derive(Clone, Debug)]
pub struct Buckets {
    posts: Recorder<Received>,
    counts: Arc<Mutex<HashMap<String, Counts>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    posts: u64,
    tasks: u64,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            posts: Recorder::new(MAX_POSTS, MAX_BYTES),
            counts: Arc::default(),
        }
    }
}

impl Buckets {
    /// Counts a post of a bucket. Returns its number, from 0.
    #[must_use]
    pub fn next_post(&self, bucket: &str) -> u64 {
        self.count(bucket, |counts| {
            counts.posts += 1;
            counts.posts - 1
        })
    }

    /// Counts a task of a bucket. Returns its number, from 1.
    #[must_use]
    pub fn next_task(&self, bucket: &str) -> u64 {
        self.count(bucket, |counts| {
            counts.tasks += 1;
            counts.tasks
        })
    }

    fn count(&self, bucket: &str, count: impl FnOnce(&mut Counts) -> u64) -> u64 {
        let mut counts = lock(&self.counts);
        if counts.len() >= MAX_BUCKETS && !counts.contains_key(bucket) {
            counts.clear();
        }
        count(counts.entry(bucket.to_owned()).or_default())
    }

    /// Records a post.
    pub fn add(&self, received: Received) {
        self.posts.add(received.body.len(), |_| received);
    }

    /// The posts of a bucket, in order.
    #[must_use]
    pub fn list(&self, bucket: &str) -> Vec<Received> {
        let mut received = self.posts.list(|received| received.bucket == bucket);
        // A post is recorded after it was handled, so a later one may be recorded first.
        received.sort_by_key(|received| received.number);
        received
    }
}

/// The parameters of a path to received posts. The plain path has no variant and no bucket.
#[derive(Deserialize)]
pub(super) struct Place {
    variant: Option<String>,
    bucket: Option<String>,
    number: Option<u64>,
}

/// Responds with the posts of a bucket, or with the body of one of them byte for byte.
pub(super) async fn received(
    State(state): State<PlainState>,
    Path(place): Path<Place>,
) -> Response {
    let bucket = match (&place.variant, &place.bucket) {
        (Some(variant), Some(bucket)) => bucket_name(variant, bucket),
        _ => String::new(),
    };
    let mut posts = state.buckets.list(&bucket);
    let mut response = match place.number {
        None => Json(json!({"received": posts})).into_response(),
        Some(number) => {
            posts.retain(|post| post.number == number);
            match posts.pop() {
                Some(post) => {
                    let content_type = HeaderValue::from_static("application/octet-stream");
                    ([(CONTENT_TYPE, content_type)], post.body).into_response()
                }
                None => detail(StatusCode::NOT_FOUND, "Not Found"),
            }
        }
    };
    cors::open_to_all(&mut response);
    response
}
