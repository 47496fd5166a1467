//! The state machine of one run: an event from the page or from the world goes in, the effects to
//! carry out and what changed come out. Nothing else changes a run.
//!
//! A run knows no endpoint, no secret and no clock: times come in with events, and what leaves is
//! said as an intention ([`Effect`]) that the driver of a dry run and that of a live one carry out
//! each in its own way. So every state is reachable in a native test.

mod actions;
pub mod announcements;
mod apply;
mod changes;
mod delivering;
mod event;
mod follow_up;
mod generating;
mod keys;
pub mod receipts;
mod record;
mod request;
mod reviewing;

use std::cell::OnceCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::brief::Brief;
use crate::delivery::plan::Plan;
use crate::delivery::receipt::Stage;
use crate::delivery::{Delivery, body};
use crate::model::{GenerationOutcome, Notice, ResponseFormat, Usage};
use crate::review::{Draft, DraftId, DraftState, Origin, Review, RunId};
use crate::schema::TaskSchema;
use crate::settings::Connection;

pub use actions::{ActionContext, DraftActions, ResendObstacle, resend_obstacle};
pub use changes::Changes;
use delivering::Dispatch;
pub use delivering::{DeliveryProgress, Phase, Wait};
pub use event::{Change, Effect, Event, Posting, RunError, Step};
pub use follow_up::{CostEstimate, FollowUp, MAX_INSTRUCTION_BYTES, MAX_PARTS};
pub use record::{DraftRecord, RECORD_VERSION, RecordError, RunRecord};
pub use request::{Call, GenerationRequest, Purpose};

/// A draft with its delivery.
pub type TaskDraft = Draft<Delivery>;

/// Whether a run may reach the world. Fixed when the run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No network at all.
    Dry,
    /// The configured endpoints.
    Live,
}

/// How far the model's answer is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GenerationState {
    /// The tasks were brought in; no model is asked.
    #[default]
    None,
    /// The answer is arriving.
    Running {
        /// Since when, in milliseconds since 1970.
        since: u64,
        /// What is waited for before the call is made again; none while one is under way.
        #[serde(default)]
        waiting: Option<Waiting>,
        /// Whether the operator wants it to stop.
        #[serde(default)]
        stopping: bool,
    },
    /// The answer ended, one way or another.
    Ended {
        /// How.
        #[serde(with = "record::stored_outcome")]
        outcome: GenerationOutcome,
        /// When, in milliseconds since 1970.
        at: u64,
        /// Whether the operator kept the whole tasks of an answer that is not complete.
        kept: bool,
    },
}

/// A call that failed, and is made again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// When, in milliseconds since 1970.
    pub until: u64,
    /// Which try it will be beside the first, from 1.
    pub retry: u32,
}

/// How far a run of several requests has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationProgress {
    /// The request that is under way, or was last, from 1.
    pub request: usize,
    /// How many there will be, as far as that is known.
    pub of: usize,
    /// How many tasks have come.
    pub tasks: usize,
    /// Whether those that did not come can be asked for.
    pub can_go_on: bool,
}

impl GenerationState {
    /// Whether tasks may be approved: there was no answer to wait for, it is complete, or what is
    /// whole of it was kept by a deliberate act.
    #[must_use]
    pub fn allows_approval(&self) -> bool {
        match self {
            GenerationState::None => true,
            GenerationState::Running { .. } => false,
            GenerationState::Ended { outcome, kept, .. } => outcome.is_complete() || *kept,
        }
    }
}

/// How far the delivery of the batch is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Batch {
    /// Nothing is being posted.
    #[default]
    Idle,
    /// Tasks are on their way.
    Running {
        /// How many go at a time, and why.
        #[serde(default)]
        pace: Pace,
    },
    /// Posting waits for the operator.
    Paused {
        /// Why.
        why: Pause,
    },
}

/// How many tasks go at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// One, the first: the others wait for its answer, so that a wrong address, rule or schema
    /// costs one task.
    #[default]
    First,
    /// As many as the connection says.
    Full,
    /// One, because several requests in a row came to nothing: until the server is back.
    Probing,
}

