//! The task list with its filters.

pub mod filters;
pub mod findings;
pub mod list_options;
pub mod listing;
pub mod run_tasks;
pub mod scope;
pub mod task_list;
pub mod task_row;
pub mod tasks_pane;
pub mod undo_buttons;
