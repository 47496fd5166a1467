//! Finds the start of a document in the text around it.

use super::markers::may_begin;

/// Text outside a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prose {
    /// Whether there was only whitespace so far.
    pub blank: bool,
    /// A bracket, with its offset, that begins a document if the right character follows.
    pub bracket: Option<(u8, usize)>,
}

impl Prose {
    /// The state before the first byte.
    pub const START: Prose = Prose {
        blank: true,
        bracket: None,
    };

    /// Takes the byte at offset `at`, and moves `at` to the next byte that matters.
    pub fn take(self, text: &str, byte: u8, at: &mut usize) -> ProseStep {
        if let Some((bracket, start)) = self.bracket {
            if is_space(byte) {
                *at += 1;
                return ProseStep::Prose(self);
            }
            let begins = match bracket {
                b'{' => byte == b'"',
                _ => byte == b'{' || (self.blank && byte == b']'),
            };
            if begins {
                return ProseStep::Document(bracket, start);
            }
            // The bracket was prose. This byte is read again as prose.
            return ProseStep::Prose(Prose {
                blank: false,
                bracket: None,
            });
        }
        let start = *at;
        match byte {
            b'{' if self.blank => {
                *at += 1;
                ProseStep::Document(byte, start)
            }
            b'{' | b'[' => {
                *at += 1;
                ProseStep::Prose(Prose {
                    bracket: Some((byte, start)),
                    ..self
                })
            }
            _ if self.blank && is_space(byte) => {
                *at += 1;
                ProseStep::Prose(self)
            }
            _ => {
                *at += 1;
                let rest = text.as_bytes().get(*at..).unwrap_or_default();
                *at += next_of_interest(rest);
                ProseStep::Prose(Prose {
                    blank: false,
                    bracket: None,
                })
            }
        }
    }
}

/// The number of bytes before the next one that may begin a document or a marker.
fn next_of_interest(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| matches!(byte, b'{' | b'[') || may_begin(*byte))
        .unwrap_or(bytes.len())
}

/// Whether the text before a document is only the beginning of a code fence.
pub(super) fn is_fence(before: &str) -> bool {
    let before = before.trim_ascii();
    before
        .strip_prefix("```")
        .is_some_and(|word| word.len() <= 16 && word.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The result of taking a byte.
pub(super) enum ProseStep {
    /// Still outside a document.
    Prose(Prose),
    /// A document began with this bracket at this offset.
    Document(u8, usize),
}

/// Whether a byte is JSON whitespace (RFC 8259, section 2).
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
