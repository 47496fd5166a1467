//! Setting up what the other commands need. Each step is skipped when it is done already, says in
//! one line what it does while it does it, and fails with what to do.

pub mod browser;
pub mod cache;
pub mod packages;
pub mod tools;
pub mod wasm_target;
