//! The `taskwright-testbed` program.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};
use serde_json::json;
use taskwright_testbed::model::ModelState;
use taskwright_testbed::plain::{PlainOptions, PlainState};
use taskwright_testbed::proxy::{Fault, Plan, PlanError, ProxyState, Upstream, UpstreamError};
use taskwright_testbed::script::{Library, LibraryError};
use taskwright_testbed::{serve_all, serve_model, serve_plain, serve_proxy};
use thiserror::Error;
use tokio::net::TcpListener;

/// Servers for tests and demonstrations.
///
/// The first line of output is `listening on http://HOST:PORT`.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Server {
    /// A scripted, OpenAI-compatible model endpoint.
    Model {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        scripts: ScriptsArguments,
    },
    /// A plain task server: takes any JSON object; no idempotency keys, look-up or schema.
    Plain {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        plain: PlainArguments,
    },
    /// The model endpoint and the plain task server at one address.
    All {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        scripts: ScriptsArguments,
        #[command(flatten)]
        plain: PlainArguments,
    },
    /// A proxy in front of a task server on this machine that injects faults into POSTs.
    ///
    /// The faults are drop_before, drop_after, delay, truncate, status_429, status_503,
    /// status_500_bare, status_503_bare and reset. `GET /_faults` reports each POST and its fault;
    /// `POST /_faults` sets another plan. The second line of output is the plan.
    Proxy {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        proxy: ProxyArguments,
    },
}

#[derive(Debug, Args)]
struct AddressArguments {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port to listen on; 0 chooses a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Debug, Args)]
struct ScriptsArguments {
    /// Directory of additional scripts (*.json); they replace built-in ones of the same name.
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PlainArguments {
    /// Agent token that the task server requires in X-AGENT-TOKEN.
    #[arg(long, default_value = "changeme")]
    token: String,
    /// Origin whose pages may call the task server, or `*` for all; can be repeated.
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allow_origins: Vec<String>,
    /// Serve the path `/tasks/`, so that `/tasks` redirects.
    #[arg(long)]
    trailing_slash: bool,
    /// Member that every task must have; can be repeated.
    #[arg(long = "require", value_name = "MEMBER")]
    required: Vec<String>,
    /// Milliseconds until the task server responds to a post, regardless of the load.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u64).range(..=600_000))]
    delay_ms: u64,
    /// Seconds for which a browser may cache a preflight of the task server.
    #[arg(long, value_name = "SECONDS", default_value_t = PlainOptions::default().preflight_max_age_s)]
    preflight_max_age_s: u32,
    /// Allow pages to send Idempotency-Key to the task server, which ignores it.
    #[arg(long)]
    allow_key: bool,
}

#[derive(Debug, Args)]
struct ProxyArguments {
    /// Task server to forward to.
    #[arg(long, value_name = "http://127.0.0.1:PORT")]
    to: String,
    /// Seed that decides which POSTs get a fault of --fault.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Fault and its share of all POSTs, from 0 to 1; can be repeated.
    #[arg(long = "fault", value_name = "FAULT=SHARE", value_parser = pair::<Fault, f64>)]
    faults: Vec<(Fault, f64)>,
    /// Number of a POST, from 1, and its fault; can be repeated.
    #[arg(long = "at", value_name = "NUMBER=FAULT", value_parser = pair::<u64, Fault>)]
    at: Vec<(u64, Fault)>,
    /// Milliseconds by which the fault delay holds a response.
    #[arg(long, value_name = "MS", default_value_t = Plan::default().delay_ms)]
    delay_ms: u64,
    /// Retry-After of the faults status_429 and status_503, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Plan::default().retry_after_s)]
    retry_after_s: u64,
}

/// Parses `LEFT=RIGHT`.
fn pair<L, R>(text: &str) -> Result<(L, R), String>
where
    L: FromStr<Err: ToString>,
    R: FromStr<Err: ToString>,
{
    let (left, right) = text
        .split_once('=')
        .ok_or("expected a = between the two values")?;
    let left = left.parse().map_err(|error: L::Err| error.to_string())?;
    let right = right.parse().map_err(|error: R::Err| error.to_string())?;
    Ok((left, right))
}

impl ScriptsArguments {
    fn state(&self) -> Result<ModelState, StartError> {
        let library = match &self.scripts {
            Some(directory) => Library::with_directory(directory)?,
            None => Library::embedded()?,
        };
        Ok(ModelState::new(library))
    }
}

impl PlainArguments {
    fn state(self) -> PlainState {
        PlainState::new(PlainOptions {
            token: self.token,
            allow_origins: self.allow_origins,
            trailing_slash: self.trailing_slash,
            required: self.required,
            response_time: Duration::from_millis(self.delay_ms),
            preflight_max_age_s: self.preflight_max_age_s,
            allows_key: self.allow_key,
        })
    }
}

impl ProxyArguments {
    fn plan(&self) -> Result<Plan, PlanError> {
        let plan = Plan {
            seed: self.seed,
            faults: self.faults.iter().copied().collect(),
            at: self.at.iter().copied().collect(),
            delay_ms: self.delay_ms,
            retry_after_s: self.retry_after_s,
        };
        plan.checked()
    }
}

/// Why the program fails.
#[derive(Debug, Error)]
enum StartError {
    #[error("{0}\n{hint}", hint = .0.hint())]
    Library(#[from] LibraryError),
    #[error("{0}\n{hint}", hint = .0.hint())]
    Upstream(#[from] UpstreamError),
    #[error("{0}\n{hint}", hint = .0.hint())]
    Plan(#[from] PlanError),
    #[error("cannot listen on {address}: {source}\nChoose another --port; 0 chooses a free one.")]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("the server stopped: {0}")]
    Serve(std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse().server).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskwright-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(server: Server) -> Result<(), StartError> {
    let serving = async {
        match server {
            Server::Model { address, scripts } => {
                let state = scripts.state()?;
                serve_model(listen(&address).await?, state).await
            }
            Server::Plain { address, plain } => {
                serve_plain(listen(&address).await?, plain.state()).await
            }
            Server::All {
                address,
                scripts,
                plain,
            } => {
                let state = scripts.state()?;
                serve_all(listen(&address).await?, state, plain.state()).await
            }
            Server::Proxy { address, proxy } => {
                let upstream = Upstream::parse(&proxy.to)?;
                let plan = proxy.plan()?;
                let listener = listen(&address).await?;
                print_line(&format!("plan {}", json!(plan)));
                serve_proxy(listener, ProxyState::new(upstream, plan)).await
            }
        }
        .map_err(StartError::Serve)
    };
    tokio::select! {
        result = serving => result,
        // If signals cannot be received, the system's default handling ends the process.
        Ok(()) = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Binds the address and prints it.
async fn listen(address: &AddressArguments) -> Result<TcpListener, StartError> {
    let requested = format!("{}:{}", address.host, address.port);
    let error = |source| StartError::Listen {
        address: requested.clone(),
        source,
    };
    let listener = TcpListener::bind(&requested).await.map_err(error)?;
    let local = listener.local_addr().map_err(error)?;
    print_line(&format!("listening on http://{local}"));
    Ok(listener)
}

/// Prints a line. The server keeps running if nobody reads it.
fn print_line(line: &str) {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
