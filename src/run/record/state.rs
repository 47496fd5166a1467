//! The record of the state of a run, and its summary in the list of runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RECORD_VERSION;
use crate::model::{Adaptations, Notice};
use crate::review::{DraftState, RunId};
use crate::run::{Batch, Counts, GenerationState, Mode, Run};
use crate::text::{counted, truncate_at_word};

/// Longest name made from a brief, in characters, and the shortest if it ends at a word.
const MAX_TITLE_CHARACTERS: usize = 80;
const MIN_TITLE_CHARACTERS: usize = 50;

/// The state of a run, without its requests and drafts. It is small, and written with every change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub(super) version: u32,
    pub(super) id: RunId,
    /// The name that the operator gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Its name as long as the operator gave it none.
    title: String,
    /// The name of its connection.
    connection: String,
    pub(super) mode: Mode,
    pub(super) started_at: u64,
    pub(super) changed_at: u64,
    pub(super) is_archived: bool,
    /// Whether the operator deleted it. Its records are removed once this can no longer be undone.
    #[serde(default)]
    is_deleted: bool,
    /// Number of drafts in each state, without zeros.
    counts: BTreeMap<String, usize>,
    pub(super) generation: GenerationState,
    pub(super) planned_requests: u32,
    #[serde(default)]
    pub(super) adaptations: Adaptations,
    pub(super) notices: Vec<Notice>,
    pub(super) follow_up: GenerationState,
    pub(super) batch: Batch,
    /// Until when the task server asked to send nothing, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server_wait_until: Option<u64>,
}

/// A run in the list of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its identity.
    pub id: RunId,
    /// The name that the operator gave it, or else one made from its brief.
    pub name: String,
    /// The name of its connection.
    pub connection: String,
    /// Dry or live.
    pub mode: Mode,
    /// When it started, in milliseconds since 1970.
    pub started_at: u64,
    /// When it last changed, in milliseconds since 1970.
    pub changed_at: u64,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Whether it was deleted and can still be restored.
    pub is_deleted: bool,
    /// Number of drafts in each state.
    pub counts: Counts,
}

impl RunSummary {
    /// Whether nothing of the run waits for the operator: no task is approved, queued or unconfirmed.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.counts.open_work().is_none()
    }
}

impl RunRecord {
    /// The run as it is listed.
    #[must_use]
    pub fn summary(&self) -> RunSummary {
        RunSummary {
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.title.clone()),
            connection: self.connection.clone(),
            mode: self.mode,
            started_at: self.started_at,
            changed_at: self.changed_at,
            is_archived: self.is_archived,
            is_deleted: self.is_deleted,
            counts: DraftState::ALL
                .into_iter()
                .filter_map(|state| Some((state, *self.counts.get(state.slug())?)))
                .collect(),
        }
    }

    /// The same run under another name. An empty name restores the one made from the brief.
    #[must_use]
    pub fn renamed(self, name: &str) -> RunRecord {
        RunRecord {
            name: Run::checked_name(name),
            ..self
        }
    }

    /// The same run, archived or not.
    #[must_use]
    pub fn archived(self, is_archived: bool) -> RunRecord {
        RunRecord {
            is_archived,
            ..self
        }
    }

    /// The same run, deleted or not.
    #[must_use]
    pub fn deleted(self, is_deleted: bool) -> RunRecord {
        RunRecord { is_deleted, ..self }
    }
}

impl Run {
    /// The record of its state.
    #[must_use]
    pub fn record(&self) -> RunRecord {
        let counts = self.counts();
        RunRecord {
            version: RECORD_VERSION,
            id: self.id.clone(),
            name: self.name.clone(),
            title: self.title(),
            connection: self.connection.name.clone(),
            mode: self.mode,
            started_at: self.started_at,
            changed_at: self.changed_at,
            is_archived: self.is_archived,
            is_deleted: false,
            counts: DraftState::ALL
                .into_iter()
                .filter(|state| counts.of(*state) > 0)
                .map(|state| (state.slug().to_owned(), counts.of(state)))
                .collect(),
            generation: self.generation.clone(),
            planned_requests: self.planned_requests,
            adaptations: self.adaptations.clone(),
            notices: self.notices.clone(),
            follow_up: self.follow_up.clone(),
            batch: self.batch.clone(),
            server_wait_until: self.dispatch.server_wait_until,
        }
    }

    /// A name for the run: the first line of its brief, or the number of imported tasks.
    fn title(&self) -> String {
        let goal = self.brief.as_ref().map(|brief| brief.goal.as_str());
        match goal.and_then(|goal| goal.lines().map(str::trim).find(|line| !line.is_empty())) {
            Some(line) => truncate_at_word(line, MAX_TITLE_CHARACTERS, MIN_TITLE_CHARACTERS),
            None => format!("{} imported", counted(self.counts().total(), "task")),
        }
    }
}
