//! Follow-up requests: the operator asks the model to repair, regenerate, revise or split tasks. The
//! response becomes suggested edits; the tasks do not change until the operator accepts them.

use serde::{Deserialize, Serialize};

use super::actions::check_editable;
use super::event::{Change, RunError, Step};
use super::request::Purpose;
use super::{GenerationState, Mode, Run, TaskDraft};
use crate::brief::Count;
use crate::document::Document;
use crate::model::Usage;
use crate::prompt::{InvalidTask, RejectedTask, Work};
use crate::review::{DraftId, Origin, Review, SuggestedEdit, SuggestedEditKind};
use crate::schema::Violation;
use crate::settings::Amount;

/// Maximum length of an instruction, in bytes.
pub const MAX_INSTRUCTION_BYTES: usize = 16 << 10;
/// Maximum number of tasks that one task is split into.
pub const MAX_PARTS: u16 = 20;

/// A follow-up request to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum FollowUp {
    /// Fix the violations of invalid tasks.
    Repair {
        /// The tasks. Those that are valid or not JSON are skipped.
        drafts: Vec<DraftId>,
    },
    /// Generate replacements for rejected tasks.
    Regenerate {
        /// The tasks. Those that are not rejected are skipped.
        drafts: Vec<DraftId>,
    },
    /// Change a task as instructed.
    Revise {
        /// The task.
        draft: DraftId,
        /// The instruction; not empty.
        instruction: String,
    },
    /// Split a task into several.
    Split {
        /// The task.
        draft: DraftId,
        /// Number of new tasks, from 2 to [`MAX_PARTS`].
        parts: u16,
        /// The instruction; may be empty.
        instruction: String,
    },
}

/// The expected usage and cost of a follow-up request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostEstimate {
    /// Number of tasks requested.
    pub tasks: u16,
    /// Tokens.
    pub usage: Usage,
    /// Their cost, if prices are configured.
    pub cost: Option<Amount>,
}

impl Run {
    /// Makes a follow-up request.
    pub(super) fn follow_up(
        &mut self,
        follow_up: FollowUp,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let (follow_up, wanted) = self.applicable(follow_up)?;
        self.start_request(Purpose::FollowUp(follow_up), wanted, now, step);
        Ok(())
    }

    /// Estimates a follow-up request; `None` if it cannot be made.
    #[must_use]
    pub fn estimate(&self, follow_up: FollowUp) -> Option<CostEstimate> {
        let (follow_up, wanted) = self.applicable(follow_up).ok()?;
        let (_, bytes) = self.build_request(&Purpose::FollowUp(follow_up), wanted)?;
        let usage = self.expected_usage(bytes, wanted);
        let prices = self.connection().model.as_ref()?.prices;
        Some(CostEstimate {
            tasks: wanted.get(),
            usage,
            cost: prices.map(|prices| usage.cost(&prices)),
        })
    }

    /// The tasks that can be repaired and those that can be regenerated, each limited to one
    /// request.
    #[must_use]
    pub fn follow_up_candidates(&self) -> (Vec<DraftId>, Vec<DraftId>) {
        if !self.may_follow_up() {
            return (Vec::new(), Vec::new());
        }
        let limit = usize::try_from(self.tasks_per_request()).unwrap_or(usize::MAX);
        let candidates = |applies: fn(&TaskDraft) -> bool| {
            self.drafts
                .iter()
                .filter(|draft| applies(draft))
                .take(limit)
                .map(|draft| draft.id.clone())
                .collect()
        };
        (candidates(is_repairable), candidates(is_rejected))
    }

    /// Whether a follow-up request can be made now.
    #[must_use]
    pub fn may_follow_up(&self) -> bool {
        self.mode == Mode::Live && self.brief.is_some() && !self.is_generating()
    }

