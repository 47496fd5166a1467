//! Server-sent events as bytes (HTML standard, section 9.2.5), cut into writes.

use axum::body::Bytes;

use crate::script::Wire;

/// One event before it is bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's type; absent on APIs that do not name their events.
    pub name: Option<String>,
    /// The data, one line.
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

/// Puts events into bytes as the script wants them, one item per write.
#[must_use]
pub fn writes(events: &[Event], wire: &Wire) -> Vec<Bytes> {
    let mut blocks: Vec<Vec<u8>> = Vec::with_capacity(events.len());
    for (number, event) in events.iter().enumerate() {
        blocks.push(block(number, event, wire).into_bytes());
    }
    spread(blocks, wire)
}

/// Puts blocks of bytes into writes of the size that the script wants, as far as it lets them go.
#[must_use]
pub fn spread(mut blocks: Vec<Vec<u8>>, wire: &Wire) -> Vec<Bytes> {
    cut(&mut blocks, wire.cut_at_byte);
    match wire.write {
        None => blocks.into_iter().map(Bytes::from).collect(),
        Some(size) => {
            let whole = Bytes::from(blocks.concat());
            whole
                .chunks(size.max(1))
                .map(|part| whole.slice_ref(part))
                .collect()
        }
    }
}

/// The text of one event, with what the script puts before it.
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
        escape_beyond_ascii(&event.data, &mut block);
    } else {
        block.push_str(&event.data);
    }
    block.push_str(end);
    block.push_str(end);
    block
}

/// Writes JSON with everything beyond ASCII as `\u` escapes in UTF-16 (RFC 8259, section 7).
/// In JSON such characters stand in strings only, so this may look at the text alone.
fn escape_beyond_ascii(json: &str, into: &mut String) {
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

/// Leaves the first `limit` bytes of the blocks.
fn cut(blocks: &mut Vec<Vec<u8>>, limit: Option<usize>) {
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
    fn events_are_framed_with_the_line_end_the_script_wants() {
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
    fn named_events_comments_and_further_fields_are_written() {
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
    fn a_cut_leaves_exactly_so_many_bytes() {
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
    fn escapes_beyond_ascii_mean_the_same_text() {
        let wire = Wire {
            ascii: true,
            ..Wire::default()
        };
        let text = joined(&writes(&[Event::data("\"é🦀\"")], &wire));
        assert_eq!(text, "data: \"\\u00e9\\ud83e\\udd80\"\n\n");
    }
}
