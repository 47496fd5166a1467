//! Why a request to the model failed.

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

/// A failure and everything known about it. What was received may repeat a secret, so the driver
/// redacts it ([`super::GenerationOutcome::map_text`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The HTTP status, if that is what failed rather than the body of a 200.
    pub status: Option<u16>,
    /// The endpoint's error code; a number as its digits.
    pub endpoint_code: Option<String>,
    /// What happened, in the endpoint's words if it sent any.
    pub message: String,
    /// The request parameter that the endpoint objects to.
    pub parameter: Option<String>,
    /// The start of the body, if it is not what the API specifies.
    pub body: Option<String>,
    /// How long the endpoint asks to wait before a retry, in milliseconds.
    pub retry_after: Option<u64>,
    /// Whether the endpoint asks for or forbids a retry (`x-should-retry`).
    pub should_retry: Option<bool>,
}

impl Failure {
    /// The failure with `map` applied to all text that comes from outside.
    pub(super) fn map_text(self, map: impl Fn(&str) -> String) -> Failure {
        let map_optional = |text: Option<String>| text.as_deref().map(&map);
        // Every member is named, so that a new one cannot be forgotten.
        let Failure {
            kind,
            status,
            endpoint_code,
            message,
            parameter,
            body,
            retry_after,
            should_retry,
        } = self;
        Failure {
            kind,
            status,
            endpoint_code: map_optional(endpoint_code),
            message: map(&message),
            parameter: map_optional(parameter),
            body: map_optional(body),
            retry_after,
            should_retry,
        }
    }

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

