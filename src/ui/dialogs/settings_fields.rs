//! The groups of the settings dialog: model, task server, task schema, secrets.

use leptos::prelude::*;

use super::modal::reveal_error_in;
use super::model_limits::ModelLimits;
use super::settings::{DIALOG, Settings, id_of};
use crate::settings::Api;
use crate::settings::form::{ConnectionForm, FieldProblem, FormField, SchemaChoice};
use crate::text::{capitalize, counted};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::controls::focus::is_focused;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::Models;
use crate::ui::screen::Screen;

/// The id of the button that lists the endpoint's models.
const LIST_MODELS: &str = "list-models";

/// A text field of the form.
#[component]
pub(super) fn ConnectionField(
    settings: Settings,
    field: FormField,
    label: &'static str,
    read: fn(&ConnectionForm) -> &String,
    write: fn(&mut ConnectionForm, String),
    #[prop(optional)] input_mode: &'static str,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional)] list: &'static str,
    #[prop(optional)] hint: &'static str,
) -> impl IntoView {
    view! {
        <TextField
            id=id_of(field)
            label
            class="mono"
            is_code=true
            input_mode
            placeholder
            list
            hint
            value=Signal::derive(move || settings.form.with(|form| read(form).clone()))
            on_input=move |text| settings.change(|form| write(form, text))
            error=settings.error(field)
        />
    }
}

/// One choice of several.
#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    #[prop(into)] is_chosen: Signal<bool>,
    on_choose: Callback<()>,
) -> impl IntoView {
    view! {
        <label>
            <input
                type="radio"
                name=name
                prop:checked=is_chosen
                on:change=move |_| on_choose.run(())
            />
            {label}
        </label>
    }
}

/// The model endpoint.
#[component]
pub fn ModelGroup(settings: Settings) -> impl IntoView {
    let page = settings.screen.page;
    let form = settings.form;
    let api = move |wanted: Api, label: &'static str| {
        view! {
            <Choice
                name="api"
                label
                is_chosen=Signal::derive(move || form.with(|form| form.api == wanted))
                on_choose=Callback::new(move |()| settings.change(|form| form.api = wanted))
            />
        }
    };
    let needs_key = move |wanted: Option<bool>, label: &'static str| {
        view! {
            <Choice
                name="needs-key"
                label
                is_chosen=Signal::derive(move || form.with(|form| form.needs_key == wanted))
                on_choose=Callback::new(move |()| settings.change(|form| form.needs_key = wanted))
            />
        }
    };
    view! {
        <fieldset class="group">
            <legend>"Model"</legend>
            <p class="hint">"Without a base URL, every run is a dry run."</p>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::BaseUrl
                    label="Base URL"
                    read=|form| &form.base_url
                    write=|form, text| form.base_url = text
                    input_mode="url"
                    placeholder="https://api.openai.com/v1"
                />
                <ConnectionField
                    settings
                    field=FormField::Model
                    label="Model"
                    read=|form| &form.model
                    write=|form, text| form.model = text
                    list="models"
                />
            </div>
            <datalist id="models">
                {move || match page.models.get() {
                    Models::Known(names) => {
                        names
                            .into_iter()
                            .map(|name| view! { <option value=name></option> })
                            .collect_view()
                            .into_any()
                    }
                    _ => ().into_any(),
                }}
            </datalist>
            <ModelList settings/>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::MaxOutputTokens
                    label="Max output tokens"
                    read=|form| &form.max_output_tokens
                    write=|form, text| form.max_output_tokens = text
                    input_mode="numeric"
                    placeholder="no limit"
                />
                <fieldset class="segment">
                    <legend>"API"</legend>
                    <div class="choices">
                        {api(Api::ChatCompletions, "Chat Completions")}
                        {api(Api::Responses, "Responses")}
                    </div>
                </fieldset>
            </div>
            <ModelLimits settings/>
            <AdaptationList settings/>
            <fieldset class="segment" aria-describedby="needs-key-hint">
                <legend>"Requires an API key"</legend>
                <div class="choices">
                    {needs_key(None, "Default")}
                    {needs_key(Some(true), "Yes")}
                    {needs_key(Some(false), "No")}
                </div>
                <p class="hint" id="needs-key-hint">
                    "Default: an endpoint on this machine does not, every other one does."
                </p>
            </fieldset>
        </fieldset>
    }
}

