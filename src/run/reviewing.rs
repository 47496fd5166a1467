//! Review: importing, editing, approving and rejecting tasks.

use std::sync::Arc;

use super::actions::{can_approve, can_delete, check_approvable, check_editable};
use super::event::{Change, Effect, RunError, Step};
use super::{Mode, Run, TaskDraft};
use crate::delivery::DeliveryStage;
use crate::delivery::body::{self, BodyForm};
use crate::review::{Content, DraftId, Origin, Review};
use crate::schema::Violation;
use crate::settings::BodyTemplate;

impl Run {
    pub(super) fn import(&mut self, texts: &[Arc<str>], step: &mut Step) -> Result<(), RunError> {
        for text in texts {
            self.add(Origin::Imported, text, None, step);
        }
        Ok(())
    }

    /// Notes that a task was opened. This is possible in every state, and changes nothing else.
    pub(super) fn open(&mut self, id: &DraftId, step: &mut Step) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        if !draft.is_opened {
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            draft.is_opened = true;
            step.changes.push(Change::Draft(id.clone()));
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
        check_editable(draft)?;
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
        let form = BodyForm {
            template: template.as_ref(),
            started_at: self.started_at,
        };
        let destination: Option<Arc<str>> = self.destination().map(Into::into);
        self.drop_queue();
        for id in ids {
            let has_unique_key = self
                .draft(id)
                .is_some_and(|draft| self.has_unique_key(draft));
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            let result = if has_unique_key {
                approve_one(draft, mode, form)
            } else {
                Err(RunError::NotValid)
            };
            match result {
                Ok(true) => {
                    draft.delivery.approved_for.clone_from(&destination);
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

    /// Approves a task with this idempotency key.
    pub(super) fn approve_with_key(
        &mut self,
        id: &DraftId,
        key: Arc<str>,
        step: &mut Step,
    ) -> Result<(), RunError> {
        self.approve(std::slice::from_ref(id), step)?;
        if let Some(Review::Approved(approval)) = self.draft_mut(id).map(|draft| &mut draft.review)
        {
            approval.key = key;
        }
        Ok(())
    }

    pub(super) fn reject(
        &mut self,
        ids: &[DraftId],
        reason: &str,
        step: &mut Step,
    ) -> Result<(), RunError> {
        for id in ids {
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            match check_editable(draft) {
                Err(error) if ids.len() == 1 => return Err(error),
                Err(_) => continue,
                Ok(()) => {}
            }
            let reason = reason.to_owned();
            self.set_review(id, Review::Rejected { reason }, step);
        }
        self.drop_queue();
        Ok(())
    }

    pub(super) fn delete(&mut self, ids: &[DraftId], step: &mut Step) -> Result<(), RunError> {
        self.drop_queue();
        for id in ids {
            let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
            if can_delete(draft) {
                self.set_review(id, Review::Deleted, step);
            } else if ids.len() == 1 {
                return Err(RunError::HasLeft);
            }
        }
        self.drop_plan();
        Ok(())
    }

    /// Sets the decision about a task that was not sent.
    pub(super) fn set_review(&mut self, id: &DraftId, review: Review, step: &mut Step) {
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        draft.review = review;
        draft.delivery.stage = DeliveryStage::Idle;
        step.changes.push(Change::Draft(id.clone()));
        self.update_key(id, step);
    }

    pub(super) fn undo_decisions(
        &mut self,
        ids: &[DraftId],
        step: &mut Step,
    ) -> Result<(), RunError> {
        self.drop_queue();
        for id in ids {
            let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
            match check_editable(draft) {
                Err(error) if ids.len() == 1 => return Err(error),
                Err(_) => continue,
                Ok(()) => {}
            }
            if draft.review != Review::Undecided {
                self.set_review(id, Review::Undecided, step);
            }
        }
        Ok(())
    }

    /// What the bodies of this run are built from.
    pub(super) fn body_form(&self) -> BodyForm<'_> {
        BodyForm {
            template: self.body_template(),
            started_at: self.started_at,
        }
    }

    /// The task server's body template, if it has one.
    pub(super) fn body_template(&self) -> Option<&BodyTemplate> {
        let server = self.connection.task_server.as_ref();
        server.and_then(|server| server.body_template.as_ref())
    }

    /// Withdraws the approvals of all tasks that were not posted. Returns their number.
    pub(super) fn withdraw_approvals(&mut self, step: &mut Step) -> usize {
        let mut count = 0;
        for draft in &mut self.drafts {
            if !draft.history.is_empty() {
                Arc::make_mut(draft).history.withdraw_approvals();
                step.changes.push(Change::Draft(draft.id.clone()));
            }
            if draft.approval().is_some() && check_editable(draft).is_ok() {
                let draft = Arc::make_mut(draft);
                draft.review = Review::Undecided;
                draft.delivery.stage = DeliveryStage::Idle;
                step.changes.push(Change::Draft(draft.id.clone()));
                count += 1;
            }
        }
        self.drop_queue();
        count
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

    /// The tasks that "Approve N valid tasks" would approve.
    #[must_use]
    pub fn approvable(&self) -> Vec<DraftId> {
        let context = self.action_context();
        self.drafts
            .iter()
            .filter(|draft| can_approve(draft, &context))
            .map(|draft| draft.id.clone())
            .collect()
    }
}

/// Approves a draft. Returns `false` if it was already approved.
fn approve_one(draft: &mut TaskDraft, mode: Mode, form: BodyForm<'_>) -> Result<bool, RunError> {
    check_approvable(draft, mode)?;
    if draft.approval().is_some() {
        return Ok(false);
    }
    let task = draft.content.shared_text();
    draft.review = Review::Approved(body::approve(&draft.id, &task, form));
    draft.delivery.stage = DeliveryStage::Idle;
    Ok(true)
}
