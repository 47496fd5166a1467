//! The form for the brief, with the button that generates tasks.

use leptos::prelude::*;

use crate::brief::{self, BriefError, BriefForm as Form};
use crate::run::Mode;
use crate::run::next_run::{DryReason, NextRun};
use crate::secrets::{SecretSlot, key_like_texts};
use crate::text::{counted, grouped, listed};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::controls::focus::reveal_error_soon;
use crate::ui::controls::icons::mark;
use crate::ui::screen::{Dialog, Screen};

/// The id of the form.
const FORM: &str = "brief-form";

/// The form. Ctrl+Enter or Cmd+Enter generates from any field.
#[component]
pub fn BriefForm(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let awaits_validator = page.awaits_validator;
    let is_busy =
        move || screen.is_generating.get() || screen.is_posting.get() || awaits_validator.get();
    // Before that the mode is not known, or nothing could start a run.
    let is_ready = move || page.is_open.get() && page.has_application.get();
    let generate = move || {
        if untrack(is_busy) {
            return;
        }
        if !untrack(is_ready) {
            return page.is_generate_queued.update(|queued| *queued = !*queued);
        }
        match screen.next_run.get_untracked() {
            NextRun::SetUpEndpoint => return screen.open_settings(),
            next_run => screen.start(next_run.mode()),
        }
        if page
            .brief_errors
            .with_untracked(|errors| !errors.is_empty())
        {
            reveal_error_soon(FORM.to_owned());
        }
    };
    Effect::new(move || {
        if is_ready() && page.is_generate_queued.get_untracked() {
            page.is_generate_queued.set(false);
            generate();
        }
    });
    let label = move || {
        let count = page
            .form
            .with(|form| form.count.trim().parse::<u16>().ok())
            .and_then(brief::Count::new);
        match count {
            Some(count) => format!("Generate {}", counted(count.get().into(), "task")),
            None => "Generate tasks".to_owned(),
        }
    };
    let mode_reason = mode_reason(screen);
    let key_like = Memo::new(move |_| page.form.with(key_like_texts));
    let is_waiting =
        move || (page.is_generate_queued.get() || awaits_validator.get()).then_some("status");
    let hint = move || {
        if page.is_generate_queued.get() {
            view! {
                "Taskwright is still loading. Generation starts once it is ready. Press the button again to cancel."
            }
            .into_any()
        } else if awaits_validator.get() {
            view! { "Waiting for the validator, which is still being loaded." }.into_any()
        } else if screen.is_generating.get() {
            view! { "Generation is in progress. Stop it, or wait until it ends." }.into_any()
        } else if screen.is_posting.get() {
            view! { "Tasks are being posted. Pause or stop posting, or wait until posting ends." }
                .into_any()
        } else {
            view! {
                "Already have tasks? "
                <Button
                    kind=ButtonKind::Link
                    label="Import tasks…"
                    opens_dialog=true
                    on_press=move || screen.dialog.set(Some(Dialog::Import))
                />
                " Or use one of your "
                <Button
                    kind=ButtonKind::Link
                    label="Saved briefs…"
                    opens_dialog=true
                    on_press=move || screen.dialog.set(Some(Dialog::Briefs))
                />
            }
            .into_any()
        }
    };
    let value = move |read: fn(&Form) -> &String| {
        Signal::derive(move || page.form.with(|form| read(form).clone()))
    };
    let edit = move |write: fn(&mut Form, String)| {
        move |text: String| screen.edit_brief(|form| write(form, text))
    };
    view! {
        <form
            class="brief-form"
            id=FORM
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
            <TextField
                id="goal"
                label="Goal"
                class="goal"
                rows=3
                placeholder="What should be done"
                value=value(|form| &form.goal)
                on_input=edit(|form, text| form.goal = text)
                error=error_of(screen, "goal")
            />
            <TextField
                id="context"
                label="Context"
                is_optional=true
                rows=2
                placeholder="What an agent needs to know"
                value=value(|form| &form.context)
                on_input=edit(|form, text| form.context = text)
                error=error_of(screen, "context")
            />
            <TextField
                id="rules"
                label="Extra rules"
                is_optional=true
                rows=2
                placeholder="One rule per line"
                value=value(|form| &form.rules)
                on_input=edit(|form, text| form.rules = text)
                error=error_of(screen, "rules")
            />
            <TextField
                id="count"
                label="Number of tasks"
                class="count"
                is_code=true
                input_mode="numeric"
                hint=format!("1 to {}", brief::MAX_COUNT)
                value=value(|form| &form.count)
                on_input=edit(|form, text| form.count = text)
                error=error_of(screen, "count")
            />
            <div class="brief-actions">
                <div class="line">
                    <ModeSegment screen/>
                    <Button
                        kind=ButtonKind::Main
                        label
                        disabled_by=Signal::derive(move || is_busy().then_some("generate-hint"))
                        described_by="generate-hint"
                    />
                </div>
                <p class="hint" id="generate-hint" role=is_waiting>{hint}</p>
                <Show when=move || key_like.with(|texts| !texts.is_empty())>
                    <p class="hint" id="key-like" role="status">
                        {move || key_like.with(|texts| key_warning(texts))}
                    </p>
                </Show>
                // Last, because it appears only after the settings were read: nothing below it moves.
                <Show when=move || mode_reason.with(Option::is_some)>
                    <p class="hint" id="mode-why">
                        {move || mode_reason.get().map(|(text, _)| text)} " "
                        {move || mode_reason.get().map(|(_, remedy)| remedy_button(screen, remedy))}
                    </p>
                </Show>
            </div>
        </form>
    }
}

