//! Part `job`: how long thirty tasks take from a brief to delivered, beside the model and the server.

use serde::Deserialize;
use serde_json::json;

use super::table::Table;
use super::{Effort, Report, with_servers};
use crate::error::Error;
use crate::project::Project;

/// Number of tasks.
const TASKS: u32 = 30;

/// Milliseconds of each round.
#[derive(Deserialize)]
struct Figures {
    page: Vec<f64>,
    script: Vec<f64>,
}

/// Measures the whole job in Chromium.
///
/// # Errors
/// As [`with_servers::run`].
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    let options = json!({ "rounds": effort.rounds, "count": TASKS });
    let figures: Figures = with_servers::run(project, "job", options)?;
    let mut table = Table::new(
        format!("{TASKS} tasks from a brief to delivered, with the secrets entered on the way"),
        "ms",
    );
    table.add("script: the model's and the server's time", figures.script);
    table.add("the page, used by a program", figures.page);
    Ok(Report {
        tables: vec![table],
        notes: vec![
            "The model responds at once. What the page takes beside the script includes all steps of \
             the person: they are made as fast as the page allows."
                .to_owned(),
        ],
    })
}
