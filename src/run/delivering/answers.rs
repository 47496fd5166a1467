//! What comes of an attempt: for the task, and for those behind it.

use crate::delivery::receipt::Stage;
use crate::delivery::{DeliveryOutcome, LookUp, retry};
use crate::review::DraftId;
use crate::run::event::{Effect, RunError, Step};
use crate::run::{Batch, Pace, Pause, Run, TaskDraft};
use crate::secrets::SecretSlot;

/// So many of the last times at which a task came to something are remembered, to tell the rate.
const REMEMBERED: usize = 64;

impl Run {
    pub(in crate::run) fn journaled(
        &mut self,
        id: &DraftId,
        attempt: u32,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let is_next = under_way(draft, attempt).is_some_and(|last| last.left_at.is_none());
        if is_next && !draft.delivery.awaits_slot {
            draft.delivery.awaits_slot = true;
            step.shown.push(id.clone());
            self.dispatch.written.push_back(id.clone());
            self.next(now, step);
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
        if under_way(draft, attempt).is_some_and(|last| last.left_at.is_none()) {
            self.take_back(id, step);
            self.pause_for(Pause::NotStored { reason }, step);
        }
        Ok(())
    }

    pub(in crate::run) fn answered(
        &mut self,
        id: &DraftId,
        attempt: u32,
        outcome: DeliveryOutcome,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let Some(last) = under_way(draft, attempt) else {
            return Ok(());
        };
        last.ended_at = Some(now);
        last.outcome = Some(outcome.clone());
        let next_try = self.next_try(id, &outcome, now);
        let Some(draft) = self.draft_mut(id) else {
            return Ok(());
        };
        let stage = match (&outcome, next_try) {
            (_, Some(at)) => {
                draft.delivery.not_before = Some(at);
                Stage::Queued
            }
            (outcome, None) => match stage_after(outcome) {
                // What came of this attempt says nothing of an earlier one that may have arrived.
                Stage::Refused | Stage::Failed if draft.delivery.may_have_arrived() => {
                    Stage::Unconfirmed
                }
                stage => stage,
            },
        };
        self.set_stage(id, stage, step);
        if stage != Stage::Queued {
            self.dispatch.finished.push_back(now);
            if self.dispatch.finished.len() > REMEMBERED {
                self.dispatch.finished.pop_front();
            }
        }
        self.go_on_after(outcome, next_try.is_some(), now, step);
        self.ask_once_settled(step);
        self.next(now, step);
        Ok(())
    }

    /// When the task is tried again by itself, in milliseconds since 1970; none where it is not.
    fn next_try(&self, id: &DraftId, outcome: &DeliveryOutcome, now: u64) -> Option<u64> {
        let asked = match outcome {
            DeliveryOutcome::NotTaken { retry_after, .. } => {
                retry_after.map(|seconds| seconds.saturating_mul(1_000))
            }
            DeliveryOutcome::MayHaveArrived { .. } => None,
            _ => return None,
        };
        let draft = self.draft(id)?;
        let delivery = &draft.delivery;
        if delivery.may_have_arrived() && !self.may_resend(draft, now) {
            return None;
        }
        let last = delivery.last()?;
        let wait = retry::wait(delivery.tries, asked, retry::draw(&last.key, last.number));
        let trying_for = now.saturating_sub(delivery.trying_since().unwrap_or(now));
        retry::is_worth_it(delivery.tries, trying_for, wait).then(|| now.saturating_add(wait))
    }

    /// What an outcome means for those behind the task.
    fn go_on_after(
        &mut self,
        outcome: DeliveryOutcome,
        is_tried_again: bool,
        now: u64,
        step: &mut Step,
    ) {
        let pace = match self.batch {
            Batch::Running { pace } => Some(pace),
            _ => None,
        };
        match outcome {
            DeliveryOutcome::Unauthorized { status, .. } => {
                self.pause_for(Pause::TokenRefused { status }, step);
            }
            DeliveryOutcome::NoToken => self.pause_for(Pause::TokenMissing, step),
            DeliveryOutcome::NotSent { message } => {
                self.pause_for(Pause::NotSent { reason: message }, step);
            }
            DeliveryOutcome::Refused { .. } if pace == Some(Pace::First) => {
                self.hold(Pause::FirstNotTaken, step);
            }
            DeliveryOutcome::Delivered { .. }
            | DeliveryOutcome::Dry
            | DeliveryOutcome::Refused { .. } => {
                self.dispatch.troubles = 0;
                if pace.is_some() {
                    self.set_batch(Batch::Running { pace: Pace::Full }, step);
                }
            }
            DeliveryOutcome::NotTaken {
                retry_after: Some(seconds),
                ..
            } if is_tried_again => {
                self.count_trouble(step);
                // The server asked all to wait, not this task alone.
                let until = now.saturating_add(seconds.saturating_mul(1_000));
                self.dispatch.hold_until = self.dispatch.hold_until.max(Some(until));
            }
            DeliveryOutcome::NotTaken { .. } | DeliveryOutcome::MayHaveArrived { .. } => {
                self.count_trouble(step);
                let is_alone = pace.is_some_and(|pace| pace != Pace::Full);
                if !is_tried_again
                    && (is_alone || self.dispatch.troubles >= retry::TROUBLES_IN_A_ROW)
                {
                    self.hold(Pause::ServerInTrouble, step);
                }
            }
        }
    }

    /// One more request came to nothing; after several in a row one goes at a time.
    fn count_trouble(&mut self, step: &mut Step) {
        self.dispatch.troubles += 1;
        let is_full = matches!(self.batch, Batch::Running { pace: Pace::Full });
        if is_full && self.dispatch.troubles >= retry::TROUBLES_IN_A_ROW {
            self.hold_back(step);
            self.set_batch(
                Batch::Running {
                    pace: Pace::Probing,
                },
                step,
            );
        }
    }

    /// Asks for the token that posting waits for, once what was on its way with the old one has
    /// come to something.
    fn ask_once_settled(&mut self, step: &mut Step) {
        let waits_for_token = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::TokenRefused { .. } | Pause::TokenMissing
            }
        );
        if waits_for_token && self.queue().sending() == 0 {
            step.effects.push(Effect::AskFor(SecretSlot::AGENT_TOKEN));
        }
    }

    /// A look-up came back. What the server has is delivered; all else proves nothing.
    pub(in crate::run) fn looked_up(
        &mut self,
        id: &DraftId,
        answer: LookUp,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.look_up.as_deref() != Some(&LookUp::Asked) {
            return Ok(());
        }
        let is_there = matches!(answer, LookUp::Found { .. });
        draft.delivery.look_up = Some(Box::new(answer));
        if is_there && draft.delivery.stage == Stage::Unconfirmed {
            draft.delivery.settled = draft.delivery.last().map_or(0, |last| last.number);
            draft.delivery.stage = Stage::Delivered;
        }
        self.changed(id, step);
        self.next(now, step);
        Ok(())
    }
}

/// The attempt of this number, while it is under way.
fn under_way(draft: &mut TaskDraft, number: u32) -> Option<&mut crate::delivery::Attempt> {
    if draft.delivery.stage != Stage::Sending {
        return None;
    }
    draft
        .delivery
        .attempts
        .last_mut()
        .filter(|last| last.number == number && last.outcome.is_none())
}

fn stage_after(outcome: &DeliveryOutcome) -> Stage {
    match outcome {
        DeliveryOutcome::Delivered { .. } => Stage::Delivered,
        DeliveryOutcome::Dry => Stage::Dry,
        DeliveryOutcome::Refused { .. } => Stage::Refused,
        DeliveryOutcome::NotTaken { .. } => Stage::Failed,
        // The same task goes on with the same key once there is a token.
        DeliveryOutcome::Unauthorized { .. }
        | DeliveryOutcome::NoToken
        | DeliveryOutcome::NotSent { .. } => Stage::Queued,
        DeliveryOutcome::MayHaveArrived { .. } => Stage::Unconfirmed,
    }
}
