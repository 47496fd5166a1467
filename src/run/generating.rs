//! Generation: requests to the model and their responses.
//!
//! A brief is divided into sequential requests. A request takes one or more calls: as long as no
//! task has arrived, a call that failed temporarily is retried after a wait, and a call that the
//! endpoint refuses is repeated with a change (`adapting`).

use std::sync::Arc;

use super::event::{Change, Effect, Event, RunError, Step};
use super::request::{Call, GenerationRequest, Purpose, RequestKind};
use super::{GenerationProgress, GenerationState, Mode, PendingRetry, Run, TaskDraft};
use crate::brief::{Brief, Count};
use crate::delivery::Delivery;
use crate::document::Document;
use crate::model::adaptation::Proposal;
use crate::model::retry;
use crate::model::{Adaptations, GenerationOutcome, Notice, ResponseFormat, Usage, spending};
use crate::prompt::{self, ExistingTask, TaskRequest, Work};
use crate::random::SeededRng;
use crate::review::history::ReviewHistory;
use crate::review::{Content, Draft, DraftId, Origin, Review};
use crate::schema::Violation;
use crate::secrets::SecretSlot;

/// Maximum number of notices stored with a run.
const MAX_NOTICES: usize = 64;

/// What to do after a call ended.
enum AfterCall {
    /// Repeat the request with this change.
    Adapt(Proposal),
    /// Repeat the request after this many milliseconds.
    Retry(u64),
    /// Make the next request.
    NextRequest,
    /// End the generation.
    End,
}

impl Run {
    /// If there is a brief, plans its requests and makes the first.
    pub(super) fn start_generation(&mut self, now: u64, step: &mut Step) {
        if let Some(brief) = &self.brief {
            self.planned_requests = u32::from(brief.count.get()).div_ceil(self.tasks_per_request());
            self.request_next_tasks(now, step);
        }
    }

    /// Maximum number of tasks per request. The dry-run generator has no limit.
    pub(super) fn tasks_per_request(&self) -> u32 {
        match (self.mode, &self.connection.model) {
            (Mode::Live, Some(model)) => model.limits.tasks_per_request.get(),
            _ => crate::brief::MAX_COUNT.into(),
        }
    }

    /// Number of tasks of the brief that arrived.
    fn tasks_arrived(&self) -> u32 {
        self.requests
            .iter()
            .filter(|request| request.purpose == Purpose::Tasks)
            .map(|request| request.arrived)
            .sum()
    }

    /// Counts the tasks of the request that a closed page left open. They are stored as they arrive, and
    /// their number only with the end of the response. Parts of split tasks count as well, because
    /// nothing tells them apart.
    pub(super) fn count_arrived_tasks(&mut self) {
        let is_generated = |draft: &&Arc<TaskDraft>| draft.origin != Origin::Imported;
        let generated = self.drafts.iter().filter(is_generated).count();
        let generated = u32::try_from(generated).unwrap_or(u32::MAX);
        let arrived_before = self.tasks_arrived();
        let Some(request) = self.requests.last_mut() else {
            return;
        };
        if request.purpose == Purpose::Tasks {
            let others = arrived_before.saturating_sub(request.arrived);
            let stored = generated.saturating_sub(others).min(request.wanted.into());
            request.arrived = request.arrived.max(stored);
        }
    }

    /// Number of tasks of the brief that did not arrive.
    fn tasks_missing(&self) -> u32 {
        let wanted = self.brief.as_ref().map_or(0, |brief| brief.count.get());
        u32::from(wanted).saturating_sub(self.tasks_arrived())
    }

