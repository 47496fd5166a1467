//! One HTTP/1.1 connection, with a timeout on every wait.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
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

use crate::caller::Caller;
use crate::client_address::TrustedProxies;
use crate::gateway::Relayed;
use crate::problem::Problem;
use crate::response_clock::{ResponseClock, TimedBody};
use crate::write_timeout::{WriteTimeout, WriteTimeouts};

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
    /// Longest times for a client to read a response.
    pub write_timeouts: WriteTimeouts,
    /// The proxies that name the clients of their requests.
    pub trusted_proxies: Arc<TrustedProxies>,
    /// Becomes true when the server starts draining.
    pub draining: watch::Receiver<bool>,
}

impl Connections {
    /// Serves a connection from `peer` until it closes. Errors affect this connection only and are
    /// logged at debug level.
    pub async fn serve(self, stream: TcpStream, peer: IpAddr) {
        // Responses are written in one piece; Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.serve_http(stream, peer).await,
            Some(tls) => {
                match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                    Ok(Ok(stream)) => self.serve_http(stream, peer).await,
                    Ok(Err(error)) => tracing::debug!(error = %error, "TLS handshake failed"),
                    Err(_) => tracing::debug!("TLS handshake timed out"),
                }
            }
        }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(mut self, stream: S, peer: IpAddr) {
        type ServiceFuture =
            Pin<Box<dyn Future<Output = Result<Response<TimedBody>, Infallible>> + Send>>;

        let (router, trusted_proxies) = (self.router, self.trusted_proxies);
        let clock = ResponseClock::default();
        let stream = WriteTimeout::new(stream, self.write_timeouts, clock.clone());
        let service = service_fn(move |mut request: Request<Incoming>| -> ServiceFuture {
            let client = trusted_proxies.client(peer, request.headers());
            request.extensions_mut().insert(Caller::at(client));
            let response = router.clone().oneshot(request.map(Body::new));
            let clock = clock.clone();
            Box::pin(async move {
                let response = response.await?;
                // A stream of the model takes its time; a pause of the client is limited anyway.
                if response.extensions().get::<Relayed>().is_none() {
                    clock.begin();
                }
                Ok(response.map(|body| TimedBody::new(body, clock)))
            })
        });
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
                let _ = stream
                    .write_all(plain_response(&Problem::Timeout).as_bytes())
                    .await;
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

/// Refuses a connection without TLS because its client has too many. The client can read why; that
/// nothing is read of its request does no harm, because nothing is stored.
pub async fn refuse(mut stream: TcpStream) {
    let response = plain_response(&Problem::TooManyConnections);
    if stream.write_all(response.as_bytes()).await.is_ok() {
        linger(stream).await;
    }
}

/// A response for when there is no request for the application.
fn plain_response(problem: &Problem) -> String {
    let (status, body) = (problem.status(), problem.to_json());
    let reason = status.canonical_reason().unwrap_or_default();
    let retry_after = problem
        .retry_after()
        .map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: application/problem+json\r\n{retry_after}\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        status.as_u16(),
        body.len()
    )
}
