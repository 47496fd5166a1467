//! State of the delivery of one task: its attempts and their outcomes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A server's reason for refusing a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// JSON Pointer to the field in question; empty for the task itself.
    pub instance_path: String,
    /// The server's message.
    pub message: String,
}

/// How an attempt ended. The variants differ in whether the server may have accepted the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// The server has the task.
    Delivered {
        /// The HTTP status; `None` in a dry run.
        status: Option<u16>,
        /// The server's identifier of the task, if it returned one.
        server_id: Option<String>,
        /// Whether the server already had the task.
        replayed: bool,
    },
    /// A dry run: nothing was sent.
    Dry,
    /// The server does not accept this task.
    Refused {
        /// The HTTP status; `None` for a redirect, whose status a page cannot see.
        status: Option<u16>,
        /// A stable identifier of the reason.
        code: String,
        /// The server's message, truncated, or a description of what happened.
        message: String,
        /// The reasons per field, if the server gave any.
        reasons: Vec<Reason>,
    },
    /// The server did not accept the task, but the same request may succeed later.
    Failed {
        /// The HTTP status.
        status: u16,
        /// `Retry-After` in seconds, if the server sent it and the page can read it.
        retry_after: Option<u64>,
        /// The server's message, truncated.
        message: String,
    },
    /// The server rejected the token with 401 or 403, and did not accept the task.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The server's message, truncated.
        message: String,
    },
    /// The server may or may not have the task.
    Unconfirmed {
        /// The HTTP status, if there was a response.
        status: Option<u16>,
        /// The server's message, truncated, or a description of what happened.
        message: String,
    },
    /// Nothing was sent, because there was no token.
    NoToken,
    /// Nothing was sent, because the request could not be made.
    NotSent {
        /// The reason.
        message: String,
    },
}

/// One attempt to post one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the attempt, from 1. Never reset for a draft.
    pub number: u32,
    /// The idempotency key of the body, whether or not it was sent.
    pub key: Arc<str>,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: Arc<str>,
    /// The exact URL of the request; `None` in a dry run.
    pub url: Option<Arc<str>>,
    /// Whether the key was sent, because the server was known to honour keys.
    pub key_sent: bool,
    /// When the attempt was begun and journaled, in milliseconds since 1970.
    pub started_at: u64,
    /// When the request was sent, in milliseconds since 1970. After a reload, `None` does not mean
    /// that it was not sent: a request may be sent before this is stored.
    pub sent_at: Option<u64>,
    /// When the attempt ended, in milliseconds since 1970.
    pub ended_at: Option<u64>,
    /// How it ended; `None` while it is in flight.
    pub outcome: Option<DeliveryOutcome>,
}

/// Stage of the delivery of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStage {
    /// Not queued for posting.
    #[default]
    Idle,
    /// Waiting to be posted.
    Queued,
    /// An attempt was begun: it is being journaled, or its request is in flight.
    Sending,
    /// The server has the task.
    Delivered,
    /// A dry run's receipt.
    Dry,
    /// The server does not accept this task.
    Refused,
    /// The server did not accept the task; it is safe to post it again.
    Failed,
    /// The server may or may not have the task.
    Unconfirmed,
}

/// The delivery of one task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// Current stage.
    pub stage: DeliveryStage,
    /// All attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// Whether the operator decided the outcome of an unconfirmed task.
    pub decided_by_operator: bool,
    /// Number of the last attempt that the operator or a look-up resolved; 0 if none.
    pub resolved_through: u32,
    /// Whether the attempt is journaled but its request waits for the concurrency limit. Not stored:
    /// after a reload this is unknown.
    #[serde(skip)]
    pub is_ready_to_send: bool,
    /// Number of attempts since the operator last queued the task.
    pub tries: u32,
    /// Earliest time of the next automatic retry, in milliseconds since 1970.
    pub not_before: Option<u64>,
    /// The last look-up on the server.
    pub look_up: Option<Box<LookUp>>,
}

/// State or result of a look-up of an unconfirmed task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look_up", rename_all = "snake_case")]
pub enum LookUp {
    /// The request is in flight.
    Pending,
    /// The server has a task with this key.
    Found {
        /// When the look-up ended, in milliseconds since 1970.
        at: u64,
        /// The server's identifier of the task, if it returned one.
        server_id: Option<String>,
    },
    /// The server listed no task with this key. This proves nothing: the task may still arrive, or
    /// the server may not store keys.
    NotFound {
        /// When the look-up ended, in milliseconds since 1970.
        at: u64,
    },
    /// The response is inconclusive.
    CannotTell {
        /// When the look-up ended, in milliseconds since 1970.
        at: u64,
        /// What the server responded.
        message: String,
    },
}

/// Why posting an unconfirmed task again with its key might duplicate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRisk {
    /// An attempt that may have arrived was sent without the key.
    KeyNotSent,
    /// An attempt went to another URL, where the key is unknown to this server.
    OtherAddress,
    /// An attempt is older than the server's idempotency key retention.
    KeyForgotten,
}

