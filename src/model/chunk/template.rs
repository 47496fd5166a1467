//! Events that differ only in the text they add.
//!
//! The events of one stream are alike but for a few characters each: hundreds of bytes of
//! identifiers and empty members stand around them. What stood around the text of an event that
//! was read in full is kept, and the next event is compared with it. Where all is the same, byte
//! for byte, so is its meaning: one JSON string stands where another one stood.

use std::borrow::Cow;

use crate::document::{Document, Kind, plain_run};

/// Where the text stands in an event.
const CONTENT: &str = "/choices/0/delta/content";

/// A member that carries random characters, so that the length of an event says nothing of the
/// length of its text. It is of no other use.
const NOISE: &str = "/obfuscation";

/// What stands around the text of an event.
#[derive(Debug)]
pub(super) struct Template {
    /// Up to the text, its opening quote included.
    before: Vec<u8>,
    /// From the text's closing quote up to the noise, its opening quote included, where there is
    /// noise.
    between: Option<Vec<u8>>,
    /// From the last closing quote to the end.
    after: Vec<u8>,
}

impl Template {
    /// The template of an event that says nothing but one part of the text of the first choice.
    /// `None` where the text or the noise stands elsewhere or is no string.
    pub fn of(data: &str) -> Option<Template> {
        let document = Document::parse(data).ok()?;
        // Of members that have one name it is open which one counts.
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

    /// The text of an event that is the same but for its text and its noise; `None` for any other
    /// one, and for a text with an escape other than the short ones.
    pub fn text<'a>(&self, data: &'a str) -> Option<Cow<'a, str>> {
        let (text, mut rest) = literal(strip(data, &self.before)?)?;
        if let Some(between) = &self.between {
            rest = strip(rest, between)?;
            rest = rest.get(plain_run(rest.as_bytes())..)?;
        }
        same(rest.as_bytes(), &self.after).then_some(text)
    }
}

/// What follows `prefix` in `text`, where it begins with it.
fn strip<'a>(text: &'a str, prefix: &[u8]) -> Option<&'a str> {
    let (start, _) = text.as_bytes().split_at_checked(prefix.len())?;
    if same(start, prefix) {
        text.get(prefix.len()..)
    } else {
        None
    }
}

/// Whether two texts are the same, 16 bytes at a time: where the library's own comparison goes
/// byte by byte, as in WebAssembly, it would take most of the time.
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

/// Reads a string whose opening quote is passed: its characters, and what begins with its closing
/// quote. `None` where it is not closed, holds what has to be escaped, or an escape by number.
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
    fn an_event_that_differs_in_text_and_noise_alone_is_read() {
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
    fn an_event_that_differs_anywhere_else_is_not() {
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
    fn an_event_of_which_it_is_open_what_it_says_is_no_template() {
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
    fn texts_of_every_length_are_compared_to_their_last_byte() {
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
