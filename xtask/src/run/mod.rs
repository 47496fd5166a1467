//! `cargo xtask run`: builds and serves the page and a task server on this machine.

mod page_config;
mod port;

use std::env;
use std::fs;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::module::{self, Profile};
use crate::process;
use crate::project::{self, Project};
use crate::say;
use crate::service::{self, Service};

/// Number of ports to try after the preferred one.
const FURTHER_PORTS: u16 = 20;
/// The server's exit code if its port is taken.
const PORT_TAKEN: i32 = 98;
/// Longest time until the server must respond.
const START_LIMIT: Duration = Duration::from_secs(20);
/// The server's name in messages.
const NAME: &str = "the server";
/// Time between checks of the running programs.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Options of the command.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The preferred port; if it is taken, the next free one is used. 0 means any port
    #[arg(long, default_value_t = 8080, value_name = "N")]
    port: u16,
    /// Use release builds: slower to compile, faster to run
    #[arg(long)]
    release: bool,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
    /// Also start a scripted model endpoint, so that a live run needs no account
    #[arg(long)]
    demo_model: bool,
}

/// Builds what has changed and starts the task server, which also serves the page, until Ctrl-C.
///
/// # Errors
/// When something cannot be installed, built or started, or one of the started programs ends.
pub fn run(project: &Project, options: &Options) -> Result<(), Error> {
    module::build(project, Profile::release_if(options.release))?;
    build_programs(project, options)?;

    // Before this, Ctrl-C ends this program and the compilers immediately, as it should.
    let stop = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler({
        let stop = Arc::clone(&stop);
        move || stop.store(true, Ordering::SeqCst)
    })?;

    let folder = project.work_folder("run")?;
    // Only one command at a time stores tasks in this folder; a second one gets its own.
    let lock = project::try_lock(&folder.join("lock"))?;
    let mut services = Vec::new();
    let ended = start_and_watch(project, options, lock.is_some(), &stop, &mut services);
    // In reverse order: the server first, then the model that its page uses.
    for service in services.iter_mut().rev() {
        service.stop();
    }
    if let Ok(Some(data)) = &ended {
        say::step(
            "stopped",
            &format!("the tasks are stored in {}", data.display()),
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
        process::SEE_COMPILER_OUTPUT,
    )
}

/// Starts the programs and waits until `stop` is set or one of them ends. Returns the folder of the
/// tasks, or `None` if stopped before the server was ready. `is_alone` says whether no other
/// command uses the usual folder.
fn start_and_watch(
    project: &Project,
    options: &Options,
    is_alone: bool,
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
    let Some(server) = start_server(project, options, is_alone, model.as_deref(), stop)? else {
        return Ok(None);
    };
    let Server {
        service,
        address,
        data,
    } = server;
    services.push(service);
    welcome(&address, model.as_deref());
    if options.open && opener::open_browser(&address).is_err() {
        say::step("open", "could not open a browser; the address is above");
    }
    while !stop.load(Ordering::SeqCst) {
        if let Some((name, status)) = services.iter_mut().find_map(Service::ended) {
            return Err(service::exited(&name, status));
        }
        thread::sleep(POLL_INTERVAL);
    }
    say::line("");
    Ok(Some(data))
}

/// Starts the testbed's model endpoint and returns its address.
fn start_model(project: &Project, release: bool) -> Result<(Service, String), Error> {
    let mut command = Command::new(project.program("taskwright-testbed", release));
    command
        .args(["model", "--port", "0"])
        .current_dir(&project.root);
    let (service, address) = Service::start_listening("the demonstration model", command)?;
    Ok((service, format!("http://{address}")))
}

/// A running server.
struct Server {
    service: Service,
    /// Its address, without a trailing slash.
    address: String,
    /// The folder of its tasks.
    data: PathBuf,
}

/// Starts the server on the first free port and waits until it is ready. Returns `None` if `stop`
/// is set before that.
fn start_server(
    project: &Project,
    options: &Options,
    is_alone: bool,
    model: Option<&str>,
    stop: &AtomicBool,
) -> Result<Option<Server>, Error> {
    let ports = port::candidates(options.port, FURTHER_PORTS);
    let (first, last) = (*ports.start(), *ports.end());
    for preferred in ports {
        let Some(port) = port::free(preferred) else {
            say::step(
                "server",
                &format!("port {preferred} is taken, trying the next"),
            );
            continue;
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let page = format!("http://{address}");
        let folder = if is_alone {
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
        let mut service = Service::start(NAME, command)?;
        match wait_until_ready(&mut service, address, stop) {
            Start::Ready => {
                return Ok(Some(Server {
                    service,
                    address: page,
                    data,
                }));
            }
            Start::Stopped => return Ok(None),
            // Another program took the port after we checked it.
            Start::Exited(status) if status.code() == Some(PORT_TAKEN) => {
                say::step("server", &format!("port {port} is taken, trying the next"));
            }
            Start::Exited(status) => {
                return Err(service::exited(NAME, status));
            }
            Start::TimedOut => {
                return Err(service::failed(
                    NAME,
                    &format!(
                        "no response from {page}/healthz within {}",
                        say::duration(START_LIMIT)
                    ),
                ));
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
        // A line per request would bury the address and the token.
        .args(["--log-level", "warn"])
        .arg("--static-dir")
        .arg(&project.root)
        .arg("--data-dir")
        .arg(data)
        .arg("--page-config")
        .arg(config);
    command
}

/// How the start of the server ended.
enum Start {
    Ready,
    Exited(ExitStatus),
    TimedOut,
    Stopped,
}

fn wait_until_ready(server: &mut Service, address: SocketAddr, stop: &AtomicBool) -> Start {
    let begun = Instant::now();
    while begun.elapsed() < START_LIMIT {
        if stop.load(Ordering::SeqCst) {
            return Start::Stopped;
        }
        if let Some((_, status)) = server.ended() {
            return Start::Exited(status);
        }
        if port::is_healthy(address) {
            return Start::Ready;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Start::TimedOut
}

/// Prints the address of the page, the task server and the agent token.
fn welcome(address: &str, model: Option<&str>) {
    let own_token = env::var("AGENT_API_TOKEN").ok();
    let token = match &own_token {
        None => "changeme",
        // A real token must not end up in a log file.
        Some(tokens) if std::io::stdout().is_terminal() => {
            tokens.split(',').next().unwrap_or_default().trim()
        }
        Some(_) => "the one in AGENT_API_TOKEN",
    };
    let scripted = model.map_or_else(String::new, |model| {
        format!("\n    scripted model     {model}/v1  (calls no real model)")
    });
    say::line(&format!(
        "
    Taskwright is at   {address}/
    task server        {address}/tasks
    agent token        {token}{scripted}
    to stop            Ctrl-C
"
    ));
}
