//! The open task and its tabs.

pub mod attempts;
pub mod changes_tab;
pub mod decisions;
pub mod delivery_tab;
pub mod field_changes;
pub mod field_editor;
pub mod field_tools;
pub mod json_editor;
pub mod json_tab;
pub mod new_field;
pub mod pending_edits;
pub mod review_flow;
pub mod sheet_view;
pub mod suggested_edits;
pub mod task_detail;
pub mod unconfirmed;
