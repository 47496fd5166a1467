//! The tasks that wait to be posted: which may go now, which later, and what each waits for.
//! Derived from the drafts, kept up as they change, never stored.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::delivery::plan::Plan;
use crate::delivery::receipt::Stage;
use crate::run::TaskDraft;

/// Who may go. Every change of a draft's stage is told to it, so that asking who is next looks at
/// no draft twice, however many there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::run) struct Queue {
    /// Ranks of those that may go now.
    ready: BTreeSet<usize>,
    /// Those that may go at a time, with their ranks.
    timed: BTreeSet<(u64, usize)>,
    /// The times in there, by place.
    times: HashMap<usize, u64>,
    /// What is known of each place.
    known: Vec<Known>,
    queued: usize,
    sending: usize,
    under_way: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Known {
    stage: Stage,
    /// Whether its request was made and is waited for.
    is_under_way: bool,
}

impl Queue {
    /// A queue of these drafts as they stand.
    pub fn new(plan: &Plan, drafts: &[Arc<TaskDraft>]) -> Queue {
        let mut queue = Queue {
            known: vec![Known::default(); drafts.len()],
            ..Queue::default()
        };
        for place in 0..drafts.len() {
            queue.note(plan, drafts, place);
        }
        queue
    }

    /// A draft changed: its stage, or when it may be tried again.
    pub fn changed(&mut self, plan: &Plan, drafts: &[Arc<TaskDraft>], place: usize) {
        self.note(plan, drafts, place);
        for waiting in plan.needed_by(place) {
            self.note(plan, drafts, *waiting);
        }
    }

    fn note(&mut self, plan: &Plan, drafts: &[Arc<TaskDraft>], place: usize) {
        let (Some(known), Some(draft)) = (self.known.get_mut(place), drafts.get(place)) else {
            return;
        };
        let rank = plan.rank(place);
        self.ready.remove(&rank);
        if let Some(at) = self.times.remove(&place) {
            self.timed.remove(&(at, rank));
        }
        match known.stage {
            Stage::Queued => self.queued -= 1,
            Stage::Sending => self.sending -= 1,
            _ => {}
        }
        self.under_way -= usize::from(known.is_under_way);
        known.stage = draft.delivery.stage;
        known.is_under_way = draft.delivery.is_under_way();
        match known.stage {
            Stage::Queued => self.queued += 1,
            Stage::Sending => self.sending += 1,
            _ => {}
        }
        self.under_way += usize::from(known.is_under_way);
        let may_go = known.stage == Stage::Queued && holder(plan, drafts, place).is_none();
        if may_go {
            match draft.delivery.not_before {
                Some(at) => {
                    self.times.insert(place, at);
                    self.timed.insert((at, rank));
                }
                None => {
                    self.ready.insert(rank);
                }
            }
        }
    }

    /// How many wait for their turn.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// How many are written down or on their way.
    pub fn sending(&self) -> usize {
        self.sending
    }

    /// How many of these were asked for and are waited for; the others are being written down, or
    /// wait for room.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// The rank of the one that has been tried before and whose time comes first, with that time.
    pub fn first_timed(&self) -> Option<(u64, usize)> {
        self.timed.first().copied()
    }

    /// The rank of the first that may go now and was not put off.
    pub fn first_ready(&self) -> Option<usize> {
        self.ready.first().copied()
    }
}

/// The first of those a draft waits for that the server does not have yet.
pub(in crate::run) fn holder(
    plan: &Plan,
    drafts: &[Arc<TaskDraft>],
    place: usize,
) -> Option<usize> {
    let is_there = |before: &usize| {
        drafts
            .get(*before)
            .is_some_and(|draft| matches!(draft.delivery.stage, Stage::Delivered | Stage::Dry))
    };
    plan.needs(place)
        .iter()
        .copied()
        .find(|before| !is_there(before))
}
