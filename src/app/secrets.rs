//! Secrets: asking the operator, storing them for the tab, and forgetting them.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, Next, problem};
use super::setup::{SECRET_PREFIX, storage_name};
use super::vault::Need;
use crate::browser::page_origin;
use crate::browser::web_storage::WebStorage;
use crate::run::{Batch, Event, Pause, Run};
use crate::secrets::SecretSlot;
use crate::settings::{Address, DEFAULT_LOOPBACK_TOKEN, DEFAULT_TOKEN_HEADER, TaskServer};
use crate::ui::page::SecretPrompt;

impl Application {
    /// Returns the address of the endpoint that uses a slot: for the API key the model endpoint of the
    /// next run, for the others the task server of the current run.
    fn address_of(&self, slot: &SecretSlot) -> Option<Address> {
        if *slot == SecretSlot::API_KEY {
            let endpoint = self.page.connection.get_untracked().model;
            return endpoint.map(|endpoint| endpoint.base_url);
        }
        self.current_task_server().map(|server| server.url)
    }

    /// The task server of the run on the page, or else of the next run.
    fn current_task_server(&self) -> Option<TaskServer> {
        self.controller
            .with_run(|run| run.connection().clone())
            .unwrap_or_else(|| self.page.connection.get_untracked())
            .task_server
    }

    /// Asks the operator for a secret, after which the action that waits continues. `refusal` says why
    /// there is none.
    pub(super) fn prompt_for(&self, slot: SecretSlot, address: Address, refusal: Option<String>) {
        let is_local = page_is_on_loopback() && address.is_loopback();
        let was_refused = refusal.is_some()
            || self.controller.with_run(|run| {
                matches!(
                    run.batch(),
                    Batch::Paused {
                        why: Pause::TokenRefused { .. }
                    }
                )
            }) == Some(true);
        // After the server has rejected a token, the default is no better guess.
        // Another header is another server's than the one whose default it is.
        let has_default_header = self.current_task_server().is_some_and(|server| {
            server.token_header == DEFAULT_TOKEN_HEADER && server.token_scheme.is_none()
        });
        let is_offered =
            slot == SecretSlot::AGENT_TOKEN && is_local && has_default_header && !was_refused;
        let offer = is_offered.then_some(DEFAULT_LOOPBACK_TOKEN);
        self.page.secret_prompt.set(Some(SecretPrompt {
            slot,
            address,
            refusal,
            default_token: offer,
        }));
    }

    /// Lets the operator enter a secret. Posting that is paused for the lack of it then resumes.
    pub(super) fn ask_for(self: &Rc<Self>, slot: SecretSlot) {
        let Some(address) = self.address_of(&slot) else {
            let what = if slot == SecretSlot::API_KEY {
                "No model endpoint is configured"
            } else {
                "No task server is configured"
            };
            return self.add_problem(problem(
                "nothing_configured",
                what,
                "Enter its address in the settings.",
            ));
        };
        let is_paused_for_token = |run: &Run| {
            matches!(
                run.batch(),
                Batch::Paused {
                    why: Pause::TokenRefused { .. } | Pause::TokenMissing
                }
            )
        };
        let resumes_posting = slot == SecretSlot::AGENT_TOKEN
            && self.controller.with_run(is_paused_for_token) == Some(true);
        let next = resumes_posting.then_some(Next::Send(Event::Resume));
        let held = self.secrets.borrow();
        let rejected = held.get(&slot, &address);
        let rejected = rejected.and_then(|secret| secret.copy_for(&address).ok());
        drop(held);
        let need = Need {
            rejected,
            ..Need::of(slot, address)
        };
        self.supply(need, next);
    }

    /// Gets a secret that the current run needs, and lets the run go on. One that is in memory was rejected
    /// by its endpoint, so it is forgotten first. If it is in a Vault, it is read again there: it may have
    /// been replaced.
    pub(super) fn request_secret(self: &Rc<Self>, slot: SecretSlot) {
        let of_run = |run: &Run| {
            let connection = run.connection();
            if slot == SecretSlot::API_KEY {
                let address = connection.model.as_ref()?.base_url.clone();
                return Some((address, run.repetition()?));
            }
            Some((connection.task_server.as_ref()?.url.clone(), Event::Resume))
        };
        let Some((address, next)) = self.controller.with_run(of_run).flatten() else {
            return;
        };
        let rejected = self.secrets.borrow_mut().take(&slot, &address);
        WebStorage::Session.remove(&storage_name(&slot, &address));
        self.show_held_secrets();
        let refusal = rejected
            .is_some()
            .then(|| format!("{} rejected the {}.", address.host_and_port(), slot.label()));
        let need = Need {
            rejected,
            refusal,
            ..Need::of(slot, address)
        };
        self.supply(need, Some(Next::Send(next)));
    }

    fn show_held_secrets(&self) {
        self.setup.show_held_secrets();
    }

    /// Takes the secrets for the connection on the page and for the run that is shown.
    pub(super) fn restore_secrets(&self) {
        self.setup.restore_secrets();
        if let Some(server) = self.current_task_server() {
            self.setup.restore_server_secrets(&server);
        }
        self.controller.recheck_for_secrets();
        self.show_held_secrets();
    }

    pub(super) fn give_secret(self: &Rc<Self>, slot: SecretSlot, value: &str, keep_for_tab: bool) {
        let Some(prompt) = self.page.secret_prompt.get_untracked() else {
            return;
        };
        let given = self
            .secrets
            .borrow_mut()
            .give(slot.clone(), &prompt.address, value);
        match given {
            Err(error) => self.page.secret_prompt.set(Some(SecretPrompt {
                refusal: Some(format!(
                    "This is not a valid {}: {error}. {}",
                    slot.label(),
                    error.hint()
                )),
                ..prompt
            })),
            Ok(()) => {
                let name = storage_name(&slot, &prompt.address);
                if !keep_for_tab {
                    // An earlier one must not be restored after a reload.
                    WebStorage::Session.remove(&name);
                } else if let Err(reason) = WebStorage::Session.write(&name, value.trim()) {
                    self.show_web_storage_error(&reason);
                }
                self.page.secret_prompt.set(None);
                self.show_held_secrets();
                self.controller.recheck_for_secrets();
                self.run_next();
                self.supply_next();
            }
        }
    }

    pub(super) fn dismiss_secret_prompt(self: &Rc<Self>) {
        self.wait_with(None);
        self.page.secret_prompt.set(None);
        self.supply_next();
    }

    pub(super) fn forget_secrets(self: &Rc<Self>) {
        // Includes those of other connections, which are not in memory.
        WebStorage::Session.remove_all(SECRET_PREFIX);
        self.secrets.borrow_mut().forget_all();
        self.show_vault_tokens();
        self.show_held_secrets();
    }
}

/// Whether the page itself is served from this machine.
fn page_is_on_loopback() -> bool {
    Address::parse(&page_origin()).is_ok_and(|address| address.is_loopback())
}
