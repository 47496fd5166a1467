//! The groups of the settings dialog: model, task server, task schema, secrets.

use leptos::prelude::*;

use super::model_limits::ModelLimits;
use super::settings::{Settings, id_of};
use crate::settings::Api;
use crate::settings::form::{ConnectionForm, FormField, SchemaChoice};
use crate::ui::controls::field::{FieldError, described_by};
use crate::ui::controls::icons::icon;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::Models;
use crate::ui::screen::Screen;

/// A field of one line in the monospaced face.
#[component]
pub(super) fn TextField(
    settings: Settings,
    field: FormField,
    label: &'static str,
    error_id: &'static str,
    read: fn(&ConnectionForm) -> &String,
    write: fn(&mut ConnectionForm, String),
    #[prop(optional)] input_mode: &'static str,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional)] list: Option<&'static str>,
    /// Its id and its words.
    #[prop(optional)]
    hint: Option<(&'static str, &'static str)>,
) -> impl IntoView {
    let error = settings.error(field);
    let has_error = Signal::derive(move || error.with(Option::is_some));
    view! {
        <div class="field">
            <label for=id_of(field)>{label}</label>
            <input
                class="input mono"
                id=id_of(field)
                inputmode=if input_mode.is_empty() { "text" } else { input_mode }
                placeholder=placeholder
                list=list
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                aria-invalid=move || has_error.get().then_some("true")
                aria-describedby=described_by(hint.map(|(id, _)| id), error_id, has_error)
                prop:value=move || settings.form.with(|form| read(form).clone())
                on:input=move |event| {
                    let text = event_target_value(&event);
                    settings.change(|form| write(form, text));
                }
            />
            {hint.map(|(id, words)| view! { <p class="hint" id=id>{words}</p> })}
            <FieldError id=error_id text=error/>
        </div>
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

/// Where the model is asked.
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
            <p class="hint">"Without an address every run is a dry run."</p>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::BaseUrl
                    label="Base URL"
                    error_id="base-error"
                    read=|form| &form.base_url
                    write=|form, text| form.base_url = text
                    input_mode="url"
                    placeholder="https://api.openai.com/v1"
                />
                <TextField
                    settings
                    field=FormField::Model
                    label="Model"
                    error_id="model-error"
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
            <SuggestModels settings/>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::MaxOutputTokens
                    label="Most tokens of an answer"
                    error_id="max-output-tokens-error"
                    read=|form| &form.max_output_tokens
                    write=|form, text| form.max_output_tokens = text
                    input_mode="numeric"
                    placeholder="no limit"
                />
                <fieldset class="segment">
                    <legend>"Interface"</legend>
                    <div class="choices">
                        {api(Api::ChatCompletions, "Chat Completions")}
                        {api(Api::Responses, "Responses")}
                    </div>
                </fieldset>
            </div>
            <ModelLimits settings/>
            <fieldset class="segment" aria-describedby="needs-key-hint">
                <legend>"Wants a key"</legend>
                <div class="choices">
                    {needs_key(None, "As usual")}
                    {needs_key(Some(true), "Yes")}
                    {needs_key(Some(false), "No")}
                </div>
                <p class="hint" id="needs-key-hint">
                    "As usual: an endpoint on this computer does not, every other one does."
                </p>
            </fieldset>
        </fieldset>
    }
}

