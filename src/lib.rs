//! Taskwright turns a brief into schema-checked tasks and posts them to a task server, from a
//! browser tab.
//!
//! The folders follow the path of a task. A module uses only modules below it; ARCHITECTURE.md has
//! the map, and a test reads the `use crate::` lines and keeps the order. Everything below
//! `browser` compiles and is tested natively.

// The unit tests run natively. Without this line, the tests in a browser would compile the crate a
// second time for a file without tests.
#![cfg(not(all(test, target_arch = "wasm32")))]

pub mod api;
pub mod app;
pub mod brief;
pub mod connection_test;
pub mod csv;
pub mod delivery;
pub mod digest;
pub mod document;
pub mod driver;
pub mod dry_run;
pub mod http;
pub mod model;
pub mod paste;
pub mod ports;
pub mod prompt;
pub mod random;
pub mod retry_after;
pub mod review;
pub mod run;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod text;
pub mod time;
pub mod vault;
pub mod web_page;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod pieces;
#[cfg(target_arch = "wasm32")]
pub mod ui;
