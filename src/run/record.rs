//! Stored records: one for the run, and one for each draft with its attempts. Each has a version.
//! A record of another version is not read, so it is never overwritten.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delivering::Dispatch;
use super::keys::Keys;
use super::{
    Batch, Change, GenerationRequest, GenerationState, Mode, RequestKind, Run, Step, TaskDraft,
};
use crate::brief::Brief;
use crate::delivery::Delivery;
use crate::model::{GenerationOutcome, Notice, ResponseFormat};
use crate::review::{Content, Draft, DraftId, Origin, Review, RunId, SuggestedEdit};
use crate::schema::{SchemaError, TaskSchema, Violation};
use crate::settings::Connection;

/// The record version that this module reads and writes. Versions 1 and 2 were never released.
pub const RECORD_VERSION: u32 = 3;

/// A stored run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    version: u32,
    id: RunId,
    mode: Mode,
    started_at: u64,
    brief: Option<Brief>,
    connection: Connection,
    schema: String,
    generation: GenerationState,
    requests: Vec<GenerationRequest>,
    planned_requests: u32,
    response_format: ResponseFormat,
    notices: Vec<Notice>,
    follow_up: GenerationState,
    batch: Batch,
    /// Until when the task server asked to send nothing, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_wait_until: Option<u64>,
}

/// A stored draft with its attempts.
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suggested_edits: Vec<SuggestedEdit>,
    delivery: Delivery,
}

/// Why stored records cannot be read. The messages continue a sentence about the run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecordError {
    /// An earlier, unreleased version of this page stored it.
    #[error(
        "it was stored by an earlier, unreleased version of this page (format {version}, this page reads {RECORD_VERSION})"
    )]
    Older {
        /// Version of the record.
        version: u32,
    },
    /// A newer version of this page stored it.
    #[error(
        "it was stored by a newer version of this page (format {version}, this page reads {RECORD_VERSION})"
    )]
    Newer {
        /// Version of the record.
        version: u32,
    },
    /// It is not a valid record.
    #[error("its record is invalid: {reason}")]
    Malformed {
        /// The reason.
        reason: String,
    },
    /// Its task schema is invalid.
    #[error("its task schema is invalid: {0}")]
    Schema(#[from] SchemaError),
}

impl RecordError {
    /// A stable identifier of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RecordError::Older { .. } => "record_older",
            RecordError::Newer { .. } => "record_newer",
            RecordError::Malformed { .. } => "record_malformed",
            RecordError::Schema(_) => "record_schema",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            RecordError::Newer { .. } => {
                "Reload the page to get the newer version. The stored run was not changed."
            }
            RecordError::Older { .. } | RecordError::Malformed { .. } | RecordError::Schema(_) => {
                "Start a new run. The stored run was not changed."
            }
        }
    }
}

