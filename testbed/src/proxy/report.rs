//! What was done to which `POST`, for tests to look at.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use super::fault::Fault;
use super::message::Request;
use super::plan::Plan;
use crate::records::{lock, now_ms};

/// The most `POST`s that are kept.
const POST_LIMIT: usize = 20_000;

/// A `POST`, and what was done to it.
#[derive(Clone, Debug, Serialize)]
pub struct Post {
    /// Its number in the order of arrival, from 1.
    pub number: u64,
    /// When it had arrived whole, in milliseconds since 1970.
    pub at_ms: u64,
    /// The method, which is `POST`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The value of `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The fault it met.
    pub fault: Option<Fault>,
    /// Whether there was an upstream that it was handed to. Where it is false, the upstream has
    /// certainly not taken it.
    pub reached_upstream: bool,
    /// The status with which the upstream answered; absent when it did not.
    pub upstream_status: Option<u16>,
    /// The status that was sent to the client; absent when the connection was closed or reset.
    pub answered: Option<u16>,
    /// Whether nothing more will happen to it.
    pub finished: bool,
}

/// A handle by which a `POST` tells how it goes.
#[derive(Clone, Debug)]
pub(super) struct PostRecord(Arc<Mutex<Post>>);

impl PostRecord {
    /// Notes that the upstream is there and gets it.
    pub(super) fn reached(&self) {
        lock(&self.0).reached_upstream = true;
    }

    /// Notes the upstream's answer.
    pub(super) fn upstream_answered(&self, status: u16) {
        lock(&self.0).upstream_status = Some(status);
    }

    /// Notes what the client was sent, if anything, and that this was all.
    pub(super) fn finished(&self, answered: Option<u16>) {
        let mut post = lock(&self.0);
        post.answered = answered;
        post.finished = true;
    }
}

/// The plan and what came of it. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Course(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    plan: Plan,
    posts: VecDeque<PostRecord>,
    count: u64,
}

/// The report: the plan, and every `POST` since it was made.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The plan that is followed.
    pub plan: Plan,
    /// The `POST`s in the order of arrival; the oldest are left out when there are too many.
    pub posts: Vec<Post>,
    /// How many were left out.
    pub left_out: u64,
}

impl Course {
    pub(super) fn new(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            plan,
            posts: VecDeque::new(),
            count: 0,
        })))
    }

    /// Begins anew with another plan. What is still under way belongs to the old one and shows
    /// nowhere any more.
    pub(super) fn begin(&self, plan: Plan) {
        *lock(&self.0) = Kept {
            plan,
            posts: VecDeque::new(),
            count: 0,
        };
    }

    /// Counts a `POST` that has arrived, and says what it meets: the fault, and the plan's times.
    pub(super) fn next(&self, request: &Request) -> (Option<Fault>, Times, PostRecord) {
        let mut kept = lock(&self.0);
        kept.count += 1;
        let fault = kept.plan.fault(kept.count);
        let record = PostRecord(Arc::new(Mutex::new(Post {
            number: kept.count,
            at_ms: now_ms(),
            method: request.method().to_owned(),
            path: request.path().to_owned(),
            idempotency_key: request.header("idempotency-key"),
            fault,
            reached_upstream: false,
            upstream_status: None,
            answered: None,
            finished: false,
        })));
        kept.posts.push_back(record.clone());
        if kept.posts.len() > POST_LIMIT {
            kept.posts.pop_front();
        }
        let times = Times {
            delay_ms: kept.plan.delay_ms,
            retry_after_s: kept.plan.retry_after_s,
        };
        (fault, times, record)
    }

    /// The report by now.
    pub(super) fn report(&self) -> Report {
        let kept = lock(&self.0);
        Report {
            plan: kept.plan.clone(),
            posts: kept
                .posts
                .iter()
                .map(|post| lock(&post.0).clone())
                .collect(),
            left_out: kept.count.saturating_sub(kept.posts.len() as u64),
        }
    }
}

/// The times of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) delay_ms: u64,
    pub(super) retry_after_s: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_posts_are_left_out_and_counted() {
        let bytes = b"POST /tasks?x HTTP/1.1\r\nIdempotency-Key: k\r\n\r\n";
        let request = Request::read(&mut &bytes[..]).await.unwrap().unwrap();
        let course = Course::new(Plan::default());
        for _ in 0..POST_LIMIT + 3 {
            course.next(&request).2.finished(Some(201));
        }
        let report = course.report();
        assert_eq!((report.posts.len(), report.left_out), (POST_LIMIT, 3));
        assert_eq!(
            (report.posts[0].number, report.posts[0].path.as_str()),
            (4, "/tasks")
        );
        assert_eq!(report.posts[0].idempotency_key.as_deref(), Some("k"));
    }
}
