//! The part of a run in which the model's answer arrives.

use std::sync::Arc;

use super::event::{Change, Effect, RunError, Step};
use super::{Generation, Mode, Run};
use crate::delivery::Delivery;
use crate::document::Document;
use crate::model::{Outcome, Usage};
use crate::review::{Content, Draft, DraftId, Origin, Review};
use crate::schema::Violation;

impl Run {
    pub(super) fn stop_generation(&mut self, step: &mut Step) -> Result<(), RunError> {
        if matches!(self.generation, Generation::Running { .. }) {
            step.effects.push(Effect::StopGeneration);
        }
        Ok(())
    }

    pub(super) fn keep_whole(&mut self, shown: &str, step: &mut Step) -> Result<(), RunError> {
        let Generation::Ended { outcome, kept, .. } = &mut self.generation else {
            return Err(RunError::NotComplete);
        };
        if outcome.code() != shown {
            return Err(RunError::OutcomeChanged);
        }
        *kept = true;
        step.changes.push(Change::Run);
        Ok(())
    }

    pub(super) fn task_arrived(
        &mut self,
        document: &Document,
        violations: Vec<Violation>,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if matches!(self.generation, Generation::Running { .. }) {
            let origin = match self.mode {
                Mode::Dry => Origin::DryRun,
                Mode::Live => Origin::Model,
            };
            self.add(origin, document.text(), Some(violations), step);
        }
        Ok(())
    }

    pub(super) fn usage_arrived(&mut self, usage: Usage, step: &mut Step) -> Result<(), RunError> {
        self.usage = Some(usage);
        step.changes.push(Change::Run);
        Ok(())
    }

    pub(super) fn generation_ended(
        &mut self,
        outcome: Outcome,
        raw_answer: Arc<str>,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if matches!(self.generation, Generation::Running { .. }) {
            self.generation = Generation::Ended {
                outcome,
                at: now,
                kept: false,
            };
            self.raw_answer = raw_answer;
            step.changes.push(Change::Run);
        }
        Ok(())
    }

    /// Adds a draft at the end. Without violations a check is asked for.
    pub(super) fn add(
        &mut self,
        origin: Origin,
        text: &str,
        violations: Option<Vec<Violation>>,
        step: &mut Step,
    ) {
        let id = DraftId {
            run: self.id.clone(),
            ordinal: u32::try_from(self.drafts.len() + 1).unwrap_or(u32::MAX),
        };
        let content = Content::read(text);
        if let (None, Some(document)) = (&violations, content.document()) {
            step.effects.push(Effect::Check {
                draft: id.clone(),
                revision: 0,
                document: document.clone(),
            });
        }
        step.changes.push(Change::Draft(id.clone()));
        self.replan();
        self.drafts.push(Arc::new(Draft {
            id,
            origin,
            proposed: content.shared_text(),
            content,
            revision: 0,
            violations,
            review: Review::Proposed,
            delivery: Delivery::default(),
        }));
    }
}
