//! Opening the application behind a page: the entrance to its piece of the module.

use std::rc::Rc;

use leptos::prelude::Owner;

use super::application::Application;
use super::commands::ApplicationCommands;
use crate::pieces::piece_entry;
use crate::ui::commands::PageCommands;
use crate::ui::page::Page;

piece_entry! {
    /// Opens the application: restores stored data, reads `config.json`, and applies the link in
    /// `query`, the query of the page's own address. It keeps `owner`, which holds the page's signals.
    ///
    /// # Errors
    /// `NotLoaded` if the application could not be loaded.
    application(load): pub fn open(page: Page, owner: Owner, query: String) -> Rc<dyn PageCommands> {
        Rc::new(ApplicationCommands(owner.with(|| Application::open(page, &query))))
    }
}
