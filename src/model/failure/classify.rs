//! Finds the kind of failure that an endpoint reports.

use super::FailureKind;
use crate::model::error_body::ErrorBody;

/// The kind of failure that a status and an error object report.
pub(super) fn classify(status: Option<u16>, error: &ErrorBody) -> FailureKind {
    use FailureKind as K;
    let has_code = |codes: &[&str]| {
        [&error.code, &error.kind]
            .into_iter()
            .flatten()
            .any(|code| codes.contains(&code.as_str()))
    };
    let message = error.message.as_deref().unwrap_or_default();
    let message = message.to_ascii_lowercase();
    if has_code(&[
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_balance",
    ]) {
        return K::QuotaUsedUp;
    }
    if has_code(&["context_length_exceeded", "exceed_context_size_error"])
        || message.contains("context length")
        || message.contains("context size")
        || message.contains("context window")
    {
        return K::ContextTooLong;
    }
    if has_code(&["content_filter", "content_policy_violation"]) {
        return K::PromptFiltered;
    }
    if has_code(&["model_not_found"]) {
        return K::ModelNotFound;
    }
    if has_code(&["invalid_api_key", "authentication_error"]) {
        return K::KeyRefused;
    }
    if has_code(&["rate_limit_exceeded", "rate_limit_error", "tokens"])
        && status.is_none_or(|s| s == 429)
    {
        return K::RateLimited;
    }
    if has_code(&[
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
                || has_code(&[
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

/// The parameter of our requests that a message mentions, for endpoints that omit `param`.
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
    // A name counts only as a separate word: "restore" and "stored" do not mention `store`.
    let is_word_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
    PARAMETERS
        .iter()
        .find(|name| {
            message.match_indices(**name).any(|(at, _)| {
                let before = message.get(..at).and_then(|text| text.chars().next_back());
                let after = message
                    .get(at + name.len()..)
                    .and_then(|text| text.chars().next());
                !before.is_some_and(is_word_char) && !after.is_some_and(is_word_char)
            })
        })
        .map(|name| (*name).to_owned())
}
