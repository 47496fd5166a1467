//! How far a delivery is, and what those that wait are waiting for.

use super::queue;
use crate::delivery::receipt::Stage;
use crate::review::{DraftId, DraftState};
use crate::run::{Batch, Pace, Run, TaskDraft};

/// The rate is that of this time at most, in milliseconds: what was a while ago says nothing of now.
const RATE_WINDOW: u64 = 60_000;

/// What is going on while tasks are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Tasks go side by side.
    Going,
    /// The first one goes alone.
    FirstAlone,
    /// The server was in trouble; one at a time is tried.
    Probing,
    /// The browser has no network; nothing goes until it has.
    Offline,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// What is going on.
    pub standing: Phase,
    /// Tasks that wait or are on their way.
    pub left: usize,
    /// Where nothing is on its way: when the next one goes, in milliseconds since 1970.
    pub next_at: Option<u64>,
    /// Tasks that came to something in a minute, at the present rate, where one can be told.
    pub per_minute: Option<u32>,
    /// How long it will take, in milliseconds, at the present rate.
    pub time_left: Option<u64>,
}

/// What a queued task waits for, apart from its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// A task it depends on, which stands so.
    For {
        /// Which.
        draft: DraftId,
        /// What that one is.
        state: DraftState,
    },
    /// Its next try, in milliseconds since 1970.
    Until(u64),
}

impl Run {
    /// How far the delivery is at `now`; none while nothing is being posted.
    #[must_use]
    pub fn progress(&self, now: u64) -> Option<DeliveryProgress> {
        let Batch::Running { pace } = self.batch else {
            return None;
        };
        let standing = match pace {
            _ if self.is_cut_off() => Phase::Offline,
            Pace::First => Phase::FirstAlone,
            Pace::Probing => Phase::Probing,
            Pace::Full => Phase::Going,
        };
        let queue = self.dispatch.queue.as_ref();
        let left = queue.map_or(0, |queue| queue.queued() + queue.sending());
        let is_waiting = standing != Phase::Offline
            && queue.is_some_and(|queue| queue.sending() == 0 && queue.queued() > 0);
        let next_at = is_waiting
            .then(|| {
                let timed = queue.and_then(|queue| queue.first_timed().map(|(at, _)| at));
                timed.max(self.dispatch.hold_until)
            })
            .flatten()
            .filter(|at| *at > now);
        let rate = self.rate(now);
        Some(DeliveryProgress {
            standing,
            left,
            next_at,
            per_minute: rate.map(|(count, milliseconds)| {
                u32::try_from(count * 60_000 / milliseconds).unwrap_or(u32::MAX)
            }),
            time_left: rate.map(|(count, milliseconds)| left as u64 * milliseconds / count),
        })
    }

    /// How many tasks came to something in how many milliseconds, lately.
    fn rate(&self, now: u64) -> Option<(u64, u64)> {
        let recent: Vec<u64> = self
            .dispatch
            .finished
            .iter()
            .copied()
            .filter(|at| now.saturating_sub(*at) <= RATE_WINDOW)
            .collect();
        let first = *recent.first()?;
        let count = u64::try_from(recent.len()).ok()?.checked_sub(1)?;
        let milliseconds = now.saturating_sub(first);
        (count >= 2 && milliseconds > 0).then_some((count, milliseconds))
    }

    /// What a queued task waits for, where it is more than its turn.
    #[must_use]
    pub fn wait(&self, draft: &TaskDraft) -> Option<Wait> {
        if draft.delivery.stage != Stage::Queued {
            return None;
        }
        let plan = self.plan();
        let holder = queue::holder(&plan, &self.drafts, draft.id.place()?);
        match holder.and_then(|place| self.drafts.get(place)) {
            Some(holder) => Some(Wait::For {
                draft: holder.id.clone(),
                state: Run::state(holder),
            }),
            None => draft.delivery.not_before.map(Wait::Until),
        }
    }

    /// Every queued task that waits for more than its turn, and for what.
    #[must_use]
    pub fn waits(&self) -> Vec<(DraftId, Wait)> {
        self.drafts
            .iter()
            .filter_map(|draft| Some((draft.id.clone(), self.wait(draft)?)))
            .collect()
    }
}
