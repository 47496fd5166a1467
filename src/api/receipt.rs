//! Receipts as JavaScript sees them.

use serde::Serialize;

use super::events::JsRuleData;
use super::number;
use crate::delivery::receipt::DeliveryStage;
use crate::delivery::{Delivery, DeliveryOutcome};
use crate::review::Approval;
use crate::schema::Violation;

/// Why a task was refused, and the field it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsReason {
    instance_path: String,
    message: String,
    /// Of a violation of the caller's schema: its keyword.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<String>,
    #[serde(flatten)]
    rule: JsRuleData,
}

/// `Receipt` of the TypeScript types, discriminated by `outcome`. Unknown members are absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsReceipt {
    /// Index of the task in the batch, from 0.
    index: usize,
    outcome: &'static str,
    code: String,
    message: String,
    hint: &'static str,
    /// Whether the same task can be posted again without the risk of a duplicate.
    retry: bool,
    /// Number of requests made.
    attempts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<JsReason>>,
    /// In milliseconds.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "number::nearest_or_none"
    )]
    retry_after: Option<u64>,
    idempotency_key: String,
    /// SHA-256 of the exact body, in hexadecimal.
    digest: String,
}

/// Why no request was made for a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// The caller's signal was aborted.
    Stopped,
    /// The server refused the first task, so the others were not tried.
    FirstNotTaken,
    /// The server rejected the agent token.
    TokenRefused,
    /// The server kept failing.
    ServerInTrouble,
    /// A request could not be made, for this reason.
    RequestNotMade(String),
    /// A task that this one depends on was not delivered.
    DependencyNotDelivered,
    /// An earlier task of the batch has the same task key.
    DuplicateKey {
        /// The member that holds the key, as a JSON Pointer.
        pointer: String,
    },
    /// The task violates the caller's schema.
    SchemaViolation(Vec<Violation>),
}

impl NotSent {
    fn code(&self) -> &'static str {
        match self {
            NotSent::Stopped => "stopped",
            NotSent::FirstNotTaken => "first_not_taken",
            NotSent::TokenRefused => "token_refused",
            NotSent::ServerInTrouble => "server_in_trouble",
            NotSent::RequestNotMade(_) => "not_sent",
            NotSent::DependencyNotDelivered => "dependency_not_delivered",
            NotSent::DuplicateKey { .. } => "duplicate_key",
            NotSent::SchemaViolation(_) => "schema_violation",
        }
    }

    fn message(&self) -> String {
        match self {
            NotSent::Stopped => "Not sent: posting was stopped.".to_owned(),
            NotSent::FirstNotTaken => "Not sent: the server refused the first task.".to_owned(),
            NotSent::TokenRefused => "Not sent: the server rejected the agent token.".to_owned(),
            NotSent::ServerInTrouble => {
                "Not sent: the server did not accept earlier tasks, or did not confirm them."
                    .to_owned()
            }
            NotSent::RequestNotMade(reason) => {
                format!("Not sent: the request could not be made: {reason}")
            }
            NotSent::DependencyNotDelivered => {
                "Not sent: a task that it depends on was not delivered.".to_owned()
            }
            NotSent::DuplicateKey { pointer } => {
                format!("Not sent: an earlier task of the batch has the same key at {pointer}.")
            }
            NotSent::SchemaViolation(violations) => {
                format!(
                    "Not sent: the task violates the schema ({}).",
                    violations.len()
                )
            }
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            NotSent::Stopped => "Post it again when you are ready.",
            NotSent::FirstNotTaken => {
                "Fix what the server reports for the first task, then post again."
            }
            NotSent::TokenRefused => "Pass a token that the server accepts, then post again.",
            NotSent::ServerInTrouble => "Check the server, then post again.",
            NotSent::RequestNotMade(_) => "Fix the settings, then post again.",
            NotSent::DependencyNotDelivered => "Deliver the task it depends on first.",
            NotSent::DuplicateKey { .. } => {
                "Give each task its own key. If the member is no key, pass a schema without one."
            }
            NotSent::SchemaViolation(_) => "Fix what reasons lists, then post the task.",
        }
    }

    /// Whether the task itself has to change before it can be posted.
    fn is_about_task(&self) -> bool {
        matches!(
            self,
            NotSent::DuplicateKey { .. } | NotSent::SchemaViolation(_)
        )
    }
}

