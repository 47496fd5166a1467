//! Taskwright: a brief becomes schema-checked tasks in a task server, from a browser tab.

pub mod document;
pub mod schema;
