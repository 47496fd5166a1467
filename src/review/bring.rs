//! Tasks that exist already: from pasted or dropped text to one text for each task.

use crate::document::{Document, DocumentError, Kind};

/// At most so many tasks are brought in at once.
pub const MAX_TASKS: usize = 10_000;

/// Why a text brings no tasks in. It is not lost: it stays where it was typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BringError {
    /// There is nothing.
    #[error("there is nothing to bring in")]
    Empty,
    /// It is neither one JSON document nor JSON Lines.
    #[error("line {line} is not JSON: {error}")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// A list holds something that cannot be a task.
    #[error("entry {entry} is not a JSON object")]
    NotAnObject {
        /// Its place, from 1.
        entry: usize,
    },
    /// Too many.
    #[error("more than {MAX_TASKS} tasks")]
    TooMany,
}

impl BringError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            BringError::Empty => "bring_empty",
            BringError::NotJson { .. } => "bring_not_json",
            BringError::NotAnObject { .. } => "bring_not_an_object",
            BringError::TooMany => "bring_too_many",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            BringError::Empty | BringError::NotJson { .. } | BringError::NotAnObject { .. } => {
                "Give one JSON object, an array of them, {\"tasks\": [...]}, or one object on each line."
            }
            BringError::TooMany => "Bring them in by parts.",
        }
    }
}

/// The texts of the tasks in `text`: of one object, of an array, of `{"tasks": [...]}`, or of JSON
/// Lines. Each is its exact source text.
///
/// # Errors
/// [`BringError`]; nothing is brought in by halves.
pub fn split(text: &str) -> Result<Vec<String>, BringError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(BringError::Empty);
    }
    let whole = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => return lines(text, error),
    };
    let root = whole.root();
    let list = match root.kind() {
        Kind::Array => root,
        Kind::Object => match root.get("tasks") {
            Some(tasks) if tasks.kind() == Kind::Array && root.len() == 1 => tasks,
            _ => return Ok(vec![whole.text().to_owned()]),
        },
        _ => return Err(BringError::NotAnObject { entry: 1 }),
    };
    let entries = list
        .items()
        .map(|item| (item.kind(), item.text().to_owned()));
    objects(entries)
}

fn lines(text: &str, whole: DocumentError) -> Result<Vec<String>, BringError> {
    let mut entries = Vec::new();
    let mut filled = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    for (index, line) in filled.by_ref() {
        let first = entries.is_empty();
        match Document::parse(line) {
            Ok(document) => entries.push((document.root().kind(), document.text().to_owned())),
            // One document over several lines that is not whole: its own error says more.
            Err(_) if first => {
                return Err(BringError::NotJson {
                    line: whole.line(),
                    error: whole,
                });
            }
            Err(error) => {
                return Err(BringError::NotJson {
                    line: index + 1,
                    error,
                });
            }
        }
    }
    objects(entries.into_iter())
}

fn objects(entries: impl Iterator<Item = (Kind, String)>) -> Result<Vec<String>, BringError> {
    let mut texts = Vec::new();
    for (index, (kind, text)) in entries.enumerate() {
        if kind != Kind::Object {
            return Err(BringError::NotAnObject { entry: index + 1 });
        }
        if index >= MAX_TASKS {
            return Err(BringError::TooMany);
        }
        texts.push(text);
    }
    if texts.is_empty() {
        return Err(BringError::Empty);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_every_usual_form_with_their_exact_text() {
        let a = r#"{"n": 98765432109876543210}"#;
        for text in [
            a.to_owned(),
            format!("[{a}]"),
            format!("{{\"tasks\": [ {a} ]}}"),
            format!("\u{feff}{a}\r\n\r\n"),
        ] {
            assert_eq!(split(&text).unwrap(), [a], "{text}");
        }
        assert_eq!(split(&format!("{a}\n{{}}\n")).unwrap(), [a, "{}"]);
        assert_eq!(split("{\"tasks\": [], \"x\": 1}").unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_brought_in_says_where_and_why() {
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
            Err(BringError::NotJson { line: 2, .. })
        ));
        assert!(matches!(
            split("{\n \"a\": 1,\n}"),
            Err(BringError::NotJson { line: 3, .. })
        ));
        assert_eq!(split(&"{}\n".repeat(10_001)), Err(BringError::TooMany));
    }
}
