//! Part `stream`: tasks out of a streamed answer, beside what reads partial JSON in JavaScript.

use super::{Effort, Report, in_browser};
use crate::error::Error;
use crate::project::Project;

const NOTE: &str = "\
An answer in pieces of 4 characters. Taskwright counts everything: the event stream, the JSON of \
each chunk, the tasks, their validation and the events that JavaScript gets, given one event at a \
time as a slow model sends them, or 64 KiB as a fast network delivers them. The peers get the text \
without its chunks and count their parse alone, called on the growing text at each piece.";

/// Measures the part.
///
/// # Errors
/// As [`in_browser::measure`].
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    let mut report = in_browser::measure(project, effort, "stream")?;
    report.notes.insert(0, NOTE.into());
    Ok(report)
}