    /// Progress of the generation; `None` if no request was made.
    #[must_use]
    pub fn generation_progress(&self) -> Option<GenerationProgress> {
        let is_for_brief = |request: &&GenerationRequest| request.purpose == Purpose::Tasks;
        let last = self.requests.iter().rfind(is_for_brief)?;
        let request = self.requests.iter().filter(is_for_brief).count();
        let remaining = match self.generation {
            GenerationState::Running { .. } => {
                let expected_now = u32::from(last.wanted).saturating_sub(last.arrived);
                let later = self.tasks_missing().saturating_sub(expected_now);
                later
                    .div_ceil(self.tasks_per_request())
                    .min(self.planned_requests)
            }
            GenerationState::None | GenerationState::Ended { .. } => 0,
        };
        Some(GenerationProgress {
            request,
            total: request.saturating_add(usize::try_from(remaining).unwrap_or(0)),
            tasks: usize::try_from(self.tasks_arrived()).unwrap_or(usize::MAX),
            can_request_missing: self.may_request_missing(),
        })
    }

    /// Requests the next tasks of the brief.
    fn request_next_tasks(&mut self, now: u64, step: &mut Step) {
        let wanted = self.tasks_missing().min(self.tasks_per_request());
        self.planned_requests = self.planned_requests.saturating_sub(1);
        if let Some(wanted) = u16::try_from(wanted).ok().and_then(Count::new) {
            self.start_request(Purpose::Tasks, wanted, now, step);
        }
    }

    /// Makes a request, unless it might exceed the token limit or the cost limit.
    pub(super) fn start_request(
        &mut self,
        purpose: Purpose,
        wanted: Count,
        now: u64,
        step: &mut Step,
    ) {
        let Some((_, bytes)) = self.build_request(&purpose, wanted) else {
            return;
        };
        let expected = self.expected_usage(bytes, wanted);
        self.last_request = purpose.kind();
        if let Err(outcome) = self.check_limits(expected) {
            return self.end_generation(outcome, now, step);
        }
        self.requests.push(GenerationRequest {
            purpose,
            wanted: wanted.get(),
            arrived: 0,
            bytes,
            retries: 0,
            calls: Vec::new(),
            raw_response: "".into(),
            reasoning: "".into(),
        });
        self.start_call(now, step);
    }

    /// Makes a call for the last request.
    fn start_call(&mut self, now: u64, step: &mut Step) {
        let request = self.requests.last().and_then(|last| {
            let wanted = Count::new(last.wanted)?;
            self.build_request(&last.purpose, wanted)
        });
        let Some((request, _)) = request else {
            return;
        };
        if let Some(last) = self.requests.last_mut() {
            last.calls.push(Call {
                at: now,
                response_format: None,
                adaptations: Adaptations::default(),
                adaptation: None,
                usage: None,
                outcome: None,
            });
        }
        let since = match self.last_request_state() {
            GenerationState::Running { since, .. } => *since,
            _ => now,
        };
        *self.last_request_state_mut() = GenerationState::Running {
            since,
            pending_retry: None,
            stopping: false,
        };
        step.changes.push(Change::Run);
        self.last_request_changed(step);
        step.effects.push(Effect::Generate {
            request,
            adaptations: self.adaptations.clone(),
        });
    }

    /// Number of the last request, from 1.
    fn last_request_number(&self) -> u32 {
        u32::try_from(self.requests.len()).unwrap_or(u32::MAX)
    }

    fn last_request_changed(&self, step: &mut Step) {
        step.changes
            .push(Change::Request(self.last_request_number()));
    }

    /// State of the last request.
    fn last_request_state(&self) -> &GenerationState {
        match self.last_request {
            RequestKind::Tasks => &self.generation,
            RequestKind::FollowUp => &self.follow_up,
        }
    }

    fn last_request_state_mut(&mut self) -> &mut GenerationState {
        match self.last_request {
            RequestKind::Tasks => &mut self.generation,
            RequestKind::FollowUp => &mut self.follow_up,
        }
    }

    /// Whether a request is in progress, including waits for retries.
    #[must_use]
    pub fn is_generating(&self) -> bool {
        matches!(self.last_request_state(), GenerationState::Running { .. })
    }

