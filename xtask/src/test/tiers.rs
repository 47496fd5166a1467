//! The commands that each tier runs.

use std::fs;
use std::process::Command;

use super::browser_settings::capabilities;
use super::dist_ahead::DistAhead;
use super::{Tier, supply_chain};
use crate::dist;
use crate::error::Error;
use crate::module::{self, Profile};
use crate::process::{self, SEE_COMPILER_OUTPUT};
use crate::project::Project;
use crate::say;
use crate::setup::tools::{self, Tool};
use crate::setup::wasm_target::{self, WASM_TARGET};
use crate::setup::{browser, packages};

/// Timeout for the browser tests of one file, in seconds; the runner's default of 20 is too short
/// for a busy machine with two cores.
const BROWSER_TEST_SECONDS: &str = "300";
/// Timeout for the start of chromedriver, in seconds.
const DRIVER_START_SECONDS: &str = "60";

/// Installs what a tier needs and runs it, passing `arguments` to its test runner. `dist` is the build
/// of the deployed page if it was started before.
///
/// # Errors
/// When something cannot be installed or started, or the tier fails.
pub fn run(
    tier: Tier,
    project: &Project,
    profile: Profile,
    arguments: &[String],
    dist: Option<Result<DistAhead, Error>>,
) -> Result<(), Error> {
    match tier {
        Tier::Format => format(project, arguments),
        Tier::SupplyChain => supply_chain::check(project),
        Tier::Clippy => clippy(project, arguments),
        Tier::Native => native(project, arguments),
        Tier::Browser => browser_tests(project, arguments),
        Tier::Types => types(project, profile, arguments),
        Tier::Package => package(project, profile, arguments),
        Tier::E2e => end_to_end(project, profile, arguments),
        Tier::Dist => deployed(project, profile, arguments, dist),
    }
}

fn format(project: &Project, arguments: &[String]) -> Result<(), Error> {
    process::run(
        process::cargo(&project.root)
            .args(["fmt", "--all", "--check"])
            .args(arguments),
        "the format check",
        "Run `cargo fmt --all`. If rustfmt is missing: `rustup component add rustfmt`.",
    )
}

fn clippy(project: &Project, arguments: &[String]) -> Result<(), Error> {
    let hint = "Fix the problems above. If clippy is missing: `rustup component add \
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
    // The second one runs even if the first one fails: they find different problems.
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
    here
}

/// One target and one profile for all WebAssembly except releases, so that what the tiers and `run`
/// share is compiled once.
const WASM_BUILD: [&str; 4] = ["--target", WASM_TARGET, "--profile", "wasm-dev"];

fn native(project: &Project, arguments: &[String]) -> Result<(), Error> {
    let mut command = process::cargo(&project.root);
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(arguments);
    process::run(&mut command, "the native tests", "Fix the problems above.")
}

fn browser_tests(project: &Project, arguments: &[String]) -> Result<(), Error> {
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
        // Everything that wasm-pack could download is already installed.
        .args(["test", "--mode", "no-install", "--headless", "--chrome"])
        .arg("--chromedriver")
        .arg(&browser.driver)
        // wasm-pack itself adds `--tests` and the target, and cargo accepts each only once.
        .args(["--", "--package", "taskwright", "--lib", "--test", "*"])
        .args(WASM_BUILD.iter().skip(2))
        .args(arguments)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &settings)
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_TEST_SECONDS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", DRIVER_START_SECONDS);
    process::run(
        &mut command,
        "the browser tests",
        "Fix the problems above. If wasm-pack itself fails, delete the tools' cache \
         folder to recompile it.",
    )
}

fn types(project: &Project, profile: Profile, arguments: &[String]) -> Result<(), Error> {
    packages::ensure(project)?;
    module::build(project, profile)?;
    process::run(
        process::node_script(&project.root, "typescript/bin/tsc")
            .args(["--noEmit", "--project", "tests/typescript"])
            .args(arguments),
        "the check of the TypeScript types",
        "Fix the problems above.",
    )
}

