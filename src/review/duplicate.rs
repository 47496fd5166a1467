//! A copy of a task, with a task key of its own.

use std::collections::HashSet;
use std::sync::Arc;

use crate::document::{Document, Kind, quote};
use crate::schema::Roles;

/// The text of a copy of `task`: the same bytes, except that a task key gets the next number that makes
/// it unused: `letters` becomes `letters-2`, and `t-004` the first of `t-002`, `t-003`, … that is unused. A
/// key that is not a string stays, and the operator has to change it.
#[must_use]
pub fn duplicate(task: &Document, roles: &Roles, used_keys: &HashSet<String>) -> Arc<str> {
    let name = roles.key.as_deref().unwrap_or_default();
    let key = task.root().get(name);
    let copy = key
        .filter(|key| key.kind() == Kind::String)
        .and_then(|key| {
            let text = key.as_str()?;
            let unused = unused_key(&text, used_keys);
            task.with_value(key.ordinal(), &quote(&unused)).ok()
        });
    copy.as_ref().unwrap_or(task).shared_text()
}

/// The key with a number behind it that no other task uses.
fn unused_key(key: &str, used: &HashSet<String>) -> String {
    let (stem, digits) = match key.rsplit_once('-') {
        Some((stem, number)) if is_number(number) && !stem.is_empty() => {
            let is_padded = number.starts_with('0');
            (stem, if is_padded { number.len() } else { 0 })
        }
        _ => (key, 0),
    };
    // One more number than there are keys is tried, so one of them is unused.
    (2..=used.len() + 2)
        .map(|number| format!("{stem}-{number:0digits$}"))
        .find(|key| !used.contains(key))
        .unwrap_or_else(|| key.to_owned())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(task: &str, used: &[&str]) -> String {
        let roles = Roles {
            key: Some("key".to_owned()),
            ..Roles::default()
        };
        let used = used.iter().map(|key| (*key).to_owned()).collect();
        let task = Document::parse(task).unwrap();
        duplicate(&task, &roles, &used).to_string()
    }

    #[test]
    fn a_copy_differs_in_its_task_key_only() {
        for (task, used, expected) in [
            (
                "{ \"key\" : \"a\",\"n\":1.50 }",
                &["a"][..],
                "{ \"key\" : \"a-2\",\"n\":1.50 }",
            ),
            (
                r#"{"key":"a-2"}"#,
                &["a", "a-2", "a-3"][..],
                r#"{"key":"a-4"}"#,
            ),
            (
                r#"{"key":"t-004"}"#,
                &["t-001", "t-002", "t-003", "t-004"][..],
                r#"{"key":"t-005"}"#,
            ),
            (r#"{"key":"-7"}"#, &["-7"][..], r#"{"key":"-7-2"}"#),
            (r#"{"key":"a\"b"}"#, &[][..], r#"{"key":"a\"b-2"}"#),
            (r#"{"key":7}"#, &["7"][..], r#"{"key":7}"#),
            (r#"{"title":"a"}"#, &[][..], r#"{"title":"a"}"#),
            ("[1]", &[][..], "[1]"),
        ] {
            assert_eq!(copy(task, used), expected);
        }
    }
}
