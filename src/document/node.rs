//! A value inside a document, read in place.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::duplicates;
use super::escape::unquote;
use super::pointer::Path;
use super::scanner::Record;

/// The kind of a JSON value (RFC 8259, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A handle to one value of a [`super::Document`]. Copying it is free.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a str,
    records: &'a [Record],
    index: usize,
}

impl<'a> Node<'a> {
    pub(super) fn new(text: &'a str, records: &'a [Record], index: usize) -> Self {
        Node {
            text,
            records,
            index,
        }
    }

    fn record(&self) -> &'a Record {
        // Indices come from the scanner's records, so the fallback is never used.
        self.records.get(self.index).unwrap_or(&Record::NULL)
    }

    fn with(&self, index: usize) -> Node<'a> {
        Node { index, ..*self }
    }

    /// The kind of this value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.record().kind
    }

    /// The exact source text, including quotes or brackets.
    #[must_use]
    pub fn text(&self) -> &'a str {
        let record = self.record();
        self.text
            .get(record.start as usize..record.end as usize)
            .unwrap_or_default()
    }

    /// The byte range of this value in the document's text.
    #[must_use]
    pub fn span(&self) -> std::ops::Range<usize> {
        let record = self.record();
        record.start as usize..record.end as usize
    }

    /// A number that identifies this value within its document.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        self.index
    }

    /// The address of the document's spans: identical for all nodes of one document.
    #[must_use]
    pub fn document_address(&self) -> usize {
        self.records.as_ptr() as usize
    }

    /// The number of members or items; 0 for scalars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.record().children as usize
    }

    /// Whether there are no members or items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the member `name`, the last one if there are duplicates. `None` if there is no
    /// such member or this is not an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let mut found = None;
        for (key, value) in self.raw_members() {
            if key.is_name(name) {
                found = Some(value);
            }
        }
        found
    }

    /// Whether this node is a member name equal to `name`.
    fn is_name(&self, name: &str) -> bool {
        let record = self.record();
        if record.escaped {
            return unquote(self.inner()) == name;
        }
        // Most names differ in length, which is known without reading the text.
        let quoted_len = record.end.saturating_sub(record.start) as usize;
        quoted_len == name.len() + 2 && self.plain_bytes() == Some(name.as_bytes())
    }

    /// The members in order, with decoded names and including duplicates. Empty for other kinds of
    /// value.
    pub fn members(&self) -> Members<'a> {
        Members(self.raw_members())
    }

    /// The members as (name, value) nodes.
    pub(super) fn raw_members(&self) -> Children<'a, true> {
        self.children()
    }

    /// The items in order. Empty for other kinds of value.
    pub fn items(&self) -> Items<'a> {
        Items(self.children())
    }

    fn children<const PAIRS: bool>(&self) -> Children<'a, PAIRS> {
        let record = self.record();
        let wanted = if PAIRS { Kind::Object } else { Kind::Array };
        let left = if record.kind == wanted {
            record.children
        } else {
            0
        };
        Children {
            node: self.with(self.index + 1),
            left,
        }
    }

    /// The decoded string; `None` for other kinds of value.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.decoded())
    }

    /// Whether a string has `min` to `max` characters (code points); `None` for other kinds of
    /// value. Characters are counted only if the source length does not decide it.
    #[must_use]
    pub fn characters_within(&self, min: u64, max: u64) -> Option<bool> {
        if self.kind() != Kind::String {
            return None;
        }
        // A character takes at least one byte of source. It takes at most four, or two escapes of
        // six bytes each.
        let bytes = self.inner().len() as u64;
        let max_bytes = if self.record().escaped { 12 } else { 4 };
        if bytes <= max && bytes >= min.saturating_mul(max_bytes) {
            return Some(true);
        }
        let count = self.decoded().chars().count() as u64;
        Some((min..=max).contains(&count))
    }

    /// The boolean; `None` for other kinds of value.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Boolean).then(|| self.text() == "true")
    }

    /// The source of a string without its quotes.
    pub(super) fn inner(&self) -> &'a str {
        let text = self.text();
        text.get(1..text.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// The content of a string or member name as bytes; `None` if it contains escapes.
    pub(super) fn plain_bytes(&self) -> Option<&'a [u8]> {
        let record = self.record();
        let (start, end) = (record.start as usize, record.end as usize);
        let bytes = self.text.as_bytes().get(start + 1..end.checked_sub(1)?)?;
        (!record.escaped).then_some(bytes)
    }

    /// The decoded content of a string or member name.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        if self.record().escaped {
            unquote(self.inner())
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    /// Converts this value to an owned tree, for messages and comparisons only, never for posting:
    /// numbers beyond i64, u64 and f64 become the nearest double, and the last of duplicate members
    /// wins.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self.kind() {
            Kind::Null => Value::Null,
            Kind::Boolean => Value::Bool(self.text() == "true"),
            Kind::Number => Value::Number(nearest_number(self.text())),
            Kind::String => Value::String(self.decoded().into_owned()),
            Kind::Array => Value::Array(self.items().map(|item| item.to_value()).collect()),
            Kind::Object => Value::Object(
                self.members()
                    .map(|(name, value)| (name.into_owned(), value.to_value()))
                    .collect(),
            ),
        }
    }

    /// Whether this value, at any depth, contains an object with duplicate members.
    #[must_use]
    pub fn has_duplicate_members(&self) -> bool {
        let end = self.record().next as usize;
        let records = self.records.get(self.index..end.min(self.records.len()));
        (self.index..)
            .zip(records.unwrap_or_default())
            .filter(|(_, record)| record.kind == Kind::Object)
            .any(|(index, _)| duplicates::has_duplicates(self.with(index)))
    }

    /// JSON Pointers, relative to this value, of the members whose name occurs earlier in the same
    /// object, in text order. At most `limit`, and fewer if they are very long.
    #[must_use]
    pub fn duplicate_members(&self, limit: usize) -> Vec<String> {
        duplicates::duplicate_members(*self, limit)
    }

    /// Calls `visit` with this value and every value inside it, each with its path, until it breaks.
    pub(super) fn walk(&self, visit: &mut impl FnMut(Node<'a>, &Path<'_>) -> ControlFlow<()>) {
        // The scanner bounds the depth and thus the recursion.
        fn go<'a>(
            node: Node<'a>,
            path: &Path<'_>,
            visit: &mut impl FnMut(Node<'a>, &Path<'_>) -> ControlFlow<()>,
        ) -> ControlFlow<()> {
            visit(node, path)?;
            match node.kind() {
                Kind::Object => {
                    for (name, value) in node.members() {
                        go(value, &Path::Member(path, &name), visit)?;
                    }
                }
                Kind::Array => {
                    for (index, item) in node.items().enumerate() {
                        go(item, &Path::Item(path, index), visit)?;
                    }
                }
                _ => {}
            }
            ControlFlow::Continue(())
        }
        let _ = go(*self, &Path::Root, visit);
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&self.text()).finish()
    }
}

