//! Maps the response of any task server to a delivery outcome.
//!
//! `reply` is what a page sees of a response, `sent` what it may be about. `contradiction` tells a
//! receipt from any other 2xx, `identifier` finds the task's id, `message` the server's message,
//! `reasons` its reasons beside their fields, `conflict` reads a 409, and `redirect` tells apart where
//! a redirect leads.

mod conflict;
mod contradiction;
mod identifier;
mod message;
mod reasons;
pub mod redirect;
mod reply;
mod sent;

use serde_json::Value;

pub use self::identifier::{LocatedId, server_id};
pub use self::message::message;
pub use self::reply::{Redirect, ServerReply};
pub use self::sent::Sent;

use self::contradiction::{NoReceipt, no_receipt};
use super::receipt::{DeliveryOutcome, Reason, UnconfirmedCause};
use crate::retry_after;
use crate::text::truncate_chars;

/// Maximum size of a response body: 64 KiB. The rest is not read.
pub const MAX_BODY_BYTES: usize = 64 << 10;
/// Maximum length of a server's message, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 600;
/// Maximum length of a server's code for a refusal, in characters.
const MAX_CODE_CHARACTERS: usize = 60;
/// How many reasons stand in for a missing message.
const REASONS_IN_MESSAGE: usize = 3;

/// Returns the delivery outcome for the reply to what was `sent`, which arrived at `now` (milliseconds
/// since 1970).
#[must_use]
pub fn outcome(reply: &ServerReply, sent: &Sent<'_>, now: u64) -> DeliveryOutcome {
    let no_status = |cause, message: String| DeliveryOutcome::Unconfirmed {
        status: None,
        cause,
        message,
    };
    match reply {
        ServerReply::Redirected {
            redirect: Redirect::AdjustsSlash,
        } => DeliveryOutcome::Refused {
            status: None,
            code: "redirected".to_owned(),
            message: adjusts_slash(sent.url()),
            reasons: Vec::new(),
        },
        ServerReply::Redirected {
            redirect: Redirect::Elsewhere | Redirect::Hidden,
        } => no_status(UnconfirmedCause::Redirected, REDIRECTED.to_owned()),
        ServerReply::NoToken => DeliveryOutcome::NoToken,
        ServerReply::NotSent { message } => DeliveryOutcome::NotSent {
            message: message.clone(),
        },
        ServerReply::None { message } => no_status(UnconfirmedCause::NoResponse, message.clone()),
        ServerReply::TimedOut { milliseconds } => {
            no_status(UnconfirmedCause::TimedOut, timed_out(*milliseconds))
        }
        ServerReply::Http {
            status: 300..=399, ..
        } => no_status(UnconfirmedCause::Redirected, REDIRECTED.to_owned()),
        ServerReply::Http {
            status,
            content_type,
            retry_after,
            location,
            replayed,
            body,
        } => {
            let wait = retry_after
                .as_deref()
                .and_then(|value| retry_after::retry_after(value, now));
            let body = body.trim_start_matches('\u{FEFF}');
            let response = Response {
                status: *status,
                content_type: content_type.as_deref(),
                body,
                value: serde_json::from_str(body).ok(),
                location: location.as_deref(),
                sent,
            };
            response.outcome(wait, *replayed)
        }
    }
}

/// The message of a redirect whose target is unknown. Many frameworks answer 302 or 303 when they
/// have stored what was posted; others answer 307 because of a slash.
const REDIRECTED: &str = "The server redirects, and redirects are not followed. Some servers do so \
    once they have stored a task. Others do so because of a slash: enter the path exactly as the \
    server declares it, with or without the trailing slash.";

/// The message of a redirect that only adds or removes the trailing slash.
fn adjusts_slash(url: &str) -> String {
    let path = redirect::other_spelling(url)
        .map(|other| redirect::path_and_query(&other).to_owned())
        .unwrap_or_default();
    let has_slash = path.split('?').next().unwrap_or_default().ends_with('/');
    let with = if has_slash { "with" } else { "without" };
    format!(
        "The server redirects to the same path {with} the trailing slash, and took no task. Enter \
         the path exactly as the server declares it: {path}"
    )
}

/// The message about a response that did not arrive in time.
pub(super) fn timed_out(milliseconds: u32) -> String {
    format!("There was no response within {} s.", milliseconds / 1_000)
}

/// An HTTP response to a post.
struct Response<'a> {
    status: u16,
    content_type: Option<&'a str>,
    body: &'a str,
    /// The body, if it is JSON.
    value: Option<Value>,
    location: Option<&'a str>,
    sent: &'a Sent<'a>,
}

