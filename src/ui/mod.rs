//! The page. Components render state and send commands; they decide nothing.
//!
//! `page` holds the state that is shown, `commands` lists what the page can ask of the application,
//! and `screen` holds view state such as the open task. `root` assembles the components. The other
//! folders are named after the parts of the page.

mod brief;
pub mod commands;
mod controls;
mod delivery;
mod dialogs;
mod generation;
mod header;
mod list;
pub mod page;
pub mod root;
mod screen;
mod task;
