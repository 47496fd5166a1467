//! The kinds of failure.

use serde::{Deserialize, Serialize};

/// The kinds of failure, each with its own code and hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    // Before a request.
    /// No model endpoint is configured.
    NotConfigured,
    /// The dry generator cannot make tasks for the schema.
    DryRun,
    /// The run's budget does not allow for another request.
    BudgetReached,

    /// The request could not be made: there is no key, or it belongs to another endpoint.
    NotSent,

    // Before an answer.
    /// No status came at all: unreachable, refused, or not readable for a page.
    Unreachable,
    /// 401.
    KeyRefused,
    /// 403.
    Forbidden,
    /// 404 that names the model.
    ModelNotFound,
    /// Any other 404, and 405.
    AddressNotFound,
    /// 3xx.
    Redirected,
    /// A web page instead of an answer.
    WebPage,
    /// 429 or 402 for a quota or a bill.
    QuotaUsedUp,
    /// 429 for the rate.
    RateLimited,
    /// 408, 504.
    TimedOut,
    /// 409, 5xx.
    ServerError,
    /// A parameter of the request is not taken.
    ParameterRefused,
    /// The messages and the answer do not fit the model's context.
    ContextTooLong,
    /// 413.
    RequestTooLarge,
    /// The brief did not pass the endpoint's content filter.
    PromptFiltered,
    /// Any other 4xx.
    RequestRefused,
    /// A status that says nothing of the above.
    UnexpectedStatus,

    // While it was waited for.
    /// The answer was not there in full when the time of a call was over.
    TookTooLong,

    // Inside the stream.
    /// The endpoint reported an error that is none of the above.
    EndpointError,
    /// The body is neither an event stream nor a document of the API.
    NotAnAnswer,
    /// An event is not what the API sends.
    MalformedStream,
    /// A line or an event is beyond every measure.
    StreamTooLong,
    /// The text told at the end is not the text that was streamed.
    TextMismatch,
    /// The model wants a tool called.
    ToolCall,
    /// The model ended for a reason that is not known.
    UnknownFinish,

    // In the answer's text.
    /// It is not valid JSON.
    MalformedAnswer,
    /// The model finished and its JSON did not close.
    AnswerNotClosed,
    /// There is no text.
    EmptyAnswer,
    /// There is text and no JSON in it.
    NoJson,
    /// More than one JSON document, or `tasks` twice.
    SeveralDocuments,
    /// A task is too long.
    TaskTooLarge,
    /// A task is nested too deeply.
    TaskTooDeep,
    /// Too many tasks.
    TooManyTasks,
    /// The answer is too long.
    AnswerTooLarge,
}

impl FailureKind {
    /// The stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        use FailureKind as K;
        match self {
            K::NotConfigured => "not_configured",
            K::DryRun => "dry_run",
            K::BudgetReached => "budget_reached",
            K::NotSent => "not_sent",
            K::TookTooLong => "took_too_long",
            K::Unreachable => "unreachable",
            K::KeyRefused => "key_refused",
            K::Forbidden => "forbidden",
            K::ModelNotFound => "model_not_found",
            K::AddressNotFound => "address_not_found",
            K::Redirected => "redirected",
            K::WebPage => "web_page",
            K::QuotaUsedUp => "quota_used_up",
            K::RateLimited => "rate_limited",
            K::TimedOut => "timed_out",
            K::ServerError => "server_error",
            K::ParameterRefused => "parameter_refused",
            K::ContextTooLong => "context_too_long",
            K::RequestTooLarge => "request_too_large",
            K::PromptFiltered => "prompt_filtered",
            K::RequestRefused => "request_refused",
            K::UnexpectedStatus => "unexpected_status",
            K::EndpointError => "endpoint_error",
            K::NotAnAnswer => "not_an_answer",
            K::MalformedStream => "malformed_stream",
            K::StreamTooLong => "stream_too_long",
            K::TextMismatch => "text_mismatch",
            K::ToolCall => "tool_call",
            K::UnknownFinish => "unknown_finish",
            K::MalformedAnswer => "malformed_answer",
            K::AnswerNotClosed => "answer_not_closed",
            K::EmptyAnswer => "empty_answer",
            K::NoJson => "no_json",
            K::SeveralDocuments => "several_documents",
            K::TaskTooLarge => "task_too_large",
            K::TaskTooDeep => "task_too_deep",
            K::TooManyTasks => "too_many_tasks",
            K::AnswerTooLarge => "answer_too_large",
        }
    }

    /// Whether the same request again may end otherwise.
    pub(super) fn may_pass(self) -> bool {
        use FailureKind as K;
        matches!(
            self,
            K::Unreachable
                | K::TookTooLong
                | K::RateLimited
                | K::TimedOut
                | K::ServerError
                | K::EndpointError
                | K::MalformedStream
                | K::TextMismatch
                | K::UnknownFinish
                | K::MalformedAnswer
                | K::AnswerNotClosed
                | K::EmptyAnswer
                | K::NoJson
                | K::SeveralDocuments
        )
    }
}
