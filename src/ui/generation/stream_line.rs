//! One line above the list that shows the answer arriving; it never moves what is below it.

use leptos::prelude::*;

use std::time::Duration;

use crate::model::GenerationOutcome;
use crate::model::retry::MAX_RETRIES;
use crate::run::{Event, GenerationState, PendingRetry};
use crate::text::{grouped, tail_on_one_line};
use crate::ui::controls::icons::icon;
use crate::ui::controls::times;
use crate::ui::generation::outcome_text::title;
use crate::ui::page::Page;
use crate::ui::screen::Screen;

/// How much of the answer's end is shown, in characters.
const TAIL: usize = 200;

/// The line.
#[component]
pub fn StreamLine(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let count = move || {
        let here = grouped(page.rows.with(Vec::len));
        if screen.is_asking_again.get() {
            return "Asking again".to_owned();
        }
        page.run.with(|run| {
            let asked = run.as_ref().and_then(|run| run.asked);
            match (asked, run.as_ref().and_then(|run| run.wanted)) {
                (Some(asked), Some(wanted)) if asked.total > 1 => format!(
                    "Request {} of {}, {} of {} tasks",
                    asked.request,
                    asked.total,
                    grouped(asked.tasks),
                    grouped(wanted.into()),
                ),
                (_, Some(wanted)) => format!("{here} of {}", grouped(wanted.into())),
                (_, None) => here,
            }
        })
    };
    let waiting = Memo::new(move |_| {
        page.run.with(|run| {
            let stages = run.as_ref().map(|run| [&run.generation, &run.again]);
            stages.into_iter().flatten().find_map(|stage| match stage {
                GenerationState::Running { pending_retry, .. } => *pending_retry,
                GenerationState::None | GenerationState::Ended { .. } => None,
            })
        })
    });
    let now = ticking();
    let text = move || match waiting.get() {
        Some(waiting) => waiting_words(page, waiting, now.get()),
        None => page.stream.with(|stream| match stream.characters {
            0 => "Waiting for the first words…".to_owned(),
            _ => tail_on_one_line(&stream.tail, TAIL),
        }),
    };
    // Said once for each wait; the seconds that run down are only shown.
    let announced = move || {
        waiting.get().map(|waiting| {
            format!(
                "The call failed and is made again by itself, try {} of {MAX_RETRIES}.",
                waiting.number
            )
        })
    };
    view! {
        <div class="stream-line" data-state="sending" role="group" aria-label="Generating">
            <span class="count" aria-live="off">{count}</span>
            <span
                class="stream-text"
                data-waiting=move || waiting.get().map(|_| "")
                aria-hidden="true"
            >
                {text}
            </span>
            <span class="visually-hidden" role="status">{announced}</span>
            <button
                class="button"
                type="button"
                aria-label="Stop generating"
                aria-disabled=move || screen.barred()
                aria-describedby=move || screen.barred_by()
                on:click=move |_| screen.send(Event::StopGeneration)
            >
                {icon("stop")}
                "Stop"
            </button>
        </div>
    }
}

/// The time in milliseconds since 1970, a few times a second for as long as this is shown.
fn ticking() -> ReadSignal<u64> {
    let (now, set_now) = signal(times::now());
    let ticker = set_interval_with_handle(move || set_now.set(times::now()), TICK);
    if let Ok(ticker) = ticker {
        on_cleanup(move || ticker.clear());
    }
    now
}

/// How often the seconds of a wait are counted anew.
const TICK: Duration = Duration::from_millis(250);

/// What went wrong, and in how many seconds it is tried again.
fn waiting_words(page: Page, waiting: PendingRetry, now: u64) -> String {
    let failed = page.run.with(|run| {
        let last = run.as_ref()?.requests.last()?;
        last.outcome().cloned()
    });
    let what = failed.map_or_else(String::new, |outcome: GenerationOutcome| {
        format!("{}. ", title(&outcome, 0, None))
    });
    let seconds = waiting.at.saturating_sub(now).div_ceil(1000);
    format!(
        "{what}Asking again in {seconds} s, try {} of {MAX_RETRIES}.",
        waiting.number
    )
}
