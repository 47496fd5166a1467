//! Part `server`: tasks per second, and how long each waits.

mod cores;
mod disk;
mod load;
mod request;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use self::load::{Load, Took};
use super::figures::percentile;
use super::table::Table;
use super::{Effort, Report};
use crate::error::Error;
use crate::process;
use crate::project::Project;
use crate::say;
use crate::service::Service;

/// Connections of a busy server, and of a single sender.
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
/// How many times fewer requests a quick round has.
const QUICK: u64 = 10;
/// Flushes of the disk that are timed in each round.
const FLUSHES: u64 = 100;

/// What is measured beside each other.
struct Peer {
    name: &'static str,
    program: PathBuf,
}

/// Measures the server under load.
///
/// # Errors
/// When it cannot be built or started, or does not take every task.
pub fn measure(project: &Project, effort: Effort) -> Result<Report, Error> {
    say::step("server", "compiling, optimised");
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
        process::READ_THE_COMPILER,
    )?;
    let peers = [
        Peer {
            name: "store turned off",
            program: project.program("examples/store_turned_off", true),
        },
        Peer {
            name: "durable",
            program: project.program("taskwright-server", true),
        },
    ];
    // On the disk of the checkout: a folder for temporary files may lie in memory.
    let folder = project.work_folder("bench/server")?;
    remove(&folder)?;
    fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
    let report = under_load(&peers, &folder, effort);
    remove(&folder)?;
    report
}

fn under_load(peers: &[Peer], folder: &Path, effort: Effort) -> Result<Report, Error> {
    let mut servers = peers
        .iter()
        .map(|peer| start(peer, &folder.join(peer.name)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut report = Report::default();
    let mut flushes = Vec::new();
    for load in LOADS {
        let load = Load {
            requests: if effort.quick {
                load.requests / QUICK
            } else {
                load.requests
            },
            ..load
        };
        let mut took: Vec<Vec<Took>> = peers.iter().map(|_| Vec::new()).collect();
        // One more round than is counted: the first one warms up.
        for round in 0..=effort.rounds {
            for (server, took) in servers.iter().zip(&mut took) {
                let run = (u64::from(round) << 32) | load.connections as u64;
                let result = load::post(server.address, load, run).map_err(|error| {
                    not_measured(&format!("the server ({})", server.name), &error.to_string())
                })?;
                if round > 0 {
                    took.push(result);
                }
            }
            let flushed = disk::flushes(folder, FLUSHES)
                .map_err(|error| not_measured("the disk", &error.to_string()))?;
            flushes.extend(percentile(&flushed, 50.0));
        }
        report.tables.extend(tables(load, peers, &took));
    }
    for server in &mut servers {
        server.service.stop();
    }
    let mut disk = Table::new(
        "the disk by itself, a page appended and flushed (p50)",
        "ms",
    );
    disk.add("disk", flushes);
    report.tables.push(disk);
    report.notes.push(format!(
        "Tasks of {} bytes, each with an idempotency key of its own, over connections that stay \
         open. Both servers are the same program but for the store, on two cores; the load is \
         made on the same machine.",
        request::TASK_BYTES
    ));
    Ok(report)
}

fn tables(load: Load, peers: &[Peer], took: &[Vec<Took>]) -> [Table; 3] {
    let connections = match load.connections {
        1 => "1 connection".to_owned(),
        several => format!("{several} connections"),
    };
    let table = |what: &str, unit, figure: &dyn Fn(&Took) -> Option<f64>| {
        let mut table = Table::new(format!("{connections}, {what}"), unit);
        for (peer, rounds) in peers.iter().zip(took) {
            table.add(peer.name, rounds.iter().filter_map(figure).collect());
        }
        table
    };
    [
        table("tasks taken per second", "1/s", &|took| Some(took.rate())),
        table("wait for the answer (p50)", "ms", &|took| {
            percentile(&took.latencies, 50.0)
        }),
        table("wait for the answer (p99)", "ms", &|took| {
            percentile(&took.latencies, 99.0)
        }),
    ]
}

/// A peer that runs.
struct Running {
    name: &'static str,
    service: Service,
    address: SocketAddr,
}

fn start(peer: &Peer, data: &Path) -> Result<Running, Error> {
    let mut command = Command::new(&peer.program);
    command
        .args(["--port", "0", "--log-level", "warn", "--data-dir"])
        .arg(data)
        .env_remove("AGENT_API_TOKEN")
        .stdout(Stdio::piped());
    let mut service = cores::start_on_two(command)?;
    let mut announcement = String::new();
    if let Some(output) = service.take_output() {
        let mut output = BufReader::new(output);
        // An unreadable line is as good as none: the check below says so.
        let _ = output.read_line(&mut announcement);
        // What it prints later is of no use here, but has to be read, or it would stand still.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    }
    match announced_address(&announcement) {
        Some(address) => Ok(Running {
            name: peer.name,
            service,
            address,
        }),
        None => {
            service.stop();
            Err(not_measured(
                &format!("the server ({})", peer.name),
                "it did not say where it listens",
            ))
        }
    }
}

/// The address in a line `taskwright-server listening on http://127.0.0.1:8080, token: …`.
fn announced_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    rest.split(',').next()?.parse().ok()
}

fn not_measured(what: &str, reason: &str) -> Error {
    Error::NotMeasured {
        what: what.to_owned(),
        reason: reason.to_owned(),
        hint: "What it wrote above may say why; run the command again when that is mended.".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_where_it_listens() {
        let line = "taskwright-server listening on http://127.0.0.1:4321, token: changeme\n";
        assert_eq!(
            announced_address(line),
            Some(SocketAddr::from(([127, 0, 0, 1], 4321)))
        );
        assert_eq!(announced_address(""), None);
    }
}
