//! The folder for compiled tools, shared by all checkouts of a user.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};

use crate::error::Error;

/// Environment variable that names another folder for the tools.
pub const OVERRIDE: &str = "TASKWRIGHT_CACHE";

/// The folder for the tools: `TASKWRIGHT_CACHE` if set, else `taskwright` in the user's cache
/// folder, which the platform's conventions define.
///
/// # Errors
/// [`Error::Failed`] when the user has no home folder.
pub fn folder() -> Result<PathBuf, Error> {
    folder_or_default(env::var_os(OVERRIDE))
}

fn folder_or_default(overridden: Option<OsString>) -> Result<PathBuf, Error> {
    if let Some(folder) = overridden.filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let strategy = choose_native_strategy().map_err(|error| Error::Failed {
        what: "finding a folder for the tools".into(),
        reason: error.to_string(),
        hint: format!("Set {OVERRIDE} to a folder for the tools."),
    })?;
    Ok(strategy.cache_dir().join("taskwright"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_override_is_used_unchanged_and_ignored_when_empty() {
        assert_eq!(
            folder_or_default(Some("/mine".into())).unwrap(),
            PathBuf::from("/mine")
        );
        for unset in [None, Some(OsString::new())] {
            assert!(folder_or_default(unset).unwrap().ends_with("taskwright"));
        }
    }
}
