//! What goes into a run and what comes out.

use std::sync::Arc;

use super::FollowUp;
use crate::delivery::{DeliveryOutcome, LookUp};
use crate::document::Document;
use crate::model::{GenerationOutcome, Notice, ResponseFormat, Usage};
use crate::prompt::TaskRequest;
use crate::review::DraftId;
use crate::schema::Violation;
use crate::secrets::SecretSlot;

/// What happened. The first part is what the page says, the second what the world says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Stop the model's answer; what is whole stays.
    StopGeneration,
    /// Keep the whole tasks of an answer that is not complete. Names the outcome, so that nobody
    /// keeps something else than was shown.
    AcceptPartial {
        /// The outcome's code as the operator saw it.
        outcome: String,
    },
    /// Ask for the tasks of the brief that did not come, and keep the whole ones that did. Names the
    /// outcome, as above.
    AskForMissing {
        /// The outcome's code as the operator saw it.
        outcome: String,
    },
    /// Ask the model again about single tasks.
    FollowUp(FollowUp),
    /// Put what was proposed for a task in its place.
    AcceptSuggestedEdits {
        /// Which.
        draft: DraftId,
    },
    /// Take away what was proposed for a task.
    DiscardSuggestedEdits {
        /// Which.
        draft: DraftId,
    },
    /// Bring in tasks that exist already, each as JSON text.
    Import {
        /// One text for each task.
        texts: Vec<Arc<str>>,
    },
    /// Change a task's text.
    Edit {
        /// Which.
        draft: DraftId,
        /// The whole text.
        text: String,
    },
    /// Take back all edits of a task.
    Restore {
        /// Which.
        draft: DraftId,
    },
    /// Approve these tasks, all or none that cannot be: those that are not valid are passed over
    /// when there are several, and an error when there is one.
    Approve {
        /// Which.
        drafts: Vec<DraftId>,
    },
    /// Approve one task under an idempotency key that the caller chose, such as the key of an
    /// earlier receipt.
    ApproveWithKey {
        /// Which.
        draft: DraftId,
        /// The key.
        key: Arc<str>,
    },
    /// Reject a task.
    Reject {
        /// Which.
        draft: DraftId,
        /// Why; may be empty.
        reason: String,
    },
    /// Take approvals or rejections back.
    UndoDecisions {
        /// Which.
        drafts: Vec<DraftId>,
    },
    /// Post what was confirmed.
    Post {
        /// The digest that the confirmation showed.
        digest: String,
    },
    /// Use these endpoints from now on.
    Connect(Box<crate::settings::Connection>),
    /// Let what is under way end and send nothing more.
    Pause,
    /// Go on, with a new token where that was what it waited for.
    Resume,
    /// Go on although nothing can be written down: then nobody knows after a crash what was sent.
    ContinueWithoutJournal,
    /// Take what has not left out of the queue; it stays approved.
    StopPosting,
    /// Send tasks again, as they were approved, that the server did not take.
    Retry {
        /// Which.
        drafts: Vec<DraftId>,
    },
    /// Send a task of unknown fate again with the same key. Refused unless the server is known to
    /// honour keys.
    ResendSameKey {
        /// Which.
        draft: DraftId,
    },
    /// Ask the server whether it has a task of unknown fate.
    LookUp {
        /// Which.
        draft: DraftId,
    },
    /// The operator found out what became of a task of unknown fate.
    Decide {
        /// Which.
        draft: DraftId,
        /// Whether it is there.
        delivered: bool,
    },

    /// The call leaves now, and asks the endpoint to enforce so much of the schema.
    CallStarted {
        /// How much.
        response_format: ResponseFormat,
    },
    /// A task of the answer closed.
    TaskArrived {
        /// Its exact text.
        document: Document,
        /// What the schema says of it.
        violations: Vec<Violation>,
    },
    /// The endpoint said what it used.
    UsageArrived(Usage),
    /// Something odd was seen that takes nothing away from the answer.
    NoticeArrived(Notice),
    /// The call ended.
    CallEnded {
        /// How.
        outcome: GenerationOutcome,
        /// The text of its answer, as it came.
        raw_response: Arc<str>,
    },
    /// A check came back.
    Checked {
        /// Of which task.
        draft: DraftId,
        /// Of which text.
        revision: u32,
        /// What it found.
        violations: Vec<Violation>,
    },
    /// The attempt stands in the journal; the request may leave.
    Journaled {
        /// Of which task.
        draft: DraftId,
        /// Which attempt.
        attempt: u32,
    },
    /// The attempt could not be written down.
    JournalFailed {
        /// Of which task.
        draft: DraftId,
        /// Which attempt.
        attempt: u32,
        /// What the browser said.
        reason: String,
    },
    /// An attempt came to something.
    Answered {
        /// Of which task.
        draft: DraftId,
        /// Which attempt.
        attempt: u32,
        /// What.
        outcome: DeliveryOutcome,
    },
    /// The server was asked for a task.
    LookedUp {
        /// Which.
        draft: DraftId,
        /// What it said.
        answer: LookUp,
    },
    /// A time that was waited for has come, or the page was away and is back.
    Woke,
    /// The browser says whether it has a network.
    Network {
        /// Whether it has.
        is_online: bool,
    },
}

