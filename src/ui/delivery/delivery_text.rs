//! What an attempt came to, in the words of the operator's world.

use crate::delivery::{Attempt, DeliveryOutcome};
use crate::review::DraftState;
use crate::text::counted;

/// The name in `data-state`, the heading, and what it means.
pub struct AttemptWords {
    /// The name in `data-state`.
    pub state: &'static str,
    /// What happened, in a few words.
    pub heading: String,
    /// What it means for the task.
    pub meaning: String,
    /// What the server or the browser said, where it said anything.
    pub said: Option<String>,
}

/// What a task is that others wait for, in few words.
#[must_use]
pub fn holder_word(state: DraftState) -> &'static str {
    match state {
        DraftState::Checking | DraftState::Ready => "not approved",
        DraftState::Invalid => "invalid",
        DraftState::Approved => "not posted",
        DraftState::Rejected => "rejected",
        DraftState::Queued => "queued",
        DraftState::Sending => "on its way",
        DraftState::Delivered | DraftState::DryDelivered => "there",
        DraftState::Refused => "refused",
        DraftState::Failed => "failed",
        DraftState::Unconfirmed => "unconfirmed",
    }
}

/// The words for what an attempt came to.
#[must_use]
pub fn attempt_words(attempt: &Attempt) -> AttemptWords {
    let words = |state, heading: String, meaning: &str, said: Option<&String>| AttemptWords {
        state,
        heading,
        meaning: meaning.to_owned(),
        said: said.filter(|said| !said.trim().is_empty()).cloned(),
    };
    match &attempt.outcome {
        None => words(
            "sending",
            "Sending".to_owned(),
            "It was written down before the request left; the answer is awaited.",
            None,
        ),
        Some(DeliveryOutcome::Delivered {
            status, replayed, ..
        }) => words(
            "delivered",
            match status {
                Some(status) => format!("Delivered: {status}"),
                None => "Delivered".to_owned(),
            },
            if *replayed {
                "The server had it already and gave its first answer again."
            } else {
                "The server has it."
            },
            None,
        ),
        Some(DeliveryOutcome::Dry) => words(
            "dry",
            "Dry receipt".to_owned(),
            "Nothing left this page.",
            None,
        ),
        Some(DeliveryOutcome::Refused {
            status,
            code,
            message,
            ..
        }) => words(
            "refused",
            match status {
                Some(status) => format!("Refused: {status} {code}"),
                None => format!("Refused: {code}"),
            },
            "The server will not take the task as it is.",
            Some(message),
        ),
        Some(DeliveryOutcome::Failed {
            status,
            retry_after,
            message,
        }) => {
            let asked = retry_after
                .and_then(|seconds| usize::try_from(seconds).ok())
                .map(|seconds| format!(" It asked to wait {}.", counted(seconds, "second")));
            words(
                "failed",
                format!("Not taken: {status}"),
                &format!(
                    "The server did not take it. It is safe to send it again.{}",
                    asked.unwrap_or_default()
                ),
                Some(message),
            )
        }
        Some(DeliveryOutcome::Unauthorized { status, message }) => words(
            "failed",
            format!("Token refused: {status}"),
            "The server did not take it, because it does not accept the token.",
            Some(message),
        ),
        Some(DeliveryOutcome::Unconfirmed { status, message }) => words(
            "unconfirmed",
            match status {
                Some(status) => format!("Unknown: {status}"),
                None => "Unknown: no answer came back".to_owned(),
            },
            match attempt.key_sent {
                true => {
                    "The server may have taken it. It was told the task's key, so the same request can be made again without doubling it."
                }
                false => {
                    "The server may have taken it. Sending it again could double it, so nothing is resent until you say so."
                }
            },
            Some(message),
        ),
        Some(DeliveryOutcome::NoToken) => words(
            "failed",
            "Not sent".to_owned(),
            "There was no token for this server. The request never left this page.",
            None,
        ),
        Some(DeliveryOutcome::NotSent { message }) => words(
            "failed",
            "Not sent".to_owned(),
            "The request never left this page.",
            Some(message),
        ),
    }
}
