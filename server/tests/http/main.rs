//! End-to-end tests of the server: the real program, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod client;
mod cors;
mod crashes;
mod documents;
mod draining;
mod durability;
#[cfg(target_os = "linux")]
mod full_disk;
mod gateway;
mod limits;
mod openai_client;
#[cfg(unix)]
mod openbao;
mod pages;
mod posting;
mod random;
mod reading;
mod scopes;
mod secrets;
mod server;
#[cfg(target_os = "linux")]
mod small_disk;
mod starting;
mod tls;
mod upstream;
mod vault;
