//! What is kept of a run: one record for the run, one for each draft with its attempts. Each says
//! its version; a record of a newer version is never read, so that it is never overwritten.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delivering::Dispatch;
use super::keys::Keys;
use super::{
    Batch, Call, Change, GenerationRequest, GenerationState, Mode, Purpose, Run, Step, TaskDraft,
};
use crate::brief::Brief;
use crate::delivery::Delivery;
use crate::model::{GenerationOutcome, Notice, ResponseFormat, Usage};
use crate::review::{Content, Draft, DraftId, Origin, Review, RunId, SuggestedEdit};
use crate::schema::{SchemaError, TaskSchema, Violation};
use crate::settings::Connection;

/// The version that this module writes, and the newest that it reads.
pub const RECORD_VERSION: u32 = 2;

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
    generation: GenerationState,
    /// The first version kept one answer and what it used; now every request is kept.
    #[serde(default, skip_serializing)]
    usage: Option<Usage>,
    #[serde(default, skip_serializing, rename = "raw_answer")]
    raw_response: Arc<str>,
    #[serde(default)]
    requests: Vec<GenerationRequest>,
    #[serde(default)]
    still_planned: u32,
    #[serde(default)]
    response_format: ResponseFormat,
    #[serde(default)]
    notices: Vec<Notice>,
    #[serde(default)]
    again: GenerationState,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suggested_edits: Vec<SuggestedEdit>,
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
                Stored::CutOff { responses } => GenerationOutcome::cut_off(match responses {
                    true => Api::Responses,
                    false => Api::ChatCompletions,
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

    /// The same for what may not have ended yet.
    pub mod or_none {
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
            usage: None,
            raw_response: "".into(),
            requests: self.requests.clone(),
            still_planned: self.still_planned,
            response_format: self.response_format,
            notices: self.notices.clone(),
            again: self.again.clone(),
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
            suggested_edits: draft.suggested_edits.clone(),
            delivery: draft.delivery.clone(),
        }
    }

    /// A run as its records say, what is under way included: for a page that looks on while another
    /// one carries it out.
    ///
    /// # Errors
    /// [`RecordError`]; also where the drafts are not this run's, or one is missing.
    pub fn as_recorded(
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
                reason: "one of its tasks is missing".to_owned(),
            });
        }
        let drafts: Vec<Arc<TaskDraft>> = drafts
            .into_iter()
            .map(|draft| Arc::new(draft.into_draft()))
            .collect();
        let mut run = Run {
            requests: requests(&record, &drafts),
            id: record.id,
            mode: record.mode,
            started_at: record.started_at,
            brief: record.brief,
            connection: record.connection,
            schema: TaskSchema::parse(&record.schema)?,
            generation: record.generation,
            response_format: record.response_format,
            still_planned: record.still_planned,
            notices: record.notices,
            is_about_tasks: matches!(record.again, GenerationState::Running { .. }),
            again: record.again,
            drafts,
            keys: Keys::default(),
            batch: record.batch,
            plan: OnceCell::new(),
            dispatch: Dispatch::default(),
        };
        // What the keys say stands in the records.
        let _ = run.update_all_keys();
        Ok(run)
    }

    /// Takes over what another page wrote of this run since. Records of other runs, and of drafts
    /// that do not follow those that are there, change nothing.
    pub fn renew(&mut self, record: Option<RunRecord>, drafts: Vec<DraftRecord>) -> Step {
        let mut step = Step::default();
        if let Some(record) = record.filter(|record| record.id == self.id) {
            self.connection = record.connection;
            self.generation = record.generation;
            self.requests = record.requests;
            self.still_planned = record.still_planned;
            self.response_format = record.response_format;
            self.notices = record.notices;
            self.is_about_tasks = matches!(record.again, GenerationState::Running { .. });
            self.again = record.again;
            self.batch = record.batch;
            step.changes.push(Change::Run);
        }
        for record in drafts.into_iter().filter(|draft| draft.id.run == self.id) {
            let id = record.id.clone();
            let Some(place) = id.place() else { continue };
            let is_next = place == self.drafts.len();
            match self.drafts.get_mut(place) {
                Some(draft) => *draft = Arc::new(record.into_draft()),
                None if is_next => self.drafts.push(Arc::new(record.into_draft())),
                None => continue,
            }
            step.changes.push(Change::Draft(id));
        }
        let _ = self.update_all_keys();
        self.replan();
        step
    }

    /// A run as it stood when the page went away, settled at `now`: what was under way then is not
    /// known to have ended well. An answer that was arriving is interrupted. A task that was on its
    /// way may have arrived: it waits to be sent again where that cannot double it, else it is of
    /// unknown fate. The step says what changed by that.
    ///
    /// # Errors
    /// [`RecordError`]; also where the drafts are not this run's, or one is missing.
    pub fn restore_from(
        record: RunRecord,
        drafts: Vec<DraftRecord>,
        now: u64,
    ) -> Result<(Run, Step), RecordError> {
        let mut run = Run::as_recorded(record, drafts)?;
        let mut step = Step::default();
        if run.is_asking() {
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
        run.settle_deliveries(now, &mut step);
        Ok((run, step))
    }
}

/// The requests that were kept; of a record of the first version the only one.
fn requests(record: &RunRecord, drafts: &[Arc<TaskDraft>]) -> Vec<GenerationRequest> {
    if record.usage.is_none() && record.raw_response.is_empty() {
        return record.requests.clone();
    }
    let came = drafts.iter().filter(|draft| draft.origin != Origin::Pasted);
    vec![GenerationRequest {
        purpose: Purpose::Tasks,
        wanted: record.brief.as_ref().map_or(0, |brief| brief.count.get()),
        arrived: u32::try_from(came.count()).unwrap_or(u32::MAX),
        bytes: 0,
        retries: 0,
        calls: vec![Call {
            at: record.started_at,
            response_format: None,
            usage: record.usage,
            outcome: match &record.generation {
                GenerationState::Ended { outcome, .. } => Some(outcome.clone()),
                GenerationState::None | GenerationState::Running { .. } => None,
            },
        }],
        raw_response: record.raw_response.clone(),
    }]
}

impl DraftRecord {
    fn into_draft(self) -> TaskDraft {
        let content = Content::read(&self.text);
        Draft {
            id: self.id,
            origin: self.origin,
            // A text that nobody changed is held once.
            proposed: match *self.proposed == *content.text() {
                true => content.shared_text(),
                false => self.proposed,
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
