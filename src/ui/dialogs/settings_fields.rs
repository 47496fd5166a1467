//! The groups of the settings dialog: connection, model, task server, task schema, secrets.

use leptos::prelude::*;

use super::folded_fields::FoldedFields;
use super::modal::reveal_error_in;
use super::secret_entry::{SecretBox, SecretNotice};
use super::settings::{ConnectionField, DIALOG, SecretInput, Settings};
use super::vault_token_list::VaultTokenList;
use crate::secrets::SecretSlot;
use crate::secrets::idle::IdleLimit;
use crate::settings::form::{ConnectionForm, FieldProblem, FormField, SchemaChoice};
use crate::settings::{Api, ConnectionColor};
use crate::text::{capitalize, counted};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::controls::field::FieldError;
use crate::ui::controls::focus::is_focused;
use crate::ui::header::notices::problem_panel;
use crate::ui::idle_secrets;
use crate::ui::page::Models;
use crate::ui::screen::Screen;

/// The id of the button that lists the endpoint's models.
const LIST_MODELS: &str = "list-models";

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

/// The fields of the limits, timeouts and prices of a model endpoint.
const LIMITS: [&[FormField]; 3] = [
    &[
        FormField::TasksPerRequest,
        FormField::FirstTokenTimeout,
        FormField::IdleTimeout,
        FormField::RequestTimeout,
    ],
    &[
        FormField::PriceInput,
        FormField::PriceCachedInput,
        FormField::PriceOutput,
    ],
    &[FormField::TokenLimit, FormField::CostLimit],
];

/// The fields of what is added to the requests to a model endpoint.
const MODEL_EXTRAS: [&[FormField]; 2] = [
    &[FormField::ModelBody, FormField::ModelQuery],
    &[FormField::ModelHeaders, FormField::KeyHeader],
];

/// The fields of what is added to the requests to a task server.
const SERVER_EXTRAS: [&[FormField]; 2] = [
    &[FormField::ExtraHeaders, FormField::ExtraQuery],
    &[FormField::SecretHeaders],
];

/// The fields that name members of a task.
const ROLES: [&[FormField]; 2] = [
    &[FormField::KeyRole, FormField::TitleRole],
    &[FormField::DependsOnRole],
];

/// The fields of the Vault that the secrets are read from.
const VAULT: [&[FormField]; 6] = [
    &[FormField::VaultAddress, FormField::VaultPath],
    &[FormField::VaultApiKeyField, FormField::VaultAgentTokenField],
    &[FormField::VaultHeaderFields],
    &[FormField::VaultSignIn, FormField::VaultUserName],
    &[FormField::VaultMount, FormField::VaultNamespace],
    &[
        FormField::VaultKvVersion,
        FormField::VaultVersion,
        FormField::VaultSignInMount,
    ],
];

/// A field for a secret. It may stay empty: the page asks when it needs the secret.
#[component]
fn SecretField(
    id: &'static str,
    /// The secret.
    of: SecretSlot,
    input: SecretInput,
    /// The secrets of a text that was pasted.
    pasted: RwSignal<Vec<SecretSlot>>,
) -> impl IntoView {
    let label = capitalize(of.label());
    let is_pasted = Memo::new(move |_| pasted.with(|pasted| pasted.contains(&of)));
    let has_error = Signal::derive(move || input.error.with(Option::is_some));
    view! {
        <div class="field">
            <label for=id>{label} " " <span class="optional">"optional"</span></label>
            <SecretBox id entry=input.entry has_error/>
            <p class="hint" id=format!("{id}-hint")>
                {move || {
                    if is_pasted.get() {
                        "The one that was pasted is used. It is kept in memory and never saved."
                    } else {
                        "Kept in memory and never saved. If you leave it empty, you are asked when it is needed."
                    }
                }}
            </p>
            <FieldError id text=input.error/>
            <SecretNotice id entry=input.entry/>
        </div>
    }
}