    /// A request for `count` tasks, and the size of its text in bytes. `None` if the
    /// run has no brief.
    pub(super) fn build_request(
        &self,
        purpose: &Purpose,
        count: Count,
    ) -> Option<(TaskRequest, u64)> {
        let brief: &Brief = self.brief.as_ref()?;
        let (work, subjects) = match purpose {
            Purpose::Tasks => (Work::New, Vec::new()),
            Purpose::FollowUp(follow_up) => self.work_of(follow_up),
        };
        let roles = self.schema.roles();
        // A request for new tasks lists the rejected ones too, so that they are not proposed again.
        let is_listed = |draft: &&Arc<TaskDraft>| {
            let is_rejected = draft.is_discarded();
            !subjects.contains(&&draft.id) && (!is_rejected || work == Work::New)
        };
        let existing = match self.mode {
            Mode::Dry => Vec::new(),
            Mode::Live => self
                .drafts
                .iter()
                .filter(is_listed)
                .map(|draft| ExistingTask {
                    key: draft.key(roles),
                    title: draft.title(roles),
                })
                .collect(),
        };
        let request = TaskRequest {
            count,
            existing,
            work,
        };
        let messages = prompt::messages(brief, &request, &self.schema, self.schema.value());
        let texts = messages.iter().map(|message| message.content.len());
        // If the endpoint enforces the schema, the request contains it twice.
        let schema = match self.adaptations.response_format() {
            ResponseFormat::JsonSchema => self.schema.text().len(),
            ResponseFormat::JsonObject | ResponseFormat::PromptOnly => 0,
        };
        let bytes = u64::try_from(texts.sum::<usize>() + schema).unwrap_or(u64::MAX);
        Some((request, bytes))
    }

    /// The expected usage of a request of this size for `count` tasks.
    pub(super) fn expected_usage(&self, bytes: u64, count: Count) -> Usage {
        let earlier: Vec<_> = self
            .requests
            .iter()
            .filter_map(GenerationRequest::measured)
            .collect();
        let model = self.connection.model.as_ref();
        let limit = model.and_then(|model| model.max_output_tokens);
        spending::expected(bytes, count.get().into(), &earlier, limit)
    }

    pub(super) fn end_generation(&mut self, outcome: GenerationOutcome, now: u64, step: &mut Step) {
        *self.last_request_state_mut() = GenerationState::Ended {
            outcome,
            at: now,
            accepted_partial: false,
        };
        step.changes.push(Change::Run);
    }

    pub(super) fn stop_generation(&mut self, now: u64, step: &mut Step) -> Result<(), RunError> {
        match self.last_request_state_mut() {
            GenerationState::Running {
                pending_retry: Some(_),
                ..
            } => self.end_generation(GenerationOutcome::Cancelled, now, step),
            GenerationState::Running { stopping, .. } => {
                *stopping = true;
                step.changes.push(Change::Run);
                step.effects.push(Effect::StopGeneration);
            }
            GenerationState::None | GenerationState::Ended { .. } => {}
        }
        Ok(())
    }

    pub(super) fn accept_partial(&mut self, shown: &str, step: &mut Step) -> Result<(), RunError> {
        let GenerationState::Ended {
            outcome,
            accepted_partial,
            ..
        } = &mut self.generation
        else {
            return Err(RunError::NotComplete);
        };
        if outcome.code() != shown {
            return Err(RunError::OutcomeChanged);
        }
        *accepted_partial = true;
        step.changes.push(Change::Run);
        Ok(())
    }

    /// Requests the tasks of the brief that did not arrive. This also accepts the complete tasks of
    /// a partial response.
    pub(super) fn request_missing(
        &mut self,
        shown: &str,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let GenerationState::Ended { outcome, .. } = &self.generation else {
            return Err(RunError::NotComplete);
        };
        if outcome.code() != shown {
            return Err(RunError::OutcomeChanged);
        }
        if !self.may_request_missing() {
            return Err(RunError::WrongState);
        }
        self.planned_requests = self.tasks_missing().div_ceil(self.tasks_per_request());
        self.request_next_tasks(now, step);
        Ok(())
    }

    /// Whether tasks of the brief are missing and can be requested now.
    #[must_use]
    pub fn may_request_missing(&self) -> bool {
        self.mode == Mode::Live
            && matches!(self.generation, GenerationState::Ended { .. })
            && !self.is_generating()
            && self.tasks_missing() > 0
            && !self.is_posting()
    }

