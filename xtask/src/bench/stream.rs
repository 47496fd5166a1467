//! Part `stream`: extracting tasks from a streamed response, against JavaScript parsers of partial
//! JSON.

use super::{Effort, Report, in_browser};
use crate::error::Error;
use crate::project::Project;

const NOTE: &str = "\
A response in pieces of 4 characters. For Taskwright everything counts: the event stream, the JSON \
of each chunk, the tasks, their validation and the events for JavaScript. It gets one event at a \
time, as a slow model sends them, or 64 KiB at a time, as a fast network delivers them. The \
baselines get the text already extracted from its chunks, and only their parsing counts; they \
parse the whole text so far at each piece.";

/// Measures this part.
///
/// # Errors
/// As [`in_browser::measure`].
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    let mut report = in_browser::measure(project, effort, "stream")?;
    report.notes.insert(0, NOTE.into());
    Ok(report)
}