/// The adaptations to the connection's endpoint, and the button that clears them.
#[component]
fn AdaptationList(settings: Settings) -> impl IntoView {
    let page = settings.screen.page;
    let clear = move || {
        settings
            .screen
            .command(|commands| commands.clear_adaptations())
    };
    move || {
        let adaptations = page.adaptations.get();
        if adaptations.is_empty() {
            return ().into_any();
        }
        let items = adaptations
            .iter()
            .map(|adaptation| view! { <li>{adaptation.description()}</li> })
            .collect_view();
        view! {
            <div class="field" role="group" aria-labelledby="adaptations-label">
                <p class="label" id="adaptations-label">
                    "Adaptations to this endpoint and model"
                </p>
                <ul>{items}</ul>
                <p class="hint">
                    "The endpoint rejected a request without them. Clear them after an update of the endpoint or the model."
                </p>
                <Button icon="undo" label="Clear adaptations" on_press=clear/>
            </div>
        }
            .into_any()
    }
}

/// The button that lists the endpoint's models, and the result.
#[component]
fn ModelList(settings: Settings) -> impl IntoView {
    let page = settings.screen.page;
    let list_models = move || {
        let mut form = settings.form.get_untracked();
        // Only the base URL matters here: the other fields get values without errors.
        form.model = "any".to_owned();
        form.name = "any".to_owned();
        form.server_url.clear();
        form.schema = SchemaChoice::AgentTask;
        match form.check() {
            Ok(connection) if connection.model.is_some() => {
                settings.problems.set(Vec::new());
                settings
                    .screen
                    .command(move |commands| commands.list_models(connection));
            }
            Ok(_) => settings.problems.set(vec![FieldProblem {
                field: FormField::BaseUrl,
                message: "Enter the base URL first.".to_owned(),
            }]),
            Err(problems) => settings.problems.set(problems),
        }
        reveal_error_in(DIALOG);
    };
    Effect::new(move |failed_before: Option<bool>| {
        let has_failed = matches!(page.models.get(), Models::Failed(_));
        // The response may come while the operator types in another field.
        if has_failed && failed_before == Some(false) && is_focused(LIST_MODELS) {
            reveal_error_in(DIALOG);
        }
        has_failed
    });
    view! {
        <div class="button-row">
            <Button icon="search" label="List models" on_press=list_models attr:id=LIST_MODELS/>
            <p class="hint" role="status">
                {move || match page.models.get() {
                    Models::NotAsked | Models::Failed(_) => String::new(),
                    Models::Asking => "Listing models…".to_owned(),
                    Models::Known(names) => {
                        let count = counted(names.len(), "model");
                        format!("{count} found. The Model field suggests them as you type.")
                    }
                }}
            </p>
        </div>
        {move || match page.models.get() {
            Models::Failed(problem) => problem_panel(problem).into_any(),
            _ => ().into_any(),
        }}
    }
}

