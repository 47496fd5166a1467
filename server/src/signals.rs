//! How the operating system asks a program to stop.

use std::future::Future;
use std::io;

/// Starts to listen for the requests at once; the future completes with the first of them: SIGINT
/// (Ctrl-C) and SIGTERM.
///
/// # Errors
/// What the system says when a signal cannot be listened for.
#[cfg(unix)]
pub fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
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

/// Starts to listen for the requests at once; the future completes with the first of them: Ctrl-C,
/// Ctrl-Break, and the console's window being closed.
///
/// # Errors
/// What the system says when an event cannot be listened for.
#[cfg(windows)]
pub fn asked_to_stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (mut interrupt, mut stop, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
        }
    })
}
