//! JSON documents: the exact source text plus the span of every value in it.
//!
//! The operator approves bytes, and exactly those bytes are sent. A tree of values would merge
//! duplicate members, sort members and round numbers, so a task is stored as its source text.
//! Values are spans into that text, an edit splices the text, and validation reads it in place.
//!
//! This module does not depend on schemas, tasks or browsers.

mod duplicates;
mod edit;
mod error;
mod escape;
mod insert;
mod node;
mod pointer;
mod reader;
pub mod scanner;

use std::ops::ControlFlow;
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
/// Cloning is cheap: text and spans are shared. Two documents are equal if their texts are equal
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
    /// Parses `text` as exactly one JSON value (RFC 8259), optionally surrounded by whitespace.
    ///
    /// Nothing is guessed or repaired: comments, trailing commas, single quotes, lone surrogates
    /// and text after the value are errors. Duplicate members are kept and reported by
    /// [`Document::duplicate_members`]. Surrounding whitespace is not part of the document.
    ///
    /// # Errors
    /// [`DocumentError`] with the position and the reason, also if the text exceeds
    /// [`ScanLimits::default`] (64 levels, 32 MiB).
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        Document::scan(text, |value| Arc::from(value)).map_err(|error| error.located_in(text))
    }

    /// Like [`Document::parse`], but shares `text` unless whitespace surrounds the value.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_shared(text: &Arc<str>) -> Result<Document, DocumentError> {
        Document::scan(text, |value| {
            if value.len() == text.len() {
                Arc::clone(text)
            } else {
                Arc::from(value)
            }
        })
        .map_err(|error| error.located_in(text))
    }

    fn scan(text: &str, to_shared: impl Fn(&str) -> Arc<str>) -> Result<Document, DocumentError> {
        let mut scanner = Scanner::new(ScanLimits::default());
        if let ScanProgress::Done { consumed } = scanner.push(text)? {
            let rest = text.get(consumed..).unwrap_or_default();
            if let Some(at) = rest.find(|c: char| !matches!(c, ' ' | '\t' | '\n' | '\r')) {
                return Err(DocumentError::new(Fault::TextAfterValue, consumed + at));
            }
        }
        let (value, records) = scanner.into_value(text)?;
        Ok(Document::from_records(to_shared(value), records))
    }

    /// Builds a document from a text and the spans that a [`Scanner`] found in it.
    fn from_records(text: Arc<str>, records: Vec<Record>) -> Document {
        Document {
            inner: Arc::new(Inner { text, records }),
        }
    }

    /// The exact source text, byte for byte as received or typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The source text, shared.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.inner.text)
    }

    /// The root value.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node::new(&self.inner.text, &self.inner.records, 0)
    }

    /// The value at a JSON Pointer (RFC 6901); `""` is the root. Duplicate members resolve to the
    /// last one, as in most parsers.
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

    /// Whether the document contains a value of this kind at any depth.
    #[must_use]
    pub fn contains_kind(&self, kind: Kind) -> bool {
        self.inner.records.iter().any(|record| record.kind == kind)
    }

    /// JSON Pointers of the members whose name occurs earlier in the same object, in text order. Not
    /// all of them if they are more than 256 KiB long together.
    #[must_use]
    pub fn duplicate_members(&self) -> Vec<String> {
        self.root().duplicate_members(usize::MAX)
    }

    /// JSON Pointers of the numbers that no machine number represents exactly: integers beyond 64
    /// bits, decimals with more than 17 significant digits, and numbers that overflow or underflow
    /// a double. They are posted as written; keywords such as `maximum` are checked against the
    /// nearest double. Not all of them if the pointers are more than 256 KiB long together.
    #[must_use]
    pub fn inexact_numbers(&self) -> Vec<String> {
        let mut found = pointer::Pointers::up_to(usize::MAX);
        self.root().walk(&mut |node, path| {
            if node.kind() == Kind::Number && !node::is_exact_number(node.text()) {
                found.push(path)
            } else {
                ControlFlow::Continue(())
            }
        });
        found.into_vec()
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
