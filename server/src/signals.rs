//! The operating system's requests to stop.

use std::future::Future;
use std::io;

/// Registers for SIGINT (Ctrl-C) and SIGTERM immediately. The returned future completes on the first
/// of them.
///
/// # Errors
/// The system's error if a signal handler cannot be registered.
#[cfg(unix)]
pub fn stop_requested() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Registers for Ctrl-C, Ctrl-Break and the closing of the console window immediately. The returned
/// future completes on the first of them.
///
/// # Errors
/// The system's error if an event handler cannot be registered.
#[cfg(windows)]
pub fn stop_requested() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (mut interrupt, mut terminate, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = close.recv() => {}
        }
    })
}
