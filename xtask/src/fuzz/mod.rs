//! `cargo xtask fuzz`: a search for inputs for which something that must hold does not.

mod nightly;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::ValueEnum;

use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::tools::{self, Installed, Tool};

/// How long one input may take, in seconds, before it counts as found; it is some hundred times
/// slower here than in the module, and on a busy machine more.
const MOST_SECONDS_AN_INPUT: u32 = 60;
/// How much memory a search may take, in MiB; AddressSanitizer takes some for itself.
const MOST_MEBIBYTES: u32 = 2_048;
/// How long the inputs are that are made, in bytes.
const MOST_BYTES: u32 = 2_048;
/// What random choices are drawn from, so that the same run can be had again.
const SEED: u32 = 1;

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Target {
    /// The decoder of event streams against one that follows the standard word by word
    EventStream,
    /// The bytes of a body: splits, truncations, outcomes, tasks as they were written
    TaskStream,
    /// The text of an answer: envelopes, arrays, single tasks, prose around them
    Answer,
    /// The schema that the model is shown, derived from any schema
    ModelSchema,
    /// JSON documents and their edits against another parser
    Document,
}

impl Target {
    /// The target's name in `fuzz/`.
    fn name(self) -> &'static str {
        match self {
            Self::EventStream => "event_stream",
            Self::TaskStream => "task_stream",
            Self::Answer => "answer",
            Self::ModelSchema => "model_schema",
            Self::Document => "document",
        }
    }

    /// How many inputs a run tries when it is not told: some ten seconds of them.
    fn usual_runs(self) -> u64 {
        match self {
            Self::EventStream => 20_000,
            Self::TaskStream => 3_000,
            Self::Answer => 5_000,
            Self::ModelSchema => 8_000,
            Self::Document => 60_000,
        }
    }

    /// The words of what it reads, for libFuzzer to put together.
    fn dictionary(self) -> &'static str {
        match self {
            Self::EventStream | Self::TaskStream => "stream.dict",
            Self::Answer | Self::Document => "json.dict",
            Self::ModelSchema => "schema.dict",
        }
    }
}

/// What the operator can choose.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The target, all of them when none is named
    #[arg(value_enum)]
    target: Option<Target>,
    /// How many inputs to try for each target, instead of some ten seconds of them; the same number
    /// tries the same inputs
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u64>,
    /// How long to search for each target instead, going on from what earlier such searches reached
    #[arg(long)]
    seconds: Option<u64>,
}

/// Searches with the chosen targets, to the end also when one finds something.
///
/// # Errors
/// [`Error::ProgramMissing`] where there is no nightly compiler, [`Error::ProgramFailed`] where a
/// target cannot be built or found something.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    nightly::ensure()?;
    let tools = tools::ensure(&[Tool::cargo_fuzz()])?;
    let targets = match options.target {
        Some(target) => vec![target],
        None => Target::value_variants().to_vec(),
    };
    build(project, &tools, options.target)?;
    let mut found = None;
    for target in targets {
        say::line(&format!("\n── {} ──", target.name()));
        let begun = Instant::now();
        let result = search(project, &tools, target, options);
        say::step(
            if result.is_ok() { "held" } else { "FOUND" },
            &format!("{} in {}", target.name(), say::duration(begun.elapsed())),
        );
        found = result.err().or(found);
    }
    found.map_or(Ok(()), Err)
}

/// cargo-fuzz with the nightly compiler, in `fuzz/`.
fn cargo_fuzz(project: &Project, tools: &Installed, action: &str) -> Result<Command, Error> {
    let mut command = tools.command("cargo-fuzz")?;
    command
        .current_dir(project.root.join("fuzz"))
        .arg(action)
        .args(["--fuzz-dir", "."])
        .arg("--target-dir")
        .arg(project.work_folder("fuzz")?)
        // What cargo set for this program is for the stable compiler.
        .env("RUSTUP_TOOLCHAIN", nightly::TOOLCHAIN)
        .env_remove("CARGO")
        .env_remove("RUSTC");
    Ok(command)
}

/// Builds a target, or all of them.
fn build(project: &Project, tools: &Installed, target: Option<Target>) -> Result<(), Error> {
    say::step("fuzz", "compiling with the nightly compiler and sanitizers");
    process::run(
        cargo_fuzz(project, tools, "build")?.args(target.map(Target::name)),
        "building the fuzz targets",
        process::READ_THE_COMPILER,
    )
}

fn search(
    project: &Project,
    tools: &Installed,
    target: Target,
    options: &Options,
) -> Result<(), Error> {
    let name = target.name();
    let reached = reached(project, target, options.seconds.is_some())?;
    let mut command = cargo_fuzz(project, tools, "run")?;
    command.arg(name).arg(&reached);
    command.args(seeds::folders(project, target)?);
    command
        .arg("--")
        .arg(match options.seconds {
            Some(seconds) => format!("-max_total_time={seconds}"),
            None => format!("-runs={}", options.runs.unwrap_or(target.usual_runs())),
        })
        .arg(format!("-seed={SEED}"))
        .arg(format!("-timeout={MOST_SECONDS_AN_INPUT}"))
        .arg(format!("-rss_limit_mb={MOST_MEBIBYTES}"))
        .arg(format!("-max_len={MOST_BYTES}"))
        .arg(format!("-dict=dictionaries/{}", target.dictionary()))
        .arg("-print_final_stats=1");
    process::run(
        &mut command,
        &format!("searching with the fuzz target {name}"),
        &format!(
            "The input stands in fuzz/artifacts/{name}/. Copy it to fuzz/found/{name}/ under a \
             name that says what is odd about it: `cargo test --test fuzz_inputs` runs it from then \
             on. Then correct what it shows."
        ),
    )
}

/// The folder for inputs that reach something new: a new one for a run that can be had again, the
/// one of all earlier searches for a search by time.
fn reached(project: &Project, target: Target, goes_on: bool) -> Result<PathBuf, Error> {
    let kind = if goes_on { "reached" } else { "this-run" };
    let folder = project
        .work_folder("fuzz")?
        .join("inputs")
        .join(kind)
        .join(target.name());
    if !goes_on {
        empty(&folder)?;
    }
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    Ok(folder)
}

fn empty(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_words_and_inputs_to_begin_with() {
        let project = Project::find().unwrap();
        let fuzz = project.root.join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for target in Target::value_variants() {
            let name = target.name();
            assert_eq!(target.to_possible_value().unwrap().get_name(), name);
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(
                fuzz.join(format!("fuzz_targets/{name}.rs")).is_file(),
                "{name}"
            );
            assert!(
                fuzz.join("dictionaries")
                    .join(target.dictionary())
                    .is_file(),
                "{name}"
            );
            let folders = seeds::folders(&project, *target).unwrap();
            assert!(folders.iter().any(|it| it.is_dir()), "{name}: {folders:?}");
        }
        let programs = manifest.matches("[[bin]]").count();
        assert_eq!(programs, Target::value_variants().len());
    }
}