    /// The request whose call is in progress.
    fn open_request(&mut self) -> Option<&mut GenerationRequest> {
        match self.last_request_state() {
            GenerationState::Running {
                pending_retry: None,
                ..
            } => self.requests.last_mut(),
            _ => None,
        }
    }

    pub(super) fn call_started(
        &mut self,
        adaptations: Adaptations,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if let Some(call) = self.open_request().and_then(|open| open.calls.last_mut()) {
            call.response_format = Some(adaptations.response_format());
            call.adaptations = adaptations.clone();
            self.adaptations = adaptations;
            step.changes.push(Change::Run);
            self.last_request_changed(step);
        }
        Ok(())
    }

    pub(super) fn task_arrived(
        &mut self,
        document: &Document,
        violations: Vec<Violation>,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let Some(request) = self.open_request() else {
            return Ok(());
        };
        request.arrived += 1;
        let index = usize::try_from(request.arrived - 1).unwrap_or(usize::MAX);
        if let Purpose::FollowUp(follow_up) = request.purpose.clone() {
            self.last_request_changed(step);
            self.add_suggested_edit(&follow_up, index, document, violations, step);
        } else {
            let origin = match self.mode {
                Mode::Dry => Origin::DryRun,
                Mode::Live => Origin::Model,
            };
            self.add(origin, &document.shared_text(), Some(violations), step);
        }
        Ok(())
    }

    pub(super) fn usage_arrived(&mut self, usage: Usage, step: &mut Step) -> Result<(), RunError> {
        if let Some(call) = self.open_request().and_then(|open| open.calls.last_mut()) {
            call.usage = Some(usage);
            self.last_request_changed(step);
        }
        Ok(())
    }

    pub(super) fn add_notice(&mut self, notice: Notice, step: &mut Step) -> Result<(), RunError> {
        if self.notices.len() < MAX_NOTICES && !self.notices.contains(&notice) {
            self.notices.push(notice);
            step.changes.push(Change::Run);
        }
        Ok(())
    }

    /// Keeps the text of the response to the call in progress, and the model's reasoning.
    pub(super) fn keep_response(&mut self, raw_response: Arc<str>, reasoning: Arc<str>) {
        if let Some(request) = self.open_request() {
            request.raw_response = raw_response;
            request.reasoning = reasoning;
        }
    }

    pub(super) fn call_ended(
        &mut self,
        outcome: GenerationOutcome,
        proposal: Option<Proposal>,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let Some(request) = self.open_request() else {
            return Ok(());
        };
        if let Some(call) = request.calls.last_mut() {
            call.outcome = Some(outcome.clone());
        }
        self.last_request_changed(step);
        step.changes
            .push(Change::Response(self.last_request_number()));
        let after_call = self.after_call(&outcome, proposal);
        self.judge_adaptations(&outcome, matches!(after_call, AfterCall::Adapt(_)), step)?;
        match after_call {
            AfterCall::Adapt(proposal) => {
                self.adapt(proposal, step)?;
                self.start_call(now, step);
            }
            AfterCall::Retry(wait) => self.schedule_retry(wait, now, step),
            AfterCall::NextRequest => self.request_next_tasks(now, step),
            AfterCall::End
                if outcome.is_complete() && self.is_stopping() && self.has_planned_requests() =>
            {
                self.end_generation(GenerationOutcome::Cancelled, now, step);
            }
            AfterCall::End => {
                let may_be_replaced = outcome.is_key_refused()
                    && self.mode == Mode::Live
                    && self.connection.vault.is_some()
                    && !self.is_stopping();
                self.end_generation(outcome, now, step);
                if may_be_replaced {
                    step.effects
                        .push(Effect::RequestSecret(SecretSlot::API_KEY));
                }
            }
        }
        Ok(())
    }

    /// The event that makes the last request again, or what is left of it, after it has ended.
    #[must_use]
    pub fn repetition(&self) -> Option<Event> {
        let GenerationState::Ended { outcome, .. } = self.last_request_state() else {
            return None;
        };
        let last = self.requests.last()?;
        Some(match &last.purpose {
            Purpose::Tasks => Event::RequestMissing {
                outcome: outcome.code().to_owned(),
            },
            Purpose::FollowUp(follow_up) => Event::FollowUp(follow_up.clone()),
        })
    }

