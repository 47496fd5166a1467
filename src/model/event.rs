//! The events of a task stream.

use super::notice::Notice;
use super::usage::Usage;
use crate::document::Document;
use crate::schema::Violation;

/// Something that arrived with the response.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// The JSON of a task closed. The task is complete, however the response ends.
    Task {
        /// The position in the response, from 0.
        index: usize,
        /// The task, exactly as the model wrote it.
        document: Document,
        /// The rules of the task schema that the task breaks; empty for a valid task.
        violations: Vec<Violation>,
    },
    /// More text of the response. Pieces that arrive together are one event.
    Text {
        /// The added characters.
        delta: String,
    },
    /// The tokens used so far, according to the endpoint. Replaces earlier usage events.
    Usage(Usage),
    /// An oddity that does not affect the tasks.
    Notice(Notice),
}
