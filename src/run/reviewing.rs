//! Review: importing, editing, approving and rejecting tasks.

use std::sync::Arc;

use super::event::{Change, Effect, RunError, Step};
use super::{Mode, Run, TaskDraft};
use crate::delivery::{DeliveryStage, body};
use crate::review::{Content, DraftId, DraftState, Origin, Review};
use crate::schema::Violation;
use crate::settings::BodyTemplate;

impl Run {
    pub(super) fn import(&mut self, texts: &[Arc<str>], step: &mut Step) -> Result<(), RunError> {
        for text in texts {
            self.add(Origin::Imported, text, None, step);
        }
        Ok(())
    }

    pub(super) fn edit(
        &mut self,
        id: &DraftId,
        text: &str,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        may_change(draft)?;
        if draft.content.text() == text {
            return Ok(());
        }
        draft.content = Content::read(&Arc::from(text));
        draft.revision += 1;
        draft.violations = None;
        // An earlier decision was about another text.
        draft.review = Review::Undecided;
        draft.delivery.stage = DeliveryStage::Idle;
        if let Content::Json(text) = &draft.content {
            step.effects.push(Effect::Check {
                draft: id.clone(),
                revision: draft.revision,
                text: Arc::clone(text),
            });
        }
        step.changes.push(Change::Draft(id.clone()));
        self.update_key(id, step);
        self.drop_plan();
        Ok(())
    }

    pub(super) fn restore(&mut self, id: &DraftId, step: &mut Step) -> Result<(), RunError> {
        let proposed = self.draft(id).ok_or(RunError::NoSuchTask)?.proposed.clone();
        self.edit(id, &proposed, step)
    }

    pub(super) fn checked(
        &mut self,
        id: &DraftId,
        revision: u32,
        violations: Vec<Violation>,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if draft.revision == revision {
            draft.violations = Some(violations);
            step.changes.push(Change::Draft(id.clone()));
            self.update_key(id, step);
        }
        Ok(())
    }

    pub(super) fn approve(&mut self, ids: &[DraftId], step: &mut Step) -> Result<(), RunError> {
        if !self.generation.allows_approval() {
            return Err(RunError::NotComplete);
        }
        let mode = self.mode;
        let template = self.body_template().cloned();
        self.drop_queue();
        for id in ids {
            let has_unique_key = self
                .draft(id)
                .is_some_and(|draft| self.has_unique_key(draft));
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            let result = if has_unique_key {
                approve_one(draft, mode, template.as_ref())
            } else {
                Err(RunError::NotValid)
            };
            match result {
                Ok(true) => {
                    step.changes.push(Change::Draft(id.clone()));
                    self.update_key(id, step);
                }
                Ok(false) => {}
                Err(error) if ids.len() == 1 => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn reject(
        &mut self,
        id: &DraftId,
        reason: String,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        may_change(draft)?;
        draft.review = Review::Rejected { reason };
        draft.delivery.stage = DeliveryStage::Idle;
        step.changes.push(Change::Draft(id.clone()));
        self.update_key(id, step);
        self.drop_queue();
        Ok(())
    }

    pub(super) fn undo_decisions(
        &mut self,
        ids: &[DraftId],
        step: &mut Step,
    ) -> Result<(), RunError> {
        self.drop_queue();
        for id in ids {
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            match may_change(draft) {
                Err(error) if ids.len() == 1 => return Err(error),
                Err(_) => continue,
                Ok(()) => {}
            }
            if draft.review != Review::Undecided {
                draft.review = Review::Undecided;
                draft.delivery.stage = DeliveryStage::Idle;
                step.changes.push(Change::Draft(id.clone()));
                self.update_key(id, step);
            }
        }
        Ok(())
    }

    /// The task server's body template, if it has one.
    pub(super) fn body_template(&self) -> Option<&BodyTemplate> {
        let server = self.connection.task_server.as_ref();
        server.and_then(|server| server.body_template.as_ref())
    }

    /// Withdraws the approvals of all tasks that were not posted, because their bodies changed.
    pub(super) fn withdraw_approvals(&mut self, step: &mut Step) {
        for draft in &mut self.drafts {
            if draft.approval().is_some() && may_change(draft).is_ok() {
                let draft = Arc::make_mut(draft);
                draft.review = Review::Undecided;
                draft.delivery.stage = DeliveryStage::Idle;
                step.changes.push(Change::Draft(draft.id.clone()));
            }
        }
        self.drop_queue();
    }

    /// The schema checks that a restored run still needs.
    #[must_use]
    pub fn checks_due(&self) -> Step {
        let due = |draft: &Arc<TaskDraft>| {
            let is_due = draft.content.is_json() && draft.violations.is_none();
            is_due.then(|| Effect::Check {
                draft: draft.id.clone(),
                revision: draft.revision,
                text: draft.content.shared_text(),
            })
        };
        Step {
            effects: self.drafts.iter().filter_map(due).collect(),
            ..Step::default()
        }
    }

    /// The tasks that "Approve all valid" would approve.
    #[must_use]
    pub fn approvable(&self) -> Vec<DraftId> {
        if !self.generation.allows_approval() {
            return Vec::new();
        }
        self.drafts
            .iter()
            .filter(|draft| {
                Run::state(draft) == DraftState::Ready && may_be_approved(draft, self.mode).is_ok()
            })
            .map(|draft| draft.id.clone())
            .collect()
    }
}

/// A queued task is fixed as approved; a task that was posted, or may have been, is final.
fn may_change(draft: &TaskDraft) -> Result<(), RunError> {
    match draft.delivery.stage {
        DeliveryStage::Idle
        | DeliveryStage::Dry
        | DeliveryStage::Refused
        | DeliveryStage::Failed => Ok(()),
        DeliveryStage::Queued => Err(RunError::WrongState),
        DeliveryStage::Sending | DeliveryStage::Delivered | DeliveryStage::Unconfirmed => {
            Err(RunError::HasLeft)
        }
    }
}

fn may_be_approved(draft: &TaskDraft, mode: Mode) -> Result<(), RunError> {
    may_change(draft)?;
    if mode == Mode::Live && draft.origin == Origin::DryRun {
        return Err(RunError::MadeDry);
    }
    if !draft.is_valid() {
        return Err(RunError::NotValid);
    }
    Ok(())
}

/// Approves a draft. Returns `false` if it was already approved.
fn approve_one(
    draft: &mut TaskDraft,
    mode: Mode,
    template: Option<&BodyTemplate>,
) -> Result<bool, RunError> {
    may_be_approved(draft, mode)?;
    if draft.approval().is_some() {
        return Ok(false);
    }
    let task = draft.content.shared_text();
    draft.review = Review::Approved(body::approve(&draft.id, &task, template));
    draft.delivery.stage = DeliveryStage::Idle;
    Ok(true)
}
