//! One value inside a document, read in place.

use std::borrow::Cow;

use super::escape::unquote;
use super::names::{self, has_repeated_name};
use super::pointer::push_token;
use super::scanner::Record;

/// What a JSON value is (RFC 8259, section 3).
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

/// A handle on one value of a [`super::Document`]; copying it costs nothing.
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
        // The index comes from the scanner's own records; the other one is never reached.
        self.records.get(self.index).unwrap_or(&Record::NULL)
    }

    fn with(&self, index: usize) -> Node<'a> {
        Node { index, ..*self }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.record().kind
    }

    /// Its exact source, quotes or brackets included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        let record = self.record();
        self.text
            .get(record.start as usize..record.end as usize)
            .unwrap_or_default()
    }

    /// Where its source stands in the document's text, in bytes.
    #[must_use]
    pub fn span(&self) -> std::ops::Range<usize> {
        let record = self.record();
        record.start as usize..record.end as usize
    }

    /// Where it stands among the values of its document: no two share it.
    #[must_use]
    pub fn ordinal(&self) -> usize {
        self.index
    }

    /// The address of the document's spans, the same for every node of one document.
    #[must_use]
    pub fn document_address(&self) -> usize {
        self.records.as_ptr() as usize
    }

    /// How many members or items it has; 0 for what is not a container.
    #[must_use]
    pub fn len(&self) -> usize {
        self.record().children as usize
    }

    /// Whether it has no members or items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the member `name`; of duplicates the last. `None` for what is not an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let mut found = None;
        for (key, value) in self.raw_members() {
            if key.is_called(name) {
                found = Some(value);
            }
        }
        found
    }

    /// Whether this member name is `name`.
    fn is_called(&self, name: &str) -> bool {
        let record = self.record();
        if record.escaped {
            return unquote(self.inner()) == name;
        }
        // Most names differ in length, which is known without looking at the text.
        let quoted = record.end.saturating_sub(record.start) as usize;
        quoted == name.len() + 2 && self.plain_bytes() == Some(name.as_bytes())
    }

    /// The members in their order, names decoded, duplicates included; none for what is not an
    /// object.
    pub fn members(&self) -> Members<'a> {
        Members(self.raw_members())
    }

    /// The members as (name, value) nodes.
    pub(super) fn raw_members(&self) -> Children<'a, true> {
        self.children()
    }

    /// The items in their order; none for what is not an array.
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

    /// The characters of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.decoded())
    }

    /// Whether a string has `least` to `most` characters (code points); `None` for what is no
    /// string. Counted only where the length of the source leaves it open.
    #[must_use]
    pub fn characters_within(&self, least: u64, most: u64) -> Option<bool> {
        if self.kind() != Kind::String {
            return None;
        }
        // A character takes one byte of source at least. At most it takes four, or two escapes of
        // six bytes each.
        let bytes = self.inner().len() as u64;
        let longest = if self.record().escaped { 12 } else { 4 };
        if bytes <= most && bytes >= least.saturating_mul(longest) {
            return Some(true);
        }
        let count = self.decoded().chars().count() as u64;
        Some((least..=most).contains(&count))
    }

    /// The truth of a boolean.
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

    /// The bytes of a string or a member's name in which nothing is escaped.
    pub(super) fn plain_bytes(&self) -> Option<&'a [u8]> {
        let record = self.record();
        let (start, end) = (record.start as usize, record.end as usize);
        let bytes = self.text.as_bytes().get(start + 1..end.checked_sub(1)?)?;
        (!record.escaped).then_some(bytes)
    }

    /// The characters of a string or a member's name.
    pub(super) fn decoded(&self) -> Cow<'a, str> {
        if self.record().escaped {
            unquote(self.inner())
        } else {
            Cow::Borrowed(self.inner())
        }
    }

    /// The value as an owned tree. Numbers beyond i64, u64 and f64 become the nearest double, and
    /// of duplicate keys the last one stays: fit for messages and comparisons, never for posting.
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

    /// Whether the name of a member anywhere in this value stood in the same object before.
    #[must_use]
    pub fn repeats_a_name(&self) -> bool {
        let end = self.record().next as usize;
        let parts = self.records.get(self.index..end.min(self.records.len()));
        let objects = (self.index..).zip(parts.unwrap_or_default());
        objects
            .filter(|(_, record)| record.kind == Kind::Object)
            .any(|(index, _)| has_repeated_name(self.with(index)))
    }

    /// JSON Pointers, from this value on, of the members below it whose name stood in the same object
    /// before; in the order of the text.
    #[must_use]
    pub fn repeated_names(&self) -> Vec<String> {
        names::repeated(*self)
    }

    /// Calls `visit` with this value and everything inside it, each with its pointer.
    pub(super) fn walk(&self, visit: &mut impl FnMut(Node<'a>, &str)) {
        // Depth is bounded by the scanner, so recursion is.
        fn go<'a>(node: Node<'a>, pointer: &str, visit: &mut impl FnMut(Node<'a>, &str)) {
            visit(node, pointer);
            match node.kind() {
                Kind::Object => {
                    for (name, value) in node.members() {
                        go(value, &push_token(pointer, &name), visit);
                    }
                }
                Kind::Array => {
                    for (index, item) in node.items().enumerate() {
                        go(item, &format!("{pointer}/{index}"), visit);
                    }
                }
                _ => {}
            }
        }
        go(*self, "", visit);
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Node").field(&self.text()).finish()
    }
}

/// The members of an object, names decoded.
pub struct Members<'a>(Children<'a, true>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.next()?;
        Some((name.decoded(), value))
    }
}

/// The items of an array.
pub struct Items<'a>(Children<'a, false>);

impl<'a> Iterator for Items<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        self.0.next()
    }
}

/// Walks the children of a container by skipping each child's own parts.
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

/// The machine number nearest to a literal.
pub(crate) fn nearest_number(text: &str) -> serde_json::Number {
    if let Ok(number) = text.parse::<i64>() {
        // "-0" is a double: as an integer it would lose its sign.
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

/// Whether a machine number holds every digit of a literal.
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
