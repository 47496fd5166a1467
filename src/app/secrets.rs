//! Secrets: asked for, given, kept for the tab, forgotten.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};

use super::application::{Application, Next, problem};
use crate::browser::local::{self, WebStorage};
use crate::run::{Batch, Event, Pause, Run};
use crate::secrets::SecretName;
use crate::settings::{Address, DEFAULT_LOOPBACK_TOKEN};
use crate::ui::page::SecretPrompt;

impl Application {
    /// The address that a secret belongs to.
    pub(super) fn address_of(&self, name: SecretName) -> Option<Address> {
        let shown = self.controller.with_run(|run| run.connection().clone());
        match name {
            // A key is asked for before a run starts, a token for the run that is shown.
            SecretName::ModelKey => {
                let endpoint = self.page.connection.get_untracked().model;
                endpoint.map(|endpoint| endpoint.base_url)
            }
            SecretName::AgentToken => shown
                .unwrap_or_else(|| self.page.connection.get_untracked())
                .task_server
                .map(|server| server.url),
        }
    }

    pub(super) fn ask(&self, name: SecretName, refused: Option<String>, next: Next) {
        let Some(address) = self.address_of(name) else {
            return self.add_problem(problem(
                "nothing_configured",
                "There is no server to give it to.",
                "Name the server in the settings.",
            ));
        };
        self.ask_for_address(name, address, refused, next);
    }

    /// Asks for a secret that belongs to an address.
    pub(super) fn ask_for_address(
        &self,
        name: SecretName,
        address: Address,
        refused: Option<String>,
        next: Next,
    ) {
        let on_loopback = page_is_on_loopback() && address.is_loopback();
        let offer =
            (name == SecretName::AgentToken && on_loopback).then_some(DEFAULT_LOOPBACK_TOKEN);
        *self.next.borrow_mut() = next;
        self.page.secret_prompt.set(Some(SecretPrompt {
            name,
            address,
            refusal: refused,
            default_token: offer,
        }));
    }

    /// The operator wants to give a secret now. Posting that waits for it goes on with it.
    pub(super) fn ask_for(&self, name: SecretName) {
        let waits = |run: &Run| {
            matches!(
                run.batch(),
                Batch::Paused {
                    why: Pause::TokenRefused { .. } | Pause::TokenMissing
                }
            )
        };
        let is_waited_for =
            name == SecretName::AgentToken && self.controller.with_run(waits).unwrap_or(false);
        let next = if is_waited_for {
            Next::Send(Event::Resume)
        } else {
            Next::Nothing
        };
        self.ask(name, None, next);
    }

    /// A run's secret was not accepted, or was missing.
    pub(super) fn follow_up(&self, name: SecretName) {
        let Some(address) = self.address_of(name) else {
            return;
        };
        let was_held = self.secrets.borrow().get(name, &address).is_some();
        self.secrets.borrow_mut().forget(name, &address);
        local::remove(WebStorage::Tab, &kept_secret(name, &address));
        self.show_held();
        let refused = was_held.then(|| {
            format!(
                "{} does not accept the {} it was given.",
                address.host_and_port(),
                name.word()
            )
        });
        self.ask(name, refused, Next::Send(Event::Resume));
    }

    pub(super) fn holds(&self, name: SecretName) -> bool {
        self.address_of(name)
            .is_some_and(|address| self.secrets.borrow().get(name, &address).is_some())
    }

    pub(super) fn show_held(&self) {
        self.page.secrets_held.set(self.secrets.borrow().held());
        self.suggest_mode();
    }

    pub(super) fn load_kept_secrets(&self) {
        for name in [SecretName::ModelKey, SecretName::AgentToken] {
            let Some(address) = self.address_of(name) else {
                continue;
            };
            if let Some(value) = local::read(WebStorage::Tab, &kept_secret(name, &address)) {
                // What was kept was accepted when it was typed.
                let _ = self.secrets.borrow_mut().give(name, &address, &value);
            }
        }
        self.page.secrets_held.set(self.secrets.borrow().held());
    }

    pub(super) fn go_on(self: &Rc<Self>) {
        match std::mem::replace(&mut *self.next.borrow_mut(), Next::Nothing) {
            Next::Nothing => {}
            Next::Start(mode) => self.start(mode),
            Next::Send(event) => self.send(event),
        }
    }

    pub(super) fn give_secret(self: &Rc<Self>, name: SecretName, value: &str, keep_for_tab: bool) {
        let Some(prompt) = self.page.secret_prompt.get_untracked() else {
            return;
        };
        let given = self.secrets.borrow_mut().give(name, &prompt.address, value);
        match given {
            Err(error) => self.page.secret_prompt.set(Some(SecretPrompt {
                refusal: Some(format!(
                    "This cannot be a {}: {error}. {}",
                    name.word(),
                    error.hint()
                )),
                ..prompt
            })),
            Ok(()) => {
                let kept = kept_secret(name, &prompt.address);
                if !keep_for_tab {
                    // An earlier one that was kept must not come back.
                    local::remove(WebStorage::Tab, &kept);
                } else if let Err(reason) = local::write(WebStorage::Tab, &kept, value.trim()) {
                    self.note_local(&reason);
                }
                self.page.secret_prompt.set(None);
                self.show_held();
                self.go_on();
            }
        }
    }

    pub(super) fn dismiss_secret_prompt(self: &Rc<Self>) {
        *self.next.borrow_mut() = Next::Nothing;
        self.page.secret_prompt.set(None);
    }

    pub(super) fn forget_secrets(self: &Rc<Self>) {
        // Those of other connections too, which are not in memory now.
        local::remove_all(WebStorage::Tab, KEPT_SECRETS);
        self.secrets.borrow_mut().forget_all();
        self.show_held();
    }
}

/// Names of secrets that are kept for the tab begin so.
const KEPT_SECRETS: &str = "secret.";

fn kept_secret(name: SecretName, address: &Address) -> String {
    format!("{KEPT_SECRETS}{}.{}", name.word(), address.origin())
}

/// Whether the page itself comes from this machine.
fn page_is_on_loopback() -> bool {
    web_sys::window()
        .and_then(|window| window.location().origin().ok())
        .and_then(|origin| Address::parse(&origin).ok())
        .is_some_and(|address| address.is_loopback())
}
