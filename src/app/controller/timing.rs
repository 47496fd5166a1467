//! Timers: the next retry, and how often the page is updated.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, WithUntracked};

use super::RunController;
use crate::ports::Clock;
use crate::run::{Event, Run};

/// Longest single sleep, in milliseconds. After the device has slept, only the clock is right.
const MAX_SLEEP_MILLISECONDS: u64 = 1_000;

/// How often progress is updated during posting, in milliseconds.
const TICK_MILLISECONDS: u32 = 1_000;

/// Above this many tasks, counts are updated at most every `PAUSE_BETWEEN_COUNTS` milliseconds.
const MANY_TASKS: usize = 200;
const PAUSE_BETWEEN_COUNTS: u32 = 100;

/// Shortest time between updates of task states during posting, in milliseconds. Updates faster than
/// one can read would slow posting down.
const PAUSE_BETWEEN_STATES: u32 = 250;

impl RunController {
    /// Sends [`Event::Woke`] to the current run at a time, in milliseconds since 1970.
    pub(super) fn wake_at(self: &Rc<Self>, at: u64) {
        if self.wake_at.get().is_none_or(|earlier| at < earlier) {
            self.wake_at.set(Some(at));
        }
        let controller = Rc::clone(self);
        self.waking.run(async move {
            while let Some(at) = controller.wake_at.get() {
                let remaining = at.saturating_sub(controller.clock.now());
                if remaining == 0 {
                    controller.wake_at.set(None);
                    controller.apply_unless_read_only(Event::Woke);
                } else {
                    let sleep = u32::try_from(remaining.min(MAX_SLEEP_MILLISECONDS)).unwrap_or(0);
                    controller.clock.sleep(sleep).await;
                }
            }
        });
    }

    /// Updates the progress of posting every second until posting ends.
    pub(super) fn tick_soon(self: &Rc<Self>) {
        if !self.is_posting() {
            return;
        }
        let controller = Rc::clone(self);
        self.ticking.run(async move {
            loop {
                controller.show_progress();
                if controller.page.progress.with_untracked(Option::is_none) {
                    break;
                }
                controller.clock.sleep(TICK_MILLISECONDS).await;
            }
        });
    }

    fn show_progress(&self) {
        let now = self.clock.now();
        let progress = self.with_run(|run| run.progress(now)).flatten();
        let shown = progress.map(|progress| (progress, now));
        if self.page.progress.get_untracked() != shown {
            self.page.progress.set(shown);
        }
    }

    /// Shows the changes that the page does not show yet.
    pub(super) fn show_changes(&self, run: &Run) {
        let changes = self.unshown_changes.borrow_mut().take_all(run.id());
        if !changes.is_empty() {
            self.page.refresh_parts(run, &changes);
        }
    }

    /// Shows the changes after a pause, so that posting updates the page a few times a second and not
    /// after each step.
    pub(super) fn show_changes_soon(self: &Rc<Self>) {
        if self.unshown_changes.borrow().is_empty() {
            return;
        }
        let controller = Rc::clone(self);
        let show = move || {
            controller.with_run(|run| controller.show_changes(run));
        };
        self.showing_changes
            .run_after(self.pause(PAUSE_BETWEEN_STATES), show);
    }

    /// Updates the counts once for all steps until then.
    pub(super) fn summarize_soon(self: &Rc<Self>) {
        let has_many_tasks = self.with_run(|run| run.drafts().len() > MANY_TASKS);
        let pause = if self.is_posting() {
            PAUSE_BETWEEN_STATES
        } else if has_many_tasks == Some(true) {
            PAUSE_BETWEEN_COUNTS
        } else {
            0
        };
        let controller = Rc::clone(self);
        let summarize = move || {
            controller.with_run(|run| controller.page.summarize(run));
            // Do not wait for the next tick: a step may have ended a wait.
            if controller.ticking.is_pending() {
                controller.show_progress();
            }
        };
        self.summarizing.run_after(self.pause(pause), summarize);
    }

    /// Waits for that many milliseconds; with 0 only for the current event to be handled.
    pub(super) fn pause(&self, milliseconds: u32) -> impl Future<Output = ()> + use<> {
        let clock = self.clock;
        async move {
            if milliseconds > 0 {
                clock.sleep(milliseconds).await;
            }
        }
    }
}
