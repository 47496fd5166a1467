//! What endpoints were found not to take: kept in the browser, forgotten with new settings.

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, KEPT_FORMATS};
use crate::browser::local::{self, WebStorage};
use crate::model::{FormatMemory, ResponseFormat};
use crate::settings::ModelEndpoint;

impl Application {
    pub(super) fn read_rungs(&self) {
        if let Some(text) = local::read(WebStorage::Browser, KEPT_FORMATS) {
            *self.format_memory.borrow_mut() = FormatMemory::read(&text);
        }
    }

    /// An endpoint was found not to take more than this.
    pub(super) fn remember_rung(&self, endpoint: &ModelEndpoint, response_format: ResponseFormat) {
        self.format_memory
            .borrow_mut()
            .remember(endpoint, response_format);
        self.keep_rungs();
    }

    /// The operator gave this endpoint settings: it is asked for all again.
    pub(super) fn forget_format(&self, endpoint: &ModelEndpoint) {
        if self.format_memory.borrow_mut().forget(endpoint) {
            self.keep_rungs();
        }
    }

    fn keep_rungs(&self) {
        let text = self.format_memory.borrow().text();
        if let Err(reason) = local::write(WebStorage::Browser, KEPT_FORMATS, &text) {
            self.note_local(&reason);
        }
        self.show_format();
    }

    /// Says on the page how the endpoint of the next run is asked.
    pub(super) fn show_format(&self) {
        let endpoint = self.page.connection.get_untracked().model;
        let response_format =
            endpoint.map(|endpoint| self.format_memory.borrow().response_format(&endpoint));
        self.page
            .response_format
            .set(response_format.unwrap_or_default());
    }
}
