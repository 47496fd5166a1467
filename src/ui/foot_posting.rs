//! The foot while tasks are on their way, and while posting waits for the operator.

use leptos::prelude::*;

use super::icons::{icon, state_mark, state_name};
use super::screen::{Dialog, Screen};
use crate::review::DraftState;
use crate::review::words::grouped;
use crate::run::{Batch, Event, Mode, Pause};

const WAITING: [DraftState; 2] = [DraftState::Queued, DraftState::Sending];
const DONE: [DraftState; 5] = [
    DraftState::Delivered,
    DraftState::DryDelivered,
    DraftState::Refused,
    DraftState::Failed,
    DraftState::Unknown,
];

fn sum(screen: Screen, states: &[DraftState]) -> usize {
    screen
        .page
        .counts
        .with(|counts| states.iter().map(|state| counts.of(*state)).sum())
}

fn progress_words(screen: Screen) -> String {
    let done = sum(screen, &DONE);
    let total = done + sum(screen, &WAITING);
    format!("{} of {}", grouped(done), grouped(total))
}

fn host(screen: Screen) -> Option<String> {
    if screen.mode.get() == Mode::Dry {
        return None;
    }
    screen.page.run.with(|run| {
        run.as_ref()
            .and_then(|run| run.connection.task_server.as_ref())
            .map(|server| server.url.host_and_port())
    })
}

/// How far it is, and *Pause*.
#[component]
pub fn Posting(screen: Screen) -> impl IntoView {
    let headline = move || match host(screen) {
        Some(host) => format!("Posting {} to {host}", progress_words(screen)),
        None => format!("Writing dry receipts, {}", progress_words(screen)),
    };
    view! {
        <footer
            class="post-bar posting"
            aria-label="Post"
            data-state=move || if screen.mode.get() == Mode::Dry { "dry" } else { "sending" }
        >
            <Progress screen/>
            <div class="what">
                <p class="headline">{headline}</p>
                <StateCounts screen/>
            </div>
            <button class="button" type="button" on:click=move |_| screen.send(Event::Pause)>
                {icon("pause")}
                "Pause posting"
            </button>
        </footer>
    }
}

#[component]
fn Progress(screen: Screen) -> impl IntoView {
    let label = move || match host(screen) {
        Some(host) => format!("Posting to {host}"),
        None => "Writing dry receipts".to_owned(),
    };
    let done = move || sum(screen, &DONE);
    let total = move || done() + sum(screen, &WAITING);
    view! {
        <progress
            class="progress"
            max=move || total().max(1).to_string()
            prop:value=move || done() as f64
            aria-label=label
        ></progress>
    }
}

#[component]
fn StateCounts(screen: Screen) -> impl IntoView {
    let states = Memo::new(move |_| {
        screen.page.counts.with(|counts| {
            DONE.into_iter()
                .chain(WAITING)
                .filter(|state| counts.of(*state) > 0)
                .collect::<Vec<_>>()
        })
    });
    view! {
        <ul class="counts">
            <For each=move || states.get() key=|state| *state let:state>
                <li data-state=state_name(state)>
                    {state_mark(state)}
                    <span class="number">
                        {move || grouped(screen.page.counts.with(|counts| counts.of(state)))}
                    </span>
                    " "
                    {state.word().to_lowercase()}
                </li>
            </For>
        </ul>
    }
}

/// Why posting waits, what to do, and the way on.
#[component]
pub fn Paused(screen: Screen) -> impl IntoView {
    let why = Memo::new(move |_| {
        screen.page.run.with(|run| {
            run.as_ref().and_then(|run| match &run.batch {
                Batch::Paused { why } => Some(why.clone()),
                _ => None,
            })
        })
    });
    let is_about_token = move || {
        matches!(
            why.get(),
            Some(Pause::TokenRefused { .. } | Pause::TokenMissing)
        )
    };
    let is_about_server = move || {
        matches!(
            why.get(),
            Some(Pause::FirstNotTaken | Pause::ServerInTrouble | Pause::NotSent { .. })
        )
    };
    let is_empty = move || sum(screen, &WAITING) == 0;
    view! {
        <footer class="post-bar posting" aria-label="Post" data-state="queued">
            <Progress screen/>
            <div class="what">
                <p class="headline" role="status">
                    {move || {
                        why.get().map(|why| headline(&why, &progress_words(screen)))
                    }}
                </p>
                <p class="soft">{move || why.get().map(|why| what_to_do(&why))}</p>
                <StateCounts screen/>
            </div>
            <div class="button-row">
                // Going on asks for the token that is missing.
                <Show when=is_about_token>
                    <button
                        class="button main"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| screen.send(Event::Resume)
                    >
                        {icon("key")}
                        {move || match why.get() {
                            Some(Pause::TokenMissing) => "Enter the token",
                            _ => "Enter another token",
                        }}
                    </button>
                </Show>
                <Show when=is_about_server>
                    <button
                        class="button"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| screen.dialog.set(Some(Dialog::Settings))
                    >
                        {icon("settings")}
                        "Check the settings"
                    </button>
                </Show>
                <Show when=move || !is_about_token() && !is_empty()>
                    <button
                        class="button main"
                        type="button"
                        on:click=move |_| screen.send(Event::Resume)
                    >
                        {icon("resume")}
                        "Resume posting"
                    </button>
                </Show>
                <button
                    class="button"
                    type="button"
                    on:click=move |_| screen.send(Event::StopPosting)
                >
                    {icon("stop")}
                    "Stop posting"
                </button>
            </div>
        </footer>
    }
}

fn headline(why: &Pause, progress: &str) -> String {
    match why {
        Pause::Operator => format!("Paused at {progress}"),
        Pause::TokenRefused { status } => {
            format!("Paused at {progress}: the server refused the token ({status})")
        }
        Pause::TokenMissing => format!("Paused at {progress}: there is no token yet"),
        Pause::NotSent { .. } => format!("Paused at {progress}: the request could not be made"),
        Pause::FirstNotTaken => format!("Paused at {progress}: the first task was not taken"),
        Pause::ServerInTrouble => format!("Paused at {progress}: the server is in trouble"),
        Pause::NotStored { .. } => {
            format!("Paused at {progress}: the next step could not be written down")
        }
        Pause::Blocked => {
            format!("Waiting at {progress}: the tasks that are left depend on others")
        }
        Pause::PageClosed => format!("Paused at {progress}: the page was closed"),
    }
}

fn what_to_do(why: &Pause) -> String {
    match why {
        Pause::Operator => "Nothing more is sent until you resume.".to_owned(),
        Pause::TokenRefused { .. } => {
            "The task was not taken with it. Give the right one; posting goes on at the same task."
                .to_owned()
        }
        Pause::TokenMissing => "Give it, and posting begins.".to_owned(),
        Pause::NotSent { reason } => {
            format!("Nothing left this page. Put the settings right, then resume. The reason: {reason}")
        }
        Pause::FirstNotTaken => {
            "The others were spared. Open the first task to see why; put the address or the task right, then resume."
                .to_owned()
        }
        Pause::ServerInTrouble => {
            "It did not take a task, or may not have. Look at that task and at the server, then resume."
                .to_owned()
        }
        Pause::NotStored { reason } => format!(
            "So it was not sent. Make room in the browser's storage, then resume. The browser said: {reason}"
        ),
        Pause::Blocked => {
            "Each says which one it waits for. Send that one again, post it, or say that it arrived; then resume."
                .to_owned()
        }
        Pause::PageClosed => {
            "Tasks that may have arrived are shown as unknown and are not sent again by themselves."
                .to_owned()
        }
    }
}
