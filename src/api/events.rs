//! What a stream tells, as JavaScript sees it.

use serde::Serialize;

use super::number;
use crate::model;
use crate::schema;

/// One rule that a task breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsViolation {
    instance_path: String,
    schema_path: String,
    keyword: String,
    message: String,
}

impl From<schema::Violation> for JsViolation {
    fn from(violation: schema::Violation) -> Self {
        JsViolation {
            instance_path: violation.instance_path,
            schema_path: violation.schema_path,
            keyword: violation.keyword,
            message: violation.message,
        }
    }
}

/// Violations of one task, in their order.
#[must_use]
pub fn violations(found: Vec<schema::Violation>) -> Vec<JsViolation> {
    found.into_iter().map(JsViolation::from).collect()
}

/// What a request cost, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JsUsage {
    #[serde(serialize_with = "number::nearest")]
    input: u64,
    #[serde(serialize_with = "number::nearest")]
    output: u64,
    #[serde(serialize_with = "number::nearest")]
    cached: u64,
    #[serde(serialize_with = "number::nearest")]
    reasoning: u64,
}

impl From<model::Usage> for JsUsage {
    fn from(usage: model::Usage) -> Self {
        JsUsage {
            input: usage.input,
            output: usage.output,
            cached: usage.cached,
            reasoning: usage.reasoning,
        }
    }
}

/// Something odd that takes nothing away from the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsNotice {
    /// A stable name.
    pub code: String,
    /// What was seen.
    pub message: String,
}

/// `StreamEvent` of the TypeScript types, told apart by `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JsStreamEvent {
    /// A task's JSON closed.
    Task {
        /// Its place in the answer, from 0.
        index: usize,
        /// Its exact text.
        text: String,
        /// What the schema has against it.
        violations: Vec<JsViolation>,
    },
    /// More of the answer's text.
    Text {
        /// The characters that were added.
        delta: String,
    },
    /// What the request cost so far.
    Usage(JsUsage),
    /// Something odd.
    #[serde(rename = "warning")]
    Notice(JsNotice),
}

impl From<model::StreamEvent> for JsStreamEvent {
    fn from(event: model::StreamEvent) -> Self {
        match event {
            model::StreamEvent::Task {
                index,
                document,
                violations: found,
            } => JsStreamEvent::Task {
                index,
                text: document.text().to_owned(),
                violations: violations(found),
            },
            model::StreamEvent::Text { delta } => JsStreamEvent::Text { delta },
            model::StreamEvent::Usage(usage) => JsStreamEvent::Usage(usage.into()),
            model::StreamEvent::Notice(warning) => JsStreamEvent::Notice(JsNotice {
                code: warning.code.as_str().to_owned(),
                message: warning.message,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::model::{Notice, NoticeCode};
    use serde_json::json;

    #[test]
    fn events_have_the_shape_of_the_typescript_types() {
        let broken = schema::Violation {
            instance_path: "/a".into(),
            schema_path: "/properties/a/type".into(),
            keyword: "type".into(),
            message: "m".into(),
        };
        let table = [
            (
                model::StreamEvent::Task {
                    index: 2,
                    document: Document::parse(r#"{ "b":1.0, "a":18446744073709551616 }"#).unwrap(),
                    violations: vec![broken],
                },
                json!({"type": "task", "index": 2,
                       "text": r#"{ "b":1.0, "a":18446744073709551616 }"#,
                       "violations": [{"instancePath": "/a", "keyword": "type", "message": "m",
                                       "schemaPath": "/properties/a/type"}]}),
            ),
            (
                model::StreamEvent::Text { delta: "ab".into() },
                json!({"type": "text", "delta": "ab"}),
            ),
            (
                model::StreamEvent::Usage(model::Usage {
                    input: u64::MAX,
                    output: 2,
                    cached: 3,
                    reasoning: 4,
                }),
                json!({"type": "usage", "input": u64::MAX as f64, "output": 2, "cached": 3,
                       "reasoning": 4}),
            ),
            (
                model::StreamEvent::Notice(Notice {
                    code: NoticeCode::NoTasks,
                    message: "m".into(),
                }),
                json!({"type": "warning", "code": "no_tasks", "message": "m"}),
            ),
        ];
        for (event, expected) in table {
            let event = serde_json::to_value(JsStreamEvent::from(event)).unwrap();
            assert_eq!(event, expected);
        }
    }
}