fn package(project: &Project, profile: Profile, arguments: &[String]) -> Result<(), Error> {
    let mut command = playwright(project, profile, "tests/package/playwright.config.ts", &[])?;
    playwright_tests(
        project,
        command.args(arguments),
        "the tests of the npm package",
        "Fix the problems above. `cargo xtask test package -- FILE` runs one file.",
    )
}

fn end_to_end(project: &Project, profile: Profile, arguments: &[String]) -> Result<(), Error> {
    let mut command = playwright(project, profile, "tests/e2e/playwright.config.ts", &[])?;
    playwright_tests(
        project,
        command.args(arguments),
        "the end-to-end tests",
        "Fix the problems above. They need Node.js 20 or later (https://nodejs.org).",
    )
}

/// End-to-end tests that also tell something about the page in `dist/`.
const DIST_TESTS: [&str; 8] = [
    "first-load",
    "pieces",
    "one-binary",
    "offline",
    "main-job",
    "dry-run",
    "reload",
    "vault",
];

fn deployed(
    project: &Project,
    profile: Profile,
    arguments: &[String],
    ahead: Option<Result<DistAhead, Error>>,
) -> Result<(), Error> {
    match ahead {
        Some(build) => build?.finish()?,
        None => dist::run(project)?,
    }
    let mut command = playwright(
        project,
        profile,
        "tests/e2e/playwright.config.ts",
        &["taskwright-server/embedded-page"],
    )?;
    if arguments.is_empty() {
        command.args(DIST_TESTS);
    }
    playwright_tests(
        project,
        command
            .args(arguments)
            .env("TASKWRIGHT_ROOT", project.root.join("dist"))
            .env("TASKWRIGHT_HAS_PIECES", "1"),
        "the tests of the deployed page",
        "Fix the problems above. `cargo xtask test dist -- FILE` runs one file.",
    )
}

/// Runs a command of [`playwright`].
///
/// # Errors
/// [`Error::TestsFailed`] with the failed tests; [`Error::ProgramMissing`] and [`Error::Failed`] when
/// Playwright itself did not start or complete.
pub fn playwright_tests(
    project: &Project,
    command: &mut Command,
    what: &str,
    hint: &str,
) -> Result<(), Error> {
    let list = project.work_folder("xtask")?.join("failed-tests");
    // What an earlier run left says nothing about this one.
    fs::write(&list, "").map_err(Error::file("write", &list))?;
    let result = process::run(command.env("TASKWRIGHT_FAILED_TESTS", &list), what, hint);
    match (result, fs::read_to_string(&list)) {
        (Err(Error::Failed { what, hint, .. }), Ok(tests)) if !tests.is_empty() => {
            Err(Error::TestsFailed {
                what,
                tests: tests.lines().map(str::to_owned).collect(),
                hint,
            })
        }
        (result, _) => result,
    }
}

/// Compiles and installs what tests with a browser need, and returns the command that runs those of a
/// Playwright configuration. `features` are those of the server and the testbed.
///
/// # Errors
/// When something cannot be installed or compiled.
pub fn playwright(
    project: &Project,
    profile: Profile,
    configuration: &str,
    features: &[&str],
) -> Result<Command, Error> {
    packages::ensure(project)?;
    let browser = browser::ensure()?;
    module::build(project, profile)?;
    say::step("server", "compiling, with the testbed");
    process::run(
        process::cargo(&project.root)
            .args(["build", "--package", "taskwright-server"])
            .args(["--package", "taskwright-testbed"])
            .args(["--features", &features.join(",")]),
        "compiling the server and the testbed",
        SEE_COMPILER_OUTPUT,
    )?;
    let mut command = process::node_script(&project.root, "@playwright/test/cli.js");
    command
        .args(["test", "--config", configuration])
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
    Ok(command)
}
