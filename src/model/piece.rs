//! What one event of a stream says, in the terms that both APIs share.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::error_body::ErrorBody;
use super::notice::NoticeCode;
use super::usage::Usage;

/// One thing that an event says. Texts are borrowed from the event where they hold no escape.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// A part of the answer begins. Parts follow each other; together they are the answer's text.
    Part,
    /// More text of the current part.
    Content(Cow<'a, str>),
    /// The whole text of the current part, told again, or told only now.
    WholePart(Cow<'a, str>),
    /// More of the text with which the model refuses.
    Refusal(Cow<'a, str>),
    /// Why the model stopped writing.
    Finish(Finish),
    /// What it cost so far.
    Usage(Usage),
    /// The endpoint reports an error.
    Error(ErrorBody),
    /// Nothing more comes. This does not say that the answer is whole.
    Done,
    /// Something odd that takes nothing away from the answer.
    Notice(NoticeCode, String),
}

/// Why the model stopped writing, as the endpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finish {
    /// It was done: `stop`, `completed`.
    Stop,
    /// A limit on tokens: `length`, `max_output_tokens`.
    Length,
    /// A content filter.
    ContentFilter,
    /// It wants a tool or function called; none was offered.
    ToolCall(String),
    /// Anything else, in the endpoint's word.
    Other(String),
}

/// Why an event cannot be read: it is not JSON, or not what this API sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub String);

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Malformed(error.to_string())
    }
}

/// A text member that may be a string, null, or a list of parts with a text each.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Words<'a> {
    /// The characters; empty where there are none.
    pub text: Cow<'a, str>,
    /// False where the member was something that holds no text.
    pub understood: bool,
}

impl<'a> Words<'a> {
    fn of(text: impl Into<Cow<'a, str>>) -> Self {
        Words {
            text: text.into(),
            understood: true,
        }
    }

    fn strange() -> Self {
        Words::default()
    }

    /// The text where there is one.
    ///
    /// # Errors
    /// [`Malformed`] where the member, called `name`, is something else than text.
    pub fn into_text(self, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
        if !self.understood {
            return Err(Malformed(format!("{name} is no text")));
        }
        Ok((!self.text.is_empty()).then_some(self.text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Words<'de>, E> {
        Ok(Words::of(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Words<'de>, E> {
        Ok(Words::of(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Words<'de>, E> {
        Ok(Words::of(value))
    }

    fn visit_unit<E>(self) -> Result<Words<'de>, E> {
        Ok(Words::of(""))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Words<'de>, E> {
        Ok(Words::strange())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Words<'de>, E> {
        Ok(Words::strange())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Words<'de>, E> {
        Ok(Words::strange())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Words<'de>, E> {
        Ok(Words::strange())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words<'de>, A::Error> {
        /// `{"type":"text","text":"…"}`; parts of other types hold no text of the answer.
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow, default)]
            text: Words<'a>,
        }
        let mut text = String::new();
        while let Some(part) = seq.next_element::<Part<'de>>()? {
            text.push_str(&part.text.text);
        }
        Ok(Words::of(text))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Words<'de>, A::Error> {
        while map
            .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
            .is_some()
        {}
        Ok(Words::strange())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_it_holds_an_escape() {
        let plain: Words<'_> = serde_json::from_str(r#""abc""#).unwrap();
        assert!(matches!(plain.text, Cow::Borrowed("abc")));
        let escaped: Words<'_> = serde_json::from_str(r#""a\nc""#).unwrap();
        assert_eq!(escaped.text, "a\nc");
    }

    #[test]
    fn parts_are_joined_and_what_is_no_text_is_said_to_be_none() {
        let table = [
            (
                r#"[{"type":"text","text":"a"},{"type":"image"},{"text":"b"}]"#,
                Ok(Some("ab")),
            ),
            ("null", Ok(None)),
            (r#""""#, Ok(None)),
            (r#"{"a":[1]}"#, Err(())),
            ("12", Err(())),
            ("-1.5", Err(())),
            ("true", Err(())),
        ];
        for (text, expected) in table {
            let words: Words<'_> = serde_json::from_str(text).unwrap();
            let read = words.into_text("content");
            match (&read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read.as_deref(), expected, "{text}"),
                (Err(_), Err(())) => {}
                _ => panic!("{text}: {read:?}"),
            }
        }
    }
}
