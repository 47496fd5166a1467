//! The record of a draft. It holds the text of the task once: the proposed text and the approved body are
//! stored only where they differ from it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RECORD_VERSION;
use crate::delivery::body::BodyForm;
use crate::delivery::{Delivery, DeliveryStage};
use crate::document::Document;
use crate::review::history::ReviewHistory;
use crate::review::{Approval, Content, Draft, DraftId, Origin, Review, SuggestedEdit};
use crate::run::{Run, TaskDraft};
use crate::schema::{Roles, Violation};

/// A stored draft with its attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftRecord {
    version: u32,
    id: DraftId,
    origin: Origin,
    text: Arc<str>,
    /// The original text; `None` if it is the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proposed: Option<Arc<str>>,
    revision: u32,
    violations: Option<Vec<Violation>>,
    review: StoredReview,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suggested_edits: Vec<SuggestedEdit>,
    /// Records from before this member was added have none.
    #[serde(default, skip_serializing_if = "is_false")]
    is_opened: bool,
    /// Records from before this member was added have none.
    #[serde(default, skip_serializing_if = "ReviewHistory::is_empty")]
    history: ReviewHistory,
    delivery: Delivery,
}

/// The stored form of [`Review`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
enum StoredReview {
    Undecided,
    Approved {
        digest: Arc<str>,
        key: Arc<str>,
        body: StoredBody,
    },
    Rejected {
        reason: String,
    },
    Deleted,
}

/// Where the approved body is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredBody {
    /// It is the task's text.
    Text,
    /// It is the task's text in the body template of the run's connection.
    InTemplate,
    /// It is neither, because the connection changed after the task was posted.
    Bytes(Arc<str>),
}

/// Whether a member with this value is left out of the record.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference.
fn is_false(value: &bool) -> bool {
    !*value
}

impl DraftRecord {
    /// The identity of the draft.
    #[must_use]
    pub fn id(&self) -> &DraftId {
        &self.id
    }

    /// Its title, if the task server has it.
    #[must_use]
    pub fn delivered_title(&self, roles: &Roles) -> Option<String> {
        if self.delivery.stage != DeliveryStage::Delivered {
            return None;
        }
        let document = Document::parse_shared(&self.text).ok()?;
        roles.title(document.root()).map(Cow::into_owned)
    }

    /// The draft, in a run whose bodies have this form.
    pub(super) fn into_draft(self, form: BodyForm<'_>) -> TaskDraft {
        let content = Content::read(&self.text);
        let review = match self.review {
            StoredReview::Undecided => Review::Undecided,
            StoredReview::Rejected { reason } => Review::Rejected { reason },
            StoredReview::Deleted => Review::Deleted,
            StoredReview::Approved { digest, key, body } => Review::Approved(Approval {
                body: match body {
                    StoredBody::Bytes(body) => body,
                    StoredBody::InTemplate => form.body(&self.id, &content.shared_text()),
                    StoredBody::Text => content.shared_text(),
                },
                digest,
                key,
            }),
        };
        Draft {
            id: self.id,
            origin: self.origin,
            proposed: self.proposed.unwrap_or_else(|| content.shared_text()),
            content,
            revision: self.revision,
            violations: self.violations,
            review,
            suggested_edits: self.suggested_edits,
            is_opened: self.is_opened,
            history: self.history,
            delivery: self.delivery,
        }
    }
}

impl Run {
    /// The record of one draft.
    #[must_use]
    pub fn draft_record(&self, draft: &TaskDraft) -> DraftRecord {
        let text = draft.content.shared_text();
        let review = match &draft.review {
            Review::Undecided => StoredReview::Undecided,
            Review::Deleted => StoredReview::Deleted,
            Review::Rejected { reason } => StoredReview::Rejected {
                reason: reason.clone(),
            },
            Review::Approved(Approval { body, digest, key }) => StoredReview::Approved {
                digest: Arc::clone(digest),
                key: Arc::clone(key),
                body: if *body == text {
                    StoredBody::Text
                } else if *body == self.body_form().body(&draft.id, &text) {
                    StoredBody::InTemplate
                } else {
                    StoredBody::Bytes(Arc::clone(body))
                },
            },
        };
        DraftRecord {
            version: RECORD_VERSION,
            id: draft.id.clone(),
            origin: draft.origin,
            proposed: (draft.proposed != text).then(|| Arc::clone(&draft.proposed)),
            text,
            revision: draft.revision,
            violations: draft.violations.clone(),
            review,
            suggested_edits: draft.suggested_edits.clone(),
            is_opened: draft.is_opened,
            history: draft.history.clone(),
            delivery: draft.delivery.clone(),
        }
    }
}
