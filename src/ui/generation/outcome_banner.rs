//! How the model's answer ended: what happened, why, what to do.

use leptos::prelude::*;

use crate::model::{FailureKind, GenerationOutcome};
use crate::review::DraftState;
use crate::run::{Event, GenerationState, Mode};
use crate::secrets::SecretSlot;
use crate::text::{counted, grouped};
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::{icon, mark};
use crate::ui::generation::outcome_text::{keep_words, title};
use crate::ui::screen::{Dialog, Pane, Screen};

/// The banner, once the answer has ended.
#[component]
pub fn OutcomeBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let ended = Memo::new(move |_| {
        page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.generation {
                GenerationState::Ended { outcome, at, kept } => {
                    Some((outcome.clone(), *at, *kept, run.mode))
                }
                _ => None,
            })
        })
    });
    let dismissed = RwSignal::new(None::<u64>);
    move || {
        let (outcome, at, kept, mode) = ended.get()?;
        // What came of the delivery is said in its place then.
        let is_old = outcome.is_complete()
            && page
                .counts
                .with(|counts| counts.of_any(&DraftState::ENDED) > 0);
        if dismissed.get() == Some(at) || is_old {
            return None;
        }
        let can_dismiss = outcome.is_complete() || kept;
        let name = outcome.name();
        let is_failure = matches!(outcome, GenerationOutcome::Failed(_));
        let heading = {
            let outcome = outcome.clone();
            move || {
                let count = page.rows.with(Vec::len);
                let wanted = page.run.with(|run| run.as_ref().and_then(|run| run.wanted));
                if outcome.is_complete() {
                    complete_words(screen, count, wanted.map(usize::from))
                } else {
                    title(&outcome, count, wanted.map(usize::from))
                }
            }
        };
        Some(view! {
            <div
                class="banner"
                data-outcome=name
                role=if is_failure { "alert" } else { "status" }
            >
                {mark(mark_name(&outcome))}
                <div class="body">
                    <h3>{heading}</h3>
                    {outcome.is_complete().then(|| view! { <Missing screen code=outcome.code()/> })}
                    {(!outcome.is_complete())
                        .then(|| view! { <NotComplete screen outcome=outcome.clone() kept mode/> })}
                </div>
                {can_dismiss
                    .then(|| {
                        view! {
                            <button
                                class="button quiet icon-only"
                                type="button"
                                aria-label="Dismiss the outcome"
                                on:click=move |_| dismissed.set(Some(at))
                            >
                                {icon("cross")}
                            </button>
                        }
                    })}
            </div>
        })
    }
}

/// How asking again ended, until it is dismissed.
#[component]
pub fn AgainBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let ended = Memo::new(move |_| {
        page.run.with(|run| match &run.as_ref()?.again {
            GenerationState::Ended { outcome, at, .. } => Some((outcome.clone(), *at)),
            _ => None,
        })
    });
    let proposed = move || {
        page.run.with(|run| {
            let last = run.as_ref()?.requests.last()?;
            Some(usize::try_from(last.arrived).unwrap_or(usize::MAX))
        })
    };
    let dismissed = RwSignal::new(None::<u64>);
    move || {
        let (outcome, at) = ended.get()?;
        if dismissed.get() == Some(at) {
            return None;
        }
        let count = proposed().unwrap_or_default();
        let heading = match outcome {
            GenerationOutcome::Complete => format!("Asked again: {}", counted(count, "proposal")),
            _ => format!("Asked again: {}", title(&outcome, count, None)),
        };
        let words = match outcome {
            GenerationOutcome::Complete => {
                "They stand beside their tasks. Nothing changes before you accept it.".to_owned()
            }
            _ => format!("{} {}", outcome.message(), outcome.hint()),
        };
        Some(view! {
            <div class="banner" data-outcome=outcome.name() role="status">
                {mark(mark_name(&outcome))}
                <div class="body">
                    <h3>{heading}</h3>
                    <p>{words}</p>
                </div>
                <button
                    class="button quiet icon-only"
                    type="button"
                    aria-label="Dismiss what asking again came to"
                    on:click=move |_| dismissed.set(Some(at))
                >
                    {icon("cross")}
                </button>
            </div>
        })
    }
}

fn complete_words(screen: Screen, count: usize, wanted: Option<usize>) -> String {
    let invalid = screen
        .page
        .counts
        .with(|counts| counts.of(DraftState::Invalid));
    let mut text = match wanted {
        Some(wanted) if wanted != count => {
            format!(
                "Complete: {} of the {} asked for",
                counted(count, "task"),
                grouped(wanted)
            )
        }
        _ => format!("Complete: {}", counted(count, "task")),
    };
    text.push_str(&match invalid {
        0 => ", all valid".to_owned(),
        _ => format!(
            ", {} valid, {} to mend",
            grouped(count - invalid.min(count)),
            grouped(invalid)
        ),
    });
    text
}