impl JsReceipt {
    /// The receipt of a task for which a request was attempted.
    #[must_use]
    pub fn of_delivery(index: usize, approval: &Approval, delivery: &Delivery) -> JsReceipt {
        let may_have_arrived =
            |outcome: &&DeliveryOutcome| matches!(outcome, DeliveryOutcome::Unconfirmed { .. });
        let mut outcomes = delivery
            .attempts
            .iter()
            .rev()
            .filter_map(|attempt| attempt.outcome.as_ref());
        let outcome = if delivery.stage == DeliveryStage::Unconfirmed {
            // A later attempt that failed does not settle an earlier one that may have arrived.
            outcomes.find(may_have_arrived)
        } else {
            outcomes.next()
        };
        let attempts = delivery.attempts.iter().filter(|attempt| {
            !matches!(
                attempt.outcome,
                Some(DeliveryOutcome::NotSent { .. } | DeliveryOutcome::NoToken)
            )
        });
        JsReceipt {
            attempts: attempts.count(),
            ..match outcome {
                Some(outcome) => JsReceipt::of_outcome(index, approval, outcome),
                None => JsReceipt::not_sent(index, approval, NotSent::Stopped),
            }
        }
    }

    fn new(
        index: usize,
        approval: &Approval,
        outcome: &'static str,
        hint: &'static str,
        message: &str,
    ) -> JsReceipt {
        JsReceipt {
            index,
            outcome,
            code: outcome.to_owned(),
            message: message.to_owned(),
            hint,
            retry: false,
            attempts: 0,
            status: None,
            server_id: None,
            replayed: None,
            reasons: None,
            retry_after: None,
            idempotency_key: approval.key.to_string(),
            digest: approval.digest.to_string(),
        }
    }

    fn of_outcome(index: usize, approval: &Approval, outcome: &DeliveryOutcome) -> JsReceipt {
        let base = |name: &'static str, hint: &'static str, message: &str| {
            JsReceipt::new(index, approval, name, hint, message)
        };
        match outcome {
            DeliveryOutcome::Delivered {
                status,
                server_id,
                replayed,
                ..
            } => JsReceipt {
                status: *status,
                server_id: server_id.clone(),
                replayed: Some(*replayed),
                ..base(
                    "delivered",
                    "Keep this receipt.",
                    "The server has the task.",
                )
            },
            DeliveryOutcome::Dry => base(
                "delivered",
                "Nothing left this page.",
                "Dry-run receipt: nothing was sent.",
            ),
            DeliveryOutcome::Refused {
                status,
                code,
                message,
                reasons,
            } => JsReceipt {
                status: *status,
                code: code.clone(),
                reasons: Some(
                    reasons
                        .iter()
                        .map(|reason| JsReason {
                            instance_path: reason.instance_path.clone(),
                            message: reason.message.clone(),
                            keyword: None,
                            rule: JsRuleData::default(),
                        })
                        .collect(),
                ),
                ..base(
                    "refused",
                    "Fix what the server reports, then post the corrected task.",
                    message,
                )
            },
            DeliveryOutcome::Failed {
                status,
                retry_after,
                message,
            } => JsReceipt {
                status: Some(*status),
                retry: true,
                retry_after: retry_after.map(|seconds| seconds.saturating_mul(1000)),
                ..base(
                    "failed",
                    "The server did not accept the task. Wait as long as it asks, then post it again.",
                    message,
                )
            },
            DeliveryOutcome::Unauthorized {
                status, message, ..
            } => JsReceipt {
                status: Some(*status),
                retry: true,
                ..base(
                    "unauthorized",
                    "The server did not accept the task. Pass a token that it accepts and post it again.",
                    message,
                )
            },
            DeliveryOutcome::Unconfirmed {
                status, message, ..
            } => JsReceipt {
                status: *status,
                ..base(
                    "unconfirmed",
                    "The server may have the task. Check there before posting it again; if the server honours idempotency keys, post it with the same key.",
                    message,
                )
            },
            DeliveryOutcome::NoToken => JsReceipt {
                retry: true,
                ..base(
                    "not_sent",
                    "Pass the server's token and post it again.",
                    "There is no token for this server.",
                )
            },
            DeliveryOutcome::NotSent { message } => JsReceipt {
                retry: true,
                ..base("not_sent", "Fix the settings, then post it again.", message)
            },
        }
    }

