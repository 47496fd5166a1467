//! The npm packages for the release build, the end-to-end tests and the benchmarks.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::project::Project;
use crate::{process, say};

/// The lock file that names the packages.
const LOCK_FILE: &str = "package-lock.json";
/// A copy of the lock file that was last installed, in the folder of the packages.
const STAMP: &str = "node_modules/.taskwright-installed";

/// Installs the packages in the checkout's `package-lock.json` with `npm ci`, unless that was done
/// since the file last changed.
///
/// Package scripts are not run and no browser is downloaded.
///
/// # Errors
/// When npm is missing, or `npm ci` fails.
pub fn ensure(project: &Project) -> Result<(), Error> {
    install(project, &project.root)
}

/// As [`ensure`], for the `package-lock.json` in a folder of the checkout.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_in(project: &Project, folder: &str) -> Result<(), Error> {
    install(project, &project.root.join(folder))
}

fn install(project: &Project, folder: &Path) -> Result<(), Error> {
    let _lock = project.lock("packages")?;
    ensure_locked(folder)
}

/// As [`ensure`], for the `package-lock.json` in any folder. The caller keeps other commands from
/// it.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_locked(folder: &Path) -> Result<(), Error> {
    let lock_file = folder.join(LOCK_FILE);
    let wanted = fs::read(&lock_file).map_err(Error::file("read", &lock_file))?;
    let stamp = folder.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say::step(
        "setup",
        &format!("installing the npm packages of {}", lock_file.display()),
    );
    process::run(
        process::command(process::NPM)
            .current_dir(folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel", "error"])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
        "installing the npm packages",
        "If npm is missing, install Node.js 20 or later from https://nodejs.org. Otherwise read \
         npm's message above and check the network.",
    )?;
    fs::write(&stamp, &wanted).map_err(Error::file("write", &stamp))
}

/// The version of a package in `package-lock.json`.
///
/// # Errors
/// When the file cannot be read or lacks the package.
pub fn locked_version(root: &Path, package: &str) -> Result<String, Error> {
    let path = root.join(LOCK_FILE);
    let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    version_in(&text, package).ok_or_else(|| Error::Unexpected {
        what: LOCK_FILE.into(),
        reason: format!("it has no version of {package}"),
    })
}

fn version_in(lock_file: &str, package: &str) -> Option<String> {
    let lock_file: Value = serde_json::from_str(lock_file).ok()?;
    let version = lock_file
        .get("packages")?
        .get(format!("node_modules/{package}"))?
        .get("version")?;
    Some(version.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn the_version_comes_from_the_lock_file() {
        let text = r#"{"packages":{"node_modules/binaryen":{"version":"132.0.0"}}}"#;
        assert_eq!(version_in(text, "binaryen").as_deref(), Some("132.0.0"));
        assert_eq!(version_in(text, "other"), None);
        assert_eq!(version_in("{", "binaryen"), None);
    }

    #[test]
    fn every_package_is_pinned_by_version_and_hash() {
        for folder in [
            root().to_owned(),
            root().join("benches"),
            root().join("tests/peers"),
        ] {
            let text = fs::read_to_string(folder.join(LOCK_FILE)).unwrap();
            let lock_file: Value = serde_json::from_str(&text).unwrap();
            let packages = lock_file["packages"].as_object().unwrap();
            assert!(packages.len() > 3);
            for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
                assert!(
                    package["integrity"]
                        .as_str()
                        .unwrap()
                        .starts_with("sha512-"),
                    "{name}"
                );
                assert!(package.get("resolved").is_none(), "{name}");
            }
            for (name, version) in packages[""]["devDependencies"].as_object().unwrap() {
                let version = version.as_str().unwrap();
                assert!(version.starts_with(|first: char| first.is_ascii_digit()));
                assert_eq!(locked_version(&folder, name).unwrap(), version);
            }
        }
    }
}
