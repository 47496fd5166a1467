//! The kinds of failure.

use serde::{Deserialize, Serialize};

/// The kinds of failure, each with its own code and hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    // No request was made.
    /// No model endpoint is configured.
    NotConfigured,
    /// The generator of dry runs cannot satisfy the schema.
    DryRun,
    /// Another request might exceed the run's cost limit or token limit.
    #[serde(alias = "budget_reached")]
    LimitReached,
    /// The request could not be made: the API key is missing or belongs to another endpoint.
    NotSent,

    // There is no response, or it reports an error.
    /// No status: unreachable, connection refused, or hidden from the page by CORS.
    Unreachable,
    /// There was no connection, so nothing was sent. Only Node.js can tell.
    NotConnected,
    /// 401.
    KeyRefused,
    /// 403.
    Forbidden,
    /// A 404 that names the model.
    ModelNotFound,
    /// Any other 404, and 405.
    AddressNotFound,
    /// 3xx.
    Redirected,
    /// A web page instead of a model response.
    WebPage,
    /// 402, or a 429 about quota or billing.
    QuotaUsedUp,
    /// A 429 about the request rate.
    RateLimited,
    /// 408 or 504.
    TimedOut,
    /// 409 or any other 5xx.
    ServerError,
    /// The endpoint does not accept a parameter of the request.
    ParameterRefused,
    /// Messages and response do not fit into the model's context window.
    ContextTooLong,
    /// 413.
    RequestTooLarge,
    /// The endpoint's content filter rejected the brief.
    PromptFiltered,
    /// Any other 4xx.
    RequestRefused,
    /// Any other status.
    UnexpectedStatus,

    // The response did not finish in time.
    /// The request timeout expired.
    TookTooLong,

    // The stream reports an error or cannot be read.
    /// An error reported by the endpoint that fits no other kind.
    EndpointError,
    /// The body is neither an event stream nor a document that the API specifies.
    #[serde(alias = "not_an_answer")]
    NotAModelResponse,
    /// An event does not follow the API.
    MalformedStream,
    /// A line or an event exceeds the size limit.
    StreamTooLong,
    /// The text repeated at the end differs from the text that was streamed.
    TextMismatch,
    /// The model asked for a tool call.
    ToolCall,
    /// The finish reason is unknown.
    UnknownFinish,

    // The text of the response cannot be used.
    /// It is not valid JSON.
    #[serde(alias = "malformed_answer")]
    MalformedResponse,
    /// The model finished, but its JSON is not closed.
    #[serde(alias = "answer_not_closed")]
    JsonNotClosed,
    /// There is no text.
    #[serde(alias = "empty_answer")]
    EmptyResponse,
    /// The model wrote reasoning, but no response.
    OnlyReasoning,
    /// There is text, but no JSON.
    NoJson,
    /// More than one JSON document, or a duplicate member `tasks`.
    SeveralDocuments,
    /// A task is too long.
    TaskTooLarge,
    /// A task is nested too deeply.
    TaskTooDeep,
    /// There are too many tasks.
    TooManyTasks,
    /// The response is too long.
    #[serde(alias = "answer_too_large")]
    ResponseTooLarge,
}

impl FailureKind {
    /// A stable name.
    #[must_use]
    pub fn code(self) -> &'static str {
        use FailureKind as K;
        match self {
            K::NotConfigured => "not_configured",
            K::DryRun => "dry_run",
            K::LimitReached => "limit_reached",
            K::NotSent => "not_sent",
            K::TookTooLong => "took_too_long",
            K::Unreachable => "unreachable",
            K::NotConnected => "not_connected",
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
            K::NotAModelResponse => "not_a_model_response",
            K::MalformedStream => "malformed_stream",
            K::StreamTooLong => "stream_too_long",
            K::TextMismatch => "text_mismatch",
            K::ToolCall => "tool_call",
            K::UnknownFinish => "unknown_finish",
            K::MalformedResponse => "malformed_response",
            K::JsonNotClosed => "json_not_closed",
            K::EmptyResponse => "empty_response",
            K::OnlyReasoning => "only_reasoning",
            K::NoJson => "no_json",
            K::SeveralDocuments => "several_documents",
            K::TaskTooLarge => "task_too_large",
            K::TaskTooDeep => "task_too_deep",
            K::TooManyTasks => "too_many_tasks",
            K::ResponseTooLarge => "response_too_large",
        }
    }

    /// Whether the same request may succeed if it is repeated.
    pub(super) fn may_succeed_later(self) -> bool {
        use FailureKind as K;
        matches!(
            self,
            K::Unreachable
                | K::NotConnected
                | K::TookTooLong
                | K::RateLimited
                | K::TimedOut
                | K::ServerError
                | K::EndpointError
                | K::MalformedStream
                | K::TextMismatch
                | K::UnknownFinish
                | K::MalformedResponse
                | K::JsonNotClosed
                | K::EmptyResponse
                | K::OnlyReasoning
                | K::NoJson
                | K::SeveralDocuments
        )
    }
}
