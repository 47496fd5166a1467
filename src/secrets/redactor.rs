//! Finds held secrets in text, and replaces them.
//!
//! Whatever is received may repeat a secret, so it passes through a [`Redactor`] before it becomes an
//! error, a message or a record. A secret is found in all its [forms](super::forms), also where it is
//! escaped, up to [`MAX_LAYERS`] times, and where a text was cut off inside it. The time is
//! proportional to the length of the text times the number of forms.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use serde_json::{Map, Value};

use super::escapes::{self, Decoded};
use super::forms::{Form, add_forms};
use super::{Secret, SecretSlot};

mod stream;

pub use stream::StreamRedactor;

/// What replaces a secret.
pub const REDACTED: &str = "[secret]";

/// How many times a secret may be escaped, such as percent-encoded inside a JSON string.
const MAX_LAYERS: usize = 2;

/// Minimum length of a secret's prefix that is redacted before an ellipsis.
const MIN_PREFIX_BEFORE_ELLIPSIS: usize = 3;

/// Minimum length of a secret's prefix that is redacted at the end of a text without an ellipsis, which
/// may have been cut off.
const MIN_PREFIX_AT_END: usize = 8;

/// How much of a long text is examined at a time, in bytes.
const PORTION_BYTES: usize = 64 << 10;

/// Finds secrets in text. Holds a copy of each secret, which is overwritten when it is dropped.
/// `Debug` shows no secret.
#[derive(Default)]
pub struct Redactor {
    forms: Vec<Form>,
}

/// A secret in a text.
struct Found {
    range: Range<usize>,
    /// The index of its form.
    form: usize,
    /// Whether it is the whole form, and not only its beginning at the end of the text.
    is_whole: bool,
}

/// What was found in a text.
struct Scan {
    /// Not sorted; may overlap.
    found: Vec<Found>,
    /// Where a secret may begin whose end has not arrived.
    hold: usize,
}

/// The surroundings of a text.
#[derive(Clone, Copy)]
struct Surroundings {
    /// The byte before it.
    before: Option<u8>,
    /// Whether nothing follows.
    is_end: bool,
}

/// A complete text.
const COMPLETE: Surroundings = Surroundings {
    before: None,
    is_end: true,
};

