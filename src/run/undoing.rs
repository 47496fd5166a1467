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

/// The next action in a direction.
struct NextStep {
    number: u32,
    /// What it was, with the number of tasks that undo or redo changes.
    step: UndoStep,
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

    /// Applies an event that continues an action, such as the next part of a large import. `action` is the
    /// number of the action so far ([`Run::last_action`]); undo takes all parts back together.
    pub fn apply_part(&mut self, event: Event, now: u64, action: Option<u32>) -> Step {
        self.continued_action = action;
        let step = self.apply(event, now);
        self.continued_action = None;
        step
    }

    /// The number of the last action that can be undone or redone; 0 before the first one.
    #[must_use]
    pub fn last_action(&self) -> u32 {
        let numbers = self.drafts.iter().map(|draft| draft.history.last_number());
        numbers.max().unwrap_or(0)
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
        let last = self.last_action();
        if let (UndoableAction::Edit, [(id, ..)]) = (action, changed.as_slice())
            && let Some(draft) = self.draft_mut(id)
            && draft.history.join_edit(last, now)
        {
            return;
        }
        // A task that was changed by a later action in between begins a step of its own.
        let joins = |number: &u32| {
            let later = |(id, ..): &(DraftId, _, _)| {
                self.draft(id)
                    .is_none_or(|draft| draft.history.last_number() > *number)
            };
            !changed.iter().any(later)
        };
        let continued = self.continued_action.filter(joins);
        let number = continued.unwrap_or_else(|| last.saturating_add(1));
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
        self.next_undo_step(Direction::Undo).map(|next| next.step)
    }

    /// What [`Event::Redo`] would redo; `None` if nothing can be redone.
    #[must_use]
    pub fn redoable(&self) -> Option<UndoStep> {
        self.next_undo_step(Direction::Redo).map(|next| next.step)
    }

    pub(super) fn undo(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.go(Direction::Undo, step)
    }

    pub(super) fn redo(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.go(Direction::Redo, step)
    }

    /// The next action in a direction that changes anything: the latest one that was done, or the earliest
    /// one that was undone. A task that is queued or was posted has no part in it.
    fn next_undo_step(&self, direction: Direction) -> Option<NextStep> {
        let mut stacks: Vec<_> = self
            .drafts
            .iter()
            .filter(|draft| check_unsent(draft).is_ok())
            .map(|draft| (draft, steps_of(draft, direction).peekable()))
            .collect();
        loop {
            let numbers = stacks
                .iter_mut()
                .filter_map(|(_, steps)| steps.peek().map(|step| step.number));
            let number = match direction {
                Direction::Undo => numbers.max(),
                Direction::Redo => numbers.min(),
            }?;
            let mut found = None;
            for (draft, steps) in &mut stacks {
                // The steps passed over change nothing, so this one is compared with the task as it is.
                let step = steps.next_if(|step| step.number == number);
                if let Some(step) = step.filter(|step| has_effect(draft, step)) {
                    let count = found.map_or(0, |found: UndoStep| found.count) + 1;
                    let action = step.action;
                    found = Some(UndoStep { action, count });
                }
            }
            if let Some(step) = found {
                return Some(NextStep { number, step });
            }
        }
    }

    fn go(&mut self, direction: Direction, step: &mut Step) -> Result<(), RunError> {
        let next = self
            .next_undo_step(direction)
            .ok_or(RunError::NothingToUndo)?;
        self.drop_plan();
        let is_part = |step: &TaskStep| match direction {
            Direction::Undo => step.number >= next.number,
            Direction::Redo => step.number <= next.number,
        };
        let parts: Vec<(DraftId, usize)> = self
            .drafts
            .iter()
            .filter(|draft| check_unsent(draft).is_ok())
            .map(|draft| {
                let steps = steps_of(draft, direction);
                let count = steps.take_while(|step| is_part(step)).count();
                (draft.id.clone(), count)
            })
            .collect();
        for (id, count) in parts {
            for _ in 0..count {
                self.go_one(&id, direction, step)?;
            }
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

/// The steps of a task in a direction, the next one first.
fn steps_of(draft: &TaskDraft, direction: Direction) -> Box<dyn Iterator<Item = &TaskStep> + '_> {
    match direction {
        Direction::Undo => Box::new(draft.history.to_undo()),
        Direction::Redo => Box::new(draft.history.to_redo()),
    }
}

/// Whether undoing or redoing a step would change the task. Undoing an edit restores the text but not its
/// approval, so undoing the approval afterwards would change nothing.
fn has_effect(draft: &TaskDraft, step: &TaskStep) -> bool {
    let is_other_text = step
        .text
        .as_ref()
        .is_some_and(|text| **text != *draft.content.text());
    let decision = match &step.decision {
        KeptDecision::Approved if step.text.is_some() => &KeptDecision::Undecided,
        decision => decision,
    };
    is_other_text || *decision != KeptDecision::from(&draft.review)
}
