//! Timers: the next try, and what is shown of the time.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, WithUntracked};
use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::ports::Clock;
use crate::run::{Event, Run};

/// The longest that a timer is trusted, in milliseconds: after sleep it is the clock that counts.
const LONGEST_NAP: u64 = 1_000;

/// How often progress is shown while tasks are posted, in milliseconds.
const TICK_MILLISECONDS: u32 = 1_000;

/// A run of more tasks than this is counted a few times a second instead of after each step; so long
/// it is waited between, in milliseconds.
const MANY: usize = 200;
const PAUSE_BETWEEN_COUNTS: u32 = 100;

/// While tasks are posted their states are drawn so many milliseconds apart: faster than one can
/// read takes time from the posting.
const PAUSE_BETWEEN_STATES: u32 = 250;

impl RunController {
    /// Wakes the run that is shown at a time, in milliseconds since 1970.
    pub(super) fn wake_at(self: &Rc<Self>, at: u64) {
        if self.wake_at.get().is_none_or(|earlier| at < earlier) {
            self.wake_at.set(Some(at));
        }
        if self.waker_is_busy.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        spawn_local(async move {
            while let Some(at) = controller.wake_at.get() {
                let left = at.saturating_sub(controller.clock.now());
                if left == 0 {
                    controller.wake_at.set(None);
                    controller.apply_in_charge(Event::Woke);
                } else {
                    let nap = u32::try_from(left.min(LONGEST_NAP)).unwrap_or(0);
                    controller.clock.sleep(nap).await;
                }
            }
            controller.waker_is_busy.set(false);
        });
    }

    /// Shows how far posting is, every second until it is over.
    pub(super) fn tick_soon(self: &Rc<Self>) {
        let is_posting = self.with_run(|run| run.is_posting()).unwrap_or(false);
        if !is_posting || self.ticker_is_busy.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        spawn_local(async move {
            loop {
                controller.show_progress();
                if controller.page.progress.with_untracked(Option::is_none) {
                    break;
                }
                controller.clock.sleep(TICK_MILLISECONDS).await;
            }
            controller.ticker_is_busy.set(false);
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

    /// Shows what changed and was not shown yet.
    pub(super) fn show_changes(&self, run: &Run) {
        let changes = self.unshown.borrow_mut().take_all(run.id());
        if !changes.is_empty() {
            self.page.refresh_parts(run, &changes);
        }
    }

    /// Shows what changed a few times a second while tasks are posted, instead of after each step.
    pub(super) fn show_changes_soon(self: &Rc<Self>) {
        if self.unshown.borrow().is_empty() || self.showing_is_due.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        spawn_local(async move {
            controller.clock.sleep(PAUSE_BETWEEN_STATES).await;
            controller.showing_is_due.set(false);
            controller.with_run(|run| controller.show_changes(run));
        });
    }

    /// Counts anew once, however many steps come until then.
    pub(super) fn summarize_soon(self: &Rc<Self>) {
        if self.summary_is_due.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        spawn_local(async move {
            let pause = controller.with_run(|run| match run.is_posting() {
                true => PAUSE_BETWEEN_STATES,
                false if run.drafts().len() > MANY => PAUSE_BETWEEN_COUNTS,
                false => 0,
            });
            if let Some(pause @ 1..) = pause {
                controller.clock.sleep(pause).await;
            }
            controller.summary_is_due.set(false);
            controller.with_run(|run| controller.page.summarize(run));
            // What a step changed is not left to the next tick: a wait may be over by then.
            if controller.ticker_is_busy.get() {
                controller.show_progress();
            }
        });
    }
}
