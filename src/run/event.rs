//! Events, effects and errors: the input and output of a run.

use std::sync::Arc;

use super::FollowUp;
use crate::delivery::{DeliveryOutcome, LookUp};
use crate::document::Document;
use crate::model::adaptation::Proposal;
use crate::model::{Adaptations, GenerationOutcome, Notice, Usage};
use crate::prompt::TaskRequest;
use crate::review::DraftId;
use crate::schema::Violation;
use crate::secrets::SecretSlot;

/// Something that happened. The first group are actions of the operator, the second group are
/// reports from drivers, timers and the browser.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Stop generating. Complete tasks are kept.
    StopGeneration,
    /// Accept the complete tasks of a partial response. Refused if the outcome is no longer the one
    /// the operator saw.
    AcceptPartial {
        /// Code of the outcome that was displayed.
        outcome: String,
    },
    /// Request the tasks of the brief that did not arrive, and accept those that did. Refused if the
    /// outcome is no longer the one the operator saw.
    RequestMissing {
        /// Code of the outcome that was displayed.
        outcome: String,
    },
    /// Ask the model to repair, regenerate, revise or split tasks.
    FollowUp(FollowUp),
    /// Replace a task with its suggested edits.
    AcceptSuggestedEdits {
        /// The task.
        draft: DraftId,
    },
    /// Discard the suggested edits of a task.
    DiscardSuggestedEdits {
        /// The task.
        draft: DraftId,
    },
    /// Give the run a name. An empty one restores the name made from its brief.
    Rename {
        /// The name.
        name: String,
    },
    /// Archive the run, or take it out of the archive.
    Archive {
        /// Whether it is archived from now on.
        archived: bool,
    },
    /// Import existing tasks.
    Import {
        /// The JSON text of each task.
        texts: Vec<Arc<str>>,
    },
    /// Note that the operator opened a task.
    Open {
        /// The task.
        draft: DraftId,
    },
    /// Replace the text of a task.
    Edit {
        /// The task.
        draft: DraftId,
        /// The complete new text.
        text: String,
    },
    /// Undo all edits of a task.
    Restore {
        /// The task.
        draft: DraftId,
    },
    /// Approve tasks. Tasks that cannot be approved are skipped if there are several, and an error
    /// if there is only one.
    Approve {
        /// The tasks.
        drafts: Vec<DraftId>,
    },
    /// Approve one task with an idempotency key chosen by the caller, such as the key of an earlier
    /// receipt.
    ApproveWithKey {
        /// The task.
        draft: DraftId,
        /// The key.
        key: Arc<str>,
    },
    /// Reject tasks. If there is only one, it is an error if it cannot be rejected; among several it is
    /// skipped.
    Reject {
        /// The tasks.
        drafts: Vec<DraftId>,
        /// The reason; may be empty.
        reason: String,
    },
    /// Undo approvals and rejections.
    UndoDecisions {
        /// The tasks.
        drafts: Vec<DraftId>,
    },
    /// Delete tasks from the run. If there is only one, it is an error if it cannot be deleted; among
    /// several it is skipped.
    Delete {
        /// The tasks.
        drafts: Vec<DraftId>,
    },
    /// Undo the last action on tasks that were not sent since.
    Undo,
    /// Redo the action that was undone last.
    Redo,
    /// Post the confirmed tasks.
    Post {
        /// The digest shown in the confirmation.
        digest: String,
    },
    /// Post one confirmed task on its own, to see what the server makes of it.
    PostTest {
        /// The task.
        draft: DraftId,
        /// The digest shown in the confirmation.
        digest: String,
    },
    /// Use this connection from now on.
    Connect(Box<crate::settings::Connection>),
    /// Send nothing more. Requests in flight are completed.
    Pause,
    /// Continue posting.
    Resume,
    /// Continue posting although attempts cannot be journaled. After a crash, there is no record of
    /// what was sent.
    ContinueWithoutJournal,
    /// Remove unsent tasks from the queue. They stay approved.
    StopPosting,
    /// Post refused or failed tasks again, as they were approved.
    Retry {
        /// The tasks.
        drafts: Vec<DraftId>,
    },
    /// Post an unconfirmed task again with the same key. Refused unless the server is known to
    /// honour idempotency keys.
    ResendSameKey {
        /// The task.
        draft: DraftId,
    },
    /// Ask the server whether it has an unconfirmed task.
    LookUp {
        /// The task.
        draft: DraftId,
    },
    /// The operator found out what became of an unconfirmed task.
    Decide {
        /// The task.
        draft: DraftId,
        /// Whether the server has it.
        delivered: bool,
    },

    /// A call to the model starts.
    CallStarted {
        /// The adaptations it is made with.
        adaptations: Adaptations,
    },
    /// A task of the response is complete.
    TaskArrived {
        /// Its exact text.
        document: Document,
        /// The schema violations found.
        violations: Vec<Violation>,
    },
    /// The endpoint reported its usage.
    UsageArrived(Usage),
    /// The response has an oddity that does not affect its tasks.
    NoticeArrived(Notice),
    /// The call ended.
    CallEnded {
        /// How it ended.
        outcome: GenerationOutcome,
        /// The text of the response, unchanged.
        raw_response: Arc<str>,
        /// The model's reasoning, as far as it was sent apart from the text.
        reasoning: Arc<str>,
        /// The change that may help, if the endpoint refused a part of the request.
        proposal: Option<Proposal>,
    },
    /// A schema check finished.
    Checked {
        /// The task.
        draft: DraftId,
        /// The revision that was checked.
        revision: u32,
        /// The schema violations found.
        violations: Vec<Violation>,
    },
    /// The attempt is in the journal; exactly this body may be sent under it.
    Journaled(JournalEntry),
    /// The attempt could not be written to the journal.
    JournalFailed {
        /// The task.
        draft: DraftId,
        /// Number of the attempt.
        attempt: u32,
        /// The browser's error message.
        reason: String,
    },
    /// An attempt ended.
    AttemptEnded {
        /// The task.
        draft: DraftId,
        /// Number of the attempt.
        attempt: u32,
        /// How it ended.
        outcome: DeliveryOutcome,
    },
    /// A look-up ended.
    LookedUp {
        /// The task.
        draft: DraftId,
        /// The idempotency key that was looked up.
        key: String,
        /// Its result.
        result: LookUp,
    },
    /// A requested wake-up is due, or the page became active again.
    Woke,
    /// The browser deleted what was stored. Attempts that were journaled and not sent are begun again,
    /// so that nothing is sent without a record.
    StoreCleared,
    /// The browser went online or offline.
    Network {
        /// Whether there is a network.
        is_online: bool,
    },
}

