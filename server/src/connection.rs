//! One HTTP/1.1 connection, with a timeout on every wait.

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

/// Largest request line and headers together, in bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// How long to keep reading from a client that still sends after its response.
const LINGER: Duration = Duration::from_secs(5);
/// Longest pause of such a client.
const LINGER_PAUSE: Duration = Duration::from_secs(1);

/// Settings shared by all connections of a server.
#[derive(Clone)]
pub struct Connections {
    /// The application.
    pub router: Router,
    /// TLS, if configured.
    pub tls: Option<TlsAcceptor>,
    /// Longest time for the TLS handshake, and for the headers of each request to arrive.
    pub header_timeout: Duration,
    /// Longest pause of a client that reads a response.
    pub write_timeout: Duration,
    /// Becomes true when the server starts draining.
    pub draining: watch::Receiver<bool>,
}

impl Connections {
    /// Serves a connection until it closes. Errors affect this connection only and are logged at
    /// debug level.
    pub async fn serve(self, stream: TcpStream) {
        // Responses are written in one piece; Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.serve_http(stream).await,
            Some(tls) => {
                match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                    Ok(Ok(stream)) => self.serve_http(stream).await,
                    Ok(Err(error)) => tracing::debug!(error = %error, "TLS handshake failed"),
                    Err(_) => tracing::debug!("TLS handshake timed out"),
                }
            }
        }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: S) {
        type ServiceFuture =
            Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| -> ServiceFuture {
            Box::pin(router.clone().oneshot(request.map(Body::new)))
        });
        let stream = WriteTimeout::new(stream, self.write_timeout);
        let mut draining = *self.draining.borrow();
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEADER_BYTES)
            .keep_alive(!draining)
            .serve_connection(TokioIo::new(stream), service);

        let outcome = loop {
            tokio::select! {
                outcome = poll_fn(|context| connection.poll_without_shutdown(context)) => break outcome,
                _ = self.draining.changed(), if !draining => {
                    draining = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts();
        let mut stream = parts.io.into_inner();
        if let Err(error) = outcome {
            tracing::debug!(error = %error, "connection ended with an error");
            // An idle connection gets no response: the client would take it for the response to its
            // next request.
            if error.is_timeout() && !parts.read_buf.is_empty() {
                let _ = stream.write_all(timeout_response().as_bytes()).await;
            }
        }
        linger(stream).await;
    }
}

/// Closes a connection so that the client can read the last response. Closing while the client still
/// sends would reset the connection and discard what it has not read yet (RFC 9112, section 9.6).
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let drained = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut discarded = [0_u8; 8192];
        while let Ok(Ok(1..)) =
            tokio::time::timeout(LINGER_PAUSE, stream.read(&mut discarded)).await
        {}
    };
    // A client that sends for longer has had its response.
    let _ = tokio::time::timeout(LINGER, drained).await;
}

/// The `408` for headers that did not arrive, when there is no request yet for the application.
fn timeout_response() -> String {
    let body = Problem::Timeout.to_json();
    format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
