//! One connection: HTTP/1.1, with a limit on every wait.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::problem::Problem;
use crate::write_timeout::WriteTimeout;

/// The most a request's line and headers may take, in bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// How long a client that is still sending is listened to after its answer.
const LINGER: Duration = Duration::from_secs(5);
/// How long such a client may pause.
const LINGER_PAUSE: Duration = Duration::from_secs(1);

/// What the connections of a server have in common.
#[derive(Clone)]
pub struct Connections {
    /// The application.
    pub router: Router,
    /// TLS, where it is spoken.
    pub tls: Option<TlsAcceptor>,
    /// Time for the TLS handshake and for each request's headers.
    pub header_timeout: Duration,
    /// Time a client may pause while it reads an answer.
    pub write_timeout: Duration,
    /// Becomes true when the server stops.
    pub draining: watch::Receiver<bool>,
}

impl Connections {
    /// Serves a connection to its end. Errors of one connection concern nobody else; they are
    /// logged for who looks for them.
    pub async fn serve(self, stream: TcpStream) {
        // Answers are written whole; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.serve_http(stream).await,
            Some(tls) => {
                match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                    Ok(Ok(stream)) => self.serve_http(stream).await,
                    Ok(Err(error)) => tracing::debug!(error = %error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            }
        }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: S) {
        type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| -> Answer {
            Box::pin(router.clone().oneshot(request.map(Body::new)))
        });
        let stream = WriteTimeout::new(stream, self.write_timeout);
        let mut stopping = *self.draining.borrow();
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .keep_alive(!stopping)
            .serve_connection(TokioIo::new(stream), service);

        let outcome = loop {
            tokio::select! {
                outcome = poll_fn(|context| connection.poll_without_shutdown(context)) => break outcome,
                _ = self.draining.changed(), if !stopping => {
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        if let Err(error) = outcome {
            tracing::debug!(error = %error, "a connection ended early");
            // Nothing is said on a connection that was merely idle: its client would take it for
            // the answer to its next request.
            if error.is_timeout() && !parts.read_buf.is_empty() {
                let _ = stream.write_all(timeout_answer().as_bytes()).await;
            }
        }
        linger(stream).await;
    }
}

/// Closes a connection so that the client gets to read the last answer: closing while it still
/// sends would reset the connection and destroy what it has not read (RFC 9112, section 9.6).
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let drained = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut ignored = [0_u8; 8192];
        while let Ok(Ok(1..)) = tokio::time::timeout(LINGER_PAUSE, stream.read(&mut ignored)).await
        {
        }
    };
    // Whoever sends for longer has been answered long ago.
    let _ = tokio::time::timeout(LINGER, drained).await;
}

/// `408`, for headers that did not arrive: no request exists yet that the application could answer.
fn timeout_answer() -> String {
    let body = Problem::Timeout.to_json();
    format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
