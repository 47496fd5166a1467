//! Parts that are measured in Chromium, by the pages of `benches/browser`.

use std::path::Path;

use serde_json::Value;

use super::table::Table;
use super::{Effort, Report};
use crate::error::Error;
use crate::module::{self, Profile};
use crate::process;
use crate::project::Project;
use crate::setup::{browser, packages};

/// Where the pages, the program that starts them and the peers stand.
const FOLDER: &str = "benches";

/// The unit of everything that a page measures.
const UNIT: &str = "ms";

/// Builds the module as it ships, runs the page that is named `part` beside its peers, and gives
/// its tables. Every line of a table is measured once in each round.
///
/// # Errors
/// When something cannot be set up, when a contender does not do what it is measured for, or when
/// the page's answer cannot be read.
pub fn measure(project: &Project, effort: Effort, part: &str) -> Result<Report, Error> {
    packages::ensure(project)?;
    packages::ensure_in(project, FOLDER)?;
    let browser = browser::ensure()?;
    module::build(project, Profile::Release)?;
    let mut command = process::node_script_in(&project.root, &Path::new(FOLDER).join(DRIVER));
    command
        .arg(part)
        .arg(effort.rounds.to_string())
        .args(effort.quick.then_some("quick"))
        .env("CHROMIUM_PATH", &browser.program);
    let answer = process::capture(
        &mut command,
        "measuring in Chromium",
        "Read the message above. A contender that gave another result than expected is named in it.",
    )?;
    report(&answer).ok_or_else(|| Error::Unexpected {
        what: "what the page measured".into(),
        reason: "it is no list of figures".into(),
    })
}

const DRIVER: &str = "browser/drive.mjs";

/// The tables in the answer of `drive.mjs`, in the order of their first figures.
fn report(answer: &str) -> Option<Report> {
    let answer: Value = serde_json::from_str(answer.trim()).ok()?;
    let mut tables: Vec<(String, Table)> = Vec::new();
    for figure in answer.get("figures")?.as_array()? {
        let title = figure.get("table")?.as_str()?;
        let name = figure.get("name")?.as_str()?;
        let milliseconds = figure.get("milliseconds")?.as_array()?;
        let rounds = milliseconds
            .iter()
            .map(Value::as_f64)
            .collect::<Option<_>>()?;
        match tables.iter_mut().find(|(known, _)| known == title) {
            Some((_, table)) => table.add(name, rounds),
            None => {
                let mut table = Table::new(title, UNIT);
                table.add(name, rounds);
                tables.push((title.to_owned(), table));
            }
        }
    }
    let browser = answer.get("browser")?.as_str()?;
    Some(Report {
        tables: tables.into_iter().map(|(_, table)| table).collect(),
        notes: vec![format!("Chromium {browser}, the module as it ships.")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_in_the_table_that_they_name() {
        let answer = r#"{"browser":"156.0","figures":[
            {"table":"50 tasks","name":"ours","milliseconds":[2,1,3]},
            {"table":"100 tasks","name":"ours","milliseconds":[4.5]},
            {"table":"50 tasks","name":"theirs","milliseconds":[600]}]}"#;
        let report = report(answer).unwrap();
        let tables: Vec<String> = report.tables.iter().map(ToString::to_string).collect();
        assert_eq!(tables.len(), 2);
        assert!(tables[0].starts_with("50 tasks\n"), "{}", tables[0]);
        assert!(tables[0].contains("300 x"), "{}", tables[0]);
        assert!(tables[1].starts_with("100 tasks\n"), "{}", tables[1]);
    }

    #[test]
    fn an_answer_without_figures_is_none() {
        for answer in [
            "",
            "{}",
            r#"{"figures":[{"table":"a","name":"b"}],"browser":""}"#,
        ] {
            assert!(report(answer).is_none(), "{answer}");
        }
    }
}
