//! The part of a run in which the model is asked and its answers arrive.
//!
//! A brief is divided into requests that are made one after the other. A request is answered by
//! one call, or by the last of several: while no task has arrived, a call that failed by chance is
//! made again after a wait, and one whose form of structured output the endpoint refuses is made
//! again with less of it.

use std::sync::Arc;

use super::event::{Change, Effect, RunError, Step};
use super::request::{Call, GenerationRequest, Purpose};
use super::{GenerationProgress, GenerationState, Mode, Run, TaskDraft, Waiting};
use crate::brief::{Brief, Count};
use crate::delivery::Delivery;
use crate::document::Document;
use crate::model::retry;
use crate::model::{
    Failure, GenerationOutcome, Notice, NoticeCode, ResponseFormat, Usage, spending,
};
use crate::prompt::{self, ExistingTask, TaskRequest, Work};
use crate::random::SeededRng;
use crate::review::{Content, Draft, DraftId, Origin, Review};
use crate::schema::Violation;
use crate::text::grouped;

/// The most notes that are kept.
const MAX_NOTICES: usize = 64;

/// What a call that ended is followed by.
enum Next {
    /// The same request, with less of structured output.
    Fallback(ResponseFormat),
    /// The same request, so many milliseconds later.
    FollowUp(u64),
    /// The next request.
    Further,
    /// Nothing.
    End,
}

impl Run {
    /// Divides the brief, where there is one, and makes the first request.
    pub(super) fn begin_generation(&mut self, now: u64, step: &mut Step) {
        if let Some(brief) = &self.brief {
            self.still_planned = u32::from(brief.count.get()).div_ceil(self.most_of_a_request());
            self.make_next_request(now, step);
        }
    }

    /// How many tasks one request asks for at most. The dry generator has no limit.
    pub(super) fn most_of_a_request(&self) -> u32 {
        match (self.mode, &self.connection.model) {
            (Mode::Live, Some(model)) => model.limits.tasks_per_request.get(),
            _ => crate::brief::MAX_COUNT.into(),
        }
    }

    /// How many tasks of the brief have come.
    fn tasks_arrived(&self) -> u32 {
        let requests = self.requests.iter();
        let of_brief = requests.filter(|request| request.purpose == Purpose::Tasks);
        of_brief.map(|request| request.arrived).sum()
    }

    /// How many tasks of the brief have not come.
    fn tasks_missing(&self) -> u32 {
        let wanted = self.brief.as_ref().map_or(0, |brief| brief.count.get());
        u32::from(wanted).saturating_sub(self.tasks_arrived())
    }

    /// How far the requests have come; none where none was made.
    #[must_use]
    pub fn generation_progress(&self) -> Option<GenerationProgress> {
        let of_brief = |request: &&GenerationRequest| request.purpose == Purpose::Tasks;
        let last = self.requests.iter().rfind(of_brief)?;
        let request = self.requests.iter().filter(of_brief).count();
        let further = match self.generation {
            GenerationState::Running { .. } => {
                let still_to_come = u32::from(last.wanted).saturating_sub(last.arrived);
                let after = self.tasks_missing().saturating_sub(still_to_come);
                after
                    .div_ceil(self.most_of_a_request())
                    .min(self.still_planned)
            }
            GenerationState::None | GenerationState::Ended { .. } => 0,
        };
        Some(GenerationProgress {
            request,
            of: request.saturating_add(usize::try_from(further).unwrap_or(0)),
            tasks: usize::try_from(self.tasks_arrived()).unwrap_or(usize::MAX),
            can_go_on: self.may_ask_for_missing(),
        })
    }

    /// Makes the next request for tasks of the brief.
    fn make_next_request(&mut self, now: u64, step: &mut Step) {
        let wanted = self.tasks_missing().min(self.most_of_a_request());
        self.still_planned = self.still_planned.saturating_sub(1);
        if let Some(wanted) = u16::try_from(wanted).ok().and_then(Count::new) {
            self.make_request(Purpose::Tasks, wanted, now, step);
        }
    }

