//! The foot while posting waits for the operator: why, what to do, and the way on.

use leptos::prelude::*;

use crate::review::{DraftId, DraftState};
use crate::run::{Batch, Event, Mode, Pause, Wait};
use crate::secrets::SecretSlot;
use crate::text::{counted, grouped, listed};
use crate::ui::controls::icons::icon;
use crate::ui::delivery::delivery_text::holder_word;
use crate::ui::delivery::foot_posting::{
    DeliveryProgress, StateCounts, StopPosting, done_of, progress_words,
};
use crate::ui::screen::{Dialog, Screen, title_of};
use crate::ui::task::delivery_tab::tab_for;

/// So many tasks are named; the rest is counted.
const MOST_NAMED: usize = 3;

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
    let what_to_do = move || {
        let why = why.get()?;
        Some(match why {
            Pause::Blocked => blocked_words(&holders(screen), screen),
            why => what_to_do(&why, screen),
        })
    };
    let has_receipts = move || done_of(screen).0 > 0;
    view! {
        <footer class="post-bar posting" aria-label="Post" data-state="queued">
            <DeliveryProgress screen/>
            <div class="what">
                <p class="headline">
                    {move || format!("Paused at {}", progress_words(screen))}
                    <span role="status">
                        {move || why.get().and_then(|why| reason(&why)).map(|words| format!(": {words}"))}
                    </span>
                </p>
                <p class="soft">{what_to_do}</p>
                <StateCounts screen/>
            </div>
            <div class="button-row">
                {move || why.get().map(|why| acts(screen, &why))}
                <Show when=move || screen.mode.get() == Mode::Live && has_receipts()>
                    <button
                        class="button"
                        type="button"
                        aria-haspopup="dialog"
                        on:click=move |_| screen.dialog.set(Some(Dialog::Receipts))
                    >
                        {icon("download")}
                        "Export receipts…"
                    </button>
                </Show>
                <StopPosting screen/>
            </div>
        </footer>
    }
}

/// What leads on, for each reason to wait.
fn acts(screen: Screen, why: &Pause) -> AnyView {
    let resume = move || view! { <Resume screen/> };
    let settings = move || view! { <CheckSettings screen/> };
    match why {
        Pause::TokenRefused { .. } => {
            view! { <EnterToken screen words="Enter another token"/> }.into_any()
        }
        Pause::TokenMissing => view! { <EnterToken screen words="Enter the token"/> }.into_any(),
        Pause::Operator | Pause::PageClosed => resume().into_any(),
        Pause::NotSent { .. } | Pause::ServerInTrouble | Pause::FirstNotTaken => {
            view! { {settings()} {resume()} }.into_any()
        }
        Pause::NotStored { .. } => view! {
            {resume()}
            <button
                class="button"
                type="button"
                aria-haspopup="dialog"
                aria-disabled=move || screen.barred()
                aria-describedby=move || screen.barred_by()
                on:click=move |_| {
                    if untrack(|| screen.barred()).is_none() {
                        screen.dialog.set(Some(Dialog::WithoutJournal));
                    }
                }
            >
                {icon("warning")}
                "Go on without a journal…"
            </button>
        }
        .into_any(),
        Pause::Blocked => view! { <Unblock screen/> }.into_any(),
    }
}

#[component]
fn Resume(screen: Screen) -> impl IntoView {
    view! {
        <button
            class="button main"
            type="button"
            aria-disabled=move || screen.barred()
            aria-describedby=move || screen.barred_by()
            on:click=move |_| screen.send(Event::Resume)
        >
            {icon("resume")}
            "Resume posting"
        </button>
    }
}

#[component]
fn CheckSettings(screen: Screen) -> impl IntoView {
    view! {
        <button
            class="button"
            type="button"
            aria-haspopup="dialog"
            on:click=move |_| screen.dialog.set(Some(Dialog::Settings))
        >
            {icon("settings")}
            "Check the settings"
        </button>
    }
}

/// The way to another token. What is on its way with the old one is settled first.
#[component]
fn EnterToken(screen: Screen, words: &'static str) -> impl IntoView {
    let is_settling = move || {
        screen
            .page
            .counts
            .with(|counts| counts.of(DraftState::Sending))
            > 0
    };
    let ask = move |_| {
        if untrack(|| !is_settling() && screen.barred().is_none()) {
            screen.ask(|commands| commands.ask_for(SecretSlot::AGENT_TOKEN));
        }
    };
    view! {
        <button
            class="button main"
            type="button"
            aria-haspopup="dialog"
            aria-disabled=move || screen.barred().or(is_settling().then_some("true"))
            aria-describedby=move || {
                screen.barred_by().or(is_settling().then_some("token-why"))
            }
            on:click=ask
        >
            {icon("key")}
            {words}
        </button>
        <Show when=is_settling>
            <p class="hint" id="token-why">
                "What is on its way is settled first."
            </p>
        </Show>
    }
}

/// What the tasks that are left wait for in the end: those that do not wait themselves.
fn holders(screen: Screen) -> Vec<(DraftId, DraftState)> {
    screen.page.waits.with(|waits| {
        let mut holders: Vec<(DraftId, DraftState)> = waits
            .values()
            .filter_map(|wait| match wait {
                Wait::For { draft, state }
                    if !matches!(state, DraftState::Queued | DraftState::Sending) =>
                {
                    Some((draft.clone(), *state))
                }
                _ => None,
            })
            .collect();
        holders.sort();
        holders.dedup();
        holders
    })
}

