//! What an attempt came to, in the words of the operator's world.

use crate::delivery::Outcome;

/// The name in `data-state`, the heading, and what it means.
pub struct AttemptWords {
    /// The name in `data-state`.
    pub state: &'static str,
    /// What happened, in a few words.
    pub heading: String,
    /// What it means for the task.
    pub meaning: &'static str,
    /// What the server or the browser said, where it said anything.
    pub said: Option<String>,
}

/// The words for what an attempt came to; `None` while it is under way.
#[must_use]
pub fn attempt_words(outcome: Option<&Outcome>) -> AttemptWords {
    let words = |state, heading: String, meaning, said: Option<&String>| AttemptWords {
        state,
        heading,
        meaning,
        said: said.filter(|said| !said.trim().is_empty()).cloned(),
    };
    match outcome {
        None => words(
            "sending",
            "Sending".to_owned(),
            "It was written down before the request left; the answer is awaited.",
            None,
        ),
        Some(Outcome::Delivered {
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
        Some(Outcome::Dry) => words(
            "dry",
            "Dry receipt".to_owned(),
            "Nothing left this page.",
            None,
        ),
        Some(Outcome::Refused {
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
        Some(Outcome::NotTaken {
            status, message, ..
        }) => words(
            "failed",
            format!("Not taken: {status}"),
            "The server did not take it. It is safe to send it again.",
            Some(message),
        ),
        Some(Outcome::Unauthorized { status, message }) => words(
            "failed",
            format!("Token refused: {status}"),
            "The server did not take it, because it does not accept the token.",
            Some(message),
        ),
        Some(Outcome::MayHaveArrived { status, message }) => words(
            "unknown",
            match status {
                Some(status) => format!("Unknown: {status}"),
                None => "Unknown: no answer came back".to_owned(),
            },
            "The server may have taken it. Sending it again could double it, so nothing is resent until you say so.",
            Some(message),
        ),
        Some(Outcome::NoToken) => words(
            "failed",
            "Not sent".to_owned(),
            "There was no token for this server. The request never left this page.",
            None,
        ),
        Some(Outcome::NotSent { message }) => words(
            "failed",
            "Not sent".to_owned(),
            "The request never left this page.",
            Some(message),
        ),
    }
}
