//! Response formats that endpoints were found to refuse: stored in the browser, forgotten when the
//! settings change.

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, KEPT_FORMATS};
use crate::browser::local::{self, WebStorage};
use crate::model::{FormatMemory, ResponseFormat};
use crate::settings::ModelEndpoint;

impl Application {
    pub(super) fn read_formats(&self) {
        if let Some(text) = local::read(WebStorage::Local, KEPT_FORMATS) {
            *self.format_memory.borrow_mut() = FormatMemory::read(&text);
        }
    }

    /// Remembers the response format that an endpoint accepts.
    pub(super) fn remember_format(
        &self,
        endpoint: &ModelEndpoint,
        response_format: ResponseFormat,
    ) {
        self.format_memory
            .borrow_mut()
            .remember(endpoint, response_format);
        self.store_formats();
    }

    /// Forgets it, because the operator changed the settings of the endpoint.
    pub(super) fn forget_format(&self, endpoint: &ModelEndpoint) {
        if self.format_memory.borrow_mut().forget(endpoint) {
            self.store_formats();
        }
    }

    fn store_formats(&self) {
        let text = self.format_memory.borrow().text();
        if let Err(reason) = local::write(WebStorage::Local, KEPT_FORMATS, &text) {
            self.note_local(&reason);
        }
        self.show_format();
    }

    /// Shows the response format that the next run starts with.
    pub(super) fn show_format(&self) {
        let endpoint = self.page.connection.get_untracked().model;
        let response_format =
            endpoint.map(|endpoint| self.format_memory.borrow().response_format(&endpoint));
        self.page
            .response_format
            .set(response_format.unwrap_or_default());
    }
}
