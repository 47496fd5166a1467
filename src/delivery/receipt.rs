//! What is known of the delivery of one task.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a server does not take a task, beside the field it is about where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where in the task, as a JSON Pointer; empty for the task itself.
    pub instance_path: String,
    /// The server's words.
    pub message: String,
}

/// What one attempt came to. What counts is whether the server *may have taken* the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// It has it.
    Delivered {
        /// The HTTP status; none in a dry run.
        status: Option<u16>,
        /// The server's own name for the task, where it gives one.
        server_id: Option<String>,
        /// Whether it had it before and answered so.
        replayed: bool,
    },
    /// A dry run: nothing left this page.
    Dry,
    /// It will not take the task as it is.
    Refused {
        /// The HTTP status; none for a redirect, whose status a page cannot see.
        status: Option<u16>,
        /// A stable name for why.
        code: String,
        /// What the server said, cut to size, or what happened.
        message: String,
        /// Its reasons field by field, where it gives them.
        reasons: Vec<Reason>,
    },
    /// It did not take it, and the same request may be made again.
    NotTaken {
        /// The HTTP status.
        status: u16,
        /// Seconds to wait, where the server said and the page may read it.
        retry_after: Option<u64>,
        /// What the server said, cut to size.
        message: String,
    },
    /// The token is not accepted: 401 or 403. The task was not taken.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// What the server said, cut to size.
        message: String,
    },
    /// It may have it or not.
    MayHaveArrived {
        /// The HTTP status, where there was an answer at all.
        status: Option<u16>,
        /// What the server said, cut to size, or what happened.
        message: String,
    },
    /// It never left: there was no token.
    NoToken,
    /// It never left: the request could not be made.
    NotSent {
        /// What stood in the way.
        message: String,
    },
}

impl DeliveryOutcome {
    /// This outcome with each text of the server's passed through `change`.
    #[must_use]
    pub fn with_words(mut self, change: impl Fn(&str) -> String) -> DeliveryOutcome {
        match &mut self {
            DeliveryOutcome::Delivered { server_id, .. } => {
                if let Some(server_id) = server_id {
                    *server_id = change(server_id);
                }
            }
            DeliveryOutcome::Refused {
                code,
                message,
                reasons,
                ..
            } => {
                *code = change(code);
                *message = change(message);
                for reason in reasons {
                    reason.instance_path = change(&reason.instance_path);
                    reason.message = change(&reason.message);
                }
            }
            DeliveryOutcome::NotTaken { message, .. }
            | DeliveryOutcome::Unauthorized { message, .. }
            | DeliveryOutcome::MayHaveArrived { message, .. }
            | DeliveryOutcome::NotSent { message } => *message = change(message),
            DeliveryOutcome::Dry | DeliveryOutcome::NoToken => {}
        }
        self
    }
}

/// One request for one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1, over the life of the draft.
    pub number: u32,
    /// The idempotency key of the body, whether or not the server was told it.
    pub key: Arc<str>,
    /// SHA-256 of the exact body, in hexadecimal.
    pub digest: Arc<str>,
    /// The exact address it went to; none in a dry run.
    #[serde(default)]
    pub url: Option<Arc<str>>,
    /// Whether the server was told the key, because it was known to honour keys.
    #[serde(default)]
    pub key_sent: bool,
    /// When it was written down before the request, in milliseconds since 1970.
    pub started_at: u64,
    /// When the request left. None says nothing after a reload: a request may leave before this
    /// is kept.
    #[serde(default)]
    pub left_at: Option<u64>,
    /// When its outcome was known.
    pub ended_at: Option<u64>,
    /// What came of it; none while it is under way.
    pub outcome: Option<DeliveryOutcome>,
}

