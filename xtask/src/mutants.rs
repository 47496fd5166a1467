//! `cargo xtask mutants`: whether the tests notice small faults in the code that keeps the promises.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::tools::{self, Tool};

/// The code under test: what keeps secrets, and what decides where a task may go.
const FILES: [&str; 4] = [
    "src/secrets/**/*.rs",
    "src/delivery/**/*.rs",
    "src/settings/address.rs",
    "src/app/guard.rs",
];

/// The quick native tests that have to notice a fault.
const TESTS: [&str; 5] = ["--lib", "--test", "driver", "--test", "receipts"];

/// The share of mutants that the tests have to catch, in percent.
const REQUIRED_PERCENT: u64 = 90;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only part K of N, such as 1/4: all of it takes hours
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

/// The numbers that cargo-mutants writes.
#[derive(Debug, Deserialize)]
struct Outcomes {
    caught: u64,
    missed: u64,
    timeout: u64,
    unviable: u64,
}

impl Outcomes {
    /// Percentage of the mutants that compile and that the tests noticed; 100 if there are none.
    fn percent_caught(&self) -> u64 {
        let noticed = self.caught + self.timeout;
        (100 * noticed)
            .checked_div(noticed + self.missed)
            .unwrap_or(100)
    }
}

/// Tries the mutants and reports how many the tests caught.
///
/// # Errors
/// [`Error::Failed`] when fewer than 90 % are caught, or cargo-mutants cannot run.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    let tools = tools::ensure(&[Tool::cargo_mutants()])?;
    let output = project.work_folder("mutants")?;
    let mut command = tools.command("cargo-mutants")?;
    command
        .current_dir(&project.root)
        .args(["mutants", "--package", "taskwright", "--no-shuffle"])
        .args(FILES.iter().flat_map(|file| ["--file", file]))
        .args(options.shard.iter().flat_map(|shard| ["--shard", shard]))
        .arg("--output")
        .arg(&output)
        .arg("--")
        .args(TESTS)
        // Every run copies the checkout to another folder. So the dependencies are compiled once.
        .env("CARGO_TARGET_DIR", output.join("build"));
    // Its exit code also reports survivors, which are counted below.
    let finished = process::run(&mut command, "cargo-mutants", process::SEE_COMPILER_OUTPUT);
    let outcomes = match read(&output.join("mutants.out/outcomes.json")) {
        Ok(outcomes) => outcomes,
        Err(error) => return finished.and(Err(error)),
    };
    let percent = outcomes.percent_caught();
    say::step(
        "mutants",
        &format!(
            "{percent} % caught: {} caught, {} timed out, {} survived, {} do not compile",
            outcomes.caught, outcomes.timeout, outcomes.missed, outcomes.unviable
        ),
    );
    if percent >= REQUIRED_PERCENT {
        return Ok(());
    }
    Err(Error::Failed {
        what: "catching mutants".to_owned(),
        reason: format!(
            "{percent} % of the mutants were caught, {REQUIRED_PERCENT} % are required"
        ),
        hint: format!(
            "The survivors are in {}. Add a test for each promise that one of them breaks.",
            output.join("mutants.out/missed.txt").display()
        ),
    })
}

fn read(path: &Path) -> Result<Outcomes, Error> {
    let text = fs::read_to_string(path).map_err(Error::file("read", path))?;
    serde_json::from_str(&text).map_err(|error| Error::Failed {
        what: format!("reading {}", path.display()),
        reason: error.to_string(),
        hint: "Check the version of cargo-mutants.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutants_that_do_not_compile_do_not_count() {
        let outcomes = Outcomes {
            caught: 8,
            missed: 1,
            timeout: 1,
            unviable: 90,
        };
        assert_eq!(outcomes.percent_caught(), 90);
        let none = Outcomes {
            caught: 0,
            missed: 0,
            timeout: 0,
            unviable: 3,
        };
        assert_eq!(none.percent_caught(), 100);
    }

    #[test]
    fn the_files_and_tests_exist() {
        let project = Project::find().unwrap();
        for file in FILES {
            let path = project.root.join(file.trim_end_matches("/**/*.rs"));
            assert!(path.exists(), "{file}");
        }
        for test in ["driver", "receipts"] {
            assert!(TESTS.contains(&test));
            assert!(project.root.join(format!("tests/{test}.rs")).is_file());
        }
    }
}