impl Redactor {
    /// Creates a redactor for these secrets.
    pub(super) fn of<'a>(
        secrets: impl IntoIterator<Item = (&'a SecretSlot, &'a Secret)>,
    ) -> Redactor {
        let mut forms = Vec::new();
        for (slot, secret) in secrets {
            add_forms(slot, &secret.value, &mut forms);
        }
        Redactor { forms }
    }

    /// Replaces every secret in a message by [`REDACTED`], and also the beginning of a secret that was
    /// cut off at the end or before the last ellipsis.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        if self.forms.is_empty() {
            return text.to_owned();
        }
        let scan = self.scan(text.as_bytes(), COMPLETE, |_| true);
        let mut ranges: Vec<_> = scan.found.into_iter().map(|found| found.range).collect();
        if let Some(before) = text.rfind('…').and_then(|at| text.get(..at)) {
            let prefix = self.prefix_at_end(before.as_bytes(), MIN_PREFIX_BEFORE_ELLIPSIS);
            ranges.extend(prefix.map(|start| start..before.len()));
        }
        replace(text, ranges)
    }

    /// Redacts a response body without changing its structure: in JSON, strings, numbers and member
    /// names are redacted one by one. A body without a secret is returned as it is.
    #[must_use]
    pub fn redact_body<'a>(&self, body: &'a str) -> Cow<'a, str> {
        let holds_secret = !self.forms.is_empty()
            && !self
                .scan(body.as_bytes(), COMPLETE, |_| true)
                .found
                .is_empty();
        if !holds_secret {
            return Cow::Borrowed(body);
        }
        Cow::Owned(match serde_json::from_str::<Value>(body) {
            Ok(value) => self.redact_value(value).to_string(),
            Err(_) => self.redact(body),
        })
    }

    /// Redacts a text of any length in little memory, exactly as a [`StreamRedactor`] does.
    #[must_use]
    pub fn redact_long(self: &Arc<Redactor>, text: &str) -> String {
        let mut stream = StreamRedactor::new(Arc::clone(self));
        let mut redacted = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let end = (PORTION_BYTES.min(rest.len())..=rest.len())
                .find(|end| rest.is_char_boundary(*end))
                .unwrap_or(rest.len());
            let (portion, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            redacted.push_str(&stream.push(portion));
            rest = after;
        }
        redacted.push_str(&stream.finish());
        redacted
    }

    /// Returns the slot of a secret that a task must not contain but `text` does.
    #[must_use]
    pub fn find_in_task(&self, text: &str) -> Option<&SecretSlot> {
        self.find(text, |form| form.is_barred_from_tasks)
    }

    /// Returns the slot of a secret that a request body must not contain but `text` does. Short secrets
    /// are not looked for, because the prompt may contain the same word.
    #[must_use]
    pub fn find_in_request(&self, text: &str) -> Option<&SecretSlot> {
        self.find(text, |form| !form.whole_word)
    }

    fn find(&self, text: &str, is_sought: impl Fn(&Form) -> bool) -> Option<&SecretSlot> {
        let scan = self.scan(text.as_bytes(), COMPLETE, is_sought);
        let found = scan.found.into_iter().find(|found| found.is_whole)?;
        self.forms.get(found.form).map(|form| &form.slot)
    }

    fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Number(number) => {
                let text = number.to_string();
                let scan = self.scan(text.as_bytes(), COMPLETE, |_| true);
                if scan.found.is_empty() {
                    Value::Number(number)
                } else {
                    Value::String(REDACTED.to_owned())
                }
            }
            Value::Array(items) => items
                .into_iter()
                .map(|item| self.redact_value(item))
                .collect(),
            Value::Object(members) => {
                let redacted: Map<String, Value> = members
                    .into_iter()
                    .map(|(name, value)| {
                        // A short secret may be the name of an ordinary member.
                        let name = match self.find_in_request(&name) {
                            Some(_) => self.redact(&name),
                            None => name,
                        };
                        (name, self.redact_value(value))
                    })
                    .collect();
                Value::Object(redacted)
            }
            other => other,
        }
    }

    /// Finds the secrets of the sought forms in `text`.
    fn scan(
        &self,
        text: &[u8],
        surroundings: Surroundings,
        is_sought: impl Fn(&Form) -> bool,
    ) -> Scan {
        let mut scan = Scan {
            found: Vec::new(),
            hold: text.len(),
        };
        if self.forms.is_empty() {
            return scan;
        }
        let is_end = surroundings.is_end;
        // The layers of escapes, outermost first. What is found in one is mapped back through those
        // before it.
        let mut layers: Vec<Decoded> = Vec::new();
        loop {
            let layer = layers
                .last()
                .map_or(text, |decoded| decoded.bytes.as_slice());
            let mut here = self.scan_layer(layer, surroundings, &is_sought);
            let next = (layers.len() < MAX_LAYERS)
                .then(|| escapes::decode(layer, is_end))
                .flatten();
            if let Some(decoded) = &next {
                here.hold = here.hold.min(decoded.end);
            }
            let sources: Vec<&[u8]> = std::iter::once(text)
                .chain(layers.iter().map(|decoded| decoded.bytes.as_slice()))
                .take(layers.len())
                .collect();
            for source in sources.into_iter().rev() {
                here.map_to(source, is_end);
            }
            scan.found.append(&mut here.found);
            if !is_end {
                scan.hold = scan.hold.min(here.hold);
            }
            match next {
                Some(decoded) => layers.push(decoded),
                None => return scan,
            }
        }
    }

    fn scan_layer(
        &self,
        text: &[u8],
        surroundings: Surroundings,
        is_sought: &impl Fn(&Form) -> bool,
    ) -> Scan {
        let mut scan = Scan {
            found: Vec::new(),
            hold: text.len(),
        };
        let mut lower_case: Option<Vec<u8>> = None;
        for (index, form) in self.forms.iter().enumerate() {
            if !is_sought(form) {
                continue;
            }
            let haystack = if form.ignores_case {
                lower_case
                    .get_or_insert_with(|| text.to_ascii_lowercase())
                    .as_slice()
            } else {
                text
            };
            let mut from = 0;
            while let Some(at) = haystack
                .get(from..)
                .and_then(|rest| memmem::find(rest, &form.bytes))
            {
                let range = from + at..from + at + form.bytes.len();
                from = range.start + form.period();
                let counts = if form.whole_word {
                    is_whole_word(haystack, &range, surroundings)
                } else {
                    Some(true)
                };
                match counts {
                    Some(true) => scan.found.push(Found {
                        range,
                        form: index,
                        is_whole: true,
                    }),
                    Some(false) => {}
                    None => scan.hold = scan.hold.min(range.start),
                }
            }
            let prefix = form.prefix_at_end(haystack);
            let start = text.len() - prefix;
            if !surroundings.is_end {
                scan.hold = scan.hold.min(start);
            } else if prefix >= MIN_PREFIX_AT_END {
                scan.found.push(Found {
                    range: start..text.len(),
                    form: index,
                    is_whole: false,
                });
            }
        }
        scan
    }

    /// Where the beginning of a secret, at least `min` bytes of it, ends a text that was cut off.
    fn prefix_at_end(&self, text: &[u8], min: usize) -> Option<usize> {
        let mut layers: Vec<Vec<u8>> = vec![text.to_vec()];
        let mut earliest: Option<usize> = None;
        while let Some(layer) = layers.last() {
            let lower_case = layer.to_ascii_lowercase();
            let starts = self.forms.iter().filter_map(|form| {
                let haystack = if form.ignores_case {
                    &lower_case
                } else {
                    layer
                };
                let prefix = form.prefix_at_end(haystack);
                let start = haystack.len() - prefix;
                let follows_word = start
                    .checked_sub(1)
                    .and_then(|at| haystack.get(at))
                    .is_some_and(|byte| is_word_byte(*byte));
                (prefix >= min && !(form.whole_word && follows_word)).then_some(start)
            });
            if let Some(mut start) = starts.min() {
                for source in layers.iter().rev().skip(1) {
                    let offsets = escapes::source_offsets(source, &[start], false);
                    start = offsets.first().copied().unwrap_or_default();
                }
                earliest = Some(earliest.map_or(start, |other| other.min(start)));
            }
            match escapes::decode(layer, false) {
                Some(decoded) if layers.len() <= MAX_LAYERS => layers.push(decoded.bytes),
                _ => break,
            }
        }
        earliest
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

impl Scan {
    /// Maps all positions from a decoded text to its source.
    fn map_to(&mut self, source: &[u8], is_end: bool) {
        let mut positions: Vec<usize> = self
            .found
            .iter()
            .flat_map(|found| [found.range.start, found.range.end])
            .chain([self.hold])
            .collect();
        positions.sort_unstable();
        positions.dedup();
        let offsets = escapes::source_offsets(source, &positions, is_end);
        let map = |position: usize| {
            let index = positions.partition_point(|other| *other < position);
            offsets.get(index).copied().unwrap_or(source.len())
        };
        for found in &mut self.found {
            found.range = map(found.range.start)..map(found.range.end);
        }
        self.hold = map(self.hold);
    }
}

/// Replaces these ranges of a text.
fn replace(text: &str, ranges: Vec<Range<usize>>) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut position = 0;
    for range in merged(ranges) {
        redacted.push_str(text.get(position..range.start).unwrap_or_default());
        redacted.push_str(REDACTED);
        position = range.end;
    }
    redacted.push_str(text.get(position..).unwrap_or_default());
    redacted
}

/// The ranges in order, with those that overlap merged.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Whether a range is a whole word; `None` if that depends on what follows.
fn is_whole_word(text: &[u8], range: &Range<usize>, surroundings: Surroundings) -> Option<bool> {
    let before = match range.start.checked_sub(1) {
        Some(at) => text.get(at).copied(),
        None => surroundings.before,
    };
    if before.is_some_and(is_word_byte) {
        return Some(false);
    }
    match text.get(range.end) {
        Some(after) => Some(!is_word_byte(*after)),
        None => surroundings.is_end.then_some(true),
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests;