/// Work that a run requests. An effect names no endpoint and holds no secret: a live driver knows
/// them, a dry-run driver has none.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Make one call to the model. Results in `CallStarted`, any number of `TaskArrived`,
    /// `UsageArrived` and `NoticeArrived`, and finally `CallEnded`.
    Generate {
        /// What to ask for.
        request: TaskRequest,
        /// The adaptations to make it with, besides those that the endpoint is known to need.
        adaptations: Adaptations,
    },
    /// Stop the call. Results in `CallEnded`.
    StopGeneration,
    /// Remember that this endpoint and model need these adaptations.
    RememberAdaptations(Adaptations),
    /// Check a text against the schema. Results in `Checked`.
    Check {
        /// The task.
        draft: DraftId,
        /// The revision of the text.
        revision: u32,
        /// The text.
        text: Arc<str>,
    },
    /// Store the draft durably in its current state. Results in `Journaled` or `JournalFailed`.
    Journal(JournalEntry),
    /// Post a task. Results in `AttemptEnded`.
    Deliver(Posting),
    /// Look a task up on the server by its idempotency key. Results in `LookedUp`.
    LookUp {
        /// The task.
        draft: DraftId,
        /// Its idempotency key.
        key: String,
    },
    /// Send `Woke` at this time, in milliseconds since 1970. If `Woke` arrives earlier, the run
    /// repeats the request as needed.
    WakeAt(u64),
    /// Get a secret, from its Vault or from the operator, because none is held or the endpoint rejected
    /// it. Then send `Resume`, or for the API key what [`super::Run::repetition`] returns.
    RequestSecret(SecretSlot),
}

/// What the journal holds about one attempt. A transaction may take seconds, and the operator may
/// withdraw the attempt and post another body meanwhile. So the entry names the body: its commit
/// allows that request and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The task.
    pub draft: DraftId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: Arc<str>,
}

/// A request to post one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The task.
    pub draft: DraftId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// The approval: body, digest and key.
    pub approval: crate::review::Approval,
}