/// The button that asks the endpoint which models it has, and what it said.
#[component]
fn SuggestModels(settings: Settings) -> impl IntoView {
    let page = settings.screen.page;
    let ask = move |_| {
        let mut form = settings.form.get_untracked();
        // Only the address counts here; the model is what is being looked for.
        form.model = "any".to_owned();
        form.name = "any".to_owned();
        form.server_url.clear();
        form.schema = SchemaChoice::AgentTask;
        match form.check() {
            Ok(connection) if connection.model.is_some() => {
                settings.problems.set(Vec::new());
                settings
                    .screen
                    .ask(|commands| commands.list_models(connection));
            }
            Ok(_) => settings
                .problems
                .set(vec![crate::settings::form::FieldProblem {
                    field: FormField::BaseUrl,
                    message: "Enter the base URL first.".to_owned(),
                }]),
            Err(problems) => settings.problems.set(problems),
        }
    };
    view! {
        <div class="button-row">
            <button class="button" type="button" on:click=ask>
                {icon("search")}
                "Ask which models there are"
            </button>
            <p class="hint" role="status">
                {move || match page.models.get() {
                    Models::NotAsked | Models::Failed(_) => String::new(),
                    Models::Asking => "Asking…".to_owned(),
                    Models::Known(names) => {
                        let count = crate::text::counted(names.len(), "model");
                        format!("{count}; the field suggests them as you type.")
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

/// Where tasks are posted.
#[component]
pub fn ServerGroup(settings: Settings) -> impl IntoView {
    let form = settings.form;
    view! {
        <fieldset class="group">
            <legend>"Task server"</legend>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::ServerUrl
                    label="Address"
                    error_id="url-error"
                    read=|form| &form.server_url
                    write=|form, text| form.server_url = text
                    input_mode="url"
                    placeholder="http://localhost:8080"
                />
                <TextField
                    settings
                    field=FormField::Path
                    label="Path"
                    error_id="path-error"
                    read=|form| &form.path
                    write=|form, text| form.path = text
                />
                <TextField
                    settings
                    field=FormField::TokenHeader
                    label="Token header"
                    error_id="token-header-error"
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
                    "This server honours Idempotency-Key: a task that may have arrived is sent again with the same key"
                </span>
            </label>
            <div class="pair">
                <TextField
                    settings
                    field=FormField::IdempotencyKeyRetention
                    label="Keys are kept for, in hours"
                    error_id="keys-kept-hours-error"
                    read=|form| &form.idempotency_key_retention_hours
                    write=|form, text| form.idempotency_key_retention_hours = text
                    input_mode="numeric"
                    hint=("keys-kept-hours-hint", "After that a task that may have arrived is not sent again by key.")
                />
                <TextField
                    settings
                    field=FormField::Concurrency
                    label="Tasks at a time"
                    error_id="concurrency-error"
                    read=|form| &form.concurrency
                    write=|form, text| form.concurrency = text
                    input_mode="numeric"
                    hint=("concurrency-hint", "1 to 16. The first one always goes alone.")
                />
            </div>
            <TextField
                settings
                field=FormField::BodyTemplate
                label="Body template"
                error_id="body-template-error"
                read=|form| &form.body_template
                write=|form, text| form.body_template = text
                placeholder="$task"
                hint=(
                    "body-template-hint",
                    "What stands around a task in its request, such as {\"payload\": $task}. Empty: the task alone.",
                )
            />
        </fieldset>
    }
}

/// What a task looks like.
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
    let is_own = Memo::new(move |_| form.with(|form| form.schema == SchemaChoice::Own));
    let error = settings.error(FormField::SchemaText);
    let has_error = Signal::derive(move || error.with(Option::is_some));
    view! {
        <fieldset class="group segment">
            <legend>"Task schema"</legend>
            <div class="choices">
                {choice(SchemaChoice::AgentTask, "agent-task")}
                {choice(SchemaChoice::AgentAction, "agent-action")}
                {choice(SchemaChoice::Own, "Your own")}
            </div>
            <Show when=move || is_own.get()>
                <div class="field">
                    <label for="schema-text">"JSON Schema of one task"</label>
                    <textarea
                        class="input paste"
                        id="schema-text"
                        spellcheck="false"
                        autocapitalize="off"
                        autocomplete="off"
                        aria-invalid=move || has_error.get().then_some("true")
                        aria-describedby=described_by(
                            Some("schema-text-hint"),
                            "schema-text-error",
                            has_error,
                        )
                        prop:value=move || form.with(|form| form.schema_text.clone())
                        on:input=move |event| {
                            let text = event_target_value(&event);
                            settings.change(|form| form.schema_text = text);
                        }
                    ></textarea>
                    <p class="hint" id="schema-text-hint">
                        "One JSON document. References to other documents are never fetched."
                    </p>
                    <FieldError id="schema-text-error" text=error/>
                </div>
            </Show>
        </fieldset>
    }
}

/// Which secrets are held, and the way to forget them.
#[component]
pub fn SecretsGroup(screen: Screen) -> impl IntoView {
    let held = screen.page.secrets_held;
    view! {
        <fieldset class="group">
            <legend>"Keys and tokens"</legend>
            <p class="hint">
                "They are asked for when they are needed, stay in memory, and are sent to their own server only."
            </p>
            {move || {
                let held = held.get();
                if held.is_empty() {
                    return view! { <p>"None is held now."</p> }.into_any();
                }
                let items = held
                    .into_iter()
                    .map(|(name, origin)| {
                        view! {
                            <dt>{name.label().to_owned()}</dt>
                            <dd>
                                <code>{origin}</code>
                            </dd>
                        }
                    })
                    .collect_view();
                view! {
                    <dl class="facts">{items}</dl>
                    <div class="button-row">
                        <button
                            class="button danger"
                            type="button"
                            on:click=move |_| screen.ask(|commands| commands.forget_secrets())
                        >
                            {icon("remove")}
                            "Forget all keys and tokens"
                        </button>
                    </div>
                }
                    .into_any()
            }}
        </fieldset>
    }
}
