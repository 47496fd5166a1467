//! What an operator pastes to set up a connection.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod curl;
mod fetch;
mod powershell;
mod support;
