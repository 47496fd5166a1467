//! The part of a run in which approved tasks leave, one after the other, each written down first.
//!
//! What counts is whether the server *may have taken* a task. What it has not taken can be sent
//! again; what may have arrived is never sent again by itself.

use super::event::{Change, Effect, Posting, RunError, Step};
use super::{Batch, Mode, Pause, Run, TaskDraft};
use crate::delivery::plan::{self, Item};
use crate::delivery::receipt::Stage;
use crate::delivery::{Attempt, Outcome};
use crate::review::DraftId;
use crate::secrets::SecretName;
use crate::settings::Connection;

impl Run {
    pub(super) fn post(&mut self, digest: &str, now: u64, step: &mut Step) -> Result<(), RunError> {
        let confirmation = self.confirmation().ok_or(RunError::ConfirmationStale)?;
        if confirmation.digest != digest {
            return Err(RunError::ConfirmationStale);
        }
        for id in &confirmation.order {
            self.set_stage(id, Stage::Queued, step);
        }
        self.run_batch(now, step);
        Ok(())
    }

    /// Uses other endpoints from now on; not while tasks are on their way.
    pub(super) fn connect(
        &mut self,
        connection: Connection,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if self.is_posting() || !self.in_stage(Stage::Sending).is_empty() {
            return Err(RunError::WrongState);
        }
        let before = self.task_origin();
        self.connection = connection;
        step.changes.push(Change::Run);
        if self.task_origin() != before {
            // What was confirmed was confirmed for the other server.
            self.empty_queue(step);
        }
        Ok(())
    }

