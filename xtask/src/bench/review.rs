//! The review of many tasks against a plain table of them.

use super::{Effort, Report, in_browser};
use crate::dist;
use crate::error::Error;
use crate::project::Project;

/// The script that uses both pages and measures them.
const SCRIPT: &str = "review/review.mjs";

const NOTE: &str = "\
Each figure is the 95th percentile of a round. The browser names only tasks of the main thread that \
take 50 ms or more, so 0 means none did. The plain table has a row for each task and no check, no \
record and no findings.";

/// Builds `dist/`, imports the same tasks into both pages, and measures what a person does with them.
///
/// # Errors
/// As [`in_browser::measure`], and when `dist/` cannot be built or exceeds its budget.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    dist::run(project)?;
    let mut report = in_browser::run(project, effort, SCRIPT, &[])?;
    report.notes.push(NOTE.to_owned());
    Ok(report)
}
