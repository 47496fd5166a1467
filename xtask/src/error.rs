//! What can go wrong in a project command, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Everything that ends a project command early.
///
/// Each has a stable [`code`](Error::code), says whether the same command may succeed when it is
/// simply given again ([`retryable`](Error::retryable)), and a [`hint`](Error::hint) that says
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read, written or moved.
    #[error("could not {action} {path}: {source}", path = path.display())]
    File {
        /// What was tried, as a verb: "read", "write".
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program that is needed is not installed, or could not be started.
    #[error("{program} could not be started: {reason}")]
    ProgramMissing {
        /// The program's name or path.
        program: String,
        /// What the operating system said.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A program ran and said that it failed.
    #[error("{what} failed ({exit})")]
    ProgramFailed {
        /// What was being done, in words.
        what: String,
        /// How the program ended, in words.
        exit: String,
        /// What to do.
        hint: String,
    },
    /// A program's answer, or a file of the project, is not of the form that it should have.
    #[error("{what} is not as expected: {reason}")]
    Unexpected {
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No browser is installed that the tests could drive, or no driver for it.
    #[error("{what} is not installed")]
    BrowserMissing {
        /// Which of the two.
        what: &'static str,
        /// What to do on this platform.
        hint: String,
    },
    /// The browser and its driver are of different major versions and do not work together.
    #[error("Chromium is version {browser} but chromedriver is version {driver}")]
    BrowserMismatch {
        /// Major version of the browser.
        browser: u32,
        /// Major version of the driver.
        driver: u32,
    },
    /// All ports that were tried are taken.
    #[error("ports {first} to {last} are all taken")]
    NoFreePort {
        /// The first port tried.
        first: u16,
        /// The last port tried.
        last: u16,
    },
    /// A program that was started to stay ended, or never became ready.
    #[error("{name} {how}")]
    ServiceEnded {
        /// What it is, in words.
        name: String,
        /// What it did instead.
        how: String,
        /// What to do.
        hint: String,
    },
    /// The handler for Ctrl-C could not be installed.
    #[error("could not listen for Ctrl-C: {0}")]
    Signals(#[from] ctrlc::Error),
    /// Some tiers of tests did not pass; the summary above names them.
    #[error("{count} of the tiers did not pass")]
    TiersFailed {
        /// How many.
        count: usize,
    },
    /// Something could not be measured.
    #[error("{what} could not be measured: {reason}")]
    NotMeasured {
        /// What.
        what: String,
        /// Why.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Some parts of the benchmarks could not be measured; the output above says why.
    #[error("{count} of the parts could not be measured")]
    PartsFailed {
        /// How many.
        count: usize,
    },
}

impl Error {
    /// An error about a file, from what the operating system said.
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
            Self::ProgramFailed { .. } => "program_failed",
            Self::Unexpected { .. } => "unexpected",
            Self::BrowserMissing { .. } => "browser_missing",
            Self::BrowserMismatch { .. } => "browser_mismatch",
            Self::NoFreePort { .. } => "no_free_port",
            Self::ServiceEnded { .. } => "service_ended",
            Self::Signals(_) => "signals",
            Self::TiersFailed { .. } => "tiers_failed",
            Self::NotMeasured { .. } => "not_measured",
            Self::PartsFailed { .. } => "parts_failed",
        }
    }

    /// Whether the same command may succeed when it is given again with nothing changed.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::NoFreePort { .. } | Self::Signals(_))
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "The disk is full: make room, then run the command again.".into()
            }
            Self::File { .. } => {
                "Check that the path exists and may be written, then run the command again.".into()
            }
            Self::ProgramMissing { hint, .. }
            | Self::ProgramFailed { hint, .. }
            | Self::BrowserMissing { hint, .. }
            | Self::ServiceEnded { hint, .. }
            | Self::NotMeasured { hint, .. } => hint.clone(),
            Self::Unexpected { .. } => {
                "Undo what was changed there by hand, or bring the checkout up to date.".into()
            }
            Self::BrowserMismatch { .. } => {
                "Update the older of the two, or name a pair that fits in CHROME and CHROMEDRIVER."
                    .into()
            }
            Self::NoFreePort { .. } => {
                "Stop one of the programs there, or choose another with --port.".into()
            }
            Self::Signals(_) => "Run the command again.".into(),
            Self::TiersFailed { .. } => {
                "Correct what the output above names; `cargo xtask test TIER` runs one tier alone."
                    .into()
            }
            Self::PartsFailed { .. } => {
                "Mend what the output above names; `cargo xtask bench PART` measures one part alone."
                    .into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_as_such() {
        let full =
            Error::file("write", Path::new("pkg/a"))(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.code(), "file");
        assert!(full.to_string().starts_with("could not write pkg/a: "));
        assert!(full.hint().contains("disk is full"));
    }

    #[test]
    fn only_what_may_pass_by_itself_is_worth_a_retry() {
        assert!(Error::NoFreePort { first: 1, last: 2 }.retryable());
        assert!(!Error::TiersFailed { count: 1 }.retryable());
    }
}
