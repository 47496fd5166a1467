//! How one request to the model ended.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::failure::Failure;
use crate::settings::Api;

/// How one request to the model ended. Only [`Outcome::Complete`] lets a batch be approved as a
/// whole; whole tasks of an answer that ended otherwise are kept by a deliberate act.
///
/// Serialized it is an object told apart by `outcome`, with `retry` and `hint` and what else is
/// known, in camelCase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
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

impl Outcome {
    /// The outcome of a limit on tokens.
    #[must_use]
    pub fn cut_off(api: Api) -> Outcome {
        Outcome::CutOff {
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
            Outcome::Failed(failure) => failure.code(),
            other => other.name(),
        }
    }

    /// The name of the outcome, as in the product page.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Complete => "complete",
            Outcome::CutOff { .. } => "cut_off",
            Outcome::Refused { .. } => "refused",
            Outcome::Filtered => "filtered",
            Outcome::Interrupted { .. } => "interrupted",
            Outcome::Stalled => "stalled",
            Outcome::Failed(_) => "failed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Whether the answer is whole.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Outcome::Complete)
    }

    /// Whether the same request again may end otherwise. Says nothing of its cost.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            Outcome::Interrupted { .. } | Outcome::Stalled | Outcome::Cancelled => true,
            Outcome::Failed(failure) => failure.retry(),
            Outcome::Complete
            | Outcome::CutOff { .. }
            | Outcome::Refused { .. }
            | Outcome::Filtered => false,
        }
    }

    /// What happened, in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Outcome::Complete => "The model finished its answer.".to_owned(),
            Outcome::CutOff { .. } => "A limit on tokens cut the answer off.".to_owned(),
            Outcome::Refused { text } => format!("The model refused: {text}"),
            Outcome::Filtered => "The endpoint's content filter ended the answer.".to_owned(),
            Outcome::Interrupted { reason: None } => {
                "The stream ended before the model said that it had finished.".to_owned()
            }
            Outcome::Interrupted {
                reason: Some(reason),
            } => format!("The connection broke before the model had finished: {reason}"),
            Outcome::Stalled => "Nothing arrived any more.".to_owned(),
            Outcome::Failed(failure) => failure.message.clone(),
            Outcome::Cancelled => "Stopped.".to_owned(),
        }
    }

    /// What to do next, in the operator's words.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Outcome::Complete => "Review the tasks.".to_owned(),
            Outcome::CutOff { limit } => format!(
                "Raise {limit}, or ask for fewer tasks at a time; without such a limit it is the \
                 model's own, or its context. The whole tasks can be kept; the half one is never \
                 completed."
            ),
            Outcome::Refused { .. } => "Change the brief, or choose another model.".to_owned(),
            Outcome::Filtered => {
                "Change the wording of the brief. The whole tasks can be kept.".to_owned()
            }
            Outcome::Interrupted { .. } | Outcome::Stalled => {
                "Ask again, or keep the whole tasks.".to_owned()
            }
            Outcome::Failed(failure) => failure.hint(),
            Outcome::Cancelled => "The whole tasks can be kept.".to_owned(),
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("outcome", self.name())?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("message", &self.message())?;
        map.serialize_entry("hint", &self.hint())?;
        map.serialize_entry("retry", &self.retry())?;
        match self {
            Outcome::CutOff { limit } => map.serialize_entry("limit", limit)?,
            Outcome::Refused { text } => map.serialize_entry("text", text)?,
            Outcome::Failed(failure) => {
                let texts = [
                    ("endpointCode", &failure.endpoint_code),
                    ("parameter", &failure.parameter),
                    ("body", &failure.body),
                ];
                if let Some(status) = failure.status {
                    map.serialize_entry("status", &status)?;
                }
                for (name, text) in texts {
                    if let Some(text) = text {
                        map.serialize_entry(name, text)?;
                    }
                }
                if let Some(wait) = failure.retry_after {
                    map.serialize_entry("retryAfter", &wait)?;
                }
            }
            _ => {}
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Vec<Outcome> {
        vec![
            Outcome::Complete,
            Outcome::cut_off(Api::ChatCompletions),
            Outcome::Refused { text: "No.".into() },
            Outcome::Filtered,
            Outcome::Interrupted { reason: None },
            Outcome::Stalled,
            Outcome::Failed(Box::new(Failure::unreachable("Failed to fetch"))),
            Outcome::Cancelled,
        ]
    }

    #[test]
    fn only_complete_is_complete_and_every_outcome_says_what_to_do() {
        let complete: Vec<_> = all().iter().map(Outcome::is_complete).collect();
        assert_eq!(complete.iter().filter(|complete| **complete).count(), 1);
        assert!(complete[0]);
        for outcome in all() {
            assert!(!outcome.hint().is_empty() && !outcome.message().is_empty());
        }
    }

    #[test]
    fn a_retry_makes_sense_only_where_chance_decides() {
        let retry: Vec<_> = all().iter().map(Outcome::retry).collect();
        assert_eq!(retry, [false, false, false, false, true, true, true, true]);
    }

    #[test]
    fn the_limit_to_raise_has_the_name_that_the_api_gives_it() {
        for (api, name) in [
            (Api::ChatCompletions, "max_completion_tokens"),
            (Api::Responses, "max_output_tokens"),
        ] {
            assert!(Outcome::cut_off(api).hint().contains(name));
        }
    }

    #[test]
    fn an_outcome_crosses_the_border_as_data() {
        let failure = crate::model::http::failure(
            429,
            |name| (name == "retry-after").then(|| "2".to_owned()),
            br#"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#,
            0,
        );
        let value = serde_json::to_value(Outcome::Failed(Box::new(failure))).unwrap();
        assert_eq!(
            value,
            json!({"outcome": "failed", "code": "rate_limited", "message": "slow",
                   "hint": "Wait 2 s and ask again, or ask for fewer tasks at a time.",
                   "retry": true, "status": 429, "endpointCode": "rate_limit_exceeded",
                   "retryAfter": 2000})
        );
        let complete = serde_json::to_value(Outcome::Complete).unwrap();
        assert_eq!(complete["outcome"], "complete");
    }
}
