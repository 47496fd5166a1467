//! One task on its way from proposal to decision.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentError};
use crate::schema::{Roles, Violation};

/// A run's identity: 32 hexadecimal digits, drawn at random.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// An identity from 128 random bits.
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

/// A draft's identity: its run, and its place in the order of arrival, from 1. Never a field of
/// the task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DraftId {
    /// The run it belongs to.
    pub run: RunId,
    /// Its place in the order of arrival, from 1.
    pub ordinal: u32,
}

impl DraftId {
    /// Its place among the drafts of its run, from 0.
    #[must_use]
    pub fn place(&self) -> Option<usize> {
        usize::try_from(self.ordinal).ok()?.checked_sub(1)
    }
}

impl fmt::Display for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.ordinal)
    }
}

/// Where a task came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A model wrote it.
    Model,
    /// The dry run's generator made it. Such a task is never posted.
    DryRun,
    /// The operator brought it in.
    Pasted,
}

/// The text as it stands now. While someone edits it, it may be no JSON at all; it is kept all
/// the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// One JSON value, with nothing around it. Where its parts stand is read again when somebody
    /// looks: keeping that would take half as much memory as the text.
    Whole(Arc<str>),
    /// Text that is not JSON yet, and why.
    Broken {
        /// As typed.
        text: Arc<str>,
        /// What is wrong with it.
        error: Box<DocumentError>,
    },
}

impl Content {
    /// Reads a text; what is not JSON is kept as it is.
    #[must_use]
    pub fn read(text: &Arc<str>) -> Content {
        match Document::parse_shared(text) {
            // Whitespace around the value is part of what was typed and of no meaning: it goes.
            Ok(document) => Content::Whole(document.shared_text()),
            Err(error) => Content::Broken {
                text: Arc::clone(text),
                error: Box::new(error),
            },
        }
    }

    /// The exact text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Content::Whole(text) | Content::Broken { text, .. } => text,
        }
    }

    /// The exact text, shared and not copied.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        match self {
            Content::Whole(text) | Content::Broken { text, .. } => Arc::clone(text),
        }
    }

    /// Whether the text is JSON.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self, Content::Whole(_))
    }

    /// The document, where the text is one: read anew.
    #[must_use]
    pub fn document(&self) -> Option<Document> {
        match self {
            Content::Whole(text) => Document::parse_shared(text).ok(),
            Content::Broken { .. } => None,
        }
    }
}

/// What exactly was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The bytes that will leave.
    pub body: Arc<str>,
    /// Their SHA-256, in hexadecimal.
    pub digest: Arc<str>,
    /// The idempotency key that stands for them: the same through retries, tabs and reloads,
    /// another one for another body.
    pub key: Arc<str>,
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Review {
    /// Nothing yet.
    #[default]
    Proposed,
    /// It may leave, exactly so.
    Approved(Approval),
    /// It may not.
    Rejected {
        /// Why; may be empty.
        reason: String,
    },
}

/// What stands beside a task until the operator accepts or discards it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuggestedEdit {
    /// How it relates to the task.
    pub kind: SuggestedEditKind,
    /// The request of the run that it came with, from 1.
    pub request: usize,
    /// Its text.
    pub text: Arc<str>,
    /// What the schema says of it.
    pub violations: Vec<Violation>,
}

/// How a proposal relates to the task that it stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuggestedEditKind {
    /// It would take its place.
    Instead,
    /// It and the others would take its place.
    Part,
}

/// One task, from proposal to receipt. `D` is the state of its delivery, which this module does
/// not look into.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft<D> {
    /// Its identity.
    pub id: DraftId,
    /// Where it came from.
    pub origin: Origin,
    /// The text as it came.
    pub proposed: Arc<str>,
    /// The text as it stands.
    pub content: Content,
    /// How often the text was changed; a check that comes back for an earlier one is of no use.
    pub revision: u32,
    /// What the schema says of it; none while the check is under way.
    pub violations: Option<Vec<Violation>>,
    /// What the operator decided.
    pub review: Review,
    /// What the model proposed for it when it was asked again.
    pub suggested_edits: Vec<SuggestedEdit>,
    /// How far its delivery is.
    pub delivery: D,
}

impl<D> Draft<D> {
    /// Whether the text is JSON and breaks no rule. `false` while that is not known.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.content.is_whole() && self.violations.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether it was changed since it came.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.content.text() != &*self.proposed
    }

    /// The approval, where there is one.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        match &self.review {
            Review::Approved(approval) => Some(approval),
            _ => None,
        }
    }

    /// Its task key, if its schema has that role.
    #[must_use]
    pub fn key(&self, roles: &Roles) -> Option<String> {
        let document = self.content.document()?;
        roles.key(document.root()).map(Cow::into_owned)
    }

    /// Its title, if its schema has that role.
    #[must_use]
    pub fn title(&self, roles: &Roles) -> Option<String> {
        let document = self.content.document()?;
        roles.title(document.root()).map(Cow::into_owned)
    }

    /// The keys of the tasks it depends on.
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

/// What a draft is, in one word, for lists and filters. In the order of the list's filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DraftState {
    /// Its check is under way.
    Checking,
    /// It breaks a rule, or is not JSON.
    Invalid,
    /// Valid, and nothing decided.
    Ready,
    /// Approved, not posted yet.
    Approved,
    /// Rejected by the operator.
    Rejected,
    /// Waiting for its turn.
    Queued,
    /// On its way.
    Sending,
    /// The server has it.
    Delivered,
    /// A dry run's receipt: nothing left this page.
    DryDelivered,
    /// The server will not take it as it is.
    Refused,
    /// The server did not take it; safe to send again.
    Failed,
    /// It may have arrived.
    Unconfirmed,
}

impl DraftState {
    /// Every state, in the order of the list's filters.
    pub const ALL: [DraftState; 12] = [
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
    ];

    /// Posted, and come to something one way or another; dry receipts included.
    pub const ENDED: [DraftState; 5] = [
        DraftState::Delivered,
        DraftState::DryDelivered,
        DraftState::Refused,
        DraftState::Failed,
        DraftState::Unconfirmed,
    ];

    /// Posted, and waiting or on its way.
    pub const UNDER_WAY: [DraftState; 2] = [DraftState::Queued, DraftState::Sending];

    /// The page's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
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
        }
    }

    /// Its name in markup and style sheets.
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
        }
    }
}
