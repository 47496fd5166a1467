//! The decoder of event streams gives the events of the standard, however the bytes are split.

use taskwright::model::sse::{Decoder, MAX_LINE_BYTES};

use super::reference_decoder::{SseEvent, events};
use super::splits::ways;

/// Panics where a body is decoded otherwise than the standard says.
pub fn holds(body: &[u8]) {
    if body.len() > MAX_LINE_BYTES {
        return;
    }
    let expected = events(body);
    assert_eq!(decoded(&[body]), expected, "in one piece");
    for pieces in ways(body) {
        assert_eq!(decoded(&pieces), expected, "in {} pieces", pieces.len());
    }
}

fn decoded(pieces: &[&[u8]]) -> Vec<SseEvent> {
    let mut decoder = Decoder::new();
    let mut seen = Vec::new();
    for piece in pieces {
        let result = decoder.push(piece, |event| {
            assert!(
                !event.replaced || event.data.contains(char::REPLACEMENT_CHARACTER),
                "{event:?} holds nothing that was replaced"
            );
            seen.push(SseEvent {
                name: event.name.to_owned(),
                data: event.data.to_owned(),
            });
        });
        assert_eq!(result, Ok(()), "nothing here is too long");
    }
    seen
}
