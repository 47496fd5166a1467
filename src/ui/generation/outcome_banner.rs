//! The result of a generation: what happened, why, and what to do.

use leptos::prelude::*;

use crate::model::{FailureKind, GenerationOutcome};
use crate::review::DraftState;
use crate::run::{Event, GenerationState, Mode};
use crate::secrets::SecretSlot;
use crate::text::{counted, grouped};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::copy_diagnostics::CopyDiagnostics;
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::mark;
use crate::ui::generation::outcome_text::title;
use crate::ui::screen::{Pane, Screen};

/// The banner, once generation has ended.
#[component]
pub fn OutcomeBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let ended = Memo::new(move |_| {
        page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.generation {
                GenerationState::Ended {
                    outcome,
                    at,
                    accepted_partial,
                } => Some((outcome.clone(), *at, *accepted_partial, run.mode)),
                _ => None,
            })
        })
    });
    let dismissed = RwSignal::new(None::<u64>);
    move || {
        let (outcome, at, is_accepted, mode) = ended.get()?;
        // After posting, the result of the delivery takes its place.
        let is_superseded = outcome.is_complete()
            && page
                .counts
                .with(|counts| counts.of_any(&DraftState::ENDED) > 0);
        if dismissed.get() == Some(at) || is_superseded {
            return None;
        }
        let can_dismiss = outcome.is_complete() || is_accepted;
        let name = outcome.name();
        let is_failure = matches!(outcome, GenerationOutcome::Failed(_));
        let heading = {
            let outcome = outcome.clone();
            move || {
                let in_run = page.rows.with(Vec::len);
                let (wanted, progress) = page.run.with(|run| {
                    let run = run.as_ref();
                    (
                        run.and_then(|run| run.wanted).map(usize::from),
                        run.and_then(|run| run.progress),
                    )
                });
                // The others were imported, or are what became of a task.
                let generated = progress.map_or(in_run, |progress| progress.tasks);
                if outcome.is_complete() {
                    complete_title(screen, generated, in_run, wanted)
                } else {
                    title(&outcome, generated, wanted)
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
                    {if outcome.is_complete() {
                        view! { <MissingTasks screen code=outcome.code()/> }.into_any()
                    } else {
                        view! { <Incomplete screen outcome is_accepted mode/> }.into_any()
                    }}
                </div>
                {can_dismiss
                    .then(|| {
                        view! {
                            <Button
                                kind=ButtonKind::IconOnly
                                icon="cross"
                                label="Dismiss the outcome"
                                on_press=move || dismissed.set(Some(at))
                            />
                        }
                    })}
            </div>
        })
    }
}

/// The result of the last follow-up request, until it is dismissed.
#[component]
pub fn FollowUpBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let ended = Memo::new(move |_| {
        page.run.with(|run| match &run.as_ref()?.follow_up {
            GenerationState::Ended { outcome, at, .. } => Some((outcome.clone(), *at)),
            _ => None,
        })
    });
    let arrived = move || {
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
        let count = arrived().unwrap_or_default();
        let (result, explanation) = match outcome {
            GenerationOutcome::Complete => (
                counted(count, "suggested edit"),
                if count == 0 {
                    "The response suggested no edit.".to_owned()
                } else {
                    "Open each task marked “suggested edit”. Nothing changes until you accept it."
                        .to_owned()
                },
            ),
            _ => (
                title(&outcome, count, None),
                format!("{} {}", outcome.message(), outcome.hint()),
            ),
        };
        Some(view! {
            <div class="banner" data-outcome=outcome.name() role="status">
                {mark(mark_name(&outcome))}
                <div class="body">
                    <h3>{format!("Follow-up request: {result}")}</h3>
                    <p>{explanation}</p>
                </div>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="cross"
                    label="Dismiss the result of the follow-up request"
                    on_press=move || dismissed.set(Some(at))
                />
            </div>
        })
    }
}

/// The heading of a complete generation: `generated` of the `wanted` tasks arrived, and the run has
/// `in_run`.
fn complete_title(
    screen: Screen,
    generated: usize,
    in_run: usize,
    wanted: Option<usize>,
) -> String {
    let invalid = screen
        .page
        .counts
        .with(|counts| counts.of(DraftState::Invalid));
    let tasks = match wanted {
        Some(wanted) if wanted != generated => {
            format!(
                "{} of {}",
                grouped(generated),
                counted(wanted, "requested task")
            )
        }
        _ => counted(generated, "task"),
    };
    if in_run == 0 {
        return format!("Complete: {tasks}");
    }
    let validity = match invalid {
        0 => "all valid".to_owned(),
        _ => format!(
            "{} valid, {} invalid",
            grouped(in_run - invalid.min(in_run)),
            grouped(invalid)
        ),
    };
    if generated == in_run {
        format!("Complete: {tasks}, {validity}")
    } else {
        format!(
            "Complete: {tasks}; {} in the run, {validity}",
            counted(in_run, "task")
        )
    }
}

