//! Finds the start of a document in the text around it.

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
                let rest = text.as_bytes().get(*at..).unwrap_or_default();
                *at += memchr::memchr2(b'{', b'[', rest).unwrap_or(rest.len());
                ProseStep::Prose(Prose {
                    blank: false,
                    bracket: None,
                })
            }
        }
    }
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
