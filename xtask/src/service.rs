//! A program that runs beside this one until it is stopped.

use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::process;

/// How long a program may take to stop once asked, before it is ended by force: longer than the
/// server gives its open requests.
const PATIENCE: Duration = Duration::from_secs(12);

/// A running program. It is stopped at the latest when the value is dropped.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    child: Child,
}

impl Service {
    /// Starts a program without any input.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`].
    pub fn start(name: &'static str, mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::null());
        // In a group of its own it does not get the terminal's Ctrl-C as well: it is asked once,
        // by us, and in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(process::missing(
            &command,
            "It was built just now; check that nothing removes files from the target folder.",
        ))?;
        Ok(Self { name, child })
    }

    /// Its standard output, once, when it was asked for with [`Stdio::piped`].
    pub fn take_output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its name and how it ended, when it has.
    pub fn ended(&mut self) -> Option<(String, ExitStatus)> {
        let status = self.child.try_wait().ok().flatten()?;
        Some((self.name.to_owned(), status))
    }

    /// Asks it to stop, waits, and ends it by force when it takes too long.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.ask_to_stop();
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if self.ended().is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Both fail only when it has ended meanwhile.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    fn ask_to_stop(&self) {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        if let Ok(id) = i32::try_from(self.child.id()) {
            // Fails only when it has ended meanwhile.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    }

    /// On Windows every program of the console has had the Ctrl-C already.
    #[cfg(not(unix))]
    fn ask_to_stop(&self) {}
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sleeper(seconds: &str) -> Command {
        let mut command = Command::new("sleep");
        command.arg(seconds);
        command
    }

    #[test]
    fn a_program_is_asked_to_stop_and_does() {
        let mut service = Service::start("a sleeper", sleeper("600")).unwrap();
        assert_eq!(service.ended(), None);
        let asked = Instant::now();
        service.stop();
        assert!(asked.elapsed() < PATIENCE);
        let (name, status) = service.ended().unwrap();
        assert_eq!(name, "a sleeper");
        assert!(process::exit_in_words(status).contains("signal"));
    }

    #[test]
    fn a_program_that_ends_by_itself_is_noticed() {
        let mut service = Service::start("a sleeper", sleeper("0")).unwrap();
        let begun = Instant::now();
        while service.ended().is_none() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(
            service
                .ended()
                .map(|(_, status)| process::exit_in_words(status)),
            Some("exit code 0".into())
        );
    }
}
