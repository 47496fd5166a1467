//! The state machine of one run. [`Run::apply`] takes an [`Event`] and returns the [`Effect`]s to
//! carry out and what changed. Nothing else changes a run.
//!
//! A run performs no I/O, holds no secret and reads no clock: the time comes with each event, and
//! the driver of a dry run and that of a live run carry out the effects in different ways. So native
//! tests can reach every state.

mod actions;
mod adapting;
pub mod announcements;
mod apply;
mod changes;
mod delivering;
pub mod diagnostics;
mod event;
mod follow_up;
mod generating;
mod keys;
mod limits;
pub mod next_run;
pub mod receipts;
mod record;
mod request;
mod reviewing;
mod undoing;

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::brief::Brief;
use crate::delivery::plan::Plan;
use crate::delivery::{Delivery, DeliveryStage, UnconfirmedCause, body};
use crate::model::adaptation::Proposal;
use crate::model::{Adaptations, GenerationOutcome, Notice, Usage};
use crate::review::{Draft, DraftId, DraftState, Origin, Review, RunId};
use crate::schema::TaskSchema;
use crate::settings::Connection;
use crate::text::{grouped, listed, truncate_chars};

pub use actions::{ActionContext, DraftActions, ResendObstacle, resend_obstacle};
pub use changes::Changes;
use delivering::Dispatch;
pub use delivering::{DeliveryProgress, Phase, WaitReason};
pub use event::{
    Change, Effect, Event, JournalEntry, Posting, RunError, Step, WithdrawalCause,
    WithdrawnApprovals,
};
pub use follow_up::{CostEstimate, FollowUp, MAX_INSTRUCTION_BYTES, MAX_PARTS};
pub use record::{
    ChangedRecords, DraftRecord, RECORD_VERSION, RecordError, RequestRecord, ResponseRecord,
    RunRecord, RunRecords, RunSummary, SetupRecord, StoredRecord,
};
use request::RequestKind;
pub use request::{Call, GenerationRequest, Purpose};

/// Longest name of a run, in characters.
pub const MAX_NAME_CHARACTERS: usize = 120;

/// A draft with its delivery.
pub type TaskDraft = Draft<Delivery>;

/// Whether a run may use the network. Fixed when the run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Never uses the network.
    Dry,
    /// Uses the configured endpoints.
    Live,
}

/// State of a generation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum GenerationState {
    /// Nothing was generated, because the tasks were imported or no request was made yet.
    #[default]
    None,
    /// A response is arriving, or a call will be retried.
    Running {
        /// When it started, in milliseconds since 1970.
        since: u64,
        /// The retry that is scheduled; `None` while a call is in progress.
        pending_retry: Option<PendingRetry>,
        /// Whether the operator stopped it.
        stopping: bool,
    },
    /// The generation ended.
    Ended {
        /// How it ended.
        #[serde(with = "record::stored_outcome")]
        outcome: GenerationOutcome,
        /// When it ended, in milliseconds since 1970.
        at: u64,
        /// Whether the operator accepted a partial response.
        accepted_partial: bool,
    },
}

/// A scheduled retry of a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRetry {
    /// When the call is made again, in milliseconds since 1970.
    pub at: u64,
    /// Number of the retry, from 1.
    pub number: u32,
}

/// Progress of a generation that is divided into requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenerationProgress {
    /// Number of the current or last request, from 1.
    pub request: usize,
    /// Expected number of requests.
    pub total: usize,
    /// Number of tasks that arrived.
    pub tasks: usize,
    /// Whether the missing tasks can be requested.
    pub can_request_missing: bool,
}

impl GenerationState {
    /// Whether tasks may be approved: nothing was generated, the response is complete, or the
    /// operator accepted a partial response.
    #[must_use]
    pub fn allows_approval(&self) -> bool {
        match self {
            GenerationState::None => true,
            GenerationState::Running { .. } => false,
            GenerationState::Ended {
                outcome,
                accepted_partial,
                ..
            } => outcome.is_complete() || *accepted_partial,
        }
    }
}

/// State of the delivery of all tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Batch {
    /// Nothing is being posted.
    #[default]
    Idle,
    /// Tasks are being posted.
    Running {
        /// How many are posted at a time.
        pace: Pace,
    },
    /// Posting waits for the operator.
    Paused {
        /// The reason.
        why: Pause,
    },
}

