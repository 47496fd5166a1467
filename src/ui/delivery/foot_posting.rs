//! The foot while tasks are being posted: activity, progress and speed.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::announcements::{self, Announcer};
use crate::run::receipts::state_text;
use crate::run::{Event, Mode};
use crate::text::grouped;
use crate::ui::controls::button::Button;
use crate::ui::controls::icons::{state_mark, state_name};
use crate::ui::screen::Screen;

/// The number of tasks with an outcome, and the number that are to have one. Tracks the counts.
pub(super) fn done_of(screen: Screen) -> (usize, usize) {
    screen.page.counts.with(|counts| {
        let done = counts.of_any(&DraftState::ENDED);
        (done, done + counts.of_any(&DraftState::IN_PROGRESS))
    })
}

/// `12 of 50`. Tracks the counts.
pub(super) fn progress_text(screen: Screen) -> String {
    let (done, total) = done_of(screen);
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

/// The number of tasks that may be in flight at a time.
fn concurrency(screen: Screen) -> u8 {
    screen.page.run.with(|run| {
        run.as_ref()
            .and_then(|run| run.connection.task_server.as_ref())
            .map_or(1, |server| server.concurrency)
    })
}

/// Activity, progress and speed, with buttons to pause and stop.
#[component]
pub fn Posting(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let headline = move || {
        let progress = progress_text(screen);
        match (host(screen), page.is_read_only.get()) {
            (Some(host), false) => format!("Posting {progress} to {host}"),
            (Some(host), true) => format!("Another tab is posting {progress} to {host}"),
            (None, false) => format!("Writing dry receipts, {progress}"),
            (None, true) => format!("Another tab is writing dry receipts, {progress}"),
        }
    };
    let activity = move || {
        let (progress, now) = page.progress.get()?;
        let activity = announcements::phase_text(&progress, concurrency(screen));
        Some(match announcements::next_attempt_text(&progress, now) {
            Some(next) => format!("{activity}, {next}"),
            None => activity,
        })
    };
    let pace = move || {
        let (progress, _) = page.progress.get()?;
        announcements::rate_text(&progress)
    };
    let without_journal =
        move || screen.mode.get() == Mode::Live && page.storage_problem.with(Option::is_some);
    view! {
        <footer
            class="post-bar posting"
            aria-label="Post"
            data-state=move || if screen.mode.get() == Mode::Dry { "dry" } else { "sending" }
        >
            <DeliveryProgress screen/>
            <div class="what">
                <p class="headline">{headline}</p>
                <p class="soft">
                    {move || activity().map(|text| view! { <span class="activity">{text}</span> })}
                    {move || pace().map(|text| view! { <span class="pace">{text}</span> })}
                </p>
                <Show when=without_journal>
                    <p class="soft">
                        "No journal is written: keep this tab open, and export the receipts at the end."
                    </p>
                </Show>
                <StateCounts screen/>
            </div>
            <div class="button-row">
                <Button
                    icon="pause"
                    label="Pause posting"
                    changes_run=screen
                    on_press=move || screen.send(Event::Pause)
                />
                <StopPosting screen/>
            </div>
            <Announcements screen/>
        </footer>
    }
}

/// The button that stops posting. Unsent tasks stay approved.
#[component]
pub(super) fn StopPosting(screen: Screen) -> impl IntoView {
    view! {
        <Button
            icon="stop"
            label="Stop posting"
            changes_run=screen
            on_press=move || screen.send(Event::StopPosting)
            attr:title="Unsent tasks stay approved"
        />
    }
}

/// Progress for screen readers, at a rate that one can listen to.
#[component]
fn Announcements(screen: Screen) -> impl IntoView {
    // Whether there is a new announcement depends on the last one.
    let announced = Memo::new(move |last: Option<&(Announcer, String)>| {
        let (mut announcer, text) = last.cloned().unwrap_or_default();
        let new_text = screen.page.progress.get().and_then(|(progress, now)| {
            let done = untrack(|| done_of(screen));
            let concurrency = untrack(|| concurrency(screen));
            announcer.next(&progress, concurrency, done, now)
        });
        (announcer, new_text.unwrap_or(text))
    });
    view! {
        <p class="visually-hidden" role="status">
            {move || announced.with(|(_, text)| text.clone())}
        </p>
    }
}

/// The progress bar.
#[component]
pub(super) fn DeliveryProgress(screen: Screen) -> impl IntoView {
    let label = move || match host(screen) {
        Some(host) => format!("Posting to {host}"),
        None => "Writing dry receipts".to_owned(),
    };
    view! {
        <progress
            class="progress"
            max=move || done_of(screen).1.max(1).to_string()
            prop:value=move || done_of(screen).0 as f64
            aria-label=label
        ></progress>
    }
}

/// The number of tasks in each state.
#[component]
pub(super) fn StateCounts(screen: Screen) -> impl IntoView {
    let states = Memo::new(move |_| {
        screen.page.counts.with(|counts| {
            DraftState::ENDED
                .into_iter()
                .chain(DraftState::IN_PROGRESS)
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
                    {if state == DraftState::DryDelivered {
                        state_text(state).to_owned()
                    } else {
                        state.label().to_lowercase()
                    }}
                </li>
            </For>
        </ul>
    }
}
