//! How attempts and look-ups end: the effect on the task and on the batch.

use crate::delivery::{DeliveryOutcome, DeliveryStage, LookUp, UnconfirmedCause, retry};
use crate::review::DraftId;
use crate::run::event::{Change, Effect, JournalEntry, RunError, Step};
use crate::run::{Batch, Pace, Pause, Run, TaskDraft};
use crate::secrets::SecretSlot;

/// Number of finish times remembered for the posting rate.
const MAX_FINISH_TIMES: usize = 64;

impl Run {
    pub(in crate::run) fn journaled(
        &mut self,
        entry: &JournalEntry,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let id = &entry.draft;
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let is_unsent = current_attempt(draft, entry.attempt)
            .is_some_and(|last| last.sent_at.is_none() && last.digest == entry.digest);
        if is_unsent && !draft.delivery.is_ready_to_send {
            draft.delivery.is_ready_to_send = true;
            step.display_changes.push(id.clone());
            self.dispatch.ready_to_send.push_back(id.clone());
            self.send_next(now, step);
        }
        Ok(())
    }

    pub(in crate::run) fn journal_failed(
        &mut self,
        id: &DraftId,
        attempt: u32,
        reason: String,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if current_attempt(draft, attempt).is_some_and(|last| last.sent_at.is_none()) {
            self.withdraw_attempt(id, step);
            self.pause_for(Pause::NotStored { reason }, step);
        }
        Ok(())
    }

    pub(in crate::run) fn attempt_ended(
        &mut self,
        id: &DraftId,
        attempt: u32,
        outcome: DeliveryOutcome,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if current_attempt(draft, attempt).is_none() {
            return Ok(());
        }
        let outcome = self.dispatch.forbidden.settle(outcome);
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if let Some(last) = current_attempt(draft, attempt) {
            last.ended_at = Some(now);
            last.outcome = Some(outcome.clone());
        }
        let retry_at = self.retry_at(id, &outcome, now);
        let Some(draft) = self.draft_mut(id) else {
            return Ok(());
        };
        let stage = match (&outcome, retry_at) {
            (_, Some(at)) => {
                draft.delivery.not_before = Some(at);
                DeliveryStage::Queued
            }
            (outcome, None) => match stage_after(outcome) {
                // This outcome proves nothing about an earlier attempt that may have arrived.
                DeliveryStage::Refused | DeliveryStage::Failed
                    if draft.delivery.may_have_arrived() =>
                {
                    DeliveryStage::Unconfirmed
                }
                stage => stage,
            },
        };
        self.set_stage(id, stage, step);
        if stage != DeliveryStage::Queued {
            self.dispatch.finish_times.push_back(now);
            if self.dispatch.finish_times.len() > MAX_FINISH_TIMES {
                self.dispatch.finish_times.pop_front();
            }
        }
        self.update_batch(id, outcome, retry_at.is_some(), now, step);
        self.request_token_if_needed(step);
        self.send_next(now, step);
        Ok(())
    }

    /// When the task is retried automatically, in milliseconds since 1970; `None` if it is not.
    fn retry_at(&self, id: &DraftId, outcome: &DeliveryOutcome, now: u64) -> Option<u64> {
        let retry_after = match outcome {
            DeliveryOutcome::Failed { retry_after, .. } => {
                retry_after.map(|seconds| seconds.saturating_mul(1_000))
            }
            DeliveryOutcome::Unconfirmed { .. } => None,
            _ => return None,
        };
        let draft = self.draft(id)?;
        let delivery = &draft.delivery;
        if delivery.may_have_arrived() && !self.may_resend(draft, now) {
            return None;
        }
        let last = delivery.last()?;
        let jitter = retry::jitter(&last.key, last.number);
        let wait = retry::wait(delivery.tries, retry_after, jitter);
        let elapsed = now.saturating_sub(delivery.trying_since().unwrap_or(now));
        let max_tries = match outcome {
            DeliveryOutcome::Unconfirmed {
                cause: UnconfirmedCause::NoReceipt | UnconfirmedCause::Redirected,
                ..
            } => retry::MAX_TRIES_WITHOUT_TASK_SERVER,
            _ => retry::MAX_TRIES,
        };
        let is_within = retry::is_within_limits(delivery.tries, max_tries, elapsed, wait);
        is_within.then(|| now.saturating_add(wait))
    }

