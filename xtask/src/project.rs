//! The checkout, its target folder and its locks.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::{process, say};

/// The package in the root folder of the checkout.
const ROOT_PACKAGE: &str = "taskwright";

/// The parts of the output of `cargo metadata` that are used.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// The version requirement, as in `Cargo.toml`.
    req: String,
}

/// The checkout that the commands work on.
#[derive(Debug)]
pub struct Project {
    /// The folder that holds `Cargo.toml`, `index.html` and `pkg/`.
    pub root: PathBuf,
    /// Cargo's target folder, with the environment and the configuration applied.
    pub target: PathBuf,
    /// The version of the root package.
    pub version: String,
    /// The version of `wasm-bindgen` that the root package pins; the command-line tool must have
    /// the same one, because the two share a private format.
    pub wasm_bindgen: String,
}

impl Project {
    /// Finds the checkout that this program was built from.
    ///
    /// # Errors
    /// When `cargo metadata` fails, or the root package does not pin `wasm-bindgen`.
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
            process::SEE_COMPILER_OUTPUT,
        )?;
        Self::from_metadata(root, &text).map_err(|reason| Error::Unexpected {
            what: "the output of `cargo metadata`".into(),
            reason,
        })
    }

    fn from_metadata(root: PathBuf, text: &str) -> Result<Self, String> {
        let metadata: Metadata = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let package = metadata
            .packages
            .into_iter()
            .find(|package| package.name == ROOT_PACKAGE)
            .ok_or_else(|| format!("it has no package `{ROOT_PACKAGE}`"))?;
        let wasm_bindgen = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.name == "wasm-bindgen")
            .find_map(|dependency| dependency.req.strip_prefix('='))
            .ok_or("Cargo.toml must pin one exact version of wasm-bindgen, as in \"=0.2.100\"")?;
        Ok(Self {
            wasm_bindgen: wasm_bindgen.to_owned(),
            version: package.version,
            target: metadata.target_directory,
            root,
        })
    }

    /// A folder for the commands' own files inside the target folder, created if it is missing.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be created.
    pub fn work_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.target.join(name);
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        Ok(folder)
    }

    /// Waits until no other project command does the same `work` in this checkout, and keeps
    /// others from it until the returned value is dropped.
    ///
    /// # Errors
    /// [`Error::File`] when the lock file cannot be created or locked.
    pub fn lock(&self, work: &str) -> Result<File, Error> {
        lock(
            &self.work_folder("xtask")?.join(format!("{work}.lock")),
            "another command is doing this in the same checkout",
        )
    }

    /// The path of a compiled program of the workspace.
    pub fn program(&self, name: &str, release: bool) -> PathBuf {
        self.target
            .join(if release { "release" } else { "debug" })
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }
}

/// Locks a file, created if it is missing, until the returned value is dropped; returns `None` if
/// another program holds the lock.
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

/// Locks a file, created if it is missing, until the returned value is dropped. If another program
/// holds the lock, prints `while_waiting` and waits.
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
    fn the_checkout_is_the_folder_of_the_workspace() {
        let project = Project::find().unwrap();
        let manifest = fs::read_to_string(project.root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
        assert!(manifest.contains(&format!("version = \"{}\"", project.version)));
    }

    #[test]
    fn wasm_bindgen_must_be_pinned_to_one_exact_version() {
        let metadata = |package: &str, req: &str| {
            let text = format!(
                r#"{{"packages":[{{"name":"{package}","version":"1.2.3","dependencies":
                [{{"name":"serde","req":"=9"}},{{"name":"wasm-bindgen","req":"{req}"}}]}}],
                "target_directory":"/t"}}"#
            );
            Project::from_metadata("/r".into(), &text)
        };
        let project = metadata("taskwright", "=0.2.100").unwrap();
        assert_eq!(project.version, "1.2.3");
        assert_eq!(project.wasm_bindgen, "0.2.100");
        assert!(
            metadata("taskwright", "^0.2.100")
                .unwrap_err()
                .contains("pin")
        );
        assert!(
            metadata("other", "=0.2.100")
                .unwrap_err()
                .contains("`taskwright`")
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