/// What to say about texts with what looks like a key.
fn key_warning(texts: &[String]) -> String {
    format!(
        "What looks like a key is in the {}. A live run sends it to the model: remove it unless the model needs it.",
        listed(texts)
    )
}

/// The mode of the next run. If no model is configured, choosing *Live* opens the settings; the
/// choice stays, whether or not they are saved.
#[component]
fn ModeSegment(screen: Screen) -> impl IntoView {
    let has_model = move || {
        screen
            .page
            .connection
            .with(|connection| connection.model.is_some())
    };
    let choose = move |mode| screen.command(move |commands| commands.choose_mode(mode));
    let choose_live = move |_| {
        choose(Mode::Live);
        if !untrack(has_model) {
            screen.open_settings();
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
                        prop:checked=move || screen.next_run.get().mode() == Mode::Dry
                        on:change=move |_| choose(Mode::Dry)
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
                        prop:checked=move || screen.next_run.get().mode() == Mode::Live
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

/// What makes a live run possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    SetUpEndpoint,
    EnterApiKey,
}

/// Why the next run is not what one might expect, and what to do about it: it is dry although the
/// operator did not choose that, or it cannot start.
fn mode_reason(screen: Screen) -> Memo<Option<(String, Remedy)>> {
    Memo::new(move |_| {
        if !screen.page.is_open.get() {
            return None;
        }
        match screen.next_run.get() {
            NextRun::Dry(DryReason::NoEndpoint) => Some((
                "No model endpoint is configured, so this is a dry run.".to_owned(),
                Remedy::SetUpEndpoint,
            )),
            NextRun::SetUpEndpoint => Some((
                "No model endpoint is configured, so nothing can be generated live.".to_owned(),
                Remedy::SetUpEndpoint,
            )),
            NextRun::Dry(DryReason::NoApiKey) => {
                let host = screen.page.connection.with(|connection| {
                    let endpoint = connection.model.as_ref();
                    endpoint.map(|endpoint| endpoint.base_url.host_and_port())
                });
                Some((
                    format!(
                        "No API key for {} was entered, so this is a dry run.",
                        host.unwrap_or_default()
                    ),
                    Remedy::EnterApiKey,
                ))
            }
            NextRun::Dry(DryReason::Chosen) | NextRun::Live | NextRun::LiveWithKey => None,
        }
    })
}

fn remedy_button(screen: Screen, remedy: Remedy) -> impl IntoView {
    let label = match remedy {
        Remedy::SetUpEndpoint => "Set up a connection…",
        Remedy::EnterApiKey => "Enter API key…",
    };
    let on_press = move || match remedy {
        Remedy::SetUpEndpoint => screen.open_settings(),
        Remedy::EnterApiKey => {
            screen.command(move |commands| commands.ask_for(SecretSlot::API_KEY))
        }
    };
    view! { <Button kind=ButtonKind::Link label opens_dialog=true on_press/> }
}

/// The error of a field, from an attempt to use the brief until the field is corrected.
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
            .map(error_text)
    })
}

fn error_text(error: &BriefError) -> String {
    let range = format!("Enter a number from 1 to {}.", brief::MAX_COUNT);
    match error {
        BriefError::EmptyGoal => "The goal is empty. Describe what should be done.".to_owned(),
        BriefError::TooLong { limit, .. } => format!(
            "This text is longer than {} bytes. Shorten it, or split the work into several briefs.",
            grouped(*limit)
        ),
        BriefError::CountNotANumber { given } if given.is_empty() => {
            format!("The number is missing. {range}")
        }
        BriefError::CountNotANumber { given } => {
            format!("“{given}” is not a whole number. {range}")
        }
        BriefError::CountOutOfRange { given } if given == "0" => {
            format!("0 is too low. {range}")
        }
        BriefError::CountOutOfRange { given } if given.starts_with('-') => {
            format!("“{given}” is too low. {range}")
        }
        BriefError::CountOutOfRange { given } => format!(
            "{given} is more than one run allows. Enter a number from 1 to {}, and start a second run for the rest.",
            brief::MAX_COUNT
        ),
    }
}
