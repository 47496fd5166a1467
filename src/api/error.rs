//! The error of the JavaScript API.

use crate::brief::BriefError;
use crate::document::DocumentError;
use crate::dry_run::DryRunError;
use crate::review::import::ImportError;
use crate::schema::SchemaError;
use crate::schema::strict::StrictError;
use crate::secrets::SecretError;
use crate::settings::{AddressError, SettingsError};

/// Why a call failed. JavaScript sees an `Error` with the name [`NAME`] and the members `code`, `hint`
/// and `retry`. It never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// An argument does not have the type that the TypeScript types declare.
    #[error("{argument}: {reason}")]
    Argument {
        /// Name of the argument, such as `settings`.
        argument: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The brief has these errors; never empty.
    #[error("{}", joined(.0))]
    Brief(Vec<BriefError>),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The strict subset cannot express the schema.
    #[error(transparent)]
    Strict(#[from] StrictError),
    /// The settings of an endpoint are not valid.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The value cannot be a secret.
    #[error("{member}: {error}")]
    Secret {
        /// Member of the settings that holds the secret.
        member: &'static str,
        /// What is wrong with it.
        error: SecretError,
    },
    /// The endpoint requires a secret that the settings lack.
    #[error("{host} requires {member}, which is missing")]
    SecretMissing {
        /// Member of the settings that would hold the secret.
        member: &'static str,
        /// Host and port.
        host: String,
    },
    /// The text of a task is not one JSON value.
    #[error("{}the text is not JSON: {error}", place(*.index))]
    NotJson {
        /// Index of the task in a list, from 0.
        index: Option<usize>,
        /// What is wrong, and where.
        error: DocumentError,
    },
    /// The text of a task is JSON but not an object.
    #[error("{}a task must be a JSON object", place(*.index))]
    NotAnObject {
        /// Index of the task in a list, from 0.
        index: Option<usize>,
    },
    /// A text contains no tasks.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The dry run could not generate tasks.
    #[error(transparent)]
    DryRun(#[from] DryRunError),
    /// Bytes were pushed into a finished stream.
    #[error("the stream is finished and accepts no more bytes")]
    StreamFinished,
    /// A function of the caller threw.
    #[error("{name} threw: {reason}")]
    ListenerFailed {
        /// Name of the option.
        name: &'static str,
        /// The message of what it threw.
        reason: String,
    },
    /// Idempotency keys need random numbers, and there are none.
    #[error("no random numbers are available: {reason}")]
    NoRandomness {
        /// The platform's message.
        reason: String,
    },
}

/// The `name` of every error of the API.
pub const NAME: &str = "TaskwrightError";

impl ApiError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::Argument { .. } => "invalid_argument",
            ApiError::Brief(errors) => errors.first().map_or("brief_empty", BriefError::code),
            ApiError::Schema(error) => error.code(),
            ApiError::Strict(error) => error.code(),
            ApiError::Settings(error) => error.code(),
            ApiError::Secret { error, .. } => error.code(),
            ApiError::SecretMissing { .. } => "secret_missing",
            ApiError::NotJson { error, .. } => error.code(),
            ApiError::NotAnObject { .. } => "task_not_an_object",
            ApiError::Import(error) => error.code(),
            ApiError::DryRun(error) => error.code(),
            ApiError::StreamFinished => "stream_finished",
            ApiError::ListenerFailed { .. } => "listener_failed",
            ApiError::NoRandomness { .. } => "no_randomness",
        }
    }

    /// Whether the same call may succeed if it is repeated.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            ApiError::DryRun(error) => error.retry(),
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ApiError::Argument { .. } => {
                "Pass a value of the type that the TypeScript types declare. Omit members that you do not want to set."
            }
            ApiError::Brief(errors) => errors.first().map_or("Write a goal.", BriefError::hint),
            ApiError::Schema(error) => error.hint(),
            ApiError::Strict(error) => error.hint(),
            ApiError::Settings(error) => error.hint(),
            ApiError::Secret { error, .. } => error.hint(),
            ApiError::SecretMissing { .. } => {
                "Add it to the settings. If the endpoint requires no key, set needsKey to false."
            }
            ApiError::NotJson { .. } | ApiError::NotAnObject { .. } => {
                "Pass each task as the text of one JSON object, such as JSON.stringify returns."
            }
            ApiError::Import(error) => error.hint(),
            ApiError::DryRun(error) => error.hint(),
            ApiError::StreamFinished => "Open a new stream for each response.",
            ApiError::ListenerFailed { .. } => {
                "cause is what it threw, result what was done before. Nothing more was started."
            }
            ApiError::NoRandomness { .. } => {
                "Use a current browser or Node.js, or pass an idempotencyKey with each task."
            }
        }
    }
}

impl From<AddressError> for ApiError {
    fn from(error: AddressError) -> Self {
        ApiError::Settings(error.into())
    }
}

fn joined(errors: &[BriefError]) -> String {
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
            ApiError::Argument {
                argument: "settings",
                reason: "missing field `model`".into(),
            },
            ApiError::Brief(vec![BriefError::EmptyGoal]),
            ApiError::Schema(SchemaError::TooLong { limit: 1 }),
            ApiError::Strict(StrictError::NotAnObject),
            Address::parse("ftp://x").unwrap_err().into(),
            ApiError::Secret {
                member: "apiKey",
                error: SecretError::Empty,
            },
            ApiError::SecretMissing {
                member: "apiKey",
                host: "api.example.com".into(),
            },
            ApiError::NotJson {
                index: Some(1),
                error: json,
            },
            ApiError::NotAnObject { index: None },
            ApiError::DryRun(DryRunError::NotAnObject { found: "a string" }),
            ApiError::Import(ImportError::Empty),
            ApiError::StreamFinished,
            ApiError::ListenerFailed {
                name: "onReceipt",
                reason: "full".into(),
            },
            ApiError::NoRandomness {
                reason: "none".into(),
            },
        ] {
            assert!(!error.code().is_empty() && !error.hint().is_empty());
            assert!(!error.to_string().is_empty(), "{error:?}");
        }
    }

    #[test]
    fn all_errors_of_a_brief_are_reported_together() {
        let error = ApiError::Brief(vec![
            BriefError::EmptyGoal,
            BriefError::CountOutOfRange {
                given: "501".into(),
            },
        ]);
        assert_eq!(
            error.to_string(),
            "the goal is empty; a run has 1 to 500 tasks, not 501"
        );
        assert_eq!(error.code(), "brief_empty");
    }
}