/// The task server.
#[component]
pub fn ServerGroup(settings: Settings) -> impl IntoView {
    let form = settings.form;
    view! {
        <fieldset class="group">
            <legend>"Task server"</legend>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::ServerUrl
                    label="Address"
                    read=|form| &form.server_url
                    write=|form, text| form.server_url = text
                    input_mode="url"
                    placeholder="http://localhost:8080"
                />
                <ConnectionField
                    settings
                    field=FormField::Path
                    label="Path"
                    read=|form| &form.path
                    write=|form, text| form.path = text
                />
                <ConnectionField
                    settings
                    field=FormField::TokenHeader
                    label="Token header"
                    read=|form| &form.token_header
                    write=|form, text| form.token_header = text
                />
            </div>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || form.with(|form| form.honours_idempotency_keys)
                    on:change=move |event| {
                        let is_checked = event_target_checked(&event);
                        settings.change(|form| form.honours_idempotency_keys = is_checked);
                    }
                />
                <span>
                    "This server honours Idempotency-Key: a task whose request got no clear response is resent with the same idempotency key."
                </span>
            </label>
            <div class="pair">
                <ConnectionField
                    settings
                    field=FormField::IdempotencyKeyRetention
                    label="Idempotency key retention (hours)"
                    read=|form| &form.idempotency_key_retention_hours
                    write=|form, text| form.idempotency_key_retention_hours = text
                    input_mode="numeric"
                    hint="How long this server retains idempotency keys. After that, such a task is unconfirmed."
                />
                <ConnectionField
                    settings
                    field=FormField::Concurrency
                    label="Concurrency"
                    read=|form| &form.concurrency
                    write=|form, text| form.concurrency = text
                    input_mode="numeric"
                    hint="Tasks in flight at a time, 1 to 16. The first one always goes alone."
                />
            </div>
            <ConnectionField
                settings
                field=FormField::BodyTemplate
                label="Body template"
                read=|form| &form.body_template
                write=|form, text| form.body_template = text
                placeholder="$task"
                hint="JSON wrapped around each task, such as {\"payload\": $task}. Leave empty to send the task alone."
            />
        </fieldset>
    }
}

/// The task schema.
#[component]
pub fn SchemaGroup(settings: Settings) -> impl IntoView {
    let form = settings.form;
    let choice = move |wanted: SchemaChoice, label: &'static str| {
        view! {
            <Choice
                name="schema"
                label
                is_chosen=Signal::derive(move || form.with(|form| form.schema == wanted))
                on_choose=Callback::new(move |()| settings.change(|form| form.schema = wanted))
            />
        }
    };
    let is_custom = Memo::new(move |_| form.with(|form| form.schema == SchemaChoice::Own));
    view! {
        <fieldset class="group segment">
            <legend>"Task schema"</legend>
            <div class="choices">
                {choice(SchemaChoice::AgentTask, "agent-task")}
                {choice(SchemaChoice::AgentAction, "agent-action")}
                {choice(SchemaChoice::Own, "Custom")}
            </div>
            <Show when=move || is_custom.get()>
                <TextField
                    id="schema-text"
                    label="JSON Schema of one task"
                    class="paste"
                    rows=2
                    is_code=true
                    hint="One JSON document. References to other documents are never fetched."
                    value=Signal::derive(move || form.with(|form| form.schema_text.clone()))
                    on_input=move |text| settings.change(|form| form.schema_text = text)
                    error=settings.error(FormField::SchemaText)
                />
            </Show>
        </fieldset>
    }
}

/// The secrets in memory, and the button that forgets them.
#[component]
pub fn SecretsGroup(screen: Screen) -> impl IntoView {
    let secrets = screen.page.secrets_held;
    view! {
        <fieldset class="group">
            <legend>"API keys and agent tokens"</legend>
            <p class="hint">
                "You are asked for these when they are needed. They are kept in memory and sent only to the server they belong to."
            </p>
            {move || {
                let secrets = secrets.get();
                if secrets.is_empty() {
                    return view! { <p>"No API key or agent token in memory."</p> }.into_any();
                }
                let items = secrets
                    .into_iter()
                    .map(|(slot, origin)| {
                        view! {
                            <dt>{capitalize(slot.label())}</dt>
                            <dd>
                                <code>{origin}</code>
                            </dd>
                        }
                    })
                    .collect_view();
                view! { <dl class="facts">{items}</dl> }.into_any()
            }}
            // Always shown: secrets kept for this tab may belong to other connections.
            <div class="button-row">
                <Button
                    kind=ButtonKind::Danger
                    icon="remove"
                    label="Forget all API keys and agent tokens"
                    on_press=move || screen.command(move |commands| commands.forget_secrets())
                />
            </div>
        </fieldset>
    }
}
