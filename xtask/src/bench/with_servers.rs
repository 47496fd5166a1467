//! Parts that Playwright measures in the page, with the real task server and the testbed.

use std::fs;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Error;
use crate::module::{self, Profile};
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::{browser, packages};

/// Builds the release module, the server and the testbed, runs `benches/PART`, and returns the figures
/// that it writes. `options` is an object that the benchmark reads; the file for the figures is added.
///
/// # Errors
/// When something cannot be built, installed or started, or the benchmark fails.
pub fn run<T: DeserializeOwned>(
    project: &Project,
    part: &str,
    mut options: Value,
) -> Result<T, Error> {
    packages::ensure(project)?;
    let browser = browser::ensure()?;
    module::build(project, Profile::Release)?;
    say::step("server", "compiling with optimisations, with the testbed");
    process::run(
        process::cargo(&project.root).args([
            "build",
            "--release",
            "--package",
            "taskwright-server",
            "--package",
            "taskwright-testbed",
        ]),
        "compiling the server and the testbed",
        process::SEE_COMPILER_OUTPUT,
    )?;
    let out = project.work_folder("bench")?.join(format!("{part}.json"));
    if let Some(options) = options.as_object_mut() {
        options.insert("out".to_owned(), json!(out));
    }
    process::run(
        process::node_script(&project.root, "@playwright/test/cli.js")
            .args(["test", "--config"])
            .arg(format!("benches/{part}/playwright.config.ts"))
            .env("TASKWRIGHT_BENCH", options.to_string())
            .env(
                "TASKWRIGHT_SERVER_BIN",
                project.program("taskwright-server", true),
            )
            .env(
                "TASKWRIGHT_TESTBED_BIN",
                project.program("taskwright-testbed", true),
            )
            .env("TASKWRIGHT_ROOT", &project.root)
            .env("CHROMIUM_PATH", &browser.program),
        "measuring in the browser",
        "Playwright's output above says what was missing.",
    )?;
    let text = fs::read_to_string(&out).map_err(Error::file("read", &out))?;
    serde_json::from_str(&text).map_err(|error| Error::Unexpected {
        what: format!("the figures of benches/{part}"),
        reason: error.to_string(),
    })
}
