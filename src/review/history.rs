//! What undo and redo put back: the text of a task and the decision about it, before each step.
//!
//! Every task keeps its own steps, stored with it, so that they survive a reload. The steps of one action
//! share a number: undoing it puts back every task that it changed. Once a task is sent, its steps are
//! forgotten.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Review;
use crate::text::counted;

/// How many steps of one task can be undone.
pub const MAX_UNDO_STEPS: usize = 50;
/// Longest pause between two edits of a task that are one step, in milliseconds: the editor of the exact
/// text saves every keystroke.
pub const MAX_PAUSE_IN_EDIT: u64 = 2_000;
/// How many bytes of earlier texts one task keeps.
pub const MAX_UNDO_BYTES: usize = 1 << 20;

/// An action that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoableAction {
    /// The text was changed.
    Edit,
    /// The original text was restored.
    Restore,
    /// Suggested edits were accepted.
    AcceptSuggestedEdits,
    /// Tasks were approved.
    Approve,
    /// Tasks were rejected.
    Reject,
    /// Approvals or rejections were withdrawn.
    Withdraw,
    /// Tasks were deleted.
    Delete,
    /// Tasks were imported, duplicated or written by hand.
    Add,
}

/// An action with the number of tasks it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoStep {
    /// What was done.
    pub action: UndoableAction,
    /// Number of tasks; at least 1.
    pub count: usize,
}

impl UndoStep {
    /// What was done, such as "3 tasks approved".
    #[must_use]
    pub fn text(self) -> String {
        let tasks = counted(self.count, "task");
        match self.action {
            UndoableAction::Edit => format!("{tasks} edited"),
            UndoableAction::Restore => format!("{tasks} restored to the original text"),
            UndoableAction::AcceptSuggestedEdits => format!("{tasks} changed as suggested"),
            UndoableAction::Approve => format!("{tasks} approved"),
            UndoableAction::Reject => format!("{tasks} rejected"),
            UndoableAction::Withdraw => format!("{tasks} set back to undecided"),
            UndoableAction::Delete => format!("{tasks} deleted"),
            UndoableAction::Add => format!("{tasks} added"),
        }
    }
}

/// A decision without the bytes that an approval fixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptDecision {
    /// None.
    Undecided,
    /// Approved. It comes back only together with the text that was approved, for the same server.
    Approved,
    /// Rejected, for this reason.
    Rejected(String),
    /// Deleted, or not added yet.
    Deleted,
}

impl From<&Review> for KeptDecision {
    fn from(review: &Review) -> KeptDecision {
        match review {
            Review::Undecided => KeptDecision::Undecided,
            Review::Approved(_) => KeptDecision::Approved,
            Review::Rejected { reason } => KeptDecision::Rejected(reason.clone()),
            Review::Deleted => KeptDecision::Deleted,
        }
    }
}

/// One step of a task: what the task goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskStep {
    /// Number of the action within the run, from 1.
    pub number: u32,
    /// When it was done, in milliseconds since 1970. Of edits that were joined, the last one counts.
    pub at: u64,
    /// What was done.
    pub action: UndoableAction,
    /// The text to go back to; `None` if the action left it unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Arc<str>>,
    /// The decision to go back to.
    pub decision: KeptDecision,
}

/// The steps of one task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReviewHistory {
    /// Steps that can be undone, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    done: Vec<TaskStep>,
    /// Steps that can be redone, the next one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undone: Vec<TaskStep>,
}

