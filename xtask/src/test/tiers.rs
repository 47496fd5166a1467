//! What each tier of tests runs.

use std::fs;
use std::io::IsTerminal;
use std::process::Command;

use super::Tier;
use super::browser_settings::capabilities;
use super::counts::{self, Counts};
use crate::error::Error;
use crate::module::{self, Profile};
use crate::process::{self, READ_THE_COMPILER, exit_in_words};
use crate::project::Project;
use crate::say;
use crate::setup::tools::{self, Tool};
use crate::setup::wasm_target::{self, WASM_TARGET};
use crate::setup::{browser, packages};

/// How long the browser tests of one file may take, in seconds; the runner's own limit of 20 is
/// short for a busy machine of two cores.
const BROWSER_TEST_SECONDS: &str = "300";
/// How long chromedriver may take to start, in seconds.
const DRIVER_START_SECONDS: &str = "60";

/// How a tier ended.
#[derive(Debug)]
pub enum Outcome {
    /// All is well; the counts are there when the tier consists of tests.
    Passed(Option<Counts>),
    /// There is nothing to run, for the reason given.
    Skipped(&'static str),
    /// Tests failed, or none ran.
    Failed {
        /// What ran.
        counts: Counts,
        /// Why the tier as a whole failed.
        reason: String,
    },
}

/// Sets up what a tier needs and runs it, with further `arguments` for its test runner.
///
/// # Errors
/// When something cannot be set up or started, or a check without tests of its own fails.
pub fn run(
    tier: Tier,
    project: &Project,
    profile: Profile,
    arguments: &[String],
) -> Result<Outcome, Error> {
    match tier {
        Tier::Format => format(project, arguments),
        Tier::Clippy => clippy(project, arguments),
        Tier::Native => native(project, arguments),
        Tier::Browser => browser_tests(project, arguments),
        Tier::Types => types(project, profile, arguments),
        Tier::E2e => end_to_end(project, profile, arguments),
    }
}

fn format(project: &Project, arguments: &[String]) -> Result<Outcome, Error> {
    process::run(
        process::cargo(&project.root)
            .args(["fmt", "--all", "--check"])
            .args(arguments),
        "the check of the layout",
        "Run `cargo fmt --all`. Where there is no rustfmt: `rustup component add rustfmt`.",
    )?;
    Ok(Outcome::Passed(None))
}

fn clippy(project: &Project, arguments: &[String]) -> Result<Outcome, Error> {
    let hint = "Correct what clippy names above. Where there is none: `rustup component add \
                clippy`.";
    say::step("clippy", "for this machine");
    let here = process::run(
        process::cargo(&project.root)
            .args(["clippy", "--workspace", "--all-targets"])
            .args(arguments)
            .args(["--", "-D", "warnings"]),
        "clippy for this machine",
        hint,
    );
    // Both are run in any case: what is wrong with one says nothing about the other.
    wasm_target::ensure()?;
    say::step("clippy", "for WebAssembly");
    process::run(
        process::cargo(&project.root)
            .args(["clippy", "--package", "taskwright", "--lib", "--tests"])
            .args(WASM_BUILD)
            .args(arguments)
            .args(["--", "-D", "warnings"]),
        "clippy for WebAssembly",
        hint,
    )?;
    here?;
    Ok(Outcome::Passed(None))
}

/// One target and one profile for all WebAssembly that is not shipped, so that what the tiers and
/// `run` share is compiled once.
const WASM_BUILD: [&str; 4] = ["--target", WASM_TARGET, "--profile", "wasm-dev"];

fn native(project: &Project, arguments: &[String]) -> Result<Outcome, Error> {
    let mut command = process::cargo(&project.root);
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(arguments);
    tests(&mut command, READ_THE_COMPILER)
}

fn browser_tests(project: &Project, arguments: &[String]) -> Result<Outcome, Error> {
    wasm_target::ensure()?;
    let tools = tools::ensure(&[Tool::wasm_bindgen(project), Tool::wasm_pack()])?;
    let browser = browser::ensure()?;
    let committed = project.root.join("webdriver.json");
    let committed = fs::read_to_string(&committed).map_err(Error::file("read", &committed))?;
    let settings = project.work_folder("xtask")?.join("webdriver.json");
    fs::write(&settings, capabilities(&committed, &browser.program)?)
        .map_err(Error::file("write", &settings))?;

    let mut command = tools.command("wasm-pack")?;
    command
        .current_dir(&project.root)
        // All that wasm-pack could fetch is here already.
        .args(["test", "--mode", "no-install", "--headless", "--chrome"])
        .arg("--chromedriver")
        .arg(&browser.driver)
        // `--tests` and the target are wasm-pack's own additions, and cargo takes them only once.
        .args(["--", "--package", "taskwright", "--lib", "--test", "*"])
        .args(WASM_BUILD.iter().skip(2))
        .args(arguments)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &settings)
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TEST_SECONDS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", DRIVER_START_SECONDS);
    tests(
        &mut command,
        "Remove the tools' cache folder so that wasm-pack is compiled anew.",
    )
}

