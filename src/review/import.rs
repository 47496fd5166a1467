//! Import: splits pasted or dropped text into one text per task.

use std::sync::Arc;

use crate::document::{Document, DocumentError, Kind, Node, Reader};
use crate::text::without_fence;

/// Maximum number of tasks of one import.
pub const MAX_TASKS: usize = 10_000;
/// Maximum size of a file to import, in bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// How many objects around the list of tasks are looked through.
const MAX_ENVELOPES: usize = 4;

/// Why a text cannot be imported. The text is not lost: it stays where it was typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text contains no tasks.
    #[error("there is nothing to import")]
    Empty,
    /// It is neither one JSON document nor JSON Lines.
    #[error("line {line} is not JSON: {error}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// What is wrong with the line.
        error: DocumentError,
    },
    /// A list contains a value that is not an object.
    #[error("entry {entry} is not a JSON object")]
    NotAnObject {
        /// Position in the list, from 1.
        entry: usize,
    },
    /// There are too many tasks.
    #[error("more than {MAX_TASKS} tasks")]
    TooMany,
}

impl ImportError {
    /// A stable identifier of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ImportError::Empty => "import_empty",
            ImportError::NotJson { .. } => "import_not_json",
            ImportError::NotAnObject { .. } => "import_not_an_object",
            ImportError::TooMany => "import_too_many",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ImportError::Empty | ImportError::NotJson { .. } | ImportError::NotAnObject { .. } => {
                "Enter one JSON object, an array of objects, {\"tasks\": [...]}, or one object per line."
            }
            ImportError::TooMany => "Import them in several parts.",
        }
    }
}

/// Returns the exact text of each task in `text`: one object, an array, `{"tasks": [...]}`, or JSON
/// Lines, each of them also inside a code fence of Markdown.
///
/// # Errors
/// [`ImportError`]; either all tasks are imported or none.
pub fn split(text: &str) -> Result<Vec<Arc<str>>, ImportError> {
    let mut texts = Vec::new();
    for_each(text, &mut |task| texts.push(Arc::from(task.text())))?;
    Ok(texts)
}

/// Counts the tasks that [`split`] would return, without copying them.
///
/// # Errors
/// As [`split`].
pub fn count(text: &str) -> Result<usize, ImportError> {
    for_each(text, &mut |_| {})
}

/// Calls `each` with every task that [`split`] would return, in order and without copying. Returns
/// their number.
///
/// # Errors
/// As [`split`]; `each` may already have been called for earlier tasks.
pub fn for_each(text: &str, each: &mut dyn FnMut(Node<'_>)) -> Result<usize, ImportError> {
    let inside = tasks_part(text.trim_start_matches('\u{feff}'));
    for_each_inside(inside, each).map_err(|error| match error {
        // Counted from the start of what was pasted.
        ImportError::NotJson { line, error } => ImportError::NotJson {
            line: line + lines_above(inside, text),
            error,
        },
        other => other,
    })
}

/// The part of a text that has the tasks: all of it, or what is inside its code fence, which may have
/// prose around it.
fn tasks_part(text: &str) -> &str {
    let inside = without_fence(text);
    if inside.trim_start().starts_with(['{', '[']) {
        return inside;
    }
    first_fence(text).unwrap_or(inside)
}

/// The text inside the first code fence; a fence that never closes ends with the text.
fn first_fence(text: &str) -> Option<&str> {
    let opening = match text.find("\n```") {
        _ if text.starts_with("```") => 0,
        found => found? + 1,
    };
    let (_, inside) = text.get(opening..)?.split_once('\n')?;
    let end = match inside.find("\n```") {
        _ if inside.starts_with("```") => 0,
        found => found.unwrap_or(inside.len()),
    };
    inside.get(..end)
}

/// The number of lines of a text above a part of it.
fn lines_above(part: &str, text: &str) -> usize {
    let above = text.find(part).and_then(|at| text.get(..at));
    above.map_or(0, |above| above.matches('\n').count())
}

fn for_each_inside(text: &str, each: &mut dyn FnMut(Node<'_>)) -> Result<usize, ImportError> {
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    let mut reader = Reader::default();
    let mut tasks_found = TasksFound { count: 0, each };
    let Some(root) = reader.read(text) else {
        lines(text, &mut tasks_found)?;
        return tasks_found.finish();
    };
    match list_inside(root) {
        Some(list) => list.items().try_for_each(|item| tasks_found.add(item))?,
        None => tasks_found.add(root)?,
    }
    tasks_found.finish()
}

/// The list of tasks in a document: the document itself, or its only member if that is `tasks` or an
/// object with such a list, as in `{"data": {"tasks": […]}}`.
fn list_inside(root: Node<'_>) -> Option<Node<'_>> {
    if root.kind() == Kind::Array {
        return Some(root);
    }
    let mut object = root;
    for _ in 0..MAX_ENVELOPES {
        if object.kind() != Kind::Object || object.len() != 1 {
            return None;
        }
        let (name, value) = object.members().next()?;
        if name == "tasks" && value.kind() == Kind::Array {
            return Some(value);
        }
        object = value;
    }
    None
}

/// Reads one object per line.
fn lines(text: &str, tasks_found: &mut TasksFound<'_>) -> Result<(), ImportError> {
    let mut reader = Reader::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !line.trim().is_empty() {
            match reader.read(line) {
                Some(root) => tasks_found.add(root)?,
                None => return Err(not_json(text, index, line, tasks_found.count == 0)),
            }
        }
    }
    Ok(())
}

fn not_json(text: &str, index: usize, line: &str, is_first: bool) -> ImportError {
    let error_of = |text: &str| Document::parse(text).err();
    // For one incomplete document over several lines, the error of the document says more.
    let of_document = error_of(text).filter(|_| is_first);
    match (of_document, error_of(line)) {
        (Some(error), _) => ImportError::NotJson {
            line: error.line(),
            error,
        },
        (None, Some(error)) => ImportError::NotJson {
            line: index + 1,
            error,
        },
        (None, None) => ImportError::Empty,
    }
}

/// Counts tasks and passes them on.
struct TasksFound<'e> {
    count: usize,
    each: &'e mut dyn FnMut(Node<'_>),
}

