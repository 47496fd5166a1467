//! Texts for the outcome of an attempt.

use crate::delivery::{Attempt, DeliveryOutcome};
use crate::review::DraftState;
use crate::text::counted;

/// How an attempt is shown.
pub struct AttemptText {
    /// The value of `data-state`.
    pub state: &'static str,
    /// What happened, in a few words.
    pub heading: String,
    /// The consequence for the task.
    pub meaning: String,
    /// The message of the server or the browser, if there is one.
    pub message: Option<String>,
}

/// The state of a task that another one waits for, as an adjective.
#[must_use]
pub fn state_phrase(state: DraftState) -> &'static str {
    match state {
        DraftState::Checking | DraftState::Ready => "not approved",
        DraftState::Invalid => "invalid",
        DraftState::Approved => "not posted",
        DraftState::Rejected => "rejected",
        DraftState::Queued => "queued",
        DraftState::Sending => "being sent",
        DraftState::Delivered | DraftState::DryDelivered => "delivered",
        DraftState::Refused => "refused",
        DraftState::Failed => "failed",
        DraftState::Unconfirmed => "unconfirmed",
    }
}

/// The text for the outcome of an attempt.
#[must_use]
pub fn attempt_text(attempt: &Attempt) -> AttemptText {
    let text = |state, heading: String, meaning: &str, message: Option<&String>| AttemptText {
        state,
        heading,
        meaning: meaning.to_owned(),
        message: message
            .filter(|message| !message.trim().is_empty())
            .cloned(),
    };
    match &attempt.outcome {
        None => text(
            "sending",
            "Sending".to_owned(),
            "Waiting for the response.",
            None,
        ),
        Some(DeliveryOutcome::Delivered {
            status, replayed, ..
        }) => text(
            "delivered",
            match status {
                Some(status) => format!("Delivered: {status}"),
                None => "Delivered".to_owned(),
            },
            if *replayed {
                "The server already had the task and repeated its first response."
            } else {
                "The server has the task."
            },
            None,
        ),
        Some(DeliveryOutcome::Dry) => text(
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
        }) => text(
            "refused",
            match status {
                // A code that only repeats the status says nothing.
                Some(status) if *code == format!("http_{status}") => format!("Refused: {status}"),
                Some(status) => format!("Refused: {status} {code}"),
                None => format!("Refused: {code}"),
            },
            "The server does not accept the task as it is.",
            Some(message),
        ),
        Some(DeliveryOutcome::Failed {
            status,
            retry_after,
            message,
        }) => {
            let wait = retry_after
                .and_then(|seconds| usize::try_from(seconds).ok())
                .map(|seconds| {
                    format!(" It asks the page to wait {}.", counted(seconds, "second"))
                });
            text(
                "failed",
                format!("Not accepted: {status}"),
                &format!(
                    "The server did not accept the task. It is safe to resend it.{}",
                    wait.unwrap_or_default()
                ),
                Some(message),
            )
        }
        Some(DeliveryOutcome::Unauthorized { status, message }) => text(
            "failed",
            format!("Agent token rejected: {status}"),
            "The server rejected the agent token and did not accept the task.",
            Some(message),
        ),
        Some(DeliveryOutcome::Unconfirmed { status, message }) => text(
            "unconfirmed",
            match status {
                Some(status) => format!("Unconfirmed: {status}"),
                None => "Unconfirmed: no response".to_owned(),
            },
            if attempt.key_sent {
                "The server may have the task. The request carried its idempotency key, so it can be resent safely while the server retains the key."
            } else {
                "The server may have the task. Resending it could store it twice, so nothing is resent until you decide."
            },
            Some(message),
        ),
        Some(DeliveryOutcome::NoToken) => text(
            "failed",
            "Not sent".to_owned(),
            "There was no agent token for this server, so the request never left this page.",
            None,
        ),
        Some(DeliveryOutcome::NotSent { message }) => text(
            "failed",
            "Not sent".to_owned(),
            "The request never left this page.",
            Some(message),
        ),
    }
}
