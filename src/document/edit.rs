//! Edits splice the text: everything they do not touch stays byte for byte.

use super::node::{Kind, Node};
use super::pointer::{array_index, tokens};
use super::{Document, DocumentError};

/// Why an edit cannot be made. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer names nothing in this document.
    #[error("there is nothing at {pointer:?}")]
    Absent {
        /// The pointer as given.
        pointer: String,
    },
    /// The root cannot be removed.
    #[error("the whole document cannot be removed")]
    Root,
    /// The text would no longer be one JSON value.
    #[error("the edited text is not JSON: {0}")]
    Malformed(#[from] DocumentError),
}

impl Document {
    /// This document without the member or item at `pointer` (RFC 6901), its comma and the
    /// whitespace that belonged to it included.
    ///
    /// # Errors
    /// [`EditError`] where there is nothing, or for the root.
    pub fn remove(&self, pointer: &str) -> Result<Document, EditError> {
        let absent = || EditError::Absent {
            pointer: pointer.to_owned(),
        };
        let (parent, last) = pointer.rsplit_once('/').ok_or(EditError::Root)?;
        let parent = self.at(parent).ok_or_else(absent)?;
        let parts = parts(parent);
        let position = match parent.kind() {
            Kind::Object => {
                let name = tokens(&format!("/{last}"))
                    .and_then(|mut tokens| tokens.pop())
                    .ok_or_else(absent)?;
                parent
                    .members()
                    .enumerate()
                    .filter(|(_, (key, _))| *key == name)
                    .last()
                    .map(|(at, _)| at)
            }
            _ => array_index(last).filter(|at| *at < parent.len()),
        }
        .ok_or_else(absent)?;
        let part = parts.get(position).cloned().ok_or_else(absent)?;
        let cut = match (
            position.checked_sub(1).and_then(|before| parts.get(before)),
            parts.get(position + 1),
        ) {
            // Up to the next one, so that its own indentation is kept by the one removed.
            (_, Some(next)) => part.start..next.start,
            (Some(before), None) => before.end..part.end,
            (None, None) => part,
        };
        let text = self.text();
        let mut edited = String::with_capacity(text.len());
        edited.push_str(text.get(..cut.start).unwrap_or_default());
        edited.push_str(text.get(cut.end..).unwrap_or_default());
        Ok(Document::parse(&edited)?)
    }
}

/// Where each member (name included) or item of a container stands.
fn parts(container: Node<'_>) -> Vec<std::ops::Range<usize>> {
    match container.kind() {
        Kind::Object => container
            .raw_members()
            .map(|(key, value)| key.span().start..value.span().end)
            .collect(),
        Kind::Array => container.items().map(|item| item.span()).collect(),
        _ => Vec::new(),
    }
}
