//! The stored form of a generation outcome. (The JavaScript form has messages in addition and is never
//! read back.)

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{Failure, GenerationOutcome, Stall};
use crate::settings::Api;

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub(super) enum Stored {
    Complete,
    CutOff {
        responses: bool,
    },
    Refused {
        text: String,
    },
    Filtered,
    Interrupted {
        reason: Option<String>,
    },
    Stalled {
        #[serde(default)]
        by: Stall,
    },
    Failed {
        failure: Box<Failure>,
    },
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
            GenerationOutcome::Stalled(by) => Stored::Stalled { by },
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
            Stored::Stalled { by } => GenerationOutcome::Stalled(by),
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
