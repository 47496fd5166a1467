//! The foot while posting is paused: the reason, and what to do.

use leptos::prelude::*;

use crate::browser::page_origin;
use crate::delivery::{DeliveryOutcome, UnconfirmedCause, cors};
use crate::review::{DraftId, DraftState};
use crate::run::{Batch, Event, Mode, Pause, WaitReason};
use crate::secrets::SecretSlot;
use crate::text::{counted, grouped, listed};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::copy_diagnostics::CopyDiagnostics;
use crate::ui::delivery::cors_advice::CorsRule;
use crate::ui::delivery::delivery_text::state_phrase;
use crate::ui::delivery::foot_posting::{
    DeliveryProgress, StateCounts, StopPosting, done_of, progress_text,
};
use crate::ui::screen::{Dialog, Pane, Screen, title_of};
use crate::ui::task::delivery_tab::tab_for;

/// At most this many blocking tasks are named; the others are counted.
const MAX_NAMED: usize = 3;

/// The reason for the pause, what to do, and the actions.
#[component]
pub fn Paused(screen: Screen) -> impl IntoView {
    let pause = Memo::new(move |_| {
        screen.page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.batch {
                Batch::Paused { why } => Some(why.clone()),
                _ => None,
            })
        })
    });
    let what_to_do = move || {
        Some(match pause.get()? {
            Pause::Blocked => blocked_text(&blockers(screen), screen),
            pause => what_to_do(&pause, screen),
        })
    };
    let is_unanswered = move || {
        pause.with(|pause| {
            *pause
                == Some(Pause::FirstUnconfirmed {
                    cause: UnconfirmedCause::NoResponse,
                })
        })
    };
    let has_receipts = move || done_of(screen).0 > 0;
    view! {
        <footer class="post-bar posting" aria-label="Post" data-state="queued">
            <DeliveryProgress screen/>
            <div class="what">
                <p class="headline">
                    {move || format!("Paused at {}", progress_text(screen))}
                    <span role="status">
                        {move || {
                            pause
                                .get()
                                .and_then(|pause| reason(&pause))
                                .map(|reason| format!(": {reason}"))
                        }}
                    </span>
                </p>
                <p class="soft">{what_to_do}</p>
                <Show when=is_unanswered>
                    <CorsRule screen/>
                </Show>
                <StateCounts screen/>
            </div>
            <div class="button-row">
                {move || pause.get().map(|pause| actions(screen, &pause))}
                <CopyDiagnostics screen/>
                <Show when=move || screen.mode.get() == Mode::Live && has_receipts()>
                    <Button
                        icon="download"
                        label="Export receipts…"
                        opens_dialog=true
                        on_press=move || screen.dialog.set(Some(Dialog::Receipts))
                    />
                </Show>
                <StopPosting screen/>
            </div>
        </footer>
    }
}

/// The actions that can end the pause.
fn actions(screen: Screen, pause: &Pause) -> AnyView {
    let resume = move || {
        view! {
            <Button
                kind=ButtonKind::Main
                icon="resume"
                label="Resume posting"
                changes_run=screen
                on_press=move || screen.send(Event::Resume)
            />
        }
    };
    match pause {
        Pause::TokenRefused { .. } => {
            view! { <EnterToken screen label="Enter another agent token…"/> }.into_any()
        }
        Pause::TokenMissing => view! { <EnterToken screen label="Enter agent token…"/> }.into_any(),
        Pause::Operator | Pause::PageClosed => resume().into_any(),
        Pause::NotSent { .. }
        | Pause::ServerInTrouble
        | Pause::FirstNotTaken
        | Pause::FirstUnconfirmed { .. } => view! {
            <Button
                icon="settings"
                label="Open settings…"
                opens_dialog=true
                on_press=move || screen.open_run_settings()
            />
            {resume()}
        }
        .into_any(),
        Pause::NotStored { .. } => view! {
            {resume()}
            <Button
                icon="warning"
                label="Continue without a journal…"
                opens_dialog=true
                changes_run=screen
                on_press=move || screen.dialog.set(Some(Dialog::WithoutJournal))
            />
        }
        .into_any(),
        Pause::Blocked => view! { <Unblock screen/> }.into_any(),
    }
}

