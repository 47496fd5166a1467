//! Opening the application behind a page: the entrance to its piece of the module.

use std::rc::Rc;

use leptos::prelude::Owner;

use super::application::Application;
use super::commands::ApplicationCommands;
use super::setup::Setup;
use crate::pieces::piece_entry;
use crate::ui::commands::PageCommands;

piece_entry! {
    /// Opens the application, which restores the run that the tab showed. It keeps `owner`, which holds
    /// the page's signals.
    ///
    /// # Errors
    /// `NotLoaded` if the application could not be loaded.
    application(load): pub fn open(setup: Rc<Setup>, owner: Owner) -> Rc<dyn PageCommands> {
        Rc::new(ApplicationCommands(owner.with(|| Application::open(setup))))
    }
}