/// The stored form of a generation outcome. (The JavaScript form has messages in addition and is
/// never read back.)
pub(super) mod stored_outcome {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::{Failure, GenerationOutcome};
    use crate::settings::Api;

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "name", rename_all = "snake_case")]
    pub(super) enum Stored {
        Complete,
        CutOff { responses: bool },
        Refused { text: String },
        Filtered,
        Interrupted { reason: Option<String> },
        Stalled,
        Failed { failure: Box<Failure> },
        Cancelled,
    }

    impl From<&GenerationOutcome> for Stored {
        fn from(outcome: &GenerationOutcome) -> Stored {
            match outcome.clone() {
                GenerationOutcome::Complete => Stored::Complete,
                cut @ GenerationOutcome::CutOff { .. } => Stored::CutOff {
                    responses: cut == GenerationOutcome::cut_off(Api::Responses),
                },
                GenerationOutcome::Refused { text } => Stored::Refused { text },
                GenerationOutcome::Filtered => Stored::Filtered,
                GenerationOutcome::Interrupted { reason } => Stored::Interrupted { reason },
                GenerationOutcome::Stalled => Stored::Stalled,
                GenerationOutcome::Failed(failure) => Stored::Failed { failure },
                GenerationOutcome::Cancelled => Stored::Cancelled,
            }
        }
    }

    impl From<Stored> for GenerationOutcome {
        fn from(stored: Stored) -> GenerationOutcome {
            match stored {
                Stored::Complete => GenerationOutcome::Complete,
                Stored::CutOff { responses } => GenerationOutcome::cut_off(if responses {
                    Api::Responses
                } else {
                    Api::ChatCompletions
                }),
                Stored::Refused { text } => GenerationOutcome::Refused { text },
                Stored::Filtered => GenerationOutcome::Filtered,
                Stored::Interrupted { reason } => GenerationOutcome::Interrupted { reason },
                Stored::Stalled => GenerationOutcome::Stalled,
                Stored::Failed { failure } => GenerationOutcome::Failed(failure),
                Stored::Cancelled => GenerationOutcome::Cancelled,
            }
        }
    }

    pub fn serialize<S: Serializer>(
        outcome: &GenerationOutcome,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Stored::from(outcome).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<GenerationOutcome, D::Error> {
        Ok(Stored::deserialize(deserializer)?.into())
    }

    /// The same for an optional outcome.
    pub mod optional {
        use super::*;

        pub fn serialize<S: Serializer>(
            outcome: &Option<GenerationOutcome>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            outcome.as_ref().map(Stored::from).serialize(serializer)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<GenerationOutcome>, D::Error> {
            Ok(Option::<Stored>::deserialize(deserializer)?.map(GenerationOutcome::from))
        }
    }
}

/// Parses a record after checking its version.
fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let malformed = |error: serde_json::Error| RecordError::Malformed {
        reason: error.to_string(),
    };
    let Versioned { version } = serde_json::from_str(text).map_err(malformed)?;
    match version.cmp(&RECORD_VERSION) {
        Ordering::Less => Err(RecordError::Older { version }),
        Ordering::Equal => serde_json::from_str(text).map_err(malformed),
        Ordering::Greater => Err(RecordError::Newer { version }),
    }
}

impl RunRecord {
    /// Parses a stored record.
    ///
    /// # Errors
    /// [`RecordError`] if it is invalid or has another version.
    pub fn read(text: &str) -> Result<RunRecord, RecordError> {
        read(text)
    }
}

impl DraftRecord {
    /// Parses a stored record.
    ///
    /// # Errors
    /// [`RecordError`] if it is invalid or has another version.
    pub fn read(text: &str) -> Result<DraftRecord, RecordError> {
        read(text)
    }
}

