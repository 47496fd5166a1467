//! The settings of a connection: its endpoints, its task schema, and the secrets in memory.

use leptos::prelude::*;

use super::connection_test::ConnectionTestGroup;
use super::modal::Modal;
use super::paste_group::PasteGroup;
use super::secret_entry::SecretEntry;
use super::settings_fields::{
    ConnectionGroup, ModelGroup, SchemaGroup, SecretsGroup, ServerGroup, VaultGroup,
};
use crate::paste::{PastedSecrets, check_form, secrets_for};
use crate::secrets::{Secret, SecretSlot, SecretUse};
use crate::settings::form::{ConnectionForm, FieldProblem, FormField};
use crate::settings::{Address, Connection};
use crate::text::sentences;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::ConnectionTest;
use crate::ui::screen::Screen;

/// The name of the dialog.
pub(super) const DIALOG: &str = "settings";

/// The id of the sentence that says why the settings cannot be saved.
const LOCKED: &str = "settings-why";

/// The state that the parts of the dialog share.
#[derive(Clone, Copy)]
pub struct Settings {
    /// The page.
    pub screen: Screen,
    /// The values of the fields.
    pub form: RwSignal<ConnectionForm>,
    /// The errors found at the last attempt to save.
    pub problems: RwSignal<Vec<FieldProblem>>,
    /// The field of the API key.
    pub api_key: SecretInput,
    /// The field of the agent token.
    pub agent_token: SecretInput,
    /// The secrets of a text that was pasted. No signal holds them.
    pasted: StoredValue<PastedSecrets, LocalStorage>,
    /// The names of those secrets.
    pub pasted_slots: RwSignal<Vec<SecretSlot>>,
}

/// A field for a secret. No signal holds what is typed.
#[derive(Clone, Copy)]
pub struct SecretInput {
    /// The field.
    pub entry: SecretEntry,
    /// Why the text cannot be a secret.
    pub error: RwSignal<Option<String>>,
}

/// A text that cannot be a secret, or may not be the secret alone. The page says so at its field.
pub struct NotASecret;

impl SecretInput {
    fn new(usage: Signal<SecretUse>) -> SecretInput {
        SecretInput {
            entry: SecretEntry::new(usage),
            error: RwSignal::new(None),
        }
    }

    fn is_empty(self) -> bool {
        self.entry.text().is_empty()
    }

    /// The secret for this address, if there are both.
    fn read(
        self,
        slot: SecretSlot,
        address: Option<&Address>,
    ) -> Result<Option<(SecretSlot, Secret)>, NotASecret> {
        self.error.set(None);
        let Some(address) = address else {
            return Ok(None);
        };
        if !self.entry.may_use() {
            return Err(NotASecret);
        }
        let value = self.entry.text();
        if value.trim().is_empty() {
            return Ok(None);
        }
        match Secret::new(&value, address) {
            Ok(secret) => Ok(Some((slot, secret))),
            Err(error) => {
                let message = format!("This is not a valid {}: {error}", slot.label());
                self.error.set(Some(sentences(&message, error.hint())));
                Err(NotASecret)
            }
        }
    }
}

impl Settings {
    /// Changes the values. Errors are updated at the next attempt to save. The result of a connection
    /// test is about what was entered before.
    pub fn change(&self, change: impl FnOnce(&mut ConnectionForm)) {
        self.form.update(change);
        let test = self.screen.page.connection_test;
        if test.with_untracked(|test| *test != ConnectionTest::NotStarted) {
            test.set(ConnectionTest::NotStarted);
        }
    }

    /// Replaces all values. A secret that was typed for another server is cleared.
    pub fn replace(&self, form: ConnectionForm) {
        let before = self.form.get_untracked();
        for (field, input) in [
            (FormField::BaseUrl, self.api_key),
            (FormField::ServerUrl, self.agent_token),
        ] {
            let origin = |form: &ConnectionForm| {
                Address::parse(form.text(field)).map(|address| address.origin())
            };
            if origin(&before) != origin(&form) {
                input.entry.clear();
            }
        }
        self.change(|current| *current = form);
    }

