//! What a task stream tells while an answer arrives.

use serde::{Serialize, Serializer};

use super::usage::Usage;
use crate::document::Document;
use crate::schema::Violation;

/// Something that happened in the answer.
///
/// Serialized it is the object of the JavaScript surface, told apart by `type`:
/// `{"type":"task","index":0,"text":"…","violations":[…]}`, `{"type":"text","delta":"…"}`,
/// `{"type":"usage","input":…,"output":…,"cached":…,"reasoning":…}` and
/// `{"type":"warning","code":"…","message":"…"}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamEvent {
    /// A task's JSON closed. It is whole, whatever becomes of the rest of the answer.
    Task {
        /// Its place in the answer, from 0.
        index: usize,
        /// The task, exactly as the model wrote it.
        #[serde(rename = "text", serialize_with = "as_text")]
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
    Warning(Warning),
}

/// Something odd about an answer. The same one is told once for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable name for the kind of oddity.
    pub code: WarningCode,
    /// What was seen, in the operator's words.
    pub message: String,
}

/// The kinds of oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningCode {
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

impl WarningCode {
    /// The stable name, as in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            WarningCode::UnknownEvent => "unknown_event",
            WarningCode::OtherChoice => "other_choice",
            WarningCode::NotStreamed => "not_streamed",
            WarningCode::InvalidUtf8 => "invalid_utf8",
            WarningCode::TextAroundJson => "text_around_json",
            WarningCode::ReasoningInAnswer => "reasoning_in_answer",
            WarningCode::NoTasks => "no_tasks",
            WarningCode::TroubleAfterEnd => "trouble_after_end",
            WarningCode::FinishChanged => "finish_changed",
        }
    }
}

fn as_text<S: Serializer>(document: &Document, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(document.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_have_the_shape_of_the_javascript_surface() {
        let table = [
            (
                StreamEvent::Task {
                    index: 2,
                    document: Document::parse(r#"{ "b":1.0, "a":18446744073709551616 }"#).unwrap(),
                    violations: vec![],
                },
                json!({"type": "task", "index": 2, "violations": [],
                       "text": r#"{ "b":1.0, "a":18446744073709551616 }"#}),
            ),
            (
                StreamEvent::Text { delta: "ab".into() },
                json!({"type": "text", "delta": "ab"}),
            ),
            (
                StreamEvent::Usage(Usage {
                    input: 1,
                    output: 2,
                    cached: 3,
                    reasoning: 4,
                }),
                json!({"type": "usage", "input": 1, "output": 2, "cached": 3, "reasoning": 4}),
            ),
            (
                StreamEvent::Warning(Warning {
                    code: WarningCode::NoTasks,
                    message: "m".into(),
                }),
                json!({"type": "warning", "code": "no_tasks", "message": "m"}),
            ),
        ];
        for (event, expected) in table {
            assert_eq!(serde_json::to_value(&event).unwrap(), expected);
        }
    }

    #[test]
    fn a_warning_has_one_name_on_both_sides_of_the_border() {
        for code in [
            WarningCode::UnknownEvent,
            WarningCode::OtherChoice,
            WarningCode::NotStreamed,
            WarningCode::InvalidUtf8,
            WarningCode::TextAroundJson,
            WarningCode::ReasoningInAnswer,
            WarningCode::NoTasks,
            WarningCode::TroubleAfterEnd,
            WarningCode::FinishChanged,
        ] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
