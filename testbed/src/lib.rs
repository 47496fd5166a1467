//! Servers for tests and demonstrations: a scripted model endpoint, a plain task server, and a proxy
//! that injects faults. Not part of the product.
//!
//! - [`model`]: an OpenAI-compatible model endpoint, over real HTTP with CORS.
//! - [`script`]: the scripts that it follows, as data.
//! - [`plain`]: a task server without idempotency keys, look-up or schema.
//! - [`proxy`]: a proxy in front of a task server that injects faults.
//! - [`serve_model`], [`serve_plain`], [`serve_all`] and [`serve_proxy`] run them on the caller's
//!   listener, so that a test can run them in its own process.
//!
//! Invariant: nothing here uses the product's code that parses streams or server responses. Only the
//! task schema and the dry run are shared. The rest is a second implementation of the same public
//! specifications, so that the tests reveal a misreading.

mod connection;
mod cors;
pub mod model;
pub mod plain;
pub mod proxy;
mod recorder;
pub mod script;

use std::io;

use axum::Router;
use tokio::net::TcpListener;

use connection::{Connection, ResettableListener};
use model::ModelState;
use plain::PlainState;
use proxy::ProxyState;

/// Serves the model endpoint until the returned future is dropped.
///
/// # Errors
/// Returns the error of the listener.
pub async fn serve_model(listener: TcpListener, state: ModelState) -> io::Result<()> {
    serve(listener, model::router(state).fallback(model::invalid_url)).await
}

/// Serves the plain task server until the returned future is dropped.
///
/// # Errors
/// Returns the error of the listener.
pub async fn serve_plain(listener: TcpListener, state: PlainState) -> io::Result<()> {
    serve(listener, plain::router(state)).await
}

/// Serves the model endpoint and the plain task server on one listener; their paths do not overlap.
///
/// # Errors
/// Returns the error of the listener.
pub async fn serve_all(
    listener: TcpListener,
    model: ModelState,
    plain: PlainState,
) -> io::Result<()> {
    serve(listener, model::router(model).merge(plain::router(plain))).await
}

/// Serves the fault proxy until the returned future is dropped.
///
/// # Errors
/// Returns the error of the listener.
pub async fn serve_proxy(listener: TcpListener, state: ProxyState) -> io::Result<()> {
    proxy::serve(listener, state).await
}

async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<Connection>();
    axum::serve(ResettableListener(listener), service).await
}
