//! How the delivery ended, in numbers, and what can be done now.

use leptos::prelude::*;

use crate::review::{DraftState, RunId};
use crate::run::receipts::Summary;
use crate::run::{Batch, Counts, Event, Mode};
use crate::text::{counted, grouped, listed};
use crate::ui::controls::icons::{icon, mark};
use crate::ui::screen::{Dialog, Screen};

/// The banner, once tasks were posted and none is under way.
#[component]
pub fn DeliveryBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let dismissed = RwSignal::new(None::<(RunId, Counts)>);
    let shown = Memo::new(move |_| {
        let counts = page.counts.get();
        let idle = page.run.with(|run| {
            run.as_ref()
                .filter(|run| run.batch == Batch::Idle)
                .map(|run| run.id.clone())
        });
        idle.map(|id| (id, counts))
            .filter(|(_, counts)| counts.of_any(&DraftState::ENDED) > 0)
            .filter(|result| dismissed.with(|dismissed| dismissed.as_ref() != Some(result)))
    });
    move || {
        let (id, counts) = shown.get()?;
        let mode = screen.mode.get_untracked();
        let state = overall(&counts);
        Some(view! {
            <div class="banner" data-state=state role="status">
                {mark(mark_of(state))}
                <div class="body">
                    <h3>{words(screen, mode, &counts)}</h3>
                    {has_others(&counts).then(|| view! { <p>{Summary::of(&counts).sentence()}</p> })}
                    <NextSteps screen counts mode/>
                </div>
                <button
                    class="button quiet icon-only"
                    type="button"
                    aria-label="Dismiss the delivery's result"
                    on:click=move |_| dismissed.set(Some((id.clone(), counts)))
                >
                    {icon("cross")}
                </button>
            </div>
        })
    }
}

#[component]
fn NextSteps(screen: Screen, counts: Counts, mode: Mode) -> impl IntoView {
    let show = move |state: DraftState, words: &str| {
        let count = counts.of(state);
        (count > 0).then(|| {
            let noun = if count == 1 { "task" } else { "tasks" };
            view! {
                <button
                    class="button"
                    type="button"
                    on:click=move |_| screen.show_only(state)
                >
                    {format!("Show the {words} {noun}")}
                </button>
            }
        })
    };
    let failed = counts.of(DraftState::Failed);
    let has_model = move || screen.page.connection.with(|held| held.model.is_some());
    view! {
            <div class="button-row">
                {show(DraftState::Refused, "refused")}
                {show(DraftState::Failed, "failed")}
                {show(DraftState::Unconfirmed, "unconfirmed")}
                {(failed > 0)
                    .then(|| {
                        view! {
                            <button
                                class="button"
                                type="button"
                                aria-disabled=move || screen.barred()
                                aria-describedby=move || screen.barred_by()
                                on:click=move |_| {
                                    screen.send(Event::Retry {
                                        drafts: screen.in_state(DraftState::Failed),
                                    });
                                }
                            >
                                {icon("retry")}
                                {format!("Send {} again", counted(failed, "failed task"))}
                            </button>
                        }
                    })}
                {(mode == Mode::Dry)
                    .then(|| {
                        view! {
                            <button
                                class="button"
                                type="button"
                                on:click=move |_| {
                                    if untrack(has_model) {
                                        screen.ask(|commands| commands.go_live());
                                    } else {
                                        screen.dialog.set(Some(Dialog::Settings));
                                    }
                                }
                            >
                                "Go live with this brief…"
                            </button>
                        }
                    })}
                <button
                    class="button"
                    type="button"
                    aria-haspopup="dialog"
                    on:click=move |_| screen.dialog.set(Some(Dialog::Receipts))
                >
                    {icon("download")}
                    "Export receipts…"
                </button>
            </div>
    }
}

/// Whether there are tasks that the headline does not count, because they never left.
fn has_others(counts: &Counts) -> bool {
    counts.of_any(&DraftState::ENDED) < counts.total()
}

/// The state that the banner has the colour of: what wants attention first.
fn overall(counts: &Counts) -> &'static str {
    if counts.of(DraftState::Unconfirmed) > 0 {
        "unconfirmed"
    } else if counts.of(DraftState::Refused) > 0 {
        "refused"
    } else if counts.of(DraftState::Failed) > 0 {
        "failed"
    } else if counts.of(DraftState::Delivered) > 0 {
        "delivered"
    } else {
        "dry"
    }
}

fn mark_of(state: &str) -> &'static str {
    match state {
        "unconfirmed" => "state-unconfirmed",
        "refused" => "state-refused",
        "failed" => "state-failed",
        "delivered" => "state-delivered",
        _ => "state-dry",
    }
}

fn words(screen: Screen, mode: Mode, counts: &Counts) -> String {
    if mode == Mode::Dry {
        let count = counts.of(DraftState::DryDelivered);
        return format!(
            "Dry run done: {}, 0 requests",
            counted(count, "dry receipt")
        );
    }
    let host = screen.page.run.with_untracked(|run| {
        run.as_ref()
            .and_then(|run| run.connection.task_server.as_ref())
            .map(|server| server.url.host_and_port())
    });
    let numbers: Vec<String> = [
        (DraftState::Delivered, "delivered"),
        (DraftState::Refused, "refused"),
        (DraftState::Failed, "failed"),
        (DraftState::Unconfirmed, "unconfirmed"),
    ]
    .into_iter()
    .filter(|(state, _)| counts.of(*state) > 0)
    .map(|(state, word)| format!("{} {word}", grouped(counts.of(state))))
    .collect();
    match host {
        Some(host) => format!("Posted to {host}: {}", listed(&numbers)),
        None => format!("Posted: {}", listed(&numbers)),
    }
}
