//! Why the tasks of a response cannot be read.

use thiserror::Error;

use super::{MAX_TASK_BYTES, MAX_TASK_DEPTH, MAX_TASKS};

/// Why no more tasks can be read from the response. Offsets are in bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The text is not valid JSON.
    #[error("the response is not valid JSON at byte {offset}, after {excerpt:?}: {reason}")]
    Malformed {
        /// Where the fault is.
        offset: usize,
        /// What is wrong.
        reason: String,
        /// The text up to and including the fault.
        excerpt: String,
    },
    /// A task, or the value of another member, is too long.
    #[error("the value at byte {offset} of the response is longer than {MAX_TASK_BYTES} bytes")]
    TooLarge {
        /// Where the value begins.
        offset: usize,
    },
    /// A task, or the value of another member, is nested too deeply.
    #[error(
        "the value at byte {offset} of the response is nested deeper than {MAX_TASK_DEPTH} levels"
    )]
    TooDeep {
        /// Where the value begins.
        offset: usize,
    },
    /// There are too many tasks.
    #[error("the response contains more than {MAX_TASKS} tasks")]
    TooManyTasks,
    /// A second document follows the first.
    #[error("a second JSON document begins at byte {offset} of the response")]
    SeveralDocuments {
        /// Where it begins.
        offset: usize,
    },
    /// Reasoning ends after tasks have arrived: they may be part of it.
    #[error("a marker at byte {offset} of the response says that the text before it is reasoning")]
    ReasoningAfterTasks {
        /// Where the marker is.
        offset: usize,
    },
    /// The envelope has a duplicate member `tasks`.
    #[error("the response has a duplicate member \"tasks\" at byte {offset}")]
    DuplicateMember {
        /// Where the value of the duplicate begins.
        offset: usize,
    },
}