/// The way to the tasks of the brief that did not come, where there is one.
#[component]
fn Missing(screen: Screen, code: &'static str) -> impl IntoView {
    let missing = Memo::new(move |_| {
        screen.page.run.with(|run| {
            let run = run.as_ref()?;
            let asked = run.asked.filter(|asked| asked.can_go_on)?;
            let missing = usize::from(run.wanted?).saturating_sub(asked.tasks);
            (missing > 0).then_some((missing, asked.tasks))
        })
    });
    move || {
        let (missing, here) = missing.get()?;
        let label = match here {
            // Without any there is nothing to go on from: that is what generating again is for.
            0 => return None,
            _ => format!("Ask for the {}", counted(missing, "missing task")),
        };
        Some(view! {
            <button
                class="button"
                type="button"
                aria-disabled=move || screen.barred()
                aria-describedby=move || screen.barred_by()
                on:click=move |_| screen.send(Event::AskForMissing { outcome: code.to_owned() })
            >
                {icon("retry")}
                {label}
            </button>
        })
    }
}

/// Why it ended, and what can be done about it.
#[component]
fn NotComplete(
    screen: Screen,
    outcome: GenerationOutcome,
    kept: bool,
    mode: Mode,
) -> impl IntoView {
    let page = screen.page;
    let code = outcome.code();
    let keep = keep_words(&outcome);
    let message = match &outcome {
        GenerationOutcome::Failed(failure) => Some(failure.message.clone()),
        GenerationOutcome::Interrupted {
            reason: Some(reason),
        } => Some(reason.clone()),
        _ => None,
    };
    let refusal = match &outcome {
        GenerationOutcome::Refused { text } if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    let body = match &outcome {
        GenerationOutcome::Failed(failure) => failure.body.clone(),
        _ => None,
    };
    let is_key = matches!(
        &outcome,
        GenerationOutcome::Failed(failure)
            if matches!(failure.kind, FailureKind::KeyRefused | FailureKind::Forbidden)
    );
    let is_brief = matches!(
        outcome,
        GenerationOutcome::Refused { .. } | GenerationOutcome::Filtered
    );
    let is_setting = matches!(&outcome, GenerationOutcome::CutOff { .. })
        || matches!(
            &outcome,
            GenerationOutcome::Failed(failure) if matches!(
                failure.kind,
                FailureKind::AddressNotFound
                    | FailureKind::BudgetReached
                    | FailureKind::NotSent
                    | FailureKind::TookTooLong
                    | FailureKind::ModelNotFound
                    | FailureKind::WebPage
                    | FailureKind::Redirected
                    | FailureKind::NotAModelResponse
                    | FailureKind::Unreachable
            )
        );
    let count = move || page.rows.with(Vec::len);
    view! {
        {message.map(|message| view! { <p>{message}</p> })}
        {refusal.map(|text| view! { <blockquote>{text}</blockquote> })}
        <p>{outcome.hint()}</p>
        <div class="button-row">
            {move || {
                (count() > 0 && !kept)
                    .then(|| {
                        view! {
                            <button
                                class="button"
                                type="button"
                                aria-disabled=move || screen.barred()
                                aria-describedby=move || screen.barred_by()
                                on:click=move |_| {
                                    screen.send(Event::AcceptPartial { outcome: code.to_owned() });
                                }
                            >
                                {format!("Keep the {} of {keep}", counted(count(), "whole task"))}
                            </button>
                        }
                    })
            }}
            <Missing screen code/>
            {is_key
                .then(|| {
                    view! {
                        <button
                            class="button"
                            type="button"
                            on:click=move |_| screen.ask(|commands| commands.ask_for(SecretSlot::API_KEY))
                        >
                            {icon("key")}
                            "Enter another key"
                        </button>
                    }
                })}
            {is_brief
                .then(|| {
                    view! {
                        <button
                            class="button"
                            type="button"
                            on:click=move |_| {
                                screen.pane.set(Pane::Brief);
                                focus_by_id_soon("goal".to_owned());
                            }
                        >
                            "Change the brief"
                        </button>
                    }
                })}
            {is_setting
                .then(|| {
                    view! {
                        <button
                            class="button"
                            type="button"
                            on:click=move |_| screen.dialog.set(Some(Dialog::Settings))
                        >
                            {icon("settings")}
                            "Change the settings"
                        </button>
                    }
                })}
            <button
                class="button"
                type="button"
                on:click=move |_| screen.start(mode)
            >
                {icon("retry")}
                "Generate again"
            </button>
        </div>
        {kept.then(|| view! { <p>"The whole tasks were kept. They can be approved."</p> })}
        {body.map(|body| raw_text("What the endpoint sent", &body))}
        {move || {
            let raw = page.run.with(|run| {
                let last = run.as_ref()?.requests.last()?;
                Some(last.raw_response.clone())
            })?;
            (!raw.is_empty()).then(|| raw_text("Raw answer", &raw))
        }}
    }
}

/// A raw text, folded.
pub fn raw_text(label: &str, text: &str) -> impl IntoView + use<> {
    let summary = format!("{label}, {}", counted(text.chars().count(), "character"));
    let text = text.to_owned();
    view! {
        <details class="fold">
            <summary>{summary}</summary>
            <pre class="raw" tabindex="0">{text}</pre>
        </details>
    }
}

fn mark_name(outcome: &GenerationOutcome) -> &'static str {
    match outcome {
        GenerationOutcome::Complete => "state-delivered",
        GenerationOutcome::CutOff { .. } => "warning",
        GenerationOutcome::Refused { .. } | GenerationOutcome::Filtered => "state-refused",
        GenerationOutcome::Interrupted { .. }
        | GenerationOutcome::Stalled
        | GenerationOutcome::Failed(_) => "state-failed",
        GenerationOutcome::Cancelled => "state-rejected",
    }
}
