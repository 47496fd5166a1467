//! Which kind of failure an endpoint speaks of.

use super::FailureKind;
use crate::model::error_body::ErrorBody;

/// What an error object and a status come to.
pub(super) fn classify(status: Option<u16>, error: &ErrorBody) -> FailureKind {
    use FailureKind as K;
    let says = |words: &[&str]| {
        [&error.code, &error.kind]
            .into_iter()
            .flatten()
            .any(|said| words.contains(&said.as_str()))
    };
    let message = error.message.as_deref().unwrap_or_default();
    let message = message.to_ascii_lowercase();
    if says(&[
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
    ]) {
        return K::QuotaUsedUp;
    }
    if says(&["context_length_exceeded", "exceed_context_size_error"])
        || message.contains("context length")
        || message.contains("context size")
        || message.contains("context window")
    {
        return K::ContextTooLong;
    }
    if says(&["content_filter", "content_policy_violation"]) {
        return K::PromptFiltered;
    }
    if says(&["model_not_found"]) {
        return K::ModelNotFound;
    }
    if says(&["invalid_api_key", "authentication_error"]) {
        return K::KeyRefused;
    }
    if says(&["rate_limit_exceeded", "rate_limit_error", "tokens"])
        && status.is_none_or(|s| s == 429)
    {
        return K::RateLimited;
    }
    if says(&[
        "server_error",
        "server_is_overloaded",
        "overloaded_error",
        "internal_error",
    ]) && status.is_none()
    {
        return K::ServerError;
    }
    match status {
        Some(401) => K::KeyRefused,
        Some(402) => K::QuotaUsedUp,
        Some(403) => K::Forbidden,
        // Ollama and vLLM: `model 'x' not found`, `The model x does not exist.`
        Some(404) if message.contains("model") => K::ModelNotFound,
        Some(404 | 405) => K::AddressNotFound,
        Some(408 | 504) => K::TimedOut,
        Some(413) => K::RequestTooLarge,
        Some(429) => K::RateLimited,
        Some(400 | 422)
            if error.parameter.is_some()
                || says(&[
                    "unsupported_parameter",
                    "unsupported_value",
                    "unknown_parameter",
                ])
                || named_parameter(&message).is_some() =>
        {
            K::ParameterRefused
        }
        Some(409 | 500..=599) => K::ServerError,
        Some(300..=399) => K::Redirected,
        Some(400..=499) => K::RequestRefused,
        Some(_) if error.message.is_some() => K::EndpointError,
        Some(_) => K::UnexpectedStatus,
        None => K::EndpointError,
    }
}

/// The parameter of our own requests that a message names, for endpoints that leave `param` out.
pub(super) fn named_parameter(message: &str) -> Option<String> {
    const PARAMETERS: [&str; 10] = [
        "response_format",
        "json_schema",
        "json_object",
        "text.format",
        "stream_options",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "instructions",
        "store",
    ];
    // A name counts only as a word of its own: "restore" and "stored" name nothing.
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    PARAMETERS
        .iter()
        .find(|name| {
            message.match_indices(**name).any(|(at, _)| {
                let before = message.get(..at).and_then(|text| text.chars().next_back());
                let after = message
                    .get(at + name.len()..)
                    .and_then(|text| text.chars().next());
                !before.is_some_and(is_part) && !after.is_some_and(is_part)
            })
        })
        .map(|name| (*name).to_owned())
}
