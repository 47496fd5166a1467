//! Tasks as a file: exact texts as JSON, or texts to read as CSV and Markdown.

mod markdown;
mod table;

use crate::csv;
use crate::document::Document;
use crate::review::RunId;
use crate::schema::{Roles, TaskSchema};
use crate::time;

/// The format of a file with tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportFormat {
    /// A JSON array. Each task has its exact text.
    #[default]
    Json,
    /// JSON Lines. Each task has its exact text, except that line breaks between its parts are spaces.
    JsonLines,
    /// CSV with a column for each member.
    Csv,
    /// Markdown (CommonMark 0.31): the tasks as documents.
    Markdown,
}

impl ExportFormat {
    /// All formats, in the order in which they are offered.
    pub const ALL: [ExportFormat; 4] = [
        ExportFormat::Json,
        ExportFormat::JsonLines,
        ExportFormat::Csv,
        ExportFormat::Markdown,
    ];

    /// The name in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            ExportFormat::Json => "JSON",
            ExportFormat::JsonLines => "JSON Lines",
            ExportFormat::Csv => "CSV",
            ExportFormat::Markdown => "Markdown",
        }
    }

    /// What a file of this format is good for.
    #[must_use]
    pub fn purpose(self) -> &'static str {
        match self {
            ExportFormat::Json => {
                "The exact text of each task, in an array. It can be imported again."
            }
            ExportFormat::JsonLines => "One task per line. It can be imported again.",
            ExportFormat::Csv => "A column for each member, for a spreadsheet.",
            ExportFormat::Markdown => "The tasks as documents to read.",
        }
    }

    /// The file name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Json => "json",
            ExportFormat::JsonLines => "jsonl",
            ExportFormat::Csv => "csv",
            ExportFormat::Markdown => "md",
        }
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            ExportFormat::Json => "application/json",
            ExportFormat::JsonLines => "application/jsonl",
            ExportFormat::Csv => csv::MEDIA_TYPE,
            // RFC 7763.
            ExportFormat::Markdown => "text/markdown; charset=utf-8; variant=CommonMark",
        }
    }

    /// The name of a file with tasks of a run. `now` is in milliseconds since 1970.
    #[must_use]
    pub fn file_name(self, run: &RunId, now: u64) -> String {
        let day = time::rfc3339(now).unwrap_or_default();
        let day = day.split('T').next().unwrap_or_default();
        format!("taskwright-tasks-{run}-{day}.{}", self.extension())
    }
}

/// The tasks as a file of this format, in this order.
#[must_use]
pub fn export(
    tasks: &[Document],
    format: ExportFormat,
    schema: &TaskSchema,
    roles: &Roles,
) -> String {
    match format {
        ExportFormat::Json => json(tasks),
        ExportFormat::JsonLines => tasks.iter().map(line).collect(),
        ExportFormat::Csv => table::csv(tasks),
        ExportFormat::Markdown => markdown::markdown(tasks, schema, roles),
    }
}

fn json(tasks: &[Document]) -> String {
    let texts: Vec<&str> = tasks.iter().map(Document::text).collect();
    if texts.is_empty() {
        return "[]\n".to_owned();
    }
    format!("[\n{}\n]\n", texts.join(",\n"))
}

/// A line break in a JSON text is always between its parts (RFC 8259, section 7).
fn line(task: &Document) -> String {
    let mut line = task.text().replace(['\r', '\n'], " ");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests;
