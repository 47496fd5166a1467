//! Taskwright: a brief becomes schema-checked tasks in a task server, from a browser tab.
//!
//! The folders follow the way of a task. From the ground up, each using only what stands before it
//! (`secrets` is for everyone; a test reads the `use crate::` lines and keeps the order):
//!
//! `retry_after, document ← schema ← settings, brief ← prompt, model ← review ← delivery, dry_run ← run ← ports
//! ← driver ← browser, ui ← api`
//!
//! Everything before `browser` compiles and is tested natively.

pub mod api;
pub mod brief;
pub mod delivery;
pub mod document;
pub mod driver;
pub mod dry_run;
pub mod model;
pub mod ports;
pub mod prompt;
pub mod retry_after;
pub mod review;
pub mod run;
pub mod schema;
pub mod secrets;
pub mod settings;

#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod ui;
