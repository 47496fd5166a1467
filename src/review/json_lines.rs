//! The text of a task as numbered lines to read, with what is wrong at its line.

use super::Content;
use super::layout::pretty_print;
use crate::document::Document;
use crate::schema::Violation;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JsonLine {
    /// Its text.
    pub text: String,
    /// Where in the text a syntax error is, in bytes.
    pub fault_at: Option<usize>,
    /// What is wrong with the value that begins in this line.
    pub problems: Vec<String>,
}

/// The lines of a task: one member or item each if it is JSON, or else the lines as they were typed.
#[must_use]
pub fn json_lines(content: &Content, violations: &[Violation]) -> Vec<JsonLine> {
    let formatted = content.document().map(|document| pretty_print(&document));
    let text = formatted.as_deref().unwrap_or_else(|| content.text());
    let mut lines: Vec<JsonLine> = text
        .split('\n')
        .map(|text| JsonLine {
            text: text.to_owned(),
            ..JsonLine::default()
        })
        .collect();
    if let Content::NotJson { error, .. } = content {
        let index = error.line().saturating_sub(1);
        if let Some(line) = lines.get_mut(index) {
            let before = error.column().saturating_sub(1);
            let at = line.text.char_indices().nth(before);
            line.fault_at = Some(at.map_or(line.text.len(), |(at, _)| at));
            line.problems.push(error.to_string());
        }
        return lines;
    }
    // The layout changes whitespace only, so locations are the same in the formatted text.
    if let (Some(text), false) = (&formatted, violations.is_empty())
        && let Ok(document) = Document::parse(text)
    {
        for violation in violations {
            let node = document.at(&violation.instance_path);
            let start = node.map_or(0, |node| node.span().start);
            let before = text.get(..start).unwrap_or_default();
            let index = before.bytes().filter(|byte| *byte == b'\n').count();
            if let Some(line) = lines.get_mut(index) {
                line.problems.push(violation.message.clone());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn lines(text: &str, violations: &[(&str, &str)]) -> Vec<(String, Option<usize>, String)> {
        let violations: Vec<Violation> = violations
            .iter()
            .map(|(path, message)| Violation {
                instance_path: (*path).to_owned(),
                message: (*message).to_owned(),
                ..Violation::default()
            })
            .collect();
        json_lines(&Content::read(&Arc::from(text)), &violations)
            .into_iter()
            .map(|line| (line.text, line.fault_at, line.problems.join("; ")))
            .collect()
    }

    fn line(
        text: &str,
        fault_at: Option<usize>,
        problems: &str,
    ) -> (String, Option<usize>, String) {
        (text.to_owned(), fault_at, problems.to_owned())
    }

    #[test]
    fn json_is_laid_out_and_a_violation_stands_at_the_line_of_its_value() {
        assert_eq!(
            lines(
                r#"{"a":1.50,"b":["x"]}"#,
                &[
                    ("/b/0", "too short"),
                    ("", "“c” is missing"),
                    ("/gone", "odd")
                ]
            ),
            [
                line("{", None, "“c” is missing; odd"),
                line("  \"a\": 1.50,", None, ""),
                line("  \"b\": [", None, ""),
                line("    \"x\"", None, "too short"),
                line("  ]", None, ""),
                line("}", None, ""),
            ]
        );
    }

    #[test]
    fn text_that_is_not_json_stays_as_it_is_with_the_error_at_its_place() {
        let found = lines("{\n  \"é\": x\n}", &[]);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1].0, "  \"é\": x");
        assert_eq!(found[1].1, Some("  \"é\": ".len()));
        assert!(found[1].2.contains("line 2"), "{}", found[1].2);
        let unfinished = lines("{", &[]);
        assert_eq!(unfinished[0].1, Some(1));
    }
}