    fn is_stopping(&self) -> bool {
        matches!(
            self.last_request_state(),
            GenerationState::Running { stopping: true, .. }
        )
    }

    /// Whether more requests are planned for missing tasks of the brief.
    fn has_planned_requests(&self) -> bool {
        self.last_request == RequestKind::Tasks
            && self.planned_requests > 0
            && self.tasks_missing() > 0
    }

    fn after_call(&self, outcome: &GenerationOutcome, proposal: Option<Proposal>) -> AfterCall {
        let may_continue = self.mode == Mode::Live && !self.is_stopping();
        let Some(request) = self.requests.last().filter(|_| may_continue) else {
            return AfterCall::End;
        };
        match outcome {
            // After a response without tasks, the next one is not expected to have any.
            GenerationOutcome::Complete if self.has_planned_requests() && request.arrived > 0 => {
                AfterCall::NextRequest
            }
            GenerationOutcome::Complete => AfterCall::End,
            _ if request.arrived > 0 => AfterCall::End,
            _ if proposal
                .as_ref()
                .is_some_and(|proposal| self.may_adapt(request, proposal)) =>
            {
                proposal.map_or(AfterCall::End, AfterCall::Adapt)
            }
            failed => retry::wait(failed, request.retries, self.retry_jitter())
                .map_or(AfterCall::End, AfterCall::Retry),
        }
    }

    /// Deterministic random bits, different for each run and each call.
    fn retry_jitter(&self) -> u64 {
        SeededRng::from_texts(&[&self.id.to_string()], self.call_count() as u64).next_u64()
    }

    /// Number of calls made so far.
    fn call_count(&self) -> usize {
        let calls = self.requests.iter().map(|request| request.calls.len());
        calls.sum()
    }

    /// Schedules a retry of the last request in `wait` milliseconds.
    fn schedule_retry(&mut self, wait: u64, now: u64, step: &mut Step) {
        let at = now.saturating_add(wait);
        let Some(request) = self.requests.last_mut() else {
            return;
        };
        request.retries += 1;
        let number = request.retries;
        self.last_request_changed(step);
        if let GenerationState::Running { pending_retry, .. } = self.last_request_state_mut() {
            *pending_retry = Some(PendingRetry { at, number });
            step.changes.push(Change::Run);
            step.effects.push(Effect::WakeAt(at));
        }
    }

    /// Makes the scheduled retry if it is due.
    pub(super) fn retry_call_if_due(&mut self, now: u64, step: &mut Step) {
        match self.last_request_state() {
            GenerationState::Running {
                pending_retry: Some(retry),
                ..
            } if now < retry.at => step.effects.push(Effect::WakeAt(retry.at)),
            GenerationState::Running {
                pending_retry: Some(_),
                ..
            } => self.start_call(now, step),
            _ => {}
        }
    }

    /// Appends a draft. If `violations` is `None`, requests a schema check.
    pub(super) fn add(
        &mut self,
        origin: Origin,
        text: &Arc<str>,
        violations: Option<Vec<Violation>>,
        step: &mut Step,
    ) {
        let id = DraftId {
            run: self.id.clone(),
            ordinal: u32::try_from(self.drafts.len() + 1).unwrap_or(u32::MAX),
        };
        let content = Content::read(text);
        if let (None, Content::Json(text)) = (&violations, &content) {
            step.effects.push(Effect::Check {
                draft: id.clone(),
                revision: 0,
                text: Arc::clone(text),
            });
        }
        step.changes.push(Change::Draft(id.clone()));
        self.drop_plan();
        self.drafts.push(Arc::new(Draft {
            id: id.clone(),
            origin,
            proposed: content.shared_text(),
            content,
            revision: 0,
            violations,
            review: Review::Undecided,
            suggested_edits: Vec::new(),
            is_opened: false,
            history: ReviewHistory::default(),
            delivery: Delivery::default(),
        }));
        self.update_key(&id, step);
    }
}
