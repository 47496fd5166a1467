//! Redacts a text that arrives in pieces: a secret is found however it is split over them.

use std::sync::Arc;

use super::{REDACTED, Redactor, Surroundings, merged};

/// Redacts a text that arrives in pieces. What could be the beginning of a secret is held back until it
/// is decided; that is never longer than the longest form of a secret with all its bytes escaped.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Arc<Redactor>,
    /// What arrived and was not released.
    pending: String,
    /// How many bytes at the start of `pending` belong to a secret that was already replaced.
    covered: usize,
    /// The byte before `pending`.
    before: Option<u8>,
}

impl StreamRedactor {
    /// Creates a redactor for one text.
    #[must_use]
    pub fn new(redactor: Arc<Redactor>) -> StreamRedactor {
        StreamRedactor {
            redactor,
            pending: String::new(),
            covered: 0,
            before: None,
        }
    }

    /// Takes the next piece and returns the text that can be shown; may be empty.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        if self.redactor.forms.is_empty() {
            return piece.to_owned();
        }
        self.pending.push_str(piece);
        self.release(false)
    }

    /// Ends the text and returns the rest of it. The beginning of a secret that the end cuts off is
    /// redacted if it is longer than a few characters.
    #[must_use]
    pub fn finish(&mut self) -> String {
        self.release(true)
    }

    fn release(&mut self, is_end: bool) -> String {
        let surroundings = Surroundings {
            before: self.before,
            is_end,
        };
        let bytes = self.pending.as_bytes();
        let scan = self.redactor.scan(bytes, surroundings, |_| true);
        let mut ranges: Vec<_> = scan.found.into_iter().map(|found| found.range).collect();
        if self.covered > 0 {
            ranges.push(0..self.covered);
        }
        let hold = (0..=scan.hold)
            .rev()
            .find(|at| self.pending.is_char_boundary(*at))
            .unwrap_or(0);
        if hold == 0 {
            return String::new();
        }
        let mut released = String::with_capacity(hold);
        let mut position = 0;
        let mut covered = 0;
        for range in merged(ranges) {
            if range.start >= hold {
                break;
            }
            released.push_str(self.pending.get(position..range.start).unwrap_or_default());
            if range.start > 0 || self.covered == 0 {
                released.push_str(REDACTED);
            }
            position = range.end.min(hold);
            covered = range.end.saturating_sub(hold);
        }
        released.push_str(self.pending.get(position..hold).unwrap_or_default());
        self.before = bytes.get(hold - 1).copied();
        self.covered = covered;
        self.pending.drain(..hold);
        released
    }
}
