//! What is kept of a run: one record for the run, one for each draft with its attempts. Each says
//! its version; a record of a newer version is never read, so that it is never overwritten.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Batch, Generation, Mode, Pause, Run, TaskDraft};
use crate::brief::Brief;
use crate::delivery::receipt::Stage;
use crate::delivery::{Delivery, Outcome as DeliveryOutcome};
use crate::model::{Outcome, Usage};
use crate::review::{Content, Draft, DraftId, Origin, Review, RunId};
use crate::schema::{SchemaError, TaskSchema, Violation};
use crate::settings::Connection;

/// The version that this module writes, and the newest that it reads.
pub const RECORD_VERSION: u32 = 1;

/// A run as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    version: u32,
    id: RunId,
    mode: Mode,
    started_at: u64,
    brief: Option<Brief>,
    connection: Connection,
    schema: String,
    generation: Generation,
    usage: Option<Usage>,
    raw_answer: Arc<str>,
    batch: Batch,
}

/// A draft as it is kept, attempts included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftRecord {
    version: u32,
    id: DraftId,
    origin: Origin,
    proposed: Arc<str>,
    text: Arc<str>,
    revision: u32,
    violations: Option<Vec<Violation>>,
    review: Review,
    delivery: Delivery,
}

/// Why records cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// A newer version of this page wrote it.
    #[error("a newer version of this page wrote it (version {version})")]
    Newer {
        /// The version it has.
        version: u32,
    },
    /// It is not a record.
    #[error("it cannot be read: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Its task schema is not one.
    #[error("its task schema cannot be read: {0}")]
    Schema(#[from] SchemaError),
}

impl RecordError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::Newer { .. } => "record_newer",
            RecordError::Malformed { .. } => "record_malformed",
            RecordError::Schema(_) => "record_schema",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            RecordError::Newer { .. } => {
                "Reload the page to get the newer version. Nothing of it was changed."
            }
            RecordError::Malformed { .. } | RecordError::Schema(_) => {
                "It was left as it is. Start a new run."
            }
        }
    }
}

/// How an answer ended, as it is kept. (What JavaScript sees of an outcome says more, in words, and
/// is not read back.)
pub(super) mod stored_outcome {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::{Failure, Outcome};
    use crate::settings::Api;

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "name", rename_all = "snake_case")]
    enum Stored {
        Complete,
        CutOff { responses: bool },
        Refused { text: String },
        Filtered,
        Interrupted { reason: Option<String> },
        Stalled,
        Failed { failure: Box<Failure> },
        Cancelled,
    }

    pub fn serialize<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
        match outcome.clone() {
            Outcome::Complete => Stored::Complete,
            cut @ Outcome::CutOff { .. } => Stored::CutOff {
                responses: cut == Outcome::cut_off(Api::Responses),
            },
            Outcome::Refused { text } => Stored::Refused { text },
            Outcome::Filtered => Stored::Filtered,
            Outcome::Interrupted { reason } => Stored::Interrupted { reason },
            Outcome::Stalled => Stored::Stalled,
            Outcome::Failed(failure) => Stored::Failed { failure },
            Outcome::Cancelled => Stored::Cancelled,
        }
        .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Complete => Outcome::Complete,
            Stored::CutOff { responses } => Outcome::cut_off(match responses {
                true => Api::Responses,
                false => Api::ChatCompletions,
            }),
            Stored::Refused { text } => Outcome::Refused { text },
            Stored::Filtered => Outcome::Filtered,
            Stored::Interrupted { reason } => Outcome::Interrupted { reason },
            Stored::Stalled => Outcome::Stalled,
            Stored::Failed { failure } => Outcome::Failed(failure),
            Stored::Cancelled => Outcome::Cancelled,
        })
    }
}

/// Reads the version before anything else is believed of a record.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let malformed = |error: serde_json::Error| RecordError::Malformed {
        reason: error.to_string(),
    };
    let versioned: Versioned = serde_json::from_str(text).map_err(malformed)?;
    if versioned.version > RECORD_VERSION {
        return Err(RecordError::Newer {
            version: versioned.version,
        });
    }
    serde_json::from_str(text).map_err(malformed)
}

