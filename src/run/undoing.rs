//! Undo and redo of what the operator did to tasks, up to the moment a task is sent.
//!
//! The steps are kept with the tasks they changed ([`ReviewHistory`](crate::review::history)). An action on
//! many tasks is one step.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::actions::check_unsent;
use super::event::{Change, Event, RunError, Step};
use super::{Run, TaskDraft};
use crate::review::history::{KeptDecision, TaskStep, UndoStep, UndoableAction};
use crate::review::{DraftId, Review};

/// The tasks that an action may change, as they were before it.
pub(super) struct BeforeAction {
    action: UndoableAction,
    /// Text and decision of each.
    tasks: Vec<(DraftId, Arc<str>, KeptDecision)>,
    /// Number of tasks of the run.
    count: usize,
}

/// A direction in the history.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Undo,
    Redo,
}

impl Run {
    /// What undo and redo need to know before an event is applied; `None` if it cannot be undone.
    pub(super) fn before_action(&self, event: &Event) -> Option<BeforeAction> {
        let one = std::slice::from_ref;
        let (action, ids) = match event {
            Event::Edit { draft, .. } => (UndoableAction::Edit, one(draft)),
            Event::Restore { draft } => (UndoableAction::Restore, one(draft)),
            Event::AcceptSuggestedEdits { draft } => {
                (UndoableAction::AcceptSuggestedEdits, one(draft))
            }
            Event::Approve { drafts } => (UndoableAction::Approve, drafts.as_slice()),
            Event::Reject { drafts, .. } => (UndoableAction::Reject, drafts.as_slice()),
            Event::UndoDecisions { drafts } => (UndoableAction::Withdraw, drafts.as_slice()),
            Event::Delete { drafts } => (UndoableAction::Delete, drafts.as_slice()),
            Event::Import { .. } => (UndoableAction::Add, &[][..]),
            _ => return None,
        };
        // One that is named twice is changed once.
        let ids: BTreeSet<&DraftId> = ids.iter().collect();
        let tasks = ids.into_iter().filter_map(|id| {
            let draft = self.draft(id)?;
            Some((
                id.clone(),
                draft.content.shared_text(),
                KeptDecision::from(&draft.review),
            ))
        });
        Some(BeforeAction {
            action,
            tasks: tasks.collect(),
            count: self.drafts.len(),
        })
    }

    /// Adds what an action changed to the histories of its tasks. What was undone before can no longer be
    /// redone.
    pub(super) fn remember(&mut self, before: BeforeAction, now: u64, step: &mut Step) {
        let BeforeAction {
            action,
            tasks,
            count,
        } = before;
        let changed = tasks.into_iter().filter_map(|(id, text, decision)| {
            let draft = self.draft(&id)?;
            let is_same_text = *draft.content.text() == *text;
            let is_same = is_same_text && KeptDecision::from(&draft.review) == decision;
            (!is_same).then_some((id, (!is_same_text).then_some(text), decision))
        });
        let added = self.drafts.iter().skip(count);
        let added = added.map(|draft| (draft.id.clone(), None, KeptDecision::Deleted));
        let changed: Vec<_> = changed.chain(added).collect();
        if changed.is_empty() {
            return;
        }
        let last = self.drafts.iter().map(|draft| draft.history.last_number());
        let last = last.max().unwrap_or(0);
        if let (UndoableAction::Edit, [(id, ..)]) = (action, changed.as_slice())
            && let Some(draft) = self.draft_mut(id)
            && draft.history.join_edit(last, now)
        {
            return;
        }
        let number = last.saturating_add(1);
        for draft in &mut self.drafts {
            if draft.history.last_undone().is_some() {
                Arc::make_mut(draft).history.forget_undone();
                step.changes.push(Change::Draft(draft.id.clone()));
            }
        }
        for (id, text, decision) in changed {
            if let Some(draft) = self.draft_mut(&id) {
                draft.history.add(TaskStep {
                    number,
                    at: now,
                    action,
                    text,
                    decision,
                });
            }
        }
    }

