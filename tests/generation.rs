//! A live run over a scripted model and a clock that runs ahead: which calls are made, when, and
//! what they come to.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "generation/world.rs"]
mod world;

#[path = "generation/budget.rs"]
mod budget;
#[path = "generation/follow_up.rs"]
mod follow_up;
#[path = "generation/many.rs"]
mod many;
#[path = "generation/response_formats.rs"]
mod response_formats;
#[path = "generation/retries.rs"]
mod retries;
