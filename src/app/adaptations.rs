//! The adaptations that endpoints were found to need. They are stored in the browser, shown in the
//! settings, and forgotten when the operator clears them.

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, STORED_ADAPTATIONS};
use crate::browser::web_storage::WebStorage;
use crate::model::{AdaptationMemory, Adaptations};
use crate::settings::ModelEndpoint;

impl Application {
    pub(super) fn restore_adaptations(&self) {
        if let Some(text) = WebStorage::Local.read(STORED_ADAPTATIONS) {
            *self.adaptation_memory.borrow_mut() = AdaptationMemory::read(&text);
        }
    }

    /// Remembers adaptations that an endpoint needs.
    pub(super) fn remember_adaptations(&self, endpoint: &ModelEndpoint, adaptations: &Adaptations) {
        self.adaptation_memory
            .borrow_mut()
            .remember(endpoint, adaptations);
        self.store_adaptations();
    }

    /// Forgets the adaptations of the connection's endpoint and model.
    pub(super) fn clear_adaptations(&self) {
        if let Some(endpoint) = self.page.connection.get_untracked().model {
            self.adaptation_memory.borrow_mut().forget(&endpoint);
            self.store_adaptations();
        }
    }

    fn store_adaptations(&self) {
        let text = self.adaptation_memory.borrow().text();
        if let Err(reason) = WebStorage::Local.write(STORED_ADAPTATIONS, &text) {
            self.show_web_storage_error(&reason);
        }
        self.show_adaptations();
    }

    /// Shows the adaptations that the next run starts with.
    pub(super) fn show_adaptations(&self) {
        let endpoint = self.page.connection.get_untracked().model;
        let adaptations = endpoint.map(|endpoint| self.adaptation_memory.borrow().of(&endpoint));
        self.page.adaptations.set(adaptations.unwrap_or_default());
    }
}
