//! Where the project stands, and what its files say about it.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;
use crate::lock_file::locked_version;
use crate::{process, say};

/// The checkout that the commands work on.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `Cargo.toml`, `index.html` and `pkg/`.
    pub root: PathBuf,
    /// Where cargo puts what it builds, as cargo says it (environment and configuration included).
    pub target: PathBuf,
    /// The version of the root package.
    pub version: String,
    /// The version of `wasm-bindgen` in `Cargo.lock`; the command-line tool must be the same one,
    /// because the two agree on a private format.
    pub wasm_bindgen: String,
}

impl Project {
    /// Finds the checkout that this program was built from.
    ///
    /// # Errors
    /// When `cargo metadata` fails, or `Cargo.lock` cannot be read.
    pub fn find() -> Result<Self, Error> {
        let member = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = member
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or(member.clone());
        let text = process::capture(
            process::cargo(&root).args(["metadata", "--no-deps", "--format-version", "1"]),
            "`cargo metadata`",
            process::READ_THE_COMPILER,
        )?;
        let target = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|metadata| Some(PathBuf::from(metadata.get("target_directory")?.as_str()?)))
            .ok_or_else(|| Error::Unexpected {
                what: "the answer of `cargo metadata`".into(),
                reason: "it names no target_directory".into(),
            })?;
        let path = root.join("Cargo.lock");
        let lock_file = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        Ok(Self {
            version: locked_version(&lock_file, "taskwright")?,
            wasm_bindgen: locked_version(&lock_file, "wasm-bindgen")?,
            root,
            target,
        })
    }

    /// A folder of the commands' own inside the target folder; made when it is not there.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be made.
    pub fn work_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.target.join(name);
        fs::create_dir_all(&folder).map_err(Error::file("make", &folder))?;
        Ok(folder)
    }

    /// Keeps other project commands on this checkout from the same `work` while the value that is
    /// given lives; waits for one that is at it.
    ///
    /// # Errors
    /// [`Error::File`] when the lock file cannot be made or locked.
    pub fn lock(&self, work: &str) -> Result<File, Error> {
        lock(
            &self.work_folder("xtask")?.join(format!("{work}.lock")),
            "another command is at the same work in this checkout; waiting for it",
        )
    }

    /// The path of a built program of the workspace.
    pub fn program(&self, name: &str, release: bool) -> PathBuf {
        self.target
            .join(if release { "release" } else { "debug" })
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }
}

/// Locks a file, made when it is not there, unless another program has locked it: then nothing is
/// given.
///
/// # Errors
/// [`Error::File`].
pub fn try_lock(path: &Path) -> Result<Option<File>, Error> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(Error::file("lock", path)(source)),
    }
}

/// Locks a file, made when it is not there, until the value that is given is dropped; says
/// `while_waiting` once where it has to wait.
///
/// # Errors
/// [`Error::File`].
pub fn lock(path: &Path, while_waiting: &str) -> Result<File, Error> {
    if let Some(file) = try_lock(path)? {
        return Ok(file);
    }
    say::step("waiting", while_waiting);
    let file = open_lock(path)?;
    file.lock().map_err(Error::file("lock", path))?;
    Ok(file)
}

fn open_lock(path: &Path) -> Result<File, Error> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::file("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_the_folder_that_holds_the_workspace() {
        let project = Project::find().unwrap();
        let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
        assert!(manifest.contains(&format!("version = \"{}\"", project.version)));
    }

    #[test]
    fn the_manifest_pins_exactly_the_wasm_bindgen_that_is_locked() {
        let project = Project::find().unwrap();
        let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
        let pin = format!("\"={}\"", project.wasm_bindgen);
        assert!(
            manifest
                .lines()
                .any(|line| line.starts_with("wasm-bindgen =") && line.contains(&pin)),
            "Cargo.toml must say wasm-bindgen = {pin}: wasm-pack compiles a tool of its own \
             otherwise"
        );
    }

    #[test]
    fn a_second_lock_waits_until_the_first_is_dropped() {
        let folder = env::temp_dir().join(format!("taskwright-lock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lock");
        let first = lock(&path, "").unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        let waiting = std::thread::spawn({
            let path = path.clone();
            move || lock(&path, "").map(|_| std::time::Instant::now())
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        let freed = std::time::Instant::now();
        drop(first);
        assert!(waiting.join().unwrap().unwrap() >= freed);
        fs::remove_dir_all(&folder).unwrap();
    }
}
