//! `cargo xtask run`: the page and the task server on this machine, from one command.

mod open;
mod page_config;
mod port;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::module::{self, Profile};
use crate::process::{self, exit_in_words};
use crate::project::{self, Project};
use crate::say;
use crate::service::Service;

/// How many ports after the wished one are tried.
const FURTHER_PORTS: u16 = 20;
/// The exit code by which the server says that its port is taken.
const PORT_TAKEN: i32 = 98;
/// How long a started program may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often running programs are looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the operator can choose.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The port to listen on; taken ones are passed over, 0 takes any
    #[arg(long, default_value_t = 8080, value_name = "N")]
    port: u16,
    /// Build everything as it ships: slower to build, faster to use
    #[arg(long)]
    release: bool,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// Also start a model endpoint that plays scripts, so that a live run needs no account
    #[arg(long)]
    demo_model: bool,
}

/// Builds what has changed, starts the task server with the page in it, and stays until Ctrl-C.
///
/// # Errors
/// When something cannot be set up, built or started, or one of the started programs ends.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Quick
    };
    module::build(project, profile)?;
    build_programs(project, options)?;

    // Until here Ctrl-C ends this program and the compilers at once, as it should.
    let stop = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler({
        let stop = Arc::clone(&stop);
        move || stop.store(true, Ordering::SeqCst)
    })?;

    let folder = project.work_folder("run")?;
    // One at a time keeps its tasks there; a second one of this checkout gets a folder of its own.
    let claim = project::try_lock(&folder.join("lock"))?;
    let mut services = Vec::new();
    let ended = start_and_watch(project, options, claim.is_some(), &stop, &mut services);
    // The other way round: the server first, then what it may depend on.
    for service in services.iter_mut().rev() {
        service.stop();
    }
    if let Ok(Some(data)) = &ended {
        say::step(
            "stopped",
            &format!("the tasks are kept in {}", data.display()),
        );
    }
    ended.map(drop)
}

fn build_programs(project: &Project, options: &Options) -> Result<(), Error> {
    say::step("server", "compiling");
    let mut command = process::cargo(&project.root);
    command.args(["build", "--package", "taskwright-server"]);
    if options.demo_model {
        command.args(["--package", "taskwright-testbed"]);
    }
    if options.release {
        command.arg("--release");
    }
    process::run(
        &mut command,
        "compiling the server",
        process::READ_THE_COMPILER,
    )
}

/// Starts what was asked for and stays until it is to stop or ends; gives the folder of the tasks
/// when the server was up.
fn start_and_watch(
    project: &Project,
    options: &Options,
    alone: bool,
    stop: &AtomicBool,
    services: &mut Vec<Service>,
) -> Result<Option<PathBuf>, Error> {
    let model = if options.demo_model {
        let (service, address) = start_model(project, options.release)?;
        services.push(service);
        Some(address)
    } else {
        None
    };
    let Some(server) = start_server(project, options, alone, model.as_deref(), stop)? else {
        return Ok(None);
    };
    let Server {
        service,
        address,
        data,
    } = server;
    services.push(service);
    welcome(&address, model.as_deref());
    if options.open {
        open::in_browser(&address);
    }
    while !stop.load(Ordering::SeqCst) {
        if let Some((name, status)) = services.iter_mut().find_map(Service::ended) {
            return Err(Error::ServiceEnded {
                name,
                how: format!("ended by itself ({})", exit_in_words(status)),
                hint: "What it wrote above says why; run the command again when that is mended."
                    .into(),
            });
        }
        thread::sleep(LOOK_AGAIN);
    }
    say::line("");
    Ok(Some(data))
}

/// Starts the testbed's model endpoint and gives its address, which it prints in its first line.
fn start_model(project: &Project, release: bool) -> Result<(Service, String), Error> {
    let mut command = Command::new(project.program("taskwright-testbed", release));
    command
        .args(["model", "--port", "0"])
        .current_dir(&project.root)
        .stdout(Stdio::piped());
    let mut service = Service::start("the demonstration model", command)?;
    let mut first = String::new();
    if let Some(output) = service.take_output() {
        let mut output = BufReader::new(output);
        // An unreadable line is as good as none: the check below says so.
        let _ = output.read_line(&mut first);
        // What it prints later is of no use here, but has to be read, or it would stand still.
        thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    }
    match announced_address(&first) {
        Some(address) => Ok((service, address)),
        None => {
            service.stop();
            Err(Error::ServiceEnded {
                name: "the demonstration model".into(),
                how: "did not say where it listens".into(),
                hint: "What it wrote above says why; without --demo-model all else works.".into(),
            })
        }
    }
}

/// The address in a line `listening on http://…`.
fn announced_address(line: &str) -> Option<String> {
    let address = line.trim().strip_prefix("listening on ")?;
    address.starts_with("http://").then(|| address.to_owned())
}