    /// The error of a field.
    pub fn error(&self, field: FormField) -> Signal<Option<String>> {
        let problems = self.problems;
        Signal::derive(move || {
            problems.with(|problems| {
                problems
                    .iter()
                    .find(|problem| problem.field == field)
                    .map(|problem| problem.message.clone())
            })
        })
    }

    /// Whether anything differs from what the dialog was opened with.
    fn is_changed(&self, initial: &ConnectionForm) -> bool {
        self.form.with_untracked(|form| form != initial)
            || !self.api_key.is_empty()
            || !self.agent_token.is_empty()
            || self.pasted.with_value(|pasted| !pasted.is_empty())
    }

    /// Keeps the secrets of a pasted text until the settings are saved.
    pub fn add_pasted_secrets(&self, secrets: PastedSecrets) {
        let slots = secrets.iter().map(|(slot, _)| slot.clone()).collect();
        self.pasted_slots.set(slots);
        self.pasted.set_value(secrets);
    }

    /// The secrets that were pasted or typed for this connection; those that were typed come last.
    pub fn secrets(
        &self,
        connection: &Connection,
    ) -> Result<Vec<(SecretSlot, Secret)>, NotASecret> {
        let model = connection.model.as_ref().map(|model| &model.base_url);
        let server = connection.task_server.as_ref().map(|server| &server.url);
        let api_key = self.api_key.read(SecretSlot::API_KEY, model);
        let agent_token = self.agent_token.read(SecretSlot::AGENT_TOKEN, server);
        let addresses: Vec<&Address> = model.into_iter().chain(server).collect();
        let pasted = self.pasted.with_value(|pasted| {
            let of_address = addresses.iter().map(|address| secrets_for(pasted, address));
            of_address.flatten().collect::<Vec<_>>()
        });
        Ok(pasted
            .into_iter()
            .chain(api_key?)
            .chain(agent_token?)
            .collect())
    }
}

/// A text field of the form.
#[component]
pub(super) fn ConnectionField(
    settings: Settings,
    field: FormField,
    #[prop(optional)] list: &'static str,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let info = field.info();
    let form = settings.form;
    let value = Signal::derive(move || form.with(|form| form.text(field).to_owned()));
    let error = settings.error(field);
    let on_input = move |text: String| settings.change(|form| form.set(field, text));
    match info.rows {
        Some(rows) => view! {
            <TextField
                id=info.id
                label=info.label
                class=if field == FormField::SchemaText { "paste" } else { "mono" }
                rows
                is_code=true
                placeholder=info.placeholder
                hint=info.hint
                value
                on_input
                error
            />
        }
        .into_any(),
        None => view! {
            <TextField
                id=info.id
                label=info.label
                class="mono"
                is_code=true
                autofocus
                placeholder=info.placeholder
                input_mode=info.input_mode
                list
                hint=info.hint
                value
                on_input
                error
            />
        }
        .into_any(),
    }
}

