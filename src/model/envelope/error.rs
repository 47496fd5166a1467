//! Why the tasks of an answer cannot be read.

use thiserror::Error;

use super::{MAX_TASK_BYTES, MAX_TASK_DEPTH, MAX_TASKS};

/// Why no further task can be read from the answer. Offsets are bytes from the answer's start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// The text is not JSON from here on.
    #[error("the answer is not valid JSON at byte {offset}, after {excerpt:?}: {reason}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What is wrong there.
        reason: String,
        /// The text that ends with the fault.
        excerpt: String,
    },
    /// A task, or a value beside the tasks, is too long.
    #[error("the value at byte {offset} of the answer is longer than {MAX_TASK_BYTES} bytes")]
    TooLarge {
        /// Where the value begins.
        offset: usize,
    },
    /// A task, or a value beside the tasks, is nested too deeply.
    #[error(
        "the value at byte {offset} of the answer is nested deeper than {MAX_TASK_DEPTH} levels"
    )]
    TooDeep {
        /// Where the value begins.
        offset: usize,
    },
    /// There are too many tasks.
    #[error("the answer holds more than {MAX_TASKS} tasks")]
    TooManyTasks,
    /// A second document follows the first.
    #[error("a second JSON document begins at byte {offset} of the answer")]
    SeveralDocuments {
        /// Where it begins.
        offset: usize,
    },
    /// The envelope has its member `tasks` twice.
    #[error("the answer has its member \"tasks\" a second time, at byte {offset}")]
    RepeatedMember {
        /// Where the second one's value begins.
        offset: usize,
    },
}
