//! The HTTP client of the server's own requests: to the model endpoint and to Vault. It speaks
//! HTTP/1.1, follows no redirects, and trusts the root certificates of the system.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// A client for requests with a complete body. Cheap to clone; clones share their connections.
pub type OutboundClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Longest time for a TCP connection to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept. Servers of models in Python or Node.js close theirs after 5
/// seconds, and a request that meets the end of its connection fails.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// Unused connections that are kept for each host.
const POOL_SIZE: usize = 32;
/// Largest read buffer of a connection, in bytes; it bounds the memory of a stream.
const READ_BUFFER_BYTES: usize = 64 << 10;
/// Interval of TCP keep-alive probes: a stream may be silent for minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A new client. The root certificates are those of the system, or those of `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`.
///
/// # Errors
/// The error of the TLS library if it supports none of its own protocol versions.
pub fn client() -> Result<OutboundClient, rustls::Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(
            "no root certificates were found: requests to https addresses will fail. Install them, or set SSL_CERT_FILE"
        );
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(KEEP_ALIVE));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(POOL_SIZE)
        .http1_max_buf_size(READ_BUFFER_BYTES)
        .build(connector))
}
