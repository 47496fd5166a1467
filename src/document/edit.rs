//! Edits that splice the source text and keep every other byte.

use std::collections::HashSet;
use std::ops::{ControlFlow, Range};

use super::node::{Kind, Node};
use super::{Document, DocumentError};

/// Why an edit failed. The document is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The root cannot be removed.
    #[error("the document's root value cannot be removed")]
    Root,
    /// The document has no value with this ordinal.
    #[error("the document has no such value")]
    NoSuchValue,
    /// The text would no longer be one JSON value.
    #[error("the edited text is not JSON: {0}")]
    Malformed(#[from] DocumentError),
}

impl Document {
    /// Returns this document with the value of this ordinal ([`Node::ordinal`]) replaced by the JSON
    /// text `value`. Every other byte stays as it is.
    ///
    /// # Errors
    /// [`EditError::NoSuchValue`], and [`EditError::Malformed`] if `value` is not one JSON value, or
    /// the whole would exceed the limits of [`Document::parse`].
    pub fn with_value(&self, ordinal: usize, value: &str) -> Result<Document, EditError> {
        let value = Document::parse(value)?;
        let mut span = None;
        self.root().walk(&mut |node, _| {
            if node.ordinal() == ordinal {
                span = Some(node.span());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let span = span.ok_or(EditError::NoSuchValue)?;
        let text = self.text();
        let before = text.get(..span.start).unwrap_or_default();
        let after = text.get(span.end..).unwrap_or_default();
        Ok(Document::parse(&[before, value.text(), after].concat())?)
    }

    /// Returns this document without the members and items whose values begin at these offsets in its
    /// text, as [`Document::without`] does.
    ///
    /// # Errors
    /// [`EditError::Root`] if the root begins at one of them.
    pub fn without_values_at(&self, offsets: &HashSet<usize>) -> Result<Document, EditError> {
        let mut unwanted = HashSet::new();
        self.root().walk(&mut |node, _| {
            if offsets.contains(&node.span().start) {
                unwanted.insert(node.ordinal());
            }
            ControlFlow::Continue(())
        });
        self.without(&unwanted)
    }

    /// Returns this document without the members and items that have these ordinals
    /// ([`Node::ordinal`]), removing their commas and adjacent whitespace too. The text is copied
    /// once, regardless of how many are removed.
    ///
    /// # Errors
    /// [`EditError::Root`] if the root is one of them.
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

/// Collects the spans to cut for the unwanted values inside `node`, in text order.
fn collect_cuts(node: Node<'_>, unwanted: &HashSet<usize>, cuts: &mut Vec<Range<usize>>) {
    // The scanner bounds the depth and thus the recursion.
    let children = children(node);
    let last_kept = children
        .iter()
        .rposition(|(_, value)| !unwanted.contains(&value.ordinal()));
    for (index, (span, value)) in children.iter().enumerate() {
        if !unwanted.contains(&value.ordinal()) {
            collect_cuts(*value, unwanted, cuts);
        } else if last_kept.is_some_and(|last| index < last)
            && let Some((next, _)) = children.get(index + 1)
        {
            // Cut up to the next child, which takes over the indentation of the removed one.
            cuts.push(span.start..next.start);
        }
    }
    // Cut the trailing children together, including the comma after the last kept one.
    let first_trailing = last_kept.map_or(0, |last| last + 1);
    if let (Some((first, _)), Some((last, _))) = (children.get(first_trailing), children.last()) {
        let kept = last_kept.and_then(|last| children.get(last));
        let start = kept.map_or(first.start, |(span, _)| span.end);
        cuts.push(start..last.end);
    }
}

/// The span of each member (name included) or item of a container, with its value.
fn children(container: Node<'_>) -> Vec<(Range<usize>, Node<'_>)> {
    match container.kind() {
        Kind::Object => container
            .raw_members()
            .map(|(key, value)| (key.span().start..value.span().end, value))
            .collect(),
        Kind::Array => container.items().map(|item| (item.span(), item)).collect(),
        _ => Vec::new(),
    }
}
