//! A decoder for event streams, following the WHATWG standard (HTML, section 9.2.6, "Interpreting an
//! event stream").
//!
//! The input comes in pieces of any size: a line end, a byte order mark or a character may be split.
//! Each byte is examined once. Between pieces, the decoder buffers one unfinished line and one
//! unfinished event, both limited in size so that an endpoint cannot exhaust the memory.

use std::borrow::Cow;

use thiserror::Error;

/// Longest line, in bytes without the line end: 1 MiB.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Most data of one event over all its lines, in bytes: 4 MiB.
pub const MAX_EVENT_BYTES: usize = 4 << 20;

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// One dispatched event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event` field; `message` if there is none.
    pub name: &'a str,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
    /// Whether the data contained bytes that are not valid UTF-8 and were replaced by U+FFFD, as the
    /// standard requires.
    pub replaced: bool,
}

/// Why a stream cannot be decoded further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SseError {
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("a line of the event stream is longer than {MAX_LINE_BYTES} bytes")]
    LineTooLong,
    /// The data of one event is longer than [`MAX_EVENT_BYTES`].
    #[error("an event of the stream is longer than {MAX_EVENT_BYTES} bytes")]
    EventTooLong,
}

/// Decodes the bytes of a body into events.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Whether a byte order mark may still follow.
    mark: Mark,
    /// The last byte was a carriage return, so a line feed belongs to the same line end.
    after_carriage_return: bool,
    /// The start of an unfinished line.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    name: Vec<u8>,
    recognised: bool,
    failed: Option<SseError>,
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Matched(usize),
    Settled,
}

impl Default for Mark {
    fn default() -> Self {
        Mark::Matched(0)
    }
}

