//! The first load of the page against a page that does the least it can do.

use super::{Effort, Report, in_browser};
use crate::dist;
use crate::error::Error;
use crate::project::Project;

/// The script that serves both pages over a throttled connection and measures them.
const SCRIPT: &str = "load/load.mjs";

/// Builds `dist/` and measures when each page accepts typing and when *Generate* is ready.
///
/// # Errors
/// As [`in_browser::measure`], and when `dist/` cannot be built or exceeds its budget.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    dist::run(project)?;
    let mut report = in_browser::run(project, effort, SCRIPT, &[])?;
    report.notes.push(
        "Both pages are compressed with brotli. The baseline has React, the OpenAI client and Ajv, \
         and one field; it compiles its schema when it starts."
            .to_owned(),
    );
    Ok(report)
}
