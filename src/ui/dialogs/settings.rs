//! The settings: the connection of the next run, its task schema, and the secrets in memory.

use leptos::prelude::*;

use super::modal::Modal;
use super::settings_fields::{ModelGroup, SchemaGroup, SecretsGroup, ServerGroup};
use crate::settings::form::{ConnectionForm, FieldProblem, FormField};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::header::notices::problem_panel;
use crate::ui::screen::Screen;

/// The name of the dialog.
pub(super) const DIALOG: &str = "settings";

/// The state that the parts of the dialog share.
#[derive(Clone, Copy)]
pub struct Settings {
    /// The page.
    pub screen: Screen,
    /// The values of the fields.
    pub form: RwSignal<ConnectionForm>,
    /// The errors found at the last attempt to save.
    pub problems: RwSignal<Vec<FieldProblem>>,
}

impl Settings {
    /// Changes the values. Errors are updated at the next attempt to save.
    pub fn change(&self, change: impl FnOnce(&mut ConnectionForm)) {
        self.form.update(change);
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
}

/// The id of a field.
pub fn id_of(field: FormField) -> &'static str {
    match field {
        FormField::Name => "name",
        FormField::BaseUrl => "base",
        FormField::Model => "model",
        FormField::MaxOutputTokens => "max-output-tokens",
        FormField::TasksPerRequest => "tasks-per-request",
        FormField::FirstTokenTimeout => "first-token-timeout",
        FormField::IdleTimeout => "idle-timeout",
        FormField::RequestTimeout => "request-timeout",
        FormField::TokenLimit => "token-limit",
        FormField::CostLimit => "cost-limit",
        FormField::PriceInput => "price-input",
        FormField::PriceCachedInput => "price-cached-input",
        FormField::PriceOutput => "price-output",
        FormField::ServerUrl => "url",
        FormField::Path => "path",
        FormField::TokenHeader => "token-header",
        FormField::IdempotencyKeyRetention => "idempotency-key-retention",
        FormField::Concurrency => "concurrency",
        FormField::BodyTemplate => "body-template",
        FormField::SchemaText => "schema-text",
    }
}

/// The dialog.
#[component]
pub fn SettingsDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let connection = page
        .run
        .with_untracked(|run| run.as_ref().map(|run| run.connection.clone()))
        .filter(|_| screen.is_posting.get_untracked())
        .unwrap_or_else(|| page.connection.get_untracked());
    let settings = Settings {
        screen,
        form: RwSignal::new(ConnectionForm::of(&connection)),
        problems: RwSignal::new(Vec::new()),
    };
    let was_sent = RwSignal::new(false);
    let close = Callback::new(move |()| screen.dialog.set(None));
    let save = Callback::new(move |()| {
        if screen.is_posting.get_untracked() {
            return;
        }
        match settings.form.with_untracked(ConnectionForm::check) {
            Err(problems) => {
                was_sent.set(false);
                settings.problems.set(problems);
            }
            Ok(connection) => {
                settings.problems.set(Vec::new());
                was_sent.set(true);
                screen.command(move |commands| commands.connect(connection));
                if page.settings_problem.with_untracked(Option::is_none) {
                    close.run(());
                }
            }
        }
    });
    let refused = move || page.settings_problem.get().filter(|_| was_sent.get());
    let title = Signal::stored(format!("Settings: {}", connection.name));
    view! {
        <Modal name=DIALOG title wide=true on_close=close on_submit=save>
            <div class="dialog-body">
                {move || refused().map(problem_panel)}
                <fieldset class="group">
                    <legend>"Connection"</legend>
                    <div class="pair">
                        <TextField
                            id="name"
                            label="Name"
                            is_code=true
                            autofocus=true
                            value=Signal::derive(move || settings.form.with(|form| form.name.clone()))
                            on_input=move |text| settings.change(|form| form.name = text)
                            error=settings.error(FormField::Name)
                        />
                    </div>
                </fieldset>
                <ModelGroup settings/>
                <ServerGroup settings/>
                <SchemaGroup settings/>
                <SecretsGroup screen/>
            </div>
            <div class="dialog-foot">
                <Show when=move || screen.is_posting.get()>
                    <p class="hint" id="settings-why">
                        "Tasks are being posted. Pause or stop posting to change the settings."
                    </p>
                </Show>
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button
                    kind=ButtonKind::Main
                    label="Save settings"
                    disabled_by=Signal::derive(move || {
                        screen.is_posting.get().then_some("settings-why")
                    })
                />
            </div>
        </Modal>
    }
}