/// How many tasks are posted at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Only the first. The others wait for its response, so that a wrong address, rule or schema
    /// affects one task only.
    #[default]
    First,
    /// As many as the connection's concurrency allows.
    Full,
    /// One, because several requests in a row failed. Ends with the first success.
    Probing,
}

/// Why posting is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Pause {
    /// The operator paused it.
    Operator,
    /// The server rejected the token.
    TokenRefused {
        /// 401 or 403.
        status: u16,
    },
    /// There is no token yet.
    TokenMissing,
    /// The request could not be made.
    NotSent {
        /// The reason.
        reason: String,
    },
    /// The server refused the first task, so the others were not posted.
    FirstNotTaken,
    /// The first task is unconfirmed, so the others were not posted.
    FirstUnconfirmed {
        /// Why its outcome is open.
        cause: UnconfirmedCause,
    },
    /// Posting failed repeatedly, or may have, and the retry limit is reached.
    ServerInTrouble,
    /// All remaining tasks wait for dependencies that will not be delivered without the operator.
    Blocked,
    /// The attempt could not be journaled, so nothing was sent.
    NotStored {
        /// The browser's error message.
        reason: String,
    },
    /// The page was closed while posting.
    PageClosed,
}

/// The tasks about to be posted, for the operator to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Number of tasks.
    pub count: usize,
    /// Digest of the exact bodies in posting order.
    pub digest: String,
    /// The tasks in posting order.
    pub order: Vec<DraftId>,
    /// Number of tasks that will wait, because a dependency is neither delivered nor about to be
    /// posted.
    pub blocked: usize,
    /// The tasks that can be posted on their own as a test, in posting order: what they depend on is
    /// delivered. Empty in a dry run, and while other tasks are queued.
    pub testable: Vec<DraftId>,
}

/// Number of drafts in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    counts: [usize; DraftState::ALL.len()],
}

impl Counts {
    /// Number of drafts in a state.
    #[must_use]
    pub fn of(&self, state: DraftState) -> usize {
        self.counts.get(state as usize).copied().unwrap_or(0)
    }

    /// Number of drafts in any of these states.
    #[must_use]
    pub fn of_any(&self, states: &[DraftState]) -> usize {
        states.iter().map(|state| self.of(*state)).sum()
    }

    /// Number of all drafts that were not deleted.
    #[must_use]
    pub fn total(&self) -> usize {
        let all: usize = self.counts.iter().sum();
        all - self.of(DraftState::Deleted)
    }

    /// What still waits for the operator or the server; `None` if nothing does.
    #[must_use]
    pub fn open_work(&self) -> Option<OpenWork> {
        let work = OpenWork {
            approved: self.of(DraftState::Approved),
            queued: self.of_any(&DraftState::IN_PROGRESS),
            unconfirmed: self.of(DraftState::Unconfirmed),
        };
        (work != OpenWork::default()).then_some(work)
    }
}

impl FromIterator<(DraftState, usize)> for Counts {
    fn from_iter<T: IntoIterator<Item = (DraftState, usize)>>(states: T) -> Counts {
        let mut counts = Counts::default();
        for (state, number) in states {
            if let Some(count) = counts.counts.get_mut(state as usize) {
                *count = number;
            }
        }
        counts
    }
}

/// The tasks of a run that are approved or posted and have no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenWork {
    /// Approved, not posted.
    pub approved: usize,
    /// Queued or being posted.
    pub queued: usize,
    /// Posted, and the server may or may not have them.
    pub unconfirmed: usize,
}

impl fmt::Display for OpenWork {
    /// Writes the numbers as a list, such as "3 approved and 1 unconfirmed tasks".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            (self.approved, "approved"),
            (self.queued, "queued"),
            (self.unconfirmed, "unconfirmed"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(count)))
        .collect();
        let total = self.approved + self.queued + self.unconfirmed;
        let noun = if total == 1 { "task" } else { "tasks" };
        write!(f, "{} {noun}", listed(&parts))
    }
}

