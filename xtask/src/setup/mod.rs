//! Installing what the other commands need. Each step is skipped if it is already done, prints one
//! line when it starts, and fails with a hint on what to do.

pub mod browser;
pub mod cache;
pub mod packages;
pub mod tools;
pub mod wasm_target;