/// How far the delivery of one task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not to be posted, or not yet.
    #[default]
    Idle,
    /// Waiting for its turn.
    Queued,
    /// Written down, and then on its way.
    Sending,
    /// The server has it.
    Delivered,
    /// A dry run's receipt.
    Dry,
    /// The server will not take it as it is.
    Refused,
    /// The server did not take it; safe to send again.
    Failed,
    /// It may have arrived.
    Unconfirmed,
}

/// The delivery of one task: where it stands, and every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands.
    pub stage: Stage,
    /// Every request that was made, oldest first.
    pub attempts: Vec<Attempt>,
    /// Whether the operator, not the server, said what became of it.
    #[serde(default)]
    pub decided_by_operator: bool,
    /// The last attempt whose fate is settled, by the operator or by a look-up; 0 where there is
    /// none.
    #[serde(default)]
    pub settled: u32,
    /// Whether it is written down and waits for room. After a reload nobody knows: it is not kept.
    #[serde(skip)]
    pub awaits_slot: bool,
    /// How often it was tried since the operator last asked for it.
    #[serde(default)]
    pub tries: u32,
    /// Not to be tried again by itself before then, in milliseconds since 1970.
    #[serde(default)]
    pub not_before: Option<u64>,
    /// What the last look-up on the server said.
    #[serde(default)]
    pub look_up: Option<Box<LookUp>>,
}

/// What a look-up of a task of unknown fate said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look_up", rename_all = "snake_case")]
pub enum LookUp {
    /// It is on its way.
    Asked,
    /// The server has a task with this key.
    Found {
        /// When, in milliseconds since 1970.
        at: u64,
        /// The server's own name for the task, where it gives one.
        server_id: Option<String>,
    },
    /// The server named no task with this key. That proves nothing: the task may still arrive, or
    /// the server may not keep keys.
    NotFound {
        /// When, in milliseconds since 1970.
        at: u64,
    },
    /// The answer says neither.
    CannotTell {
        /// When, in milliseconds since 1970.
        at: u64,
        /// What was answered.
        message: String,
    },
}

/// What makes it unsafe to send a task of unknown fate again with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsafe {
    /// An attempt that may have arrived did not carry the key.
    KeyNotSent,
    /// It went to another address, where nothing knows the key.
    OtherAddress,
    /// It was so long ago that the server may have forgotten the key.
    KeyForgotten,
}

impl LookUp {
    /// This answer with each text of the server's passed through `change`.
    #[must_use]
    pub fn with_words(mut self, change: impl Fn(&str) -> String) -> LookUp {
        match &mut self {
            LookUp::Found {
                server_id: Some(text),
                ..
            }
            | LookUp::CannotTell { message: text, .. } => *text = change(text),
            LookUp::Asked | LookUp::Found { .. } | LookUp::NotFound { .. } => {}
        }
        self
    }
}

impl Delivery {
    /// Whether the text has left, or may have: then it is not changed any more.
    #[must_use]
    pub fn has_left(&self) -> bool {
        matches!(
            self.stage,
            Stage::Sending | Stage::Delivered | Stage::Unconfirmed
        )
    }

