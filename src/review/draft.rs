//! A task from its arrival to the operator's decision.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::history::ReviewHistory;
use crate::document::{Document, DocumentError};
use crate::schema::{Roles, Violation};

/// Identity of a run: 32 random hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// Creates an identity from 128 random bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> RunId {
        RunId(format!("{bits:032x}").into())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identity of a draft: its run and its ordinal. Never a field of the task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DraftId {
    /// The run.
    pub run: RunId,
    /// Position in order of arrival, from 1.
    pub ordinal: u32,
}

impl DraftId {
    /// Index among the drafts of the run, from 0.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        usize::try_from(self.ordinal).ok()?.checked_sub(1)
    }
}

impl fmt::Display for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.ordinal)
    }
}

/// Origin of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A model wrote it.
    Model,
    /// The dry-run generator made it. Such a task is never posted.
    DryRun,
    /// The operator imported it.
    Imported,
}

/// The current text of a task. It may not be JSON while the operator edits it.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// One JSON value without surrounding whitespace. Positions are not stored but parsed on demand,
    /// because they would take half as much memory as the text.
    Json(Arc<str>),
    /// Text that is not JSON.
    NotJson {
        /// The text as typed.
        text: Arc<str>,
        /// The syntax error.
        error: Box<DocumentError>,
    },
}

impl Content {
    /// Parses a text. A text that is not JSON is preserved.
    #[must_use]
    pub fn read(text: &Arc<str>) -> Content {
        match Document::parse_shared(text) {
            // Surrounding whitespace has no meaning and is removed.
            Ok(document) => Content::Json(document.shared_text()),
            Err(error) => Content::NotJson {
                text: Arc::clone(text),
                error: Box::new(error),
            },
        }
    }

    /// The exact text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Content::Json(text) | Content::NotJson { text, .. } => text,
        }
    }

    /// The exact text, without copying it.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(self.as_shared_text())
    }

    /// The exact text as it is shared.
    #[must_use]
    pub fn as_shared_text(&self) -> &Arc<str> {
        match self {
            Content::Json(text) | Content::NotJson { text, .. } => text,
        }
    }

    /// Whether the text is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self, Content::Json(_))
    }

    /// Parses the text; `None` if it is not JSON.
    #[must_use]
    pub fn document(&self) -> Option<Document> {
        match self {
            Content::Json(text) => Document::parse_shared(text).ok(),
            Content::NotJson { .. } => None,
        }
    }
}

/// An approval of exact bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The body to post.
    pub body: Arc<str>,
    /// Its SHA-256, in hexadecimal.
    pub digest: Arc<str>,
    /// Its idempotency key: the same in all retries, tabs and reloads, and different for every body.
    pub key: Arc<str>,
}

/// The operator's decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Review {
    /// No decision yet.
    #[default]
    Undecided,
    /// The task may be posted with exactly this body.
    Approved(Approval),
    /// The task must not be posted.
    Rejected {
        /// The reason; may be empty.
        reason: String,
    },
    /// The task is no longer part of the run. Undo brings it back.
    Deleted,
}

/// A change suggested by the model, for the operator to accept or discard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuggestedEdit {
    /// How it changes the task.
    pub kind: SuggestedEditKind,
    /// Number of the follow-up request within the run, from 1.
    pub request: usize,
    /// The suggested text.
    pub text: Arc<str>,
    /// The schema violations of that text.
    pub violations: Vec<Violation>,
}

/// How a suggested edit changes the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuggestedEditKind {
    /// It replaces the task.
    Replace,
    /// It is one of several tasks that replace the task.
    Part,
}

/// A task from its arrival to its receipt. `D` is the state of its delivery, which is opaque to this
/// module.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<D> {
    /// Identity of the draft.
    pub id: DraftId,
    /// Origin of the task.
    pub origin: Origin,
    /// The original text.
    pub proposed: Arc<str>,
    /// The current text.
    pub content: Content,
    /// Number of changes to the text. The check of an earlier revision is ignored.
    pub revision: u32,
    /// The schema violations; `None` while the check is in progress.
    pub violations: Option<Vec<Violation>>,
    /// The operator's decision.
    pub review: Review,
    /// Suggested edits from the last follow-up request.
    pub suggested_edits: Vec<SuggestedEdit>,
    /// Whether the operator has opened the task.
    pub is_opened: bool,
    /// What undo and redo put back.
    pub history: ReviewHistory,
    /// State of the delivery.
    pub delivery: D,
}

