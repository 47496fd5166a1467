//! The server as a program: its command line, its environment, its log and its end.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::options::Options;
use crate::server::{OpenStore, Server};
use crate::signals;
use crate::start_error::EXIT_FAILURE;

/// The environment variable with the accepted tokens. Read here rather than by clap, whose help
/// would print its value.
const TOKEN_VARIABLE: &str = "AGENT_API_TOKEN";

/// Runs the program to its end.
#[must_use]
pub fn main(open_store: OpenStore) -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_max_level(options.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
    // A panic's own message can quote what was being read: only its place is logged.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place = place.as_deref().unwrap_or("unknown"),
            "the server has a defect"
        );
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(&options, open_store)),
        Err(error) => {
            eprintln!("taskwright-server: {error}");
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

async fn run(options: &Options, open_store: OpenStore) -> ExitCode {
    // Before the announcement: whoever reads it may ask the server to stop the next moment.
    let stop = match signals::asked_to_stop() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("taskwright-server: {error}");
            return ExitCode::from(EXIT_FAILURE);
        }
    };
    let tokens = std::env::var_os(TOKEN_VARIABLE).map(|value| value.to_string_lossy().into_owned());
    match Server::bind(options, tokens.as_deref(), open_store).await {
        Ok(server) => {
            // Standard output may be closed; the server serves all the same.
            let _ = writeln!(std::io::stdout().lock(), "{}", server.announcement());
            server.run(stop).await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("taskwright-server: {error}. {}", error.hint());
            ExitCode::from(error.exit_code())
        }
    }
}
