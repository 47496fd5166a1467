//! Asking the model again about single tasks: always the operator's act. What comes is a proposal
//! beside the task; nothing that stands there changes before the operator accepts it.

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

/// The longest instruction, in bytes.
pub const MAX_INSTRUCTION_BYTES: usize = 16 << 10;
/// The most tasks that one is split into.
pub const MAX_PARTS: u16 = 20;

/// What the model is asked again for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum FollowUp {
    /// These tasks without what is wrong with them.
    Repair {
        /// Which; those that are not invalid JSON tasks are passed over.
        drafts: Vec<DraftId>,
    },
    /// Others in place of these, which were rejected.
    Replace {
        /// Which; those that are not rejected are passed over.
        drafts: Vec<DraftId>,
    },
    /// This task as an instruction says.
    Revise {
        /// Which.
        draft: DraftId,
        /// How.
        instruction: String,
    },
    /// Several tasks in place of this one.
    Split {
        /// Which.
        draft: DraftId,
        /// How many, from 2 to [`MAX_PARTS`].
        parts: u16,
        /// How; may be empty.
        instruction: String,
    },
}

/// What asking again is expected to use. An estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostEstimate {
    /// How many tasks are asked for.
    pub tasks: u16,
    /// Tokens.
    pub usage: Usage,
    /// Their cost, where there are prices.
    pub cost: Option<Amount>,
}

impl Run {
    /// Asks the model again.
    pub(super) fn follow_up(
        &mut self,
        again: FollowUp,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let (again, wanted) = self.fitting(again)?;
        self.make_request(Purpose::FollowUp(again), wanted, now, step);
        Ok(())
    }

    /// What asking again is expected to use; none where it cannot be asked.
    #[must_use]
    pub fn estimate(&self, again: FollowUp) -> Option<CostEstimate> {
        let (again, wanted) = self.fitting(again).ok()?;
        let (_, bytes) = self.ask_for(&Purpose::FollowUp(again), wanted)?;
        let usage = self.expected_usage(bytes, wanted);
        let prices = self.connection().model.as_ref()?.prices;
        Some(CostEstimate {
            tasks: wanted.get(),
            usage,
            cost: prices.map(|prices| usage.cost(&prices)),
        })
    }

    /// The tasks that can be mended, or replaced, as many as one request asks for.
    #[must_use]
    pub fn follow_up_candidates(&self) -> (Vec<DraftId>, Vec<DraftId>) {
        let ids = |is_one: fn(&TaskDraft) -> bool| {
            let most = usize::try_from(self.most_of_a_request()).unwrap_or(usize::MAX);
            let found = self.drafts.iter().filter(|draft| is_one(draft));
            found.take(most).map(|draft| draft.id.clone()).collect()
        };
        match self.may_follow_up() {
            true => (ids(is_faulty), ids(is_rejected)),
            false => (Vec::new(), Vec::new()),
        }
    }

    /// Whether the model can be asked about single tasks now.
    #[must_use]
    pub fn may_follow_up(&self) -> bool {
        self.mode == Mode::Live && self.brief.is_some() && !self.is_asking()
    }

    /// What is left of a wish once what it cannot be about is passed over, and how many tasks it
    /// asks for.
    fn fitting(&self, again: FollowUp) -> Result<(FollowUp, Count), RunError> {
        if !self.may_follow_up() {
            return Err(RunError::WrongState);
        }
        let most = usize::try_from(self.most_of_a_request()).unwrap_or(usize::MAX);
        let only = |drafts: Vec<DraftId>, is_one: fn(&TaskDraft) -> bool| {
            let held = drafts
                .into_iter()
                .filter(|id| self.draft(id).is_some_and(|draft| is_one(draft)));
            held.take(most).collect::<Vec<DraftId>>()
        };
        let one = |draft: &DraftId, instruction: &str, needs_words: bool| {
            let draft = self.draft(draft).ok_or(RunError::NoSuchTask)?;
            let is_said = !needs_words || !instruction.trim().is_empty();
            let fits = instruction.len() <= MAX_INSTRUCTION_BYTES;
            if self.actions(draft).can_follow_up && is_said && fits {
                Ok(())
            } else {
                Err(RunError::WrongState)
            }
        };
        let (again, wanted) = match again {
            FollowUp::Repair { drafts } => {
                let drafts = only(drafts, is_faulty);
                let wanted = drafts.len();
                (FollowUp::Repair { drafts }, wanted)
            }
            FollowUp::Replace { drafts } => {
                let drafts = only(drafts, is_rejected);
                let wanted = drafts.len();
                (FollowUp::Replace { drafts }, wanted)
            }
            FollowUp::Revise { draft, instruction } => {
                one(&draft, &instruction, true)?;
                (FollowUp::Revise { draft, instruction }, 1)
            }
            FollowUp::Split {
                draft,
                parts,
                instruction,
            } => {
                one(&draft, &instruction, false)?;
                if !(2..=MAX_PARTS).contains(&parts) {
                    return Err(RunError::WrongState);
                }
                let wanted = usize::from(parts);
                let again = FollowUp::Split {
                    draft,
                    parts,
                    instruction,
                };
                (again, wanted)
            }
        };
        let wanted = u16::try_from(wanted).ok().and_then(Count::new);
        Ok((again, wanted.ok_or(RunError::WrongState)?))
    }

