//! A stream with timeouts for writes, so that a client that does not read its response, or reads it
//! very slowly, cannot hold a connection forever.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::response_clock::ResponseClock;

/// The longest times that a client may take to read.
#[derive(Debug, Clone, Copy)]
pub struct WriteTimeouts {
    /// Without any progress.
    pub pause: Duration,
    /// For a whole response, unless it is passed on from a model endpoint.
    pub response: Duration,
}

/// A stream that fails with [`io::ErrorKind::TimedOut`] if a write has to wait longer than the
/// timeouts allow. Reads have no timeout here.
pub struct WriteTimeout<S> {
    stream: S,
    timeouts: WriteTimeouts,
    clock: ResponseClock,
    /// Runs while a write is pending.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    /// Applies `timeouts` to the writes of `stream`. `clock` says when a response began.
    pub fn new(stream: S, timeouts: WriteTimeouts, clock: ResponseClock) -> Self {
        Self {
            stream,
            timeouts,
            clock,
            deadline: None,
        }
    }

    fn with_timeout<T>(
        &mut self,
        context: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.deadline = None;
            return progress;
        }
        let (timeouts, clock) = (self.timeouts, &self.clock);
        let deadline = self.deadline.get_or_insert_with(|| {
            let pause_ends = Instant::now() + timeouts.pause;
            // A response without a beginning may take any time, see `Relayed`.
            let end = clock.began().map_or(pause_ends, |began| {
                pause_ends.min(began + timeouts.response)
            });
            Box::pin(sleep_until(end))
        });
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.with_timeout(context, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.with_timeout(context, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(progress, Poll::Ready(Ok(()))) {
            self.clock.flushed();
        }
        self.with_timeout(context, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.with_timeout(context, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn timeouts(pause: u64, response: u64) -> WriteTimeouts {
        WriteTimeouts {
            pause: Duration::from_millis(pause),
            response: Duration::from_millis(response),
        }
    }

    /// Reads 16 bytes every 60 ms, `times` times.
    async fn read_slowly(mut stream: tokio::io::DuplexStream, times: usize) {
        let mut buffer = [0; 16];
        for _ in 0..times {
            tokio::time::sleep(Duration::from_millis(60)).await;
            if stream.read_exact(&mut buffer).await.is_err() {
                return;
            }
        }
    }

    #[tokio::test]
    async fn a_write_that_is_not_read_times_out() {
        let (near, _far) = tokio::io::duplex(16);
        let clock = ResponseClock::default();
        let mut stream = WriteTimeout::new(near, timeouts(50, 60_000), clock);
        let error = stream.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_does_not_time_out_while_it_makes_progress() {
        let (near, far) = tokio::io::duplex(16);
        let clock = ResponseClock::default();
        clock.begin();
        let mut stream = WriteTimeout::new(near, timeouts(200, 60_000), clock);
        let reader = tokio::spawn(read_slowly(far, 6));
        // Each pause is shorter than the timeout; the six together are longer.
        stream.write_all(&[0; 96]).await.unwrap();
        reader.await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_reader_times_out_when_the_whole_response_takes_too_long() {
        let (near, far) = tokio::io::duplex(16);
        let clock = ResponseClock::default();
        clock.begin();
        let mut stream = WriteTimeout::new(near, timeouts(200, 300), clock);
        let reader = tokio::spawn(read_slowly(far, 100));
        let error = stream.write_all(&[0; 1600]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(stream);
        reader.await.unwrap();
    }
}