/// Asks for an agent token. Disabled until the requests with the old one have finished.
#[component]
fn EnterToken(screen: Screen, label: &'static str) -> impl IntoView {
    let is_sending = move || {
        screen
            .page
            .counts
            .with(|counts| counts.of(DraftState::Sending))
            > 0
    };
    let ask = move || screen.command(move |commands| commands.ask_for(SecretSlot::AGENT_TOKEN));
    view! {
        <Button
            kind=ButtonKind::Main
            icon="key"
            label
            opens_dialog=true
            changes_run=screen
            disabled_by=Signal::derive(move || is_sending().then_some("token-why"))
            on_press=ask
        />
        <Show when=is_sending>
            <p class="hint" id="token-why">
                "Wait until the requests in flight have finished."
            </p>
        </Show>
    }
}

/// The tasks that the remaining tasks wait for and that do not wait themselves.
fn blockers(screen: Screen) -> Vec<(DraftId, DraftState)> {
    screen.page.waits.with(|waits| {
        let mut blockers: Vec<(DraftId, DraftState)> = waits
            .values()
            .filter_map(|wait| match wait {
                WaitReason::Dependency { draft, state }
                    if !matches!(state, DraftState::Queued | DraftState::Sending) =>
                {
                    Some((draft.clone(), *state))
                }
                _ => None,
            })
            .collect();
        blockers.sort();
        blockers.dedup();
        blockers
    })
}

fn blocked_text(blockers: &[(DraftId, DraftState)], screen: Screen) -> String {
    let named = blockers.iter().take(MAX_NAMED).filter_map(|(id, state)| {
        let draft = screen.page.draft(id)?;
        let title = draft.with(|draft| title_of(draft, &screen.roles.read()));
        Some(format!("“{title}” ({})", state_phrase(*state)))
    });
    let mut named: Vec<String> = named.collect();
    let others = blockers.len().saturating_sub(MAX_NAMED);
    if others > 0 {
        named.push(format!("{} more", grouped(others)));
    }
    let queued = screen
        .page
        .counts
        .with(|counts| counts.of(DraftState::Queued));
    let verb = if queued == 1 { "waits" } else { "wait" };
    let condition = if blockers.len() == 1 {
        "it is delivered"
    } else {
        "they are delivered"
    };
    format!(
        "{} {verb} for {}. Posting continues once {condition}.",
        counted(queued, "task"),
        listed(&named)
    )
}

