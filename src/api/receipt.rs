//! What became of a posted task, as JavaScript sees it.

use serde::Serialize;

use crate::delivery::DeliveryOutcome;
use crate::review::Approval;

/// Why a server does not take a task, beside the field it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsReason {
    instance_path: String,
    message: String,
}

/// `Receipt` of the TypeScript types, told apart by `outcome`. What is not known is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsReceipt {
    /// The task's place in the list, from 0.
    index: usize,
    outcome: &'static str,
    code: String,
    message: String,
    hint: &'static str,
    /// Whether the task may be posted again without any risk of doubling it.
    retry: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<JsReason>>,
    /// In milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    idempotency_key: String,
    /// SHA-256 of the exact body, in hexadecimal.
    digest: String,
}

/// Why a task was not sent although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// The signal was given.
    Stopped,
    /// The first task was not taken, so the rest would hardly be.
    FirstNotTaken,
    /// The token is not accepted.
    TokenRefused,
    /// The server did not take one before it, or gave no clear answer.
    ServerInTrouble,
}

impl NotSent {
    fn code(self) -> &'static str {
        match self {
            NotSent::Stopped => "stopped",
            NotSent::FirstNotTaken => "first_not_taken",
            NotSent::TokenRefused => "token_refused",
            NotSent::ServerInTrouble => "server_in_trouble",
        }
    }

    fn message(self) -> &'static str {
        match self {
            NotSent::Stopped => "It was not sent: posting was stopped before its turn.",
            NotSent::FirstNotTaken => "It was not sent: the first task was not taken.",
            NotSent::TokenRefused => "It was not sent: the server does not accept the token.",
            NotSent::ServerInTrouble => {
                "It was not sent: the server did not take the task before it, or did not say so."
            }
        }
    }
}

impl JsReceipt {
    /// The receipt of a task that was posted, or could not be.
    #[must_use]
    pub fn new(index: usize, approval: &Approval, outcome: &DeliveryOutcome) -> JsReceipt {
        let base = |name: &'static str, hint: &'static str, message: &str| JsReceipt {
            index,
            outcome: name,
            code: name.to_owned(),
            message: message.to_owned(),
            hint,
            retry: false,
            status: None,
            server_id: None,
            replayed: None,
            reasons: None,
            retry_after: None,
            idempotency_key: approval.key.to_string(),
            digest: approval.digest.to_string(),
        };
        match outcome {
            DeliveryOutcome::Delivered {
                status,
                server_id,
                replayed,
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
                "A dry receipt: nothing was sent.",
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
                        })
                        .collect(),
                ),
                ..base(
                    "refused",
                    "Correct what the server names, then post the corrected task.",
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
                    "The server did not take it; wait as long as it asks for, then post it again.",
                    message,
                )
            },
            DeliveryOutcome::Unauthorized { status, message } => JsReceipt {
                status: Some(*status),
                retry: true,
                ..base(
                    "unauthorized",
                    "The server did not take it; give a token that it accepts and post it again.",
                    message,
                )
            },
            DeliveryOutcome::Unconfirmed { status, message } => JsReceipt {
                status: *status,
                ..base(
                    "unconfirmed",
                    "The server may have it. Look there before posting it again; a server that honours idempotency keys can be given the same key.",
                    message,
                )
            },
            DeliveryOutcome::NoToken => JsReceipt {
                retry: true,
                ..base(
                    "not_sent",
                    "Give the server's token and post it again.",
                    "There is no token for this server.",
                )
            },
            DeliveryOutcome::NotSent { message } => JsReceipt {
                retry: true,
                ..base(
                    "not_sent",
                    "Correct the settings and post it again.",
                    message,
                )
            },
        }
    }

    /// The receipt of a task whose turn did not come.
    #[must_use]
    pub fn not_sent(index: usize, approval: &Approval, why: NotSent) -> JsReceipt {
        let outcome = DeliveryOutcome::NotSent {
            message: why.message().to_owned(),
        };
        JsReceipt {
            code: why.code().to_owned(),
            hint: "It can be posted once what stopped the ones before it is put right.",
            ..JsReceipt::new(index, approval, &outcome)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery;
    use serde_json::{Value, json};

    fn seen(outcome: &DeliveryOutcome) -> Value {
        let approval = Approval {
            body: "{}".into(),
            digest: "d".into(),
            key: "k".into(),
        };
        serde_json::to_value(JsReceipt::new(1, &approval, outcome)).unwrap()
    }

    #[test]
    fn what_is_not_known_is_absent() {
        assert_eq!(
            seen(&DeliveryOutcome::Delivered {
                status: Some(201),
                server_id: None,
                replayed: false
            }),
            json!({"index": 1, "outcome": "delivered", "code": "delivered", "retry": false,
                   "message": "The server has the task.", "hint": "Keep this receipt.",
                   "status": 201, "replayed": false, "idempotencyKey": "k", "digest": "d"})
        );
    }

    #[test]
    fn only_what_surely_did_not_arrive_may_be_posted_again() {
        let m = || "m".to_owned();
        for (outcome, name, retry) in [
            (
                DeliveryOutcome::Unconfirmed {
                    status: Some(500),
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
                    message: m(),
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
