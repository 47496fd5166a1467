//! The requests of a run to the model, each with its calls.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::follow_up::FollowUp;
use super::record;
use crate::model::spending::Measured;
use crate::model::{Adaptation, Adaptations, GenerationOutcome, ResponseFormat, Usage};

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// Tasks of the brief.
    Tasks,
    /// Suggested edits for existing tasks.
    FollowUp(FollowUp),
}

/// The kinds of request. Each has its own generation state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    Tasks,
    FollowUp,
}

impl Purpose {
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Purpose::Tasks => RequestKind::Tasks,
            Purpose::FollowUp(_) => RequestKind::FollowUp,
        }
    }
}

/// One request. Its response comes from one call, or from the last of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationRequest {
    /// What it is for.
    pub purpose: Purpose,
    /// Number of tasks requested.
    pub wanted: u16,
    /// Number of tasks that arrived.
    pub arrived: u32,
    /// Size of its text in bytes, without the encoding of the API.
    pub bytes: u64,
    /// Number of automatic retries after failed calls.
    pub retries: u32,
    /// Its calls, oldest first.
    pub calls: Vec<Call>,
    /// The text of the last response, unchanged. Stored in a record of its own; empty if it was deleted.
    #[serde(skip)]
    pub raw_response: Arc<str>,
    /// The model's reasoning, as far as it was sent apart from the text. Stored and deleted with it.
    #[serde(skip)]
    pub reasoning: Arc<str>,
}

/// One call to the endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// When it was made, in milliseconds since 1970.
    pub at: u64,
    /// The response format it asked for; `None` until it is sent, and in a dry run.
    pub response_format: Option<ResponseFormat>,
    /// The adaptations it was made with.
    #[serde(default, skip_serializing_if = "Adaptations::is_empty")]
    pub adaptations: Adaptations,
    /// The adaptation with which it was repeated, because the endpoint refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptation: Option<Adaptation>,
    /// Its usage, if the endpoint reported it.
    pub usage: Option<Usage>,
    /// How it ended; `None` while it is in progress.
    #[serde(with = "record::stored_outcome::optional")]
    pub outcome: Option<GenerationOutcome>,
}

impl GenerationRequest {
    /// How it ended; `None` while it is in progress.
    #[must_use]
    pub fn outcome(&self) -> Option<&GenerationOutcome> {
        self.calls.last()?.outcome.as_ref()
    }

    /// Total usage of all its calls, including failed ones; `None` if the endpoint never reported
    /// any.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        sum(self.calls.iter().filter_map(|call| call.usage))
    }

    /// Measurements for estimating the next request.
    pub(super) fn measured(&self) -> Option<Measured> {
        Some(Measured {
            bytes: self.bytes,
            tasks: self.arrived,
            usage: self.calls.last()?.usage?,
        })
    }
}

/// The sum of all usages; `None` if there are none.
pub(super) fn sum(usages: impl Iterator<Item = Usage>) -> Option<Usage> {
    usages.reduce(Usage::plus)
}
