//! Secrets: asking the operator, storing them for the tab, and forgetting them.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, Next, problem};
use super::guard::{Action, Decision};
use super::setup::{SECRET_PREFIX, storage_name};
use super::vault::Need;
use crate::browser::page_origin;
use crate::browser::web_storage::WebStorage;
use crate::run::{Batch, Event, Pause, Run};
use crate::secrets::{SecretError, SecretSlot};
use crate::settings::{Address, TaskServer};
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
        let prompt = self.prompt_of(slot, address, refusal);
        self.page.secret_prompt.set(Some(prompt));
    }

    fn prompt_of(
        &self,
        slot: SecretSlot,
        address: Address,
        refusal: Option<String>,
    ) -> SecretPrompt {
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
        let may_offer = slot == SecretSlot::AGENT_TOKEN && !was_refused;
        let server = self.current_task_server().filter(|_| may_offer);
        let default_token = server.and_then(|server| server.local_default_token(&page_origin()));
        SecretPrompt {
            slot,
            address,
            refusal,
            default_token,
        }
    }

    /// Lets the confirmation ask for the secret that posting needs, if nothing else keeps the tasks from
    /// being posted and no Vault has it.
    pub(super) fn prepare_post(&self) {
        let digest = self.controller.with_run(Run::confirmation).flatten();
        let event = digest.map(|confirmation| Event::Post {
            digest: confirmation.digest,
        });
        let needed = event.and_then(|event| match self.decide(Action::Send(&event)) {
            Decision::Prompt { slot, address } => Some(Need::of(slot, address)),
            _ => None,
        });
        let needed = needed.filter(|need| self.connection_with(need).is_none());
        let prompt = needed.map(|need| self.prompt_of(need.slot, need.address, None));
        self.page.post_prompt.set(prompt);
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
        WebStorage::Session.remove(&self.stored_as(&slot, &address));
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

    /// The name under which a secret of the current run, or of the next one, is stored for the tab.
    fn stored_as(&self, slot: &SecretSlot, address: &Address) -> String {
        storage_name(slot, address, self.secrets.borrow().connection())
    }

    fn show_held_secrets(&self) {
        self.setup.show_held_secrets();
    }

    /// Takes the secrets for the connection on the page and for the run that is shown.
    pub(super) fn restore_secrets(&self) {
        self.setup.restore_secrets();
        if let Some(connection) = self.controller.with_run(|run| run.connection().clone()) {
            self.setup.restore_server_secrets(&connection);
        }
        self.controller.recheck_for_secrets();
        self.show_held_secrets();
    }

    pub(super) fn give_secret(self: &Rc<Self>, slot: SecretSlot, value: &str, keep_for_tab: bool) {
        let Some(prompt) = self.page.secret_prompt.get_untracked() else {
            return;
        };
        match self.hold_secret(&slot, &prompt.address, value, keep_for_tab) {
            Err(error) => self.page.secret_prompt.set(Some(SecretPrompt {
                refusal: Some(format!(
                    "This is not a valid {}: {error}. {}",
                    slot.label(),
                    error.hint()
                )),
                ..prompt
            })),
            Ok(()) => {
                self.page.secret_prompt.set(None);
                self.run_next();
                self.supply_next();
            }
        }
    }

    /// Adds a secret to those that are held, and checks the tasks for it.
    ///
    /// # Errors
    /// [`SecretError`] if the value cannot be a secret.
    pub(super) fn hold_secret(
        &self,
        slot: &SecretSlot,
        address: &Address,
        value: &str,
        keep_for_tab: bool,
    ) -> Result<(), SecretError> {
        let mut held = self.secrets.borrow_mut();
        held.give(slot.clone(), address, value)?;
        drop(held);
        let name = self.stored_as(slot, address);
        if !keep_for_tab {
            // An earlier one must not be restored after a reload.
            WebStorage::Session.remove(&name);
        } else if let Err(reason) = WebStorage::Session.write(&name, value.trim()) {
            self.show_web_storage_error(&reason);
        }
        self.show_held_secrets();
        self.controller.recheck_for_secrets();
        Ok(())
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
