//! `cargo xtask fuzz`: searches for inputs that break an invariant.

mod nightly;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::ValueEnum;

use crate::choice;
use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::tools::{self, Installed, Tool};

/// Timeout for one input, in seconds; a slower input counts as a finding. Instrumented code is
/// about a hundred times slower than the module, and more on a busy machine.
const INPUT_TIMEOUT_SECONDS: u32 = 60;
/// Memory limit of a search in MiB, including the overhead of AddressSanitizer.
const MAX_MEMORY_MIB: u32 = 2_048;
/// Maximum length of generated inputs, in bytes.
const MAX_INPUT_BYTES: u32 = 2_048;
/// Seed of the random choices, so that a run can be repeated.
const SEED: u32 = 1;

/// A fuzz target. Its name on the command line is also its name in `fuzz/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Target {
    /// The event stream decoder against a literal implementation of the standard
    EventStream,
    /// Bytes of a response body: splits, truncation, outcomes, tasks
    TaskStream,
    /// Text of a response: envelopes, arrays, single tasks, surrounding prose
    ResponseText,
    /// The schema for the model, derived from any schema
    ModelSchema,
    /// Any document against any schema: recursion, backtracking, duplicate members
    Validation,
    /// JSON documents and edits against another parser
    Document,
    /// Pasted calls, documents, examples and configurations
    Paste,
}

impl Target {
    /// Default number of inputs: about ten seconds.
    fn default_runs(self) -> u64 {
        match self {
            Self::EventStream => 20_000,
            Self::TaskStream => 3_000,
            Self::ResponseText => 5_000,
            Self::ModelSchema => 8_000,
            Self::Validation => 4_000,
            Self::Document => 60_000,
            Self::Paste => 10_000,
        }
    }

    /// The tokens of its input language, for libFuzzer to combine.
    fn dictionary(self) -> &'static str {
        match self {
            Self::EventStream | Self::TaskStream => "stream.dict",
            Self::ResponseText | Self::Document => "json.dict",
            Self::ModelSchema | Self::Validation => "schema.dict",
            Self::Paste => "paste.dict",
        }
    }
}

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The target [default: all]
    #[arg(value_enum)]
    target: Option<Target>,
    /// Number of inputs per target [default: about ten seconds]; the same number tries the same
    /// inputs
    #[arg(long, conflicts_with = "seconds")]
    runs: Option<u64>,
    /// Search each target for this many seconds, starting from the inputs of earlier such searches
    #[arg(long)]
    seconds: Option<u64>,
}

/// Fuzzes the chosen targets, also after one has found something.
///
/// # Errors
/// [`Error::ProgramMissing`] when the nightly compiler is missing; [`Error::Failed`] when a target
/// cannot be built or has found something.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    nightly::ensure()?;
    let tools = tools::ensure(&[Tool::cargo_fuzz()])?;
    let targets = choice::selected(options.target.as_slice());
    build(project, &tools, options.target)?;
    let mut found = None;
    for target in targets {
        let name = choice::name(target);
        say::line(&format!("\n── {name} ──"));
        let begun = Instant::now();
        let result = search(project, &tools, target, options);
        say::step(
            if result.is_ok() { "held" } else { "FOUND" },
            &format!("{name} in {}", say::duration(begun.elapsed())),
        );
        found = result.err().or(found);
    }
    found.map_or(Ok(()), Err)
}

/// A cargo-fuzz command with the nightly compiler, in `fuzz/`.
fn cargo_fuzz(project: &Project, tools: &Installed, action: &str) -> Result<Command, Error> {
    let mut command = tools.command("cargo-fuzz")?;
    command
        .current_dir(project.root.join("fuzz"))
        .arg(action)
        .args(["--fuzz-dir", "."])
        .arg("--target-dir")
        .arg(project.work_folder("fuzz")?)
        // Cargo set these for the stable compiler.
        .env("RUSTUP_TOOLCHAIN", nightly::TOOLCHAIN)
        .env_remove("CARGO")
        .env_remove("RUSTC");
    Ok(command)
}

/// Builds one target, or all of them.
fn build(project: &Project, tools: &Installed, target: Option<Target>) -> Result<(), Error> {
    say::step("fuzz", "compiling with the nightly compiler and sanitizers");
    process::run(
        cargo_fuzz(project, tools, "build")?.args(target.map(choice::name)),
        "building the fuzz targets",
        process::SEE_COMPILER_OUTPUT,
    )
}

fn search(
    project: &Project,
    tools: &Installed,
    target: Target,
    options: &Options,
) -> Result<(), Error> {
    let name = choice::name(target);
    let corpus = corpus_folder(project, target, options.seconds.is_some())?;
    let mut command = cargo_fuzz(project, tools, "run")?;
    command.arg(&name).arg(&corpus);
    command.args(seeds::folders(project, target)?);
    command
        .arg("--")
        .arg(match options.seconds {
            Some(seconds) => format!("-max_total_time={seconds}"),
            None => format!("-runs={}", options.runs.unwrap_or(target.default_runs())),
        })
        .arg(format!("-seed={SEED}"))
        .arg(format!("-timeout={INPUT_TIMEOUT_SECONDS}"))
        .arg(format!("-rss_limit_mb={MAX_MEMORY_MIB}"))
        .arg(format!("-max_len={MAX_INPUT_BYTES}"))
        .arg(format!("-dict=dictionaries/{}", target.dictionary()))
        .arg("-print_final_stats=1");
    process::run(
        &mut command,
        &format!("the fuzz target {name}"),
        &format!(
            "The input is in fuzz/artifacts/{name}/. Copy it to fuzz/found/{name}/ under a name \
             that describes it, so that `cargo test --test fuzz_inputs` runs it too. Then correct \
             the fault."
        ),
    )
}

/// The folder for inputs that reach new code: an empty one for a repeatable run; for a search by
/// time, that of all earlier ones.
fn corpus_folder(project: &Project, target: Target, is_continued: bool) -> Result<PathBuf, Error> {
    let kind = if is_continued { "reached" } else { "this-run" };
    let folder = project
        .work_folder("fuzz")?
        .join("inputs")
        .join(kind)
        .join(choice::name(target));
    if !is_continued {
        empty(&folder)?;
    }
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
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
    fn every_target_has_a_program_a_dictionary_and_seeds() {
        let project = Project::find().unwrap();
        let fuzz = project.root.join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for target in Target::value_variants() {
            let name = choice::name(*target);
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
