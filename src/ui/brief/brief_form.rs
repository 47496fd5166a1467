//! The brief as it is typed, and the button that makes tasks of it.

use leptos::html;
use leptos::prelude::*;

use crate::brief::{self, BriefError};
use crate::run::Mode;
use crate::secrets::SecretSlot;
use crate::text::{counted, grouped};
use crate::ui::controls::field::{FieldError, described_by};
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::icons::mark;
use crate::ui::screen::{Dialog, Screen};

/// The form.
#[component]
pub fn BriefForm(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let is_busy = move || screen.is_generating.get() || screen.is_posting.get();
    let generate = move || {
        if untrack(is_busy) {
            return;
        }
        screen.start(screen.next_mode.get_untracked());
        let field = page
            .brief_errors
            .with_untracked(|errors| errors.first().map(BriefError::field));
        if let Some(field) = field {
            focus_by_id(field);
        }
    };
    let words = move || {
        let count = page
            .form
            .with(|form| form.count.trim().parse::<u16>().ok())
            .and_then(brief::Count::new);
        match count {
            Some(count) => format!("Generate {}", counted(count.get().into(), "task")),
            None => "Generate tasks".to_owned(),
        }
    };
    let why_dry = why_dry(screen);
    let hint = move || {
        if screen.is_generating.get() {
            view! { "A run is under way. Stop it, or wait for its end." }.into_any()
        } else if screen.is_posting.get() {
            view! { "Tasks are being posted. Pause or stop that, or wait for its end." }.into_any()
        } else {
            view! {
                "Tasks exist already? "
                <button
                    class="link-button"
                    type="button"
                    aria-haspopup="dialog"
                    on:click=move |_| screen.dialog.set(Some(Dialog::Import))
                >
                    "Paste tasks as JSON"
                </button>
            }
            .into_any()
        }
    };
    view! {
        <form
            class="brief-form"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                generate();
            }
            on:keydown=move |event| {
                if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
                    event.prevent_default();
                    generate();
                }
            }
        >
            <div class="field">
                <label for="goal">"Goal"</label>
                <textarea
                    class="input goal"
                    id="goal"
                    rows="3"
                    placeholder="What should be done, in your own words"
                    aria-invalid=invalid(screen, "goal")
                    aria-describedby=described_by(None, "goal-error", has_error(screen, "goal"))
                    prop:value=move || page.form.with(|form| form.goal.clone())
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        screen.type_brief(|form| form.goal = text);
                    }
                ></textarea>
                <FieldError id="goal-error" text=error_of(screen, "goal")/>
            </div>
            <div class="field">
                <label for="context">"Context " <span class="optional">"optional"</span></label>
                <textarea
                    class="input"
                    id="context"
                    rows="2"
                    placeholder="What a worker needs to know"
                    aria-invalid=invalid(screen, "context")
                    aria-describedby=described_by(None, "context-error", has_error(screen, "context"))
                    prop:value=move || page.form.with(|form| form.context.clone())
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        screen.type_brief(|form| form.context = text);
                    }
                ></textarea>
                <FieldError id="context-error" text=error_of(screen, "context")/>
            </div>
            <div class="field">
                <label for="rules">"Extra rules " <span class="optional">"optional"</span></label>
                <textarea
                    class="input"
                    id="rules"
                    rows="2"
                    placeholder="One rule a line"
                    aria-invalid=invalid(screen, "rules")
                    aria-describedby=described_by(None, "rules-error", has_error(screen, "rules"))
                    prop:value=move || page.form.with(|form| form.rules.clone())
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        screen.type_brief(|form| form.rules = text);
                    }
                ></textarea>
                <FieldError id="rules-error" text=error_of(screen, "rules")/>
            </div>
            <div class="field">
                <label for="count">"How many tasks"</label>
                <input
                    class="input count"
                    id="count"
                    inputmode="numeric"
                    autocomplete="off"
                    aria-invalid=invalid(screen, "count")
                    aria-describedby=described_by(
                        Some("count-hint"),
                        "count-error",
                        has_error(screen, "count"),
                    )
                    prop:value=move || page.form.with(|form| form.count.clone())
                    on:input=move |event| {
                        let text = event_target_value(&event);
                        screen.type_brief(|form| form.count = text);
                    }
                />
                <p class="hint" id="count-hint">{format!("1 to {}", brief::MAX_COUNT)}</p>
                <FieldError id="count-error" text=error_of(screen, "count")/>
            </div>
            <div class="brief-actions">
                <div class="line">
                    <ModeSegment screen/>
                    <button
                        class="button main"
                        type="submit"
                        aria-disabled=move || is_busy().then_some("true")
                        aria-describedby="generate-hint"
                    >
                        {words}
                    </button>
                </div>
                <p class="hint" id="generate-hint">{hint}</p>
                // Known only once the settings were read, so it comes last and moves nothing.
                <Show when=move || why_dry.with(Option::is_some)>
                    <p class="hint" id="mode-why">{move || why_dry.get()}</p>
                </Show>
            </div>
        </form>
    }
}

