//! The page. Components render state and send commands; they decide nothing.
//!
//! `page` holds the state that is shown, `commands` lists what the page can ask of the application,
//! `screen` holds view state such as the open task, `stored_brief` keeps the brief of the form in this
//! browser and `saved_briefs` those with a name, and `shell` takes over from the form in `index.html`.
//! `incoming` takes tasks that are pasted or dropped on the page, and `idle_secrets` forgets secrets when
//! nobody uses it.
//! `root` assembles the components of the first screen, and `work` those that are loaded afterwards
//! (`lazy`). The other folders are named after the parts of the page.

mod brief;
pub mod commands;
mod controls;
mod delivery;
mod dialogs;
mod generation;
mod header;
mod idle_secrets;
mod incoming;
pub mod lazy;
mod list;
pub mod page;
pub mod root;
mod saved_briefs;
mod screen;
pub mod shell;
pub mod stored_brief;
mod task;
mod work;
