//! Two cores for the server, also on a machine that has more.

use std::process::Command;

use crate::error::Error;
use crate::service::Service;

/// Starts the server so that it serves with two threads and, where the system allows it to be
/// said (Linux), on two cores.
///
/// # Errors
/// [`Error::ProgramMissing`].
pub fn start_on_two(mut command: Command) -> Result<Service, Error> {
    command.env("TOKIO_WORKER_THREADS", "2");
    bound_to_two(|| Service::start("the server", command))
}

/// Does something on two of the cores this thread may use; what it starts stays there.
#[cfg(target_os = "linux")]
fn bound_to_two<T>(act: impl FnOnce() -> T) -> T {
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;

    let this_thread = Pid::from_raw(0);
    let Ok(all) = sched_getaffinity(this_thread) else {
        return act();
    };
    let mut two = CpuSet::new();
    let allowed = (0..CpuSet::count()).filter(|core| all.is_set(*core) == Ok(true));
    for core in allowed.take(2) {
        // The number comes from a set of the same size.
        let _ = two.set(core);
    }
    let bound = sched_setaffinity(this_thread, &two).is_ok();
    let result = act();
    if bound {
        // What was allowed before is allowed again.
        let _ = sched_setaffinity(this_thread, &all);
    }
    result
}

/// Elsewhere the two threads have to do.
#[cfg(not(target_os = "linux"))]
fn bound_to_two<T>(act: impl FnOnce() -> T) -> T {
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
        assert_eq!(bound_to_two(cores).unwrap(), before.unwrap().min(2));
        assert_eq!(cores(), before);
    }
}