impl ReviewHistory {
    /// Whether there is nothing to undo or redo.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.undone.is_empty()
    }

    /// The steps that can be undone, the next one first.
    pub fn to_undo(&self) -> impl Iterator<Item = &TaskStep> {
        self.done.iter().rev()
    }

    /// The steps that can be redone, the next one first.
    pub fn to_redo(&self) -> impl Iterator<Item = &TaskStep> {
        self.undone.iter().rev()
    }

    /// The step that would be redone next.
    #[must_use]
    pub fn last_undone(&self) -> Option<&TaskStep> {
        self.undone.last()
    }

    /// The highest number among all steps; 0 if there are none.
    #[must_use]
    pub fn last_number(&self) -> u32 {
        let numbers = self.done.iter().chain(&self.undone).map(|step| step.number);
        numbers.max().unwrap_or(0)
    }

    /// Joins an edit at `now` with the step before it, the action with this number, if that is an edit just
    /// before. Returns whether it did.
    pub fn join_edit(&mut self, number: u32, now: u64) -> bool {
        let Some(last) = self.done.last_mut() else {
            return false;
        };
        let is_same_edit = last.action == UndoableAction::Edit
            && last.number == number
            && now.saturating_sub(last.at) <= MAX_PAUSE_IN_EDIT;
        if is_same_edit {
            last.at = now;
        }
        is_same_edit
    }

    /// Adds a step that was done. The oldest ones are dropped beyond [`MAX_UNDO_STEPS`] steps and
    /// [`MAX_UNDO_BYTES`] of text.
    pub fn add(&mut self, step: TaskStep) {
        self.done.push(step);
        let bytes = |step: &TaskStep| step.text.as_ref().map_or(0, |text| text.len());
        let mut room = MAX_UNDO_BYTES;
        let kept = self.done.iter().rev().take(MAX_UNDO_STEPS);
        let kept = kept
            .take_while(|step| {
                let fits = bytes(step) <= room;
                room = room.saturating_sub(bytes(step));
                fits
            })
            .count();
        self.done.drain(..self.done.len() - kept);
    }

    /// Takes the step that is undone.
    pub fn take_done(&mut self) -> Option<TaskStep> {
        self.done.pop()
    }

    /// Takes the step that is redone.
    pub fn take_undone(&mut self) -> Option<TaskStep> {
        self.undone.pop()
    }

    /// Adds a step that was undone.
    pub fn add_undone(&mut self, step: TaskStep) {
        self.undone.push(step);
    }

    /// Forgets what could be redone. Returns whether there was anything.
    pub fn forget_undone(&mut self) -> bool {
        !std::mem::take(&mut self.undone).is_empty()
    }

    /// Makes sure that no step brings an approval back: it was given for another server.
    pub fn withdraw_approvals(&mut self) {
        for step in self.done.iter_mut().chain(&mut self.undone) {
            if step.decision == KeptDecision::Approved {
                step.decision = KeptDecision::Undecided;
            }
        }
    }

    /// Forgets all steps.
    pub fn clear(&mut self) {
        *self = ReviewHistory::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u32, text: &str) -> TaskStep {
        TaskStep {
            number,
            at: 0,
            action: UndoableAction::Edit,
            text: Some(text.into()),
            decision: KeptDecision::Undecided,
        }
    }

    fn numbers(history: &ReviewHistory) -> Vec<u32> {
        history.done.iter().map(|step| step.number).collect()
    }

    #[test]
    fn the_oldest_steps_are_dropped_beyond_the_limits() {
        let mut history = ReviewHistory::default();
        for number in 1..=60 {
            history.add(step(number, "{}"));
        }
        assert_eq!(numbers(&history), (11..=60).collect::<Vec<_>>());

        let half = "x".repeat(MAX_UNDO_BYTES / 2);
        history.add(step(61, &half));
        history.add(step(62, &half));
        assert_eq!(numbers(&history), [61, 62]);
        history.add(step(63, ""));
        assert_eq!(numbers(&history), [61, 62, 63]);
        history.add(step(64, "{}"));
        assert_eq!(numbers(&history), [62, 63, 64]);
        history.add(step(65, &"x".repeat(MAX_UNDO_BYTES + 1)));
        assert_eq!(numbers(&history), [] as [u32; 0]);
    }

    #[test]
    fn a_step_survives_storage_with_its_text_and_decision() {
        let mut history = ReviewHistory::default();
        history.add(step(1, r#"{"a":1}"#));
        history.add_undone(TaskStep {
            number: 2,
            at: 1,
            action: UndoableAction::Reject,
            text: None,
            decision: KeptDecision::Rejected("too big".to_owned()),
        });
        let stored = serde_json::to_string(&history).unwrap();
        assert_eq!(
            serde_json::from_str::<ReviewHistory>(&stored).unwrap(),
            history
        );
        assert_eq!(history.last_number(), 2);
    }

    #[test]
    fn approvals_for_another_server_do_not_come_back() {
        let mut history = ReviewHistory::default();
        let approved = |number| TaskStep {
            decision: KeptDecision::Approved,
            ..step(number, "{}")
        };
        history.add(approved(1));
        history.add_undone(approved(2));
        history.withdraw_approvals();
        let decision = |step: Option<TaskStep>| step.map(|step| step.decision);
        assert_eq!(decision(history.take_done()), Some(KeptDecision::Undecided));
        assert_eq!(
            decision(history.take_undone()),
            Some(KeptDecision::Undecided)
        );
    }
}
