//! Why a model stopped writing, in the words of the endpoints.

use crate::text::truncate_bytes;

/// Longest reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 64;

/// Why the model stopped writing, according to the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finish {
    /// It finished: `stop`, `completed`.
    Stop,
    /// A token limit: `length`, `max_output_tokens`.
    Length,
    /// A content filter.
    ContentFilter,
    /// The model refused. Its text says why.
    Refusal,
    /// It asked for a tool or function call, although it was offered none.
    ToolCall(String),
    /// The endpoint failed or gave up, as it named it.
    Error(String),
    /// Any other reason, as the endpoint named it.
    Other(String),
}

/// What the reasons of the known endpoints mean, in lower case with underscores. The names come from
/// the documentation of the APIs that gateways translate: OpenAI, Anthropic, Gemini, Bedrock, Cohere,
/// Mistral, Ollama, llama.cpp, Hugging Face and others.
const STOP: [&str; 12] = [
    "stop",
    "completed",
    "complete",
    "end_turn",
    "stop_sequence",
    "eos",
    "eos_token",
    "end_of_sequence",
    "finished",
    "finish",
    "normal",
    "success",
];
const LENGTH: [&str; 15] = [
    "length",
    "max_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "max_new_tokens",
    "max_length",
    "model_length",
    "token_limit",
    "limit",
    "length_limit",
    "context_length",
    "context_window",
    "model_context_window_exceeded",
    "context_length_exceeded",
    "truncated",
];
const CONTENT_FILTER: [&str; 16] = [
    "content_filter",
    "content_filtered",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
    "image_safety",
    "guardrail_intervened",
    "guardrails",
    "sensitive",
    "moderation",
    "flagged",
    "blocked",
    "error_toxic",
    "filtered",
];
const REFUSAL: [&str; 2] = ["refusal", "refused"];
const TOOL_CALL: [&str; 6] = [
    "tool_calls",
    "tool_call",
    "tool_use",
    "function_call",
    "malformed_function_call",
    "unexpected_tool_call",
];
const ERROR: [&str; 13] = [
    "error",
    "failed",
    "server_error",
    "internal_error",
    "network_error",
    "abort",
    "aborted",
    "cancelled",
    "canceled",
    "timeout",
    "overloaded",
    "insufficient_system_resource",
    "user_cancel",
];

impl Finish {
    /// The meaning of a finish reason. `None` for text that stands for no reason, such as `null`.
    #[must_use]
    pub fn of(reason: &str) -> Option<Finish> {
        let reason = reason.trim();
        if stands_for_nothing(reason) {
            return None;
        }
        let name = normalized(reason);
        let is = |names: &[&str]| names.contains(&name.as_str());
        let as_named = || truncate_bytes(reason, MAX_REASON_BYTES);
        Some(if is(&STOP) {
            Finish::Stop
        } else if is(&LENGTH) {
            Finish::Length
        } else if is(&CONTENT_FILTER) {
            Finish::ContentFilter
        } else if is(&REFUSAL) {
            Finish::Refusal
        } else if is(&TOOL_CALL) {
            Finish::ToolCall(as_named())
        } else if is(&ERROR) {
            Finish::Error(as_named())
        } else {
            Finish::Other(as_named())
        })
    }

    /// The meaning of a finish reason, if it is a known one.
    #[must_use]
    pub fn known(reason: &str) -> Option<Finish> {
        Finish::of(reason).filter(|finish| !matches!(finish, Finish::Other(_)))
    }
}

/// Whether a text is what a program writes for "no value".
pub(super) fn stands_for_nothing(text: &str) -> bool {
    matches!(text.trim(), "" | "null" | "None" | "nil" | "undefined")
}

/// The reason in lower case with underscores, without the name of its enumeration:
/// `FinishReason.MAX_TOKENS` and `maxTokens` are `max_tokens`.
fn normalized(reason: &str) -> String {
    let reason = reason.rsplit(['.', ':']).next().unwrap_or(reason);
    let mut name = String::with_capacity(reason.len() + 4);
    let mut after_lower = false;
    for character in reason.chars() {
        if character.is_ascii_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = character.is_ascii_lowercase();
        name.push(match character {
            '-' | ' ' => '_',
            other => other.to_ascii_lowercase(),
        });
    }
    match name.strip_prefix("finish_reason_") {
        Some(rest) => rest.to_owned(),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_of_other_vendors_have_their_meaning_however_they_are_written() {
        let table: [(&str, Finish); 27] = [
            ("stop", Finish::Stop),
            ("STOP", Finish::Stop),
            ("end_turn", Finish::Stop),
            ("endTurn", Finish::Stop),
            ("eos_token", Finish::Stop),
            ("COMPLETE", Finish::Stop),
            ("FinishReason.STOP", Finish::Stop),
            ("FINISH_REASON_STOP", Finish::Stop),
            ("stop-sequence", Finish::Stop),
            ("length", Finish::Length),
            ("max_tokens", Finish::Length),
            ("MAX_TOKENS", Finish::Length),
            ("maxTokens", Finish::Length),
            ("model_length", Finish::Length),
            ("FinishReason.MAX_TOKENS", Finish::Length),
            ("content_filter", Finish::ContentFilter),
            ("SAFETY", Finish::ContentFilter),
            ("guardrail_intervened", Finish::ContentFilter),
            ("PROHIBITED_CONTENT", Finish::ContentFilter),
            ("refusal", Finish::Refusal),
            ("tool_use", Finish::ToolCall("tool_use".into())),
            ("TOOL_CALLS", Finish::ToolCall("TOOL_CALLS".into())),
            ("error", Finish::Error("error".into())),
            ("network-error", Finish::Error("network-error".into())),
            ("abort", Finish::Error("abort".into())),
            ("moon", Finish::Other("moon".into())),
            ("stopped early", Finish::Other("stopped early".into())),
        ];
        for (reason, finish) in table {
            assert_eq!(Finish::of(reason), Some(finish), "{reason}");
        }
    }

    #[test]
    fn text_that_stands_for_nothing_is_no_reason() {
        for reason in ["", " ", "null", "None", "undefined"] {
            assert_eq!(Finish::of(reason), None, "{reason}");
        }
        assert_eq!(Finish::known("moon"), None);
        assert_eq!(Finish::known("eos"), Some(Finish::Stop));
    }
}
