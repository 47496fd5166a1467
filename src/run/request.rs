//! The requests of a run to the model, each with the calls that were made for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::follow_up::FollowUp;
use super::record;
use crate::model::spending::Measured;
use crate::model::{GenerationOutcome, ResponseFormat, Usage};

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// Tasks of the brief.
    Tasks,
    /// Proposals for tasks that are there.
    FollowUp(FollowUp),
}

/// One request: answered by one call, or by the last of several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerationRequest {
    /// What it is for.
    pub purpose: Purpose,
    /// How many tasks it asks for.
    pub wanted: u16,
    /// How many came.
    pub arrived: u32,
    /// The bytes of its text, but for the form in which it is sent.
    pub bytes: u64,
    /// How often its call was made again by itself because the one before it failed.
    pub retries: u32,
    /// Its calls, in their order.
    pub calls: Vec<Call>,
    /// The text of the last response, unchanged.
    #[serde(alias = "raw_answer")]
    pub raw_response: Arc<str>,
}

/// One call to the endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// When it was made, in milliseconds since 1970.
    pub at: u64,
    /// How much of the schema the endpoint was asked to enforce; none while nothing has left, and
    /// in a dry run.
    pub response_format: Option<ResponseFormat>,
    /// What it used, as far as the endpoint said.
    pub usage: Option<Usage>,
    /// How it ended; none while it is under way.
    #[serde(with = "record::stored_outcome::or_none")]
    pub outcome: Option<GenerationOutcome>,
}

impl GenerationRequest {
    /// How it ended; none while it is under way.
    #[must_use]
    pub fn outcome(&self) -> Option<&GenerationOutcome> {
        self.calls.last()?.outcome.as_ref()
    }

    /// What all its calls used, those that failed included; none where the endpoint never said.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        sum(self.calls.iter().filter_map(|call| call.usage))
    }

    /// What it was, for what the next one is expected to be.
    pub(super) fn measured(&self) -> Option<Measured> {
        Some(Measured {
            bytes: self.bytes,
            tasks: self.arrived,
            usage: self.calls.last()?.usage?,
        })
    }
}

/// All usages together; none where there is none.
pub(super) fn sum(usages: impl Iterator<Item = Usage>) -> Option<Usage> {
    usages.reduce(Usage::plus)
}
