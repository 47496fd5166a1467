//! Part `check`: parsing and validating tasks, against `JSON.parse` and Ajv.

use super::{Effort, Report, in_browser};
use crate::error::Error;
use crate::project::Project;

const NOTE: &str = "\
Each text becomes a list of violations, empty for a valid task. Ajv 8 is compiled once, with \
formats, and reports all errors. Taskwright validates numbers by their digits and finds duplicate \
members, which JSON.parse drops.";

/// Measures this part.
///
/// # Errors
/// As [`in_browser::measure`].
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    let mut report = in_browser::measure(project, effort, "check")?;
    report.notes.insert(0, NOTE.into());
    Ok(report)
}
