//! What the list knows of a task's text.

use std::sync::Arc;

use crate::document::{Document, Kind, Node};
use crate::review::row_facts::priority;
use crate::schema::Roles;

/// Names of a member with labels, most likely first, in lower case.
const LABEL_NAMES: [&str; 9] = [
    "labels",
    "tags",
    "label",
    "tag",
    "categories",
    "category",
    "components",
    "component",
    "area",
];
/// The longest label, in bytes. A longer text is no label.
const MAX_LABEL_BYTES: usize = 32;
/// How many labels of a task count.
const MAX_LABELS: usize = 20;

/// What a task is searched, filtered and sorted by. It is read once for each text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEntry {
    source: Arc<str>,
    /// The title, or else the task key, in lower case.
    pub title: String,
    /// The task key.
    pub key: Option<String>,
    /// How urgent or important the task is, as its row shows it.
    pub priority: Option<String>,
    /// The labels, in the order of the text.
    pub labels: Vec<String>,
    /// The task keys that the task depends on.
    pub depends_on: Vec<String>,
    /// All values of the task in lower case, one per line, without the names of their members.
    pub searched: String,
}

impl TaskEntry {
    /// Reads the text of a task. One that is not JSON has no facts, and can be searched as it is.
    #[must_use]
    pub fn read(text: &Arc<str>, roles: &Roles) -> TaskEntry {
        let Ok(document) = Document::parse_shared(text) else {
            return TaskEntry {
                source: Arc::clone(text),
                title: String::new(),
                key: None,
                priority: None,
                labels: Vec::new(),
                depends_on: Vec::new(),
                searched: text.to_lowercase(),
            };
        };
        let task = document.root();
        let key = roles.key(task);
        let mut values = String::with_capacity(text.len());
        collect(task, &mut values);
        TaskEntry {
            source: Arc::clone(text),
            title: roles
                .title(task)
                .as_ref()
                .or(key.as_ref())
                .map(|title| title.to_lowercase())
                .unwrap_or_default(),
            key: key.map(Into::into),
            priority: priority(task),
            labels: labels(task),
            depends_on: roles
                .dependencies(task)
                .into_iter()
                .map(Into::into)
                .collect(),
            searched: values.to_lowercase(),
        }
    }

    /// Whether it was read from this very text. Texts are compared by address, which costs nothing.
    #[must_use]
    pub fn is_of(&self, text: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.source, text)
    }
}

/// Appends the values below a node, one per line. The scanner limits the depth of a document, and so
/// the recursion.
fn collect(node: Node<'_>, values: &mut String) {
    match node.kind() {
        Kind::Object => node.members().for_each(|(_, value)| collect(value, values)),
        Kind::Array => node.items().for_each(|item| collect(item, values)),
        _ => {
            match node.as_str() {
                Some(text) => values.push_str(&text),
                None => values.push_str(node.text()),
            }
            values.push('\n');
        }
    }
}

fn labels(task: Node<'_>) -> Vec<String> {
    let named = LABEL_NAMES.iter().find_map(|known| {
        task.members()
            .find(|(name, _)| name.eq_ignore_ascii_case(known))
            .map(|(_, value)| value)
    });
    let label = |node: Node<'_>| {
        let text = node.as_str()?;
        let text = text.trim();
        (!text.is_empty() && text.len() <= MAX_LABEL_BYTES).then(|| text.to_owned())
    };
    match named {
        Some(node) if node.kind() == Kind::Array => {
            node.items().filter_map(label).take(MAX_LABELS).collect()
        }
        Some(node) => label(node).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> TaskEntry {
        let roles = Roles {
            key: Some("id".to_owned()),
            title: Some("name".to_owned()),
            depends_on: Some("after".to_owned()),
        };
        TaskEntry::read(&Arc::from(text), &roles)
    }

    #[test]
    fn values_are_searched_decoded_and_member_names_are_not() {
        let task =
            entry(r#"{"id":7,"name":"\u00c9TUDE","steps":[{"do":"Line one\nTWO"},true],"n":1.50}"#);
        assert_eq!(task.searched, "7\nétude\nline one\ntwo\ntrue\n1.50\n");
        assert_eq!(task.title, "étude");
        assert_eq!(entry("{\"NOT").searched, "{\"not");
    }

    #[test]
    fn labels_are_short_texts_of_the_likeliest_member() {
        for (text, expected) in [
            (r#"{"Tags":["a"," b ",7,"",["c"]]}"#, &["a", "b"][..]),
            (r#"{"category":"docs","labels":["x"]}"#, &["x"]),
            (r#"{"category":"docs"}"#, &["docs"]),
            (
                r#"{"labels":"a sentence that is far too long to be a label"}"#,
                &[],
            ),
            (r#"{"labels":{"a":1}}"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(entry(text).labels, expected, "{text}");
        }
    }

    #[test]
    fn a_task_without_a_title_is_sorted_by_its_key() {
        assert_eq!(entry(r#"{"id":"B-1"}"#).title, "b-1");
    }
}