/// The dialog. Closing it asks first if something would be lost.
#[component]
pub fn SettingsDialog(
    screen: Screen,
    /// The connection to edit.
    connection: Connection,
) -> impl IntoView {
    let page = screen.page;
    let initial = StoredValue::new(ConnectionForm::of(&connection));
    let form = RwSignal::new(initial.get_value());
    let usage_of_token = Signal::derive(move || {
        form.with(|form| {
            let text = |field| form.text(field).trim();
            let is_whole_header = text(FormField::TokenScheme).is_empty()
                && text(FormField::TokenHeader).eq_ignore_ascii_case("authorization");
            SecretUse::Header {
                keeps_scheme: is_whole_header,
            }
        })
    });
    let usage_of_key = Signal::stored(SecretUse::Header {
        keeps_scheme: false,
    });
    let settings = Settings {
        screen,
        form,
        problems: RwSignal::new(Vec::new()),
        api_key: SecretInput::new(usage_of_key),
        agent_token: SecretInput::new(usage_of_token),
        pasted: StoredValue::new_local(Vec::new()),
        pasted_slots: RwSignal::new(Vec::new()),
    };
    let was_sent = RwSignal::new(false);
    let asks_to_discard = RwSignal::new(false);
    let title = match connection.name.as_str() {
        "" => "New connection".to_owned(),
        name => format!("Settings: {name}"),
    };
    let is_new = connection.name.is_empty();
    let has_no_model = connection.model.is_none();
    let id = connection.id;
    let is_locked = Memo::new(move |_| {
        screen.is_posting.get()
            && page
                .run
                .with(|run| run.as_ref().is_some_and(|run| run.connection.id == id))
    });
    let close = Callback::new(move |()| screen.dialog.set(None));
    let leave = Callback::new(move |()| {
        let is_changed = initial.with_value(|initial| settings.is_changed(initial));
        if is_changed && !asks_to_discard.get_untracked() {
            asks_to_discard.set(true);
        } else {
            close.run(());
        }
    });
    let save = Callback::new(move |()| {
        if is_locked.get_untracked() {
            return;
        }
        asks_to_discard.set(false);
        was_sent.set(false);
        let connection = match settings.form.with_untracked(check_form) {
            Err(problems) => return settings.problems.set(problems),
            Ok(connection) => connection,
        };
        settings.problems.set(Vec::new());
        let Ok(secrets) = settings.secrets(&connection) else {
            return;
        };
        was_sent.set(true);
        screen.command(move |commands| commands.connect(connection, secrets));
        let is_asked = page.leak_prompt.with_untracked(Option::is_some);
        if page.settings_problem.with_untracked(Option::is_none) && !is_asked {
            close.run(());
        }
    });
    let refused = move || page.settings_problem.get().filter(|_| was_sent.get());
    view! {
        <Modal name=DIALOG title=Signal::stored(title) wide=true on_close=leave on_submit=save>
            <div class="dialog-body">
                {move || refused().map(problem_panel)}
                {if is_new {
                    view! { <PasteGroup settings is_new/> }.into_any()
                } else {
                    view! {
                        <details class="fold" open=has_no_model>
                            <summary>"Set up by pasting"</summary>
                            <PasteGroup settings is_new/>
                        </details>
                    }
                        .into_any()
                }}
                <ConnectionGroup settings is_new/>
                <ModelGroup settings/>
                <ServerGroup settings/>
                <SchemaGroup settings/>
                <VaultGroup settings/>
                <ConnectionTestGroup settings/>
                <SecretsGroup screen/>
            </div>
            <Show
                when=move || asks_to_discard.get()
                fallback=move || {
                    view! {
                        <div class="dialog-foot">
                            <Show when=move || is_locked.get()>
                                <p class="hint" id=LOCKED>
                                    "Tasks are being posted. Pause or stop posting to change the settings."
                                </p>
                            </Show>
                            <Button label="Cancel" on_press=move || leave.run(())/>
                            <Button
                                kind=ButtonKind::Main
                                label="Save settings"
                                disabled_by=Signal::derive(move || {
                                    is_locked.get().then_some(LOCKED)
                                })
                            />
                        </div>
                    }
                }
            >
                <DiscardQuestion asks_to_discard close/>
            </Show>
        </Modal>
    }
}

/// The question whether to discard what was changed, in place of the buttons.
#[component]
fn DiscardQuestion(asks_to_discard: RwSignal<bool>, close: Callback<()>) -> impl IntoView {
    view! {
        <div class="dialog-foot" role="alert">
            <p class="hint">"Discard your changes to these settings?"</p>
            <Button
                kind=ButtonKind::Danger
                label="Discard changes"
                on_press=move || close.run(())
            />
            <Button
                kind=ButtonKind::Main
                label="Keep editing"
                on_press=move || asks_to_discard.set(false)
            />
        </div>
    }
}
