//! Part `delivery`: how long the page takes to post a batch, including the journal, and whether it
//! stays responsive.

use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::json;

use super::table::Table;
use super::{Effort, Report, with_servers};
use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;

/// Number of tasks per round, and in the large import.
const TASKS: u32 = 1_000;
const LARGE: u32 = 10_000;
/// The same with `--quick`.
const QUICK_TASKS: u32 = 200;
const QUICK_LARGE: u32 = 2_000;
/// Concurrent requests: the default of a connection.
const CONCURRENCY: u8 = 4;

/// The figures that the benchmark in the browser writes to a file.
#[derive(Deserialize)]
struct Figures {
    page: Vec<f64>,
    keyless: Vec<f64>,
    max_concurrency: Vec<f64>,
    bare: Vec<f64>,
    python: Vec<f64>,
    large: Large,
}

/// The large import. Times in milliseconds, sizes in bytes.
#[derive(Deserialize)]
struct Large {
    bytes: f64,
    post_total: f64,
    import_longest: f64,
    import_over: f64,
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
/// When something cannot be built, installed or started, or a task is not delivered.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    let python = python_with_requests(project)?;
    let (tasks, large) = if effort.quick {
        (QUICK_TASKS, QUICK_LARGE)
    } else {
        (TASKS, LARGE)
    };
    let options = json!({
        "rounds": effort.rounds,
        "count": tasks,
        "large": large,
        "concurrency": CONCURRENCY,
        "python": python,
    });
    let figures: Figures = with_servers::run(project, "delivery", options)?;
    Ok(report(figures, tasks, large))
}

fn report(figures: Figures, tasks: u32, large: u32) -> Report {
    let mut posting = Table::new(
        format!("{tasks} tasks to a server that responds after 20 ms, concurrency {CONCURRENCY}"),
        "ms",
    );
    posting.add("plain fetch loop, same Chromium", figures.bare);
    posting.add("the page, including the journal", figures.page);
    posting.add("the page, server without idempotency keys", figures.keyless);
    posting.add("the page, concurrency 16", figures.max_concurrency);
    posting.add("Python requests, sequential", figures.python);
    let large_import = &figures.large;
    let mut delays = Table::new(format!("{large} tasks imported: longest input delay"), "ms");
    delays.add("limit", vec![100.0]);
    delays.add(
        "importing and validating",
        vec![large_import.import_longest],
    );
    delays.add("approving", vec![large_import.approve_longest]);
    delays.add("posting", vec![large_import.post_longest]);
    let mut memory = Table::new(
        format!("{large} tasks imported: memory in addition to the empty page"),
        "bytes",
    );
    let more = |wasm: f64, heap: f64| {
        vec![wasm + heap - large_import.wasm_before - large_import.heap_before]
    };
    memory.add("text of the batch", vec![large_import.bytes]);
    memory.add(
        "imported and approved",
        more(large_import.wasm_approved, large_import.heap_approved),
    );
    memory.add(
        "delivered",
        more(large_import.wasm_after, large_import.heap_after),
    );
    memory.add(
        "of which WebAssembly memory, which never shrinks",
        vec![large_import.wasm_after - large_import.wasm_before],
    );
    Report {
        tables: vec![posting, delays, memory],
        notes: vec![format!(
            "{large} tasks were posted in {:.1} s to a server that responds immediately. The page \
             was busy for over 100 ms {} times during the import, {} during approval, {} during \
             posting.",
            large_import.post_total / 1_000.0,
            large_import.import_over,
            large_import.approve_over,
            large_import.post_over,
        )],
    }
}

/// A Python with `requests`: the system's, or a virtual environment.
fn python_with_requests(project: &Project) -> Result<PathBuf, Error> {
    let has_requests = |python: &PathBuf| {
        process::command(python)
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
        say::step("python", "creating an environment with requests");
        let hint = "Install Python 3 with its venv module, or with requests.";
        process::run(
            process::command(&system).args(["-m", "venv"]).arg(&folder),
            "creating a Python environment",
            hint,
        )?;
        process::run(
            process::command(&own).args(["-m", "pip", "install", "--quiet", "requests"]),
            "installing requests",
            hint,
        )?;
    }
    Ok(own)
}