impl Decoder {
    /// Creates a decoder for a body.
    #[must_use]
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Takes the next bytes and calls `sink` for each event that they complete.
    ///
    /// # Errors
    /// [`SseError`], which every later call returns again. Events before it have been passed to
    /// `sink`.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut sink: impl FnMut(SseEvent<'_>),
    ) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.take(bytes, &mut sink);
        self.failed = result.err();
        result
    }

    /// Ends the body and calls `sink` for an event without its closing empty line.
    ///
    /// The standard drops such an event, because it may be cut off. But some endpoints omit the empty
    /// line after their last event, so the caller decides by its data.
    pub fn finish(&mut self, mut sink: impl FnMut(SseEvent<'_>)) {
        if self.failed.is_some() {
            return;
        }
        // Only data counts: the last line may be cut off, and the name of an event gives the data
        // another meaning.
        if self.line.starts_with(b"data:") {
            let line = std::mem::take(&mut self.line);
            if let Err(error) = self.end_line(&line, &mut |_| {}) {
                self.failed = Some(error);
                return;
            }
        }
        if self.has_data {
            self.emit(&self.data, &mut sink);
        }
        *self = Decoder {
            recognised: self.is_event_stream(),
            ..Decoder::default()
        };
    }

    /// Whether any line so far is a comment or a known field, or the unfinished line may become
    /// one.
    #[must_use]
    pub fn is_event_stream(&self) -> bool {
        self.recognised
            || self.line.starts_with(b":")
            || [&b"data:"[..], b"event:", b"id:", b"retry:"]
                .iter()
                .any(|field| {
                    self.line.starts_with(field)
                        || (!self.line.is_empty() && field.starts_with(&self.line))
                })
    }

    fn take(&mut self, bytes: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) -> Result<(), SseError> {
        let mut rest = self.after_mark(bytes);
        if self.after_carriage_return && !rest.is_empty() {
            self.after_carriage_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(end);
            if self.line.len() + line.len() > MAX_LINE_BYTES {
                return Err(SseError::LineTooLong);
            }
            if self.line.is_empty() {
                if let Some(after) = self.single_line_event(line, tail, sink) {
                    rest = after;
                    continue;
                }
                self.end_line(line, sink)?;
            } else {
                let mut buffer = std::mem::take(&mut self.line);
                buffer.extend_from_slice(line);
                self.end_line(&buffer, sink)?;
                buffer.clear();
                self.line = buffer;
            }
            rest = match tail {
                [b'\r', b'\n', after @ ..] => after,
                [b'\r'] => {
                    self.after_carriage_return = true;
                    &[]
                }
                [_, after @ ..] => after,
                [] => &[],
            };
        }
        if self.line.len() + rest.len() > MAX_LINE_BYTES {
            return Err(SseError::LineTooLong);
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    /// Strips one byte order mark from the start of the body.
    fn after_mark<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let mut rest = bytes;
        while let Mark::Matched(matched) = self.mark {
            let (Some((byte, tail)), Some(expected)) =
                (rest.split_first(), BYTE_ORDER_MARK.get(matched))
            else {
                break;
            };
            if byte == expected {
                rest = tail;
                self.mark = match matched + 1 {
                    length if length == BYTE_ORDER_MARK.len() => Mark::Settled,
                    length => Mark::Matched(length),
                };
            } else {
                self.line
                    .extend_from_slice(BYTE_ORDER_MARK.get(..matched).unwrap_or_default());
                self.mark = Mark::Settled;
            }
        }
        rest
    }

    /// Emits an event without copying it if it is a single data line within one piece, as nearly all
    /// are. Returns the bytes after it, or `None` if `line` is not such an event.
    fn single_line_event<'b>(
        &mut self,
        line: &[u8],
        tail: &'b [u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) -> Option<&'b [u8]> {
        let value = line.strip_prefix(b"data:").filter(|_| !self.has_data)?;
        let ([b'\n', b'\n', after @ ..] | [b'\r', b'\n', b'\r', b'\n', after @ ..]) = tail else {
            return None;
        };
        self.recognised = true;
        self.emit(value.strip_prefix(b" ").unwrap_or(value), sink);
        self.name.clear();
        Some(after)
    }

    fn end_line(
        &mut self,
        line: &[u8],
        sink: &mut impl FnMut(SseEvent<'_>),
    ) -> Result<(), SseError> {
        if line.is_empty() {
            self.dispatch(sink);
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => {
                self.recognised = true;
                return Ok(());
            }
            Some(colon) => {
                let (field, tail) = line.split_at(colon);
                let value = tail.strip_prefix(b":").unwrap_or(tail);
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match field {
            b"data" => {
                if self.data.len() + value.len() + 1 > MAX_EVENT_BYTES {
                    return Err(SseError::EventTooLong);
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Only a client that reconnects needs these.
            b"id" | b"retry" => {}
            _ => return Ok(()),
        }
        self.recognised = true;
        Ok(())
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(SseEvent<'_>)) {
        if self.has_data {
            self.emit(&self.data, sink);
        }
        self.data.clear();
        self.has_data = false;
        self.name.clear();
    }

    fn emit(&self, data: &[u8], sink: &mut impl FnMut(SseEvent<'_>)) {
        let name = text(&self.name);
        let data = text(data);
        sink(SseEvent {
            name: if name.is_empty() { "message" } else { &name },
            replaced: matches!(data, Cow::Owned(_)),
            data: &data,
        });
    }
}

/// Decodes UTF-8; invalid bytes become U+FFFD.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all input is valid, which simdutf8 checks many bytes at a time.
    simdutf8::basic::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name and data of one event.
    type Seen = (String, String);

    fn read_in(pieces: &[&[u8]]) -> (Vec<Seen>, Decoder, Result<(), SseError>) {
        let mut decoder = Decoder::new();
        let mut seen = Vec::new();
        let mut result = Ok(());
        for piece in pieces {
            result = decoder.push(piece, |event| {
                seen.push((event.name.to_owned(), event.data.to_owned()));
            });
        }
        (seen, decoder, result)
    }

    fn data_of(text: &str) -> Vec<String> {
        read_in(&[text.as_bytes()])
            .0
            .into_iter()
            .map(|(_, data)| data)
            .collect()
    }

    #[test]
    fn the_examples_of_the_standard_give_its_events() {
        let table: &[(&str, &[&str])] = &[
            // The examples of section 9.2.6.
            ("data: YHOO\ndata: +2\ndata: 10\n\n", &["YHOO\n+2\n10"]),
            (
                ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
                &["first event", "second event", " third event"],
            ),
            ("data\n\ndata\ndata\n\ndata:", &["", "\n"]),
            ("data:test\n\ndata: test\n\n", &["test", "test"]),
            // Line ends.
            ("data: a\r\rdata: b\r\r", &["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]),
            ("data: a\n\r\ndata: b\r\n\n", &["a", "b"]),
            // The byte order mark: only one, at the start.
            ("\u{FEFF}data: a\n\n", &["a"]),
            ("\u{FEFF}\u{FEFF}data: a\n\n", &[]),
            ("data: \u{FEFF}a\n\n", &["\u{FEFF}a"]),
            // Fields.
            ("Data: a\ndata : b\n data: c\nwhatever: d\n\n", &[]),
            ("data: a:b: c\n\n", &["a:b: c"]),
            ("event: x\n\ndata: a\n\n", &["a"]),
            // Unclosed events.
            ("data: a\n", &[]),
            ("data: a", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(data_of(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn an_event_name_applies_to_one_event_and_id_and_retry_are_skipped() {
        let text = "event: delta\nid: 7\nretry: 250\ndata: a\n\nid\ndata: b\n\n";
        let (seen, ..) = read_in(&[text.as_bytes()]);
        let seen: Vec<_> = seen
            .iter()
            .map(|(name, data)| (name.as_str(), data.as_str()))
            .collect();
        assert_eq!(seen, [("delta", "a"), ("message", "b")]);
        for field in ["id: 7\n", "retry: 250\n"] {
            let (seen, decoder, _) = read_in(&[field.as_bytes()]);
            assert!(seen.is_empty() && decoder.is_event_stream(), "{field}");
        }
    }

    #[test]
    fn every_split_gives_the_same_events() {
        let text = "\u{FEFF}: hi\r\nevent: é\r\ndata: 😀 a\r\ndata: b\r\n\r\ndata: c\r\rid: ü\ndata: d\n\n";
        let bytes = text.as_bytes();
        let (unsplit, ..) = read_in(&[bytes]);
        assert_eq!(unsplit.len(), 3);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read_in(&pieces).0, unsplit, "{first} {second}");
            }
        }
    }

    #[test]
    fn invalid_bytes_are_replaced_and_reported() {
        let mut decoder = Decoder::new();
        let mut seen = Vec::new();
        decoder
            .push(b"data: a\xFF\n\ndata: b\n\n", |event| {
                seen.push((event.data.to_owned(), event.replaced));
            })
            .unwrap();
        assert_eq!(
            seen,
            [("a\u{FFFD}".to_owned(), true), ("b".to_owned(), false)]
        );
    }

    #[test]
    fn a_line_of_one_mebibyte_is_read_and_one_more_byte_is_an_error_however_it_is_split() {
        let fits = "x".repeat(MAX_LINE_BYTES - "data: ".len());
        let line = format!("data: {fits}\n\n");
        assert_eq!(data_of(&line), std::slice::from_ref(&fits));
        for size in [line.len(), 1000, 7] {
            let long = format!("data: a\n\ndata: {fits}x\n\ndata: b\n\n");
            let pieces: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
            let (seen, _, result) = read_in(&pieces);
            assert_eq!(seen.len(), 1);
            assert_eq!(result, Err(SseError::LineTooLong));
        }
    }

    #[test]
    fn an_event_of_endless_lines_is_an_error_and_uses_bounded_memory() {
        let line = format!("data: {}\n", "x".repeat(1 << 19));
        let mut decoder = Decoder::new();
        let mut result = Ok(());
        for _ in 0..100 {
            result = decoder.push(line.as_bytes(), |_| {});
        }
        assert_eq!(result, Err(SseError::EventTooLong));
        assert!(decoder.data.capacity() <= 2 * MAX_EVENT_BYTES);
    }

    #[test]
    fn html_is_not_an_event_stream() {
        assert!(
            !read_in(&[b"<!doctype html>\n<p>data</p>\n\n"])
                .1
                .is_event_stream()
        );
        for stream in [": keep-alive\n\n", "data: {\"a", "dat"] {
            assert!(
                read_in(&[stream.as_bytes()]).1.is_event_stream(),
                "{stream}"
            );
        }
    }
}
