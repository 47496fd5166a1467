//! Text around a document, and where in it the document begins.

/// Text in which a document may begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prose {
    /// Nothing but whitespace so far.
    pub blank: bool,
    /// A bracket that begins a document if the right character follows.
    pub bracket: Option<(u8, usize)>,
}

impl Prose {
    /// Before the first byte.
    pub const START: Prose = Prose {
        blank: true,
        bracket: None,
    };

    /// Takes the byte at `at`, and skips to the next that matters.
    pub fn take(self, answer: &str, byte: u8, at: &mut usize) -> ProseStep {
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
            // The bracket was prose. This byte is looked at as such.
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
                let rest = answer.as_bytes().get(*at..).unwrap_or_default();
                *at += memchr::memchr2(b'{', b'[', rest).unwrap_or(rest.len());
                ProseStep::Prose(Prose {
                    blank: false,
                    bracket: None,
                })
            }
        }
    }
}

/// What a byte of prose led to.
pub(super) enum ProseStep {
    /// Nothing yet.
    Prose(Prose),
    /// A document began with this bracket, at this offset.
    Document(u8, usize),
}

/// Whitespace of JSON (RFC 8259, section 2).
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
