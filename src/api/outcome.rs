//! Generation outcomes as JavaScript sees them.

use serde::Serialize;

use super::number;
use crate::model;

/// `Outcome` of the TypeScript types, discriminated by `outcome`. Unknown members are absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsOutcome {
    outcome: &'static str,
    code: &'static str,
    message: String,
    hint: String,
    retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// In milliseconds.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "number::nearest_or_none"
    )]
    retry_after: Option<u64>,
    raw_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
}

impl JsOutcome {
    /// The outcome of a response with the text `raw_text`, and with reasoning apart from it.
    #[must_use]
    pub fn new(outcome: &model::GenerationOutcome, raw_text: &str, reasoning: &str) -> JsOutcome {
        let mut js = JsOutcome {
            outcome: outcome.name(),
            code: outcome.code(),
            message: outcome.message(),
            hint: outcome.hint(),
            retry: outcome.retry(),
            limit: None,
            setting: None,
            text: None,
            status: None,
            endpoint_code: None,
            parameter: None,
            body: None,
            retry_after: None,
            raw_text: raw_text.to_owned(),
            reasoning: (!reasoning.is_empty()).then(|| reasoning.to_owned()),
        };
        match outcome {
            model::GenerationOutcome::CutOff { limit } => js.limit = Some(limit),
            model::GenerationOutcome::Refused { text } => js.text = Some(text.clone()),
            model::GenerationOutcome::Stalled(stall) => {
                js.setting = Some(match stall {
                    model::Stall::FirstToken => "firstTokenTimeoutSeconds",
                    model::Stall::Idle => "idleTimeoutSeconds",
                });
            }
            model::GenerationOutcome::Failed(failure) => {
                js.status = failure.status;
                js.endpoint_code.clone_from(&failure.endpoint_code);
                js.parameter.clone_from(&failure.parameter);
                js.body.clone_from(&failure.body);
                js.retry_after = failure.retry_after;
            }
            model::GenerationOutcome::Complete
            | model::GenerationOutcome::Filtered
            | model::GenerationOutcome::Interrupted { .. }
            | model::GenerationOutcome::Cancelled => {}
        }
        js
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, http};
    use crate::settings::Api;
    use serde_json::{Value, json};

    fn seen(outcome: &model::GenerationOutcome) -> Value {
        serde_json::to_value(JsOutcome::new(outcome, "{\"tasks\":[", "")).unwrap()
    }

    #[test]
    fn unknown_members_are_absent() {
        assert_eq!(
            seen(&model::GenerationOutcome::Complete),
            json!({"outcome": "complete", "code": "complete", "retry": false,
                   "message": "The response is complete.", "hint": "Review the tasks.",
                   "rawText": "{\"tasks\":["})
        );
        let failure = http::failure(
            429,
            |name| (name == "retry-after").then(|| "2".to_owned()),
            br#"{"error":{"message":"slow","code":"rate_limit_exceeded","param":null}}"#,
            0,
        );
        assert_eq!(
            seen(&model::GenerationOutcome::Failed(Box::new(failure))),
            json!({"outcome": "failed", "code": "rate_limited", "message": "slow", "retry": true,
                   "hint": "Wait 2 s and try again, or ask for fewer tasks per request.",
                   "status": 429, "endpointCode": "rate_limit_exceeded", "retryAfter": 2000,
                   "rawText": "{\"tasks\":["})
        );
    }

    #[test]
    fn every_outcome_has_its_own_name() {
        for (outcome, name, member) in [
            (
                model::GenerationOutcome::cut_off(Api::ChatCompletions),
                "cut_off",
                Some("limit"),
            ),
            (
                model::GenerationOutcome::Refused { text: "No.".into() },
                "refused",
                Some("text"),
            ),
            (model::GenerationOutcome::Filtered, "filtered", None),
            (
                model::GenerationOutcome::Interrupted { reason: None },
                "interrupted",
                None,
            ),
            (
                model::GenerationOutcome::Stalled(model::Stall::FirstToken),
                "stalled",
                Some("setting"),
            ),
            (model::GenerationOutcome::Cancelled, "cancelled", None),
            (
                model::GenerationOutcome::Failed(Box::new(Failure::unreachable("x"))),
                "failed",
                None,
            ),
        ] {
            let seen = seen(&outcome);
            assert_eq!(seen["outcome"], name);
            assert!(
                member.is_none_or(|member| seen[member].is_string()),
                "{name}"
            );
            let nulls = seen.as_object().unwrap().values().filter(|v| v.is_null());
            assert_eq!(nulls.count(), 0, "{seen}");
        }
    }
}
