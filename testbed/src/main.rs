//! `taskwright-testbed`: the testbed as a program.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};
use serde_json::json;
use taskwright_testbed::model::ModelWorld;
use taskwright_testbed::plain::{PlainOptions, PlainWorld};
use taskwright_testbed::proxy::{Fault, Plan, PlanError, ProxyWorld, Upstream, UpstreamError};
use taskwright_testbed::script::{Library, LibraryError};
use taskwright_testbed::{serve_all, serve_model, serve_plain, serve_proxy};
use thiserror::Error;
use tokio::net::TcpListener;

/// The outside world in miniature, for tests and demonstrations.
///
/// The first line of the output is `listening on http://HOST:PORT`.
#[derive(Debug, Parser)]
#[command(version)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// An OpenAI-compatible model endpoint whose model is a script.
    Model {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        scripts: ScriptsArguments,
    },
    /// A plain task server: any JSON object, no keys, no look-up, no schema.
    Plain {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        plain: PlainArguments,
    },
    /// Both at one address.
    All {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        scripts: ScriptsArguments,
        #[command(flatten)]
        plain: PlainArguments,
    },
    /// A proxy in front of a task server on this machine that breaks posts on purpose.
    ///
    /// The faults are drop_before, drop_after, delay, truncate, status_429, status_503,
    /// status_500_bare, status_503_bare and reset. `GET /_faults` tells what was done to which
    /// POST; `POST /_faults` takes another plan. The second line of the output is the plan.
    Proxy {
        #[command(flatten)]
        address: AddressArguments,
        #[command(flatten)]
        proxy: ProxyArguments,
    },
}

#[derive(Debug, Args)]
struct AddressArguments {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[derive(Debug, Args)]
struct ScriptsArguments {
    /// A directory of further scripts (*.json); they win over those that come along.
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PlainArguments {
    /// The token that the task server wants in X-AGENT-TOKEN.
    #[arg(long, default_value = "changeme")]
    token: String,
    /// An origin whose pages may call the task server; can be repeated, `*` is all of them.
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allow_origins: Vec<String>,
    /// Declares the path as `/tasks/`, so that `/tasks` redirects.
    #[arg(long)]
    trailing_slash: bool,
    /// A member that every task must have; can be repeated.
    #[arg(long = "require", value_name = "MEMBER")]
    required: Vec<String>,
    /// Milliseconds after which the task server answers a post, however many there are.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = value_parser!(u64).range(..=600_000))]
    delay_ms: u64,
    /// Seconds for which a browser may remember a preflight of the task server.
    #[arg(long, value_name = "SECONDS", default_value_t = PlainOptions::default().preflight_max_age_s)]
    preflight_max_age_s: u32,
    /// Lets pages send Idempotency-Key to the task server, which does not look at it.
    #[arg(long)]
    allow_key: bool,
}

#[derive(Debug, Args)]
struct ProxyArguments {
    /// The task server to stand in front of.
    #[arg(long, value_name = "http://127.0.0.1:PORT")]
    to: String,
    /// What the shares of --fault are drawn by; the same one draws the same.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A fault and its share of all POSTs, from 0 to 1; can be repeated.
    #[arg(long = "fault", value_name = "FAULT=SHARE", value_parser = pair::<Fault, f64>)]
    faults: Vec<(Fault, f64)>,
    /// The number of a POST, from 1, and its fault; can be repeated.
    #[arg(long = "at", value_name = "NUMBER=FAULT", value_parser = pair::<u64, Fault>)]
    at: Vec<(u64, Fault)>,
    /// Milliseconds that the fault delay holds an answer.
    #[arg(long, value_name = "MS", default_value_t = Plan::default().delay_ms)]
    delay_ms: u64,
    /// Seconds in the Retry-After of the faults status_429 and status_503.
    #[arg(long, value_name = "SECONDS", default_value_t = Plan::default().retry_after_s)]
    retry_after_s: u64,
}

/// Reads `LEFT=RIGHT`.
fn pair<L, R>(text: &str) -> Result<(L, R), String>
where
    L: FromStr<Err: ToString>,
    R: FromStr<Err: ToString>,
{
    let (left, right) = text
        .split_once('=')
        .ok_or("there has to be a = between the two")?;
    let left = left.parse().map_err(|error: L::Err| error.to_string())?;
    let right = right.parse().map_err(|error: R::Err| error.to_string())?;
    Ok((left, right))
}

impl ScriptsArguments {
    fn world(&self) -> Result<ModelWorld, StartError> {
        let library = match &self.scripts {
            Some(directory) => Library::with_directory(directory)?,
            None => Library::embedded()?,
        };
        Ok(ModelWorld::new(library))
    }
}

impl PlainArguments {
    fn world(self) -> PlainWorld {
        PlainWorld::new(PlainOptions {
            token: self.token,
            allow_origins: self.allow_origins,
            trailing_slash: self.trailing_slash,
            required: self.required,
            answer_time: Duration::from_millis(self.delay_ms),
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

/// Why the testbed does not run.
#[derive(Debug, Error)]
enum StartError {
    #[error("{0}\n{hint}", hint = .0.hint())]
    Library(#[from] LibraryError),
    #[error("{0}\n{hint}", hint = .0.hint())]
    Upstream(#[from] UpstreamError),
    #[error("{0}\n{hint}", hint = .0.hint())]
    Plan(#[from] PlanError),
    #[error(
        "cannot listen on {address}: {source}\nChoose another --port; 0 takes one that is free."
    )]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("the server stopped: {0}")]
    Serve(std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Command::parse().what).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("taskwright-testbed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(what: What) -> Result<(), StartError> {
    let serving = async {
        match what {
            What::Model { address, scripts } => {
                let world = scripts.world()?;
                serve_model(listen(&address).await?, world).await
            }
            What::Plain { address, plain } => {
                serve_plain(listen(&address).await?, plain.world()).await
            }
            What::All {
                address,
                scripts,
                plain,
            } => {
                let world = scripts.world()?;
                serve_all(listen(&address).await?, world, plain.world()).await
            }
            What::Proxy { address, proxy } => {
                let upstream = Upstream::parse(&proxy.to)?;
                let plan = proxy.plan()?;
                let listener = listen(&address).await?;
                say(&format!("plan {}", json!(plan)));
                serve_proxy(listener, ProxyWorld::new(upstream, plan)).await
            }
        }
        .map_err(StartError::Serve)
    };
    tokio::select! {
        result = serving => result,
        // Where signals cannot be listened to, the system's own way of ending a process is left.
        Ok(()) = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Listens, and says where.
async fn listen(address: &AddressArguments) -> Result<TcpListener, StartError> {
    let wanted = format!("{}:{}", address.host, address.port);
    let error = |source| StartError::Listen {
        address: wanted.clone(),
        source,
    };
    let listener = TcpListener::bind(&wanted).await.map_err(error)?;
    let local = listener.local_addr().map_err(error)?;
    say(&format!("listening on http://{local}"));
    Ok(listener)
}

/// Writes a line of output. A harness that has stopped reading still gets a server.
fn say(line: &str) {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
