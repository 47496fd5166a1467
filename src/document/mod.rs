//! A JSON document as its exact text plus where its parts stand.
//!
//! An operator approves bytes, and those bytes leave. A tree of values would merge duplicate keys,
//! sort members and round numbers, so a task is kept as its source text; the parts are spans into
//! it, an edit splices the text, and a check reads it in place.
//!
//! This module knows nothing of schemas, tasks or browsers.

mod edit;
mod error;
mod escape;
mod names;
mod node;
mod pointer;
mod reader;
pub mod scanner;

use std::sync::Arc;

pub use edit::EditError;
pub use error::{DocumentError, Fault};
pub use escape::quote;
pub(crate) use node::nearest_number;
pub use node::{Items, Kind, Members, Node};
pub use pointer::{escape_token, push_token};
pub use reader::Reader;

pub(crate) use scanner::plain_run;
use scanner::{Record, ScanLimits, ScanProgress, Scanner};

/// One JSON value with its exact source text.
///
/// Cloning is cheap: text and spans are shared. Two documents are equal when their texts are,
/// byte for byte.
#[derive(Clone)]
pub struct Document {
    inner: Arc<Inner>,
}

struct Inner {
    text: Arc<str>,
    records: Vec<Record>,
}

impl Document {
    /// Reads `text` as exactly one JSON value (RFC 8259), with whitespace allowed around it.
    ///
    /// Nothing is guessed or repaired: comments, trailing commas, single quotes, lone surrogates
    /// and text after the value are errors. Duplicate keys are kept and reported by
    /// [`Document::duplicate_keys`]. Whitespace around the value is not part of the document.
    ///
    /// # Errors
    /// [`DocumentError`] with the place and the reason; also beyond [`ScanLimits::default`]
    /// (64 levels deep, 32 MiB).
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        Document::scan(text, |value| Arc::from(value)).map_err(|error| error.located_in(text))
    }

    /// As [`Document::parse`]; where nothing stands around the value, the text is shared.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn of_shared(text: &Arc<str>) -> Result<Document, DocumentError> {
        Document::scan(text, |value| match value.len() == text.len() {
            true => Arc::clone(text),
            false => Arc::from(value),
        })
        .map_err(|error| error.located_in(text))
    }

    fn scan(text: &str, keep: impl Fn(&str) -> Arc<str>) -> Result<Document, DocumentError> {
        let mut scanner = Scanner::new(ScanLimits::default());
        if let ScanProgress::Done { consumed } = scanner.push(text)? {
            let rest = text.get(consumed..).unwrap_or_default();
            if let Some(at) = rest.find(|c: char| !matches!(c, ' ' | '\t' | '\n' | '\r')) {
                return Err(DocumentError::new(Fault::TextAfterValue, consumed + at));
            }
        }
        let (value, records) = scanner.into_value(text)?;
        Ok(Document::from_records(keep(value), records))
    }

    /// Puts a document together from a text and the spans a [`Scanner`] found in it.
    fn from_records(text: Arc<str>, records: Vec<Record>) -> Document {
        Document {
            inner: Arc::new(Inner { text, records }),
        }
    }

    /// The exact text, byte for byte as it arrived or was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The same text, shared.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.inner.text)
    }

    /// The value itself.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(&self.inner.text, &self.inner.records, 0)
    }

    /// The part at a JSON Pointer (RFC 6901); `""` is the root. Of duplicate keys the last one
    /// is found, as parsers that keep one commonly do.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<Node<'_>> {
        let mut node = self.root();
        for token in pointer::tokens(pointer)? {
            node = match node.kind() {
                Kind::Object => node.get(&token)?,
                Kind::Array => node.items().nth(pointer::array_index(&token)?)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// Whether a value of this kind stands anywhere in it.
    #[must_use]
    pub fn holds(&self, kind: Kind) -> bool {
        self.inner.records.iter().any(|record| record.kind == kind)
    }

    /// JSON Pointers of the members whose name stood in the same object before.
    #[must_use]
    pub fn duplicate_keys(&self) -> Vec<String> {
        self.root().repeated_names()
    }

    /// JSON Pointers of the numbers whose digits no machine number holds: integers beyond 64
    /// bits, decimals of more than 17 significant digits, and what overflows a double. They are
    /// posted as written; keywords such as `maximum` are checked against the nearest double.
    #[must_use]
    pub fn inexact_numbers(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.root().walk(&mut |node, pointer| {
            if node.kind() == Kind::Number && !node::is_exact_number(node.text()) {
                found.push(pointer.to_owned());
            }
        });
        found
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Document {}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Document").field(&self.text()).finish()
    }
}

#[cfg(test)]
mod tests;
