//! A response body that is sent write by write, at a pace, and ends as a script says.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;

use super::record::{End, ResponseRecord};
use crate::connection::Connection;
use crate::script::{Ending, Wire};

/// How long the last bytes get to leave before their connection is broken: they sit in buffers
/// that a broken connection drops.
const FLUSH_TIME: Duration = Duration::from_millis(30);

/// Makes the body. The record hears how it goes on, also when the client goes away.
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
        over: false,
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
    over: bool,
}

impl Sender {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.over {
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
                // The cut shows at the next write, so there has to be one.
                Some(Ok(Bytes::from_static(b"\n")))
            }
            Ending::Stall => {
                tokio::time::sleep(self.hold).await;
                broken
            }
        };
        self.over = true;
        self.record.ended(match self.ending {
            Ending::Clean => End::Whole,
            Ending::Broken | Ending::Reset | Ending::Stall => End::Cut,
        });
        last
    }

    /// Waits for the next write. Even without a pause the task is left once, so that what was
    /// handed over is flushed: writes that melt together would test nothing.
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
        // Only the first end counts, so this is heard when the body was dropped halfway.
        self.record.ended(End::Abandoned);
    }
}
