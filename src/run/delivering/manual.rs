//! The operator's actions on refused, failed and unconfirmed tasks.

use crate::delivery::{DeliveryStage, LookUp};
use crate::review::DraftId;
use crate::run::event::{Effect, RunError, Step};
use crate::run::{Batch, Pause, Run};
use crate::settings::TaskServer;

impl Run {
    pub(in crate::run) fn retry(
        &mut self,
        ids: &[DraftId],
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        for id in ids {
            let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
            if !self.actions(draft).can_retry {
                if ids.len() == 1 {
                    return Err(RunError::WrongState);
                }
                continue;
            }
            self.enqueue(id, step);
        }
        self.send_selected(ids, now, step);
        Ok(())
    }

    pub(in crate::run) fn resend_same_key(
        &mut self,
        id: &DraftId,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != DeliveryStage::Unconfirmed || draft.approval().is_none() {
            return Err(RunError::WrongState);
        }
        if !self.may_resend(draft, now) {
            return Err(RunError::KeysNotHonoured);
        }
        self.enqueue(id, step);
        self.send_selected(std::slice::from_ref(id), now, step);
        Ok(())
    }

    /// Looks an unconfirmed task up on the server. Refused if the server cannot know its key.
    pub(in crate::run) fn look_up(
        &mut self,
        id: &DraftId,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        let url = self
            .connection
            .task_server
            .as_ref()
            .map(TaskServer::tasks_url);
        let went_there = draft.delivery.last_sent_url() == url.as_deref();
        let can_look_up = self.actions(draft).can_look_up && went_there;
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let last = draft.delivery.last().map(|last| last.key.clone());
        let (true, Some(key)) = (can_look_up, last) else {
            return Err(RunError::WrongState);
        };
        if draft.delivery.look_up.as_deref() != Some(&LookUp::Pending) {
            draft.delivery.look_up = Some(Box::new(LookUp::Pending));
            self.delivery_changed(id, step);
            step.effects.push(Effect::LookUp {
                draft: id.clone(),
                key: key.to_string(),
            });
        }
        Ok(())
    }

    pub(in crate::run) fn decide(
        &mut self,
        id: &DraftId,
        delivered: bool,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != DeliveryStage::Unconfirmed {
            return Err(RunError::WrongState);
        }
        draft.delivery.decided_by_operator = true;
        draft.delivery.resolved_through = draft.delivery.last().map_or(0, |last| last.number);
        if delivered {
            self.set_stage(id, DeliveryStage::Delivered, step);
        } else if self
            .draft(id)
            .is_some_and(|draft| self.is_approved_here(draft))
        {
            self.set_stage(id, DeliveryStage::Failed, step);
        } else {
            // From now on it can be sent again, but it was approved for another server.
            self.withdraw_approval(id, step);
        }
        self.resume_if_unblocked(now, step);
        Ok(())
    }

    /// Continues posting if it was paused because everything waited for tasks that are delivered by
    /// now.
    pub(super) fn resume_if_unblocked(&mut self, now: u64, step: &mut Step) {
        let is_blocked = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::Blocked
            }
        );
        if is_blocked && self.queue().first_ready().is_some() {
            self.start_batch(now, step);
        }
    }

    /// Sends tasks that the operator queued individually. If posting is paused and other tasks are
    /// queued, sends only the first of these and stays paused. If posting is paused because
    /// everything was blocked, resumes it.
    fn send_selected(&mut self, ids: &[DraftId], now: u64, step: &mut Step) {
        if self.is_posting() {
            return self.send_next(now, step);
        }
        let is_blocked = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::Blocked
            }
        );
        let others_wait = !is_blocked
            && self
                .in_stage(DeliveryStage::Queued)
                .iter()
                .any(|queued| !ids.contains(queued));
        let is_queued = |id: &&DraftId| {
            self.draft(id)
                .is_some_and(|draft| draft.delivery.stage == DeliveryStage::Queued)
        };
        match ids.iter().find(is_queued) {
            Some(first) if others_wait && !self.is_sending() => {
                self.begin_attempt(first, now, step);
            }
            Some(_) if !others_wait => self.start_batch(now, step),
            _ => {}
        }
    }
}