    /// What [`Event::Undo`] would undo; `None` if nothing can be undone.
    #[must_use]
    pub fn undoable(&self) -> Option<UndoStep> {
        self.next_undo_step(Direction::Undo).map(|(_, step)| step)
    }

    /// What [`Event::Redo`] would redo; `None` if nothing can be redone.
    #[must_use]
    pub fn redoable(&self) -> Option<UndoStep> {
        self.next_undo_step(Direction::Redo).map(|(_, step)| step)
    }

    pub(super) fn undo(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.go(Direction::Undo, step)
    }

    pub(super) fn redo(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.go(Direction::Redo, step)
    }

    /// The number of the next action in a direction: the latest one that was done, or the earliest one
    /// that was undone. A task that is queued or was posted has no part in it.
    fn next_undo_step(&self, direction: Direction) -> Option<(u32, UndoStep)> {
        let steps = || {
            let drafts = self
                .drafts
                .iter()
                .filter(|draft| check_unsent(draft).is_ok());
            drafts.filter_map(|draft| next_of(draft, direction))
        };
        let numbers = steps().map(|step| step.number);
        let number = match direction {
            Direction::Undo => numbers.max(),
            Direction::Redo => numbers.min(),
        }?;
        let mut of_action = steps().filter(|step| step.number == number);
        let action = of_action.next()?.action;
        let count = of_action.count() + 1;
        Some((number, UndoStep { action, count }))
    }

    fn go(&mut self, direction: Direction, step: &mut Step) -> Result<(), RunError> {
        let (number, _) = self
            .next_undo_step(direction)
            .ok_or(RunError::NothingToUndo)?;
        self.drop_plan();
        let is_part = |draft: &&Arc<TaskDraft>| {
            check_unsent(draft).is_ok()
                && next_of(draft, direction).is_some_and(|step| step.number == number)
        };
        let ids: Vec<DraftId> = self
            .drafts
            .iter()
            .filter(is_part)
            .map(|draft| draft.id.clone())
            .collect();
        for id in ids {
            self.go_one(&id, direction, step)?;
        }
        Ok(())
    }

    /// Puts text and decision of one task back.
    fn go_one(
        &mut self,
        id: &DraftId,
        direction: Direction,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        let taken = match direction {
            Direction::Undo => draft.history.take_done(),
            Direction::Redo => draft.history.take_undone(),
        };
        let Some(taken) = taken else { return Ok(()) };
        let back = TaskStep {
            number: taken.number,
            at: taken.at,
            action: taken.action,
            text: taken.text.as_ref().map(|_| draft.content.shared_text()),
            decision: KeptDecision::from(&draft.review),
        };
        match direction {
            Direction::Undo => draft.history.add_undone(back),
            Direction::Redo => draft.history.add(back),
        }
        // The check of a changed text is not complete, and its approval is the operator's to repeat.
        let is_approved_again = taken.decision == KeptDecision::Approved && taken.text.is_none();
        if let Some(text) = taken.text {
            self.edit(id, &text, step)?;
        }
        let decision = match taken.decision {
            KeptDecision::Undecided | KeptDecision::Approved => Review::Undecided,
            KeptDecision::Rejected(reason) => Review::Rejected { reason },
            KeptDecision::Deleted => Review::Deleted,
        };
        self.set_review(id, decision, step);
        if is_approved_again {
            match self.approve(std::slice::from_ref(id), step) {
                // The task stays undecided, which the list shows.
                Ok(()) | Err(RunError::NotValid | RunError::NotComplete) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The step of a task that is next in a direction.
fn next_of(draft: &TaskDraft, direction: Direction) -> Option<&TaskStep> {
    match direction {
        Direction::Undo => draft.history.last_done(),
        Direction::Redo => draft.history.last_undone(),
    }
}
