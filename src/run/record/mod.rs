//! Stored records. A run is stored in parts, so that a change writes only what it changed: its state, its
//! setup, each request to the model, each raw response, and each draft with its attempts. Each record
//! has a version. A record of another version is not read, so it is never overwritten.

mod draft;
mod state;
pub(super) mod stored_outcome;

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use draft::DraftRecord;
pub use state::{RunRecord, RunSummary};

use super::delivering::Dispatch;
use super::keys::Keys;
use super::{Change, GenerationRequest, GenerationState, RequestKind, Run, Step};
use crate::brief::Brief;
use crate::delivery::body::BodyForm;
use crate::model::GenerationOutcome;
use crate::review::RunId;
use crate::schema::{SchemaError, TaskSchema};
use crate::settings::{BodyTemplate, Connection};

/// The record version that this module reads and writes. Versions 1 and 2 were never released.
pub const RECORD_VERSION: u32 = 3;

/// What a run works with. Changes only when the run gets another connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetupRecord {
    version: u32,
    run: RunId,
    brief: Option<Brief>,
    connection: Connection,
    schema: String,
}

/// A request to the model with its calls, without the response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    version: u32,
    run: RunId,
    /// Number of the request within the run, from 1.
    number: u32,
    request: GenerationRequest,
}

/// The raw response to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseRecord {
    version: u32,
    run: RunId,
    /// Number of the request within the run, from 1.
    number: u32,
    text: Arc<str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    reasoning: Arc<str>,
}

/// All records of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecords {
    /// Its state.
    pub run: RunRecord,
    /// Its brief, connection and schema.
    pub setup: SetupRecord,
    /// Its requests, in any order.
    pub requests: Vec<RequestRecord>,
    /// The raw responses that are stored, in any order.
    pub responses: Vec<ResponseRecord>,
    /// Its drafts, in any order.
    pub drafts: Vec<DraftRecord>,
}

/// The records of a run that another page wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangedRecords {
    /// Its state, if it changed.
    pub run: Option<RunRecord>,
    /// Its setup, if it changed.
    pub setup: Option<SetupRecord>,
    /// Changed requests.
    pub requests: Vec<RequestRecord>,
    /// New raw responses.
    pub responses: Vec<ResponseRecord>,
    /// Changed drafts.
    pub drafts: Vec<DraftRecord>,
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

/// A record that is stored as JSON text.
pub trait StoredRecord: Serialize + serde::de::DeserializeOwned {
    /// Parses a stored record.
    ///
    /// # Errors
    /// [`RecordError`] if it is invalid or has another version.
    fn read(text: &str) -> Result<Self, RecordError> {
        read(text)
    }
}

impl StoredRecord for RunRecord {}
impl StoredRecord for SetupRecord {}

impl SetupRecord {
    /// The task schema of the run, with the roles of its connection.
    ///
    /// # Errors
    /// [`SchemaError`] if the stored text is not a usable schema.
    pub fn task_schema(&self) -> Result<TaskSchema, SchemaError> {
        Ok(TaskSchema::parse(&self.schema)?.with_roles(&self.connection.roles))
    }
}

impl StoredRecord for RequestRecord {}
impl StoredRecord for ResponseRecord {}
impl StoredRecord for DraftRecord {}

impl Run {
    /// The record of its setup.
    #[must_use]
    pub fn setup_record(&self) -> SetupRecord {
        SetupRecord {
            version: RECORD_VERSION,
            run: self.id.clone(),
            brief: self.brief.clone(),
            connection: self.connection.clone(),
            schema: self.schema.text().to_owned(),
        }
    }

    /// The record of a request by its number; `None` if there is no such request.
    #[must_use]
    pub fn request_record(&self, number: u32) -> Option<RequestRecord> {
        Some(RequestRecord {
            version: RECORD_VERSION,
            run: self.id.clone(),
            number,
            request: self.request(number)?.clone(),
        })
    }

