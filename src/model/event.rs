//! What a task stream tells while an answer arrives.

use super::usage::Usage;
use crate::document::Document;
use crate::schema::Violation;

/// Something that happened in the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// A task's JSON closed. It is whole, whatever becomes of the rest of the answer.
    Task {
        /// Its place in the answer, from 0.
        index: usize,
        /// The task, exactly as the model wrote it.
        document: Document,
        /// What the operator's schema has against it; empty for a valid task.
        violations: Vec<Violation>,
    },
    /// More of the answer's text. Pieces that arrive together come as one.
    Text {
        /// The characters that were added.
        delta: String,
    },
    /// The endpoint told what the request cost so far. A later one replaces an earlier one.
    Usage(Usage),
    /// Something odd that takes nothing away from the answer.
    Notice(ResponseNotice),
}

/// Something odd about an answer. The same one is told once for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseNotice {
    /// A stable name for the kind of oddity.
    pub code: NoticeCode,
    /// What was seen, in the operator's words.
    pub message: String,
}

/// The kinds of oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoticeCode {
    /// The endpoint sent an event that this module does not know.
    UnknownEvent,
    /// The endpoint gave several answers at once; only the first is read.
    OtherChoice,
    /// The endpoint answered one JSON document although a stream was asked for.
    NotStreamed,
    /// Bytes that are no UTF-8 were replaced by U+FFFD on their way.
    InvalidUtf8,
    /// Text stands around the JSON document: the endpoint does not follow the schema.
    TextAroundJson,
    /// The model wrote its reasoning into the answer; it was left out of the tasks.
    ReasoningInAnswer,
    /// The JSON is sound and holds no task.
    NoTasks,
    /// The endpoint said that it had finished and then reported a problem.
    TroubleAfterEnd,
    /// The endpoint named two different reasons for ending.
    FinishChanged,
}

impl NoticeCode {
    /// The stable name, as in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeCode::UnknownEvent => "unknown_event",
            NoticeCode::OtherChoice => "other_choice",
            NoticeCode::NotStreamed => "not_streamed",
            NoticeCode::InvalidUtf8 => "invalid_utf8",
            NoticeCode::TextAroundJson => "text_around_json",
            NoticeCode::ReasoningInAnswer => "reasoning_in_answer",
            NoticeCode::NoTasks => "no_tasks",
            NoticeCode::TroubleAfterEnd => "trouble_after_end",
            NoticeCode::FinishChanged => "finish_changed",
        }
    }
}
