//! What can go wrong in a project command, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Everything that ends a project command early. Each error has a stable [`code`](Error::code) and
/// a [`hint`](Error::hint) that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read, written or moved.
    #[error("could not {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A required program is not installed, does not fit, or could not be started.
    #[error("{program} is not available: {reason}")]
    ProgramMissing {
        /// The program's name or path.
        program: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A program or a measurement failed.
    #[error("{what} failed: {reason}")]
    Failed {
        /// What was being done, or the program that failed.
        what: String,
        /// The reason, or the exit code.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Tests failed whose names are known.
    #[error("{what} failed:{list}", list = tests.iter().map(|test| format!("\n    {test}")).collect::<String>())]
    TestsFailed {
        /// What was run.
        what: String,
        /// One line for each failed test: its place, its name and the start of its error.
        tests: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// The output of a program, or a file of the project, does not have the expected form.
    #[error("{what} is not as expected: {reason}")]
    Unexpected {
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// All ports that were tried are taken.
    #[error("ports {first} to {last} are all taken")]
    NoFreePort {
        /// The first port tried.
        first: u16,
        /// The last port tried.
        last: u16,
    },
    /// The handler for Ctrl-C could not be installed.
    #[error("could not handle Ctrl-C: {0}")]
    Signals(#[from] ctrlc::Error),
    /// Some of the tiers or benchmarks failed; the output above names them.
    #[error("{count} of the {of} failed")]
    SomeFailed {
        /// The number of failures.
        count: usize,
        /// What was run, in the plural: "tiers".
        of: &'static str,
        /// The command that runs them: "test".
        command: &'static str,
    },
}

impl Error {
    /// An error about a file, from the error of the operating system.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// A stable name for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::ProgramMissing { .. } => "program_missing",
            Self::Failed { .. } => "failed",
            Self::TestsFailed { .. } => "tests_failed",
            Self::Unexpected { .. } => "unexpected",
            Self::NoFreePort { .. } => "no_free_port",
            Self::Signals(_) => "signals",
            Self::SomeFailed { .. } => "some_failed",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "The disk is full: free some space, then run the command again.".into()
            }
            Self::File { .. } => {
                "Check that the path exists and is writable, then run the command again.".into()
            }
            Self::ProgramMissing { hint, .. }
            | Self::Failed { hint, .. }
            | Self::TestsFailed { hint, .. } => hint.clone(),
            Self::Unexpected { .. } => "Undo manual changes there, or update the checkout.".into(),
            Self::NoFreePort { .. } => {
                "Stop one of the programs there, or choose another port with --port.".into()
            }
            Self::Signals(_) => "Run the command again.".into(),
            Self::SomeFailed { of, command, .. } => format!(
                "Fix the problems above. `cargo xtask {command} NAME` runs one of \
                 the {of} alone."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_names_a_full_disk() {
        let full =
            Error::file("write", Path::new("pkg/a"))(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code(), "file");
        assert!(full.to_string().starts_with("could not write pkg/a: "));
        assert!(full.hint().contains("disk is full"));
    }

    #[test]
    fn the_hint_says_how_to_run_what_failed_alone() {
        let error = Error::SomeFailed {
            count: 2,
            of: "tiers",
            command: "test",
        };
        assert_eq!(error.to_string(), "2 of the tiers failed");
        assert!(error.hint().contains("`cargo xtask test NAME`"));
    }
}
