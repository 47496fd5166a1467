//! The queue: which tasks may be posted now, which later, and what each waits for. Derived from the
//! drafts and updated as they change; never stored.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::delivery::DeliveryStage;
use crate::delivery::plan::Plan;
use crate::run::TaskDraft;

/// The queue. It is updated with every change of a draft's stage, so that finding the next task does
/// not scan all drafts.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::run) struct Queue {
    /// Ranks of the tasks that may be posted now.
    ready: BTreeSet<usize>,
    /// Times and ranks of the tasks that wait for a retry.
    delayed: BTreeSet<(u64, usize)>,
    /// The times in `delayed`, by index.
    delays: HashMap<usize, u64>,
    /// The last known status of each draft, by index.
    statuses: Vec<Status>,
    queued: usize,
    sending: usize,
    in_flight: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Status {
    stage: DeliveryStage,
    /// Whether its request was sent and has not ended.
    is_in_flight: bool,
}

impl Queue {
    /// Builds the queue of these drafts.
    pub fn new(plan: &Plan, drafts: &[Arc<TaskDraft>]) -> Queue {
        let mut queue = Queue {
            statuses: vec![Status::default(); drafts.len()],
            ..Queue::default()
        };
        for index in 0..drafts.len() {
            queue.update_one(plan, drafts, index);
        }
        queue
    }

    /// Updates the queue after the stage or retry time of a draft changed.
    pub fn update(&mut self, plan: &Plan, drafts: &[Arc<TaskDraft>], index: usize) {
        self.update_one(plan, drafts, index);
        for dependent in plan.dependents_of(index) {
            self.update_one(plan, drafts, *dependent);
        }
    }

    fn update_one(&mut self, plan: &Plan, drafts: &[Arc<TaskDraft>], index: usize) {
        let (Some(status), Some(draft)) = (self.statuses.get_mut(index), drafts.get(index)) else {
            return;
        };
        let rank = plan.rank(index);
        self.ready.remove(&rank);
        if let Some(at) = self.delays.remove(&index) {
            self.delayed.remove(&(at, rank));
        }
        match status.stage {
            DeliveryStage::Queued => self.queued -= 1,
            DeliveryStage::Sending => self.sending -= 1,
            _ => {}
        }
        self.in_flight -= usize::from(status.is_in_flight);
        status.stage = draft.delivery.stage;
        status.is_in_flight = draft.delivery.is_in_flight();
        match status.stage {
            DeliveryStage::Queued => self.queued += 1,
            DeliveryStage::Sending => self.sending += 1,
            _ => {}
        }
        self.in_flight += usize::from(status.is_in_flight);
        let may_be_posted = status.stage == DeliveryStage::Queued
            && blocking_dependency(plan, drafts, index).is_none();
        if may_be_posted {
            match draft.delivery.not_before {
                Some(at) => {
                    self.delays.insert(index, at);
                    self.delayed.insert((at, rank));
                }
                None => {
                    self.ready.insert(rank);
                }
            }
        }
    }

    /// Number of queued tasks.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Number of tasks with an attempt that has not ended, whether or not its request was sent.
    pub fn sending(&self) -> usize {
        self.sending
    }

    /// Number of these whose request was sent. The others are being journaled, or wait for the
    /// concurrency limit.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Time and rank of the task whose retry is due first.
    pub fn first_delayed(&self) -> Option<(u64, usize)> {
        self.delayed.first().copied()
    }

    /// Ranks of the tasks that may be posted now and do not wait for a retry, in order.
    pub fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        self.ready.iter().copied()
    }

    /// Rank of the first task that may be posted now and does not wait for a retry.
    pub fn first_ready(&self) -> Option<usize> {
        self.ready.first().copied()
    }
}

/// The first dependency of a draft that is not delivered.
pub(in crate::run) fn blocking_dependency(
    plan: &Plan,
    drafts: &[Arc<TaskDraft>],
    index: usize,
) -> Option<usize> {
    let is_delivered = |dependency: &usize| {
        drafts.get(*dependency).is_some_and(|draft| {
            matches!(
                draft.delivery.stage,
                DeliveryStage::Delivered | DeliveryStage::Dry
            )
        })
    };
    plan.dependencies_of(index)
        .iter()
        .copied()
        .find(|dependency| !is_delivered(dependency))
}
