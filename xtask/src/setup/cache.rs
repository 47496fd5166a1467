//! The folder, shared by all checkouts of a user, where compiled tools are kept.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::Error;

/// Overrides where the tools are kept.
pub const OVERRIDE: &str = "TASKWRIGHT_CACHE";

/// Whose convention rules where a user's caches are.
#[derive(Clone, Copy, Debug)]
enum Platform {
    /// `%LOCALAPPDATA%`.
    Windows,
    /// `~/Library/Caches`.
    MacOs,
    /// XDG Base Directory Specification 0.8: `$XDG_CACHE_HOME` if absolute, else `~/.cache`.
    Other,
}

/// The folder for the tools: `TASKWRIGHT_CACHE`, else `taskwright` in the user's cache folder by
/// the convention of the platform.
///
/// # Errors
/// [`Error::Unexpected`] when the environment names no home folder.
pub fn folder() -> Result<PathBuf, Error> {
    let platform = if cfg!(windows) {
        Platform::Windows
    } else if cfg!(target_os = "macos") {
        Platform::MacOs
    } else {
        Platform::Other
    };
    folder_for(platform, |name| {
        env::var_os(name).filter(|value| !value.is_empty())
    })
    .ok_or_else(|| Error::Unexpected {
        what: "the environment".into(),
        reason: format!("it names no home folder; set {OVERRIDE} to a folder for the tools"),
    })
}

fn folder_for(platform: Platform, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    if let Some(folder) = path(OVERRIDE) {
        return Some(folder);
    }
    let caches = match platform {
        Platform::Windows => path("LOCALAPPDATA")?,
        Platform::MacOs => path("HOME")?.join("Library").join("Caches"),
        Platform::Other => match path("XDG_CACHE_HOME").filter(|folder| folder.is_absolute()) {
            Some(folder) => folder,
            None => path("HOME")?.join(".cache"),
        },
    };
    Some(caches.join("taskwright"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(platform: Platform, variables: &[(&str, &str)]) -> Option<PathBuf> {
        folder_for(platform, |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn each_platform_keeps_its_own_convention() {
        let home = ("HOME", "/home/a");
        for (platform, variables, expected) in [
            (Platform::Other, &[home][..], "/home/a/.cache/taskwright"),
            (
                Platform::Other,
                &[home, ("XDG_CACHE_HOME", "/c")],
                "/c/taskwright",
            ),
            (
                Platform::Other,
                &[home, ("XDG_CACHE_HOME", "relative")],
                "/home/a/.cache/taskwright",
            ),
            (
                Platform::MacOs,
                &[home],
                "/home/a/Library/Caches/taskwright",
            ),
            (
                Platform::Windows,
                &[home, ("LOCALAPPDATA", "/local")],
                "/local/taskwright",
            ),
        ] {
            assert_eq!(
                found(platform, variables),
                Some(PathBuf::from(expected)),
                "{platform:?} {variables:?}"
            );
        }
    }

    #[test]
    fn the_override_is_taken_as_it_is() {
        for platform in [Platform::Windows, Platform::MacOs, Platform::Other] {
            let variables = [(OVERRIDE, "/mine"), ("HOME", "/home/a")];
            assert_eq!(found(platform, &variables), Some("/mine".into()));
        }
    }

    #[test]
    fn without_a_home_there_is_no_folder() {
        assert_eq!(found(Platform::Other, &[]), None);
    }
}
