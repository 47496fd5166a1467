//! Why a request to the model gave nothing that can be used as a whole.

mod classify;
mod kind;

use serde::{Deserialize, Serialize};

use classify::{classify, named_parameter};
pub use kind::FailureKind;

use super::MAX_MESSAGE_BYTES;
use super::envelope::EnvelopeError;
use super::error_body::ErrorBody;
use super::piece::Malformed;
use super::sse::SseError;
use crate::text::truncate_bytes;

/// A failure with everything that is known about it. Holds no secret: it is made from what the
/// endpoint said, never from what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The HTTP status, where the failure is one of the status and not of the answer.
    pub status: Option<u16>,
    /// The endpoint's own code, as it wrote it; a number as its digits.
    pub endpoint_code: Option<String>,
    /// What happened: the endpoint's own words where it has any.
    pub message: String,
    /// The parameter of the request that the endpoint blames.
    pub parameter: Option<String>,
    /// The beginning of the body, where the endpoint did not answer as its API says.
    pub body: Option<String>,
    /// How long to wait before asking again, in milliseconds, where the endpoint says so.
    pub retry_after: Option<u64>,
    /// Whether asking again makes sense, where the endpoint itself says so (`x-should-retry`).
    pub should_retry: Option<bool>,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure {
            kind,
            status: None,
            endpoint_code: None,
            message: message.into(),
            parameter: None,
            body: None,
            retry_after: None,
            should_retry: None,
        }
    }

    /// The failure of a request that got no status: the host is unreachable, the connection was
    /// refused, or the browser hides the answer. `reason` is what the browser said.
    #[must_use]
    pub fn unreachable(reason: &str) -> Failure {
        Failure::new(
            FailureKind::Unreachable,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// The failure of a request that could not be made; `reason` says why. Nothing left.
    #[must_use]
    pub fn not_sent(reason: &str) -> Failure {
        Failure::new(
            FailureKind::NotSent,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// The failure of a live run that has no model endpoint.
    #[must_use]
    pub fn not_configured() -> Failure {
        Failure::new(
            FailureKind::NotConfigured,
            "No model endpoint is configured.",
        )
    }

    /// The failure of a dry run whose generator cannot satisfy the schema; `reason` says why.
    #[must_use]
    pub fn dry_run(reason: &str) -> Failure {
        Failure::new(
            FailureKind::DryRun,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// The failure of a request that was not made, because it might pass the run's budget; `reason`
    /// says by how much.
    #[must_use]
    pub fn budget_reached(reason: impl Into<String>) -> Failure {
        Failure::new(FailureKind::BudgetReached, reason)
    }

    /// The failure of an answer that was not there in full when the time of a call was over.
    #[must_use]
    pub(super) fn took_too_long() -> Failure {
        Failure::new(
            FailureKind::TookTooLong,
            "The answer was not there in full when the time for it was over.",
        )
    }

    /// The failure for an error object. `status` is that of the answer; where the error stands
    /// inside a stream, the endpoint's numeric code is taken for one.
    #[must_use]
    pub(super) fn of_error(status: Option<u16>, error: ErrorBody) -> Failure {
        let numeric = error.code.as_deref().and_then(|code| code.parse().ok());
        let kind = classify(status.or(numeric), &error);
        let message =
            error
                .message
                .or_else(|| error.kind.clone())
                .unwrap_or_else(|| match status {
                    Some(status) => format!("The endpoint answered with status {status}."),
                    None => "The endpoint reported an error without saying which.".to_owned(),
                });
        let parameter = match kind {
            FailureKind::ParameterRefused => error.parameter.or_else(|| named_parameter(&message)),
            _ => error.parameter,
        };
        Failure {
            status,
            parameter,
            endpoint_code: error.code.or(error.kind),
            ..Failure::new(kind, message)
        }
    }

    /// Whether the endpoint refused the form of structured output, and nothing else.
    #[must_use]
    pub fn blames_format(&self) -> bool {
        const NAMES: [&str; 4] = [
            "response_format",
            "text.format",
            "json_schema",
            "json_object",
        ];
        self.kind == FailureKind::ParameterRefused
            && self
                .parameter
                .as_deref()
                .is_some_and(|parameter| NAMES.iter().any(|name| parameter.contains(name)))
    }

    /// The stable name of what happened.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether the same request again may end otherwise.
    #[must_use]
    pub fn retry(&self) -> bool {
        self.should_retry.unwrap_or_else(|| self.kind.may_pass())
    }

    /// What to do about it, in the operator's words.
    #[must_use]
    pub fn hint(&self) -> String {
        use FailureKind as K;
        let fixed = match self.kind {
            K::NotConfigured => "Give the model endpoint's address in the settings, or stay dry.",
            K::DryRun => {
                "The generator of dry runs cannot make such tasks. Change the schema, or go live."
            }
            K::BudgetReached => {
                "Raise the budget in the settings, or keep what is there. Nothing was sent."
            }
            K::NotSent => {
                "Nothing was sent. Give the key for this endpoint, or change the endpoint in the \
                 settings."
            }
            K::TookTooLong => {
                "Ask for fewer tasks at a time, or give a call more time in the settings."
            }
            K::Unreachable => {
                "Check that the address is right and the server is running. If it is, it must \
                 allow this page: its CORS rule needs this page's origin and the headers \
                 Authorization and Content-Type."
            }
            K::KeyRefused => {
                "Give the key again: it is wrong, expired, or of another organisation."
            }
            K::Forbidden => {
                "The key is known and may not do this. Check the project's rights, the country, \
                 and that this page's origin is allowed."
            }
            K::ModelNotFound => {
                "Choose a model from the endpoint's own list, or check that the key may use this one."
            }
            K::AddressNotFound => {
                "Check the base address: it usually ends in /v1, without /chat/completions. \
                 Check also that the endpoint speaks the chosen API."
            }
            K::Redirected => {
                "Redirects are not followed, because they would carry the key along. Give the \
                 address that it leads to, if you trust it."
            }
            K::WebPage => {
                "This address serves a web page. Did you leave out /v1? Or does a proxy ask to sign in?"
            }
            K::QuotaUsedUp => {
                "The account has no credit or quota left. Asking again will not help; look at the \
                 endpoint's billing page."
            }
            K::RateLimited => match self.retry_after {
                Some(wait) => {
                    let seconds = wait.div_ceil(1000);
                    return format!(
                        "Wait {seconds} s and ask again, or ask for fewer tasks at a time."
                    );
                }
                None => "Wait a little and ask again, or ask for fewer tasks at a time.",
            },
            K::TimedOut => "Ask again; if it happens again, ask for fewer tasks at a time.",
            K::ServerError => "The trouble is at the endpoint. Wait a little and ask again.",
            K::ParameterRefused => match &self.parameter {
                Some(name) => {
                    return format!(
                        "This model or endpoint does not take {name} as it was sent. Change or \
                         leave out the setting behind it."
                    );
                }
                None => {
                    "The endpoint does not take one of the parameters as it was sent. Change the \
                     setting that it names."
                }
            },
            K::ContextTooLong => {
                "Shorten the context, ask for fewer tasks at a time, or choose a model that reads more."
            }
            K::RequestTooLarge => {
                "Shorten the context: the endpoint does not take so long a request."
            }
            K::PromptFiltered => {
                "The endpoint's content filter stopped the brief. Change its wording."
            }
            K::RequestRefused => {
                "The endpoint says what it does not take; correct that and ask again."
            }
            K::UnexpectedStatus => {
                "This is not how such an endpoint answers. Check that the address is that of the \
                 model's API."
            }
            K::EndpointError => "The endpoint says what went wrong. Ask again if it may pass.",
            K::NotAnAnswer => {
                "This is not how a model answers. Check that the base address is that of the \
                 model's API and that the endpoint speaks the chosen API."
            }
            K::MalformedStream | K::TextMismatch => {
                "Something between the endpoint and this page damaged the answer. Ask again."
            }
            K::StreamTooLong => {
                "Check that the address is that of the model's API; if it is, ask for fewer tasks \
                 at a time."
            }
            K::ToolCall => {
                "No tool was offered to the model. Choose another model, or an endpoint that adds \
                 no tools of its own."
            }
            K::UnknownFinish => {
                "Nobody can say whether the answer is whole. Look at its text; ask again, or keep \
                 the whole tasks."
            }
            K::MalformedAnswer | K::AnswerNotClosed | K::NoJson | K::SeveralDocuments => {
                "The model did not write the JSON that it was asked for. Ask again, or choose a \
                 model or endpoint that enforces a schema. Nothing was repaired."
            }
            K::EmptyAnswer => {
                "The model said nothing. Ask again; a reasoning model may have used up its limit \
                 of output tokens."
            }
            K::TaskTooLarge => "Ask for shorter tasks.",
            K::TaskTooDeep => "Ask for tasks of a flatter shape.",
            K::TooManyTasks | K::AnswerTooLarge => "Ask for fewer tasks at a time.",
        };
        fixed.to_owned()
    }
}

impl From<SseError> for Failure {
    fn from(error: SseError) -> Self {
        Failure::new(FailureKind::StreamTooLong, error.to_string())
    }
}

impl From<Malformed> for Failure {
    fn from(error: Malformed) -> Self {
        let reason = truncate_bytes(&error.0, 200);
        Failure::new(
            FailureKind::MalformedStream,
            format!("The endpoint sent an event that cannot be read: {reason}"),
        )
    }
}

impl From<EnvelopeError> for Failure {
    fn from(error: EnvelopeError) -> Self {
        let kind = match &error {
            EnvelopeError::Malformed { .. } => FailureKind::MalformedAnswer,
            EnvelopeError::TooLarge { .. } => FailureKind::TaskTooLarge,
            EnvelopeError::TooDeep { .. } => FailureKind::TaskTooDeep,
            EnvelopeError::TooManyTasks => FailureKind::TooManyTasks,
            EnvelopeError::SeveralDocuments { .. } | EnvelopeError::RepeatedMember { .. } => {
                FailureKind::SeveralDocuments
            }
        };
        Failure::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests;
