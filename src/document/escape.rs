//! Decoding and encoding of JSON string literals.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Decodes the source of a string literal, given without its quotes. The scanner has accepted it;
/// anything undecodable is skipped.
pub(super) fn unquote(raw: &str) -> Cow<'_, str> {
    let Some(first) = raw.find('\\') else {
        return Cow::Borrowed(raw);
    };
    let (plain, mut rest) = raw.split_at_checked(first).unwrap_or((raw, ""));
    let mut out = String::with_capacity(raw.len());
    out.push_str(plain);
    while let Some(after) = rest.strip_prefix('\\') {
        let mut chars = after.chars();
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let unit = hex4(chars.as_str());
                chars = skip(chars.as_str(), 4).chars();
                let code = match unit {
                    0xD800..=0xDBFF => {
                        let low = hex4(skip(chars.as_str(), 2));
                        chars = skip(chars.as_str(), 6).chars();
                        0x10000 + ((unit - 0xD800) << 10) + (low.saturating_sub(0xDC00) & 0x3FF)
                    }
                    unit => unit,
                };
                out.extend(char::from_u32(code));
            }
            Some(other) => out.push(other),
            None => {}
        }
        let tail = chars.as_str();
        let next = tail.find('\\').unwrap_or(tail.len());
        let (plain, more) = tail.split_at_checked(next).unwrap_or((tail, ""));
        out.push_str(plain);
        rest = more;
    }
    Cow::Owned(out)
}

fn hex4(text: &str) -> u32 {
    text.get(..4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

/// Encodes `text` as a JSON string literal, quotes included. Only the characters that RFC 8259,
/// section 7 requires are escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
