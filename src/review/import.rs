//! Import of existing tasks: splits pasted or dropped text into tasks.

use std::sync::Arc;

use crate::document::{Document, DocumentError, Kind, Node, Reader};

/// Maximum number of tasks per import.
pub const MAX_TASKS: usize = 10_000;

/// Why a text cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text has no tasks.
    #[error("there are no tasks to import")]
    Empty,
    /// The text is neither one JSON document nor JSON Lines.
    #[error("line {line} is not valid JSON: {error}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The syntax error.
        error: DocumentError,
    },
    /// An entry cannot be a task.
    #[error("entry {entry} is not a JSON object")]
    NotAnObject {
        /// Number of the entry, from 1.
        entry: usize,
    },
    /// The text has too many tasks.
    #[error("there are more than {MAX_TASKS} tasks")]
    TooMany,
}

impl ImportError {
    /// A stable identifier of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ImportError::Empty => "bring_empty",
            ImportError::NotJson { .. } => "bring_not_json",
            ImportError::NotAnObject { .. } => "bring_not_an_object",
            ImportError::TooMany => "bring_too_many",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ImportError::Empty | ImportError::NotJson { .. } | ImportError::NotAnObject { .. } => {
                "Provide a JSON object, an array of objects, {\"tasks\": [...]}, or one object per line."
            }
            ImportError::TooMany => "Import them in several parts.",
        }
    }
}

/// Returns the exact source text of each task in `text`, which may be one object, an array,
/// `{"tasks": [...]}` or JSON Lines.
///
/// # Errors
/// [`ImportError`] if any part of the text is not a task.
pub fn split(text: &str) -> Result<Vec<Arc<str>>, ImportError> {
    let mut texts = Vec::new();
    for_each(text, &mut |task| texts.push(Arc::from(task.text())))?;
    Ok(texts)
}

/// Number of tasks that [`split`] finds. Copies no text.
///
/// # Errors
/// As [`split`].
pub fn count(text: &str) -> Result<usize, ImportError> {
    for_each(text, &mut |_| {})
}

/// Calls `each` with every task that [`split`] finds, in order and without copying. Returns their
/// number.
///
/// # Errors
/// As [`split`], possibly after calling `each` for the preceding tasks.
pub fn for_each(text: &str, each: &mut dyn FnMut(Node<'_>)) -> Result<usize, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    let mut reader = Reader::default();
    let mut found = Found { count: 0, each };
    let Some(root) = reader.read(text) else {
        json_lines(text, &mut found)?;
        return found.finish();
    };
    let tasks = root.get("tasks");
    match (root.kind(), tasks) {
        (Kind::Array, _) => root.items().try_for_each(|item| found.add(item))?,
        (Kind::Object, Some(tasks)) if tasks.kind() == Kind::Array && root.len() == 1 => {
            tasks.items().try_for_each(|item| found.add(item))?;
        }
        _ => found.add(root)?,
    }
    found.finish()
}

fn json_lines(text: &str, found: &mut Found<'_>) -> Result<(), ImportError> {
    let mut reader = Reader::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if !line.trim().is_empty() {
            match reader.read(line) {
                Some(root) => found.add(root)?,
                None => return Err(not_json(text, index, line, found.count == 0)),
            }
        }
    }
    Ok(())
}

fn not_json(text: &str, index: usize, line: &str, is_first: bool) -> ImportError {
    let error_of = |text: &str| Document::parse(text).err();
    // For an invalid document over several lines, its own error is more specific than that of its
    // first line.
    let document_error = error_of(text).filter(|_| is_first);
    match (document_error, error_of(line)) {
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

/// The tasks found so far.
struct Found<'e> {
    count: usize,
    each: &'e mut dyn FnMut(Node<'_>),
}

impl Found<'_> {
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
    fn every_supported_form_yields_the_exact_text_of_its_tasks() {
        let a = r#"{"n": 98765432109876543210}"#;
        for text in [
            a.to_owned(),
            format!("[{a}]"),
            format!("{{\"tasks\": [ {a} ]}}"),
            format!("\u{feff}{a}\r\n\r\n"),
        ] {
            assert_eq!(split_texts(&text), [a], "{text}");
        }
        assert_eq!(split_texts(&format!("{a}\n{{}}\n")), [a, "{}"]);
        assert_eq!(split("{\"tasks\": [], \"x\": 1}").unwrap().len(), 1);
    }

    #[test]
    fn errors_name_the_kind_and_the_line() {
        for (text, code) in [
            ("", "bring_empty"),
            ("[]", "bring_empty"),
            ("hello", "bring_not_json"),
            ("{\"a\":1}\n{\"a\":}", "bring_not_json"),
            ("{\n \"a\": 1,\n}", "bring_not_json"),
            ("[1]", "bring_not_an_object"),
            ("7", "bring_not_an_object"),
            ("{}\n[]", "bring_not_an_object"),
        ] {
            assert_eq!(split(text).expect_err(text).code(), code, "{text:?}");
        }
        assert!(matches!(
            split("{\"a\":1}\n{\"a\":}"),
            Err(ImportError::NotJson { line: 2, .. })
        ));
        assert!(matches!(
            split("{\n \"a\": 1,\n}"),
            Err(ImportError::NotJson { line: 3, .. })
        ));
        assert_eq!(split(&"{}\n".repeat(10_001)), Err(ImportError::TooMany));
    }
}
