//! State of the delivery of one task: its attempts and their outcomes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::secrets::Redactor;

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
        /// Where the identifier is in the response, as a JSON Pointer; `None` if the response is
        /// nothing else, or it was in a header. Records from before this member was added have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id_at: Option<String>,
        /// Whether the server already had the task.
        replayed: bool,
    },
    /// A dry run: nothing was sent.
    Dry,
    /// The server does not accept this task.
    Refused {
        /// The HTTP status; `None` if the page does not know it.
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
        /// A stable identifier of the reason. Records from before this member was added have none.
        #[serde(default)]
        code: String,
        /// The server's message, truncated.
        message: String,
        /// The reasons per field, if the server gave any.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<Reason>,
    },
    /// The server may or may not have the task.
    Unconfirmed {
        /// The HTTP status, if the page saw a response that has one.
        status: Option<u16>,
        /// Why the outcome is open. Records from before this member was added have the default.
        #[serde(default)]
        cause: UnconfirmedCause,
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

impl DeliveryOutcome {
    /// The outcome without any secret in its reasons. Reading them removes more escapes than a secret
    /// is searched under in a response.
    #[must_use]
    pub fn with_redacted_reasons(mut self, redactor: &Redactor) -> DeliveryOutcome {
        if let DeliveryOutcome::Refused { reasons, .. }
        | DeliveryOutcome::Unauthorized { reasons, .. } = &mut self
        {
            for reason in reasons {
                reason.instance_path = redactor.redact(&reason.instance_path);
                reason.message = redactor.redact(&reason.message);
            }
        }
        self
    }
}

/// Why it is unknown whether the server has a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnconfirmedCause {
    /// The status does not tell, such as 500.
    #[default]
    Status,
    /// The status is a 2xx, but the body is no receipt: it is a web page, or it contradicts the
    /// status.
    NoReceipt,
    /// The server redirects. Some servers do so once they have stored a task.
    Redirected,
    /// The page saw no response. To a page, a server that is down, a preflight that was refused, an
    /// error without CORS headers and a lost response look the same.
    NoResponse,
    /// There was no response within the timeout.
    TimedOut,
    /// The page was closed before the response.
    PageClosed,
}

/// One attempt to post one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the attempt, from 1. Never used again for a draft, so numbers of attempts that were
    /// withdrawn before their requests were sent are missing.
    pub number: u32,
    /// The idempotency key of the body, whether or not it was sent.
    pub key: Arc<str>,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: Arc<str>,
    /// The exact URL of the request; `None` in a dry run.
    pub url: Option<Arc<str>>,
    /// Whether the key was sent, because the server was known to honour keys.
    pub key_sent: bool,
    /// Whether the task was posted on its own, as a test.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_test: bool,
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

/// Whether a member with this value is left out of the record.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference.
fn is_false(value: &bool) -> bool {
    !*value
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
    /// The destination that the task was approved for last, as its connection's
    /// [`TaskServer::destination`](crate::settings::TaskServer::destination) identifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_for: Option<Arc<str>>,
    /// All attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// The highest number that an attempt had, also one that was withdrawn; 0 if there was none. A
    /// record from before this member was added has its last attempt's number.
    #[serde(default)]
    pub last_attempt_number: u32,
    /// Whether the operator decided the outcome of an unconfirmed task.
    pub decided_by_operator: bool,
    /// Whether the operator posted the task on its own, as a test.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_test: bool,
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
    /// milliseconds ago. An attempt in the future, after the clock was set back, may be of any age.
    #[must_use]
    pub fn resend_risk(&self, url: &str, key_retention: u64, now: u64) -> Option<ResendRisk> {
        self.unresolved_attempts().find_map(|attempt| {
            if !attempt.key_sent {
                Some(ResendRisk::KeyNotSent)
            } else if attempt.url.as_deref() != Some(url) {
                Some(ResendRisk::OtherAddress)
            } else if is_expired(attempt.started_at, key_retention, now) {
                Some(ResendRisk::KeyForgotten)
            } else {
                None
            }
        })
    }

    /// The URL of the last attempt whose request left; `None` if none did.
    #[must_use]
    pub fn last_sent_url(&self) -> Option<&str> {
        let mut attempts = self.attempts.iter().rev();
        let sent = attempts.find(|attempt| {
            !matches!(
                attempt.outcome,
                None | Some(
                    DeliveryOutcome::NoToken
                        | DeliveryOutcome::NotSent { .. }
                        | DeliveryOutcome::Dry
                )
            )
        });
        sent.and_then(|attempt| attempt.url.as_deref())
    }

    /// Whether the server answered the last two attempts with 403.
    #[must_use]
    pub fn is_forbidden_repeatedly(&self) -> bool {
        let is_forbidden = |attempt: &Attempt| {
            matches!(
                attempt.outcome,
                Some(DeliveryOutcome::Unauthorized { status: 403, .. })
            )
        };
        let mut last = self.attempts.iter().rev().take(2);
        last.len() == 2 && last.all(is_forbidden)
    }

    /// Whether an attempt sent the idempotency key of the last one.
    #[must_use]
    pub fn is_key_sent(&self) -> bool {
        self.last().is_some_and(|last| {
            let mut attempts = self.attempts.iter();
            attempts.any(|attempt| attempt.key_sent && attempt.key == last.key)
        })
    }

    /// Whether the browser let the page see no response to the last attempt.
    #[must_use]
    pub fn lacks_visible_response(&self) -> bool {
        matches!(
            self.outcome(),
            Some(DeliveryOutcome::Unconfirmed {
                cause: UnconfirmedCause::NoResponse,
                ..
            })
        )
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

    /// The number of the next attempt. The numbers of withdrawn attempts are not used again: a
    /// transaction that holds one of them may still commit.
    #[must_use]
    pub fn next_attempt_number(&self) -> u32 {
        let last = self.last().map_or(0, |last| last.number);
        self.last_attempt_number.max(last).saturating_add(1)
    }

    /// Adds an attempt. Reserves space for no more, because most tasks need only one.
    pub fn add_attempt(&mut self, attempt: Attempt) {
        self.last_attempt_number = self.last_attempt_number.max(attempt.number);
        self.attempts.reserve_exact(1);
        self.attempts.push(attempt);
    }

    /// Removes the last attempt, whose request was never sent. Its number stays used.
    pub fn withdraw_last_attempt(&mut self) {
        self.attempts.pop();
        self.is_ready_to_send = false;
        self.tries = self.tries.saturating_sub(1);
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

/// Whether a period that began at `since` may have passed. Conservative: if the clock was set back,
/// nobody knows how long ago that was.
fn is_expired(since: u64, period: u64, now: u64) -> bool {
    now.checked_sub(since).is_none_or(|age| age >= period)
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
                is_test: false,
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
                    cause: UnconfirmedCause::NoResponse,
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
            (
                // The clock was set back.
                unconfirmed(true, URL, HOUR + 1),
                Some(ResendRisk::KeyForgotten),
            ),
        ] {
            assert_eq!(delivery.resend_risk(URL, HOUR, HOUR), risk);
        }
        let mut resolved = unconfirmed(false, URL, HOUR);
        resolved.resolved_through = 1;
        assert_eq!(resolved.resend_risk(URL, HOUR, HOUR), None);
    }
}