impl Delivery {
    /// Whether the task was posted, or may have been. Its text can no longer be changed then.
    #[must_use]
    pub fn has_left(&self) -> bool {
        matches!(
            self.stage,
            DeliveryStage::Sending | DeliveryStage::Delivered | DeliveryStage::Unconfirmed
        )
    }

    /// Whether a request was sent whose attempt has not ended.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        self.stage == DeliveryStage::Sending
            && self.last().is_some_and(|last| last.sent_at.is_some())
    }

    /// The last attempt.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Whether an unconfirmed attempt is unresolved: the server did not confirm that it has the
    /// task, and neither the operator nor a look-up resolved the attempt. Other outcomes of later
    /// attempts do not change this.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        let is_delivered = self
            .attempts
            .iter()
            .any(|attempt| matches!(attempt.outcome, Some(DeliveryOutcome::Delivered { .. })));
        !is_delivered && self.unresolved_attempts().next().is_some()
    }

    /// Why posting the task again to `url` at `now` might duplicate it. `None` if it cannot, because
    /// all unresolved attempts were sent with the key to the same URL, less than `key_retention`
    /// milliseconds ago.
    #[must_use]
    pub fn resend_risk(&self, url: &str, key_retention: u64, now: u64) -> Option<ResendRisk> {
        self.unresolved_attempts().find_map(|attempt| {
            if !attempt.key_sent {
                Some(ResendRisk::KeyNotSent)
            } else if attempt.url.as_deref() != Some(url) {
                Some(ResendRisk::OtherAddress)
            } else if now.saturating_sub(attempt.started_at) >= key_retention {
                Some(ResendRisk::KeyForgotten)
            } else {
                None
            }
        })
    }

    /// The server's identifier of the task, from an attempt or a look-up.
    #[must_use]
    pub fn server_id(&self) -> Option<&str> {
        let from_attempts =
            self.attempts
                .iter()
                .rev()
                .find_map(|attempt| match attempt.outcome.as_ref()? {
                    DeliveryOutcome::Delivered { server_id, .. } => server_id.as_deref(),
                    _ => None,
                });
        match self.look_up.as_deref() {
            Some(LookUp::Found { server_id, .. }) => server_id.as_deref().or(from_attempts),
            _ => from_attempts,
        }
    }

    /// Adds an attempt. Reserves space for no more, because most tasks need only one.
    pub fn add_attempt(&mut self, attempt: Attempt) {
        self.attempts.reserve_exact(1);
        self.attempts.push(attempt);
    }

    /// Resets the retry limit.
    pub fn reset_tries(&mut self) {
        self.tries = 0;
        self.not_before = None;
    }

    /// When the first of the counted tries began, in milliseconds since 1970.
    #[must_use]
    pub fn trying_since(&self) -> Option<u64> {
        let tries = usize::try_from(self.tries).ok()?;
        let first = self.attempts.len().checked_sub(tries)?;
        self.attempts.get(first).map(|attempt| attempt.started_at)
    }

    fn unresolved_attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| {
            attempt.number > self.resolved_through
                && matches!(attempt.outcome, Some(DeliveryOutcome::Unconfirmed { .. }))
        })
    }

    /// Outcome of the last attempt.
    #[must_use]
    pub fn outcome(&self) -> Option<&DeliveryOutcome> {
        self.last().and_then(|attempt| attempt.outcome.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://localhost:8080/tasks";
    const HOUR: u64 = 3_600_000;

    fn unconfirmed(key_sent: bool, url: &str, started_at: u64) -> Delivery {
        Delivery {
            stage: DeliveryStage::Unconfirmed,
            attempts: vec![Attempt {
                number: 1,
                key: "k".into(),
                digest: "d".into(),
                url: Some(url.into()),
                key_sent,
                started_at,
                sent_at: None,
                ended_at: Some(started_at),
                outcome: Some(DeliveryOutcome::Unconfirmed {
                    status: None,
                    message: String::new(),
                }),
            }],
            ..Delivery::default()
        }
    }

    #[test]
    fn the_risk_of_posting_again_is_reported() {
        for (delivery, risk) in [
            (unconfirmed(true, URL, HOUR), None),
            (unconfirmed(false, URL, HOUR), Some(ResendRisk::KeyNotSent)),
            (
                unconfirmed(true, "http://localhost:9999/tasks", HOUR),
                Some(ResendRisk::OtherAddress),
            ),
            (unconfirmed(true, URL, 0), Some(ResendRisk::KeyForgotten)),
        ] {
            assert_eq!(delivery.resend_risk(URL, HOUR, HOUR), risk);
        }
        let mut resolved = unconfirmed(false, URL, HOUR);
        resolved.resolved_through = 1;
        assert_eq!(resolved.resend_risk(URL, HOUR, HOUR), None);
    }
}