    /// The receipt of a task for which no request was made.
    #[must_use]
    pub fn not_sent(index: usize, approval: &Approval, why: NotSent) -> JsReceipt {
        let mut receipt = JsReceipt {
            code: why.code().to_owned(),
            retry: !why.is_about_task(),
            ..JsReceipt::new(index, approval, "not_sent", why.hint(), &why.message())
        };
        if let NotSent::SchemaViolation(violations) = why {
            let reasons = violations.into_iter().map(|violation| JsReason {
                instance_path: violation.instance_path,
                message: violation.message,
                keyword: Some(violation.keyword),
                rule: violation.rule.into(),
            });
            receipt.reasons = Some(reasons.collect());
        }
        receipt
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{self, UnconfirmedCause};
    use serde_json::{Value, json};

    fn seen(outcome: &DeliveryOutcome) -> Value {
        let approval = Approval {
            body: "{}".into(),
            digest: "d".into(),
            key: "k".into(),
        };
        serde_json::to_value(JsReceipt::of_outcome(1, &approval, outcome)).unwrap()
    }

    #[test]
    fn unknown_members_are_absent() {
        assert_eq!(
            seen(&DeliveryOutcome::Delivered {
                status: Some(201),
                server_id: None,
                id_at: None,
                replayed: false
            }),
            json!({"index": 1, "outcome": "delivered", "code": "delivered", "retry": false,
                   "message": "The server has the task.", "hint": "Keep this receipt.",
                   "status": 201, "replayed": false, "attempts": 0, "idempotencyKey": "k", "digest": "d"})
        );
    }

    #[test]
    fn only_tasks_that_did_not_arrive_may_be_posted_again() {
        let m = || "m".to_owned();
        for (outcome, name, retry) in [
            (
                DeliveryOutcome::Unconfirmed {
                    status: Some(500),
                    cause: UnconfirmedCause::Status,
                    message: m(),
                },
                "unconfirmed",
                false,
            ),
            (
                DeliveryOutcome::Failed {
                    status: 429,
                    retry_after: Some(7),
                    message: m(),
                },
                "failed",
                true,
            ),
            (
                DeliveryOutcome::Unauthorized {
                    status: 401,
                    code: m(),
                    message: m(),
                    reasons: Vec::new(),
                },
                "unauthorized",
                true,
            ),
            (DeliveryOutcome::NotSent { message: m() }, "not_sent", true),
            (
                DeliveryOutcome::Refused {
                    status: None,
                    code: "redirected".into(),
                    message: m(),
                    reasons: vec![delivery::Reason {
                        instance_path: "/a".into(),
                        message: m(),
                    }],
                },
                "refused",
                false,
            ),
        ] {
            let seen = seen(&outcome);
            assert_eq!(
                (&seen["outcome"], &seen["retry"]),
                (&json!(name), &json!(retry))
            );
            let nulls = seen.as_object().unwrap().values().filter(|v| v.is_null());
            assert_eq!(nulls.count(), 0, "{seen}");
            match name {
                "failed" => assert_eq!(seen["retryAfter"], 7000, "in milliseconds"),
                "refused" => {
                    assert_eq!(
                        seen["reasons"],
                        json!([{"instancePath": "/a", "message": "m"}])
                    );
                    assert_eq!(seen["code"], "redirected");
                }
                _ => {}
            }
        }
    }
}
