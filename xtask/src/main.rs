//! The project's own commands: `cargo xtask run`, `test`, `build`, `dist`,
//! `release`, `bench`, `fuzz`, `mutants`.
//!
//! They install what is missing, and are written in Rust without a shell so that they work alike
//! on Linux, macOS and Windows.

mod bench;
mod choice;
mod dist;
mod error;
mod fuzz;
mod lock_file;
mod module;
mod mutants;
mod page;
mod process;
mod project;
mod release;
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
    about = "Taskwright's project commands. Each installs what it needs first."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build what has changed and serve the page and a task server on this machine
    Run(run::Options),
    /// Run all tiers of tests, or the named ones
    Test(test::Options),
    /// Build the release module into pkg/; any static web server can then serve the checkout
    Build {
        /// Build quickly, for development
        #[arg(long)]
        dev: bool,
    },
    /// Build the page for a static web host into dist/: cut into pieces, compressed, with header files
    Dist,
    /// Build the page and the server with the page inside, for people without a checkout: the program,
    /// dist.zip, a bill of materials and checksums
    Release,
    /// Measure performance against baselines: all parts, or the named ones
    Bench(bench::Options),
    /// Search for inputs that break an invariant; repeatable, about a minute
    Fuzz(fuzz::Options),
    /// Try small faults in the code that keeps the promises, and whether the tests notice them; hours
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    match execute(&CommandLine::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code still reports the failure.
            let _ = writeln!(
                std::io::stderr(),
                "\nerror[{}]: {error}\n{}",
                error.code(),
                error.hint()
            );
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command) -> Result<(), Error> {
    let project = Project::find()?;
    match command {
        Command::Run(options) => run::run(&project, options),
        Command::Test(options) => test::run(&project, options),
        Command::Build { dev } => module::build(&project, Profile::release_if(!dev)),
        Command::Dist => dist::run(&project),
        Command::Release => release::run(&project),
        Command::Bench(options) => bench::run(&project, options),
        Command::Fuzz(options) => fuzz::run(&project, options),
        Command::Mutants(options) => mutants::run(&project, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn documented_commands_parse_and_unknown_names_do_not() {
        for arguments in [
            "run --port 9000 --release --open --demo-model",
            "test",
            "test format native e2e --fail-fast",
            "test native -- journal",
            "test supply-chain",
            "build --dev",
            "dist",
            "release",
            "bench",
            "bench server --quick --rounds 7",
            "fuzz task_stream --seconds 60",
            "fuzz --runs 1000",
            "bench stream check",
        ] {
            let parsed =
                CommandLine::try_parse_from(["xtask"].into_iter().chain(arguments.split(' ')));
            assert!(parsed.is_ok(), "{arguments}: {parsed:?}");
        }
        for arguments in ["test everything", "bench everything", "bench --rounds 0"] {
            let parsed =
                CommandLine::try_parse_from(["xtask"].into_iter().chain(arguments.split(' ')));
            assert!(parsed.is_err(), "{arguments}");
        }
    }
}
