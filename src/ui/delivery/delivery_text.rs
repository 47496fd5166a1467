//! Texts for the outcome of an attempt.

use crate::delivery::{Attempt, DeliveryOutcome, UnconfirmedCause};
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
        DraftState::Deleted => "deleted",
        DraftState::Queued => "queued",
        DraftState::Sending => "being sent",
        DraftState::Delivered | DraftState::DryDelivered => "delivered",
        DraftState::Refused => "refused",
        DraftState::Failed => "failed",
        DraftState::Unconfirmed => "unconfirmed",
    }
}

fn unconfirmed_heading(status: Option<u16>, cause: UnconfirmedCause) -> String {
    let what = match cause {
        UnconfirmedCause::NoResponse => "no readable response",
        UnconfirmedCause::TimedOut => "no response in time",
        UnconfirmedCause::Redirected => "redirected",
        UnconfirmedCause::PageClosed => "the page was closed",
        UnconfirmedCause::NoReceipt => "no receipt",
        UnconfirmedCause::Status => "outcome unknown",
    };
    match status {
        Some(status) if cause == UnconfirmedCause::Status => format!("Unconfirmed: {status}"),
        Some(status) => format!("Unconfirmed: {status}, {what}"),
        None => format!("Unconfirmed: {what}"),
    }
}

/// Why the server may have the task, and what that means for resending it.
fn unconfirmed_meaning(cause: UnconfirmedCause, key_sent: bool) -> String {
    let why = match cause {
        UnconfirmedCause::NoResponse => {
            "The browser does not let this page see what happened. The server's CORS rule or its response to the preflight may not allow this page, the server may be down, or it may have failed without CORS headers after it stored the task: look into the server's log. "
        }
        UnconfirmedCause::Status
        | UnconfirmedCause::NoReceipt
        | UnconfirmedCause::Redirected
        | UnconfirmedCause::TimedOut
        | UnconfirmedCause::PageClosed => "",
    };
    let consequence = if key_sent {
        "The server may have the task. The request carried its idempotency key, so it can be resent safely while the server retains the key."
    } else {
        "The server may have the task. Resending it could store it twice, so nothing is resent until you decide."
    };
    format!("{why}{consequence}")
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
            match status {
                Some(403) => {
                    "The server accepted the agent token before, but refuses this task. A rule of the server, or a firewall in front of it, may refuse something in the text."
                }
                _ => "The server does not accept the task as it is.",
            },
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
        Some(DeliveryOutcome::Unauthorized {
            status, message, ..
        }) => text(
            "failed",
            format!("Agent token rejected: {status}"),
            "The server rejected the agent token and did not accept the task.",
            Some(message),
        ),
        Some(DeliveryOutcome::Unconfirmed {
            status,
            cause,
            message,
        }) => text(
            "unconfirmed",
            unconfirmed_heading(*status, *cause),
            &unconfirmed_meaning(*cause, attempt.key_sent),
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