impl TasksFound<'_> {
    fn add(&mut self, task: Node<'_>) -> Result<(), ImportError> {
        if task.kind() != Kind::Object {
            let entry = self.count + 1;
            return Err(ImportError::NotAnObject { entry });
        }
        if self.count >= MAX_TASKS {
            return Err(ImportError::TooMany);
        }
        self.count += 1;
        (self.each)(task);
        Ok(())
    }

    fn finish(self) -> Result<usize, ImportError> {
        match self.count {
            0 => Err(ImportError::Empty),
            count => Ok(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_texts(text: &str) -> Vec<String> {
        let texts: Vec<String> = split(text).unwrap().iter().map(|t| t.to_string()).collect();
        assert_eq!(count(text), Ok(texts.len()));
        texts
    }

    #[test]
    fn every_common_form_is_split_into_exact_texts() {
        let a = r#"{"n": 98765432109876543210}"#;
        for text in [
            a.to_owned(),
            format!("[{a}]"),
            format!("{{\"tasks\": [ {a} ]}}"),
            format!("\u{feff}{a}\r\n\r\n"),
            format!("\u{feff}```json\r\n{a}\r\n```\r\n"),
            format!("\n```\n[\n{a}\n]```"),
            format!("{{\"data\": {{\"tasks\": [{a}]}}}}"),
            format!("Here they are:\n\n```json\n{a}\n```\n\nTell me if you need more."),
            format!("```json\n{a}\n```\nThat is all."),
            format!("Here they are:\n```\n[{a}]"),
        ] {
            assert_eq!(split_texts(&text), [a], "{text}");
        }
        assert_eq!(split_texts(&format!("{a}\n{{}}\n")), [a, "{}"]);
        for one in [
            r#"{"tasks": [], "x": 1}"#,
            r#"{"data": {"tasks": [{}], "x": 1}}"#,
            r#"{"data": {"tasks": 1}}"#,
            r#"{"a":{"b":{"c":{"d":{"tasks":[{}]}}}}}"#,
        ] {
            assert_eq!(split_texts(one), [one]);
        }
    }

    #[test]
    fn errors_say_where_and_why() {
        for (text, code) in [
            ("", "import_empty"),
            ("[]", "import_empty"),
            ("hello", "import_not_json"),
            ("hello\n```", "import_not_json"),
            ("hello\n```\n```", "import_empty"),
            ("hello\n```json\nhello\n```", "import_not_json"),
            ("{\"a\":1}\n{\"a\":}", "import_not_json"),
            ("{\n \"a\": 1,\n}", "import_not_json"),
            ("[1]", "import_not_an_object"),
            ("7", "import_not_an_object"),
            ("{}\n[]", "import_not_an_object"),
        ] {
            assert_eq!(split(text).expect_err(text).code(), code, "{text:?}");
        }
        assert!(matches!(
            split("{\"a\":1}\n{\"a\":}"),
            Err(ImportError::NotJson { line: 2, .. })
        ));
        assert!(matches!(
            split("\n```json\n{\"a\":1}\n{\"a\":}\n```"),
            Err(ImportError::NotJson { line: 4, .. })
        ));
        assert!(matches!(
            split("{\n \"a\": 1,\n}"),
            Err(ImportError::NotJson { line: 3, .. })
        ));
        assert_eq!(split(&"{}\n".repeat(10_001)), Err(ImportError::TooMany));
    }
}