/// The button that requests the missing tasks of the brief, if there are any.
#[component]
fn MissingTasks(screen: Screen, code: &'static str) -> impl IntoView {
    let missing = Memo::new(move |_| {
        screen.page.run.with(|run| {
            let run = run.as_ref()?;
            let progress = run
                .progress
                .filter(|progress| progress.can_request_missing)?;
            let missing = usize::from(run.wanted?).saturating_sub(progress.tasks);
            // Without any task there is nothing to continue: that is what generating again is for.
            (missing > 0 && progress.tasks > 0).then_some(missing)
        })
    });
    move || {
        let label = format!("Generate {}", counted(missing.get()?, "missing task"));
        let generate = move || {
            screen.send(Event::RequestMissing {
                outcome: code.to_owned(),
            });
        };
        Some(view! { <Button icon="retry" label changes_run=screen on_press=generate/> })
    }
}

/// Why generation ended without a complete response, and what to do.
#[component]
fn Incomplete(
    screen: Screen,
    outcome: GenerationOutcome,
    is_accepted: bool,
    mode: Mode,
) -> impl IntoView {
    let page = screen.page;
    let code = outcome.code();
    let message = match &outcome {
        // Its message would repeat the heading.
        GenerationOutcome::Failed(failure) if failure.kind == FailureKind::NotConfigured => None,
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
    let concerns_key = matches!(
        &outcome,
        GenerationOutcome::Failed(failure)
            if matches!(
                failure.kind,
                FailureKind::KeyRefused | FailureKind::Forbidden | FailureKind::NotSent
            )
    );
    let is_not_sent = matches!(
        &outcome,
        GenerationOutcome::Failed(failure) if failure.kind == FailureKind::NotSent
    );
    let concerns_brief = matches!(
        outcome,
        GenerationOutcome::Refused { .. } | GenerationOutcome::Filtered
    );
    let concerns_settings = matches!(
        &outcome,
        GenerationOutcome::CutOff { .. } | GenerationOutcome::Stalled(_)
    ) || matches!(
        &outcome,
        GenerationOutcome::Failed(failure) if matches!(
            failure.kind,
            FailureKind::AddressNotFound
                | FailureKind::LimitReached
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
    let accept = move || {
        screen.send(Event::AcceptPartial {
            outcome: code.to_owned(),
        });
    };
    let edit_brief = move || {
        screen.pane.set(Pane::Brief);
        focus_by_id_soon("goal".to_owned());
    };
    view! {
        {message.map(|message| view! { <p>{message}</p> })}
        {refusal.map(|text| view! { <blockquote>{text}</blockquote> })}
        <p>{outcome.hint()}</p>
        <div class="button-row">
            <Show when=move || { count() > 0 && !is_accepted }>
                <Button
                    label=move || {
                        format!("Accept partial response ({})", counted(count(), "task"))
                    }
                    changes_run=screen
                    on_press=accept
                />
            </Show>
            <MissingTasks screen code/>
            {concerns_key
                .then(|| {
                    view! {
                        <Button
                            icon="key"
                            label=if is_not_sent {
                                "Enter the API key…"
                            } else {
                                "Enter another API key…"
                            }
                            opens_dialog=true
                            on_press=move || {
                                screen.command(move |commands| commands.ask_for(SecretSlot::API_KEY));
                            }
                        />
                    }
                })}
            {concerns_brief.then(|| view! { <Button label="Edit the brief" on_press=edit_brief/> })}
            {concerns_settings
                .then(|| {
                    view! {
                        <Button
                            icon="settings"
                            label="Open settings…"
                            opens_dialog=true
                            on_press=move || screen.open_run_settings()
                        />
                    }
                })}
            <Button
                icon="retry"
                label="Generate again"
                on_press=move || screen.start(mode)
            />
            <CopyDiagnostics screen/>
        </div>
        {is_accepted
            .then(|| view! { <p>"You accepted the partial response. Its tasks can be approved."</p> })}
        {body.map(|body| raw_text("Response body", &body))}
        {move || {
            let raw = page.run.with(|run| {
                let last = run.as_ref()?.requests.last()?;
                Some(last.raw_response.clone())
            })?;
            (!raw.is_empty()).then(|| raw_text("Raw response", &raw))
        }}
    }
}

/// A raw text, collapsed at first.
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
        | GenerationOutcome::Stalled(_)
        | GenerationOutcome::Failed(_) => "state-failed",
        GenerationOutcome::Cancelled => "state-rejected",
    }
}