/// The server that runs.
struct Server {
    service: Service,
    /// Where it is, without a slash at the end.
    address: String,
    /// Where it keeps the tasks.
    data: PathBuf,
}

/// Starts the server on the first free port and waits until it answers; nothing when the operator
/// stopped it before that.
fn start_server(
    project: &Project,
    options: &Options,
    alone: bool,
    model: Option<&str>,
    stop: &AtomicBool,
) -> Result<Option<Server>, Error> {
    let ports = port::candidates(options.port, FURTHER_PORTS);
    let (first, last) = (*ports.start(), *ports.end());
    for wished in ports {
        let Some(port) = port::free(wished) else {
            say::step(
                "server",
                &format!("port {wished} is taken, trying the next"),
            );
            continue;
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let page = format!("http://{address}");
        let folder = if alone {
            project.work_folder("run")?
        } else {
            project.work_folder(&format!("run-{port}"))?
        };
        let config = folder.join("config.json");
        let data = folder.join("data");
        page_config::text(&page, model)
            .and_then(|text| fs::write(&config, text))
            .map_err(Error::file("write", &config))?;
        let command = server_command(project, options.release, port, &data, &config);
        let mut service = Service::start("the server", command)?;
        match wait_until_ready(&mut service, address, stop) {
            Start::Ready => {
                return Ok(Some(Server {
                    service,
                    address: page,
                    data,
                }));
            }
            Start::Stopped => {
                service.stop();
                return Ok(None);
            }
            // Somebody took the port after we had looked.
            Start::Ended(status) if status.code() == Some(PORT_TAKEN) => {
                say::step("server", &format!("port {port} is taken, trying the next"));
            }
            Start::Ended(status) => {
                return Err(did_not_start(&format!("ended ({})", exit_in_words(status))));
            }
            Start::Silent => {
                service.stop();
                return Err(did_not_start(&format!(
                    "does not answer at {page}/healthz within {}",
                    say::duration(START_LIMIT)
                )));
            }
        }
    }
    Err(Error::NoFreePort { first, last })
}

fn server_command(
    project: &Project,
    release: bool,
    port: u16,
    data: &Path,
    config: &Path,
) -> Command {
    let mut command = Command::new(project.program("taskwright-server", release));
    command
        .current_dir(&project.root)
        .args(["--port", &port.to_string()])
        // A line for every request would bury the address and the token.
        .args(["--log-level", "warn"])
        .arg("--static-dir")
        .arg(&project.root)
        .arg("--data-dir")
        .arg(data)
        .arg("--page-config")
        .arg(config);
    command
}

fn did_not_start(how: &str) -> Error {
    Error::ServiceEnded {
        name: "the server".into(),
        how: how.to_owned(),
        hint: "What it wrote above says why; run the command again when that is mended.".into(),
    }
}

/// How the start of the server went.
enum Start {
    Ready,
    Ended(ExitStatus),
    Silent,
    Stopped,
}

fn wait_until_ready(server: &mut Service, address: SocketAddr, stop: &AtomicBool) -> Start {
    let begun = Instant::now();
    while begun.elapsed() < START_LIMIT {
        if stop.load(Ordering::SeqCst) {
            return Start::Stopped;
        }
        if let Some((_, status)) = server.ended() {
            return Start::Ended(status);
        }
        if port::answers(address) {
            return Start::Ready;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Start::Silent
}

/// The block that says where the page is and what it asks for.
fn welcome(address: &str, model: Option<&str>) {
    let own_token = env::var("AGENT_API_TOKEN").ok().filter(|it| !it.is_empty());
    let token = match &own_token {
        None => "changeme",
        // Where the output is kept, a real token has no place in it.
        Some(tokens) if std::io::stdout().is_terminal() => {
            tokens.split(',').next().unwrap_or_default().trim()
        }
        Some(_) => "the one in AGENT_API_TOKEN",
    };
    let scripted = model.map_or_else(String::new, |model| {
        format!("\n    scripted model     {model}/v1  (no real model is called)")
    });
    say::line(&format!(
        "
    Taskwright is at   {address}/
    its task server    {address}/tasks
    agent token        {token}{scripted}
    to stop            Ctrl-C
"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_says_where_it_listens_in_its_first_line() {
        for (line, address) in [
            (
                "listening on http://127.0.0.1:4321\n",
                Some("http://127.0.0.1:4321"),
            ),
            (
                "listening on http://127.0.0.1:4321\r\n",
                Some("http://127.0.0.1:4321"),
            ),
            ("listening on port 4321", None),
            ("", None),
        ] {
            assert_eq!(announced_address(line).as_deref(), address, "{line}");
        }
    }
}