impl<D> Draft<D> {
    /// Whether the text is JSON without violations. `false` while it is being checked.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.content.is_json() && self.violations.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether the text differs from the original.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.content.text() != &*self.proposed
    }

    /// Whether the operator rejected or deleted the task.
    #[must_use]
    pub fn is_discarded(&self) -> bool {
        matches!(self.review, Review::Rejected { .. } | Review::Deleted)
    }

    /// The approval, if the task is approved.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        match &self.review {
            Review::Approved(approval) => Some(approval),
            _ => None,
        }
    }

    /// The task key, if the schema has this role.
    #[must_use]
    pub fn key(&self, roles: &Roles) -> Option<String> {
        let document = self.content.document()?;
        roles.key(document.root()).map(Cow::into_owned)
    }

    /// The title, if the schema has this role.
    #[must_use]
    pub fn title(&self, roles: &Roles) -> Option<String> {
        let document = self.content.document()?;
        roles.title(document.root()).map(Cow::into_owned)
    }

    /// The keys of the task's dependencies.
    #[must_use]
    pub fn dependencies(&self, roles: &Roles) -> Vec<String> {
        let document = self.content.document();
        let root = document.as_ref().map(Document::root);
        root.map(|root| roles.dependencies(root))
            .into_iter()
            .flatten()
            .map(Cow::into_owned)
            .collect()
    }
}

/// State of a draft, for lists and filters. In the order of the list's filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DraftState {
    /// The schema check is in progress.
    Checking,
    /// It violates the schema, or is not JSON.
    Invalid,
    /// Valid, without a decision.
    Ready,
    /// Approved but not posted.
    Approved,
    /// Rejected by the operator.
    Rejected,
    /// Waiting to be posted.
    Queued,
    /// Being posted.
    Sending,
    /// The server has it.
    Delivered,
    /// A dry run's receipt: nothing was sent.
    DryDelivered,
    /// The server does not accept it.
    Refused,
    /// The server did not accept it; it is safe to post it again.
    Failed,
    /// The server may or may not have it.
    Unconfirmed,
    /// Deleted by the operator.
    Deleted,
}

impl DraftState {
    /// Every state, in the order of the list's filters.
    pub const ALL: [DraftState; 13] = [
        DraftState::Checking,
        DraftState::Invalid,
        DraftState::Ready,
        DraftState::Approved,
        DraftState::Rejected,
        DraftState::Queued,
        DraftState::Sending,
        DraftState::Delivered,
        DraftState::DryDelivered,
        DraftState::Refused,
        DraftState::Failed,
        DraftState::Unconfirmed,
        DraftState::Deleted,
    ];

    /// Posted, with an outcome. Includes dry receipts.
    pub const ENDED: [DraftState; 5] = [
        DraftState::Delivered,
        DraftState::DryDelivered,
        DraftState::Refused,
        DraftState::Failed,
        DraftState::Unconfirmed,
    ];

    /// Queued or being posted.
    pub const IN_PROGRESS: [DraftState; 2] = [DraftState::Queued, DraftState::Sending];

    /// The label in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            DraftState::Checking => "Checking",
            DraftState::Invalid => "Invalid",
            DraftState::Ready => "Ready",
            DraftState::Approved => "Approved",
            DraftState::Rejected => "Rejected",
            DraftState::Queued => "Queued",
            DraftState::Sending => "Sending",
            DraftState::Delivered => "Delivered",
            DraftState::DryDelivered => "Dry receipt",
            DraftState::Refused => "Refused",
            DraftState::Failed => "Failed",
            DraftState::Unconfirmed => "Unconfirmed",
            DraftState::Deleted => "Deleted",
        }
    }

    /// The identifier in markup, style sheets and receipts.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            DraftState::Checking => "checking",
            DraftState::Invalid => "invalid",
            DraftState::Ready => "ready",
            DraftState::Approved => "approved",
            DraftState::Rejected => "rejected",
            DraftState::Queued => "queued",
            DraftState::Sending => "sending",
            DraftState::Delivered => "delivered",
            DraftState::DryDelivered => "dry",
            DraftState::Refused => "refused",
            DraftState::Failed => "failed",
            DraftState::Unconfirmed => "unconfirmed",
            DraftState::Deleted => "deleted",
        }
    }
}
