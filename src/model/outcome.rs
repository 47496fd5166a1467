//! How one request to the model ended.

use super::failure::Failure;
use crate::settings::Api;

/// How one request to the model ended. Only [`GenerationOutcome::Complete`] lets a batch be approved as a
/// whole; whole tasks of an answer that ended otherwise are kept by a deliberate act.
///
/// Serialized it is an object told apart by `outcome`, with `retry` and `hint` and what else is
/// known, in camelCase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerationOutcome {
    /// The endpoint said that it finished and the JSON closed.
    Complete,
    /// A limit on tokens ended the answer, wherever it stood.
    CutOff {
        /// The parameter that carries the limit in this API.
        limit: &'static str,
    },
    /// The model refused.
    Refused {
        /// Its words.
        text: String,
    },
    /// A content filter ended the answer.
    Filtered,
    /// The stream ended without a word that it was finished.
    Interrupted {
        /// What the browser said, where the connection broke.
        reason: Option<String>,
    },
    /// Nothing arrived for the idle time.
    Stalled,
    /// Something went wrong, at the endpoint or in its answer.
    Failed(Box<Failure>),
    /// The operator stopped it.
    Cancelled,
}

impl GenerationOutcome {
    /// The outcome of a limit on tokens.
    #[must_use]
    pub fn cut_off(api: Api) -> GenerationOutcome {
        GenerationOutcome::CutOff {
            limit: match api {
                Api::ChatCompletions => "max_completion_tokens",
                Api::Responses => "max_output_tokens",
            },
        }
    }

    /// The stable name; for a failure that of its kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            GenerationOutcome::Failed(failure) => failure.code(),
            other => other.name(),
        }
    }

    /// The name of the outcome, as in the product page.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            GenerationOutcome::Complete => "complete",
            GenerationOutcome::CutOff { .. } => "cut_off",
            GenerationOutcome::Refused { .. } => "refused",
            GenerationOutcome::Filtered => "filtered",
            GenerationOutcome::Interrupted { .. } => "interrupted",
            GenerationOutcome::Stalled => "stalled",
            GenerationOutcome::Failed(_) => "failed",
            GenerationOutcome::Cancelled => "cancelled",
        }
    }

    /// Whether the answer is whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, GenerationOutcome::Complete)
    }

    /// Whether the same request again may end otherwise. Says nothing of its cost.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            GenerationOutcome::Interrupted { .. }
            | GenerationOutcome::Stalled
            | GenerationOutcome::Cancelled => true,
            GenerationOutcome::Failed(failure) => failure.retry(),
            GenerationOutcome::Complete
            | GenerationOutcome::CutOff { .. }
            | GenerationOutcome::Refused { .. }
            | GenerationOutcome::Filtered => false,
        }
    }

    /// What happened, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            GenerationOutcome::Complete => "The model finished its answer.".to_owned(),
            GenerationOutcome::CutOff { .. } => "A limit on tokens cut the answer off.".to_owned(),
            GenerationOutcome::Refused { text } => format!("The model refused: {text}"),
            GenerationOutcome::Filtered => {
                "The endpoint's content filter ended the answer.".to_owned()
            }
            GenerationOutcome::Interrupted { reason: None } => {
                "The stream ended before the model said that it had finished.".to_owned()
            }
            GenerationOutcome::Interrupted {
                reason: Some(reason),
            } => format!("The connection broke before the model had finished: {reason}"),
            GenerationOutcome::Stalled => "Nothing arrived any more.".to_owned(),
            GenerationOutcome::Failed(failure) => failure.message.clone(),
            GenerationOutcome::Cancelled => "Stopped.".to_owned(),
        }
    }

    /// What to do next, in the operator's words.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            GenerationOutcome::Complete => "Review the tasks.".to_owned(),
            GenerationOutcome::CutOff { limit } => format!(
                "Raise {limit}, or ask for fewer tasks at a time; without such a limit it is the \
                 model's own, or its context. The whole tasks can be kept; the half one is never \
                 completed."
            ),
            GenerationOutcome::Refused { .. } => {
                "Change the brief, or choose another model.".to_owned()
            }
            GenerationOutcome::Filtered => {
                "Change the wording of the brief. The whole tasks can be kept.".to_owned()
            }
            GenerationOutcome::Interrupted { .. } | GenerationOutcome::Stalled => {
                "Ask again, or keep the whole tasks.".to_owned()
            }
            GenerationOutcome::Failed(failure) => failure.hint(),
            GenerationOutcome::Cancelled => "The whole tasks can be kept.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<GenerationOutcome> {
        vec![
            GenerationOutcome::Complete,
            GenerationOutcome::cut_off(Api::ChatCompletions),
            GenerationOutcome::Refused { text: "No.".into() },
            GenerationOutcome::Filtered,
            GenerationOutcome::Interrupted { reason: None },
            GenerationOutcome::Stalled,
            GenerationOutcome::Failed(Box::new(Failure::unreachable("Failed to fetch"))),
            GenerationOutcome::Cancelled,
        ]
    }

    #[test]
    fn only_complete_is_complete_and_every_outcome_says_what_to_do() {
        let complete: Vec<_> = all().iter().map(GenerationOutcome::is_complete).collect();
        assert_eq!(complete.iter().filter(|complete| **complete).count(), 1);
        assert!(complete[0]);
        for outcome in all() {
            assert!(!outcome.hint().is_empty() && !outcome.message().is_empty());
        }
    }

    #[test]
    fn a_retry_makes_sense_only_where_chance_decides() {
        let retry: Vec<_> = all().iter().map(GenerationOutcome::retry).collect();
        assert_eq!(retry, [false, false, false, false, true, true, true, true]);
    }

    #[test]
    fn the_limit_to_raise_has_the_name_that_the_api_gives_it() {
        for (api, name) in [
            (Api::ChatCompletions, "max_completion_tokens"),
            (Api::Responses, "max_output_tokens"),
        ] {
            assert!(GenerationOutcome::cut_off(api).hint().contains(name));
        }
    }
}
