//! A disk for one test, small enough to fill.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A file system in memory, visible only to processes started in its mount name space. It disappears
/// on drop, and also when the test process is killed.
pub struct SmallDisk {
    folder: TempDir,
    /// The process that keeps the name space alive until its standard input is closed.
    holder: Child,
    /// Whether it also has its own user name space.
    user_namespace: bool,
}

impl SmallDisk {
    /// Mounts a disk of this size. Returns `None` if the system does not allow it, with a message on
    /// the real standard error: the test runner would hide it, and a skipped test must not look as if
    /// it had run.
    pub fn mount(kibibytes: u32) -> Option<Self> {
        // An unprivileged user can often mount in a new user name space.
        let mounted = [false, true]
            .into_iter()
            .find_map(|user_namespace| Self::try_mount(kibibytes, user_namespace));
        if mounted.is_none() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: this system allows only root to mount a small disk \
                 (`unshare --user --map-root-user --mount`)"
            );
        }
        mounted
    }

    fn try_mount(kibibytes: u32, user_namespace: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        if user_namespace {
            command.args(["--user", "--map-root-user"]);
        }
        let mut holder = command
            .args(["--mount", "sh", "-c"])
            .arg(format!(
                "mount -t tmpfs -o size={kibibytes}k tmpfs \"$0\" && echo mounted && exec cat"
            ))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.take()?);
        let mounted = output.read_line(&mut line).is_ok() && line == "mounted\n";
        let disk = Self {
            folder,
            holder,
            user_namespace,
        };
        mounted.then_some(disk)
    }

    /// The mount point, as processes in the name space see it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command line that starts a program in the name space.
    pub fn launcher(&self) -> Vec<String> {
        let mut line = vec!["nsenter".to_owned(), "--mount".to_owned()];
        if self.user_namespace {
            line.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        line.extend(["--target".to_owned(), self.holder.id().to_string()]);
        line
    }

    /// Changes the size of the disk.
    pub fn resize(&self, kibibytes: u32) {
        let launcher = self.launcher();
        let status = Command::new(&launcher[0])
            .args(&launcher[1..])
            .args(["mount", "-o", &format!("remount,size={kibibytes}k")])
            .arg(self.folder())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
