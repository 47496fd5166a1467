//! When the current response of a connection began, and whether the client has all of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

/// The clock of one connection, shared by its responses and its stream.
#[derive(Debug, Clone, Default)]
pub struct ResponseClock(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When the oldest response began that may not have been written yet.
    began: Option<Instant>,
    /// Whether the connection has taken over the whole body.
    is_complete: bool,
}

impl ResponseClock {
    /// A response begins.
    pub fn begin(&self) {
        self.with(|state| {
            state.began.get_or_insert_with(Instant::now);
            state.is_complete = false;
        });
    }

    /// Everything that the connection took over so far is written.
    pub fn flushed(&self) {
        self.with(|state| {
            if state.is_complete {
                state.began = None;
            }
        });
    }

    /// When the current response began; `None` between responses.
    #[must_use]
    pub fn began(&self) -> Option<Instant> {
        self.with(|state| state.began)
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A response body that tells the clock when the connection has taken all of it over.
pub struct TimedBody {
    body: Body,
    clock: ResponseClock,
}

impl TimedBody {
    /// Wraps the body of a response that has begun.
    #[must_use]
    pub fn new(body: Body, clock: ResponseClock) -> Self {
        Self { body, clock }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        self.clock.with(|state| state.is_complete = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_lasts_until_all_of_it_is_written() {
        let clock = ResponseClock::default();
        assert!(clock.began().is_none());
        clock.begin();
        let body = TimedBody::new(Body::empty(), clock.clone());
        clock.flushed();
        assert!(clock.began().is_some(), "only the beginning is written");
        drop(body);
        assert!(clock.began().is_some(), "the rest is not written yet");
        clock.flushed();
        assert!(clock.began().is_none());
    }
}