    /// The record of the raw response to a request; `None` if there is none.
    #[must_use]
    pub fn response_record(&self, number: u32) -> Option<ResponseRecord> {
        Some(ResponseRecord {
            version: RECORD_VERSION,
            run: self.id.clone(),
            number,
            text: Arc::clone(&self.request(number)?.raw_response),
            reasoning: Arc::clone(&self.request(number)?.reasoning),
        })
    }

    fn request(&self, number: u32) -> Option<&GenerationRequest> {
        self.requests.get(index_of(number)?)
    }

    /// Every part of the run that is stored.
    #[must_use]
    pub fn all_parts(&self) -> Vec<Change> {
        let numbers = || (1_u32..).take(self.requests.len());
        [Change::Setup, Change::Run]
            .into_iter()
            .chain(numbers().map(Change::Request))
            .chain(numbers().map(Change::Response))
            .chain(
                self.drafts
                    .iter()
                    .map(|draft| Change::Draft(draft.id.clone())),
            )
            .collect()
    }

    /// All records of the run.
    #[must_use]
    pub fn records(&self) -> RunRecords {
        let numbers = || (1_u32..).take(self.requests.len());
        RunRecords {
            run: self.record(),
            setup: self.setup_record(),
            requests: numbers()
                .filter_map(|number| self.request_record(number))
                .collect(),
            responses: numbers()
                .filter_map(|number| self.response_record(number))
                .collect(),
            drafts: self
                .drafts
                .iter()
                .map(|draft| self.draft_record(draft))
                .collect(),
        }
    }

    /// Builds a run from its records without changing its state. For a read-only tab, while another
    /// page drives the run.
    ///
    /// # Errors
    /// [`RecordError`] if the schema is invalid, a record belongs to another run, or a request or a
    /// draft is missing.
    pub fn from_records(records: RunRecords) -> Result<Run, RecordError> {
        let RunRecords {
            run: state,
            setup,
            mut requests,
            responses,
            mut drafts,
        } = records;
        requests.sort_by_key(|request| request.number);
        drafts.sort_by_key(|draft| draft.id().ordinal);
        let requests_in_order = requests
            .iter()
            .zip(1_u32..)
            .all(|(request, number)| request.run == state.id && request.number == number);
        let drafts_in_order = drafts
            .iter()
            .zip(1_u32..)
            .all(|(draft, ordinal)| draft.id().run == state.id && draft.id().ordinal == ordinal);
        let missing = |what: &str| RecordError::Malformed {
            reason: format!("at least one of its {what} is missing"),
        };
        if setup.run != state.id {
            return Err(missing("parts"));
        }
        if !requests_in_order {
            return Err(missing("requests"));
        }
        if !drafts_in_order {
            return Err(missing("tasks"));
        }
        let schema = setup.task_schema()?;
        let form = BodyForm {
            template: body_template(&setup.connection),
            started_at: state.started_at,
        };
        let drafts = drafts
            .into_iter()
            .map(|draft| Arc::new(draft.into_draft(form)))
            .collect();
        let mut run = Run {
            id: state.id,
            mode: state.mode,
            started_at: state.started_at,
            changed_at: state.changed_at,
            name: state.name,
            is_archived: state.is_archived,
            brief: setup.brief,
            schema,
            connection: setup.connection,
            generation: state.generation,
            requests: requests.into_iter().map(|record| record.request).collect(),
            adaptations: state.adaptations,
            unproven: Vec::new(),
            planned_requests: state.planned_requests,
            notices: state.notices,
            last_request: running_kind(&state.follow_up),
            follow_up: state.follow_up,
            drafts,
            keys: Keys::default(),
            batch: state.batch,
            plan: OnceCell::new(),
            continued_action: None,
            dispatch: Dispatch::waiting_until(state.server_wait_until),
        };
        run.add_responses(responses);
        // The records already contain the violations about keys.
        let _ = run.update_all_keys();
        Ok(run)
    }