impl RunRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(text: &str) -> Result<RunRecord, RecordError> {
        read(text)
    }
}

impl DraftRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(text: &str) -> Result<DraftRecord, RecordError> {
        read(text)
    }
}

impl Run {
    /// The run's own record.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        RunRecord {
            version: RECORD_VERSION,
            id: self.id.clone(),
            mode: self.mode,
            started_at: self.started_at,
            brief: self.brief.clone(),
            connection: self.connection.clone(),
            schema: self.schema.text().to_owned(),
            generation: self.generation.clone(),
            usage: self.usage,
            raw_answer: self.raw_answer.clone(),
            batch: self.batch.clone(),
        }
    }

    /// The record of one draft.
    #[must_use]
    pub fn draft_record(draft: &TaskDraft) -> DraftRecord {
        DraftRecord {
            version: RECORD_VERSION,
            id: draft.id.clone(),
            origin: draft.origin,
            proposed: draft.proposed.clone(),
            text: draft.content.text().into(),
            revision: draft.revision,
            violations: draft.violations.clone(),
            review: draft.review.clone(),
            delivery: draft.delivery.clone(),
        }
    }

    /// A run as it stood when the page went away. What was under way then is not known to have
    /// ended well: an answer that was arriving is interrupted, and a task that was on its way may
    /// have arrived.
    ///
    /// # Errors
    /// [`RecordError`]; also where the drafts are not this run's, or one is missing.
    pub fn restore_from(
        record: RunRecord,
        mut drafts: Vec<DraftRecord>,
        now: u64,
    ) -> Result<Run, RecordError> {
        let malformed = |reason: &str| RecordError::Malformed {
            reason: reason.to_owned(),
        };
        drafts.sort_by_key(|draft| draft.id.ordinal);
        let in_order = drafts
            .iter()
            .zip(1_u32..)
            .all(|(draft, ordinal)| draft.id.run == record.id && draft.id.ordinal == ordinal);
        if !in_order {
            return Err(malformed("one of its tasks is missing"));
        }
        let mode = record.mode;
        let drafts: Vec<TaskDraft> = drafts
            .into_iter()
            .map(|draft| restored(draft, mode, now))
            .collect();
        let is_queued = drafts
            .iter()
            .any(|draft| draft.delivery.stage == Stage::Queued);
        Ok(Run {
            id: record.id,
            mode: record.mode,
            started_at: record.started_at,
            brief: record.brief,
            connection: record.connection,
            schema: TaskSchema::parse(&record.schema)?,
            generation: match record.generation {
                Generation::Running { .. } => Generation::Ended {
                    outcome: Outcome::Interrupted {
                        reason: Some("the page was closed".to_owned()),
                    },
                    at: now,
                    kept: false,
                },
                ended => ended,
            },
            usage: record.usage,
            raw_answer: record.raw_answer,
            drafts,
            batch: match record.batch {
                Batch::Running { .. } if is_queued => Batch::Paused {
                    why: Pause::PageClosed,
                },
                Batch::Running { .. } => Batch::Idle,
                batch => batch,
            },
        })
    }
}

fn restored(record: DraftRecord, mode: Mode, now: u64) -> TaskDraft {
    let mut delivery = record.delivery;
    if delivery.stage == Stage::Sending && mode == Mode::Dry {
        // Nothing leaves a dry run, so nothing can have arrived.
        delivery.attempts.pop();
        delivery.stage = Stage::Queued;
    }
    if delivery.stage == Stage::Sending {
        delivery.stage = Stage::Unknown;
        if let Some(last) = delivery.attempts.last_mut() {
            last.ended_at = Some(now);
            last.outcome = Some(DeliveryOutcome::MayHaveArrived {
                status: None,
                message: "The page was closed while the task was on its way.".to_owned(),
            });
        }
    }
    Draft {
        id: record.id,
        origin: record.origin,
        proposed: record.proposed,
        content: Content::read(&record.text),
        revision: record.revision,
        violations: record.violations,
        review: record.review,
        delivery,
    }
}
