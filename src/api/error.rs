//! What a function of the surface fails with.

use crate::brief::BriefError;
use crate::document::DocumentError;
use crate::dry_run::DryRunError;
use crate::review::import::ImportError;
use crate::schema::SchemaError;
use crate::schema::strict::StrictError;
use crate::secrets::SecretError;
use crate::settings::{AddressError, SettingsError};

/// Why a call failed. In JavaScript an `Error` whose `name` is [`NAME`] and that carries `code`,
/// `hint` and `retry`. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SurfaceError {
    /// An argument has another shape than its type says.
    #[error("{argument}: {reason}")]
    Argument {
        /// Which argument, such as `settings`.
        argument: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The brief cannot be worked on; everything that is wrong with it, never empty.
    #[error("{}", all(.0))]
    Brief(Vec<BriefError>),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The schema has no form that the model can be shown.
    #[error(transparent)]
    Strict(#[from] StrictError),
    /// An endpoint cannot be called.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A secret cannot be one.
    #[error("{member}: {error}")]
    Secret {
        /// The member of the settings that holds it.
        member: &'static str,
        /// What is wrong with it.
        error: SecretError,
    },
    /// The endpoint wants a secret and none was given.
    #[error("{host} wants a secret, and {member} is not given")]
    SecretMissing {
        /// The member of the settings that would hold it.
        member: &'static str,
        /// Host and port.
        host: String,
    },
    /// A task's text is not one JSON value.
    #[error("{}the text is not JSON: {error}", place(*.index))]
    NotJson {
        /// Which task of a list, from 0.
        index: Option<usize>,
        /// What is wrong, and where.
        error: DocumentError,
    },
    /// A task's text is JSON but not an object.
    #[error("{}a task is a JSON object", place(*.index))]
    NotAnObject {
        /// Which task of a list, from 0.
        index: Option<usize>,
    },
    /// A text holds no tasks.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A dry run has no tasks to show.
    #[error(transparent)]
    DryRun(#[from] DryRunError),
    /// Bytes were pushed into a stream that had been finished.
    #[error("the stream is finished and takes no more bytes")]
    StreamFinished,
    /// A function of the caller's threw.
    #[error("{name} threw: {reason}")]
    ListenerFailed {
        /// The option that holds it.
        name: &'static str,
        /// What it threw, in words.
        reason: String,
    },
    /// The keys of a delivery need random numbers.
    #[error("there are no random numbers here: {reason}")]
    NoRandomness {
        /// What the platform said.
        reason: String,
    },
}

/// The `name` of every error of the surface.
pub const NAME: &str = "TaskwrightError";

impl SurfaceError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SurfaceError::Argument { .. } => "invalid_argument",
            SurfaceError::Brief(errors) => errors.first().map_or("brief_empty", BriefError::code),
            SurfaceError::Schema(error) => error.code(),
            SurfaceError::Strict(error) => error.code(),
            SurfaceError::Settings(error) => error.code(),
            SurfaceError::Secret { error, .. } => error.code(),
            SurfaceError::SecretMissing { .. } => "secret_missing",
            SurfaceError::NotJson { error, .. } => error.code(),
            SurfaceError::NotAnObject { .. } => "task_not_an_object",
            SurfaceError::Import(error) => error.code(),
            SurfaceError::DryRun(error) => error.code(),
            SurfaceError::StreamFinished => "stream_finished",
            SurfaceError::ListenerFailed { .. } => "listener_failed",
            SurfaceError::NoRandomness { .. } => "no_randomness",
        }
    }

    /// Whether the same call again may succeed.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            SurfaceError::DryRun(error) => error.retry(),
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SurfaceError::Argument { .. } => {
                "Give it as the TypeScript types of the module say; leave out what is not meant to be set."
            }
            SurfaceError::Brief(errors) => errors
                .first()
                .map_or("Say what is to be done.", BriefError::hint),
            SurfaceError::Schema(error) => error.hint(),
            SurfaceError::Strict(error) => error.hint(),
            SurfaceError::Settings(error) => error.hint(),
            SurfaceError::Secret { error, .. } => error.hint(),
            SurfaceError::SecretMissing { .. } => {
                "Give it with the settings. Where the endpoint wants no key, set needsKey to false."
            }
            SurfaceError::NotJson { .. } | SurfaceError::NotAnObject { .. } => {
                "Give each task as the text of one JSON object, as JSON.stringify writes it."
            }
            SurfaceError::Import(error) => error.hint(),
            SurfaceError::DryRun(error) => error.hint(),
            SurfaceError::StreamFinished => "Open another stream for another answer.",
            SurfaceError::ListenerFailed { .. } => {
                "cause is what it threw. Nothing more was begun; result is what there was until then."
            }
            SurfaceError::NoRandomness { .. } => {
                "Use a current browser or Node.js, or give each task an idempotencyKey."
            }
        }
    }
}

impl From<AddressError> for SurfaceError {
    fn from(error: AddressError) -> Self {
        SurfaceError::Settings(error.into())
    }
}

fn all(errors: &[BriefError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn place(index: Option<usize>) -> String {
    index.map_or_else(String::new, |index| format!("task {index}: "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    #[test]
    fn every_error_has_a_code_a_message_and_a_hint() {
        let json = crate::document::Document::parse("{").unwrap_err();
        for error in [
            SurfaceError::Argument {
                argument: "settings",
                reason: "missing field `model`".into(),
            },
            SurfaceError::Brief(vec![BriefError::EmptyGoal]),
            SurfaceError::Schema(SchemaError::TooLong { limit: 1 }),
            SurfaceError::Strict(StrictError::NotAnObject),
            Address::parse("ftp://x").unwrap_err().into(),
            SurfaceError::Secret {
                member: "modelKey",
                error: SecretError::Empty,
            },
            SurfaceError::SecretMissing {
                member: "modelKey",
                host: "api.example.com".into(),
            },
            SurfaceError::NotJson {
                index: Some(1),
                error: json,
            },
            SurfaceError::NotAnObject { index: None },
            SurfaceError::DryRun(DryRunError::NotAnObject { found: "a string" }),
            SurfaceError::Import(ImportError::Empty),
            SurfaceError::StreamFinished,
            SurfaceError::ListenerFailed {
                name: "onReceipt",
                reason: "full".into(),
            },
            SurfaceError::NoRandomness {
                reason: "none".into(),
            },
        ] {
            assert!(!error.code().is_empty() && !error.hint().is_empty());
            assert!(!error.to_string().is_empty(), "{error:?}");
        }
    }

    #[test]
    fn all_that_is_wrong_with_a_brief_is_said_at_once() {
        let error = SurfaceError::Brief(vec![
            BriefError::EmptyGoal,
            BriefError::CountOutOfRange {
                given: "501".into(),
            },
        ]);
        assert_eq!(
            error.to_string(),
            "the brief says nothing yet; 501 tasks cannot be asked for at once"
        );
        assert_eq!(error.code(), "brief_empty");
    }
}
