//! A fast path for events that differ only in the text they add.
//!
//! The events of one stream are the same except for a few characters: each repeats hundreds of
//! bytes of identifiers and empty members. After an event has been parsed, the bytes around its
//! text are kept as a template for the next event. If those bytes are identical, so is the meaning:
//! one JSON string has replaced another.

use std::borrow::Cow;

use crate::document::{Document, Kind, plain_run};

/// JSON Pointer to the text of an event.
const CONTENT: &str = "/choices/0/delta/content";

/// JSON Pointer to a member of random characters that hides the length of the text. It has no other
/// use.
const NOISE: &str = "/obfuscation";

/// The bytes around the text of an event.
#[derive(Debug)]
pub(super) struct Template {
    /// Up to and including the opening quote of the text.
    before: Vec<u8>,
    /// From the closing quote of the text up to and including the opening quote of the noise, if
    /// there is noise.
    between: Option<Vec<u8>>,
    /// From the last closing quote to the end.
    after: Vec<u8>,
}

impl Template {
    /// The template of an event that contains text of the first choice and nothing else. `None` if
    /// the text or the noise is elsewhere or is not a string.
    pub fn of(data: &str) -> Option<Template> {
        let document = Document::parse(data).ok()?;
        // With duplicate members, it is undefined which one counts.
        if document.text() != data || document.root().has_duplicate_members() {
            return None;
        }
        let inside = |pointer| {
            let node = document.at(pointer)?;
            let span = node.span();
            (node.kind() == Kind::String).then_some((span.start + 1, span.end.checked_sub(1)?))
        };
        let part = |from, to| Some(data.get(from..to)?.as_bytes().to_vec());
        let (start, end) = inside(CONTENT)?;
        let before = part(0, start)?;
        Some(match document.at(NOISE) {
            None => Template {
                before,
                between: None,
                after: part(end, data.len())?,
            },
            Some(_) => {
                let (noise, noise_end) = inside(NOISE)?;
                Template {
                    before,
                    between: Some(part(end, noise)?),
                    after: part(noise_end, data.len())?,
                }
            }
        })
    }

    /// The text of an event that matches the template. `None` for any other event, and for text with
    /// a `\u` escape.
    pub fn text<'a>(&self, data: &'a str) -> Option<Cow<'a, str>> {
        let (text, mut rest) = literal(strip(data, &self.before)?)?;
        if let Some(between) = &self.between {
            rest = strip(rest, between)?;
            rest = rest.get(plain_run(rest.as_bytes())..)?;
        }
        same(rest.as_bytes(), &self.after).then_some(text)
    }
}

/// The rest of `text` after `prefix`, if it starts with it.
fn strip<'a>(text: &'a str, prefix: &[u8]) -> Option<&'a str> {
    let (start, _) = text.as_bytes().split_at_checked(prefix.len())?;
    if same(start, prefix) {
        text.get(prefix.len()..)
    } else {
        None
    }
}

/// Compares two slices 16 bytes at a time. The standard comparison goes byte by byte in WebAssembly
/// and would take most of the time.
fn same(one: &[u8], other: &[u8]) -> bool {
    let (ones, one_rest) = one.as_chunks::<16>();
    let (others, other_rest) = other.as_chunks::<16>();
    one.len() == other.len()
        && ones
            .iter()
            .zip(others)
            .all(|(one, other)| u128::from_le_bytes(*one) == u128::from_le_bytes(*other))
        && one_rest
            .iter()
            .zip(other_rest)
            .all(|(one, other)| one == other)
}

/// Reads a JSON string without its opening quote. Returns its characters and the rest of `text`
/// from the closing quote. `None` if the string is not closed, contains a character that must be
/// escaped, or has a `\u` escape.
fn literal(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let run = plain_run(text.as_bytes());
    let (plain, mut rest) = text.split_at_checked(run)?;
    if rest.starts_with('"') {
        return Some((Cow::Borrowed(plain), rest));
    }
    let mut decoded = String::with_capacity(plain.len() + 16);
    decoded.push_str(plain);
    loop {
        let escape = rest.strip_prefix('\\')?;
        decoded.push(match escape.as_bytes().first()? {
            b'n' => '\n',
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        let after = escape.get(1..)?;
        let (plain, tail) = after.split_at_checked(plain_run(after.as_bytes()))?;
        decoded.push_str(plain);
        if tail.starts_with('"') {
            return Some((Cow::Owned(decoded), tail));
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"choices":[{"index":0,"delta":{"content":"ab"}}],"obfuscation":"x"}"#;

    fn read(event: &str, next: &str) -> Option<String> {
        Template::of(event)?.text(next).map(Cow::into_owned)
    }

    #[test]
    fn an_event_that_differs_only_in_text_and_noise_matches() {
        for (text, meant) in [
            ("", ""),
            ("a", "a"),
            ("é 日本 🦀", "é 日本 🦀"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#"{\"tasks\":[{"#, "{\"tasks\":[{"),
        ] {
            for noise in ["", "x", "é", "sixteen and more characters"] {
                let next = EVENT
                    .replace("ab", text)
                    .replace(":\"x\"", &format!(":\"{noise}\""));
                assert_eq!(read(EVENT, &next).as_deref(), Some(meant), "{next}");
            }
        }
        let quiet = r#"{"choices":[{"delta":{"content":"ab"},"index":0}]}"#;
        assert_eq!(read(quiet, &quiet.replace("ab", "c")).as_deref(), Some("c"));
    }

    #[test]
    fn an_event_that_differs_elsewhere_does_not_match() {
        for next in [
            "",
            r#"{"choices":[{"index":0,"delta":{"content":""#,
            r#"{"choices":[{"index":0,"delta":{"content":"a\"#,
            r#"{"choices":[{"index":1,"delta":{"content":"ab"}}],"obfuscation":"x"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"ab"}}],"obfuscation":"x","usage":{}}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"ab"}}],"obfuscation":"x"} "#,
            r#"{"choices":[{"index":0,"delta":{"content":"ab"}}],"obfuscation":"x\n"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"a","b":"c"}}],"obfuscation":"x"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"\u0061"}}],"obfuscation":"x"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"\x"}}],"obfuscation":"x"}"#,
            "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\nb\"}}],\"obfuscation\":\"x\"}",
        ] {
            assert_eq!(read(EVENT, next), None, "{next}");
        }
    }

    #[test]
    fn an_ambiguous_event_makes_no_template() {
        for event in [
            r#"{"choices":[{"delta":{"content":"a","content":"b"}}]}"#,
            r#"{"choices":[{"delta":{"content":null}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"}}],"obfuscation":7}"#,
            r#"{"obfuscation":"x","choices":[{"delta":{"content":"a"}}]}"#,
            r#"{"choices":[]}"#,
            " {}",
            "{",
        ] {
            assert!(Template::of(event).is_none(), "{event}");
        }
    }

    #[test]
    fn slices_of_every_length_are_compared_to_their_last_byte() {
        for length in 0..50 {
            let one = vec![b'a'; length];
            assert!(same(&one, &one.clone()));
            for at in 0..length {
                let mut other = one.clone();
                other[at] = b'b';
                assert!(!same(&one, &other), "{length} {at}");
            }
            assert!(!same(&one, &vec![b'a'; length + 1]));
        }
    }
}