    /// The request reduced to drafts it applies to, and the number of tasks it asks for.
    fn applicable(&self, follow_up: FollowUp) -> Result<(FollowUp, Count), RunError> {
        if !self.may_follow_up() {
            return Err(RunError::WrongState);
        }
        let limit = usize::try_from(self.tasks_per_request()).unwrap_or(usize::MAX);
        let only = |drafts: Vec<DraftId>, applies: fn(&TaskDraft) -> bool| {
            drafts
                .into_iter()
                .filter(|id| self.draft(id).is_some_and(|draft| applies(draft)))
                .take(limit)
                .collect::<Vec<DraftId>>()
        };
        let validate = |draft: &DraftId, instruction: &str, is_instruction_required: bool| {
            let draft = self.draft(draft).ok_or(RunError::NoSuchTask)?;
            let is_missing = is_instruction_required && instruction.trim().is_empty();
            let is_too_long = instruction.len() > MAX_INSTRUCTION_BYTES;
            if !self.actions(draft).can_follow_up || is_missing || is_too_long {
                return Err(RunError::WrongState);
            }
            Ok(())
        };
        let (follow_up, wanted) = match follow_up {
            FollowUp::Repair { drafts } => {
                let drafts = only(drafts, is_repairable);
                let wanted = drafts.len();
                (FollowUp::Repair { drafts }, wanted)
            }
            FollowUp::Regenerate { drafts } => {
                let drafts = only(drafts, is_rejected);
                let wanted = drafts.len();
                (FollowUp::Regenerate { drafts }, wanted)
            }
            FollowUp::Revise { draft, instruction } => {
                validate(&draft, &instruction, true)?;
                (FollowUp::Revise { draft, instruction }, 1)
            }
            FollowUp::Split {
                draft,
                parts,
                instruction,
            } => {
                validate(&draft, &instruction, false)?;
                if !(2..=MAX_PARTS).contains(&parts) {
                    return Err(RunError::WrongState);
                }
                let wanted = usize::from(parts);
                let split = FollowUp::Split {
                    draft,
                    parts,
                    instruction,
                };
                (split, wanted)
            }
        };
        let wanted = u16::try_from(wanted).ok().and_then(Count::new);
        Ok((follow_up, wanted.ok_or(RunError::WrongState)?))
    }

