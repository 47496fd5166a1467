//! Server-sent events as bytes (HTML standard, section 9.2.5), split into writes.

use axum::body::Bytes;

use crate::script::Wire;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The type; absent in APIs without named events.
    pub name: Option<String>,
    /// The data, a single line.
    pub data: String,
}

impl Event {
    /// An event without a type.
    #[must_use]
    pub fn data(data: impl Into<String>) -> Self {
        Self {
            name: None,
            data: data.into(),
        }
    }
}

/// Encodes events as the script demands, one item per write.
#[must_use]
pub fn writes(events: &[Event], wire: &Wire) -> Vec<Bytes> {
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(events.len());
    for (number, event) in events.iter().enumerate() {
        blocks.push(block(number, event, wire).into_bytes());
    }
    if let Some(last) = blocks.last_mut().filter(|_| wire.open_last_event) {
        last.truncate(last.trim_ascii_end().len());
    }
    split(blocks, wire)
}

/// Splits blocks of bytes into writes, each of one block or of the size that the script demands. Bytes
/// beyond the limit of the script are omitted.
#[must_use]
pub fn split(mut blocks: Vec<Vec<u8>>, wire: &Wire) -> Vec<Bytes> {
    truncate(&mut blocks, wire.cut_at_byte);
    match wire.write {
        None => blocks.into_iter().map(Bytes::from).collect(),
        Some(size) => {
            let bytes = Bytes::from(blocks.concat());
            bytes
                .chunks(size.max(1))
                .map(|part| bytes.slice_ref(part))
                .collect()
        }
    }
}

/// The text of an event, with the comment and fields that the script adds.
fn block(number: usize, event: &Event, wire: &Wire) -> String {
    let end = wire.line_end.text();
    let mut block = String::new();
    if wire.comments {
        block.push_str(": keep-alive");
        block.push_str(end);
        block.push_str(end);
    }
    if wire.extra_fields {
        block.push_str(&format!("id: {number}{end}retry: 3000{end}"));
    }
    match &event.name {
        Some(name) => block.push_str(&format!("event: {name}{end}")),
        None if wire.extra_fields => block.push_str(&format!("event: message{end}")),
        None => {}
    }
    block.push_str("data: ");
    if wire.ascii {
        escape_non_ascii(&event.data, &mut block);
    } else {
        block.push_str(&event.data);
    }
    block.push_str(end);
    block.push_str(end);
    block
}

/// Writes JSON with characters outside ASCII as `\u` escapes in UTF-16 (RFC 8259, section 7). In JSON
/// they occur in strings only, so the text need not be parsed.
fn escape_non_ascii(json: &str, into: &mut String) {
    for character in json.chars() {
        if character.is_ascii() {
            into.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                into.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

/// Keeps the first `limit` bytes of the blocks.
fn truncate(blocks: &mut Vec<Vec<u8>>, limit: Option<usize>) {
    let Some(mut left) = limit else {
        return;
    };
    for block in blocks.iter_mut() {
        block.truncate(left);
        left -= block.len();
    }
    blocks.retain(|block| !block.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::LineEnd;

    fn joined(writes: &[Bytes]) -> String {
        String::from_utf8(writes.concat()).unwrap()
    }

    #[test]
    fn events_are_framed_with_the_line_end_of_the_script() {
        let events = [Event::data("a"), Event::data("b")];
        for (line_end, text) in [
            (LineEnd::LineFeed, "data: a\n\ndata: b\n\n"),
            (LineEnd::Both, "data: a\r\n\r\ndata: b\r\n\r\n"),
            (LineEnd::CarriageReturn, "data: a\r\rdata: b\r\r"),
        ] {
            let wire = Wire {
                line_end,
                ..Wire::default()
            };
            assert_eq!(joined(&writes(&events, &wire)), text);
        }
    }

    #[test]
    fn the_last_event_may_lack_its_closing_empty_line() {
        let wire = Wire {
            open_last_event: true,
            ..Wire::default()
        };
        let events = [Event::data("a"), Event::data("b")];
        assert_eq!(joined(&writes(&events, &wire)), "data: a\n\ndata: b");
    }

    #[test]
    fn event_names_comments_and_additional_fields_are_written() {
        let event = Event {
            name: Some("error".to_owned()),
            data: "{}".to_owned(),
        };
        let wire = Wire {
            comments: true,
            extra_fields: true,
            ..Wire::default()
        };
        assert_eq!(
            joined(&writes(&[event], &wire)),
            ": keep-alive\n\nid: 0\nretry: 3000\nevent: error\ndata: {}\n\n"
        );
    }

    #[test]
    fn writes_of_one_byte_split_characters_and_lose_nothing() {
        let wire = Wire {
            write: Some(1),
            ..Wire::default()
        };
        let parts = writes(&[Event::data("🦀ß")], &wire);
        assert!(parts.iter().all(|part| part.len() == 1));
        assert_eq!(joined(&parts), "data: 🦀ß\n\n");
    }

    #[test]
    fn a_limit_keeps_exactly_that_many_bytes() {
        for limit in 0..24 {
            let wire = Wire {
                cut_at_byte: Some(limit),
                ..Wire::default()
            };
            let bytes = writes(&[Event::data("abc"), Event::data("é")], &wire).concat();
            assert_eq!(bytes.len(), limit.min(21));
        }
    }

    #[test]
    fn characters_outside_ascii_are_escaped_in_utf_16() {
        let wire = Wire {
            ascii: true,
            ..Wire::default()
        };
        let text = joined(&writes(&[Event::data("\"é🦀\"")], &wire));
        assert_eq!(text, "data: \"\\u00e9\\ud83e\\udd80\"\n\n");
    }
}
