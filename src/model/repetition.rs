//! Recognises text that an endpoint sends again.
//!
//! Some endpoints send the complete text so far in every event, and some repeat the complete text at
//! the end. A delta that begins with the complete text before it can mean two things as long as
//! that text is short: more text, or all of it again. Then the next delta decides.

use std::borrow::Cow;

/// Shortest text whose exact repetition is not taken for more text, in bytes.
const MIN_REPEATED_BYTES: usize = 24;

/// Longest blank text after which the deltas count as new text. It bounds the work per delta.
const MAX_BLANK_BYTES: usize = 4096;

/// What the deltas of a stream contain.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Mode {
    /// Not known yet.
    #[default]
    Unknown,
    /// New text.
    New,
    /// The complete text so far.
    Complete,
}

/// Turns the deltas of one text into new text.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    mode: Mode,
    /// A delta that begins with the complete text before it; it is read once its meaning is known.
    pending: Option<String>,
}

/// A delta of a stream with complete texts does not continue the text before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differs;

impl Repetition {
    /// The new text of a delta. `text` is the complete text so far, without a pending delta.
    /// `is_closed` says whether its JSON document has closed.
    ///
    /// # Errors
    /// [`Differs`] if the deltas contain the complete text, and this one another text.
    pub fn take<'a>(
        &mut self,
        text: &str,
        is_closed: bool,
        delta: &'a str,
    ) -> Result<Cow<'a, str>, Differs> {
        match self.mode {
            Mode::New if delta.len() < text.len() => Ok(Cow::Borrowed(delta)),
            Mode::New => Ok(match is_closed && is_repeated(text, delta) {
                true => Cow::Borrowed(""),
                false => Cow::Borrowed(delta),
            }),
            Mode::Complete => match delta.strip_prefix(text) {
                Some(more) => Ok(Cow::Borrowed(more)),
                // Some endpoints end with an empty or an earlier text.
                None if text.starts_with(delta) => Ok(Cow::Borrowed("")),
                None => Err(Differs),
            },
            Mode::Unknown => Ok(self.decide(text, is_closed, delta)),
        }
    }

    /// The new text of the pending delta, once no other delta follows. `closes` says whether a text is
    /// one complete JSON document.
    pub fn end(&mut self, text: &str, closes: impl Fn(&str) -> bool) -> Option<String> {
        let pending = self.pending.take()?;
        let together = format!("{text}{pending}");
        self.mode = Mode::Complete;
        if closes(&together) {
            self.mode = Mode::New;
            return Some(pending);
        }
        pending.strip_prefix(text).map(str::to_owned)
    }

    fn decide<'a>(&mut self, text: &str, is_closed: bool, delta: &'a str) -> Cow<'a, str> {
        if let Some(pending) = self.pending.take() {
            let is_longer = delta.len() > pending.len() || pending.len() >= MIN_REPEATED_BYTES;
            if is_longer && delta.starts_with(&pending) {
                self.mode = Mode::Complete;
                return Cow::Borrowed(delta.strip_prefix(text).unwrap_or(delta));
            }
            self.mode = Mode::New;
            return Cow::Owned(pending + delta);
        }
        if text.len() > MAX_BLANK_BYTES {
            self.mode = Mode::New;
        } else if text.trim_ascii().is_empty() {
            return Cow::Borrowed(delta);
        }
        if self.mode == Mode::Unknown && delta.len() > text.len() && delta.starts_with(text) {
            self.pending = Some(delta.to_owned());
            return Cow::Borrowed("");
        }
        self.mode = Mode::New;
        if is_closed && is_repeated(text, delta) {
            return Cow::Borrowed("");
        }
        Cow::Borrowed(delta)
    }
}

/// Whether a delta is the complete text again.
fn is_repeated(text: &str, delta: &str) -> bool {
    let text = text.trim_ascii();
    text.len() >= MIN_REPEATED_BYTES && delta.trim_ascii() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that results from these deltas. A text that ends with `}` counts as closed.
    fn text_of(deltas: &[&str]) -> Result<String, Differs> {
        let mut repetition = Repetition::default();
        let mut text = String::new();
        for delta in deltas {
            let more = repetition
                .take(&text, text.ends_with('}'), delta)?
                .into_owned();
            text.push_str(&more);
        }
        let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
        if let Some(more) = repetition.end(&text, is_json) {
            text.push_str(&more);
        }
        Ok(text)
    }

    #[test]
    fn repeated_text_is_read_once() {
        let whole = r#"{"tasks":[{"key":"a"},{"key":"b"}]}"#;
        let table: [(&[&str], &str); 9] = [
            (&[r#"{"tasks":[{"key":"a"},"#, r#"{"key":"b"}]}"#], whole),
            // The last delta is the complete text.
            (
                &[r#"{"tasks":[{"key":"a"},"#, r#"{"key":"b"}]}"#, whole],
                whole,
            ),
            (&[whole, whole], whole),
            // Each delta is the complete text so far.
            (
                &["{", "{\"tasks", r#"{"tasks":[{"key":"a"},"#, whole],
                whole,
            ),
            (
                &["{\"tas", r#"{"tasks":[{"key":"a"},"#, whole, whole],
                whole,
            ),
            (&["{\"tas", whole], whole),
            (&["Sure", "Sure: ", "Sure: {}"], "Sure: {}"),
            // A text may begin with itself.
            (&["{\"a\":", "{\"a\":1", "}}"], r#"{"a":{"a":1}}"#),
            (&["{\"a\":", "{\"a\":1}}"], r#"{"a":{"a":1}}"#),
        ];
        for (deltas, expected) in table {
            assert_eq!(text_of(deltas).as_deref(), Ok(expected), "{deltas:?}");
        }
    }

    #[test]
    fn short_and_blank_texts_may_repeat() {
        for (deltas, expected) in [
            (&["\n", "\n", "{}"][..], "\n\n{}"),
            (&["[]", "[]"], "[][]"),
            (&["{}", "{}"], "{}{}"),
        ] {
            assert_eq!(text_of(deltas).as_deref(), Ok(expected), "{deltas:?}");
        }
    }

    #[test]
    fn the_work_per_delta_does_not_grow_with_blank_text() {
        let blank = " ".repeat(MAX_BLANK_BYTES + 1);
        let mut repetition = Repetition::default();
        assert_eq!(repetition.take(&blank, false, " ").as_deref(), Ok(" "));
        assert_eq!(repetition.mode, Mode::New);
    }

    #[test]
    fn a_complete_text_that_changes_is_an_error() {
        assert_eq!(
            text_of(&["{\"a", "{\"a\":1", "{\"a\":12", "{\"b\":1"]),
            Err(Differs)
        );
        assert_eq!(
            text_of(&["{\"a", "{\"a\":1", "{\"a\":12}", "{\"a"]).as_deref(),
            Ok("{\"a\":12}")
        );
    }
}