/// The mode of the next run. Where no model is configured, choosing *Live* opens the settings.
#[component]
fn ModeSegment(screen: Screen) -> impl IntoView {
    let dry = NodeRef::<html::Input>::new();
    let has_model = move || screen.page.connection.with(|held| held.model.is_some());
    let choose_live = move |_| {
        screen.wished_mode.set(Some(Mode::Live));
        if !untrack(has_model) {
            if let Some(dry) = dry.get_untracked() {
                dry.set_checked(true);
            }
            screen.dialog.set(Some(Dialog::Settings));
        }
    };
    view! {
        <fieldset class="segment">
            <legend>"Mode of the next run"</legend>
            <div class="choices">
                <label data-state="dry">
                    <input
                        type="radio"
                        name="mode"
                        value="dry"
                        node_ref=dry
                        prop:checked=move || screen.next_mode.get() == Mode::Dry
                        on:change=move |_| screen.wished_mode.set(Some(Mode::Dry))
                    />
                    {mark("state-dry")}
                    "Dry run"
                </label>
                <label
                    data-state="live"
                    title=move || (!has_model()).then_some("Live needs a model endpoint")
                >
                    <input
                        type="radio"
                        name="mode"
                        value="live"
                        aria-describedby=move || (!has_model()).then_some("live-why")
                        prop:checked=move || screen.next_mode.get() == Mode::Live
                        on:change=choose_live
                    />
                    {mark("state-live")}
                    "Live"
                </label>
            </div>
            <Show when=move || !has_model()>
                <p class="visually-hidden" id="live-why">
                    "Live needs a model endpoint. Choosing it opens the settings."
                </p>
            </Show>
        </fieldset>
    }
}

/// Why the next run is dry where nobody chose it so.
fn why_dry(screen: Screen) -> Memo<Option<String>> {
    Memo::new(move |_| {
        let is_chosen = screen.wished_mode.get() == Some(Mode::Dry);
        if screen.next_mode.get() == Mode::Live || is_chosen || !screen.page.is_open.get() {
            return None;
        }
        let Some(model) = screen.page.connection.with(|held| held.model.clone()) else {
            return Some(
                "No model endpoint is set up, so this is a dry run. Choose Live to set one up."
                    .to_owned(),
            );
        };
        let origin = model.base_url.origin();
        let has_key = screen.page.secrets_held.with(|held| {
            held.iter()
                .any(|(name, of)| *name == SecretSlot::API_KEY && *of == origin)
        });
        (model.requires_api_key() && !has_key).then(|| {
            format!(
                "There is no key for {} yet, so this is a dry run. Live asks for one.",
                model.base_url.host_and_port()
            )
        })
    })
}

/// What is wrong with a field, from the attempt to use it until it is put right.
fn error_of(screen: Screen, field: &'static str) -> Signal<Option<String>> {
    let page = screen.page;
    let was_found = move || {
        page.brief_errors
            .with(|errors| errors.iter().any(|error| error.field() == field))
    };
    Signal::derive(move || {
        let errors = was_found().then(|| page.form.with(|form| form.check(0)).err())??;
        errors
            .iter()
            .find(|error| error.field() == field)
            .map(error_words)
    })
}

fn has_error(screen: Screen, field: &'static str) -> Signal<bool> {
    let error = error_of(screen, field);
    Signal::derive(move || error.with(Option::is_some))
}

fn invalid(screen: Screen, field: &'static str) -> impl Fn() -> Option<&'static str> {
    let error = has_error(screen, field);
    move || error.get().then_some("true")
}

fn error_words(error: &BriefError) -> String {
    let range = format!("Type a number from 1 to {}.", brief::MAX_COUNT);
    match error {
        BriefError::EmptyGoal => "The goal is empty. Say what should be done.".to_owned(),
        BriefError::TooLong { limit, .. } => format!(
            "This is longer than {} bytes. Shorten it, or split the work over several briefs.",
            grouped(*limit)
        ),
        BriefError::CountNotANumber { given } if given.is_empty() => {
            format!("There is no number yet. {range}")
        }
        BriefError::CountNotANumber { given } => {
            format!("“{given}” is not a whole number. {range}")
        }
        BriefError::CountOutOfRange { given } if given == "0" => {
            format!("0 tasks would be none. {range}")
        }
        BriefError::CountOutOfRange { given } if given.starts_with('-') => {
            format!("“{given}” is less than one task. {range}")
        }
        BriefError::CountOutOfRange { given } => format!(
            "{given} is more than one run takes. Type a number from 1 to {}, and start a second run for the rest.",
            brief::MAX_COUNT
        ),
    }
}
