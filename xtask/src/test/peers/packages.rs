//! The npm packages of the peers, in the user's cache folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::project;
use crate::setup::packages;

/// Files that name the packages.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// Installs the packages in the lock file of `sources` below `cache`, unless that was done since the
/// file last changed. Returns their folder.
///
/// # Errors
/// When npm is missing, or `npm ci` fails.
pub fn ensure(sources: &Path, cache: &Path) -> Result<PathBuf, Error> {
    let folder = cache.join("npm");
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let _lock = project::lock(
        &cache.join("npm.lock"),
        "another command installs npm packages of the peers",
    )?;
    for name in FILES {
        let (from, to) = (sources.join(name), folder.join(name));
        fs::copy(&from, &to).map_err(Error::file("copy", &from))?;
    }
    packages::ensure_locked(&folder)?;
    Ok(folder.join("node_modules"))
}
