//! `cargo xtask bench`: how fast it is, as ratios to peers measured in the same run.
//!
//! A part measures several peers in turn, round by round, so that whatever else the machine does
//! meets all of them alike, and gives [`Table`]s of medians. Nothing is judged here: a figure is
//! for people to look at, and only what could not be measured at all is an error.

mod check;
mod delivery;
mod figures;
mod in_browser;
mod machine;
mod server;
mod stream;
mod table;

use std::time::Instant;

use clap::ValueEnum;

use self::table::Table;
use crate::error::Error;
use crate::project::Project;
use crate::say;

/// Rounds of which the median is taken, unless the operator says how many.
const ROUNDS: u32 = 5;
/// The same with `--quick`.
const QUICK_ROUNDS: u32 = 3;

const HELP: &str = "\
Each part measures several peers in turn, round by round, and prints tables: the median of the \
rounds, its ratio to the first line of the table, and the lowest and highest round. Only figures \
of one run can be compared, and only on a machine that has nothing else to do: the load at the \
start is printed.

A figure is never judged. The exit code says whether everything could be measured.";

/// Something that can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// The task server with durable writes beside the same server with its store turned off
    Server,
    /// Posting from the page beside a bare loop of fetch and a script, and a batch of 10,000
    Delivery,
    /// Tasks out of a streamed answer, beside parsers of partial JSON, in Chromium
    Stream,
    /// Parsing and validating tasks, beside JSON.parse and Ajv, in Chromium
    Check,
}

impl Part {
    /// The part's name on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Delivery => "delivery",
            Self::Stream => "stream",
            Self::Check => "check",
        }
    }

    fn measure(self, project: &Project, effort: Effort) -> Result<Report, Error> {
        match self {
            Self::Server => server::measure(project, effort),
            Self::Delivery => delivery::measure(project, effort),
            Self::Stream => stream::measure(project, effort),
            Self::Check => check::measure(project, effort),
        }
    }
}

/// What the operator can choose.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Options {
    /// The parts to measure, all when none is named
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Shorter rounds and fewer of them: to see that it works, not to compare figures
    #[arg(long)]
    quick: bool,
    /// Rounds of which the median is shown [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: Option<u32>,
}

impl Options {
    /// The chosen parts, each once.
    fn chosen(&self) -> Vec<Part> {
        let mut chosen = if self.parts.is_empty() {
            Part::value_variants().to_vec()
        } else {
            self.parts.clone()
        };
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

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
    /// How often each peer is measured, in turn with the others.
    pub rounds: u32,
    /// Whether a round is to be short.
    pub quick: bool,
}

/// What a part found.
#[derive(Debug, Default)]
pub struct Report {
    /// The figures.
    pub tables: Vec<Table>,
    /// What has to be known to read them, a sentence or two each.
    pub notes: Vec<String>,
}

/// Measures the chosen parts, the others also when one could not be measured, and prints what was
/// found.
///
/// # Errors
/// [`Error::PartsFailed`] when something could not be measured. A figure is never an error.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    let effort = options.effort();
    say::line(&format!("{}; rounds: {}", machine::facts(), effort.rounds));
    let mut failed = 0_usize;
    for part in options.chosen() {
        say::line(&format!("\n── {} ──", part.name()));
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
        count => Err(Error::PartsFailed { count }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(parts: &[Part], quick: bool, rounds: Option<u32>) -> Options {
        Options {
            parts: parts.to_vec(),
            quick,
            rounds,
        }
    }

    #[test]
    fn without_a_name_every_part_is_measured_and_one_named_twice_once() {
        assert_eq!(
            options(&[], false, None).chosen(),
            Part::value_variants().to_vec()
        );
        assert_eq!(
            options(&[Part::Server, Part::Server], false, None).chosen(),
            [Part::Server]
        );
    }

    #[test]
    fn the_operator_has_the_last_word_on_the_rounds() {
        let rounds = |quick, rounds| options(&[], quick, rounds).effort().rounds;
        assert_eq!(rounds(false, None), ROUNDS);
        assert_eq!(rounds(true, None), QUICK_ROUNDS);
        assert_eq!(rounds(true, Some(9)), 9);
    }

    #[test]
    fn the_names_are_those_of_the_command_line() {
        for part in Part::value_variants() {
            let value = part.to_possible_value().unwrap();
            assert_eq!(value.get_name(), part.name());
        }
    }
}
