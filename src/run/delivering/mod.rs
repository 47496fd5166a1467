//! Delivery: posting approved tasks.
//!
//! `queue` tracks which tasks may be posted, `sending` posts the next ones, `outcomes` handles how
//! attempts end, `forbidden` tells what a 403 is about, `manual` handles the operator's actions on single tasks, and `progress` reports
//! progress.

mod forbidden;
mod manual;
mod outcomes;
mod progress;
mod queue;
mod sending;

use std::collections::VecDeque;
use std::sync::Arc;

pub use progress::{DeliveryProgress, Phase, WaitReason};

use super::actions::resend_obstacle;
use super::event::{Change, RunError, Step, WithdrawalCause};
use super::{Batch, Mode, Pace, Pause, Run, TaskDraft};
use crate::delivery::plan::{Item, Plan};
use crate::delivery::{Delivery, DeliveryOutcome, DeliveryStage, LookUp, UnconfirmedCause, body};
use crate::review::{DraftId, Review};
use crate::settings::{Connection, TaskServer};
use forbidden::Forbidden;
use queue::Queue;

/// State of the delivery. Most of it is not stored, and a reload resets it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Dispatch {
    /// Built on demand; dropped when tasks are added, or their texts or reviews change.
    queue: Option<Queue>,
    /// Number of consecutive failed requests.
    consecutive_failures: u32,
    /// The server asked to send nothing before this time, in milliseconds since 1970. Stored with the
    /// run.
    pub(super) server_wait_until: Option<u64>,
    /// Whether a 403 is about the agent token or about a task.
    forbidden: Forbidden,
    /// Whether the browser reports that there is no network.
    is_offline: bool,
    /// The URL that tasks are posted to, shared by all attempts.
    url: Option<Arc<str>>,
    /// Journaled tasks whose requests wait for the concurrency limit, oldest first.
    ready_to_send: VecDeque<DraftId>,
    /// Whether the operator continues although attempts cannot be journaled.
    without_journal: bool,
    /// When the last tasks were finished, in milliseconds since 1970.
    finish_times: VecDeque<u64>,
}

impl Dispatch {
    /// The state after a reload.
    pub(super) fn waiting_until(server_wait_until: Option<u64>) -> Dispatch {
        Dispatch {
            server_wait_until,
            ..Dispatch::default()
        }
    }
}

impl Run {
    pub(super) fn post(&mut self, digest: &str, now: u64, step: &mut Step) -> Result<(), RunError> {
        let confirmation = self.confirmation().ok_or(RunError::ConfirmationStale)?;
        if confirmation.digest != digest {
            return Err(RunError::ConfirmationStale);
        }
        for id in &confirmation.order {
            self.enqueue_new(id, false, step);
        }
        self.start_batch(now, step);
        Ok(())
    }

    pub(super) fn post_test(
        &mut self,
        id: &DraftId,
        digest: &str,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let confirmation = self.confirmation().ok_or(RunError::ConfirmationStale)?;
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        let approved = draft
            .approval()
            .map(|approval| body::batch_digest(std::iter::once(&*approval.digest)));
        if !confirmation.testable.contains(id) || approved.as_deref() != Some(digest) {
            return Err(RunError::ConfirmationStale);
        }
        self.enqueue_new(id, true, step);
        self.start_batch(now, step);
        Ok(())
    }

    /// Changes the connection. Refused while tasks are being posted. Another task server takes back
    /// queue and approvals: the operator approved and confirmed the tasks for the earlier one.
    pub(super) fn connect(
        &mut self,
        connection: Connection,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if self.is_posting() || self.is_sending() {
            return Err(RunError::WrongState);
        }
        let destination = self.destination();
        let has_other_roles = self.connection.roles != connection.roles;
        self.connection = connection;
        if has_other_roles {
            self.schema = self.schema.with_roles(&self.connection.roles);
            let update = self.update_all_keys();
            step.changes.extend(update.changes);
            step.effects.extend(update.effects);
            self.drop_plan();
        }
        if self.destination() != destination {
            // The record of an approved body refers to the body template.
            let approved = self
                .drafts
                .iter()
                .filter(|draft| draft.approval().is_some());
            step.changes
                .extend(approved.map(|draft| Change::Draft(draft.id.clone())));
            self.clear_queue(step);
            self.dispatch.server_wait_until = None;
            self.dispatch.forbidden = Forbidden::default();
            let count = self.withdraw_approvals(step);
            step.report_withdrawn(count, WithdrawalCause::ServerChanged);
        }
        // After the drafts, whose records refer to the body template.
        step.changes.extend([Change::Setup, Change::Run]);
        Ok(())
    }