/// Iterates over the members of an object, with decoded names.
pub struct Members<'a>(Children<'a, true>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.next()?;
        Some((name.decoded(), value))
    }
}

/// Iterates over the items of an array.
pub struct Items<'a>(Children<'a, false>);

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next()
    }
}

/// Iterates over the direct children of a container by skipping the descendants of each.
pub(super) struct Children<'a, const PAIRS: bool> {
    node: Node<'a>,
    left: u32,
}

impl<'a> Children<'a, false> {
    fn step(&mut self) -> Node<'a> {
        let node = self.node;
        self.node = node.with(node.record().next as usize);
        node
    }
}

impl<'a> Iterator for Children<'a, false> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.step())
    }
}

impl<'a> Iterator for Children<'a, true> {
    type Item = (Node<'a>, Node<'a>);

    fn next(&mut self) -> Option<(Node<'a>, Node<'a>)> {
        self.left = self.left.checked_sub(1)?;
        let key = self.node;
        let value = key.with(key.record().next as usize);
        self.node = value.with(value.record().next as usize);
        Some((key, value))
    }
}

/// The machine number nearest to a number literal.
pub(crate) fn nearest_number(text: &str) -> serde_json::Number {
    if let Ok(number) = text.parse::<i64>() {
        // "-0" must be a double: as an integer it would lose its sign.
        if !(number == 0 && text.starts_with('-')) {
            return number.into();
        }
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    let double = text.parse::<f64>().unwrap_or(0.0);
    serde_json::Number::from_f64(double.clamp(f64::MIN, f64::MAX))
        .unwrap_or_else(|| serde_json::Number::from(0))
}

/// Whether a machine number represents every digit of a number literal.
pub(super) fn is_exact_number(text: &str) -> bool {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return true;
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let written_as_integer = mantissa.len() == text.len() && !text.contains('.');
    if written_as_integer {
        return false;
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    let double = text.parse::<f64>().unwrap_or(f64::INFINITY);
    let underflows = double == 0.0 && significant > 0;
    significant <= 17 && double.is_finite() && !underflows
}
