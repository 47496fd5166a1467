//! Part `server`: throughput and latency of the task server.

mod cores;
mod disk;
mod load;
mod request;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use self::load::{Load, Timing};
use super::figures::percentile;
use super::table::Table;
use super::{Effort, Report};
use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;
use crate::service::Service;

/// The load of many clients, and of a single one.
const LOADS: [Load; 2] = [
    Load {
        connections: 64,
        requests: 20_000,
    },
    Load {
        connections: 1,
        requests: 1_000,
    },
];
/// A round with `--quick` has this many times fewer requests.
const QUICK: u64 = 10;
/// Flushes of the disk that are timed in each round.
const FLUSHES: u32 = 100;

/// A program that is measured.
struct Contender {
    name: &'static str,
    program: PathBuf,
}

/// Measures the server under load.
///
/// # Errors
/// When it cannot be built or started, or does not accept every task.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    say::step("server", "compiling with optimisations");
    process::run(
        process::cargo(&project.root).args([
            "build",
            "--release",
            "--package",
            "taskwright-server",
            "--bin",
            "taskwright-server",
            "--example",
            "store_turned_off",
        ]),
        "compiling the server",
        process::SEE_COMPILER_OUTPUT,
    )?;
    // The baseline comes first: ratios are relative to the first line of a table.
    let contenders = [
        Contender {
            name: "store turned off",
            program: project.program("examples/store_turned_off", true),
        },
        Contender {
            name: "durable",
            program: project.program("taskwright-server", true),
        },
    ];
    // On the disk of the checkout: a folder for temporary files may be in memory.
    let folder = project.work_folder("bench/server")?;
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    let report = under_load(&contenders, &folder, effort);
    remove(&folder)?;
    report
}

fn under_load(contenders: &[Contender], folder: &Path, effort: Effort) -> Result<Report, Error> {
    // The services stop when they are dropped.
    let servers = contenders
        .iter()
        .map(|contender| start(contender, &folder.join(contender.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut report = Report::default();
    let mut flushes = Vec::new();
    for mut load in LOADS {
        if effort.quick {
            load.requests /= QUICK;
        }
        let mut rounds: Vec<Vec<Timing>> = contenders.iter().map(|_| Vec::new()).collect();
        // One round more than requested: the first one warms up and does not count.
        for round in 0..=effort.rounds {
            for (((_, address), contender), timings) in
                servers.iter().zip(contenders).zip(&mut rounds)
            {
                let timing = load::post(*address, load).map_err(|error| {
                    not_measured(
                        &format!("the server ({})", contender.name),
                        &error.to_string(),
                    )
                })?;
                if round > 0 {
                    timings.push(timing);
                }
            }
            let times = disk::flush_times(folder, FLUSHES)
                .map_err(|error| not_measured("the disk", &error.to_string()))?;
            flushes.extend(percentile(&times, 50.0));
        }
        report.tables.extend(tables(load, contenders, &rounds));
    }
    let mut disk = Table::new("the disk alone, append and flush one page (p50)", "ms");
    disk.add("disk", flushes);
    report.tables.push(disk);
    report.notes.push(format!(
        "Tasks of {} bytes, each with its own idempotency key, over persistent connections. Both \
         servers are the same program except for the store and run on two cores; the load comes \
         from the same machine.",
        request::TASK_BYTES
    ));
    Ok(report)
}

fn tables(load: Load, contenders: &[Contender], rounds: &[Vec<Timing>]) -> [Table; 3] {
    let connections = match load.connections {
        1 => "1 connection".to_owned(),
        several => format!("{several} connections"),
    };
    let table = |what: &str, unit, figure: &dyn Fn(&Timing) -> Option<f64>| {
        let mut table = Table::new(format!("{connections}, {what}"), unit);
        for (contender, timings) in contenders.iter().zip(rounds) {
            table.add(contender.name, timings.iter().filter_map(figure).collect());
        }
        table
    };
    [
        table("tasks per second", "1/s", &|timing| Some(timing.rate())),
        table("latency (p50)", "ms", &|timing| {
            percentile(&timing.latencies, 50.0)
        }),
        table("latency (p99)", "ms", &|timing| {
            percentile(&timing.latencies, 99.0)
        }),
    ]
}

fn start(contender: &Contender, data: &Path) -> Result<(Service, SocketAddr), Error> {
    let mut command = process::command(&contender.program);
    command
        .args(["--port", "0", "--log-level", "warn", "--data-dir"])
        .arg(data)
        .env_remove("AGENT_API_TOKEN");
    cores::start_on_two(&format!("the server ({})", contender.name), command)
}

fn not_measured(what: &str, reason: &str) -> Error {
    Error::Failed {
        what: format!("measuring {what}"),
        reason: reason.to_owned(),
        hint: "The server's output above may say why; correct that and run the command again."
            .into(),
    }
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}
