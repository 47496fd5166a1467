//! Body templates: the JSON wrapped around each task, for servers that expect an envelope such as
//! `{"type": "work", "payload": $task}`.

use serde::{Deserialize, Serialize};

use crate::document::Document;

/// The placeholder for the task.
pub const PLACEHOLDER: &str = "$task";
/// Maximum length of a template, in bytes: 8 KiB.
pub const MAX_TEMPLATE_BYTES: usize = 8 << 10;

/// A text that becomes a JSON document when a task replaces its placeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BodyTemplate {
    before: String,
    after: String,
}

/// Why a body template is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The placeholder is missing or occurs more than once.
    #[error("a body template must contain {PLACEHOLDER} exactly once, not {count} times")]
    PlaceholderCount {
        /// The number of occurrences.
        count: usize,
    },
    /// The text is not JSON, or the placeholder is inside a string.
    #[error("the body template is not valid JSON with a value in place of {PLACEHOLDER}")]
    NotJson,
    /// The text is too long.
    #[error("the body template is longer than {MAX_TEMPLATE_BYTES} bytes")]
    TooLong,
}

impl BodyTemplate {
    /// Parses a template.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<BodyTemplate, TemplateError> {
        let text = text.trim();
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong);
        }
        let count = text.matches(PLACEHOLDER).count();
        let (1, Some((before, after))) = (count, text.split_once(PLACEHOLDER)) else {
            return Err(TemplateError::PlaceholderCount { count });
        };
        let template = BodyTemplate {
            before: before.to_owned(),
            after: after.to_owned(),
        };
        // The quotes in this sample make the result invalid if the placeholder is inside a string.
        Document::parse(&template.wrap("{\"a\":\"b\"}")).map_err(|_| TemplateError::NotJson)?;
        Ok(template)
    }

    /// Returns the request body for a task: the template with the exact text of the task in place of
    /// the placeholder.
    #[must_use]
    pub fn wrap(&self, task: &str) -> String {
        [self.before.as_str(), task, self.after.as_str()].concat()
    }
}

impl TryFrom<String> for BodyTemplate {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<BodyTemplate, TemplateError> {
        BodyTemplate::parse(&text)
    }
}

impl From<BodyTemplate> for String {
    fn from(template: BodyTemplate) -> String {
        template.wrap(PLACEHOLDER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_task_replaces_the_placeholder() {
        let text = "{\"type\": \"work\",  \"payload\": $task }";
        let template = BodyTemplate::parse(text).unwrap();
        assert_eq!(
            template.wrap("{ \"n\" : 98765432109876543210 }"),
            "{\"type\": \"work\",  \"payload\": { \"n\" : 98765432109876543210 } }"
        );
        assert_eq!(String::from(template), text);
        assert_eq!(BodyTemplate::parse("$task").unwrap().wrap("{}"), "{}");
        assert_eq!(BodyTemplate::parse("[$task]").unwrap().wrap("{}"), "[{}]");
    }

    #[test]
    fn invalid_templates_are_refused() {
        for (text, error) in [
            ("{}", TemplateError::PlaceholderCount { count: 0 }),
            (
                "[$task, $task]",
                TemplateError::PlaceholderCount { count: 2 },
            ),
            ("{\"a\": \"$task\"}", TemplateError::NotJson),
            ("{\"a\": \"see $task below\"}", TemplateError::NotJson),
            ("{\"a\": $task", TemplateError::NotJson),
            ("{$task: 1}", TemplateError::NotJson),
            ("payload=$task", TemplateError::NotJson),
        ] {
            assert_eq!(BodyTemplate::parse(text), Err(error), "{text}");
        }
        let long = format!("[\"{}\", $task]", "x".repeat(MAX_TEMPLATE_BYTES));
        assert_eq!(BodyTemplate::parse(&long), Err(TemplateError::TooLong));
    }
}
