//! What the operator should know about a pasted text.

use std::fmt;

/// The kind of a [`PasteNotice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PasteNoticeKind {
    /// Something was recognised or guessed.
    Recognized,
    /// Something was taken over in another form.
    Changed,
    /// Something is needed that the text does not have.
    Missing,
    /// Something of the text was not taken over.
    LeftOut,
}

/// One sentence about what was read from a pasted text. It never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasteNotice {
    /// What the sentence is about.
    pub kind: PasteNoticeKind,
    /// The sentence, in plain English, with a full stop.
    pub text: String,
}

impl fmt::Display for PasteNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Maximum number of notices about one thing. A text can give rise to thousands.
const MAX_NOTICES: usize = 100;

/// A list of notices while a text is read. Each sentence occurs once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Notices(Vec<PasteNotice>);

impl Notices {
    pub(super) fn recognized(&mut self, text: impl Into<String>) {
        self.add(PasteNoticeKind::Recognized, text.into());
    }

    pub(super) fn changed(&mut self, text: impl Into<String>) {
        self.add(PasteNoticeKind::Changed, text.into());
    }

    pub(super) fn missing(&mut self, text: impl Into<String>) {
        self.add(PasteNoticeKind::Missing, text.into());
    }

    pub(super) fn left_out(&mut self, text: impl Into<String>) {
        self.add(PasteNoticeKind::LeftOut, text.into());
    }

    fn add(&mut self, kind: PasteNoticeKind, text: String) {
        let is_known = self.0.iter().any(|notice| notice.text == text);
        if !is_known && self.0.len() < MAX_NOTICES {
            self.0.push(PasteNotice { kind, text });
        }
    }

    /// Adds the notices of another list.
    pub(super) fn extend(&mut self, others: Vec<PasteNotice>) {
        for PasteNotice { kind, text } in others {
            self.add(kind, text);
        }
    }

    pub(super) fn into_vec(self) -> Vec<PasteNotice> {
        self.0
    }
}
