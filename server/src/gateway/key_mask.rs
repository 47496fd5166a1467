//! Keeps the key of the model endpoint out of passing responses: an endpoint may repeat it in an error.

use axum::body::Bytes;
use memchr::memmem::{self, Finder};

use crate::secret_text::SecretText;

/// Shorter keys are not masked: they would be found in any text.
const MIN_KEY_BYTES: usize = 8;
/// What each byte of the key becomes.
const MASK: u8 = b'*';

/// Replaces a key in a stream, byte by byte, so that every length stays as it is. All other bytes pass
/// unchanged. The end of a piece that may be the beginning of the key is held until the next piece.
#[derive(Debug)]
pub struct KeyMask {
    key: Option<SecretText>,
    held: Vec<u8>,
}

impl KeyMask {
    /// Masks `key`, if there is one.
    #[must_use]
    pub fn new(key: Option<&SecretText>) -> Self {
        let key = key.filter(|key| key.reveal().len() >= MIN_KEY_BYTES);
        Self {
            key: key.cloned(),
            held: Vec::new(),
        }
    }

    /// Whether a text contains the key.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        self.key
            .as_ref()
            .is_some_and(|key| memmem::find(text, key.reveal().as_bytes()).is_some())
    }

    /// Passes the next piece on. The result is empty if all of it is held.
    pub fn pass(&mut self, piece: Bytes) -> Bytes {
        let Some(key) = &self.key else {
            return piece;
        };
        let key = key.reveal().as_bytes();
        let finder = Finder::new(key);
        if self.held.is_empty() && finder.find(&piece).is_none() && prefix_at_end(&piece, key) == 0
        {
            return piece;
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(&piece);
        let found: Vec<usize> = finder.find_iter(&text).collect();
        for start in found {
            let end = start.saturating_add(key.len());
            if let Some(occurrence) = text.get_mut(start..end) {
                occurrence.fill(MASK);
            }
        }
        let end = text.len().saturating_sub(prefix_at_end(&text, key));
        self.held = text.split_off(end);
        Bytes::from(text)
    }

    /// What is still held when the response has ended.
    pub fn finish(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.held))
    }
}

/// The length of the longest end of `text` that is a beginning of `key`, but not all of it.
fn prefix_at_end(text: &[u8], key: &[u8]) -> usize {
    let longest = key.len().saturating_sub(1).min(text.len());
    (1..=longest)
        .rev()
        .find(|length| {
            key.get(..*length)
                .is_some_and(|start| text.ends_with(start))
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "sk-sk-123";

    fn passed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut mask = KeyMask::new(Some(&SecretText::new(KEY.to_owned())));
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&mask.pass(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&mask.finish());
        out
    }

    #[test]
    fn the_key_is_masked_wherever_a_piece_ends() {
        let text = format!("a {KEY}{KEY} sk-{KEY} sk-sk-12 sk-");
        let expected = "a ****************** sk-********* sk-sk-12 sk-";
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(String::from_utf8(passed(&pieces)).unwrap(), expected);
        }
    }

    #[test]
    fn a_piece_without_the_beginning_of_the_key_is_passed_at_once() {
        let mut mask = KeyMask::new(Some(&SecretText::new(KEY.to_owned())));
        let piece = Bytes::from_static(b"data: {}\n\n");
        assert_eq!(mask.pass(piece.clone()), piece);
        assert!(mask.finish().is_empty());
        assert!(mask.is_in(b"x sk-sk-123"));
        assert!(!mask.is_in(b"x sk-sk-12"));
    }

    #[test]
    fn without_a_key_or_with_a_short_one_everything_passes() {
        for key in [None, Some(SecretText::new("short".to_owned()))] {
            let mut mask = KeyMask::new(key.as_ref());
            assert_eq!(mask.pass(Bytes::from_static(b"a short")), "a short");
            assert!(!mask.is_in(b"short"));
        }
    }

    proptest! {
        #[test]
        fn all_other_bytes_pass_unchanged(
            pieces in proptest::collection::vec("[sk-]{0,6}|[ -~]{0,20}", 0..8),
        ) {
            let whole = pieces.concat();
            let pieces: Vec<&[u8]> = pieces.iter().map(String::as_bytes).collect();
            let expected = whole.replace(KEY, "*********");
            prop_assert_eq!(passed(&pieces), expected.into_bytes());
        }
    }
}
