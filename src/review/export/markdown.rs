//! Tasks as Markdown: each as a document, with the parts that the page shows.

use crate::document::Document;
use crate::review::sheet::{Block, Field, Sheet};
use crate::schema::{Roles, TaskSchema};

/// A heading for each task, then its fields. Texts of a task are never markup.
pub(super) fn markdown(tasks: &[Document], schema: &TaskSchema, roles: &Roles) -> String {
    let mut text = String::new();
    for (at, task) in tasks.iter().enumerate() {
        let sheet = Sheet::new(task, schema, roles);
        let title = sheet.title();
        let heading = match title.map(|field| &field.block) {
            Some(Block::Title(title)) => literal(title),
            _ => format!("Task {}", at + 1),
        };
        text.push_str(&format!("## {heading}\n\n"));
        let title = title.map(|field| field.ordinal);
        match &sheet.root.block {
            Block::Members(fields) => {
                for field in fields {
                    if Some(field.ordinal) != title {
                        push_field(&mut text, field, 0);
                    }
                }
            }
            _ => push_field(&mut text, &sheet.root, 0),
        }
    }
    text
}

/// Appends a field with its label, `depth` lists deep.
fn push_field(text: &mut String, field: &Field, depth: usize) {
    let indent = "  ".repeat(depth);
    let label = literal(&field.label);
    match &field.block {
        Block::Prose(prose) => {
            push_paragraph(text, &indent, &format!("**{label}**"));
            push_prose(text, &indent, prose);
        }
        Block::List(items) | Block::Sections(items) | Block::Members(items) => {
            push_paragraph(text, &indent, &format!("**{label}**"));
            push_items(text, items, depth);
        }
        Block::Json(json) => {
            push_paragraph(text, &indent, &format!("**{label}**"));
            push_code(text, &indent, json);
        }
        block => push_paragraph(text, &indent, &format!("**{label}:** {}", inline(block))),
    }
}

/// Appends fields as the items of a list.
fn push_items(text: &mut String, items: &[Field], depth: usize) {
    let indent = "  ".repeat(depth);
    for item in items {
        let mut content = String::new();
        match (&item.block, &item.name) {
            (_, Some(_)) => push_field(&mut content, item, 0),
            (Block::Prose(prose), None) => push_prose(&mut content, "", prose),
            (Block::Json(json), None) => push_code(&mut content, "", json),
            (Block::Members(fields), None) => {
                for field in fields {
                    push_field(&mut content, field, 0);
                }
            }
            (Block::List(fields) | Block::Sections(fields), None) => {
                push_items(&mut content, fields, 0);
            }
            (block, None) => push_paragraph(&mut content, "", &inline(block)),
        }
        for (at, line) in content.trim_end().lines().enumerate() {
            let start = if at == 0 { "- " } else { "  " };
            text.push_str(format!("{indent}{start}{line}").trim_end());
            text.push('\n');
        }
    }
    text.push('\n');
}

fn push_paragraph(text: &mut String, indent: &str, line: &str) {
    text.push_str(&format!("{indent}{line}\n\n"));
}

/// Appends a text with its line breaks: an empty line ends a paragraph, and a backslash a line.
fn push_prose(text: &mut String, indent: &str, prose: &str) {
    for paragraph in prose.split("\n\n") {
        let lines: Vec<String> = paragraph
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(literal)
            .collect();
        if !lines.is_empty() {
            push_paragraph(text, indent, &lines.join(&format!("\\\n{indent}")));
        }
    }
}

/// Appends a code block whose fence is longer than any run of backticks in it (CommonMark 0.31,
/// section 4.5).
fn push_code(text: &mut String, indent: &str, code: &str) {
    let runs = code.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    text.push_str(&format!("{indent}{fence}json\n"));
    for line in code.lines() {
        text.push_str(&format!("{indent}{line}\n"));
    }
    text.push_str(&format!("{indent}{fence}\n\n"));
}

/// What stands in one line.
fn inline(block: &Block) -> String {
    match block {
        Block::Title(text)
        | Block::Line(text)
        | Block::Chip(text)
        | Block::Number(text)
        | Block::Dependency(text) => literal(text),
        Block::Null => "null".to_owned(),
        Block::Empty(text) => literal(text),
        Block::Words(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(&item.block)).collect();
            items.join(", ")
        }
        // They are blocks of their own.
        Block::Prose(_)
        | Block::List(_)
        | Block::Sections(_)
        | Block::Members(_)
        | Block::Json(_) => String::new(),
    }
}

/// A text that Markdown renders as it is, in one line: a character with a meaning is escaped
/// (CommonMark 0.31, section 2.4), one that has it only at the start of a line only there.
fn literal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (at, c) in text.char_indices() {
        let has_meaning = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '&' | '~' | '|' => true,
            '#' | '>' | '-' | '+' | '=' => at == 0,
            // A number begins an item of a list.
            '.' | ')' => at > 0 && at == digits,
            _ => false,
        };
        if has_meaning {
            safe.push('\\');
        }
        safe.push(if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        });
    }
    safe
}