/// The actions for the blocking tasks, by their state.
#[component]
fn Unblock(screen: Screen) -> impl IntoView {
    let blockers = Memo::new(move |_| blockers(screen));
    let in_state = move |wanted: DraftState| -> Vec<DraftId> {
        blockers.with(|blockers| {
            let ids = blockers
                .iter()
                .filter(|(_, state)| *state == wanted)
                .map(|(id, _)| id.clone());
            ids.collect()
        })
    };
    let failed = Memo::new(move |_| in_state(DraftState::Failed));
    let resend_failed = move || {
        screen.send(Event::Retry {
            drafts: failed.get_untracked(),
        });
    };
    let postable = Memo::new(move |_| {
        let count = screen
            .page
            .confirmation
            .with(|confirmation| confirmation.as_ref().map_or(0, |c| c.count));
        (count > 0 && !in_state(DraftState::Approved).is_empty()).then_some(count)
    });
    // A task that needs a decision. Failed and approved tasks have buttons of their own.
    let undecided = Memo::new(move |_| {
        blockers.with(|blockers| {
            blockers
                .iter()
                .find(|(_, state)| !matches!(state, DraftState::Failed | DraftState::Approved))
                .cloned()
        })
    });
    let show_label = move |state: DraftState| match in_state(state).len() {
        1 => format!("Open the {} task", state_adjective(state)),
        count => format!("Show {} {} tasks", grouped(count), state_adjective(state)),
    };
    let show = move |id: DraftId, state: DraftState| {
        if in_state(state).len() == 1 {
            screen.show_all();
            screen.open(id, tab_for(state));
        } else {
            screen.open_task.set(None);
            screen.show_only(state);
        }
        screen.pane.set(Pane::Tasks);
    };
    view! {
        {move || {
            undecided
                .get()
                .map(|(id, state)| {
                    view! {
                        <Button
                            kind=ButtonKind::Main
                            icon="search"
                            label=show_label(state)
                            on_press=move || untrack(|| show(id.clone(), state))
                        />
                    }
                })
        }}
        {move || {
            let count = failed.with(Vec::len);
            (count > 0)
                .then(|| {
                    view! {
                        <Button
                            kind=ButtonKind::Main
                            icon="retry"
                            label=format!("Resend {}", counted(count, "failed task"))
                            changes_run=screen
                            on_press=resend_failed
                        />
                    }
                })
        }}
        {move || {
            postable
                .get()
                .map(|count| {
                    view! {
                        <Button
                            kind=ButtonKind::Main
                            icon="post"
                            label=format!("Post {}…", counted(count, "approved task"))
                            opens_dialog=true
                            changes_run=screen
                            on_press=move || screen.dialog.set(Some(Dialog::Confirm))
                        />
                    }
                })
        }}
    }
}

/// The state of a blocking task, as it reads before "task".
fn state_adjective(state: DraftState) -> &'static str {
    match state {
        DraftState::Checking | DraftState::Ready => "unapproved",
        state => state_phrase(state),
    }
}

fn reason(pause: &Pause) -> Option<String> {
    Some(match pause {
        Pause::Operator => return None,
        Pause::TokenRefused { status } => format!("the server rejected the agent token ({status})"),
        Pause::TokenMissing => "no agent token was entered".to_owned(),
        Pause::NotSent { .. } => "the request could not be sent".to_owned(),
        Pause::FirstNotTaken => "the server refused the first task".to_owned(),
        Pause::FirstUnconfirmed { cause } => match cause {
            UnconfirmedCause::NoResponse => "this page sees no response to the first task",
            UnconfirmedCause::TimedOut => "there was no response to the first task in time",
            UnconfirmedCause::Redirected => "the server redirected the first task",
            UnconfirmedCause::NoReceipt => "the response to the first task does not confirm it",
            UnconfirmedCause::Status | UnconfirmedCause::PageClosed => {
                "the first task is unconfirmed"
            }
        }
        .to_owned(),
        Pause::ServerInTrouble => "the server keeps failing".to_owned(),
        Pause::NotStored { .. } => "the journal could not be written".to_owned(),
        Pause::Blocked => "the remaining tasks wait for others".to_owned(),
        Pause::PageClosed => "the page was closed".to_owned(),
    })
}

/// What to do if the first task is unconfirmed. The most frequent cause of a missing response is a
/// CORS rule, so it comes first.
fn first_unconfirmed_text(cause: UnconfirmedCause, screen: Screen) -> String {
    match cause {
        UnconfirmedCause::NoResponse => {
            let headers = screen.page.run.with(|run| {
                let server = run.as_ref()?.connection.task_server.as_ref()?;
                Some(listed(&cors::sent_headers(server)))
            });
            format!(
                "No other task was sent. First check the server's CORS rule and its response to the preflight (OPTIONS): they must allow the origin {} and the headers {}. If they do, the server is down, or it failed without CORS headers and may have stored the task: look into its log. Then decide about the task, and resume.",
                page_origin(),
                headers.unwrap_or_default()
            )
        }
        UnconfirmedCause::Redirected => "No other task was sent. Some servers redirect once they have stored a task, others because of a slash in the path. Look for the task on the server, then resume. If the path is wrong, correct it in the settings, and approve the tasks again for the new one.".to_owned(),
        UnconfirmedCause::NoReceipt => "No other task was sent. The response is not that of a task server, or it contradicts itself. Open the first task to see it, then resume. If the address is wrong, correct it in the settings, and approve the tasks again for the new one.".to_owned(),
        UnconfirmedCause::Status | UnconfirmedCause::TimedOut | UnconfirmedCause::PageClosed => {
            "No other task was sent. Check the first task and the server, then resume.".to_owned()
        }
    }
}

