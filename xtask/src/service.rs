//! A program that runs alongside this one until it is stopped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::process;

/// Longest time that a program may take to stop before it is killed; longer than the server gives
/// its open requests.
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// A running program. It is stopped when the value is dropped, if not before.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
}

impl Service {
    /// Starts a program without any input. Messages call it `name`.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`].
    pub fn start(name: &str, mut command: Command) -> Result<Self, Error> {
        command.stdin(Stdio::null());
        // In its own process group it does not receive the terminal's Ctrl-C: we stop it ourselves,
        // once and in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(process::missing(
            &command,
            "It was just built; check that nothing removes files from the target folder.",
        ))?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    /// Starts a program whose first line of output ends in `listening on http://IP:PORT`,
    /// optionally followed by a comma and more, and returns that address too. The rest of its
    /// standard output is discarded.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`], and [`Error::Failed`] when the first line has no address.
    pub fn start_listening(name: &str, mut command: Command) -> Result<(Self, SocketAddr), Error> {
        command.stdout(Stdio::piped());
        let mut service = Self::start(name, command)?;
        let mut line = String::new();
        if let Some(output) = service.child.stdout.take() {
            let mut output = BufReader::new(output);
            // An unreadable line has no address, which is reported below.
            let _ = output.read_line(&mut line);
            // A full pipe would block the program.
            thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        }
        let address =
            announced_address(&line).ok_or_else(|| failed(name, "it did not print its address"))?;
        Ok((service, address))
    }

    /// The program's name and exit status, once it has ended.
    pub fn ended(&mut self) -> Option<(String, ExitStatus)> {
        let status = self.child.try_wait().ok().flatten()?;
        Some((self.name.clone(), status))
    }

    /// Asks the program to stop, waits, and kills it when it takes too long.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.ask_to_stop();
        let asked = Instant::now();
        while asked.elapsed() < STOP_LIMIT {
            if self.ended().is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // Both fail only if it has ended in the meantime.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    #[cfg(unix)]
    fn ask_to_stop(&self) {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        if let Ok(id) = i32::try_from(self.child.id()) {
            // Fails only if it has ended in the meantime.
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
    }

    /// On Windows every program of the console has already received the Ctrl-C.
    #[cfg(not(unix))]
    fn ask_to_stop(&self) {}
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The error of a program that never became ready.
pub fn failed(name: &str, reason: &str) -> Error {
    Error::Failed {
        what: name.to_owned(),
        reason: reason.to_owned(),
        hint: "Its output above may say why; correct that and run the command again.".into(),
    }
}

/// The error of a program that should have kept running.
pub fn exited(name: &str, status: ExitStatus) -> Error {
    failed(
        name,
        &format!("it exited ({})", process::describe_exit(status)),
    )
}

fn announced_address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    rest.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_first_line_of_output() {
        let address = SocketAddr::from(([127, 0, 0, 1], 4321));
        for (line, expected) in [
            ("listening on http://127.0.0.1:4321\n", Some(address)),
            ("listening on http://127.0.0.1:4321\r\n", Some(address)),
            (
                "taskwright-server listening on http://127.0.0.1:4321, token: changeme\n",
                Some(address),
            ),
            ("listening on port 4321", None),
            ("", None),
        ] {
            assert_eq!(announced_address(line), expected, "{line}");
        }
    }

    #[cfg(unix)]
    fn sleeper(seconds: &str) -> Service {
        let mut command = process::command("sleep");
        command.arg(seconds);
        Service::start("a sleeper", command).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_is_asked_to_stop_ends_by_a_signal() {
        let mut service = sleeper("600");
        assert_eq!(service.ended(), None);
        let asked = Instant::now();
        service.stop();
        assert!(asked.elapsed() < STOP_LIMIT);
        let (name, status) = service.ended().unwrap();
        assert_eq!(name, "a sleeper");
        assert!(process::describe_exit(status).contains("signal"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_exits_is_noticed() {
        let mut service = sleeper("0");
        let begun = Instant::now();
        while service.ended().is_none() && begun.elapsed() < STOP_LIMIT {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(
            service
                .ended()
                .map(|(_, status)| process::describe_exit(status)),
            Some("exit code 0".into())
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_prints_no_address_is_stopped() {
        let mut command = process::command("echo");
        command.arg("hello");
        let error = Service::start_listening("an echo", command).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an echo failed: it did not print its address"
        );
    }
}
