//! The server as its users meet it: the real program, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod client;
mod cors;
mod draining;
mod durability;
mod limits;
mod pages;
mod reading;
mod secrets;
mod server;
mod starting;
mod taking;
mod tls;
