//! A response body that is sent in timed writes and ends as the script demands.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;

use super::record::{End, ResponseRecord};
use crate::connection::Connection;
use crate::script::{Ending, Wire};

/// The pause before a connection is broken. It lets the last bytes leave buffers that would be
/// discarded.
const FLUSH_TIME: Duration = Duration::from_millis(30);

/// Makes the body. Its progress and its end are recorded, even if the client disconnects.
pub fn body(
    writes: Vec<Bytes>,
    wire: &Wire,
    connection: Connection,
    record: ResponseRecord,
) -> Body {
    let sender = Sender {
        writes: writes.into_iter(),
        delay: Duration::from_millis(wire.delay_ms),
        first: true,
        pause: Duration::from_millis(wire.pause_ms),
        ending: wire.ending,
        hold: Duration::from_millis(wire.hold_ms),
        connection,
        record,
        ended: false,
    };
    Body::from_stream(stream::unfold(sender, |mut sender| async move {
        let item = sender.next().await;
        item.map(|item| (item, sender))
    }))
}

struct Sender {
    writes: std::vec::IntoIter<Bytes>,
    delay: Duration,
    first: bool,
    pause: Duration,
    ending: Ending,
    hold: Duration,
    connection: Connection,
    record: ResponseRecord,
    ended: bool,
}

impl Sender {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.ended {
            return None;
        }
        if let Some(bytes) = self.writes.next() {
            if self.first {
                tokio::time::sleep(self.delay).await;
                self.first = false;
            } else {
                self.wait().await;
            }
            self.record.sent(bytes.len());
            return Some(Ok(bytes));
        }
        let broken = Some(Err(io::ErrorKind::ConnectionAborted.into()));
        let last = match self.ending {
            Ending::Clean => None,
            Ending::Broken => {
                tokio::time::sleep(FLUSH_TIME).await;
                broken
            }
            Ending::Reset => {
                tokio::time::sleep(FLUSH_TIME).await;
                self.connection.reset();
                // The reset takes effect at the next write.
                Some(Ok(Bytes::from_static(b"\n")))
            }
            Ending::Stall => {
                tokio::time::sleep(self.hold).await;
                broken
            }
        };
        self.ended = true;
        self.record.ended(match self.ending {
            Ending::Clean => End::Whole,
            Ending::Broken | Ending::Reset | Ending::Stall => End::Cut,
        });
        last
    }

    /// Waits for the next write. Without a pause it yields once, so that the previous write is flushed
    /// and the two do not merge.
    async fn wait(&self) {
        if self.pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.pause).await;
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Only the first end counts, so this has an effect only if the body was dropped early.
        self.record.ended(End::Abandoned);
    }
}
