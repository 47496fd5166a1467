//! The foot while tasks are on their way: what is going on, how far it is, how fast it goes.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::announcements::{self, Announcer};
use crate::run::{Event, Mode};
use crate::text::grouped;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::screen::Screen;

/// How many tasks have come to something, and how many are to; followed.
pub(super) fn done_of(screen: Screen) -> (usize, usize) {
    screen.page.counts.with(|counts| {
        let done = counts.of_any(&DraftState::ENDED);
        (done, done + counts.of_any(&DraftState::IN_PROGRESS))
    })
}

/// `12 of 50`; followed.
pub(super) fn progress_words(screen: Screen) -> String {
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

/// How many tasks may be on their way at a time.
fn at_a_time(screen: Screen) -> u8 {
    screen.page.run.with(|run| {
        run.as_ref()
            .and_then(|run| run.connection.task_server.as_ref())
            .map_or(1, |server| server.concurrency)
    })
}

/// What is going on, how far it is, *Pause* and *Stop*.
#[component]
pub fn Posting(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let headline = move || {
        let progress = progress_words(screen);
        match (host(screen), page.is_read_only.get()) {
            (Some(host), false) => format!("Posting {progress} to {host}"),
            (Some(host), true) => format!("Another tab is posting {progress} to {host}"),
            (None, false) => format!("Writing dry receipts, {progress}"),
            (None, true) => format!("Another tab is writing dry receipts, {progress}"),
        }
    };
    let standing = move || {
        let (progress, now) = page.progress.get()?;
        let standing = announcements::phase_text(&progress, at_a_time(screen));
        Some(match announcements::next_attempt_text(&progress, now) {
            Some(next) => format!("{standing}, {next}"),
            None => standing,
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
                    {move || standing().map(|words| view! { <span class="standing">{words}</span> })}
                    {move || pace().map(|words| view! { <span class="pace">{words}</span> })}
                </p>
                <Show when=without_journal>
                    <p class="soft">
                        "Nothing is written down: keep this tab open, and export the receipts at the end."
                    </p>
                </Show>
                <StateCounts screen/>
            </div>
            <div class="button-row">
                <button
                    class="button"
                    type="button"
                    aria-disabled=move || screen.barred()
                    aria-describedby=move || screen.barred_by()
                    on:click=move |_| screen.send(Event::Pause)
                >
                    {icon("pause")}
                    "Pause posting"
                </button>
                <StopPosting screen/>
            </div>
            <Announced screen/>
        </footer>
    }
}

/// *Stop*, which leaves approved what has not left.
#[component]
pub(super) fn StopPosting(screen: Screen) -> impl IntoView {
    view! {
        <button
            class="button"
            type="button"
            title="What has not left stays approved"
            aria-disabled=move || screen.barred()
            aria-describedby=move || screen.barred_by()
            on:click=move |_| screen.send(Event::StopPosting)
        >
            {icon("stop")}
            "Stop posting"
        </button>
    }
}

/// What is said of it to those who do not see it, at a pace that one can listen to.
#[component]
fn Announced(screen: Screen) -> impl IntoView {
    // What was said last is part of what decides whether there is something to say.
    let told = Memo::new(move |last: Option<&(Announcer, String)>| {
        let (mut teller, words) = last.cloned().unwrap_or_default();
        let said = screen.page.progress.get().and_then(|(progress, now)| {
            let done = untrack(|| done_of(screen));
            let at_a_time = untrack(|| at_a_time(screen));
            teller.next(&progress, at_a_time, done, now)
        });
        (teller, said.unwrap_or(words))
    });
    view! {
        <p class="visually-hidden" role="status">
            {move || told.with(|(_, words)| words.clone())}
        </p>
    }
}

/// The bar.
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

/// How many are in each state.
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
                    {state.label().to_lowercase()}
                </li>
            </For>
        </ul>
    }
}