/// One run: from a brief or imported tasks to the last receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    id: RunId,
    mode: Mode,
    started_at: u64,
    changed_at: u64,
    /// The name that the operator gave it.
    name: Option<String>,
    is_archived: bool,
    brief: Option<Brief>,
    connection: Connection,
    schema: TaskSchema,
    generation: GenerationState,
    requests: Vec<GenerationRequest>,
    /// The adaptations that the endpoint is known to need in this run.
    adaptations: Adaptations,
    /// Those that no completed call has confirmed yet.
    unproven: Vec<Proposal>,
    /// Number of requests still planned for the brief.
    planned_requests: u32,
    notices: Vec<Notice>,
    /// State of the last follow-up request.
    follow_up: GenerationState,
    /// Kind of the last request.
    last_request: RequestKind,
    /// Shared with the page; a change replaces the draft.
    drafts: Vec<Arc<TaskDraft>>,
    keys: keys::Keys,
    batch: Batch,
    /// The order of the drafts. Computed on demand, dropped when texts change.
    plan: OnceCell<Arc<Plan>>,
    /// The number of the action that the event being applied continues.
    continued_action: Option<u32>,
    dispatch: Dispatch,
}

/// What a run starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Identity of the run.
    pub id: RunId,
    /// Dry or live. Cannot be changed later.
    pub mode: Mode,
    /// The current time, in milliseconds since 1970.
    pub at: u64,
    /// The brief; `None` if tasks will be imported.
    pub brief: Option<Brief>,
    /// The connection to use.
    pub connection: Connection,
    /// The task schema.
    pub schema: TaskSchema,
}

impl Run {
    /// Starts a run. If there is a brief, the first effect is to generate.
    #[must_use]
    pub fn start(start: Start) -> (Run, Step) {
        let mut run = Run {
            id: start.id,
            mode: start.mode,
            started_at: start.at,
            changed_at: start.at,
            name: None,
            is_archived: false,
            brief: start.brief,
            connection: start.connection,
            schema: start.schema,
            generation: GenerationState::None,
            requests: Vec::new(),
            adaptations: Adaptations::default(),
            unproven: Vec::new(),
            planned_requests: 0,
            notices: Vec::new(),
            follow_up: GenerationState::None,
            last_request: RequestKind::Tasks,
            drafts: Vec::new(),
            keys: keys::Keys::default(),
            batch: Batch::Idle,
            plan: OnceCell::new(),
            continued_action: None,
            dispatch: Dispatch::default(),
        };
        let mut step = Step {
            changes: vec![Change::Setup, Change::Run],
            ..Step::default()
        };
        run.start_generation(start.at, &mut step);
        (run, step)
    }

    /// Starts a live run with the tasks of this one. Imported tasks are copied without their
    /// approvals; deleted ones and those of the dry-run generator are not copied. If `start` has a brief, the model
    /// is asked for its tasks.
    #[must_use]
    pub fn go_live(&self, start: Start) -> (Run, Step) {
        let (mut run, mut step) = Run::start(Start {
            mode: Mode::Live,
            ..start
        });
        for draft in &self.drafts {
            if draft.origin != Origin::DryRun && draft.review != Review::Deleted {
                run.add(
                    Origin::Imported,
                    &draft.content.shared_text(),
                    None,
                    &mut step,
                );
            }
        }
        (run, step)
    }

    /// The run's identity.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Whether the run is dry or live.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// When the run started, in milliseconds since 1970.
    #[must_use]
    pub fn started_at(&self) -> u64 {
        self.started_at
    }