    pub(super) fn pause(&mut self, step: &mut Step) -> Result<(), RunError> {
        if self.is_posting() {
            self.set_batch(
                Batch::Paused {
                    why: Pause::Operator,
                },
                step,
            );
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, now: u64, step: &mut Step) -> Result<(), RunError> {
        if matches!(self.batch, Batch::Paused { .. }) {
            self.run_batch(now, step);
        }
        Ok(())
    }

    pub(super) fn stop_posting(&mut self, step: &mut Step) -> Result<(), RunError> {
        self.empty_queue(step);
        Ok(())
    }

    pub(super) fn retry(
        &mut self,
        ids: &[DraftId],
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        for id in ids {
            let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
            let was_not_taken = matches!(draft.delivery.stage, Stage::Failed | Stage::Refused);
            if !was_not_taken || draft.approval().is_none() {
                if ids.len() == 1 {
                    return Err(RunError::WrongState);
                }
                continue;
            }
            self.set_stage(id, Stage::Queued, step);
        }
        self.go_on_with(ids, now, step);
        Ok(())
    }

    pub(super) fn resend_same_key(
        &mut self,
        id: &DraftId,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != Stage::Unknown || draft.approval().is_none() {
            return Err(RunError::WrongState);
        }
        if !self.may_resend(draft) {
            return Err(RunError::KeysNotHonoured);
        }
        self.set_stage(id, Stage::Queued, step);
        self.go_on_with(std::slice::from_ref(id), now, step);
        Ok(())
    }

    pub(super) fn decide(
        &mut self,
        id: &DraftId,
        delivered: bool,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if draft.delivery.stage != Stage::Unknown {
            return Err(RunError::WrongState);
        }
        draft.delivery.decided_by_operator = true;
        draft.delivery.settled = draft.delivery.last().map_or(0, |last| last.number);
        draft.delivery.stage = if delivered {
            Stage::Delivered
        } else {
            Stage::Failed
        };
        step.changes.push(Change::Draft(id.clone()));
        Ok(())
    }

    pub(super) fn journaled(
        &mut self,
        id: &DraftId,
        attempt: u32,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft(id).ok_or(RunError::NoSuchTask)?;
        if let (true, Some(approval)) = (is_under_way(draft, attempt), draft.approval()) {
            step.effects.push(Effect::Deliver(Posting {
                draft: id.clone(),
                attempt,
                approval: approval.clone(),
            }));
        }
        Ok(())
    }

    pub(super) fn journal_failed(
        &mut self,
        id: &DraftId,
        attempt: u32,
        reason: String,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if is_under_way(draft, attempt) {
            // The request was not made, so this attempt never was one.
            draft.delivery.attempts.pop();
            draft.delivery.stage = Stage::Queued;
            step.changes.push(Change::Draft(id.clone()));
            self.set_batch(
                Batch::Paused {
                    why: Pause::NotStored { reason },
                },
                step,
            );
        }
        Ok(())
    }

    pub(super) fn answered(
        &mut self,
        id: &DraftId,
        attempt: u32,
        outcome: Outcome,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let draft = self.draft_mut(id).ok_or(RunError::NoSuchTask)?;
        if !is_under_way(draft, attempt) {
            return Ok(());
        }
        if let Some(last) = draft.delivery.attempts.last_mut() {
            last.ended_at = Some(now);
            last.outcome = Some(outcome.clone());
        }
        draft.delivery.stage = match stage_after(&outcome) {
            // What came of this attempt says nothing of an earlier one that may have arrived.
            Stage::Refused | Stage::Failed if draft.delivery.may_have_arrived() => Stage::Unknown,
            stage => stage,
        };
        step.changes.push(Change::Draft(id.clone()));
        let was_first = matches!(self.batch, Batch::Running { first: true });
        match outcome {
            Outcome::Unauthorized { status, .. } => {
                self.set_batch(
                    Batch::Paused {
                        why: Pause::TokenRefused { status },
                    },
                    step,
                );
                step.effects.push(Effect::AskFor(SecretName::AgentToken));
            }
            Outcome::NoToken => {
                self.set_batch(
                    Batch::Paused {
                        why: Pause::TokenMissing,
                    },
                    step,
                );
                step.effects.push(Effect::AskFor(SecretName::AgentToken));
            }
            Outcome::NotSent { message } => {
                self.set_batch(
                    Batch::Paused {
                        why: Pause::NotSent { reason: message },
                    },
                    step,
                );
            }
            Outcome::Delivered { .. } | Outcome::Dry => {
                if was_first {
                    self.set_batch(Batch::Running { first: false }, step);
                }
                self.next(now, step);
            }
            Outcome::Refused { .. } if !was_first => self.next(now, step),
            Outcome::Refused { .. } => self.hold(Pause::FirstNotTaken, step),
            Outcome::NotTaken { .. } | Outcome::MayHaveArrived { .. } => {
                self.hold(Pause::ServerInTrouble, step);
            }
        }
        Ok(())
    }

    /// The drafts in the order in which they would go.
    pub(super) fn delivery_order(&self) -> Vec<&TaskDraft> {
        let roles = self.schema.roles();
        let strings = |draft: &TaskDraft, name: &Option<String>| -> Vec<String> {
            let document = draft.content.document();
            let member = name
                .as_deref()
                .zip(document)
                .and_then(|(name, document)| document.root().get(name));
            member
                .into_iter()
                .flat_map(|node| {
                    node.items()
                        .filter_map(|item| Some(item.as_str()?.into_owned()))
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let items: Vec<Item> = self
            .drafts
            .iter()
            .map(|draft| Item {
                key: roles.key.as_deref().and_then(|name| draft.member(name)),
                depends_on: strings(draft, &roles.depends_on),
            })
            .collect();
        plan::order(&items)
            .into_iter()
            .filter_map(|place| self.drafts.get(place))
            .collect()
    }

    /// Takes what has not left out of the queue; it stays approved. What may have arrived is unknown
    /// again.
    fn empty_queue(&mut self, step: &mut Step) {
        for id in self.in_stage(Stage::Queued) {
            let is_open = self
                .draft(&id)
                .is_some_and(|draft| draft.delivery.may_have_arrived());
            let stage = if is_open { Stage::Unknown } else { Stage::Idle };
            self.set_stage(&id, stage, step);
        }
        let batch = match self.in_stage(Stage::Sending).is_empty() {
            true => Batch::Idle,
            false => Batch::Paused {
                why: Pause::Operator,
            },
        };
        self.set_batch(batch, step);
    }

    /// Sends what was queued by hand. Where others wait behind a pause, only the first of these
    /// goes, and the pause stays.
    fn go_on_with(&mut self, ids: &[DraftId], now: u64, step: &mut Step) {
        if self.is_posting() {
            return;
        }
        let others_wait = self
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

    fn run_batch(&mut self, now: u64, step: &mut Step) {
        self.set_batch(Batch::Running { first: true }, step);
        self.next(now, step);
    }

    /// Sends the next one, unless one is under way or posting waits.
    fn next(&mut self, now: u64, step: &mut Step) {
        if !self.in_stage(Stage::Sending).is_empty() {
            return;
        }
        if !self.is_posting() {
            if self.in_stage(Stage::Queued).is_empty() {
                self.set_batch(Batch::Idle, step);
            }
            return;
        }
        let next = self
            .delivery_order()
            .into_iter()
            .find(|draft| draft.delivery.stage == Stage::Queued)
            .map(|draft| draft.id.clone());
        match next {
            Some(id) => self.send(&id, now, step),
            None => self.set_batch(Batch::Idle, step),
        }
    }

    /// Writes an attempt down; the request follows once that is done.
    fn send(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let url = match self.mode {
            Mode::Dry => None,
            Mode::Live => self.tasks_url(),
        };
        let key_sent = url.is_some() && self.honours_keys();
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        let Some(approval) = draft.approval().cloned() else {
            // A queued task is approved; one that is not never leaves.
            self.set_stage(id, Stage::Idle, step);
            return;
        };
        let number = draft.delivery.last().map_or(0, |last| last.number) + 1;
        draft.delivery.stage = Stage::Sending;
        draft.delivery.decided_by_operator = false;
        draft.delivery.attempts.push(Attempt {
            number,
            key: approval.key,
            digest: approval.digest,
            url,
            key_sent,
            started_at: now,
            ended_at: None,
            outcome: None,
        });
        step.changes.push(Change::Draft(id.clone()));
        step.effects.push(Effect::Journal {
            draft: id.clone(),
            attempt: number,
        });
    }

    /// Pauses where there is something left to wait with, else ends.
    fn hold(&mut self, why: Pause, step: &mut Step) {
        if self.in_stage(Stage::Queued).is_empty() {
            self.set_batch(Batch::Idle, step);
        } else if self.is_posting() {
            self.set_batch(Batch::Paused { why }, step);
        }
    }

    /// Whether the task server is known to honour idempotency keys.
    #[must_use]
    pub fn honours_keys(&self) -> bool {
        self.connection
            .task_server
            .as_ref()
            .is_some_and(|server| server.honours_idempotency_keys)
    }

    /// Whether a task of unknown fate can be sent again with its key without doubling it.
    #[must_use]
    pub fn may_resend(&self, draft: &TaskDraft) -> bool {
        self.honours_keys()
            && self
                .tasks_url()
                .is_some_and(|url| draft.delivery.may_be_resent_to(&url))
    }

    fn task_origin(&self) -> Option<String> {
        let server = self.connection.task_server.as_ref();
        server.map(|server| server.url.origin())
    }

    fn tasks_url(&self) -> Option<String> {
        self.connection
            .task_server
            .as_ref()
            .map(|server| server.tasks_url())
    }

    fn in_stage(&self, stage: Stage) -> Vec<DraftId> {
        self.drafts
            .iter()
            .filter(|draft| draft.delivery.stage == stage)
            .map(|draft| draft.id.clone())
            .collect()
    }

    fn set_stage(&mut self, id: &DraftId, stage: Stage, step: &mut Step) {
        if let Some(draft) = self.draft_mut(id) {
            draft.delivery.stage = stage;
            step.changes.push(Change::Draft(id.clone()));
        }
    }

    fn set_batch(&mut self, batch: Batch, step: &mut Step) {
        self.batch = batch;
        step.changes.push(Change::Run);
    }
}

fn is_under_way(draft: &TaskDraft, attempt: u32) -> bool {
    draft.delivery.stage == Stage::Sending
        && draft
            .delivery
            .last()
            .is_some_and(|last| last.number == attempt && last.outcome.is_none())
}

fn stage_after(outcome: &Outcome) -> Stage {
    match outcome {
        Outcome::Delivered { .. } => Stage::Delivered,
        Outcome::Dry => Stage::Dry,
        Outcome::Refused { .. } => Stage::Refused,
        Outcome::NotTaken { .. } => Stage::Failed,
        // The same task goes on with the same key once there is a token.
        Outcome::Unauthorized { .. } | Outcome::NoToken | Outcome::NotSent { .. } => Stage::Queued,
        Outcome::MayHaveArrived { .. } => Stage::Unknown,
    }
}
