//! What an operator pastes to set up a connection.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_push_string
)]

mod curl;
mod examples;
mod fetch;
mod kinds;
mod openapi;
mod powershell;
mod properties;
mod support;
