//! The secret that posting needs and that is not held, in the confirmation: mostly the agent token.

use leptos::html;
use leptos::prelude::*;

use super::secret_entry::SecretEntry;
use super::secret_field::{SECRET, SecretField};
use crate::secrets::{Secret, SecretError, SecretSlot, SecretUse};
use crate::settings::Connection;
use crate::ui::controls::focus::focus_by_id;
use crate::ui::page::SecretPrompt;
use crate::ui::screen::Screen;

/// The header of the task server that carries a secret.
pub fn header_of(slot: &SecretSlot, connection: &Connection) -> Option<String> {
    match slot.header_name() {
        Some(name) => Some(name.to_owned()),
        None => Some(connection.task_server.as_ref()?.token_header.clone()),
    }
}

/// How the task server's header carries a secret. The scheme of the agent token is a setting.
pub fn use_of(slot: &SecretSlot, connection: &Connection) -> SecretUse {
    let has_scheme = *slot == SecretSlot::AGENT_TOKEN
        && connection
            .task_server
            .as_ref()
            .is_some_and(|server| server.token_scheme.is_some());
    let header = header_of(slot, connection);
    let is_authorization = header.is_some_and(|name| name.eq_ignore_ascii_case("authorization"));
    SecretUse::Header {
        keeps_scheme: is_authorization && !has_scheme,
    }
}

/// The state of the field.
#[derive(Clone, Copy)]
pub struct MissingSecret {
    screen: Screen,
    connection: Memo<Connection>,
    entry: SecretEntry,
    keep: NodeRef<html::Input>,
    error: RwSignal<Option<String>>,
}

impl MissingSecret {
    /// An empty field for what posting by this connection needs. Asks the application what that is.
    pub fn new(screen: Screen, connection: Memo<Connection>) -> MissingSecret {
        screen.command(|commands| commands.prepare_post());
        on_cleanup(move || screen.page.post_prompt.set(None));
        let usage = Signal::derive(move || {
            let prompt = screen.page.post_prompt.get();
            let slot = prompt.map_or(SecretSlot::AGENT_TOKEN, |prompt| prompt.slot);
            connection.with(|connection| use_of(&slot, connection))
        });
        MissingSecret {
            screen,
            connection,
            entry: SecretEntry::new(usage),
            keep: NodeRef::new(),
            error: RwSignal::new(None),
        }
    }

    /// What is missing. Tracks it.
    pub fn prompt(self) -> Option<SecretPrompt> {
        self.screen.page.post_prompt.get()
    }

    /// Holds what was entered. Returns whether posting can go on; if not, the field says why.
    pub fn hold(self) -> bool {
        let Some(prompt) = untrack(|| self.prompt()) else {
            return true;
        };
        if !self.entry.may_use() {
            focus_by_id(SECRET);
            return false;
        }
        let SecretPrompt { slot, address, .. } = prompt;
        let text = self.entry.text();
        let noun = slot.label();
        let error = match Secret::new(&text, &address) {
            Ok(_) => None,
            Err(SecretError::Empty) => Some(format!("Enter the {noun}.")),
            Err(error) => Some(format!(
                "This is not a valid {noun}: {error}. {}",
                error.hint()
            )),
        };
        let is_usable = error.is_none();
        self.error.set(error);
        if is_usable {
            let keep_for_tab = self.keep.get_untracked().is_some_and(|keep| keep.checked());
            self.screen.command(move |commands| {
                commands.hold_secret(slot, &address, &text, keep_for_tab);
            });
        } else {
            focus_by_id(SECRET);
        }
        is_usable
    }
}

/// The field.
#[component]
pub fn MissingSecretField(
    secret: MissingSecret,
    prompt: SecretPrompt,
    /// Whether the field gets the focus when the dialog opens.
    autofocus: bool,
    /// Submits the confirmation.
    on_default: Callback<()>,
) -> impl IntoView {
    let SecretPrompt {
        slot,
        default_token,
        ..
    } = prompt;
    let noun = slot.label().to_owned();
    let connection = secret.connection;
    let header = Signal::derive(move || connection.with(|connection| header_of(&slot, connection)));
    let use_default = move |token: &'static str| {
        secret.entry.fill(token);
        on_default.run(());
    };
    view! {
        <SecretField
            entry=secret.entry
            autofocus
            keep=secret.keep
            noun=Signal::stored(noun)
            header
            error=secret.error
            default_token=Signal::stored(default_token)
            on_default=use_default
        />
    }
}