    /// The work for the model, and the drafts it is about.
    pub(super) fn work_of<'a>(&self, follow_up: &'a FollowUp) -> (Work, Vec<&'a DraftId>) {
        let text = |id: &DraftId| {
            let draft = self.draft(id);
            draft.map_or_else(String::new, |draft| draft.content.text().to_owned())
        };
        match follow_up {
            FollowUp::Repair { drafts } => {
                let invalid = |id: &DraftId| InvalidTask {
                    task: text(id),
                    violations: self
                        .draft(id)
                        .and_then(|draft| draft.violations.as_ref())
                        .into_iter()
                        .flatten()
                        .map(violation_text)
                        .collect(),
                };
                (
                    Work::Repair(drafts.iter().map(invalid).collect()),
                    drafts.iter().collect(),
                )
            }
            FollowUp::Regenerate { drafts } => {
                let rejected = |id: &DraftId| RejectedTask {
                    task: text(id),
                    reason: match self.draft(id).map(|draft| &draft.review) {
                        Some(Review::Rejected { reason }) => reason.clone(),
                        _ => String::new(),
                    },
                };
                (
                    Work::Regenerate(drafts.iter().map(rejected).collect()),
                    drafts.iter().collect(),
                )
            }
            FollowUp::Revise { draft, instruction } => (
                Work::Revise {
                    task: text(draft),
                    instruction: instruction.clone(),
                },
                vec![draft],
            ),
            FollowUp::Split {
                draft, instruction, ..
            } => (
                Work::Split {
                    task: text(draft),
                    instruction: instruction.clone(),
                },
                vec![draft],
            ),
        }
    }

    /// Adds a task of a follow-up response, the one at `index`, as a suggested edit of the draft that
    /// it is for. A task that was not requested appears in the raw response only.
    pub(super) fn add_suggested_edit(
        &mut self,
        follow_up: &FollowUp,
        index: usize,
        document: &Document,
        violations: Vec<Violation>,
        step: &mut Step,
    ) {
        let (id, kind) = match follow_up {
            FollowUp::Repair { drafts } | FollowUp::Regenerate { drafts } => (
                self.subject_of(drafts, index, document),
                SuggestedEditKind::Replace,
            ),
            FollowUp::Revise { draft, .. } if index == 0 => {
                (Some(draft.clone()), SuggestedEditKind::Replace)
            }
            FollowUp::Revise { .. } => (None, SuggestedEditKind::Replace),
            FollowUp::Split { draft, .. } => (Some(draft.clone()), SuggestedEditKind::Part),
        };
        let request = self.requests.len();
        let Some(draft) = id.as_ref().and_then(|id| self.draft_mut(id)) else {
            return;
        };
        // A new request supersedes the suggested edits of earlier ones.
        draft.suggested_edits.retain(|edit| edit.request == request);
        draft.suggested_edits.push(SuggestedEdit {
            kind,
            request,
            text: document.text().into(),
            violations,
        });
        step.changes.extend(id.map(Change::Draft));
    }

    /// The draft that a task of the response is for: the one with the same key, otherwise the one at
    /// the same index.
    fn subject_of(&self, drafts: &[DraftId], index: usize, document: &Document) -> Option<DraftId> {
        let roles = self.schema.roles();
        let key = roles.key(document.root());
        let has_same_key = |id: &&DraftId| {
            let draft_key = self.draft(id).and_then(|draft| draft.key(roles));
            draft_key.is_some() && draft_key.as_deref() == key.as_deref()
        };
        let same_key = drafts.iter().find(has_same_key);
        same_key.or_else(|| drafts.get(index)).cloned()
    }

    /// Accepts the suggested edits of a task. The parts of a split become new tasks, and the
    /// original task is rejected.
    pub(super) fn accept_suggested_edits(
        &mut self,
        id: &DraftId,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        check_editable(draft)?;
        let suggested_edits = draft.suggested_edits.clone();
        let Some(last) = suggested_edits.last() else {
            return Err(RunError::WrongState);
        };
        match last.kind {
            SuggestedEditKind::Replace => self.edit(id, &last.text, step)?,
            SuggestedEditKind::Part => {
                let reason = format!("Split into {} tasks.", suggested_edits.len());
                self.reject(std::slice::from_ref(id), &reason, step)?;
                for part in &suggested_edits {
                    let violations = Some(part.violations.clone());
                    self.add(Origin::Model, &part.text, violations, step);
                }
            }
        }
        self.discard_suggested_edits(id, step)
    }

    pub(super) fn discard_suggested_edits(
        &mut self,
        id: &DraftId,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if !draft.suggested_edits.is_empty() {
            draft.suggested_edits.clear();
            step.changes.push(Change::Draft(id.clone()));
        }
        Ok(())
    }

    /// State of the last follow-up request.
    #[must_use]
    pub fn follow_up_state(&self) -> &GenerationState {
        &self.follow_up
    }
}

fn is_repairable(draft: &TaskDraft) -> bool {
    let is_undecided = matches!(draft.review, Review::Undecided);
    let has_violations = draft.violations.as_ref().is_some_and(|all| !all.is_empty());
    is_undecided && has_violations && draft.content.is_json()
}

fn is_rejected(draft: &TaskDraft) -> bool {
    matches!(draft.review, Review::Rejected { .. }) && draft.content.is_json()
}

/// A violation as the model reads it, with its JSON Pointer.
fn violation_text(violation: &Violation) -> String {
    let location = match violation.instance_path.as_str() {
        "" => "the task itself",
        pointer => pointer,
    };
    format!("{location}: {} ({})", violation.message, violation.keyword)
}