    /// Adjusts the pace of the batch, or pauses it, according to the outcome of an attempt.
    fn update_batch(
        &mut self,
        id: &DraftId,
        outcome: DeliveryOutcome,
        will_retry: bool,
        now: u64,
        step: &mut Step,
    ) {
        let pace = match self.batch {
            Batch::Running { pace } => Some(pace),
            _ => None,
        };
        match outcome {
            // Another task tells whether the token or this task is refused.
            DeliveryOutcome::Unauthorized { status: 403, .. }
                if pace.is_some() && self.is_forbidden_alone(id) => {}
            DeliveryOutcome::Unauthorized { status, .. } => {
                self.pause_for(Pause::TokenRefused { status }, step);
            }
            DeliveryOutcome::NoToken => self.pause_for(Pause::TokenMissing, step),
            DeliveryOutcome::NotSent { message } => {
                self.pause_for(Pause::NotSent { reason: message }, step);
            }
            DeliveryOutcome::Refused { .. } if pace == Some(Pace::First) => {
                self.pause_or_end(Pause::FirstNotTaken, step);
            }
            DeliveryOutcome::Delivered { .. }
            | DeliveryOutcome::Dry
            | DeliveryOutcome::Refused { .. } => {
                self.dispatch.consecutive_failures = 0;
                if pace.is_some() {
                    self.set_batch(Batch::Running { pace: Pace::Full }, step);
                }
            }
            DeliveryOutcome::Failed {
                retry_after: Some(seconds),
                ..
            } if will_retry => {
                self.count_failure(step);
                // `Retry-After` applies to the server, not only to this task.
                let until = now.saturating_add(seconds.saturating_mul(1_000));
                self.dispatch.server_wait_until = self.dispatch.server_wait_until.max(Some(until));
                step.changes.push(Change::Run);
            }
            DeliveryOutcome::Unconfirmed { cause, .. }
                if !will_retry && pace == Some(Pace::First) =>
            {
                self.count_failure(step);
                self.pause_or_end(Pause::FirstUnconfirmed { cause }, step);
            }
            DeliveryOutcome::Failed { .. } | DeliveryOutcome::Unconfirmed { .. } => {
                self.count_failure(step);
                let is_sequential = pace.is_some_and(|pace| pace != Pace::Full);
                if !will_retry && (is_sequential || self.has_failed_repeatedly()) {
                    self.pause_or_end(Pause::ServerInTrouble, step);
                }
            }
        }
    }

    /// Whether the server repeated its 403 for this task, and another one can be posted that it has not
    /// answered so.
    fn is_forbidden_alone(&mut self, id: &DraftId) -> bool {
        let is_repeated = self
            .draft(id)
            .is_some_and(|draft| draft.delivery.is_forbidden_repeatedly());
        is_repeated && self.first_not_forbidden().is_some()
    }

    fn has_failed_repeatedly(&self) -> bool {
        self.dispatch.consecutive_failures >= retry::MAX_CONSECUTIVE_FAILURES
    }

    /// Counts a failed request. After several in a row, posts one task at a time.
    fn count_failure(&mut self, step: &mut Step) {
        self.dispatch.consecutive_failures += 1;
        let is_full = matches!(self.batch, Batch::Running { pace: Pace::Full });
        if is_full && self.has_failed_repeatedly() {
            self.withdraw_unsent_attempts(step);
            self.set_batch(
                Batch::Running {
                    pace: Pace::Probing,
                },
                step,
            );
        }
    }

    /// Requests a token if posting waits for one and all requests with the old one have ended.
    fn request_token_if_needed(&mut self, step: &mut Step) {
        let waits_for_token = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::TokenRefused { .. } | Pause::TokenMissing
            }
        );
        if waits_for_token && self.queue().sending() == 0 {
            step.effects
                .push(Effect::RequestSecret(SecretSlot::AGENT_TOKEN));
        }
    }

    /// Handles the result of a look-up. A task that was found is delivered; any other result proves
    /// nothing. A result about another key than that of the last attempt is late and says nothing
    /// about the task as it is now.
    pub(in crate::run) fn looked_up(
        &mut self,
        id: &DraftId,
        key: &str,
        result: LookUp,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let is_current = draft.delivery.last().is_some_and(|last| &*last.key == key);
        if draft.delivery.look_up.as_deref() != Some(&LookUp::Pending) || !is_current {
            return Ok(());
        }
        let is_found = matches!(result, LookUp::Found { .. });
        draft.delivery.look_up = Some(Box::new(result));
        if is_found && draft.delivery.stage == DeliveryStage::Unconfirmed {
            draft.delivery.resolved_through = draft.delivery.last().map_or(0, |last| last.number);
            draft.delivery.stage = DeliveryStage::Delivered;
        }
        self.delivery_changed(id, step);
        self.resume_if_unblocked(now, step);
        self.send_next(now, step);
        Ok(())
    }
}

/// The current attempt, if it has this number and has not ended.
fn current_attempt(draft: &mut TaskDraft, number: u32) -> Option<&mut crate::delivery::Attempt> {
    if draft.delivery.stage != DeliveryStage::Sending {
        return None;
    }
    draft
        .delivery
        .attempts
        .last_mut()
        .filter(|last| last.number == number && last.outcome.is_none())
}

fn stage_after(outcome: &DeliveryOutcome) -> DeliveryStage {
    match outcome {
        DeliveryOutcome::Delivered { .. } => DeliveryStage::Delivered,
        DeliveryOutcome::Dry => DeliveryStage::Dry,
        DeliveryOutcome::Refused { .. } => DeliveryStage::Refused,
        DeliveryOutcome::Failed { .. } => DeliveryStage::Failed,
        // The task is posted again with the same key once there is a token.
        DeliveryOutcome::Unauthorized { .. }
        | DeliveryOutcome::NoToken
        | DeliveryOutcome::NotSent { .. } => DeliveryStage::Queued,
        DeliveryOutcome::Unconfirmed { .. } => DeliveryStage::Unconfirmed,
    }
}
