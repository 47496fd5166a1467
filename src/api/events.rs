//! Events of a stream as JavaScript sees them.

use serde::Serialize;
use serde_json::Value;

use super::number;
use crate::model;
use crate::schema;

/// A rule that a task violates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsViolation {
    instance_path: String,
    schema_path: String,
    keyword: String,
    message: String,
    #[serde(flatten)]
    rule: JsRuleData,
}

impl From<schema::Violation> for JsViolation {
    fn from(violation: schema::Violation) -> Self {
        JsViolation {
            instance_path: violation.instance_path,
            schema_path: violation.schema_path,
            keyword: violation.keyword,
            message: violation.message,
            rule: violation.rule.into(),
        }
    }
}

/// The data of a violated rule. What the rule does not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct JsRuleData {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

impl From<schema::RuleData> for JsRuleData {
    fn from(rule: schema::RuleData) -> Self {
        let allowed = rule.allowed;
        JsRuleData {
            limit: rule.limit.map(|limit| number::in_value(limit.into())),
            allowed: allowed.map(|values| values.into_iter().map(number::in_value).collect()),
            missing: rule.missing,
        }
    }
}

/// Converts the violations of one task.
#[must_use]
pub fn violations(found: Vec<schema::Violation>) -> Vec<JsViolation> {
    found.into_iter().map(JsViolation::from).collect()
}

/// Tokens used by a request.
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

/// Something unusual that does not affect the response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsNotice {
    /// Stable identifier.
    pub code: String,
    /// What was observed.
    pub message: String,
}

impl From<model::Notice> for JsNotice {
    fn from(notice: model::Notice) -> Self {
        JsNotice {
            code: notice.code.as_str().to_owned(),
            message: notice.message,
        }
    }
}

/// `StreamEvent` of the TypeScript types, discriminated by `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JsStreamEvent {
    /// A task is complete.
    Task {
        /// Index in the response, from 0.
        index: usize,
        /// Exact text.
        text: String,
        /// Violations of the schema.
        violations: Vec<JsViolation>,
    },
    /// More text of the response.
    Text {
        /// The added text.
        delta: String,
    },
    /// Tokens used so far.
    Usage(JsUsage),
    /// A notice.
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
            model::StreamEvent::Notice(notice) => JsStreamEvent::Notice(notice.into()),
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
            rule: schema::RuleData {
                missing: Some("b".into()),
                ..schema::RuleData::default()
            },
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
                       "violations": [{"instancePath": "/a", "keyword": "type", "message": "m", "missing": "b",
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
