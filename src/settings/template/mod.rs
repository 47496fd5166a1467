//! Body templates: the JSON wrapped around each task, for servers that expect an envelope such as
//! `{"type": "work", "payload": $task}`.

use serde::{Deserialize, Serialize};

use crate::document::{Document, Node};

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

    /// Where the task is in the body, as names of members and indexes from the outside.
    #[must_use]
    pub fn task_path(&self) -> Vec<String> {
        let mut path = Vec::new();
        let Ok(document) = Document::parse(&self.wrap("{}")) else {
            return path;
        };
        let mut node = document.root();
        while node.span().start != self.before.len() {
            let mut children = node
                .members()
                .map(|(name, node)| (name.into_owned(), node))
                .chain(
                    node.items()
                        .enumerate()
                        .map(|(at, node)| (at.to_string(), node)),
                );
            let holds_task = |node: &Node<'_>| {
                let span = node.span();
                span.start <= self.before.len() && self.before.len() < span.end
            };
            let Some((name, child)) = children.find(|(_, node)| holds_task(node)) else {
                break;
            };
            path.push(name);
            node = child;
        }
        path
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
    fn the_place_of_the_task_is_known() {
        for (text, path) in [
            ("$task", vec![]),
            ("{\"type\": \"work\", \"payload\": $task}", vec!["payload"]),
            (
                "{\"data\": {\"kind\": {}, \"attributes\":$task}}",
                vec!["data", "attributes"],
            ),
            ("[0, [$task]]", vec!["1", "0"]),
        ] {
            assert_eq!(
                BodyTemplate::parse(text).unwrap().task_path(),
                path,
                "{text}"
            );
        }
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
