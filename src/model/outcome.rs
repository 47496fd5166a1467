//! How one request to the model ended.

use super::failure::{Failure, FailureKind};
use crate::settings::Api;

/// How one request to the model ended.
///
/// Tasks can be approved only after [`GenerationOutcome::Complete`], or after the operator has
/// accepted the partial response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerationOutcome {
    /// The endpoint said that it finished, and the JSON closed.
    Complete,
    /// A token limit ended the response, possibly in the middle of a task.
    CutOff {
        /// The request parameter of this API that sets the limit.
        limit: &'static str,
    },
    /// The model refused.
    Refused {
        /// What the model wrote.
        text: String,
    },
    /// A content filter ended the response.
    Filtered,
    /// The stream ended before the endpoint said that it finished.
    Interrupted {
        /// The browser's error message if the connection broke.
        reason: Option<String>,
    },
    /// Nothing arrived for the duration of a timeout.
    Stalled(Stall),
    /// The endpoint failed, or its response cannot be used.
    Failed(Box<Failure>),
    /// The operator cancelled it.
    Cancelled,
}

/// The timeout that ended a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stall {
    /// The model had not begun to write.
    FirstToken,
    /// Nothing arrived for a while.
    #[default]
    Idle,
}

impl Stall {
    /// The setting that governs it, in the operator's words.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Stall::FirstToken => "first-token timeout",
            Stall::Idle => "idle timeout",
        }
    }
}

impl GenerationOutcome {
    /// The outcome of a response that a token limit cut off.
    #[must_use]
    pub fn cut_off(api: Api) -> GenerationOutcome {
        GenerationOutcome::CutOff {
            limit: match api {
                Api::ChatCompletions => "max_completion_tokens",
                Api::Responses => "max_output_tokens",
            },
        }
    }

    /// The outcome with `map` applied to all text that was received, such as to redact a secret in it.
    #[must_use]
    pub fn map_text(self, map: impl Fn(&str) -> String) -> GenerationOutcome {
        match self {
            GenerationOutcome::Failed(failure) => {
                GenerationOutcome::Failed(Box::new(failure.map_text(map)))
            }
            GenerationOutcome::Interrupted { reason } => GenerationOutcome::Interrupted {
                reason: reason.as_deref().map(map),
            },
            GenerationOutcome::Refused { text } => GenerationOutcome::Refused { text: map(&text) },
            other @ (GenerationOutcome::Complete
            | GenerationOutcome::CutOff { .. }
            | GenerationOutcome::Filtered
            | GenerationOutcome::Stalled(_)
            | GenerationOutcome::Cancelled) => other,
        }
    }

    /// A stable name; for a failure, the code of its kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            GenerationOutcome::Failed(failure) => failure.code(),
            other => other.name(),
        }
    }

    /// A stable name of the variant.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            GenerationOutcome::Complete => "complete",
            GenerationOutcome::CutOff { .. } => "cut_off",
            GenerationOutcome::Refused { .. } => "refused",
            GenerationOutcome::Filtered => "filtered",
            GenerationOutcome::Interrupted { .. } => "interrupted",
            GenerationOutcome::Stalled(_) => "stalled",
            GenerationOutcome::Failed(_) => "failed",
            GenerationOutcome::Cancelled => "cancelled",
        }
    }

    /// Whether the response is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, GenerationOutcome::Complete)
    }

    /// Whether the endpoint rejected the API key.
    #[must_use]
    pub fn is_key_refused(&self) -> bool {
        matches!(self, GenerationOutcome::Failed(failure) if failure.kind == FailureKind::KeyRefused)
    }

    /// Whether the same request may succeed if it is repeated, whatever it costs.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            GenerationOutcome::Interrupted { .. }
            | GenerationOutcome::Stalled(_)
            | GenerationOutcome::Cancelled => true,
            GenerationOutcome::Failed(failure) => failure.retry(),
            GenerationOutcome::Complete
            | GenerationOutcome::CutOff { .. }
            | GenerationOutcome::Refused { .. }
            | GenerationOutcome::Filtered => false,
        }
    }

    /// What happened, in one sentence for the operator.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            GenerationOutcome::Complete => "The response is complete.".to_owned(),
            GenerationOutcome::CutOff { .. } => "A token limit cut off the response.".to_owned(),
            GenerationOutcome::Refused { text } => format!("The model refused: {text}"),
            GenerationOutcome::Filtered => {
                "The endpoint's content filter stopped the response.".to_owned()
            }
            GenerationOutcome::Interrupted { reason: None } => {
                "The stream ended before the model finished.".to_owned()
            }
            GenerationOutcome::Interrupted {
                reason: Some(reason),
            } => format!("The connection broke before the model finished: {reason}"),
            GenerationOutcome::Stalled(Stall::FirstToken) => {
                "The model wrote nothing within the first-token timeout.".to_owned()
            }
            GenerationOutcome::Stalled(Stall::Idle) => {
                "The stream stalled: nothing arrived within the idle timeout.".to_owned()
            }
            GenerationOutcome::Failed(failure) => failure.message.clone(),
            GenerationOutcome::Cancelled => "The generation was cancelled.".to_owned(),
        }
    }

    /// What to do next, for the operator.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            GenerationOutcome::Complete => "Review the tasks.".to_owned(),
            GenerationOutcome::CutOff { limit } => format!(
                "Raise the max output tokens ({limit}), or ask for fewer tasks per request. If \
                 you set no limit, the model's own limit or its context window applied. If \
                 complete tasks arrived, you can accept the partial response; its unfinished task \
                 is dropped."
            ),
            GenerationOutcome::Refused { .. } => {
                "Change the brief, or choose another model.".to_owned()
            }
            GenerationOutcome::Filtered => {
                "Change the wording of the brief. If tasks arrived, you can accept the partial response."
                    .to_owned()
            }
            GenerationOutcome::Interrupted { .. } => {
                "Try again. If tasks arrived, you can accept the partial response.".to_owned()
            }
            GenerationOutcome::Stalled(stall) => format!(
                "Try again, or raise the {} in the settings. If tasks arrived, you can accept the \
                 partial response.",
                stall.setting()
            ),
            GenerationOutcome::Failed(failure) => failure.hint(),
            GenerationOutcome::Cancelled => {
                "If tasks arrived, you can accept the partial response.".to_owned()
            }
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
            GenerationOutcome::Stalled(Stall::Idle),
            GenerationOutcome::Failed(Box::new(Failure::unreachable("Failed to fetch"))),
            GenerationOutcome::Cancelled,
        ]
    }

    #[test]
    fn only_complete_is_complete_and_every_outcome_has_a_message_and_a_hint() {
        let complete: Vec<_> = all().iter().map(GenerationOutcome::is_complete).collect();
        assert_eq!(complete.iter().filter(|complete| **complete).count(), 1);
        assert!(complete[0]);
        for outcome in all() {
            assert!(!outcome.hint().is_empty() && !outcome.message().is_empty());
        }
    }

    #[test]
    fn only_outcomes_that_may_differ_next_time_suggest_a_retry() {
        let retry: Vec<_> = all().iter().map(GenerationOutcome::retry).collect();
        assert_eq!(retry, [false, false, false, false, true, true, true, true]);
    }

    #[test]
    fn the_hint_names_the_limit_as_the_api_does() {
        for (api, name) in [
            (Api::ChatCompletions, "max_completion_tokens"),
            (Api::Responses, "max_output_tokens"),
        ] {
            assert!(GenerationOutcome::cut_off(api).hint().contains(name));
        }
    }
}
