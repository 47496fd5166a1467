//! The server as a command-line program: options, environment, logging and exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::environment::Environment;
use crate::options::Options;
use crate::server::{OpenStore, Server};
use crate::signals;
use crate::start_error::EXIT_FAILURE;

/// Runs the program and returns its exit code.
#[must_use]
pub fn main(open_store: OpenStore) -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_max_level(options.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
    // Only the location is logged: the message of a panic may quote request data.
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location = location.as_deref().unwrap_or("unknown"), "panic");
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(run(&options, open_store));
            // Dropping the runtime would wait for checks and reads that nobody waits for any more.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            eprintln!("taskwright-server: {error}");
            ExitCode::from(EXIT_FAILURE)
        }
    }
}

async fn run(options: &Options, open_store: OpenStore) -> ExitCode {
    // Before the announcement, because its reader may send a signal right away.
    let stop = match signals::stop_requested() {
        Ok(stop) => stop,
        Err(error) => {
            eprintln!("taskwright-server: {error}");
            return ExitCode::from(EXIT_FAILURE);
        }
    };
    let environment = Environment::of(|name| std::env::var_os(name));
    match Server::bind(options, &environment, open_store).await {
        Ok(server) => {
            // Standard output may be closed; that does not keep the server from serving.
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
