//! Part `delivery`: how long the page takes to post a batch, journal included, and whether it
//! answers input meanwhile.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use super::table::Table;
use super::{Effort, Report};
use crate::error::Error;
use crate::module::{self, Profile};
use crate::process;
use crate::project::Project;
use crate::say;
use crate::setup::{browser, packages};

/// Tasks of a round, and of the batch that is brought in.
const TASKS: u32 = 1_000;
const LARGE: u32 = 10_000;
/// The same with `--quick`.
const QUICK_TASKS: u32 = 200;
const QUICK_LARGE: u32 = 2_000;
/// Tasks on their way at a time: what a connection has where nothing else is said.
const CONCURRENCY: u8 = 4;

/// What the benchmark in the browser writes down.
#[derive(Deserialize)]
struct Figures {
    page: Vec<f64>,
    keyless: Vec<f64>,
    most: Vec<f64>,
    bare: Vec<f64>,
    python: Vec<f64>,
    large: Large,
}

/// Times in milliseconds, sizes in bytes.
#[derive(Deserialize)]
struct Large {
    bytes: f64,
    took: f64,
    bring_longest: f64,
    bring_over: f64,
    approve_longest: f64,
    approve_over: f64,
    post_longest: f64,
    post_over: f64,
    wasm_before: f64,
    heap_before: f64,
    wasm_approved: f64,
    heap_approved: f64,
    wasm_after: f64,
    heap_after: f64,
}

/// Measures delivery in Chromium.
///
/// # Errors
/// When something cannot be built, set up or started, or not every task is delivered.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    packages::ensure(project)?;
    let browser = browser::ensure()?;
    let python = python_with_requests(project)?;
    module::build(project, Profile::Release)?;
    say::step("server", "compiling, optimised, and the testbed");
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
        process::READ_THE_COMPILER,
    )?;
    let out = project.work_folder("bench")?.join("delivery.json");
    let (tasks, large) = match effort.quick {
        true => (QUICK_TASKS, QUICK_LARGE),
        false => (TASKS, LARGE),
    };
    let wanted = json!({
        "rounds": effort.rounds,
        "count": tasks,
        "large": large,
        "concurrency": CONCURRENCY,
        "python": python,
        "out": out,
    });
    process::run(
        process::node_script(&project.root, "@playwright/test/cli.js")
            .args(["test", "--config", "benches/delivery/playwright.config.ts"])
            .env("TASKWRIGHT_BENCH", wanted.to_string())
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
        "What Playwright wrote above says what was missing.",
    )?;
    let text = fs::read_to_string(&out).map_err(Error::file("read", &out))?;
    let figures: Figures =
        serde_json::from_str(&text).map_err(|error| not_measured(&error.to_string()))?;
    Ok(report(figures, tasks, large))
}

fn report(figures: Figures, tasks: u32, large: u32) -> Report {
    let mut posting = Table::new(
        format!("{tasks} tasks to a server that answers after 20 ms, {CONCURRENCY} at a time"),
        "ms",
    );
    posting.add("bare loop of fetch, same Chromium", figures.bare);
    posting.add("the page, journal included", figures.page);
    posting.add("the same, to a server that knows no keys", figures.keyless);
    posting.add("the page, 16 at a time", figures.most);
    posting.add("Python, requests, one by one", figures.python);
    let held = &figures.large;
    let mut delays = Table::new(
        format!("{large} tasks brought in: the longest that the page did not answer input"),
        "ms",
    );
    delays.add("the bound", vec![100.0]);
    delays.add("bringing in and checking", vec![held.bring_longest]);
    delays.add("approving", vec![held.approve_longest]);
    delays.add("posting", vec![held.post_longest]);
    let mut memory = Table::new(
        format!("{large} tasks brought in: what the page holds more than empty"),
        "bytes",
    );
    let more = |wasm: f64, heap: f64| vec![wasm + heap - held.wasm_before - held.heap_before];
    memory.add("the text of the batch", vec![held.bytes]);
    memory.add(
        "brought in and approved",
        more(held.wasm_approved, held.heap_approved),
    );
    memory.add("delivered", more(held.wasm_after, held.heap_after));
    memory.add(
        "of that, WebAssembly's memory, which never shrinks",
        vec![held.wasm_after - held.wasm_before],
    );
    Report {
        tables: vec![posting, delays, memory],
        notes: vec![format!(
            "Of {large} tasks: posted in {:.1} s to a server that answers at once; busy for over \
             100 ms {} times while they were brought in, {} while approved, {} while posted.",
            held.took / 1_000.0,
            held.bring_over,
            held.approve_over,
            held.post_over,
        )],
    }
}

/// A Python that has `requests`: the system's, or one in an environment of its own.
fn python_with_requests(project: &Project) -> Result<PathBuf, Error> {
    let has_requests = |python: &PathBuf| {
        Command::new(python)
            .args(["-c", "import requests"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let system = PathBuf::from("python3");
    if has_requests(&system) {
        return Ok(system);
    }
    let folder = project.work_folder("bench/python")?;
    let own = folder.join("bin/python3");
    if !has_requests(&own) {
        say::step("python", "an environment with requests");
        let hint = "Install Python 3 with its venv module, or requests for it.";
        process::run(
            Command::new(&system).args(["-m", "venv"]).arg(&folder),
            "making a Python environment",
            hint,
        )?;
        process::run(
            Command::new(&own).args(["-m", "pip", "install", "--quiet", "requests"]),
            "installing requests",
            hint,
        )?;
    }
    Ok(own)
}

fn not_measured(reason: &str) -> Error {
    Error::NotMeasured {
        what: "delivery".to_owned(),
        reason: reason.to_owned(),
        hint: "What Playwright wrote above may say why.".into(),
    }
}