    pub(super) fn pause(&mut self, step: &mut Step) -> Result<(), RunError> {
        if self.is_posting() {
            self.pause_for(Pause::Operator, step);
        } else {
            // A task that was sent individually may be waiting for the journal.
            self.withdraw_unsent_attempts(step);
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, now: u64, step: &mut Step) -> Result<(), RunError> {
        if matches!(self.batch, Batch::Paused { .. }) {
            for id in self.in_stage(DeliveryStage::Queued) {
                self.enqueue(&id, step);
            }
            self.start_batch(now, step);
        }
        Ok(())
    }

    /// Continues without a journal, after the page explained the risk to the operator.
    pub(super) fn continue_without_journal(
        &mut self,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let is_storage_failing = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::NotStored { .. }
            }
        );
        if !is_storage_failing {
            return Err(RunError::WrongState);
        }
        self.dispatch.without_journal = true;
        self.resume(now, step)
    }

    pub(super) fn stop_posting(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.clear_queue(step);
        Ok(())
    }

    /// Withdraws restored approvals whose body, digest and key do not belong together: something
    /// else changed the store. Delivered tasks keep theirs, which are not sent again. Also withdraws
    /// those for another task server, if the page crashed while it stored the change.
    pub(super) fn verify_approvals(&mut self, step: &mut Step) {
        let destination = self.destination();
        let mut count = 0;
        let mut cause = WithdrawalCause::ServerChanged;
        for draft in &mut self.drafts {
            let delivery = &draft.delivery;
            let is_final = matches!(
                delivery.stage,
                DeliveryStage::Delivered | DeliveryStage::Dry
            );
            let Some(approval) = draft.approval().filter(|_| !is_final) else {
                continue;
            };
            // What may have arrived is sent again only to the same address, with the same body.
            let is_elsewhere = !delivery.has_left()
                && !delivery.may_have_arrived()
                && delivery.approved_for.as_deref() != destination.as_deref();
            if !body::is_intact(&draft.id, approval) {
                cause = WithdrawalCause::RecordChanged;
            } else if !is_elsewhere {
                continue;
            }
            let draft = Arc::make_mut(draft);
            draft.review = Review::Undecided;
            if !draft.delivery.has_left() {
                draft.delivery.stage = stage_when_unqueued(&draft.delivery);
            }
            count += 1;
            step.changes.push(Change::Draft(draft.id.clone()));
        }
        step.report_withdrawn(count, cause);
    }

    /// Recovers deliveries that were in flight when the page was closed.
    pub(super) fn recover_deliveries(&mut self, now: u64, step: &mut Step) {
        for id in self.in_stage(DeliveryStage::Sending) {
            self.recover_delivery(&id, now, step);
        }
        for draft in &mut self.drafts {
            if draft.delivery.look_up.as_deref() == Some(&LookUp::Pending) {
                Arc::make_mut(draft).delivery.look_up = None;
                step.changes.push(Change::Draft(draft.id.clone()));
            }
        }
        let has_queued_tasks = self.queue().queued() > 0;
        match self.batch {
            _ if !has_queued_tasks => self.set_batch(Batch::Idle, step),
            // While idle, only a task that the operator sent individually can be queued.
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

    fn recover_delivery(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let is_dry = self.mode == Mode::Dry;
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        if is_dry {
            // A dry run sends nothing, so nothing can have arrived.
            draft.delivery.withdraw_last_attempt();
            let stage = match draft.approval() {
                Some(_) => DeliveryStage::Queued,
                None => DeliveryStage::Idle,
            };
            return self.set_stage(id, stage, step);
        }
        if let Some(last) = draft.delivery.attempts.last_mut() {
            last.ended_at = Some(now);
            last.outcome = Some(DeliveryOutcome::Unconfirmed {
                status: None,
                cause: UnconfirmedCause::PageClosed,
                message: "The page was closed while the task was being posted.".to_owned(),
            });
        }
        let is_safe = self
            .draft(id)
            .is_some_and(|draft| draft.approval().is_some() && self.may_resend(draft, now));
        let stage = if is_safe {
            DeliveryStage::Queued
        } else {
            DeliveryStage::Unconfirmed
        };
        self.set_stage(id, stage, step);
    }

    /// The topological order of the drafts.
    pub(super) fn plan(&self) -> Arc<Plan> {
        let plan = self.plan.get_or_init(|| {
            let roles = self.schema.roles();
            let items: Vec<Item> = self
                .drafts
                .iter()
                .map(|draft| match draft.review {
                    Review::Deleted => Item::default(),
                    _ => Item {
                        key: draft.key(roles),
                        depends_on: draft.dependencies(roles),
                    },
                })
                .collect();
            Arc::new(Plan::new(&items))
        });
        Arc::clone(plan)
    }

    /// Drops the order and the queue after tasks were added or their texts changed.
    pub(super) fn drop_plan(&mut self) {
        self.plan.take();
        self.drop_queue();
    }

    /// Drops the queue after decisions changed.
    pub(super) fn drop_queue(&mut self) {
        self.dispatch.queue = None;
    }

    fn queue(&mut self) -> &Queue {
        let plan = self.plan();
        let drafts = &self.drafts;
        self.dispatch
            .queue
            .get_or_insert_with(|| Queue::new(&plan, drafts))
    }

    /// Removes unsent tasks from the queue. They stay approved; those that may have arrived become
    /// unconfirmed again.
    fn clear_queue(&mut self, step: &mut Step) {
        self.withdraw_unsent_attempts(step);
        for id in self.in_stage(DeliveryStage::Queued) {
            let stage = self
                .draft(&id)
                .map(|draft| stage_when_unqueued(&draft.delivery));
            self.set_stage(&id, stage.unwrap_or_default(), step);
        }
        let batch = if self.is_sending() {
            Batch::Paused {
                why: Pause::Operator,
            }
        } else {
            Batch::Idle
        };
        self.set_batch(batch, step);
    }

    /// Withdraws the approval of a task that was approved for another server.
    fn withdraw_approval(&mut self, id: &DraftId, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.review = Review::Undecided;
            draft.history.withdraw_approvals();
            draft.delivery.stage = DeliveryStage::Idle;
            self.delivery_changed(id, step);
            step.report_withdrawn(1, WithdrawalCause::ServerChanged);
        }
    }

    /// Queues a task that was confirmed; `is_test` if on its own.
    fn enqueue_new(&mut self, id: &DraftId, is_test: bool, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.is_test = is_test;
        }
        self.enqueue(id, step);
    }

    /// Queues a task and resets its retry limit.
    fn enqueue(&mut self, id: &DraftId, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.reset_tries();
        }
        self.set_stage(id, DeliveryStage::Queued, step);
    }

    fn start_batch(&mut self, now: u64, step: &mut Step) {
        self.dispatch.consecutive_failures = 0;
        self.dispatch.finish_times.clear();
        self.set_batch(Batch::Running { pace: Pace::First }, step);
        self.send_next(now, step);
    }

    /// Pauses posting. Nothing more is sent; requests in flight are completed.
    fn pause_for(&mut self, why: Pause, step: &mut Step) {
        self.withdraw_unsent_attempts(step);
        self.set_batch(Batch::Paused { why }, step);
    }

    /// Pauses posting if tasks are queued, otherwise ends it.
    fn pause_or_end(&mut self, why: Pause, step: &mut Step) {
        if self.queue().queued() > 0 && self.is_posting() {
            self.pause_for(why, step);
        } else if self.queue().queued() == 0 && !self.is_sending() {
            self.set_batch(Batch::Idle, step);
        }
    }

    /// Withdraws all attempts whose requests were not sent.
    pub(super) fn withdraw_unsent_attempts(&mut self, step: &mut Step) {
        self.dispatch.ready_to_send.clear();
        for id in self.in_stage(DeliveryStage::Sending) {
            self.withdraw_attempt(&id, step);
        }
    }

    /// Removes the last attempt of a task and queues the task again. Does nothing if its request was
    /// sent.
    fn withdraw_attempt(&mut self, id: &DraftId, step: &mut Step) {
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        if draft.delivery.stage != DeliveryStage::Sending || draft.delivery.is_in_flight() {
            return;
        }
        draft.delivery.withdraw_last_attempt();
        self.set_stage(id, DeliveryStage::Queued, step);
    }

    /// Whether the task server is known to honour idempotency keys.
    #[must_use]
    pub fn honours_keys(&self) -> bool {
        self.task_server()
            .is_some_and(|server| server.honours_idempotency_keys)
    }

    /// Whether an unconfirmed task can be posted again with its key at `now` without duplicating it.
    #[must_use]
    pub fn may_resend(&self, draft: &TaskDraft, now: u64) -> bool {
        resend_obstacle(&self.connection, draft, now).is_none()
    }

    /// Whether any task is being sent, whether or not others will follow.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.drafts
            .iter()
            .any(|draft| draft.delivery.stage == DeliveryStage::Sending)
    }

    /// Whether the batch is running.
    #[must_use]
    pub fn is_posting(&self) -> bool {
        matches!(self.batch, Batch::Running { .. })
    }

    fn task_server(&self) -> Option<&TaskServer> {
        self.connection.task_server.as_ref()
    }

    /// The exact URL that tasks are posted to.
    fn tasks_url(&mut self) -> Option<Arc<str>> {
        let url = self.task_server()?.tasks_url();
        if self.dispatch.url.as_deref() != Some(&*url) {
            self.dispatch.url = Some(url.into());
        }
        self.dispatch.url.clone()
    }

    /// Identifies what approvals are given for: where tasks go and in which form. A dry run posts to
    /// no address, but its receipts have the bodies of the template.
    pub(super) fn destination(&self) -> Option<String> {
        let server = self.task_server()?;
        Some(match self.mode {
            Mode::Live => server.destination(),
            Mode::Dry => server.body_form(),
        })
    }

    /// Whether a task was approved for the current task server.
    pub(super) fn is_approved_here(&self, draft: &TaskDraft) -> bool {
        draft.approval().is_some()
            && draft.delivery.approved_for.as_deref() == self.destination().as_deref()
    }

    fn in_stage(&self, stage: DeliveryStage) -> Vec<DraftId> {
        self.drafts
            .iter()
            .filter(|draft| draft.delivery.stage == stage)
            .map(|draft| draft.id.clone())
            .collect()
    }

    fn set_stage(&mut self, id: &DraftId, stage: DeliveryStage, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.stage = stage;
            self.delivery_changed(id, step);
        }
    }

    /// Records that the delivery of a draft changed.
    fn delivery_changed(&mut self, id: &DraftId, step: &mut Step) {
        step.changes.push(Change::Draft(id.clone()));
        self.update_queue(id);
    }

    fn update_queue(&mut self, id: &DraftId) {
        if self.dispatch.queue.is_some() {
            let plan = self.plan();
            if let (Some(queue), Some(index)) = (self.dispatch.queue.as_mut(), id.index()) {
                queue.update(&plan, &self.drafts, index);
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

/// The stage of a task that leaves the queue without being sent.
fn stage_when_unqueued(delivery: &Delivery) -> DeliveryStage {
    if delivery.may_have_arrived() {
        DeliveryStage::Unconfirmed
    } else {
        DeliveryStage::Idle
    }
}