    /// Makes a request, unless it might pass the budget.
    pub(super) fn make_request(
        &mut self,
        purpose: Purpose,
        wanted: Count,
        now: u64,
        step: &mut Step,
    ) {
        let Some((_, bytes)) = self.ask_for(&purpose, wanted) else {
            return;
        };
        let expected = self.expected_usage(bytes, wanted);
        let over = self.over_budget(expected);
        self.is_about_tasks = matches!(purpose, Purpose::FollowUp(_));
        if let Some(outcome) = over {
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
        });
        self.make_call(now, step);
    }

    /// Makes a call for the last request.
    fn make_call(&mut self, now: u64, step: &mut Step) {
        let asked = self.requests.last().and_then(|last| {
            let wanted = Count::new(last.wanted)?;
            self.ask_for(&last.purpose, wanted)
        });
        let Some((ask, _)) = asked else { return };
        if let Some(request) = self.requests.last_mut() {
            request.calls.push(Call {
                at: now,
                response_format: None,
                usage: None,
                outcome: None,
            });
        }
        let since = match self.asking() {
            GenerationState::Running { since, .. } => *since,
            _ => now,
        };
        *self.asking_mut() = GenerationState::Running {
            since,
            waiting: None,
            stopping: false,
        };
        step.changes.push(Change::Run);
        step.effects.push(Effect::Generate {
            ask,
            response_format: self.response_format,
        });
    }

    /// How the last request stands: one for tasks of the brief, or one about single tasks.
    fn asking(&self) -> &GenerationState {
        match self.is_about_tasks {
            true => &self.again,
            false => &self.generation,
        }
    }

    fn asking_mut(&mut self) -> &mut GenerationState {
        match self.is_about_tasks {
            true => &mut self.again,
            false => &mut self.generation,
        }
    }

    /// Whether the model is being asked, or is about to be.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        matches!(self.asking(), GenerationState::Running { .. })
    }

    /// What a request for so many tasks says now, and how many bytes that is.
    pub(super) fn ask_for(&self, purpose: &Purpose, count: Count) -> Option<(TaskRequest, u64)> {
        let brief: &Brief = self.brief.as_ref()?;
        let (work, about) = match purpose {
            Purpose::Tasks => (Work::New, Vec::new()),
            Purpose::FollowUp(again) => self.work_of(again),
        };
        let roles = self.schema.roles();
        // For new tasks those that were rejected are named too: they are not wanted again.
        let is_named = |draft: &&Arc<TaskDraft>| {
            let is_kept = !matches!(draft.review, Review::Rejected { .. });
            !about.contains(&&draft.id) && (is_kept || work == Work::New)
        };
        let existing = match self.mode {
            Mode::Dry => Vec::new(),
            Mode::Live => self
                .drafts
                .iter()
                .filter(is_named)
                .map(|draft| ExistingTask {
                    key: draft.key(roles),
                    title: draft.title(roles),
                })
                .collect(),
        };
        let ask = TaskRequest {
            count,
            existing,
            work,
        };
        let messages = prompt::messages(brief, &ask, &self.schema, self.schema.value());
        let texts = messages.iter().map(|message| message.content.len());
        // Where the endpoint enforces the schema, it stands in the request a second time.
        let schema = match self.response_format {
            ResponseFormat::JsonSchema => self.schema.text().len(),
            ResponseFormat::JsonObject | ResponseFormat::PromptOnly => 0,
        };
        let bytes = u64::try_from(texts.sum::<usize>() + schema).unwrap_or(u64::MAX);
        Some((ask, bytes))
    }

    /// What such a request is expected to use.
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

    /// The outcome in place of a request that might pass the budget.
    fn over_budget(&self, expected: Usage) -> Option<GenerationOutcome> {
        let model = self
            .connection
            .model
            .as_ref()
            .filter(|_| self.mode == Mode::Live)?;
        let used = self.usage().unwrap_or_default();
        let after = used.plus(expected);
        let tokens = |tokens: u64| grouped(usize::try_from(tokens).unwrap_or(usize::MAX));
        if let Some(budget) = model.limits.token_limit
            && after.tokens() > budget.get()
        {
            return Some(GenerationOutcome::Failed(Box::new(
                Failure::budget_reached(format!(
                    "The budget of this run is {} tokens. {} are used, and the next request is expected to use about {}.",
                    tokens(budget.get()),
                    tokens(used.tokens()),
                    tokens(expected.tokens()),
                )),
            )));
        }
        let (prices, budget) = (model.prices.as_ref()?, model.limits.cost_limit?);
        (after.cost(prices) > budget).then(|| {
            GenerationOutcome::Failed(Box::new(Failure::budget_reached(format!(
                "The budget of this run is {budget}. {} is spent, and the next request is expected to cost about {}.",
                used.cost(prices),
                expected.cost(prices),
            ))))
        })
    }

    pub(super) fn end_generation(&mut self, outcome: GenerationOutcome, now: u64, step: &mut Step) {
        *self.asking_mut() = GenerationState::Ended {
            outcome,
            at: now,
            kept: false,
        };
        step.changes.push(Change::Run);
    }

    pub(super) fn stop_generation(&mut self, now: u64, step: &mut Step) -> Result<(), RunError> {
        match self.asking_mut() {
            GenerationState::Running {
                waiting: Some(_), ..
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
        let GenerationState::Ended { outcome, kept, .. } = &mut self.generation else {
            return Err(RunError::NotComplete);
        };
        if outcome.code() != shown {
            return Err(RunError::OutcomeChanged);
        }
        *kept = true;
        step.changes.push(Change::Run);
        Ok(())
    }

    /// Asks for the tasks of the brief that did not come, by the operator's deliberate act: with it
    /// the whole tasks of an answer that is not complete are kept.
    pub(super) fn ask_for_missing(
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
        if !self.may_ask_for_missing() {
            return Err(RunError::WrongState);
        }
        self.still_planned = self.tasks_missing().div_ceil(self.most_of_a_request());
        self.make_next_request(now, step);
        Ok(())
    }

    /// Whether tasks of the brief did not come, and the model can be asked for them.
    #[must_use]
    pub fn may_ask_for_missing(&self) -> bool {
        self.mode == Mode::Live
            && matches!(self.generation, GenerationState::Ended { .. })
            && !self.is_asking()
            && self.tasks_missing() > 0
            && !self.is_posting()
    }

    /// The request whose call is under way.
    fn open_request(&mut self) -> Option<&mut GenerationRequest> {
        match self.asking() {
            GenerationState::Running { waiting: None, .. } => self.requests.last_mut(),
            _ => None,
        }
    }

    pub(super) fn call_made(
        &mut self,
        response_format: ResponseFormat,
        step: &mut Step,
    ) -> Result<(), RunError> {
        if let Some(call) = self.open_request().and_then(|open| open.calls.last_mut()) {
            call.response_format = Some(response_format);
            self.response_format = response_format;
            step.changes.push(Change::Run);
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
        let place = usize::try_from(request.arrived - 1).unwrap_or(usize::MAX);
        if let Purpose::FollowUp(again) = request.purpose.clone() {
            step.changes.push(Change::Run);
            self.propose(&again, place, document, violations, step);
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
            step.changes.push(Change::Run);
        }
        Ok(())
    }

    pub(super) fn noted(&mut self, note: Notice, step: &mut Step) -> Result<(), RunError> {
        if self.notices.len() < MAX_NOTICES && !self.notices.contains(&note) {
            self.notices.push(note);
            step.changes.push(Change::Run);
        }
        Ok(())
    }

    pub(super) fn call_ended(
        &mut self,
        outcome: GenerationOutcome,
        raw_response: Arc<str>,
        now: u64,
        step: &mut Step,
    ) -> Result<(), RunError> {
        let Some(request) = self.open_request() else {
            return Ok(());
        };
        request.raw_response = raw_response;
        if let Some(call) = request.calls.last_mut() {
            call.outcome = Some(outcome.clone());
        }
        step.changes.push(Change::Run);
        match self.after_call(&outcome) {
            Next::Fallback(response_format) => {
                self.response_format = response_format;
                step.effects.push(Effect::RememberFormat(response_format));
                self.noted(fell_back(response_format), step)?;
                self.make_call(now, step);
            }
            Next::FollowUp(wait) => self.wait_for_call(wait, now, step),
            Next::Further => self.make_next_request(now, step),
            Next::End if outcome.is_complete() && self.is_stopping() && self.is_short() => {
                self.end_generation(GenerationOutcome::Cancelled, now, step);
            }
            Next::End => self.end_generation(outcome, now, step),
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        matches!(
            self.asking(),
            GenerationState::Running { stopping: true, .. }
        )
    }

    /// Whether requests that were planned are not made.
    fn is_short(&self) -> bool {
        !self.is_about_tasks && self.still_planned > 0 && self.tasks_missing() > 0
    }

    fn after_call(&self, outcome: &GenerationOutcome) -> Next {
        let goes_on = self.mode == Mode::Live && !self.is_stopping();
        let Some(request) = self.requests.last().filter(|_| goes_on) else {
            return Next::End;
        };
        match outcome {
            // An answer without a task will not be followed by one with some.
            GenerationOutcome::Complete if self.is_short() && request.arrived > 0 => Next::Further,
            GenerationOutcome::Complete => Next::End,
            _ if request.arrived > 0 => Next::End,
            GenerationOutcome::Failed(failure) if failure.blames_format() => self
                .response_format
                .fallback()
                .map_or(Next::End, Next::Fallback),
            failed => retry::wait(failed, request.retries, self.retry_chance())
                .map_or(Next::End, Next::FollowUp),
        }
    }

    /// Bits that are other ones in every run and for every wait, and the same each time.
    fn retry_chance(&self) -> u64 {
        SeededRng::from_texts(&[&self.id.to_string()], self.calls_made() as u64).next_u64()
    }

    /// How many calls were made.
    fn calls_made(&self) -> usize {
        let calls = self.requests.iter().map(|request| request.calls.len());
        calls.sum()
    }

    /// Waits before the last request's call is made again.
    fn wait_for_call(&mut self, wait: u64, now: u64, step: &mut Step) {
        let until = now.saturating_add(wait);
        let Some(request) = self.requests.last_mut() else {
            return;
        };
        request.retries += 1;
        let retry = request.retries;
        if let GenerationState::Running { waiting, .. } = self.asking_mut() {
            *waiting = Some(Waiting { until, retry });
            step.effects.push(Effect::WakeAt(until));
        }
    }

    /// Makes the call that is waited for, where it is time for it.
    pub(super) fn make_due_call(&mut self, now: u64, step: &mut Step) {
        match self.asking() {
            GenerationState::Running {
                waiting: Some(waiting),
                ..
            } if now < waiting.until => step.effects.push(Effect::WakeAt(waiting.until)),
            GenerationState::Running {
                waiting: Some(_), ..
            } => self.make_call(now, step),
            _ => {}
        }
    }

    /// Adds a draft at the end. Without violations a check is asked for.
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
        if let (None, Content::Whole(text)) = (&violations, &content) {
            step.effects.push(Effect::Check {
                draft: id.clone(),
                revision: 0,
                text: Arc::clone(text),
            });
        }
        step.changes.push(Change::Draft(id.clone()));
        self.replan();
        self.drafts.push(Arc::new(Draft {
            id: id.clone(),
            origin,
            proposed: content.shared_text(),
            content,
            revision: 0,
            violations,
            review: Review::Proposed,
            suggested_edits: Vec::new(),
            delivery: Delivery::default(),
        }));
        self.update_key(&id, step);
    }
}

/// What the operator is told when an endpoint refuses the form of structured output.
fn fell_back(response_format: ResponseFormat) -> Notice {
    let asked = match response_format {
        ResponseFormat::JsonSchema | ResponseFormat::JsonObject => {
            "for any JSON object, the schema in words"
        }
        ResponseFormat::PromptOnly => "in words alone",
    };
    Notice::new(
        NoticeCode::ResponseFormatFallback,
        format!(
            "The endpoint does not take this form of structured output; it is asked again with less: {asked}. Every task is checked here all the same."
        ),
    )
}
