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

#[path = "generation/again.rs"]
mod again;
#[path = "generation/budget.rs"]
mod budget;
#[path = "generation/many.rs"]
mod many;
#[path = "generation/retries.rs"]
mod retries;
#[path = "generation/rungs.rs"]
mod rungs;
