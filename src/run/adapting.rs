//! Repeats a refused call with a change, and decides which changes are worth remembering.

use super::event::{Effect, RunError, Step};
use super::request::GenerationRequest;
use super::{Mode, Run};
use crate::model::adaptation::{MAX_REFUSED_CALLS, Proposal, TokenLimitName};
use crate::model::{Adaptation, Adaptations, FailureKind, GenerationOutcome, Notice, NoticeCode};
use crate::settings::Api;

impl Run {
    /// The adaptations that refusals of this run led to and that are still in force, in the order of
    /// the refusals.
    pub fn applied_adaptations(&self) -> impl Iterator<Item = &Adaptation> {
        let calls = self.requests.iter().flat_map(|request| &request.calls);
        calls
            .filter_map(|call| call.adaptation.as_ref())
            .filter(|adaptation| self.adaptations.has(adaptation))
    }

    /// Whether a request may be repeated with this change: the number of refused calls is limited,
    /// and no call is made twice in the same form.
    pub(super) fn may_adapt(&self, request: &GenerationRequest, proposal: &Proposal) -> bool {
        let refused = request
            .calls
            .iter()
            .filter(|call| call.adaptation.is_some());
        let changed = self.with(proposal);
        refused.count() + 1 < MAX_REFUSED_CALLS
            && request
                .calls
                .iter()
                .all(|call| !call.adaptations.is_equivalent(&changed))
    }

    fn with(&self, proposal: &Proposal) -> Adaptations {
        let mut changed = self.adaptations.clone();
        changed.add(proposal.adaptation.clone());
        changed
    }

    /// Changes the request that is repeated next, and tells the operator.
    pub(super) fn adapt(&mut self, proposal: Proposal, step: &mut Step) -> Result<(), RunError> {
        self.adaptations = self.with(&proposal);
        let last = self.requests.last_mut();
        if let Some(call) = last.and_then(|request| request.calls.last_mut()) {
            call.adaptation = Some(proposal.adaptation.clone());
        }
        let notice = proposal.adaptation.notice();
        self.unproven.push(proposal);
        self.add_notice(notice, step)
    }

    /// After a call: confirms the changes if it completed, and withdraws those that did not help.
    pub(super) fn judge_adaptations(
        &mut self,
        outcome: &GenerationOutcome,
        is_adapted_again: bool,
        step: &mut Step,
    ) -> Result<(), RunError> {
        match outcome {
            GenerationOutcome::Complete => {
                let confirmed = std::mem::take(&mut self.unproven);
                let lasting: Adaptations = confirmed
                    .into_iter()
                    .filter(|proposal| proposal.is_lasting)
                    .map(|proposal| proposal.adaptation)
                    .collect();
                if !lasting.is_empty() {
                    step.effects.push(Effect::RememberAdaptations(lasting));
                }
            }
            GenerationOutcome::Failed(failure)
                if failure.kind == FailureKind::ServerError && !is_adapted_again =>
            {
                self.withdraw(|proposal| !proposal.is_named);
            }
            _ => {}
        }
        self.observe_token_limit(step)
    }

    /// Withdraws the unproven changes for which `is_withdrawn` holds.
    fn withdraw(&mut self, is_withdrawn: impl Fn(&Proposal) -> bool) {
        let (withdrawn, kept) = std::mem::take(&mut self.unproven)
            .into_iter()
            .partition::<Vec<_>, _>(is_withdrawn);
        self.unproven = kept;
        for proposal in withdrawn {
            self.adaptations.remove(&proposal.adaptation);
        }
    }

    /// Sends the max output tokens under their other name if the endpoint ignored them: some servers
    /// know only the former name.
    fn observe_token_limit(&mut self, step: &mut Step) -> Result<(), RunError> {
        let Some(model) = self
            .connection
            .model
            .as_ref()
            .filter(|_| self.mode == Mode::Live)
        else {
            return Ok(());
        };
        let last = self
            .requests
            .last()
            .and_then(|request| request.calls.last());
        let usage = last.and_then(|call| call.usage);
        let (Some(limit), Some(usage)) = (model.max_output_tokens, usage) else {
            return Ok(());
        };
        let is_ignored = usage.output > u64::from(limit)
            && model.api == Api::ChatCompletions
            && self.adaptations.token_limit() == TokenLimitName::MaxCompletionTokens;
        if !is_ignored {
            return Ok(());
        }
        let proposal = Proposal {
            adaptation: Adaptation::TokenLimit(TokenLimitName::MaxTokens),
            is_named: true,
            is_lasting: true,
        };
        self.adaptations = self.with(&proposal);
        self.unproven.push(proposal);
        self.add_notice(
            Notice::new(
                NoticeCode::Adapted,
                "The response is longer than the max output tokens: the endpoint ignores \
                 max_completion_tokens. Further requests send max_tokens instead.",
            ),
            step,
        )
    }
}
