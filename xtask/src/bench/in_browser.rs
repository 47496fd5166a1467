//! Parts that are measured in Chromium, by the pages in `benches/browser`.

use std::path::Path;

use serde_json::Value;

use super::table::Table;
use super::{Effort, Report};
use crate::error::Error;
use crate::module::{self, Profile};
use crate::process;
use crate::project::Project;
use crate::setup::{browser, packages};

/// The folder of the pages, the script that runs them, and the baselines' packages.
const FOLDER: &str = "benches";

/// The unit of figures that name none.
const UNIT: &str = "ms";

/// Builds the release module, runs the page for `part` and returns its tables. Each line of a table
/// is measured once per round.
///
/// # Errors
/// When something cannot be installed, when a contender returns a wrong result, or when the output
/// cannot be read.
pub fn measure(project: &Project, effort: Effort, part: &str) -> Result<Report, Error> {
    module::build(project, Profile::Release)?;
    run(project, effort, DRIVER, &[part])
}

/// Runs a script of `benches/` that measures in Chromium, and returns its tables.
///
/// # Errors
/// As [`measure`].
pub fn run(
    project: &Project,
    effort: Effort,
    script: &str,
    arguments: &[&str],
) -> Result<Report, Error> {
    packages::ensure(project)?;
    packages::ensure_in(project, FOLDER)?;
    let browser = browser::ensure()?;
    let mut command = process::node_script_in(&project.root, &Path::new(FOLDER).join(script));
    command
        .args(arguments)
        .arg(effort.rounds.to_string())
        .args(effort.quick.then_some("quick"))
        .env("CHROMIUM_PATH", &browser.program);
    let output = process::capture(
        &mut command,
        "measuring in Chromium",
        "Read the message above. It names a contender that returned a wrong result.",
    )?;
    report(&output).ok_or_else(|| Error::Unexpected {
        what: "the output of the benchmark page".into(),
        reason: "it is not a list of figures".into(),
    })
}

/// The script that runs a page.
const DRIVER: &str = "browser/drive.mjs";

/// The tables in the output of `drive.mjs`, in the order of their first figures.
fn report(output: &str) -> Option<Report> {
    let output: Value = serde_json::from_str(output.trim()).ok()?;
    let mut tables: Vec<(String, Table)> = Vec::new();
    for figure in output.get("figures")?.as_array()? {
        let title = figure.get("table")?.as_str()?;
        let name = figure.get("name")?.as_str()?;
        let unit = figure.get("unit").map_or(Some(UNIT), Value::as_str)?;
        let rounds = figure.get("rounds")?.as_array()?;
        let rounds = rounds.iter().map(Value::as_f64).collect::<Option<_>>()?;
        match tables.iter_mut().find(|(known, _)| known == title) {
            Some((_, table)) => table.add(name, rounds),
            None => {
                let mut table = Table::new(title, unit);
                table.add(name, rounds);
                tables.push((title.to_owned(), table));
            }
        }
    }
    let browser = output.get("browser")?.as_str()?;
    Some(Report {
        tables: tables.into_iter().map(|(_, table)| table).collect(),
        notes: vec![format!("Chromium {browser}, release build.")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_table() {
        let output = r#"{"browser":"156.0","figures":[
            {"table":"50 tasks","name":"ours","rounds":[2,1,3]},
            {"table":"100 tasks","name":"ours","rounds":[4.5]},
            {"table":"50 tasks","name":"theirs","rounds":[600]},
            {"table":"rows","unit":"nodes","name":"ours","rounds":[7]}]}"#;
        let report = report(output).unwrap();
        let tables: Vec<String> = report.tables.iter().map(ToString::to_string).collect();
        assert_eq!(tables.len(), 3);
        assert!(tables[0].starts_with("50 tasks\n"), "{}", tables[0]);
        assert!(tables[0].contains("300 x"), "{}", tables[0]);
        assert!(tables[1].starts_with("100 tasks\n"), "{}", tables[1]);
        assert!(tables[2].contains("7.00 nodes"), "{}", tables[2]);
    }

    #[test]
    fn output_without_figures_is_rejected() {
        for output in [
            "",
            "{}",
            r#"{"figures":[{"table":"a","name":"b"}],"browser":""}"#,
        ] {
            assert!(report(output).is_none(), "{output}");
        }
    }
}
