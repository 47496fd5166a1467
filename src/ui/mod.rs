//! The page. Components show state and send events; they decide nothing.
//!
//! `page` is what is shown, `desk` is what can be asked for, `screen` is what only the screen
//! knows, such as the task that is open; every component is given it. `app` puts them together.

pub mod app;
mod attempts;
mod brief_form;
mod brief_pane;
mod changes_tab;
mod code_block;
mod decisions;
mod delivery_banner;
mod delivery_tab;
mod delivery_words;
pub mod desk;
mod dialogs;
mod field;
mod filters;
mod focus;
mod foot;
mod foot_paused;
mod foot_posting;
mod header;
mod icons;
mod json_editor;
mod mode_band;
mod notices;
mod onlooker_band;
mod outcome_banner;
mod outcome_words;
pub mod page;
mod proposals;
mod request_tab;
mod requests;
mod schema_tab;
mod screen;
mod stream_line;
mod tabs;
mod task_detail;
mod task_list;
mod task_row;
mod tasks_pane;
mod times;
mod toasts;
mod unknown_fate;