    /// What the model is told of the tasks that it is asked about, and which these are.
    pub(super) fn work_of<'a>(&self, again: &'a FollowUp) -> (Work, Vec<&'a DraftId>) {
        let text = |id: &DraftId| {
            let draft = self.draft(id);
            draft.map_or_else(String::new, |draft| draft.content.text().to_owned())
        };
        match again {
            FollowUp::Repair { drafts } => {
                let invalid = |id: &DraftId| InvalidTask {
                    task: text(id),
                    violations: self
                        .draft(id)
                        .and_then(|draft| draft.violations.as_ref())
                        .into_iter()
                        .flatten()
                        .map(fault)
                        .collect(),
                };
                (
                    Work::Repair(drafts.iter().map(invalid).collect()),
                    drafts.iter().collect(),
                )
            }
            FollowUp::Replace { drafts } => {
                let rejected = |id: &DraftId| RejectedTask {
                    task: text(id),
                    reason: match self.draft(id).map(|draft| &draft.review) {
                        Some(Review::Rejected { reason }) => reason.clone(),
                        _ => String::new(),
                    },
                };
                (
                    Work::Replace(drafts.iter().map(rejected).collect()),
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

    /// Puts a task that came beside the one that it was asked for. What nobody asked for is in the
    /// text of the answer and nowhere else.
    pub(super) fn propose(
        &mut self,
        again: &FollowUp,
        place: usize,
        document: &Document,
        violations: Vec<Violation>,
        step: &mut Step,
    ) {
        let (id, kind) = match again {
            FollowUp::Repair { drafts } | FollowUp::Replace { drafts } => (
                self.asked_about(drafts, place, document),
                SuggestedEditKind::Instead,
            ),
            FollowUp::Revise { draft, .. } if place == 0 => {
                (Some(draft.clone()), SuggestedEditKind::Instead)
            }
            FollowUp::Revise { .. } => (None, SuggestedEditKind::Instead),
            FollowUp::Split { draft, .. } => (Some(draft.clone()), SuggestedEditKind::Part),
        };
        let request = self.requests.len();
        let Some(draft) = id.as_ref().and_then(|id| self.draft_mut(id)) else {
            return;
        };
        // What an earlier request proposed has had its chance.
        draft.suggested_edits.retain(|held| held.request == request);
        draft.suggested_edits.push(SuggestedEdit {
            kind,
            request,
            text: document.text().into(),
            violations,
        });
        step.changes.extend(id.map(Change::Draft));
    }

    /// The task that one of an answer stands for: that with the same key, else that of its place.
    fn asked_about(
        &self,
        drafts: &[DraftId],
        place: usize,
        document: &Document,
    ) -> Option<DraftId> {
        let roles = self.schema.roles();
        let key = roles.key(document.root());
        let same = |id: &&DraftId| {
            let held = self.draft(id).and_then(|draft| draft.key(roles));
            held.is_some() && held.as_deref() == key.as_deref()
        };
        let named = drafts.iter().find(same);
        named.or_else(|| drafts.get(place)).cloned()
    }

    /// Puts what was proposed for a task in its place. Parts come as tasks of their own, and the
    /// one that was split is rejected.
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
            SuggestedEditKind::Instead => self.edit(id, &last.text, step)?,
            SuggestedEditKind::Part => {
                let reason = format!("Split into {} tasks.", suggested_edits.len());
                self.reject(id, reason, step)?;
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

    /// How the last request about single tasks stands.
    #[must_use]
    pub fn again(&self) -> &GenerationState {
        &self.again
    }
}

fn is_faulty(draft: &TaskDraft) -> bool {
    let is_open = matches!(draft.review, Review::Proposed);
    let has_faults = draft.violations.as_ref().is_some_and(|all| !all.is_empty());
    is_open && has_faults && draft.content.is_whole()
}

fn is_rejected(draft: &TaskDraft) -> bool {
    matches!(draft.review, Review::Rejected { .. }) && draft.content.is_whole()
}

/// What is wrong, by its JSON Pointer.
fn fault(violation: &Violation) -> String {
    let place = match violation.instance_path.as_str() {
        "" => "the task itself",
        pointer => pointer,
    };
    format!("{place}: {} ({})", violation.message, violation.keyword)
}