    /// A request without a status: the host is unreachable, the connection was refused, or the
    /// browser hides the response. `reason` is the browser's error message.
    #[must_use]
    pub fn unreachable(reason: &str) -> Failure {
        Failure::new(
            FailureKind::Unreachable,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// A request without a connection, so nothing was sent; `reason` is the message of the network.
    #[must_use]
    pub fn not_connected(reason: &str) -> Failure {
        Failure::new(
            FailureKind::NotConnected,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// A request that could not be made, so nothing was sent; `reason` says why.
    #[must_use]
    pub fn not_sent(reason: &str) -> Failure {
        Failure::new(
            FailureKind::NotSent,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// A live run without a model endpoint.
    #[must_use]
    pub fn not_configured() -> Failure {
        Failure::new(
            FailureKind::NotConfigured,
            "No model endpoint is configured.",
        )
    }

    /// A dry run whose generator cannot satisfy the schema; `reason` says why.
    #[must_use]
    pub fn dry_run(reason: &str) -> Failure {
        Failure::new(
            FailureKind::DryRun,
            truncate_bytes(reason, MAX_MESSAGE_BYTES),
        )
    }

    /// A request that was not made because it might exceed the run's cost limit or token limit;
    /// `reason` gives the amounts.
    #[must_use]
    pub fn limit_reached(reason: impl Into<String>) -> Failure {
        Failure::new(FailureKind::LimitReached, reason)
    }

    /// A response that was not complete when the request timeout expired.
    #[must_use]
    pub(super) fn took_too_long() -> Failure {
        Failure::new(
            FailureKind::TookTooLong,
            "The response did not finish within the request timeout.",
        )
    }

    /// The failure for an error object. `status` is the HTTP status of the response. An error
    /// inside a stream has none; its numeric code is used as the status, if it has one.
    #[must_use]
    pub(super) fn of_error(status: Option<u16>, error: ErrorBody) -> Failure {
        let numeric = error.code.as_deref().and_then(|code| code.parse().ok());
        let kind = classify(status.or(numeric), &error);
        let message =
            error
                .message
                .or_else(|| error.kind.clone())
                .unwrap_or_else(|| match status {
                    Some(status) => format!("The endpoint responded with status {status}."),
                    None => "The endpoint reported an error without details.".to_owned(),
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

    /// A stable name for the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// Whether the same request may succeed if it is repeated.
    #[must_use]
    pub fn retry(&self) -> bool {
        self.should_retry
            .unwrap_or_else(|| self.kind.may_succeed_later())
    }

    /// What to do about it, for the operator.
    #[must_use]
    pub fn hint(&self) -> String {
        use FailureKind as K;
        let fixed = match self.kind {
            K::NotConfigured => {
                "Enter the base URL of a model endpoint in the settings, or make a dry run."
            }
            K::DryRun => {
                "Dry runs cannot generate tasks for this schema. Change the schema, or start a \
                 live run."
            }
            K::LimitReached => {
                "Raise the cost limit or the token limit in the settings, or continue with the \
                 tasks you have. This request was not sent."
            }
            K::NotSent => {
                "Nothing was sent. Enter the API key for this endpoint, remove any key or token from \
                 the brief and the tasks, or change the endpoint in the settings."
            }
            K::TookTooLong => {
                "Ask for fewer tasks per request, or raise the request timeout in the settings."
            }
            K::Unreachable => {
                "Check the base URL, and that the server is running. If both are fine, the \
                 server's CORS policy must allow this page's origin and the headers Authorization \
                 and Content-Type."
            }
            K::NotConnected => {
                "Nothing was sent. Check the host and the port of the base URL, and that the server \
                 is running."
            }
            K::KeyRefused => {
                "Enter a valid API key: the current one is missing, wrong, expired, or belongs to \
                 another organisation."
            }
            K::Forbidden => {
                "The API key is valid but not allowed to do this. Check the project's permissions, \
                 whether your country is supported, and whether the endpoint allows this page's \
                 origin."
            }
            K::ModelNotFound => {
                "Choose a model from the endpoint's list, or check that the API key may use this \
                 one."
            }
            K::AddressNotFound => {
                "Check the base URL: it usually ends in /v1, without /chat/completions. Also check \
                 that the endpoint supports the selected API."
            }
            K::Redirected => {
                "Redirects are not followed because they would pass on the API key. If you trust \
                 the target, use its address as the base URL."
            }
            K::WebPage => {
                "The base URL leads to a web page. Check whether /v1 is missing, or whether a \
                 proxy asks you to sign in."
            }
            K::QuotaUsedUp => {
                "The account has no credit or quota left, so trying again does not help. Check the \
                 endpoint's billing page."
            }
            K::RateLimited => match self.retry_after {
                Some(wait) => {
                    let seconds = wait.div_ceil(1000);
                    return format!(
                        "Wait {seconds} s and try again, or ask for fewer tasks per request."
                    );
                }
                None => "Wait a moment and try again, or ask for fewer tasks per request.",
            },
            K::TimedOut => "Try again. If it happens again, ask for fewer tasks per request.",
            K::ServerError => "The problem is at the endpoint. Wait a moment and try again.",
            K::ParameterRefused => match &self.parameter {
                Some(name) => {
                    return format!(
                        "This model or endpoint does not accept {name} as sent. Change or clear \
                         the setting behind it."
                    );
                }
                None => {
                    "The endpoint does not accept one of the parameters as sent. Change the \
                     setting that its message names."
                }
            },
            K::ContextTooLong => {
                "Shorten the context, ask for fewer tasks per request, or choose a model with a \
                 larger context window."
            }
            K::RequestTooLarge => {
                "Shorten the context: the endpoint does not accept requests of this size."
            }
            K::PromptFiltered => {
                "The endpoint's content filter rejected the brief. Change its wording."
            }
            K::RequestRefused => "Correct what the endpoint objects to, and try again.",
            K::UnexpectedStatus => {
                "Model endpoints do not respond with this status. Check that the base URL is that \
                 of the model's API."
            }
            K::EndpointError => {
                "The endpoint's message says what went wrong. Try again if the problem looks \
                 temporary."
            }
            K::NotAModelResponse => {
                "Check that the base URL is that of the model's API, and that the endpoint \
                 supports the selected API."
            }
            K::MalformedStream | K::TextMismatch => {
                "The response was damaged between the endpoint and this page. Try again."
            }
            K::StreamTooLong => {
                "Check that the base URL is that of the model's API. If it is, ask for fewer tasks \
                 per request."
            }
            K::ToolCall => {
                "The model was offered no tools. Choose another model, or an endpoint that adds no \
                 tools of its own."
            }
            K::UnknownFinish => {
                "It is unknown whether the response is complete. Read its text, then try again. If \
                 tasks arrived, you can accept the partial response."
            }
            K::MalformedResponse | K::JsonNotClosed | K::NoJson | K::SeveralDocuments => {
                "The model did not write the JSON that it was asked for. Nothing was repaired. Try \
                 again, or choose a model or endpoint that enforces the schema."
            }
            K::EmptyResponse => {
                "Try again. A reasoning model may have used up its max output tokens before it \
                 wrote anything."
            }
            K::OnlyReasoning => {
                "Read the reasoning. If it contains the response, the endpoint does not separate \
                 the two: turn reasoning off or configure its reasoning parser. Otherwise raise the \
                 max output tokens, because reasoning counts as output."
            }
            K::TaskTooLarge => "Ask for shorter tasks.",
            K::TaskTooDeep => "Ask for tasks with fewer levels of nesting.",
            K::TooManyTasks | K::ResponseTooLarge => "Ask for fewer tasks per request.",
        };
        fixed.to_owned()
    }
}

impl From<SseError> for Failure {
    fn from(error: SseError) -> Self {
        Failure::new(FailureKind::StreamTooLong, sentence(&error.to_string()))
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
            EnvelopeError::Malformed { .. } => FailureKind::MalformedResponse,
            EnvelopeError::TooLarge { .. } => FailureKind::TaskTooLarge,
            EnvelopeError::TooDeep { .. } => FailureKind::TaskTooDeep,
            EnvelopeError::TooManyTasks => FailureKind::TooManyTasks,
            EnvelopeError::SeveralDocuments { .. }
            | EnvelopeError::DuplicateMember { .. }
            | EnvelopeError::ReasoningAfterTasks { .. } => FailureKind::SeveralDocuments,
        };
        Failure::new(kind, sentence(&error.to_string()))
    }
}

/// An error's text as a sentence: capitalised, with a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(rest)
        .chain(['.'])
        .collect()
}

#[cfg(test)]
mod tests;
