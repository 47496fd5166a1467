//! The part of a run in which approved tasks leave.
//!
//! `sending` says who goes next and when, `answers` what comes of it, `acts` what the operator
//! decides about single tasks, `queue` who waits, and `progress` how far it is.

mod acts;
mod answers;
mod progress;
mod queue;
mod sending;

use std::collections::VecDeque;
use std::sync::Arc;

pub use progress::{DeliveryProgress, Phase, Wait};

use super::actions::resend_obstacle;
use super::event::{Change, RunError, Step};
use super::{Batch, Mode, Pace, Pause, Run, TaskDraft};
use crate::delivery::plan::{Item, Plan};
use crate::delivery::receipt::Stage;
use crate::delivery::{DeliveryOutcome, LookUp};
use crate::review::DraftId;
use crate::settings::{Connection, TaskServer};
use queue::Queue;

/// What a run knows of the delivery that is under way and does not keep: after a reload it begins
/// anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Dispatch {
    /// Built when it is needed, forgotten when tasks come or their texts change.
    queue: Option<Queue>,
    /// Requests in a row that came to nothing.
    troubles: u32,
    /// Nothing is sent before then, because the server asked for it; in milliseconds since 1970.
    hold_until: Option<u64>,
    /// Whether the browser says that it has no network.
    is_offline: bool,
    /// The address that tasks are posted to, held once for all attempts.
    url: Option<Arc<str>>,
    /// Those that are written down and leave as soon as there is room, in their order.
    written: VecDeque<DraftId>,
    /// Whether the operator goes on although nothing can be written down.
    without_journal: bool,
    /// When the last tasks came to something, in milliseconds since 1970.
    finished: VecDeque<u64>,
}

impl Run {
    pub(super) fn post(&mut self, digest: &str, now: u64, step: &mut Step) -> Result<(), RunError> {
        let confirmation = self.confirmation().ok_or(RunError::ConfirmationStale)?;
        if confirmation.digest != digest {
            return Err(RunError::ConfirmationStale);
        }
        for id in &confirmation.order {
            self.enqueue(id, step);
        }
        self.run_batch(now, step);
        Ok(())
    }

    /// Uses other endpoints from now on; not while tasks are on their way.
    pub(super) fn connect(
        &mut self,
        connection: Connection,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if self.is_posting() || self.is_sending() {
            return Err(RunError::WrongState);
        }
        let origin = self.task_origin();
        let template = self.body_template().cloned();
        self.connection = connection;
        step.changes.push(Change::Run);
        let is_other_body = self.body_template() != template.as_ref();
        if is_other_body || self.task_origin() != origin {
            // What was confirmed was confirmed for the other server, or in another envelope.
            self.empty_queue(step);
        }
        if is_other_body {
            self.take_approvals_back(step);
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, step: &mut Step) -> Result<(), RunError> {
        if self.is_posting() {
            self.pause_for(Pause::Operator, step);
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, now: u64, step: &mut Step) -> Result<(), RunError> {
        if matches!(self.batch, Batch::Paused { .. }) {
            for id in self.in_stage(Stage::Queued) {
                self.enqueue(&id, step);
            }
            self.run_batch(now, step);
        }
        Ok(())
    }

    /// Goes on although nothing can be written down: the operator was told what that means.
    pub(super) fn continue_without_journal(
        &mut self,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let is_unwritten = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::NotStored { .. }
            }
        );
        if !is_unwritten {
            return Err(RunError::WrongState);
        }
        self.dispatch.without_journal = true;
        self.resume(now, step)
    }

    pub(super) fn stop_posting(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.empty_queue(step);
        Ok(())
    }

    /// What was on its way when the page went away may have arrived.
    pub(super) fn settle_deliveries(&mut self, now: u64, step: &mut Step) {
        for id in self.in_stage(Stage::Sending) {
            self.settle_delivery(&id, now, step);
        }
        for draft in &mut self.drafts {
            if draft.delivery.look_up.as_deref() == Some(&LookUp::Asked) {
                Arc::make_mut(draft).delivery.look_up = None;
                step.changes.push(Change::Draft(draft.id.clone()));
            }
        }
        let waits = self.queue().queued() > 0;
        match self.batch {
            _ if !waits => self.set_batch(Batch::Idle, step),
            // A queue without a pause is that of a task that was sent again by hand.
            Batch::Running { .. } | Batch::Idle => {
                self.set_batch(
                    Batch::Paused {
                        why: Pause::PageClosed,
                    },
                    step,
                );
            }
            Batch::Paused { .. } => {}
        }
    }

    fn settle_delivery(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let is_dry = self.mode == Mode::Dry;
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        if is_dry {
            // Nothing leaves a dry run, so nothing can have arrived.
            draft.delivery.attempts.pop();
            return self.set_stage(id, Stage::Queued, step);
        }
        if let Some(last) = draft.delivery.attempts.last_mut() {
            last.ended_at = Some(now);
            last.outcome = Some(DeliveryOutcome::MayHaveArrived {
                status: None,
                message: "The page was closed while the task was on its way.".to_owned(),
            });
        }
        let is_safe = self
            .draft(id)
            .is_some_and(|draft| self.may_resend(draft, now));
        let stage = match is_safe {
            true => Stage::Queued,
            false => Stage::Unconfirmed,
        };
        self.set_stage(id, stage, step);
    }

    /// The order of the drafts as their texts are now.
    pub(super) fn plan(&self) -> Arc<Plan> {
        let plan = self.plan.get_or_init(|| {
            let roles = self.schema.roles();
            let items: Vec<Item> = self
                .drafts
                .iter()
                .map(|draft| Item {
                    key: draft.key(roles),
                    depends_on: draft.dependencies(roles),
                })
                .collect();
            Arc::new(Plan::new(&items))
        });
        Arc::clone(plan)
    }

