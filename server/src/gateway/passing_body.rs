//! A response of the endpoint on its way to the client: byte for byte, as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::key_mask::KeyMask;
use super::token_count::TokenCount;
use super::usage_scan::UsageScan;

/// Why a response ends before its end. The client sees a connection that breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassingError {
    /// The endpoint closed its connection, or sent something that is not HTTP.
    #[error("the model endpoint broke off its response")]
    Broken,
    /// The endpoint sent nothing for too long.
    #[error("the model endpoint stopped sending")]
    Idle,
}

/// How long the endpoint may be silent once more, see [`Deadline`].
const LAST_CHANCE: Duration = Duration::from_secs(1);

/// When the endpoint has been silent for too long. While the client does not read, nobody asks for the
/// next piece, so an endpoint that is only kept waiting looks silent, too. Therefore it has a last
/// chance to send something before the response is given up.
struct Deadline {
    sleep: Pin<Box<Sleep>>,
    is_last: bool,
}

impl Deadline {
    fn after(time: Duration, is_last: bool) -> Self {
        Self {
            sleep: Box::pin(sleep(time)),
            is_last,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.sleep.as_mut().poll(context));
        if self.is_last {
            return Poll::Ready(());
        }
        *self = Self::after(LAST_CHANCE, true);
        self.sleep.as_mut().poll(context)
    }
}

/// How a response ended, for the log.
#[derive(Debug, Clone, Copy)]
enum End {
    Whole,
    Failed(PassingError),
    /// The body was dropped before: the client is gone, or the server stops.
    Abandoned,
}

/// The body of the endpoint's response. Nothing is read ahead: the endpoint is asked for the next bytes
/// when the client has taken the last ones. Dropping the body cancels the request.
pub struct PassingBody {
    body: Incoming,
    idle: Duration,
    /// Runs while the server waits for the endpoint.
    deadline: Option<Deadline>,
    mask: KeyMask,
    scan: UsageScan,
    count: Option<TokenCount>,
    is_success: bool,
    end: End,
}

impl PassingBody {
    /// Passes `body` on, with at most `idle` between two pieces of it. `count` is settled at the end;
    /// a response that is no success has used nothing.
    #[must_use]
    pub fn new(
        body: Incoming,
        idle: Duration,
        mask: KeyMask,
        count: TokenCount,
        is_success: bool,
    ) -> Self {
        Self {
            body,
            idle,
            deadline: None,
            mask,
            scan: UsageScan::new(),
            count: Some(count),
            is_success,
            end: End::Abandoned,
        }
    }

    fn fail(&mut self, error: PassingError) -> Poll<Option<Result<Frame<Bytes>, PassingError>>> {
        self.end = End::Failed(error);
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for PassingBody {
    type Data = Bytes;
    type Error = PassingError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PassingError>>> {
        loop {
            let Poll::Ready(next) = Pin::new(&mut self.body).poll_frame(context) else {
                let idle = self.idle;
                let deadline = self
                    .deadline
                    .get_or_insert_with(|| Deadline::after(idle, false));
                ready!(deadline.poll(context));
                return self.fail(PassingError::Idle);
            };
            self.deadline = None;
            match next {
                None => {
                    self.end = End::Whole;
                    let rest = self.mask.finish();
                    let rest = (!rest.is_empty()).then(|| Ok(Frame::data(rest)));
                    return Poll::Ready(rest);
                }
                Some(Err(_)) => return self.fail(PassingError::Broken),
                Some(Ok(frame)) => {
                    // Trailers are not passed on.
                    let Ok(data) = frame.into_data() else {
                        continue;
                    };
                    self.scan.read(&data);
                    let data = self.mask.pass(data);
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        // Masking keeps the length, but holds bytes back; the hint is asked for before it can.
        if self.scan.bytes() == 0 {
            self.body.size_hint()
        } else {
            SizeHint::default()
        }
    }
}

impl Drop for PassingBody {
    fn drop(&mut self) {
        // A body of known length is dropped once it has been passed on, without asking for its end.
        if matches!(self.end, End::Abandoned) && self.body.is_end_stream() {
            self.end = End::Whole;
        }
        let Some(count) = self.count.take() else {
            return;
        };
        let tokens = if self.is_success {
            count.of_response(&self.scan)
        } else {
            count.nothing();
            0
        };
        tracing::info!(
            end = match self.end {
                End::Whole => "whole",
                End::Failed(PassingError::Broken) => "broken",
                End::Failed(PassingError::Idle) => "idle",
                End::Abandoned => "abandoned",
            },
            bytes = self.scan.bytes(),
            tokens,
            reported = self.scan.reported().is_some(),
            "model response"
        );
    }
}