fn types(project: &Project, profile: Profile, arguments: &[String]) -> Result<Outcome, Error> {
    if !project
        .root
        .join("tests/typescript/tsconfig.json")
        .is_file()
    {
        return Ok(Outcome::Skipped(
            "there is no tests/typescript/tsconfig.json",
        ));
    }
    packages::ensure(project)?;
    module::build(project, profile)?;
    process::run(
        process::node_script(&project.root, "typescript/bin/tsc")
            .args(["--noEmit", "--project", "tests/typescript"])
            .args(arguments),
        "the check of the TypeScript types",
        "Correct what the TypeScript compiler names above.",
    )?;
    Ok(Outcome::Passed(None))
}

fn end_to_end(project: &Project, profile: Profile, arguments: &[String]) -> Result<Outcome, Error> {
    packages::ensure(project)?;
    let browser = browser::ensure()?;
    module::build(project, profile)?;
    say::step("server", "compiling, and the testbed");
    process::run(
        process::cargo(&project.root).args([
            "build",
            "--package",
            "taskwright-server",
            "--package",
            "taskwright-testbed",
        ]),
        "compiling the server and the testbed",
        READ_THE_COMPILER,
    )?;
    let mut command = process::node_script(&project.root, "@playwright/test/cli.js");
    command
        .args(["test", "--config", "tests/e2e/playwright.config.ts"])
        .args(arguments)
        .env(
            "TASKWRIGHT_SERVER_BIN",
            project.program("taskwright-server", false),
        )
        .env(
            "TASKWRIGHT_TESTBED_BIN",
            project.program("taskwright-testbed", false),
        )
        .env("TASKWRIGHT_ROOT", &project.root)
        .env("CHROMIUM_PATH", &browser.program);
    tests(
        &mut command,
        "Install Node.js 20 or newer from https://nodejs.org and run the command again.",
    )
}

/// Runs a test runner, passes its output on and counts its tests. A tier in which no test ran has
/// not passed: a filter that matches nothing, or files that are no longer found, would look the
/// same as success.
fn tests(command: &mut Command, hint: &str) -> Result<Outcome, Error> {
    if std::io::stdout().is_terminal() {
        // The runners see a pipe and would leave the colours out.
        command
            .env("CARGO_TERM_COLOR", "always")
            .env("FORCE_COLOR", "1");
    }
    let mut counts = Counts::default();
    let status = process::run_and_listen(command, hint, |line| counts += counts::in_line(line))?;
    let reason = if !status.success() {
        exit_in_words(status)
    } else if counts.passed == 0 {
        "no test ran".to_owned()
    } else {
        return Ok(Outcome::Passed(Some(counts)));
    };
    Ok(Outcome::Failed { counts, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_runner_that_runs_no_test_has_not_passed() {
        let outcome = tests(process::cargo(Path::new(".")).arg("--version"), "").unwrap();
        assert!(
            matches!(&outcome, Outcome::Failed { reason, .. } if reason == "no test ran"),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_runner_that_fails_has_not_passed_whatever_it_counted() {
        let mut command = process::cargo(Path::new("."));
        command.arg("no-such-command");
        let outcome = tests(&mut command, "").unwrap();
        assert!(
            matches!(&outcome, Outcome::Failed { reason, .. } if reason.starts_with("exit code")),
            "{outcome:?}"
        );
    }
}
