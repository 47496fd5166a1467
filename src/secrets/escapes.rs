//! One layer of escapes in text: percent-encoding (RFC 3986), JSON (RFC 8259) and JavaScript strings,
//! HTML character references, and JSON Pointer (RFC 6901).
//!
//! Only escapes of ASCII characters are decoded, because a secret is ASCII. Every escape becomes one
//! byte and every other byte stays as it is, so a position in the decoded text is a number of units.

use memchr::{memchr, memchr3};

/// Length of the longest escape, in bytes: `&#x000002d;`.
const MAX_ESCAPE_BYTES: usize = 11;

/// A text with one layer of escapes decoded.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The decoded text.
    pub bytes: Vec<u8>,
    /// Where an escape starts that the end of the text cuts off; else the length of the source.
    pub end: usize,
}

/// What a text starts with.
enum Unit {
    /// A byte, and the number of bytes that it takes in the source.
    Byte(u8, usize),
    /// An escape that the end of the text cuts off.
    CutOff,
}

fn may_start_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'~')
}

/// Decodes one layer. `None` if the text contains no escape. At the end of the whole text
/// (`is_end`), an escape that is cut off is taken literally.
pub(super) fn decode(source: &[u8], is_end: bool) -> Option<Decoded> {
    if memchr3(b'%', b'\\', b'&', source).is_none() && memchr(b'~', source).is_none() {
        return None;
    }
    let mut bytes = Vec::with_capacity(source.len());
    let mut is_changed = false;
    let mut rest = source;
    loop {
        let literal = rest
            .iter()
            .position(|byte| may_start_escape(*byte))
            .unwrap_or(rest.len());
        let (before, after) = rest.split_at_checked(literal).unwrap_or((rest, &[]));
        bytes.extend_from_slice(before);
        rest = after;
        if rest.is_empty() {
            break;
        }
        match unit(rest, is_end) {
            Unit::Byte(byte, length) => {
                bytes.push(byte);
                is_changed |= length > 1;
                rest = rest.get(length..).unwrap_or_default();
            }
            Unit::CutOff => break,
        }
    }
    let end = source.len() - rest.len();
    (is_changed || end < source.len()).then_some(Decoded { bytes, end })
}

/// Returns where the units with these numbers start in the source. The numbers must be sorted; one
/// beyond the last unit is the end of the decoded part.
pub(super) fn source_offsets(source: &[u8], units: &[usize], is_end: bool) -> Vec<usize> {
    let mut offsets = Vec::with_capacity(units.len());
    let mut wanted = units.iter().peekable();
    let (mut offset, mut number) = (0, 0);
    while let Some(next) = wanted.peek().copied().copied() {
        let rest = source.get(offset..).unwrap_or_default();
        if number >= next || rest.is_empty() {
            offsets.push(offset);
            wanted.next();
            continue;
        }
        let literal = rest
            .iter()
            .position(|byte| may_start_escape(*byte))
            .unwrap_or(rest.len())
            .min(next - number);
        if literal > 0 {
            offset += literal;
            number += literal;
            continue;
        }
        match unit(rest, is_end) {
            Unit::Byte(_, length) => {
                offset += length;
                number += 1;
            }
            Unit::CutOff => {
                offsets.extend(wanted.by_ref().map(|_| offset));
            }
        }
    }
    offsets
}

/// Reads the first unit of a text that is not empty.
fn unit(text: &[u8], is_end: bool) -> Unit {
    let first = text.first().copied().unwrap_or_default();
    let found = match first {
        b'%' => hex(text, 1, 2),
        b'\\' => backslash(text),
        b'&' => reference(text),
        b'~' => match text.get(1) {
            None => Escape::CutOff,
            Some(b'0') => Escape::Of(b'~', 2),
            Some(b'1') => Escape::Of(b'/', 2),
            Some(_) => Escape::None,
        },
        _ => Escape::None,
    };
    match found {
        Escape::Of(byte, length) => Unit::Byte(byte, length),
        Escape::CutOff if !is_end => Unit::CutOff,
        Escape::CutOff | Escape::None => Unit::Byte(first, 1),
    }
}

/// What an introducing character turns out to be.
enum Escape {
    /// An escape of this byte, with its length in the source.
    Of(u8, usize),
    /// The start of an escape.
    CutOff,
    /// An ordinary character.
    None,
}