    /// Whether the operator archived the run.
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.is_archived
    }

    fn rename(&mut self, name: &str, step: &mut Step) {
        self.name = Run::checked_name(name);
        step.changes.push(Change::Run);
    }

    fn archive(&mut self, is_archived: bool, step: &mut Step) {
        if self.is_archived != is_archived {
            self.is_archived = is_archived;
            step.changes.push(Change::Run);
        }
    }

    /// A name as the operator typed it, on one line and at most [`MAX_NAME_CHARACTERS`] long; `None` if
    /// it is empty.
    fn checked_name(name: &str) -> Option<String> {
        let words: Vec<&str> = name.split_whitespace().collect();
        let name = truncate_chars(&words.join(" "), MAX_NAME_CHARACTERS);
        (!name.is_empty()).then_some(name)
    }

    /// The brief, if the run has one.
    #[must_use]
    pub fn brief(&self) -> Option<&Brief> {
        self.brief.as_ref()
    }

    /// The connection in use.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The task schema. Does not change during a run.
    #[must_use]
    pub fn schema(&self) -> &TaskSchema {
        &self.schema
    }

    /// State of the generation of the brief's tasks.
    #[must_use]
    pub fn generation(&self) -> &GenerationState {
        &self.generation
    }

    /// The requests to the model, oldest first.
    #[must_use]
    pub fn requests(&self) -> &[GenerationRequest] {
        &self.requests
    }

    /// Total usage of all requests, including failed ones; `None` if the endpoint never reported
    /// any.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        request::sum(self.requests.iter().filter_map(GenerationRequest::usage))
    }

    /// Notices about the responses.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// State of the delivery.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The drafts in order of arrival.
    #[must_use]
    pub fn drafts(&self) -> &[Arc<TaskDraft>] {
        &self.drafts
    }

    /// The draft with this identity; `None` if it is not part of this run.
    #[must_use]
    pub fn draft(&self, id: &DraftId) -> Option<&Arc<TaskDraft>> {
        if id.run != self.id {
            return None;
        }
        self.drafts.get(id.index()?)
    }

    fn draft_mut(&mut self, id: &DraftId) -> Option<&mut TaskDraft> {
        if id.run != self.id {
            return None;
        }
        self.drafts.get_mut(id.index()?).map(Arc::make_mut)
    }

    /// The state of a draft.
    #[must_use]
    pub fn state(draft: &TaskDraft) -> DraftState {
        match draft.delivery.stage {
            DeliveryStage::Queued => return DraftState::Queued,
            DeliveryStage::Sending if draft.delivery.is_ready_to_send => return DraftState::Queued,
            DeliveryStage::Sending => return DraftState::Sending,
            DeliveryStage::Delivered => return DraftState::Delivered,
            DeliveryStage::Dry => return DraftState::DryDelivered,
            DeliveryStage::Refused => return DraftState::Refused,
            DeliveryStage::Failed => return DraftState::Failed,
            DeliveryStage::Unconfirmed => return DraftState::Unconfirmed,
            DeliveryStage::Idle => {}
        }
        match draft.review {
            Review::Approved(_) => DraftState::Approved,
            Review::Rejected { .. } => DraftState::Rejected,
            Review::Deleted => DraftState::Deleted,
            Review::Undecided if !draft.content.is_json() => DraftState::Invalid,
            Review::Undecided => match &draft.violations {
                None => DraftState::Checking,
                Some(violations) if violations.is_empty() => DraftState::Ready,
                Some(_) => DraftState::Invalid,
            },
        }
    }

    /// Number of drafts in each state.
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

    /// What would be posted now: all approved tasks that have not been posted. `None` if there are
    /// none, or while posting.
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        if matches!(self.batch, Batch::Running { .. }) {
            return None;
        }
        let is_ready = |draft: &TaskDraft| {
            draft.delivery.stage == DeliveryStage::Idle && draft.approval().is_some()
        };
        if !self.drafts.iter().any(|draft| is_ready(draft)) {
            return None;
        }
        let plan = self.plan();
        let mut confirmation = Confirmation {
            count: 0,
            digest: String::new(),
            order: Vec::new(),
            blocked: 0,
            testable: Vec::new(),
        };
        let can_test = self.mode == Mode::Live
            && self.batch == Batch::Idle
            && self
                .drafts
                .iter()
                .all(|draft| draft.delivery.stage != DeliveryStage::Queued);
        let is_delivered = |index: &usize| {
            self.drafts
                .get(*index)
                .is_some_and(|draft| draft.delivery.stage == DeliveryStage::Delivered)
        };
        let mut digests = Vec::new();
        // Which drafts are delivered or will be without the operator. Dependencies come first in
        // the plan.
        let mut will_arrive = vec![false; self.drafts.len()];
        for index in plan.order() {
            let Some(draft) = self.drafts.get(index) else {
                continue;
            };
            let is_unblocked = plan
                .dependencies_of(index)
                .iter()
                .all(|dependency| will_arrive.get(*dependency) == Some(&true));
            let arrives = match (draft.delivery.stage, draft.approval()) {
                (DeliveryStage::Delivered | DeliveryStage::Dry | DeliveryStage::Sending, _) => true,
                (DeliveryStage::Queued, _) => is_unblocked,
                (DeliveryStage::Idle, Some(approval)) => {
                    confirmation.order.push(draft.id.clone());
                    if can_test && plan.dependencies_of(index).iter().all(is_delivered) {
                        confirmation.testable.push(draft.id.clone());
                    }
                    digests.push(&*approval.digest);
                    confirmation.blocked += usize::from(!is_unblocked);
                    is_unblocked
                }
                _ => false,
            };
            if let Some(entry) = will_arrive.get_mut(index) {
                *entry = arrives;
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