/// What a run wants done. It names no endpoint and holds no secret: the driver knows them, or in a
/// dry run has none.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make tasks of the brief: one call to the model. Answered by `CallStarted`, `TaskArrived`… and
    /// `CallEnded`.
    Generate {
        /// Which.
        ask: TaskRequest,
        /// How much of the schema the endpoint is asked to enforce, or less where it is known not
        /// to.
        response_format: ResponseFormat,
    },
    /// Stop doing so. Answered by `CallEnded`.
    StopGeneration,
    /// Remember for endpoint and model that more than this is not taken.
    RememberFormat(ResponseFormat),
    /// Say what the schema says of a text. Answered by `Checked`.
    Check {
        /// Of which task.
        draft: DraftId,
        /// Of which text.
        revision: u32,
        /// The text.
        text: Arc<str>,
    },
    /// Write the draft down as it is now, durably. Answered by `Journaled` or `JournalFailed`.
    Journal {
        /// Which.
        draft: DraftId,
        /// Which attempt.
        attempt: u32,
    },
    /// Deliver. Answered by `Answered`.
    Deliver(Posting),
    /// Ask the server for a task by its key. Answered by `LookedUp`.
    LookUp {
        /// Which task.
        draft: DraftId,
        /// Its idempotency key.
        key: String,
    },
    /// Say `Woke` at this time, in milliseconds since 1970. An earlier one is asked for once more
    /// where it is still needed.
    WakeAt(u64),
    /// Ask the operator for a secret; then `Resume`.
    AskFor(SecretSlot),
}

/// One delivery, as an intention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Of which task.
    pub draft: DraftId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The approval, bytes and key included.
    pub approval: crate::review::Approval,
}

/// What changed, so that only this is stored and shown anew. The run comes before its drafts, and
/// these in the order of their arrival.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// The run itself: its generation or its batch.
    Run,
    /// One draft.
    Draft(DraftId),
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// What is to be done, in this order.
    pub effects: Vec<Effect>,
    /// What changed.
    pub changes: Vec<Change>,
    /// Tasks that are shown anew although nothing of them changed that is kept.
    pub shown: Vec<DraftId>,
    /// Why nothing happened, where the page asked for what cannot be.
    pub refused: Option<RunError>,
}

/// Why a run does not do what the page asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The task is not part of this run.
    #[error("this task is not part of the run")]
    NoSuchTask,
    /// The answer is still arriving, or ended without being complete.
    #[error("the answer is not complete")]
    NotComplete,
    /// The task breaks the schema's rules.
    #[error("the task is not valid")]
    NotValid,
    /// A task of the dry generator in a live run.
    #[error("this task was made by the dry run")]
    MadeDry,
    /// The text has left, or may have.
    #[error("the task has left and is not changed any more")]
    HasLeft,
    /// What was confirmed is not what would leave now.
    #[error("what would be posted has changed since it was confirmed")]
    ConfirmationStale,
    /// The outcome is not the one that was shown.
    #[error("the answer's outcome is another one than was shown")]
    OutcomeChanged,
    /// The task is not in a state for this.
    #[error("the task is not in a state for this")]
    WrongState,
    /// The server is not known to honour idempotency keys, or was not told this task's.
    #[error("the task was not sent with a key to a server that is known to honour keys")]
    KeysNotHonoured,
}

impl RunError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RunError::NoSuchTask => "no_such_task",
            RunError::NotComplete => "not_complete",
            RunError::NotValid => "not_valid",
            RunError::MadeDry => "made_dry",
            RunError::HasLeft => "has_left",
            RunError::ConfirmationStale => "confirmation_stale",
            RunError::OutcomeChanged => "outcome_changed",
            RunError::WrongState => "wrong_state",
            RunError::KeysNotHonoured => "keys_not_honoured",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            RunError::NoSuchTask => "Reload the page.",
            RunError::NotComplete => {
                "Wait for the answer to end, or keep its whole tasks if it ended early."
            }
            RunError::NotValid => "Correct what is listed under its text, then approve it.",
            RunError::MadeDry => "Generate the tasks in a live run.",
            RunError::HasLeft => "Bring a changed copy in as a new task.",
            RunError::ConfirmationStale => "Look at the confirmation again.",
            RunError::OutcomeChanged => "Look at the outcome again.",
            RunError::WrongState => "Look at the task's state again.",
            RunError::KeysNotHonoured => {
                "Look the task up on the server, then mark it as delivered or not. Saying now that the server honours keys makes later tasks safe to send again, not this one."
            }
        }
    }
}
