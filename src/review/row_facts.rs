//! What the row of a task shows of its text.

use crate::document::{Document, Kind, Node};
use crate::schema::Roles;

/// Names of a member that says how urgent or important a task is, most likely first, in lower case.
const PRIORITY_NAMES: [&str; 4] = ["priority", "severity", "urgency", "importance"];
/// Longest priority, in bytes. A longer text is no priority.
const MAX_PRIORITY_BYTES: usize = 32;

/// The facts that decide about a task before it is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowFacts {
    /// The title, if the schema has this role.
    pub title: Option<String>,
    /// The task key, if the schema has this role.
    pub key: Option<String>,
    /// How urgent or important the task is, with the name of the member if it is a number:
    /// `high`, `priority 2`.
    pub priority: Option<String>,
    /// The first task that this one depends on, by its key.
    pub first_dependency: Option<String>,
    /// The number of tasks that this one depends on.
    pub dependencies: usize,
}

impl RowFacts {
    /// The facts of a task. All of them are read at once, because reading one parses the text.
    #[must_use]
    pub fn of(task: &Document, roles: &Roles) -> RowFacts {
        let task = task.root();
        let dependencies = roles.dependencies(task);
        RowFacts {
            title: roles.title(task).map(Into::into),
            key: roles.key(task).map(Into::into),
            priority: priority(task),
            dependencies: dependencies.len(),
            first_dependency: dependencies.into_iter().next().map(Into::into),
        }
    }
}

/// How urgent or important a task is, as its row shows it.
pub(super) fn priority(task: Node<'_>) -> Option<String> {
    PRIORITY_NAMES.iter().find_map(|known| {
        let (_, value) = task
            .members()
            .find(|(name, _)| name.eq_ignore_ascii_case(known))?;
        let text = match value.kind() {
            Kind::String => value.as_str()?.into_owned(),
            Kind::Number => format!("{known} {}", value.text()),
            _ => return None,
        };
        (!text.trim().is_empty() && text.len() <= MAX_PRIORITY_BYTES).then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_facts_that_the_task_has() {
        let roles = Roles {
            key: Some("id".to_owned()),
            title: Some("name".to_owned()),
            depends_on: Some("after".to_owned()),
        };
        let facts = |text: &str| RowFacts::of(&Document::parse(text).unwrap(), &roles);
        assert_eq!(
            facts(r#"{"id":7,"name":"N","Severity":2,"after":["a","b"]}"#),
            RowFacts {
                title: Some("N".to_owned()),
                key: Some("7".to_owned()),
                priority: Some("severity 2".to_owned()),
                first_dependency: Some("a".to_owned()),
                dependencies: 2,
            }
        );
        let priority = |text: &str| facts(text).priority;
        assert_eq!(
            priority(r#"{"urgency":"now","priority":"high"}"#).as_deref(),
            Some("high")
        );
        for text in [
            r#"{"priority":null}"#,
            r#"{"priority":" "}"#,
            r#"{"priority":["high"]}"#,
            r#"{"priority":"a sentence about how urgent all of this is"}"#,
            "[]",
        ] {
            assert_eq!(facts(text), RowFacts::default(), "{text}");
        }
    }
}