/// What the last attempt of a task that was not delivered says, of the first task of which there is
/// anything to say.
fn find_outcome<T>(screen: Screen, read: impl Fn(&DeliveryOutcome) -> Option<T>) -> Option<T> {
    let rows = screen.page.rows.get();
    rows.iter().find_map(|id| {
        let draft = screen.page.draft_untracked(id)?;
        read(draft.delivery.last()?.outcome.as_ref()?)
    })
}

/// The status and the address, if the first task was refused because there is nothing at its path.
fn missing_path(screen: Screen) -> Option<(u16, String)> {
    let status = find_outcome(screen, |outcome| match outcome {
        DeliveryOutcome::Refused { status, .. } => *status,
        _ => None,
    })?;
    let url = screen.page.run.with(|run| {
        let server = run.as_ref()?.connection.task_server.as_ref()?;
        Some(server.tasks_url())
    })?;
    matches!(status, 404 | 405).then_some((status, url))
}

fn what_to_do(pause: &Pause, screen: Screen) -> String {
    match pause {
        Pause::Operator => "Nothing more is sent until you resume.".to_owned(),
        Pause::TokenRefused { status } => {
            let advice = match status {
                403 => "Enter a valid agent token to continue with the same task. If the token is right, enter it again: if the server refuses only this task, another one is sent next.",
                _ => "Enter a valid agent token to continue with the same task.",
            };
            let said = find_outcome(screen, |outcome| match outcome {
                DeliveryOutcome::Unauthorized { message, .. } => Some(message.clone()),
                _ => None,
            });
            match said.filter(|message| !message.trim().is_empty()) {
                Some(message) => format!("{advice} The server’s message: {message}"),
                None => advice.to_owned(),
            }
        }
        Pause::TokenMissing => "Enter an agent token to start posting.".to_owned(),
        Pause::NotSent { reason } => {
            format!("This request was not sent. Correct the settings; tasks for another address must be approved again. Reason: {reason}")
        }
        Pause::FirstNotTaken => match missing_path(screen) {
            Some((status, url)) => format!(
                "No other task was sent. Nothing accepts tasks at {url} ({status}). Correct the path in the settings, and approve the tasks again for the new address. If the path is right, open the first task to see the response."
            ),
            None => "No other task was sent. Open the first task to see why. Correct and approve it, then resume. If the address is wrong, correct it in the settings, and approve the tasks again for the new one.".to_owned(),
        },
        Pause::FirstUnconfirmed { cause } => first_unconfirmed_text(*cause, screen),
        Pause::ServerInTrouble => {
            "A task was not accepted or is unconfirmed. Check that task and the server, then resume."
                .to_owned()
        }
        Pause::NotStored { reason } => format!(
            "The task was not sent. Free storage in this browser, then resume. The browser reported: {reason}"
        ),
        Pause::Blocked => String::new(),
        Pause::PageClosed => {
            let honours_keys = screen
                .page
                .run
                .with(|run| run.as_ref().is_some_and(|run| run.honours_keys));
            let unconfirmed = screen
                .page
                .counts
                .with(|counts| counts.of(DraftState::Unconfirmed));
            match (unconfirmed, honours_keys) {
                (0, true) => "When you resume, tasks that were in flight are resent with the same idempotency key, so none is stored twice.".to_owned(),
                (0, false) => "No task is unconfirmed. Resume to post the rest.".to_owned(),
                (count, _) => format!(
                    "{} will not be resent automatically. Decide the outcome first, or resume with the rest.",
                    counted(count, "unconfirmed task")
                ),
            }
        }
    }
}