    /// Whether a request was made that nothing came of yet.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.stage == Stage::Sending && self.last().is_some_and(|last| last.left_at.is_some())
    }

    /// The last attempt.
    #[must_use]
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Whether one of the attempts may have arrived and nobody knows: neither the server said that
    /// it has the task, nor the operator what became of it. What came of a later attempt changes
    /// nothing about that.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        let is_there = self
            .attempts
            .iter()
            .any(|attempt| matches!(attempt.outcome, Some(DeliveryOutcome::Delivered { .. })));
        !is_there && self.open_attempts().next().is_some()
    }

    /// Whether the same request can be made again at `url` without doubling anything: every
    /// attempt of unknown fate went to this very address and carried its key, and not so long ago
    /// that the server, which keeps keys for `keys_kept` milliseconds, may have forgotten it.
    #[must_use]
    pub fn may_be_resent_to(&self, url: &str, keys_kept: u64, now: u64) -> bool {
        self.why_not_resent_to(url, keys_kept, now).is_none()
    }

    /// What makes the same request at `url` unsafe, where something does. As
    /// [`Delivery::may_be_resent_to`].
    #[must_use]
    pub fn why_not_resent_to(&self, url: &str, keys_kept: u64, now: u64) -> Option<Unsafe> {
        self.open_attempts().find_map(|attempt| {
            if !attempt.key_sent {
                Some(Unsafe::KeyNotSent)
            } else if attempt.url.as_deref() != Some(url) {
                Some(Unsafe::OtherAddress)
            } else if now.saturating_sub(attempt.started_at) >= keys_kept {
                Some(Unsafe::KeyForgotten)
            } else {
                None
            }
        })
    }

    /// The server's own name for the task, where an attempt or a look-up brought one.
    #[must_use]
    pub fn server_id(&self) -> Option<&str> {
        let of_attempts =
            self.attempts
                .iter()
                .rev()
                .find_map(|attempt| match attempt.outcome.as_ref()? {
                    DeliveryOutcome::Delivered { server_id, .. } => server_id.as_deref(),
                    _ => None,
                });
        match self.look_up.as_deref() {
            Some(LookUp::Found { server_id, .. }) => server_id.as_deref().or(of_attempts),
            _ => of_attempts,
        }
    }

    /// Notes a request that is about to be made. Most tasks need one, so there is room for no more.
    pub fn begin(&mut self, attempt: Attempt) {
        self.attempts.reserve_exact(1);
        self.attempts.push(attempt);
    }

    /// Begins to count tries anew: the operator asked for it.
    pub fn try_anew(&mut self) {
        self.tries = 0;
        self.not_before = None;
    }

    /// Since when it is tried, in milliseconds since 1970: since the first of the tries that count.
    #[must_use]
    pub fn trying_since(&self) -> Option<u64> {
        let tries = usize::try_from(self.tries).ok()?;
        let first = self.attempts.len().checked_sub(tries)?;
        self.attempts.get(first).map(|attempt| attempt.started_at)
    }

    fn open_attempts(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| {
            attempt.number > self.settled
                && matches!(
                    attempt.outcome,
                    Some(DeliveryOutcome::MayHaveArrived { .. })
                )
        })
    }

    /// What the last attempt came to.
    #[must_use]
    pub fn outcome(&self) -> Option<&DeliveryOutcome> {
        self.last().and_then(|attempt| attempt.outcome.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://localhost:8080/tasks";
    const HOUR: u64 = 3_600_000;

    fn lost(key_sent: bool, url: &str, started_at: u64) -> Delivery {
        Delivery {
            stage: Stage::Unconfirmed,
            attempts: vec![Attempt {
                number: 1,
                key: "k".into(),
                digest: "d".into(),
                url: Some(url.into()),
                key_sent,
                started_at,
                left_at: None,
                ended_at: Some(started_at),
                outcome: Some(DeliveryOutcome::MayHaveArrived {
                    status: None,
                    message: String::new(),
                }),
            }],
            ..Delivery::default()
        }
    }

    #[test]
    fn what_makes_another_try_unsafe_is_named() {
        for (delivery, why) in [
            (lost(true, HERE, HOUR), None),
            (lost(false, HERE, HOUR), Some(Unsafe::KeyNotSent)),
            (
                lost(true, "http://localhost:9999/tasks", HOUR),
                Some(Unsafe::OtherAddress),
            ),
            (lost(true, HERE, 0), Some(Unsafe::KeyForgotten)),
        ] {
            assert_eq!(delivery.why_not_resent_to(HERE, HOUR, HOUR), why);
            assert_eq!(delivery.may_be_resent_to(HERE, HOUR, HOUR), why.is_none());
        }
        let mut settled = lost(false, HERE, HOUR);
        settled.settled = 1;
        assert_eq!(settled.why_not_resent_to(HERE, HOUR, HOUR), None);
    }
}
