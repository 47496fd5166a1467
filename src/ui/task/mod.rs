//! The open task and its tabs.

pub mod attempts;
pub mod changes_tab;
pub mod decisions;
pub mod delivery_tab;
pub mod json_editor;
pub mod suggested_edits;
pub mod task_detail;
pub mod unconfirmed;
