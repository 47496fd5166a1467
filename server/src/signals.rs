//! The operating system's requests to stop, and to read the secrets again.

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

/// `SIGHUP`, the usual request to read a configuration again. Windows has nothing like it.
pub struct ReloadSignal {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl ReloadSignal {
    /// Registers for the signal immediately; without that, it would end the program. If the system
    /// refuses, the log says so.
    #[must_use]
    pub fn register() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signal = signal(SignalKind::hangup())
                .inspect_err(|error| tracing::warn!(error = %error, "SIGHUP cannot be handled"));
            Self {
                signal: signal.ok(),
            }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Completes when the signal has arrived; never if there is none.
    pub async fn received(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
