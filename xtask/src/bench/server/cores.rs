//! Two cores for the server, even on a machine with more.

use std::net::SocketAddr;
use std::process::Command;

use crate::error::Error;
use crate::service::Service;

/// Starts the server with two worker threads and, on Linux, on two cores; waits until it listens.
///
/// # Errors
/// As [`Service::start_listening`].
pub fn start_on_two(name: &str, mut command: Command) -> Result<(Service, SocketAddr), Error> {
    command.env("TOKIO_WORKER_THREADS", "2");
    on_two_cores(|| Service::start_listening(name, command))
}

/// Calls `act` on two of the cores that this thread may use; programs that it starts stay there.
#[cfg(target_os = "linux")]
fn on_two_cores<T>(act: impl FnOnce() -> T) -> T {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;

    let this_thread = Pid::from_raw(0);
    let Ok(all) = sched_getaffinity(this_thread) else {
        return act();
    };
    let mut two = CpuSet::new();
    let allowed = (0..CpuSet::count()).filter(|core| all.is_set(*core) == Ok(true));
    for core in allowed.take(2) {
        // Cannot fail: the number comes from a set of the same size.
        let _ = two.set(core);
    }
    let is_bound = sched_setaffinity(this_thread, &two).is_ok();
    let result = act();
    if is_bound {
        // Setting what was set before cannot fail.
        let _ = sched_setaffinity(this_thread, &all);
    }
    result
}

/// On other platforms the number of worker threads is the only limit.
#[cfg(not(target_os = "linux"))]
fn on_two_cores<T>(act: impl FnOnce() -> T) -> T {
    act()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;

    fn cores() -> Option<usize> {
        let set = sched_getaffinity(Pid::from_raw(0)).ok()?;
        Some(
            (0..CpuSet::count())
                .filter(|core| set.is_set(*core) == Ok(true))
                .count(),
        )
    }

    #[test]
    fn at_most_two_cores_are_used_and_all_of_them_afterwards() {
        let before = cores();
        assert_eq!(on_two_cores(cores).unwrap(), before.unwrap().min(2));
        assert_eq!(cores(), before);
    }
}