fn blocked_words(holders: &[(DraftId, DraftState)], screen: Screen) -> String {
    let named = holders.iter().take(MOST_NAMED).filter_map(|(id, state)| {
        let draft = screen.page.draft(id)?;
        let title = draft.with(|draft| title_of(draft, &screen.roles.read()));
        Some(format!("“{title}” ({})", holder_word(*state)))
    });
    let mut named: Vec<String> = named.collect();
    let rest = holders.len().saturating_sub(MOST_NAMED);
    if rest > 0 {
        named.push(format!("{} more", grouped(rest)));
    }
    let left = screen
        .page
        .counts
        .with(|counts| counts.of(DraftState::Queued));
    let verb = if left == 1 { "waits" } else { "wait" };
    let then = match (left, holders.len()) {
        (1, 1) => "It goes on once that is on the server.",
        (1, _) => "It goes on once those are on the server.",
        (_, 1) => "They go on once that is on the server.",
        _ => "They go on once those are on the server.",
    };
    format!(
        "{} {verb} for {}. {then}",
        counted(left, "task"),
        listed(&named)
    )
}

/// What can be done about the tasks that hold the others up, by what they are.
#[component]
fn Unblock(screen: Screen) -> impl IntoView {
    let holders = Memo::new(move |_| holders(screen));
    let of_state = move |wanted: DraftState| -> Vec<DraftId> {
        holders.with(|holders| {
            let ids = holders
                .iter()
                .filter(|(_, state)| *state == wanted)
                .map(|(id, _)| id.clone());
            ids.collect()
        })
    };
    let failed = Memo::new(move |_| of_state(DraftState::Failed));
    let confirmable = Memo::new(move |_| {
        let held = screen
            .page
            .confirmation
            .with(|held| held.as_ref().map_or(0, |c| c.count));
        (!of_state(DraftState::Approved).is_empty())
            .then_some(held)
            .filter(|held| *held > 0)
    });
    // Whoever wants a decision of the operator first, the failed ones last.
    let to_show = Memo::new(move |_| {
        holders.with(|holders| {
            holders
                .iter()
                .find(|(_, state)| !matches!(state, DraftState::Failed | DraftState::Approved))
                .cloned()
        })
    });
    let show_words = move |state: DraftState| match of_state(state).len() {
        1 => format!("Open the task that is {}", holder_word(state)),
        many => format!(
            "Show {} tasks that are {}",
            grouped(many),
            holder_word(state)
        ),
    };
    let show = move |id: DraftId, state: DraftState| {
        if of_state(state).len() == 1 {
            screen.show_all();
            screen.open(id, tab_for(state));
        } else {
            screen.chosen.set(None);
            screen.show_only(state);
        }
        screen.pane.set(crate::ui::screen::Pane::Tasks);
    };
    view! {
        {move || {
            to_show
                .get()
                .map(|(id, state)| {
                    view! {
                        <button
                            class="button main"
                            type="button"
                            on:click=move |_| show(id.clone(), state)
                        >
                            {icon("search")}
                            {show_words(state)}
                        </button>
                    }
                })
        }}
        {move || {
            let drafts = failed.get();
            (!drafts.is_empty())
                .then(|| {
                    view! {
                        <button
                            class="button main"
                            type="button"
                            aria-disabled=move || screen.barred()
                            aria-describedby=move || screen.barred_by()
                            on:click=move |_| {
                                screen.send(Event::Retry { drafts: failed.get_untracked() });
                            }
                        >
                            {icon("retry")}
                            {format!("Send {} again", counted(drafts.len(), "failed task"))}
                        </button>
                    }
                })
        }}
        {move || {
            confirmable
                .get()
                .map(|count| {
                    view! {
                        <button
                            class="button main"
                            type="button"
                            aria-haspopup="dialog"
                            aria-disabled=move || screen.barred()
                            aria-describedby=move || screen.barred_by()
                            on:click=move |_| {
                                if untrack(|| screen.barred()).is_none() {
                                    screen.dialog.set(Some(Dialog::Confirm));
                                }
                            }
                        >
                            {icon("post")}
                            {format!("Post {}…", counted(count, "approved task"))}
                        </button>
                    }
                })
        }}
    }
}

fn reason(why: &Pause) -> Option<String> {
    Some(match why {
        Pause::Operator => return None,
        Pause::TokenRefused { status } => format!("the server refused the token ({status})"),
        Pause::TokenMissing => "there is no token yet".to_owned(),
        Pause::NotSent { .. } => "the request could not be made".to_owned(),
        Pause::FirstNotTaken => "the first task was not taken".to_owned(),
        Pause::ServerInTrouble => "the server is in trouble".to_owned(),
        Pause::NotStored { .. } => "the next step could not be written down".to_owned(),
        Pause::Blocked => "the tasks that are left wait for others".to_owned(),
        Pause::PageClosed => "the page was closed".to_owned(),
    })
}

fn what_to_do(why: &Pause, screen: Screen) -> String {
    match why {
        Pause::Operator => "Nothing more is sent until you resume.".to_owned(),
        Pause::TokenRefused { .. } => {
            "The task was not taken with it. Give the right one; posting goes on at the same task, with the same key."
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
        Pause::Blocked => String::new(),
        Pause::PageClosed => {
            let honours_keys = screen
                .page
                .run
                .with(|run| run.as_ref().is_some_and(|run| run.honours_keys));
            let unknown = screen
                .page
                .counts
                .with(|counts| counts.of(DraftState::Unconfirmed));
            match (unknown, honours_keys) {
                (0, true) => "What was on its way goes again with the same key, which doubles nothing.".to_owned(),
                (0, false) => "Nothing was on its way. Resume to post the rest.".to_owned(),
                (unknown, _) => format!(
                    "{} may have arrived and will not be sent again by itself: see what became of it first, or resume with the rest.",
                    counted(unknown, "unknown task")
                ),
            }
        }
    }
}