/// A part of a run that changed and has to be stored and displayed. Sorts the run before its requests and
/// drafts, and these in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Its connection, and at the start its brief and schema.
    Setup,
    /// Its state: its generation, its batch, its name.
    Run,
    /// The request to the model with this number, from 1.
    Request(u32),
    /// The raw response to the request with this number, from 1.
    Response(u32),
    /// One draft.
    Draft(DraftId),
}

/// The result of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    /// Effects to carry out, in this order.
    pub effects: Vec<Effect>,
    /// What changed.
    pub changes: Vec<Change>,
    /// Drafts to display again although their records did not change.
    pub display_changes: Vec<DraftId>,
    /// Why the event had no effect, if the run refused it.
    pub refused: Option<RunError>,
    /// Approvals that were withdrawn although the operator did not decide about their tasks.
    pub withdrawn_approvals: Option<WithdrawnApprovals>,
}

impl Step {
    /// Records that approvals were withdrawn, if any were.
    pub(super) fn report_withdrawn(&mut self, count: usize, cause: WithdrawalCause) {
        if count > 0 {
            self.withdrawn_approvals = Some(WithdrawnApprovals { count, cause });
        }
    }
}

/// Approvals that the run withdrew by itself, for the operator to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawnApprovals {
    /// Number of tasks; at least 1.
    pub count: usize,
    /// The reason.
    pub cause: WithdrawalCause,
}

/// Why a run withdraws approvals by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WithdrawalCause {
    /// The connection has another task server, or posts there in another form.
    #[error("the task server of the connection changed")]
    ServerChanged,
    /// The stored body of the task is not the one that was approved.
    #[error("the stored text is not the one that was approved")]
    RecordChanged,
}

impl WithdrawalCause {
    /// A stable identifier of the cause.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            WithdrawalCause::ServerChanged => "approvals_withdrawn_server",
            WithdrawalCause::RecordChanged => "approvals_withdrawn_record",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            WithdrawalCause::ServerChanged => {
                "Check the address, then approve the tasks for this server and post them."
            }
            WithdrawalCause::RecordChanged => {
                "Something other than this page changed the browser's storage. Read these tasks again before you approve them."
            }
        }
    }
}

/// Why a run refuses an action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The task is not part of this run.
    #[error("this task is not part of the run")]
    NoSuchTask,
    /// The response is still arriving, or is partial and was not accepted.
    #[error("the response is not complete")]
    NotComplete,
    /// The task violates the schema.
    #[error("the task is not valid")]
    NotValid,
    /// A live run cannot post a task of the dry-run generator.
    #[error("this task was made by the dry run")]
    MadeDry,
    /// The task was posted, or may have been.
    #[error("the task was already posted and cannot be changed")]
    HasLeft,
    /// The tasks to be posted are no longer those of the confirmation.
    #[error("the tasks to be posted have changed since the confirmation")]
    ConfirmationStale,
    /// The generation outcome is no longer the one that was displayed.
    #[error("the generation outcome has changed since it was displayed")]
    OutcomeChanged,
    /// There is no action to undo or redo.
    #[error("there is nothing left to undo or redo")]
    NothingToUndo,
    /// The action does not apply to the task in its current state.
    #[error("this action is not available in the current state")]
    WrongState,
    /// The server is not known to honour idempotency keys, or did not receive this task's key.
    #[error("the task was not posted with a key to a server that is known to honour keys")]
    KeysNotHonoured,
}

impl RunError {
    /// A stable identifier of the kind of error.
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
            RunError::NothingToUndo => "nothing_to_undo",
            RunError::WrongState => "wrong_state",
            RunError::KeysNotHonoured => "keys_not_honoured",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            RunError::NoSuchTask => "Reload the page.",
            RunError::NotComplete => {
                "Wait until the response is complete. If it ended early, accept the partial response."
            }
            RunError::NotValid => {
                "Fix the violations listed below the task's text, then approve it."
            }
            RunError::MadeDry => "Generate the tasks in a live run.",
            RunError::HasLeft => "Import a changed copy as a new task.",
            RunError::ConfirmationStale => "Review the updated confirmation.",
            RunError::OutcomeChanged => "Review the current outcome.",
            RunError::NothingToUndo => {
                "Tasks that were sent cannot be changed. Edit one of the others instead."
            }
            RunError::WrongState => "Check the current state and try another action.",
            RunError::KeysNotHonoured => {
                "Look the task up on the server, then mark it as delivered or not delivered. Changing the setting now makes retries of later tasks safe, but not of this one."
            }
        }
    }
}
