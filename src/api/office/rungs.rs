//! What endpoints were found not to take: kept in the browser, forgotten with new settings.

use leptos::prelude::{GetUntracked, Set};

use super::{KEPT_RUNGS, Office};
use crate::browser::local::{self, Shelf};
use crate::model::{Rung, RungMemory};
use crate::settings::ModelEndpoint;

impl Office {
    pub(super) fn read_rungs(&self) {
        if let Some(text) = local::read(Shelf::Browser, KEPT_RUNGS) {
            *self.rungs.borrow_mut() = RungMemory::read(&text);
        }
    }

    /// An endpoint was found not to take more than this.
    pub(super) fn remember_rung(&self, endpoint: &ModelEndpoint, rung: Rung) {
        self.rungs.borrow_mut().remember(endpoint, rung);
        self.keep_rungs();
    }

    /// The operator gave this endpoint settings: it is asked for all again.
    pub(super) fn forget_rung(&self, endpoint: &ModelEndpoint) {
        if self.rungs.borrow_mut().forget(endpoint) {
            self.keep_rungs();
        }
    }

    fn keep_rungs(&self) {
        let text = self.rungs.borrow().text();
        if let Err(reason) = local::write(Shelf::Browser, KEPT_RUNGS, &text) {
            self.note_local(&reason);
        }
        self.show_rung();
    }

    /// Says on the page how the endpoint of the next run is asked.
    pub(super) fn show_rung(&self) {
        let endpoint = self.page.connection.get_untracked().model;
        let rung = endpoint.map(|endpoint| self.rungs.borrow().rung(&endpoint));
        self.page.rung.set(rung.unwrap_or_default());
    }
}