    fn add_responses(&mut self, responses: Vec<ResponseRecord>) -> Vec<Change> {
        let mut changes = Vec::new();
        for response in responses.into_iter().filter(|record| record.run == self.id) {
            let place = index_of(response.number).and_then(|index| self.requests.get_mut(index));
            if let Some(request) = place {
                request.raw_response = response.text;
                request.reasoning = response.reasoning;
                changes.push(Change::Response(response.number));
            }
        }
        changes
    }

    /// Applies records that another page wrote. Ignores records of other runs, and requests and drafts
    /// that would leave a gap.
    pub fn apply_records(&mut self, changed: ChangedRecords) -> Step {
        let mut step = Step::default();
        if let Some(setup) = changed.setup.filter(|setup| setup.run == self.id) {
            self.connection = setup.connection;
            step.changes.push(Change::Setup);
        }
        if let Some(state) = changed.run.filter(|state| state.id == self.id) {
            self.changed_at = state.changed_at;
            self.name = state.name;
            self.is_archived = state.is_archived;
            self.generation = state.generation;
            self.planned_requests = state.planned_requests;
            self.adaptations = state.adaptations;
            self.notices = state.notices;
            self.last_request = running_kind(&state.follow_up);
            self.follow_up = state.follow_up;
            self.batch = state.batch;
            step.changes.push(Change::Run);
        }
        for record in changed
            .requests
            .into_iter()
            .filter(|record| record.run == self.id)
        {
            let number = record.number;
            let Some(index) = index_of(number) else {
                continue;
            };
            let is_next = index == self.requests.len();
            match self.requests.get_mut(index) {
                Some(request) => {
                    let raw_response = Arc::clone(&request.raw_response);
                    let reasoning = Arc::clone(&request.reasoning);
                    *request = GenerationRequest {
                        raw_response,
                        reasoning,
                        ..record.request
                    };
                }
                None if is_next => self.requests.push(record.request),
                None => continue,
            }
            step.changes.push(Change::Request(number));
        }
        step.changes.extend(self.add_responses(changed.responses));
        let template = body_template(&self.connection).cloned();
        let form = BodyForm {
            template: template.as_ref(),
            started_at: self.started_at,
        };
        for record in changed
            .drafts
            .into_iter()
            .filter(|draft| draft.id().run == self.id)
        {
            let id = record.id().clone();
            let Some(index) = id.index() else { continue };
            let is_next = index == self.drafts.len();
            let draft = || Arc::new(record.into_draft(form));
            match self.drafts.get_mut(index) {
                Some(place) => *place = draft(),
                None if is_next => self.drafts.push(draft()),
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
    /// As for [`Run::from_records`].
    pub fn restore_from(records: RunRecords, now: u64) -> Result<(Run, Step), RecordError> {
        let mut run = Run::from_records(records)?;
        let mut step = Step::default();
        if run.is_generating() {
            let outcome = GenerationOutcome::Interrupted {
                reason: Some("the page was closed".to_owned()),
            };
            run.count_arrived_tasks();
            for (request, number) in run.requests.iter_mut().zip(1_u32..) {
                for call in request
                    .calls
                    .iter_mut()
                    .filter(|call| call.outcome.is_none())
                {
                    call.outcome = Some(outcome.clone());
                    step.changes.push(Change::Request(number));
                }
            }
            run.end_generation(outcome, now, &mut step);
        }
        run.verify_approvals(&mut step);
        run.recover_deliveries(now, &mut step);
        Ok((run, step))
    }
}

/// The index of a request or draft by its number, which counts from 1.
fn index_of(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

fn body_template(connection: &Connection) -> Option<&BodyTemplate> {
    connection.task_server.as_ref()?.body_template.as_ref()
}

/// The kind of the request that is in progress; `Tasks` if there is none.
fn running_kind(follow_up: &GenerationState) -> RequestKind {
    match follow_up {
        GenerationState::Running { .. } => RequestKind::FollowUp,
        GenerationState::None | GenerationState::Ended { .. } => RequestKind::Tasks,
    }
}