    /// Tasks came, or their texts changed: order and queue are made anew when they are needed.
    pub(super) fn replan(&mut self) {
        self.plan.take();
        self.requeue();
    }

    /// What was decided of tasks changed: the queue is made anew when it is needed.
    pub(super) fn requeue(&mut self) {
        self.dispatch.queue = None;
    }

    fn queue(&mut self) -> &Queue {
        let plan = self.plan();
        let drafts = &self.drafts;
        self.dispatch
            .queue
            .get_or_insert_with(|| Queue::new(&plan, drafts))
    }

    /// Takes what has not left out of the queue; it stays approved. What may have arrived is unknown
    /// again.
    fn empty_queue(&mut self, step: &mut Step) {
        self.hold_back(step);
        for id in self.in_stage(Stage::Queued) {
            let is_open = self
                .draft(&id)
                .is_some_and(|draft| draft.delivery.may_have_arrived());
            let stage = if is_open {
                Stage::Unconfirmed
            } else {
                Stage::Idle
            };
            self.set_stage(&id, stage, step);
        }
        let batch = match self.is_sending() {
            false => Batch::Idle,
            true => Batch::Paused {
                why: Pause::Operator,
            },
        };
        self.set_batch(batch, step);
    }

    /// Puts a task into the queue, its tries counted anew.
    fn enqueue(&mut self, id: &DraftId, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.try_anew();
        }
        self.set_stage(id, Stage::Queued, step);
    }

    fn run_batch(&mut self, now: u64, step: &mut Step) {
        self.dispatch.troubles = 0;
        self.dispatch.hold_until = None;
        self.dispatch.finished.clear();
        self.set_batch(Batch::Running { pace: Pace::First }, step);
        self.next(now, step);
    }

    /// Lets posting wait for the operator. Nothing leaves from now on; what is on its way is waited
    /// for.
    fn pause_for(&mut self, why: Pause, step: &mut Step) {
        self.hold_back(step);
        self.set_batch(Batch::Paused { why }, step);
    }

    /// Pauses where there is something left to wait with, else ends.
    fn hold(&mut self, why: Pause, step: &mut Step) {
        if self.queue().queued() > 0 && self.is_posting() {
            self.pause_for(why, step);
        } else if self.queue().queued() == 0 && !self.is_sending() {
            self.set_batch(Batch::Idle, step);
        }
    }

    /// Takes back what was to be written down before it leaves: its request is not made, so the
    /// attempt never was one.
    fn hold_back(&mut self, step: &mut Step) {
        self.dispatch.written.clear();
        for id in self.in_stage(Stage::Sending) {
            self.take_back(&id, step);
        }
    }

    /// Takes an attempt back whose request was not made.
    fn take_back(&mut self, id: &DraftId, step: &mut Step) {
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        if draft.delivery.stage != Stage::Sending || draft.delivery.is_under_way() {
            return;
        }
        draft.delivery.attempts.pop();
        draft.delivery.awaits_slot = false;
        draft.delivery.tries = draft.delivery.tries.saturating_sub(1);
        self.set_stage(id, Stage::Queued, step);
    }

    /// Whether the task server is known to honour idempotency keys.
    #[must_use]
    pub fn honours_keys(&self) -> bool {
        self.task_server()
            .is_some_and(|server| server.honours_idempotency_keys)
    }

    /// Whether a task of unknown fate can be sent again with its key at `now` without doubling it.
    #[must_use]
    pub fn may_resend(&self, draft: &TaskDraft, now: u64) -> bool {
        resend_obstacle(&self.connection, draft, now).is_none()
    }

    /// Whether a task is on its way, even where no other will follow it.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.drafts
            .iter()
            .any(|draft| draft.delivery.stage == Stage::Sending)
    }

    /// Whether posting is under way, so that a queue exists that could be changed under it.
    #[must_use]
    pub fn is_posting(&self) -> bool {
        matches!(self.batch, Batch::Running { .. })
    }

    fn task_server(&self) -> Option<&TaskServer> {
        self.connection.task_server.as_ref()
    }

    /// The exact address that tasks are posted to.
    fn tasks_url(&mut self) -> Option<Arc<str>> {
        let url = self.task_server()?.tasks_url();
        if self.dispatch.url.as_deref() != Some(&*url) {
            self.dispatch.url = Some(url.into());
        }
        self.dispatch.url.clone()
    }

    fn task_origin(&self) -> Option<String> {
        self.task_server().map(|server| server.url.origin())
    }

    fn in_stage(&self, stage: Stage) -> Vec<DraftId> {
        self.drafts
            .iter()
            .filter(|draft| draft.delivery.stage == stage)
            .map(|draft| draft.id.clone())
            .collect()
    }

    fn set_stage(&mut self, id: &DraftId, stage: Stage, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.stage = stage;
            self.changed(id, step);
        }
    }

    /// The delivery of a draft changed.
    fn changed(&mut self, id: &DraftId, step: &mut Step) {
        step.changes.push(Change::Draft(id.clone()));
        self.tell_queue(id);
    }

    fn tell_queue(&mut self, id: &DraftId) {
        if self.dispatch.queue.is_some() {
            let plan = self.plan();
            if let (Some(queue), Some(place)) = (self.dispatch.queue.as_mut(), id.place()) {
                queue.changed(&plan, &self.drafts, place);
            }
        }
    }

    fn set_batch(&mut self, batch: Batch, step: &mut Step) {
        if self.batch != batch {
            self.batch = batch;
            step.changes.push(Change::Run);
        }
    }
}
