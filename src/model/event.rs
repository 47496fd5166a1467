//! What a task stream tells while an answer arrives.

use super::notice::Notice;
use super::usage::Usage;
use crate::document::Document;
use crate::schema::Violation;

/// Something that happened in the answer.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// A task's JSON closed. It is whole, whatever becomes of the rest of the answer.
    Task {
        /// Its place in the answer, from 0.
        index: usize,
        /// The task, exactly as the model wrote it.
        document: Document,
        /// What the operator's schema has against it; empty for a valid task.
        violations: Vec<Violation>,
    },
    /// More of the answer's text. Pieces that arrive together come as one.
    Text {
        /// The characters that were added.
        delta: String,
    },
    /// The endpoint told what the request cost so far. A later one replaces an earlier one.
    Usage(Usage),
    /// Something odd that takes nothing away from the answer.
    Notice(Notice),
}