impl Response<'_> {
    fn outcome(&self, wait: Option<u64>, replayed: bool) -> DeliveryOutcome {
        let seconds = wait.map(|milliseconds| milliseconds.div_ceil(1_000));
        let status = self.status;
        match status {
            200..=299 => self.delivered(replayed),
            401 | 403 => DeliveryOutcome::Unauthorized {
                status,
                code: self.code(),
                message: self.message(&self.reasons()),
                reasons: self.reasons(),
            },
            425 | 429 => DeliveryOutcome::Failed {
                status,
                retry_after: seconds,
                message: self.message(&[]),
            },
            503 if seconds.is_some() => DeliveryOutcome::Failed {
                status,
                retry_after: seconds,
                message: self.message(&[]),
            },
            409 => {
                let reasons = self.reasons();
                if conflict::is_refusal(self.value.as_ref(), self.text(), &reasons, self.sent) {
                    self.refused(reasons)
                } else {
                    self.unconfirmed(UnconfirmedCause::Status)
                }
            }
            408 | 500..=599 => self.unconfirmed(UnconfirmedCause::Status),
            _ => self.refused(self.reasons()),
        }
    }

    /// The outcome of a 2xx. One that is no receipt does not come from a task server, or not from its
    /// heart. It may or may not have stored the task.
    fn delivered(&self, replayed: bool) -> DeliveryOutcome {
        let value = self.value.as_ref();
        match no_receipt(self.content_type, value, self.body, self.sent) {
            Some(NoReceipt::OtherProtocol) => self.unconfirmed(UnconfirmedCause::NoReceipt),
            Some(NoReceipt::Contradiction(what)) => DeliveryOutcome::Unconfirmed {
                status: Some(self.status),
                cause: UnconfirmedCause::NoReceipt,
                message: truncate_chars(
                    &format!(
                        "The status {} says success, but the response says {what}. {}",
                        self.status,
                        self.message(&self.reasons())
                    ),
                    MAX_MESSAGE_CHARACTERS,
                ),
            },
            None => {
                let found = self.server_id();
                DeliveryOutcome::Delivered {
                    status: Some(self.status),
                    server_id: found.as_ref().map(|found| found.id.clone()),
                    id_at: found.map(|found| found.pointer).filter(|at| !at.is_empty()),
                    replayed,
                }
            }
        }
    }

    /// The server's identifier of the task, at the place that is set or else where it is found. That
    /// of a whole response, or of its location, has an empty pointer.
    fn server_id(&self) -> Option<LocatedId> {
        let value = self.value.as_ref();
        if let Some(pointer) = self.sent.id_pointer() {
            return Some(LocatedId {
                id: identifier::id_at(value?, pointer)?,
                pointer: pointer.to_owned(),
            });
        }
        let elsewhere = || {
            let id = identifier::bare_id(value, self.body)
                .or_else(|| identifier::id_in_location(self.location?, self.sent.url()))?;
            Some(LocatedId {
                id,
                pointer: String::new(),
            })
        };
        value.and_then(identifier::find_id).or_else(elsewhere)
    }

    fn refused(&self, reasons: Vec<Reason>) -> DeliveryOutcome {
        DeliveryOutcome::Refused {
            status: Some(self.status),
            code: self.code(),
            message: self.message(&reasons),
            reasons,
        }
    }

    fn unconfirmed(&self, cause: UnconfirmedCause) -> DeliveryOutcome {
        DeliveryOutcome::Unconfirmed {
            status: Some(self.status),
            cause,
            message: self.message(&[]),
        }
    }

    /// The server's code, or `http_` and the status.
    fn code(&self) -> String {
        let value = self.value.as_ref();
        let code = value
            .and_then(|value| {
                value
                    .get("code")
                    .or_else(|| value.get("error")?.get("code"))
            })
            .and_then(Value::as_str)
            .filter(|code| !code.is_empty());
        code.map_or_else(
            || format!("http_{}", self.status),
            |code| truncate_chars(code, MAX_CODE_CHARACTERS),
        )
    }

    fn reasons(&self) -> Vec<Reason> {
        let value = self.value.as_ref();
        value
            .map(|value| reasons::read(value, self.sent))
            .unwrap_or_default()
    }

    /// The server's message. A list of reasons without one is summarized.
    fn message(&self, reasons: &[Reason]) -> String {
        let value = self.value.as_ref();
        let is_stated = message::stated(self.content_type, value, self.body).is_some();
        if is_stated || reasons.is_empty() {
            return message(self.status, self.content_type, value, self.body);
        }
        let texts: Vec<String> = reasons
            .iter()
            .take(REASONS_IN_MESSAGE)
            .map(|reason| match reason.instance_path.as_str() {
                "" => reason.message.clone(),
                path => format!("{path}: {}", reason.message),
            })
            .collect();
        truncate_chars(&texts.join("; "), MAX_MESSAGE_CHARACTERS)
    }

    /// The body, unless it is a web page.
    fn text(&self) -> &str {
        if crate::web_page::is_markup(self.content_type, self.body.as_bytes()) {
            ""
        } else {
            self.body
        }
    }
}

#[cfg(test)]
mod tests;
