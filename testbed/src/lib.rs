//! The outside world in miniature, for tests and demonstrations: a model endpoint whose model is a
//! script, a plain task server as they exist, and a proxy that breaks the way to a real one. Never
//! part of the product's module.
//!
//! - [`model`]: the endpoint, OpenAI-compatible, over real HTTP with CORS.
//! - [`script`]: the scripts that it plays, as data.
//! - [`plain`]: the task server.
//! - [`proxy`]: a proxy in front of a real task server that breaks things on purpose.
//! - [`serve_model`], [`serve_plain`], [`serve_all`] and [`serve_proxy`] run them on a listener of
//!   the caller's, so that a test can have them in its own process.
//!
//! Invariant: nothing here knows the product's own reading of a stream or of a server's answer.
//! What is shared is the task schema and the making of instances; the rest is written against the
//! same public documents a second time, so that a misreading shows.

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

use connection::{Connection, CuttableListener};
use model::ModelWorld;
use plain::PlainWorld;
use proxy::ProxyWorld;

/// Serves the model endpoint until the returned future is dropped.
///
/// # Errors
/// When the listener cannot be served.
pub async fn serve_model(listener: TcpListener, world: ModelWorld) -> io::Result<()> {
    serve(listener, model::router(world).fallback(model::invalid_url)).await
}

/// Serves the plain task server until the returned future is dropped.
///
/// # Errors
/// When the listener cannot be served.
pub async fn serve_plain(listener: TcpListener, world: PlainWorld) -> io::Result<()> {
    serve(listener, plain::router(world)).await
}

/// Serves both on one listener: their paths are different.
///
/// # Errors
/// When the listener cannot be served.
pub async fn serve_all(
    listener: TcpListener,
    model: ModelWorld,
    plain: PlainWorld,
) -> io::Result<()> {
    serve(listener, model::router(model).merge(plain::router(plain))).await
}

/// Serves the fault proxy until the returned future is dropped.
///
/// # Errors
/// When the listener cannot be served.
pub async fn serve_proxy(listener: TcpListener, world: ProxyWorld) -> io::Result<()> {
    proxy::serve(listener, world).await
}

async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<Connection>();
    axum::serve(CuttableListener(listener), service).await
}
