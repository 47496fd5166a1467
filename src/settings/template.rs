//! What stands around a task in the body of its request, for servers that want an envelope:
//! `{"type": "work", "payload": $task}`.

use serde::{Deserialize, Serialize};

use crate::document::Document;

/// Where the task stands.
pub const PLACE: &str = "$task";
/// The longest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 8 << 10;

/// A text that becomes a JSON document once the task stands in its one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BodyTemplate {
    before: String,
    after: String,
}

/// Why a text is no template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The task has no place in it, or several.
    #[error("a body template holds {PLACE} once, and this one {count} times")]
    Places {
        /// How many there are.
        count: usize,
    },
    /// It is no JSON, or the task would stand in the middle of a string.
    #[error("the body template is not JSON around {PLACE}")]
    NotJson,
    /// It is too long.
    #[error("a body template has at most {MAX_TEMPLATE_BYTES} bytes")]
    TooLong,
}

impl BodyTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<BodyTemplate, TemplateError> {
        let text = text.trim();
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err(TemplateError::TooLong);
        }
        let count = text.matches(PLACE).count();
        let (1, Some((before, after))) = (count, text.split_once(PLACE)) else {
            return Err(TemplateError::Places { count });
        };
        let template = BodyTemplate {
            before: before.to_owned(),
            after: after.to_owned(),
        };
        // A task with a string in it: where the place is itself within a string, that ends it.
        Document::parse(&template.around("{\"a\":\"b\"}")).map_err(|_| TemplateError::NotJson)?;
        Ok(template)
    }

    /// The body of a request for a task: its exact text in its place, and nothing else changed.
    #[must_use]
    pub fn around(&self, task: &str) -> String {
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
        template.around(PLACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_task_stands_in_its_place() {
        let text = "{\"type\": \"work\",  \"payload\": $task }";
        let template = BodyTemplate::parse(text).unwrap();
        assert_eq!(
            template.around("{ \"n\" : 98765432109876543210 }"),
            "{\"type\": \"work\",  \"payload\": { \"n\" : 98765432109876543210 } }"
        );
        assert_eq!(String::from(template), text);
        assert_eq!(BodyTemplate::parse("$task").unwrap().around("{}"), "{}");
        assert_eq!(BodyTemplate::parse("[$task]").unwrap().around("{}"), "[{}]");
    }

    #[test]
    fn what_would_not_be_json_is_no_template() {
        for (text, error) in [
            ("{}", TemplateError::Places { count: 0 }),
            ("[$task, $task]", TemplateError::Places { count: 2 }),
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
