//! The project's own commands: `cargo xtask run`, `test`, `build`, `bench`, `fuzz`.
//!
//! They set up what is missing, in Rust and without a shell, so that they are the same on Linux,
//! macOS and Windows.

mod bench;
mod error;
mod fuzz;
mod module;
mod process;
mod project;
mod run;
mod say;
mod service;
mod setup;
mod test;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::module::Profile;
use crate::project::Project;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Taskwright's own commands. Each sets up what it needs first."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build what has changed and serve the page and a task server on this machine
    Run(run::Options),
    /// Run the tests: all tiers, or those that are named
    Test(test::Options),
    /// Build the module into pkg/, as it ships; any static web server can serve the checkout then
    Build {
        /// Build it quickly instead, for working on it
        #[arg(long)]
        dev: bool,
    },
    /// Measure how fast it is beside peers: all parts, or those that are named
    Bench(bench::Options),
    /// Search for inputs that break what must hold for every input: a minute, the same each time
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    match carry_out(&CommandLine::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let again = if error.retryable() {
                "\nIt may also pass by itself: running the command again is worth a try."
            } else {
                ""
            };
            // Where nobody listens, the exit code still says it.
            let _ = writeln!(
                std::io::stderr(),
                "\nerror[{}]: {error}\n{}{again}",
                error.code(),
                error.hint()
            );
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: &Command) -> Result<(), Error> {
    let project = Project::find()?;
    match command {
        Command::Run(options) => run::run(&project, options),
        Command::Test(options) => test::run(&project, options),
        Command::Build { dev: true } => module::build(&project, Profile::Quick),
        Command::Build { dev: false } => module::build(&project, Profile::Release),
        Command::Bench(options) => bench::run(&project, options),
        Command::Fuzz(options) => fuzz::run(&project, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_commands_of_the_readme_are_understood() {
        for words in [
            "run --port 9000 --release --open --demo-model",
            "test",
            "test format native --fail-fast",
            "test native -- journal",
            "build --dev",
            "bench",
            "bench server --quick --rounds 7",
            "fuzz task_stream --seconds 60",
            "fuzz --runs 1000",
            "bench stream check",
        ] {
            let parsed = CommandLine::try_parse_from(["xtask"].into_iter().chain(words.split(' ')));
            assert!(parsed.is_ok(), "{words}: {parsed:?}");
        }
        for words in ["test everything", "bench everything", "bench --rounds 0"] {
            let parsed = CommandLine::try_parse_from(["xtask"].into_iter().chain(words.split(' ')));
            assert!(parsed.is_err(), "{words}");
        }
    }
}
