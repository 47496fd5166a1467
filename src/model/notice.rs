//! Oddities of a response that do not affect its tasks.

use serde::{Deserialize, Serialize};

/// An oddity that the operator should know about. It does not change the outcome of the request.
///
/// The stream reader and the driver report each notice once per request; a run stores each one
/// once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The kind of oddity.
    pub code: NoticeCode,
    /// What happened, for the operator.
    pub message: String,
}

impl Notice {
    /// A notice with this code and message.
    #[must_use]
    pub fn new(code: NoticeCode, message: impl Into<String>) -> Notice {
        Notice {
            code,
            message: message.into(),
        }
    }
}

/// The kinds of oddity. Stored and sent to JavaScript by the name that [`NoticeCode::as_str`]
/// returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeCode {
    /// The endpoint sent an event of an unknown type.
    UnknownEvent,
    /// The endpoint sent several alternative responses; only the first is read.
    OtherChoice,
    /// The endpoint sent one JSON document although a stream was requested.
    NotStreamed,
    /// Bytes that are not valid UTF-8 were replaced by U+FFFD.
    InvalidUtf8,
    /// The JSON document is surrounded by text: the endpoint does not enforce the schema.
    TextAroundJson,
    /// The model wrote its reasoning into the response; it was skipped.
    #[serde(alias = "reasoning_in_answer")]
    ReasoningInResponse,
    /// The model wrote reasoning, but no response.
    OnlyReasoning,
    /// The JSON is valid but contains no task.
    NoTasks,
    /// The endpoint reported an error after it had finished the response.
    #[serde(alias = "trouble_after_end")]
    ErrorAfterFinish,
    /// The endpoint sent two different finish reasons.
    FinishChanged,
    /// The task schema cannot be expressed in the strict subset that endpoints enforce.
    SchemaNotStrict,
    /// The endpoint accepted the schema but its response violates it.
    SchemaNotFollowed,
    /// The endpoint refused a response format, so the request fell back to another one.
    #[serde(alias = "stepped_down")]
    ResponseFormatFallback,
    /// The endpoint refused another part of the request, so the request was repeated without it or
    /// with something else in its place.
    Adapted,
    /// A stored code that this version does not know.
    #[serde(other)]
    Other,
}

impl NoticeCode {
    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeCode::UnknownEvent => "unknown_event",
            NoticeCode::OtherChoice => "other_choice",
            NoticeCode::NotStreamed => "not_streamed",
            NoticeCode::InvalidUtf8 => "invalid_utf8",
            NoticeCode::TextAroundJson => "text_around_json",
            NoticeCode::ReasoningInResponse => "reasoning_in_response",
            NoticeCode::OnlyReasoning => "only_reasoning",
            NoticeCode::NoTasks => "no_tasks",
            NoticeCode::ErrorAfterFinish => "error_after_finish",
            NoticeCode::FinishChanged => "finish_changed",
            NoticeCode::SchemaNotStrict => "schema_not_strict",
            NoticeCode::SchemaNotFollowed => "schema_not_followed",
            NoticeCode::ResponseFormatFallback => "response_format_fallback",
            NoticeCode::Adapted => "adapted",
            NoticeCode::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_code_is_stored_under_its_stable_name() {
        for code in [
            NoticeCode::UnknownEvent,
            NoticeCode::OtherChoice,
            NoticeCode::NotStreamed,
            NoticeCode::InvalidUtf8,
            NoticeCode::TextAroundJson,
            NoticeCode::ReasoningInResponse,
            NoticeCode::OnlyReasoning,
            NoticeCode::NoTasks,
            NoticeCode::ErrorAfterFinish,
            NoticeCode::FinishChanged,
            NoticeCode::SchemaNotStrict,
            NoticeCode::SchemaNotFollowed,
            NoticeCode::ResponseFormatFallback,
            NoticeCode::Adapted,
            NoticeCode::Other,
        ] {
            let stored = serde_json::to_value(Notice::new(code, "m")).unwrap();
            assert_eq!(stored, json!({"code": code.as_str(), "message": "m"}));
            let read: Notice = serde_json::from_value(stored).unwrap();
            assert_eq!(read.code, code);
        }
    }

    #[test]
    fn a_stored_notice_with_an_unknown_or_former_code_can_be_read() {
        for (name, code) in [
            ("from_the_future", NoticeCode::Other),
            ("stepped_down", NoticeCode::ResponseFormatFallback),
            ("reasoning_in_answer", NoticeCode::ReasoningInResponse),
            ("trouble_after_end", NoticeCode::ErrorAfterFinish),
        ] {
            let read: Notice =
                serde_json::from_value(json!({"code": name, "message": "m"})).unwrap();
            assert_eq!(read, Notice::new(code, "m"));
        }
    }
}
