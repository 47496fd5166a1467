//! Live generations against a scripted model and a clock that skips waits: which calls are made,
//! when, and with which outcome.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "generation/scenario.rs"]
mod scenario;

#[path = "generation/adaptations.rs"]
mod adaptations;
#[path = "generation/follow_up.rs"]
mod follow_up;
#[path = "generation/limits.rs"]
mod limits;
#[path = "generation/many.rs"]
mod many;
#[path = "generation/response_formats.rs"]
mod response_formats;
#[path = "generation/retries.rs"]
mod retries;
