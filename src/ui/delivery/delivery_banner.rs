//! The result of a delivery in numbers, and the next steps.

use leptos::prelude::*;

use crate::review::{DraftState, RunId};
use crate::run::receipts::Summary;
use crate::run::{Batch, Counts, Event, Mode};
use crate::text::{counted, grouped, listed};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::mark;
use crate::ui::screen::{Dialog, Screen};

/// The banner. Shown after tasks were posted, while none is being posted.
#[component]
pub fn DeliveryBanner(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let dismissed = RwSignal::new(None::<(RunId, Counts)>);
    let result = Memo::new(move |_| {
        let counts = page.counts.get();
        let idle_run = page.run.with(|run| {
            run.as_ref()
                .filter(|run| run.batch == Batch::Idle)
                .map(|run| run.id.clone())
        });
        idle_run
            .map(|id| (id, counts))
            .filter(|(_, counts)| counts.of_any(&DraftState::ENDED) > 0)
            .filter(|result| dismissed.with(|dismissed| dismissed.as_ref() != Some(result)))
    });
    move || {
        let (id, counts) = result.get()?;
        let mode = screen.mode.get_untracked();
        let state = overall(&counts);
        Some(view! {
            <div class="banner" data-state=state role="status">
                {mark(mark_name(state))}
                <div class="body">
                    <h3>{heading(screen, mode, &counts)}</h3>
                    {has_unposted(&counts).then(|| view! { <p>{Summary::of(&counts).sentence()}</p> })}
                    <NextSteps screen counts mode/>
                </div>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="cross"
                    label="Dismiss the delivery result"
                    on_press=move || dismissed.set(Some((id.clone(), counts)))
                />
            </div>
        })
    }
}

#[component]
fn NextSteps(screen: Screen, counts: Counts, mode: Mode) -> impl IntoView {
    let show = move |state: DraftState, noun: &str| {
        let count = counts.of(state);
        (count > 0).then(|| {
            let label = format!("Show {}", counted(count, noun));
            view! { <Button label on_press=move || screen.show_only(state)/> }
        })
    };
    let failed = counts.of(DraftState::Failed);
    let resend_failed = move || {
        screen.send(Event::Retry {
            drafts: screen.in_state(DraftState::Failed),
        });
    };
    let go_live = move || {
        // Imported tasks need no model.
        let needs_model = screen
            .page
            .run
            .with_untracked(|run| run.as_ref().is_some_and(|run| run.wanted.is_some()));
        let has_model = screen
            .page
            .connection
            .with_untracked(|connection| connection.model.is_some());
        if has_model || !needs_model {
            screen.command(move |commands| commands.go_live());
        } else {
            screen.open_settings();
        }
    };
    view! {
        <div class="button-row">
            {show(DraftState::Refused, "refused task")}
            {show(DraftState::Failed, "failed task")}
            {show(DraftState::Unconfirmed, "unconfirmed task")}
            {(failed > 0)
                .then(|| {
                    let label = format!("Resend {}", counted(failed, "failed task"));
                    view! {
                        <Button icon="retry" label changes_run=screen on_press=resend_failed/>
                    }
                })}
            {(mode == Mode::Dry)
                .then(|| view! { <Button label="Go live" on_press=go_live/> })}
            <Button
                icon="download"
                label="Export receipts…"
                opens_dialog=true
                on_press=move || screen.dialog.set(Some(Dialog::Receipts))
            />
        </div>
    }
}

/// Whether there are tasks that the heading does not count, because they were never posted.
fn has_unposted(counts: &Counts) -> bool {
    counts.of_any(&DraftState::ENDED) < counts.total()
}

/// The state that gives the banner its colour: the one that most needs attention.
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

fn mark_name(state: &str) -> &'static str {
    match state {
        "unconfirmed" => "state-unconfirmed",
        "refused" => "state-refused",
        "failed" => "state-failed",
        "delivered" => "state-delivered",
        _ => "state-dry",
    }
}

fn heading(screen: Screen, mode: Mode, counts: &Counts) -> String {
    if mode == Mode::Dry {
        let count = counts.of(DraftState::DryDelivered);
        return format!(
            "Dry run done: {}, 0 requests",
            counted(count, "dry receipt")
        );
    }
    // The connection may have changed since.
    let destinations = screen.page.destinations.get_untracked();
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
    let what = if screen.page.was_only_tested.get_untracked() {
        "Test posted"
    } else {
        "Posted"
    };
    if destinations.is_empty() {
        format!("{what}: {}", listed(&numbers))
    } else {
        format!("{what} to {}: {}", listed(&destinations), listed(&numbers))
    }
}
