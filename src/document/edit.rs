//! Edits splice the text: everything they do not touch stays byte for byte.

use std::collections::HashSet;
use std::ops::Range;

use super::node::{Kind, Node};
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
    /// whitespace that belonged to it included. Of members with the same name the last one goes.
    ///
    /// # Errors
    /// [`EditError`] where there is nothing, or for the root.
    pub fn remove(&self, pointer: &str) -> Result<Document, EditError> {
        if pointer.is_empty() {
            return Err(EditError::Root);
        }
        let node = self.at(pointer).ok_or_else(|| EditError::Absent {
            pointer: pointer.to_owned(),
        })?;
        self.without(&HashSet::from([node.ordinal()]))
    }

    /// This document without the members and items of these ordinals ([`Node::ordinal`]), their
    /// commas and the whitespace that belonged to them included. The text is gone through once,
    /// however many there are.
    ///
    /// # Errors
    /// [`EditError::Root`] where the root is one of them.
    pub fn without(&self, unwanted: &HashSet<usize>) -> Result<Document, EditError> {
        let root = self.root();
        if unwanted.contains(&root.ordinal()) {
            return Err(EditError::Root);
        }
        let mut cuts = Vec::new();
        collect_cuts(root, unwanted, &mut cuts);
        let text = self.text();
        let mut edited = String::with_capacity(text.len());
        let mut from = 0;
        for cut in cuts {
            edited.push_str(text.get(from..cut.start).unwrap_or_default());
            from = cut.end;
        }
        edited.push_str(text.get(from..).unwrap_or_default());
        Ok(Document::parse(&edited)?)
    }
}

/// The spans that go with the unwanted parts at and below a value, in the order of the text.
fn collect_cuts(node: Node<'_>, unwanted: &HashSet<usize>, cuts: &mut Vec<Range<usize>>) {
    // Depth is bounded by the scanner, so recursion is.
    let parts = parts(node);
    let goes = |(_, value): &(Range<usize>, Node<'_>)| unwanted.contains(&value.ordinal());
    let kept_to = parts.iter().rposition(|part| !goes(part));
    for (index, (span, value)) in parts.iter().enumerate() {
        if !unwanted.contains(&value.ordinal()) {
            collect_cuts(*value, unwanted, cuts);
        } else if kept_to.is_some_and(|last| index < last)
            && let Some((next, _)) = parts.get(index + 1)
        {
            // Up to the next one, so that its own indentation is kept by the one removed.
            cuts.push(span.start..next.start);
        }
    }
    // Those at the end go together, with the comma after the last one that stays.
    let ending = kept_to.map_or(0, |last| last + 1);
    if let (Some((first, _)), Some((last, _))) = (parts.get(ending), parts.last()) {
        let kept = kept_to.and_then(|last| parts.get(last));
        let start = kept.map_or(first.start, |(span, _)| span.end);
        cuts.push(start..last.end);
    }
}

/// Where each member (name included) or item of a container stands, and its value.
fn parts(container: Node<'_>) -> Vec<(Range<usize>, Node<'_>)> {
    match container.kind() {
        Kind::Object => container
            .raw_members()
            .map(|(key, value)| (key.span().start..value.span().end, value))
            .collect(),
        Kind::Array => container.items().map(|item| (item.span(), item)).collect(),
        _ => Vec::new(),
    }
}
