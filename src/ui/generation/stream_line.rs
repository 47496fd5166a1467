//! A line above the list that shows the response as it arrives. Its height never changes.

use std::time::Duration;

use leptos::prelude::*;

use crate::model::GenerationOutcome;
use crate::model::retry::MAX_RETRIES;
use crate::run::{Event, GenerationState, PendingRetry};
use crate::text::{self, grouped, tail_on_one_line};
use crate::ui::controls::button::Button;
use crate::ui::controls::times;
use crate::ui::generation::outcome_text::title;
use crate::ui::page::{Page, Stream};
use crate::ui::screen::Screen;

/// The number of characters shown from the end of the response.
const TAIL: usize = 200;

/// The stream line.
#[component]
pub fn StreamLine(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let count = move || {
        let arrived = grouped(page.rows.with(Vec::len));
        if screen.is_following_up.get() {
            return "Follow-up request".to_owned();
        }
        page.run.with(|run| {
            let progress = run.as_ref().and_then(|run| run.progress);
            match (progress, run.as_ref().and_then(|run| run.wanted)) {
                (Some(progress), Some(wanted)) if progress.total > 1 => format!(
                    "Request {} of {}, {} of {} tasks",
                    progress.request,
                    progress.total,
                    grouped(progress.tasks),
                    grouped(wanted.into()),
                ),
                (_, Some(wanted)) => format!("{arrived} of {}", grouped(wanted.into())),
                (_, None) => arrived,
            }
        })
    };
    let waiting = Memo::new(move |_| {
        page.run.with(|run| {
            let stages = run.as_ref().map(|run| [&run.generation, &run.follow_up]);
            stages.into_iter().flatten().find_map(|stage| match stage {
                GenerationState::Running { pending_retry, .. } => *pending_retry,
                GenerationState::None | GenerationState::Ended { .. } => None,
            })
        })
    });
    let now = current_time();
    let text = move || match waiting.get() {
        Some(waiting) => waiting_text(page, waiting, now.get()),
        None => page.stream.with(|stream| match stream {
            Stream {
                reasoning_bytes: 0,
                characters: 0,
                ..
            } => "Waiting for the first token…".to_owned(),
            Stream {
                reasoning_bytes: 0,
                tail,
                ..
            } => tail_on_one_line(tail, TAIL),
            Stream {
                reasoning_bytes, ..
            } => format!(
                "The model is reasoning ({} so far)…",
                text::bytes(*reasoning_bytes as u64)
            ),
        }),
    };
    // Announced once for each wait. The countdown is only shown.
    let announced = move || {
        waiting.get().map(|waiting| {
            format!(
                "The request failed and will be retried, retry {} of {MAX_RETRIES}.",
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
            <Button
                icon="stop"
                label="Stop"
                name="Stop generating"
                changes_run=screen
                on_press=move || screen.send(Event::StopGeneration)
            />
        </div>
    }
}

/// The time in milliseconds since 1970, updated every [`TICK`] until the owner is disposed.
fn current_time() -> ReadSignal<u64> {
    let (now, set_now) = signal(times::now());
    let ticker = set_interval_with_handle(move || set_now.set(times::now()), TICK);
    if let Ok(ticker) = ticker {
        on_cleanup(move || ticker.clear());
    }
    now
}

/// How often the countdown is updated.
const TICK: Duration = Duration::from_millis(250);

/// Why the request failed, and the seconds until it is retried.
fn waiting_text(page: Page, waiting: PendingRetry, now: u64) -> String {
    let failed = page.run.with(|run| {
        let last = run.as_ref()?.requests.last()?;
        last.outcome().cloned()
    });
    let reason = failed.map_or_else(String::new, |outcome: GenerationOutcome| {
        format!("{}. ", title(&outcome, 0, None))
    });
    let seconds = waiting.at.saturating_sub(now).div_ceil(1000);
    format!(
        "{reason}Retrying in {seconds} s (retry {} of {MAX_RETRIES}).",
        waiting.number
    )
}
