//! The page. Components render state and send events; they decide nothing.
//!
//! `page` is the state that is shown, `commands` is what the page can ask of the application, and
//! `screen` is what only the screen knows, such as which task is open. `root` puts the components
//! together; the other folders are named after the parts of the page that the operator sees.

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