/// An escape of `digits` hexadecimal digits that follow `start` other bytes.
fn hex(text: &[u8], start: usize, digits: usize) -> Escape {
    let mut value: u32 = 0;
    for at in start..start + digits {
        let Some(byte) = text.get(at) else {
            return Escape::CutOff;
        };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Escape::None;
        };
        value = value * 16 + digit;
    }
    ascii(value).map_or(Escape::None, |byte| Escape::Of(byte, start + digits))
}

fn ascii(value: u32) -> Option<u8> {
    u8::try_from(value).ok().filter(u8::is_ascii)
}

/// `\/`, `\"`, `\'`, `\\`, `\u002d` or `\x2d`.
fn backslash(text: &[u8]) -> Escape {
    match text.get(1) {
        None => Escape::CutOff,
        Some(byte @ (b'/' | b'"' | b'\'' | b'\\')) => Escape::Of(*byte, 2),
        Some(b'u') => hex(text, 2, 4),
        Some(b'x') => hex(text, 2, 2),
        Some(_) => Escape::None,
    }
}

/// A character reference of HTML with its semicolon, such as `&amp;`, `&#45;` or `&#x2D;`.
fn reference(text: &[u8]) -> Escape {
    let window = text.get(..MAX_ESCAPE_BYTES).unwrap_or(text);
    let Some(end) = memchr(b';', window) else {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
        let may_go_on = window.len() < MAX_ESCAPE_BYTES
            && window.get(1..).unwrap_or_default().iter().all(is_name);
        return if may_go_on {
            Escape::CutOff
        } else {
            Escape::None
        };
    };
    let name = window.get(1..end).unwrap_or_default();
    let number = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok()?;
        ascii(u32::from_str_radix(digits, radix).ok()?)
    };
    let byte = match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    };
    byte.map_or(Escape::None, |byte| Escape::Of(byte, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(source: &str) -> Option<String> {
        decode(source.as_bytes(), true).map(|decoded| String::from_utf8(decoded.bytes).unwrap())
    }

    #[test]
    fn every_kind_of_escape_is_decoded() {
        for (source, expected) in [
            ("a%2Db%2dc", "a-b-c"),
            (r"a\u002db\x2Dc\/d\\e\u002D", r"a-b-c/d\e-"),
            ("a~0b~1c", "a~b/c"),
            ("&amp;&lt;&gt;&quot;&apos;&#45;&#x2d;&#X2D;", "&<>\"'---"),
            // What only looks like an escape stays.
            ("100%; ~x ~", "100%; ~x ~"),
            (r"\n\u00e9%ff&nbsp;&#233;&#;", r"\n\u00e9%ff&nbsp;&#233;&#;"),
        ] {
            let expected = (source != expected).then(|| expected.to_owned());
            assert_eq!(decoded(source), expected, "{source}");
        }
    }

    #[test]
    fn an_escape_that_is_cut_off_is_decoded_later_or_taken_literally() {
        for (source, at) in [
            ("ab%", 2),
            ("ab%2", 2),
            (r"ab\", 2),
            (r"ab\u", 2),
            (r"ab\u002", 2),
            ("ab&", 2),
            ("ab&#x2", 2),
            ("ab&am", 2),
            ("ab~", 2),
        ] {
            let cut = decode(source.as_bytes(), false).unwrap();
            assert_eq!(
                (cut.bytes.as_slice(), cut.end),
                (&b"ab"[..], at),
                "{source}"
            );
            assert!(decode(source.as_bytes(), true).is_none(), "{source}");
        }
        // What follows can no longer become a character reference.
        for source in ["AT&T is a company", "AT& T", "&abcdefghij"] {
            assert!(decode(source.as_bytes(), false).is_none(), "{source}");
        }
    }

    #[test]
    fn positions_in_the_decoded_text_are_found_in_the_source() {
        let source = r"ab%2Dc\/d~";
        let offsets = source_offsets(source.as_bytes(), &[0, 2, 3, 4, 5, 6, 9], false);
        assert_eq!(offsets, [0, 2, 5, 6, 8, 9, 9]);
        assert_eq!(
            source_offsets(source.as_bytes(), &[6, 7, 8], true),
            [9, 10, 10]
        );
    }
}