/// Why posting waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Pause {
    /// The operator paused it.
    Operator,
    /// The server does not accept the token.
    TokenRefused {
        /// 401 or 403.
        status: u16,
    },
    /// There is no token yet.
    TokenMissing,
    /// The request could not be made.
    NotSent {
        /// What stood in the way.
        reason: String,
    },
    /// The first task to this server was not taken; the others were spared.
    FirstNotTaken,
    /// The server did not take tasks, or may not have, however often it was tried.
    ServerInTrouble,
    /// All that is left waits for tasks that will not arrive by themselves.
    Blocked,
    /// What is about to be done could not be written down, so it was not done.
    NotStored {
        /// What the browser said.
        reason: String,
    },
    /// The page was closed while posting.
    PageClosed,
}

/// What a confirmation shows, and what pressing its button refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// How many tasks would be posted.
    pub count: usize,
    /// A digest over the exact bodies in the order in which they go.
    pub digest: String,
    /// The tasks, in that order.
    pub order: Vec<DraftId>,
    /// How many of them will wait, because they depend on a task that is neither there yet nor
    /// about to go.
    pub held: usize,
}

/// Counts that a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    counts: [usize; DraftState::ALL.len()],
}

impl Counts {
    /// How many drafts are in a state.
    #[must_use]
    pub fn of(&self, state: DraftState) -> usize {
        self.counts.get(state as usize).copied().unwrap_or(0)
    }

    /// How many are in one of several states.
    #[must_use]
    pub fn of_any(&self, states: &[DraftState]) -> usize {
        states.iter().map(|state| self.of(*state)).sum()
    }

    /// How many drafts there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// One run: from a brief, or from tasks that exist already, to the last receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    id: RunId,
    mode: Mode,
    started_at: u64,
    brief: Option<Brief>,
    connection: Connection,
    schema: TaskSchema,
    generation: GenerationState,
    requests: Vec<GenerationRequest>,
    /// How much of the schema the endpoint is asked to enforce, as far as this run has learned.
    response_format: ResponseFormat,
    /// How many further requests the brief was divided into.
    still_planned: u32,
    notices: Vec<Notice>,
    /// How the request stands that was made last about single tasks.
    again: GenerationState,
    /// Whether the last request was one about single tasks.
    is_about_tasks: bool,
    /// Shared with whoever shows them; a change makes a new one.
    drafts: Vec<Arc<TaskDraft>>,
    keys: keys::Keys,
    batch: Batch,
    /// The order of the drafts, made when it is needed and forgotten when they change.
    plan: OnceCell<Arc<Plan>>,
    dispatch: Dispatch,
}

/// What a run is made of when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Its identity.
    pub id: RunId,
    /// Dry or live, for good.
    pub mode: Mode,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The brief; none where tasks are brought in.
    pub brief: Option<Brief>,
    /// The endpoints as they are configured now.
    pub connection: Connection,
    /// The task schema as it is now.
    pub schema: TaskSchema,
}

impl Run {
    /// A run at its start. With a brief, the first effect is to generate.
    #[must_use]
    pub fn start(start: Start) -> (Run, Step) {
        let mut run = Run {
            id: start.id,
            mode: start.mode,
            started_at: start.at,
            brief: start.brief,
            connection: start.connection,
            schema: start.schema,
            generation: GenerationState::None,
            requests: Vec::new(),
            response_format: ResponseFormat::default(),
            still_planned: 0,
            notices: Vec::new(),
            again: GenerationState::None,
            is_about_tasks: false,
            drafts: Vec::new(),
            keys: keys::Keys::default(),
            batch: Batch::Idle,
            plan: OnceCell::new(),
            dispatch: Dispatch::default(),
        };
        let mut step = Step {
            changes: vec![Change::Run],
            ..Step::default()
        };
        run.begin_generation(start.at, &mut step);
        (run, step)
    }

    /// A live copy of this run for another try: the operator's own tasks come along without their
    /// approvals, what the dry generator made stays behind. A brief in `start` is asked of the model.
    #[must_use]
    pub fn go_live(&self, start: Start) -> (Run, Step) {
        let (mut run, mut step) = Run::start(Start {
            mode: Mode::Live,
            ..start
        });
        for draft in &self.drafts {
            if draft.origin != Origin::DryRun {
                run.add(
                    Origin::Pasted,
                    &draft.content.shared_text(),
                    None,
                    &mut step,
                );
            }
        }
        (run, step)
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Dry or live.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// When it started, in milliseconds since 1970.
    #[must_use]
    pub fn started_at(&self) -> u64 {
        self.started_at
    }

    /// The brief, where there is one.
    #[must_use]
    pub fn brief(&self) -> Option<&Brief> {
        self.brief.as_ref()
    }

    /// The endpoints as they were configured when it started.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The task schema as it was when it started.
    #[must_use]
    pub fn schema(&self) -> &TaskSchema {
        &self.schema
    }

    /// How far the model's answer is.
    #[must_use]
    pub fn generation(&self) -> &GenerationState {
        &self.generation
    }

    /// The requests to the model, in their order.
    #[must_use]
    pub fn requests(&self) -> &[GenerationRequest] {
        &self.requests
    }

    /// What all requests used, those that failed included; none where the endpoint never said.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        request::sum(self.requests.iter().filter_map(GenerationRequest::usage))
    }

