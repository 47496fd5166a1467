//! The response format that each endpoint was found to accept. It is stored in the browser, and
//! forgotten when the endpoint's settings change.

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, STORED_FORMATS};
use crate::browser::web_storage::WebStorage;
use crate::model::{FormatMemory, ResponseFormat};
use crate::settings::ModelEndpoint;

impl Application {
    pub(super) fn restore_formats(&self) {
        if let Some(text) = WebStorage::Local.read(STORED_FORMATS) {
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

    /// Forgets the response format of an endpoint, because the operator saved its settings again.
    pub(super) fn forget_format(&self, endpoint: &ModelEndpoint) {
        if self.format_memory.borrow_mut().forget(endpoint) {
            self.store_formats();
        }
    }

    fn store_formats(&self) {
        let text = self.format_memory.borrow().text();
        if let Err(reason) = WebStorage::Local.write(STORED_FORMATS, &text) {
            self.show_web_storage_error(&reason);
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
