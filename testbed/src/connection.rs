//! TCP connections that a handler can reset, to simulate network failures.
//!
//! axum passes the request to a handler, but not its socket. A [`Connection`] comes with every
//! request and lets the handler reset that socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The pause after a failed accept, for instance when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts a connection, and retries until it succeeds.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The connection of a request. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    is_reset: Arc<AtomicBool>,
}

impl Connection {
    /// Resets the connection: nothing more is written, and the client gets `ECONNRESET`. Bytes that
    /// are already in the kernel still arrive.
    ///
    /// This takes effect at the next write, so the handler must still return a response; the
    /// response is lost.
    pub fn reset(&self) {
        self.is_reset.store(true, Ordering::Release);
    }

    fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, ResettableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, ResettableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP listener that provides a [`Connection`] with each stream.
#[derive(Debug)]
pub(crate) struct ResettableListener(pub(crate) TcpListener);

impl Listener for ResettableListener {
    type Io = ResettableStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let stream = accept(&self.0).await;
        // Tests depend on the boundaries of small writes, so they must be sent immediately. Without
        // the option the boundaries are less exact, but the connection works.
        let _ = stream.set_nodelay(true);
        let connection = Connection::default();
        let stream = ResettableStream {
            stream,
            connection: connection.clone(),
        };
        (stream, connection)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Connection::default())
    }
}

/// A TCP stream whose writes fail once its [`Connection`] is reset.
#[derive(Debug)]
pub(crate) struct ResettableStream {
    stream: TcpStream,
    connection: Connection,
}

impl ResettableStream {
    /// Returns an error if the connection is reset.
    fn check(&self) -> io::Result<()> {
        if self.connection.is_reset() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Drop for ResettableStream {
    fn drop(&mut self) {
        if self.connection.is_reset() {
            // With a linger time of zero, closing the socket sends RST instead of FIN. If that
            // fails, the connection still ends prematurely.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Err(error) = self.check() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Err(error) = self.check() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
