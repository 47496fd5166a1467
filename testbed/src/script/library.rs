//! The available scripts: the built-in ones, and those of a directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Script;

/// Includes scripts from `testbed/scripts` in the program.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../scripts/", $name, ".json")))),*]
    };
}

/// The name and the text of every built-in script.
const EMBEDDED: &[(&str, &str)] = embedded![
    "another-document",
    "ascii",
    "bare-array",
    "broken",
    "code-fence",
    "cut-at-byte",
    "cut-off",
    "demo",
    "document",
    "done-alone",
    "drop",
    "echo-401",
    "echo-html",
    "echo-in-prose",
    "echo-in-stream",
    "echo-in-task",
    "empty-body",
    "empty-first-chunk",
    "error-in-stream",
    "error-in-stream-at-once",
    "exact-number",
    "exact-text",
    "extra-fields",
    "failed",
    "filtered",
    "hang",
    "html-200",
    "html-502",
    "http-400",
    "http-401",
    "http-403",
    "http-404",
    "http-429",
    "http-429-hidden",
    "http-429-quota",
    "http-500",
    "http-503",
    "http-503-once",
    "http-503-twice",
    "interrupted",
    "interrupted-once",
    "interrupted-when-whole",
    "invalid-tasks",
    "json-lines",
    "keep-alive",
    "lines-cr",
    "lines-crlf",
    "nameless-500",
    "nameless-refusal",
    "needs-key",
    "needs-this-key",
    "no-cors",
    "no-done",
    "no-json-schema",
    "no-model-list",
    "no-response-format",
    "no-storing",
    "no-streaming",
    "no-system-role",
    "no-tasks",
    "no-token-limit",
    "no-usage",
    "not-json",
    "number-code",
    "odd-finish",
    "odd-model-list",
    "open-after-done",
    "plain",
    "plain-text-error",
    "pretty",
    "prose-around",
    "reasoning",
    "reasoning-only",
    "redirect",
    "refused",
    "refused-halfway",
    "refuses-pattern",
    "repeated-members",
    "repeated-text",
    "reset",
    "same-keys",
    "second-choice",
    "should-not-retry",
    "silent-model-list",
    "single-bytes",
    "single-object",
    "slow",
    "split-characters",
    "stalled",
    "stalled-at-once",
    "stalled-then-whole",
    "stream-always",
    "thinking-unopened",
    "too-few",
    "too-many",
    "tool-calls",
    "two-headers",
    "unclosed-event",
];

/// The largest script file, in bytes.
const SIZE_LIMIT: u64 = 4 * 1024 * 1024;

/// All scripts by name.
#[derive(Clone, Debug)]
pub struct Library {
    scripts: BTreeMap<String, Script>,
}

/// Why the scripts cannot be loaded.
#[derive(Debug, Error)]
pub enum LibraryError {
    /// The directory or one of its files cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The directory or file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file is larger than 4 MiB.
    #[error("{0} is larger than 4 MiB")]
    TooLarge(PathBuf),
    /// A script does not have the expected form.
    #[error("the script `{name}` is invalid: {source}")]
    Malformed {
        /// The script.
        name: String,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// A script has no reply.
    #[error("the script `{0}` has no reply")]
    NoReply(String),
}

impl LibraryError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "Pass a directory of .json files that this user can read, or omit --scripts."
            }
            Self::TooLarge(_) => "Shorten its text, or have the tasks made from the schema.",
            Self::Malformed { .. } | Self::NoReply(_) => {
                "See testbed/README.md for the members of a script."
            }
        }
    }
}

impl Library {
    /// The built-in scripts.
    ///
    /// # Errors
    /// When one of them is invalid; a test prevents that.
    pub fn embedded() -> Result<Self, LibraryError> {
        let mut library = Self {
            scripts: BTreeMap::new(),
        };
        for (name, text) in EMBEDDED {
            library.add(name, text)?;
        }
        Ok(library)
    }

    /// The built-in scripts and every `.json` file of `directory`. A file replaces a built-in script
    /// of the same name.
    ///
    /// # Errors
    /// When the directory or a file cannot be read, or a script is invalid.
    pub fn with_directory(directory: &Path) -> Result<Self, LibraryError> {
        let mut library = Self::embedded()?;
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| LibraryError::Unreadable { path, source }
        };
        for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
            let path = entry.map_err(unreadable(directory))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            let size = std::fs::metadata(&path).map_err(unreadable(&path))?.len();
            if size > SIZE_LIMIT {
                return Err(LibraryError::TooLarge(path));
            }
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            library.add(name, &text)?;
        }
        Ok(library)
    }

    /// The script with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Script> {
        self.scripts.get(name)
    }

    /// Every script with its name, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Script)> {
        self.scripts
            .iter()
            .map(|(name, script)| (name.as_str(), script))
    }

    fn add(&mut self, name: &str, text: &str) -> Result<(), LibraryError> {
        let script: Script =
            serde_json::from_str(text).map_err(|source| LibraryError::Malformed {
                name: name.to_owned(),
                source,
            })?;
        if script.replies.is_empty() {
            return Err(LibraryError::NoReply(name.to_owned()));
        }
        self.scripts.insert(name.to_owned(), script);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_file_is_built_in_and_describes_itself() {
        let library = Library::embedded().unwrap();
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        files.sort();
        let names: Vec<&str> = library.iter().map(|(name, _)| name).collect();
        assert_eq!(names, files);
        for (name, script) in library.iter() {
            assert!(
                script.about.len() > 20,
                "the description of {name} is too short"
            );
        }
    }

    #[test]
    fn the_readme_describes_every_script() {
        let readme = include_str!("../../README.md");
        for (name, _) in Library::embedded().unwrap().iter() {
            assert!(
                readme.contains(&format!("| `{name}` |")),
                "README.md does not describe {name}"
            );
        }
    }

    #[test]
    fn a_script_with_a_misspelt_member_or_without_a_reply_is_refused() {
        let mut library = Library::embedded().unwrap();
        for (text, expected) in [
            (
                r#"{"about": "x", "replys": [], "replies": ["hang"]}"#,
                "is invalid",
            ),
            (
                r#"{"about": "x", "replies": [{"answer": {"wire": {"pice": 1}}}]}"#,
                "is invalid",
            ),
            (r#"{"about": "x", "replies": []}"#, "has no reply"),
            ("", "is invalid"),
        ] {
            let error = library.add("x", text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}");
        }
    }

    #[test]
    fn the_error_about_a_missing_directory_names_it() {
        let error = Library::with_directory(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read /nowhere/at/all: ")
        );
    }
}
