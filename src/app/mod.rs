//! The application: what connects the page to runs, connections, secrets and the browser.
//!
//! `guard` decides whether an action is allowed. `controller` owns the current run and executes its
//! effects. `setup` holds what the next run uses, and `startup` reads it; both are on the first screen.
//! `application` holds the rest of the state behind the page; `connections`, `connection_test`,
//! `description`, `diagnostics`, `export`, `secrets`, `vault`, `runs`, `stored_runs`, `receipts` and
//! `adaptations` extend it, and `opening` is where it is loaded. `commands` offers it to the page's
//! components, and `panic_page` reports a panic.

#[cfg(target_arch = "wasm32")]
mod adaptations;
#[cfg(target_arch = "wasm32")]
mod application;
#[cfg(target_arch = "wasm32")]
mod commands;
#[cfg(target_arch = "wasm32")]
mod connection_test;
#[cfg(target_arch = "wasm32")]
mod connections;
#[cfg(target_arch = "wasm32")]
mod controller;
#[cfg(target_arch = "wasm32")]
mod description;
#[cfg(target_arch = "wasm32")]
mod diagnostics;
#[cfg(target_arch = "wasm32")]
mod export;
pub mod guard;
#[cfg(target_arch = "wasm32")]
pub mod panic_page;
#[cfg(target_arch = "wasm32")]
mod receipts;
#[cfg(target_arch = "wasm32")]
mod runs;
#[cfg(target_arch = "wasm32")]
mod secrets;
#[cfg(target_arch = "wasm32")]
pub mod setup;
#[cfg(target_arch = "wasm32")]
mod startup;
#[cfg(target_arch = "wasm32")]
mod stored_runs;
#[cfg(target_arch = "wasm32")]
mod vault;

#[cfg(target_arch = "wasm32")]
pub mod opening;
