//! The event stream decoder returns the events that the standard defines, however the bytes are
//! split.

use taskwright::model::sse::{Decoder, MAX_LINE_BYTES};

use super::reference_decoder::{SseEvent, events};
use super::splits::splits;

/// Panics if this does not hold for a body.
pub fn holds(body: &[u8]) {
    if body.len() > MAX_LINE_BYTES {
        return;
    }
    let expected = events(body);
    assert_eq!(decode(&[body]), expected, "in one piece");
    for pieces in splits(body) {
        assert_eq!(decode(&pieces), expected, "in {} pieces", pieces.len());
    }
}

fn decode(pieces: &[&[u8]]) -> Vec<SseEvent> {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    for piece in pieces {
        let result = decoder.push(piece, |event| {
            assert!(
                !event.replaced || event.data.contains(char::REPLACEMENT_CHARACTER),
                "{event:?} has no replacement character"
            );
            events.push(SseEvent {
                name: event.name.to_owned(),
                data: event.data.to_owned(),
            });
        });
        assert_eq!(result, Ok(()), "no line is too long");
    }
    events
}
