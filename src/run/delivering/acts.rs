//! What the operator does about single tasks that came to something else than delivered.

use crate::delivery::LookUp;
use crate::delivery::receipt::Stage;
use crate::review::DraftId;
use crate::run::event::{Effect, RunError, Step};
use crate::run::{Batch, Mode, Pause, Run};

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
        self.go_on_with(ids, now, step);
        Ok(())
    }

    pub(in crate::run) fn resend_same_key(
        &mut self,
        id: &DraftId,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != Stage::Unconfirmed || draft.approval().is_none() {
            return Err(RunError::WrongState);
        }
        if !self.may_resend(draft, now) {
            return Err(RunError::KeysNotHonoured);
        }
        self.enqueue(id, step);
        self.go_on_with(std::slice::from_ref(id), now, step);
        Ok(())
    }

    /// Asks the server whether it has a task.
    pub(in crate::run) fn look_up(
        &mut self,
        id: &DraftId,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let is_live = self.mode == Mode::Live;
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let last = draft.delivery.last().map(|last| last.key.clone());
        let (true, Stage::Unconfirmed, Some(key)) = (is_live, draft.delivery.stage, last) else {
            return Err(RunError::WrongState);
        };
        if draft.delivery.look_up.as_deref() != Some(&LookUp::Asked) {
            draft.delivery.look_up = Some(Box::new(LookUp::Asked));
            self.changed(id, step);
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
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != Stage::Unconfirmed {
            return Err(RunError::WrongState);
        }
        draft.delivery.decided_by_operator = true;
        draft.delivery.settled = draft.delivery.last().map_or(0, |last| last.number);
        let stage = if delivered {
            Stage::Delivered
        } else {
            Stage::Failed
        };
        self.set_stage(id, stage, step);
        Ok(())
    }

    /// Sends what was queued by hand. Where others wait behind a pause, only the first of these
    /// goes, and the pause stays; where they wait for this very task, they go on after it.
    fn go_on_with(&mut self, ids: &[DraftId], now: u64, step: &mut Step) {
        if self.is_posting() {
            return self.next(now, step);
        }
        let is_blocked = matches!(
            self.batch,
            Batch::Paused {
                why: Pause::Blocked
            }
        );
        let others_wait = !is_blocked
            && self
                .in_stage(Stage::Queued)
                .iter()
                .any(|queued| !ids.contains(queued));
        let is_queued = |id: &&DraftId| {
            self.draft(id)
                .is_some_and(|draft| draft.delivery.stage == Stage::Queued)
        };
        match ids.iter().find(is_queued) {
            Some(first) if others_wait && !self.is_sending() => self.send(first, now, step),
            Some(_) if !others_wait => self.run_batch(now, step),
            _ => {}
        }
    }
}