impl Run {
    /// The record of the run itself.
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
            requests: self.requests.clone(),
            planned_requests: self.planned_requests,
            response_format: self.response_format,
            notices: self.notices.clone(),
            follow_up: self.follow_up.clone(),
            batch: self.batch.clone(),
            server_wait_until: self.dispatch.server_wait_until,
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
            suggested_edits: draft.suggested_edits.clone(),
            delivery: draft.delivery.clone(),
        }
    }

    /// Builds a run from its records without changing its state. For a read-only tab, while another
    /// page drives the run.
    ///
    /// # Errors
    /// [`RecordError`] if the schema is invalid, or the drafts are not all drafts of this run.
    pub fn from_records(
        record: RunRecord,
        mut drafts: Vec<DraftRecord>,
    ) -> Result<Run, RecordError> {
        drafts.sort_by_key(|draft| draft.id.ordinal);
        let in_order = drafts
            .iter()
            .zip(1_u32..)
            .all(|(draft, ordinal)| draft.id.run == record.id && draft.id.ordinal == ordinal);
        if !in_order {
            return Err(RecordError::Malformed {
                reason: "at least one of its tasks is missing".to_owned(),
            });
        }
        let drafts: Vec<Arc<TaskDraft>> = drafts
            .into_iter()
            .map(|draft| Arc::new(draft.into_draft()))
            .collect();
        let mut run = Run {
            id: record.id,
            mode: record.mode,
            started_at: record.started_at,
            brief: record.brief,
            connection: record.connection,
            schema: TaskSchema::parse(&record.schema)?,
            generation: record.generation,
            requests: record.requests,
            response_format: record.response_format,
            planned_requests: record.planned_requests,
            notices: record.notices,
            last_request: running_kind(&record.follow_up),
            follow_up: record.follow_up,
            drafts,
            keys: Keys::default(),
            batch: record.batch,
            plan: OnceCell::new(),
            dispatch: Dispatch::waiting_until(record.server_wait_until),
        };
        // The records already contain the violations about keys.
        let _ = run.update_all_keys();
        Ok(run)
    }

    /// Applies records that another page wrote. Ignores records of other runs, and drafts that would
    /// leave a gap.
    pub fn apply_records(&mut self, record: Option<RunRecord>, drafts: Vec<DraftRecord>) -> Step {
        let mut step = Step::default();
        if let Some(record) = record.filter(|record| record.id == self.id) {
            self.connection = record.connection;
            self.generation = record.generation;
            self.requests = record.requests;
            self.planned_requests = record.planned_requests;
            self.response_format = record.response_format;
            self.notices = record.notices;
            self.last_request = running_kind(&record.follow_up);
            self.follow_up = record.follow_up;
            self.batch = record.batch;
            step.changes.push(Change::Run);
        }
        for record in drafts.into_iter().filter(|draft| draft.id.run == self.id) {
            let id = record.id.clone();
            let Some(index) = id.index() else { continue };
            let is_next = index == self.drafts.len();
            match self.drafts.get_mut(index) {
                Some(draft) => *draft = Arc::new(record.into_draft()),
                None if is_next => self.drafts.push(Arc::new(record.into_draft())),
                None => continue,
            }
            step.changes.push(Change::Draft(id));
        }
        let _ = self.update_all_keys();
        self.drop_plan();
        step
    }

    /// Restores a run at `now` after its page was closed. A response that was arriving counts as
    /// interrupted. A task that was being posted may have arrived: it is queued again if resending
    /// cannot duplicate it, otherwise it is unconfirmed. The returned step lists what changed.
    ///
    /// # Errors
    /// [`RecordError`] if the schema is invalid, or the drafts are not all drafts of this run.
    pub fn restore_from(
        record: RunRecord,
        drafts: Vec<DraftRecord>,
        now: u64,
    ) -> Result<(Run, Step), RecordError> {
        let mut run = Run::from_records(record, drafts)?;
        let mut step = Step::default();
        if run.is_generating() {
            let outcome = GenerationOutcome::Interrupted {
                reason: Some("the page was closed".to_owned()),
            };
            let calls = run
                .requests
                .iter_mut()
                .flat_map(|request| &mut request.calls);
            for call in calls.filter(|call| call.outcome.is_none()) {
                call.outcome = Some(outcome.clone());
            }
            run.end_generation(outcome, now, &mut step);
        }
        run.verify_approvals(&mut step);
        run.recover_deliveries(now, &mut step);
        Ok((run, step))
    }
}

/// The kind of the request that is in progress; `Tasks` if there is none.
fn running_kind(follow_up: &GenerationState) -> RequestKind {
    match follow_up {
        GenerationState::Running { .. } => RequestKind::FollowUp,
        GenerationState::None | GenerationState::Ended { .. } => RequestKind::Tasks,
    }
}

impl DraftRecord {
    fn into_draft(self) -> TaskDraft {
        let content = Content::read(&self.text);
        Draft {
            id: self.id,
            origin: self.origin,
            // An unchanged text is held in memory once.
            proposed: if *self.proposed == *content.text() {
                content.shared_text()
            } else {
                self.proposed
            },
            content,
            revision: self.revision,
            violations: self.violations,
            review: self.review,
            suggested_edits: self.suggested_edits,
            delivery: self.delivery,
        }
    }
}
