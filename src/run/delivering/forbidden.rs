//! Whether a 403 is about the agent token or about one task. A firewall or a policy of the server may
//! refuse a single body with 403, although the token is right.

use crate::delivery::DeliveryOutcome;

/// After this many 403s without a delivery between them, the token is in doubt again.
const MAX_IN_A_ROW: u32 = 3;

/// What a message calls a token, and what it says of one that is not accepted.
const TOKEN: [&str; 6] = [
    "token",
    "api key",
    "api-key",
    "apikey",
    "credential",
    "session",
];
const NOT_ACCEPTED: [&str; 13] = [
    "expired",
    "invalid",
    "revoked",
    "missing",
    "unknown",
    "not valid",
    "inactive",
    "disabled",
    "required",
    "no longer",
    "not recognized",
    "not recognised",
    "wrong",
];

/// What is known about the agent token since it was last entered.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Forbidden {
    /// Whether the server delivered a task with it.
    is_token_accepted: bool,
    /// Number of 403s since then.
    in_a_row: u32,
}

impl Forbidden {
    /// Takes note of an outcome, and returns it as it is meant: once the token was accepted, a 403 is
    /// a refusal of that task.
    pub fn settle(&mut self, outcome: DeliveryOutcome) -> DeliveryOutcome {
        match outcome {
            DeliveryOutcome::Delivered { .. } => {
                *self = Forbidden {
                    is_token_accepted: true,
                    in_a_row: 0,
                };
                outcome
            }
            DeliveryOutcome::Unauthorized {
                status: status @ 403,
                code,
                message,
                reasons,
            } if self.is_about_task(&code, &message) => {
                self.in_a_row += 1;
                DeliveryOutcome::Refused {
                    status: Some(status),
                    code,
                    message,
                    reasons,
                }
            }
            DeliveryOutcome::Unauthorized { .. } | DeliveryOutcome::NoToken => {
                *self = Forbidden::default();
                outcome
            }
            other => other,
        }
    }

    fn is_about_task(&self, code: &str, message: &str) -> bool {
        let text = format!("{code} {message}").to_lowercase().replace('_', " ");
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        self.is_token_accepted
            && self.in_a_row + 1 < MAX_IN_A_ROW
            && !(says(&TOKEN) && says(&NOT_ACCEPTED))
    }
}
