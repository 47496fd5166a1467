//! A disk of its own for a test, small enough to be filled.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A file system in memory that only the processes started in it can see. It is gone with this
/// value, and also when the test's own process is killed.
pub struct SmallDisk {
    folder: TempDir,
    /// Keeps the file system until its standard input is closed.
    keeper: Child,
    /// Whether it has a user name space of its own.
    own_users: bool,
}

impl SmallDisk {
    /// Mounts a disk of so many kibibytes; nothing where the system does not let us, which is said
    /// on standard error past the test runner, because a test that is skipped must not look as if
    /// it had run.
    pub fn mount(kibibytes: u32) -> Option<Self> {
        // Whoever may not mount can often do so where their users are their own.
        let mounted = [false, true]
            .into_iter()
            .find_map(|own_users| Self::try_mount(kibibytes, own_users));
        if mounted.is_none() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: this system lets nobody but root mount a small disk \
                 (`unshare --user --map-root-user --mount`)"
            );
        }
        mounted
    }

    fn try_mount(kibibytes: u32, own_users: bool) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        if own_users {
            command.args(["--user", "--map-root-user"]);
        }
        let mut keeper = command
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
        let mut output = BufReader::new(keeper.stdout.take()?);
        let mounted = output.read_line(&mut line).is_ok() && line == "mounted\n";
        let disk = Self {
            folder,
            keeper,
            own_users,
        };
        mounted.then_some(disk)
    }

    /// Where the disk is, for the processes that are started in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command line that starts a program that sees the disk.
    pub fn launcher(&self) -> Vec<String> {
        let mut line = vec!["nsenter".to_owned(), "--mount".to_owned()];
        if self.own_users {
            line.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        line.extend(["--target".to_owned(), self.keeper.id().to_string()]);
        line
    }

    /// Makes the disk larger or smaller.
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
        // It may have ended by itself.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
