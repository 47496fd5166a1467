//! `cargo xtask bench`: performance as ratios to baselines measured in the same run.
//!
//! A part measures all its contenders in turn in each round, so that other load on the machine
//! affects them alike, and returns [`Table`]s of medians. There are no thresholds: figures are for
//! people to judge, and only a failure to measure is an error.

mod check;
mod delivery;
mod figures;
mod in_browser;
mod job;
mod load;
mod machine;
mod review;
mod server;
mod stream;
mod table;
mod with_servers;

use std::time::Instant;

use clap::ValueEnum;

use self::table::Table;
use crate::choice;
use crate::error::Error;
use crate::project::Project;
use crate::say;

/// Default number of rounds.
const ROUNDS: u32 = 5;
/// Default number of rounds with `--quick`.
const QUICK_ROUNDS: u32 = 3;

const HELP: &str = "\
Each part measures Taskwright and its baselines in turn in each round, and prints tables: the \
median of the rounds, its ratio to the first line of the table, and the lowest and highest round. \
Compare figures of the same run only, and only from an idle machine: the load at the start is \
printed.

There are no thresholds. The exit code says whether everything could be measured.";

/// A benchmark that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The task server against the same server with its store turned off
    Server,
    /// Posting from the page against a plain fetch loop and a script; a batch of 10,000 tasks
    Delivery,
    /// Thirty tasks from a brief to delivered against a script without a page
    Job,
    /// Extracting tasks from a streamed response against partial JSON parsers, in Chromium
    Stream,
    /// Parsing and validating tasks against JSON.parse and Ajv, in Chromium
    Check,
    /// The first load of dist/ over a throttled connection against a page with React, in Chromium
    Load,
    /// Reading, searching and opening 10,000 tasks against a plain table, in Chromium
    Review,
}

impl Part {
    fn measure(self, project: &Project, effort: Effort) -> Result<Report, Error> {
        match self {
            Self::Server => server::measure(project, effort),
            Self::Delivery => delivery::measure(project, effort),
            Self::Job => job::measure(project, effort),
            Self::Stream => stream::measure(project, effort),
            Self::Check => check::measure(project, effort),
            Self::Load => load::measure(project, effort),
            Self::Review => review::measure(project, effort),
        }
    }
}

/// Options of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Options {
    /// The parts to measure [default: all]
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Fewer and shorter rounds: to check that it works, not to compare figures
    #[arg(long)]
    quick: bool,
    /// Number of rounds [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: Option<u32>,
}

impl Options {
    fn effort(&self) -> Effort {
        let usual = if self.quick { QUICK_ROUNDS } else { ROUNDS };
        Effort {
            rounds: self.rounds.unwrap_or(usual),
            quick: self.quick,
        }
    }
}

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many times each contender is measured.
    pub rounds: u32,
    /// Whether rounds are short.
    pub quick: bool,
}

/// The result of a part.
#[derive(Debug, Default)]
pub struct Report {
    /// The figures.
    pub tables: Vec<Table>,
    /// Conditions of the measurement, a few sentences each.
    pub notes: Vec<String>,
}

/// Measures the chosen parts, also after one has failed, and prints their reports.
///
/// # Errors
/// [`Error::SomeFailed`] when a part could not be measured. A figure is never an error.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    let effort = options.effort();
    say::line(&format!("{}; rounds: {}", machine::facts(), effort.rounds));
    let mut failed = 0_usize;
    for part in choice::selected(&options.parts) {
        say::line(&format!("\n── {} ──", choice::name(part)));
        let begun = Instant::now();
        match part.measure(project, effort) {
            Ok(report) => {
                for table in &report.tables {
                    say::line(&format!("\n{table}"));
                }
                for note in &report.notes {
                    say::line(&format!("\n{note}"));
                }
                say::line(&format!("\nmeasured in {}", say::duration(begun.elapsed())));
            }
            Err(error) => {
                failed += 1;
                say::line(&format!(
                    "error[{}]: {error}\n{}",
                    error.code(),
                    error.hint()
                ));
            }
        }
    }
    match failed {
        0 => Ok(()),
        count => Err(Error::SomeFailed {
            count,
            of: "parts",
            command: "bench",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_rounds_override_the_defaults() {
        let rounds = |quick, rounds| {
            let parts = Vec::new();
            Options {
                parts,
                quick,
                rounds,
            }
            .effort()
            .rounds
        };
        assert_eq!(rounds(false, None), ROUNDS);
        assert_eq!(rounds(true, None), QUICK_ROUNDS);
        assert_eq!(rounds(true, Some(9)), 9);
    }
}