    /// What was odd about the answers.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// How far the delivery is.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The drafts in the order of their arrival.
    #[must_use]
    pub fn drafts(&self) -> &[Arc<TaskDraft>] {
        &self.drafts
    }

    /// One draft.
    #[must_use]
    pub fn draft(&self, id: &DraftId) -> Option<&Arc<TaskDraft>> {
        if id.run != self.id {
            return None;
        }
        self.drafts.get(id.place()?)
    }

    fn draft_mut(&mut self, id: &DraftId) -> Option<&mut TaskDraft> {
        if id.run != self.id {
            return None;
        }
        self.drafts.get_mut(id.place()?).map(Arc::make_mut)
    }

    /// What a draft is, in one word.
    #[must_use]
    pub fn state(draft: &TaskDraft) -> DraftState {
        match draft.delivery.stage {
            Stage::Queued => return DraftState::Queued,
            Stage::Sending if draft.delivery.awaits_slot => return DraftState::Queued,
            Stage::Sending => return DraftState::Sending,
            Stage::Delivered => return DraftState::Delivered,
            Stage::Dry => return DraftState::DryDelivered,
            Stage::Refused => return DraftState::Refused,
            Stage::Failed => return DraftState::Failed,
            Stage::Unconfirmed => return DraftState::Unconfirmed,
            Stage::Idle => {}
        }
        match draft.review {
            Review::Approved(_) => DraftState::Approved,
            Review::Rejected { .. } => DraftState::Rejected,
            Review::Proposed if !draft.content.is_whole() => DraftState::Invalid,
            Review::Proposed => match &draft.violations {
                None => DraftState::Checking,
                Some(violations) if violations.is_empty() => DraftState::Ready,
                Some(_) => DraftState::Invalid,
            },
        }
    }

    /// How many drafts are in each state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for draft in &self.drafts {
            if let Some(count) = counts.counts.get_mut(Run::state(draft) as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// What would be posted now: every approved task that has not left. `None` where there is
    /// nothing, or while tasks are on their way.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        if matches!(self.batch, Batch::Running { .. }) {
            return None;
        }
        let is_ready =
            |draft: &TaskDraft| draft.delivery.stage == Stage::Idle && draft.approval().is_some();
        if !self.drafts.iter().any(|draft| is_ready(draft)) {
            return None;
        }
        let plan = self.plan();
        let mut confirmation = Confirmation {
            count: 0,
            digest: String::new(),
            order: Vec::new(),
            held: 0,
        };
        let mut digests = Vec::new();
        // Whether a place is there, or gets there by itself: what it needs comes before it.
        let mut arrives = vec![false; self.drafts.len()];
        for place in plan.order() {
            let Some(draft) = self.drafts.get(place) else {
                continue;
            };
            let is_free = plan
                .needs(place)
                .iter()
                .all(|before| arrives.get(*before) == Some(&true));
            let goes = match (draft.delivery.stage, draft.approval()) {
                (Stage::Delivered | Stage::Dry | Stage::Sending, _) => true,
                (Stage::Queued, _) => is_free,
                (Stage::Idle, Some(approval)) => {
                    confirmation.order.push(draft.id.clone());
                    digests.push(&*approval.digest);
                    confirmation.held += usize::from(!is_free);
                    is_free
                }
                _ => false,
            };
            if let Some(arrives) = arrives.get_mut(place) {
                *arrives = goes;
            }
        }
        confirmation.order.shrink_to_fit();
        if confirmation.order.is_empty() {
            return None;
        }
        confirmation.count = confirmation.order.len();
        confirmation.digest = body::batch_digest(digests.into_iter());
        Some(confirmation)
    }
}

#[cfg(test)]
mod tests;