/// The name of the connection, and what sets it apart.
#[component]
pub fn ConnectionGroup(
    settings: Settings,
    /// Whether the connection is new: then another field has the focus.
    is_new: bool,
) -> impl IntoView {
    let form = settings.form;
    let colors = ConnectionColor::ALL.map(|color| {
        view! {
            <Choice
                name="connection-color"
                label=color.label()
                is_chosen=Signal::derive(move || form.with(|form| form.color == color))
                on_choose=Callback::new(move |()| settings.change(|form| form.color = color))
            />
        }
    });
    view! {
        <fieldset class="group">
            <legend>"Connection"</legend>
            <div class="pair">
                <ConnectionField settings field=FormField::Name autofocus=!is_new/>
                <fieldset class="segment">
                    <legend>"Color"</legend>
                    <div class="choices">{colors}</div>
                </fieldset>
            </div>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || form.with(|form| form.is_production)
                    on:change=move |event| {
                        let is_checked = event_target_checked(&event);
                        settings.change(|form| form.is_production = is_checked);
                    }
                />
                <span>
                    "Production: before tasks are posted, you type the connection’s name."
                </span>
            </label>
        </fieldset>
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
            <p class="hint">"Without a base URL, tasks cannot be generated live. Imported tasks can still be posted."</p>
            <div class="pair">
                <ConnectionField settings field=FormField::BaseUrl/>
                <ConnectionField settings field=FormField::Model list="models"/>
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
                <ConnectionField settings field=FormField::MaxOutputTokens/>
                <fieldset class="segment">
                    <legend>"API"</legend>
                    <div class="choices">
                        {api(Api::ChatCompletions, "Chat Completions")}
                        {api(Api::Responses, "Responses")}
                    </div>
                </fieldset>
            </div>
            <SecretField
                id="api-key"
                of=SecretSlot::API_KEY
                input=settings.api_key
                pasted=settings.pasted_slots
            />
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
            <FoldedFields
                settings
                summary="Limits, timeouts and prices"
                rows=&LIMITS
                hint="A run stops before a request that is expected to exceed a limit. Enter prices in your own currency, as your provider lists them."
            />
            <FoldedFields settings summary="Extra parameters, query and headers" rows=&MODEL_EXTRAS/>
            <AdaptationList settings/>
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
        form.set(FormField::Model, "any");
        form.set(FormField::Name, "any");
        form.set(FormField::ServerUrl, "");
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
                <ConnectionField settings field=FormField::ServerUrl/>
                <ConnectionField settings field=FormField::Path/>
                <ConnectionField settings field=FormField::TokenHeader/>
                <ConnectionField settings field=FormField::TokenScheme/>
            </div>
            <SecretField
                id="agent-token"
                of=SecretSlot::AGENT_TOKEN
                input=settings.agent_token
                pasted=settings.pasted_slots
            />
            <FoldedFields settings summary="Extra headers and query" rows=&SERVER_EXTRAS/>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || form.with(ConnectionForm::honours_idempotency_keys)
                    on:change=move |event| {
                        let is_checked = event_target_checked(&event);
                        settings.change(|form| form.set_honours_idempotency_keys(is_checked));
                    }
                />
                <span>
                    "This server honours Idempotency-Key: a task whose request got no clear response is resent with the same idempotency key."
                </span>
            </label>
            <div class="pair">
                <ConnectionField settings field=FormField::IdempotencyKeyRetention/>
                <ConnectionField settings field=FormField::Concurrency/>
            </div>
            <ConnectionField settings field=FormField::BodyTemplate/>
            <TemplatePreview settings/>
            <ConnectionField settings field=FormField::IdPointer/>
        </fieldset>
    }
}

/// The body of a request, as soon as there is a body template.
#[component]
fn TemplatePreview(settings: Settings) -> impl IntoView {
    let preview = Memo::new(move |_| settings.form.with(ConnectionForm::body_preview));
    let notes = move || {
        let notes = preview.get().map(|preview| preview.notes);
        let notes = notes.unwrap_or_default().into_iter();
        notes
            .map(|note| view! { <p class="hint">{note}</p> })
            .collect_view()
    };
    let body = Signal::derive(move || preview.get().map_or_else(String::new, |it| it.body));
    view! {
        <Show when=move || preview.with(Option::is_some)>
            <CodeBlock caption="Request body, with an example" copy="Copy" text=body/>
            <div role="status">{notes}</div>
        </Show>
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
                <ConnectionField settings field=FormField::SchemaText/>
            </Show>
            <FoldedFields
                settings
                summary="Fields for key, title and dependencies"
                rows=&ROLES
                hint="They are guessed by name and type. The Schema tab shows the ones in use."
            />
        </fieldset>
    }
}

/// The Vault that the secrets are read from.
#[component]
pub fn VaultGroup(settings: Settings) -> impl IntoView {
    view! {
        <FoldedFields
            settings
            summary="Secrets from Vault"
            rows=&VAULT
            hint="A live run reads the API key, the agent token and the secret headers there when it needs them, and again when one is rejected. The page asks you to sign in, and keeps the Vault token in memory."
        />
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
                let mut secrets = secrets.get();
                // Listed below, with its life.
                secrets.retain(|(slot, _)| *slot != SecretSlot::VAULT_TOKEN);
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
            <VaultTokenList screen/>
            // Always shown: secrets kept for this tab may belong to other connections.
            <div class="button-row">
                <Button
                    kind=ButtonKind::Danger
                    icon="remove"
                    label="Forget all API keys and agent tokens"
                    on_press=move || screen.command(move |commands| commands.forget_secrets())
                />
            </div>
            <ForgetAfter/>
        </fieldset>
    }
}

/// The time without input after which secrets are forgotten. It takes effect at once.
#[component]
fn ForgetAfter() -> impl IntoView {
    const FIELD: &str = "forget-after";
    let error = RwSignal::new(None::<String>);
    let chosen = idle_secrets::limit().map_or(0, IdleLimit::minutes);
    let options = std::iter::once(0)
        .chain(IdleLimit::CHOICES)
        .map(|minutes| {
            let label = match minutes {
                0 => "Never".to_owned(),
                minutes => counted(minutes.into(), "minute"),
            };
            view! {
                <option value=minutes.to_string() selected=minutes == chosen>
                    {label}
                </option>
            }
        })
        .collect_view();
    let on_change = move |event| {
        let minutes = event_target_value(&event).parse().unwrap_or_default();
        let stored = idle_secrets::set_limit(IdleLimit::new(minutes));
        error.set(
            stored
                .err()
                .map(|reason| format!("The browser did not store the time: {reason}")),
        );
    };
    view! {
        <div class="field">
            <label for=FIELD>"Forget secrets after inactivity"</label>
            <select class="input" id=FIELD aria-describedby="forget-after-hint" on:change=on_change>
                {options}
            </select>
            <p class="hint" id="forget-after-hint">
                "For all connections in this browser. Never while tasks are generated or posted."
            </p>
            <FieldError id=FIELD text=error/>
        </div>
    }
}
