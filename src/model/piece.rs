//! The content of one event of a stream, in terms common to both APIs.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::error_body::ErrorBody;
use super::finish::{Finish, stands_for_nothing};
use super::notice::NoticeCode;
use super::reasoning::{ReasoningText, is_reasoning_part};
use super::usage::Usage;

/// One piece of an event. Text without escapes is borrowed from the event.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// The start of a message. The tasks are in the last one; what came before is a commentary.
    Message,
    /// The start of a part of a message. The parts in order are the text of the message.
    Part,
    /// More text of the current part.
    Content(Cow<'a, str>),
    /// The complete text of the current part, whether it was streamed before or not.
    CompletePart(Cow<'a, str>),
    /// The complete text so far.
    Snapshot(Cow<'a, str>),
    /// More text of the model's reasoning, which is not part of the response.
    Reasoning(Cow<'a, str>),
    /// More text of the model's refusal.
    Refusal(Cow<'a, str>),
    /// Why the model stopped writing.
    Finish(Finish),
    /// The tokens used so far.
    Usage(Usage),
    /// The tokens used, in an event of their own. After the finish reason, it is the last event.
    FinalUsage(Usage),
    /// An error reported by the endpoint.
    Error(ErrorBody),
    /// The end of the stream. The response may still be incomplete.
    Done,
    /// An oddity that does not affect the tasks. For [`NoticeCode::UnknownEvent`], the text is the type
    /// of the event; otherwise, it is the message.
    Notice(NoticeCode, String),
}

/// Why an event cannot be read: it is not JSON, or does not follow the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub String);

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Malformed(error.to_string())
    }
}

/// The value of a text member: a string, null, or a list of parts with a text each.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct TextContent<'a> {
    /// The text; empty if there is none.
    pub text: Cow<'a, str>,
    /// The text of the parts that hold reasoning.
    pub reasoning: Cow<'a, str>,
    /// False if the value is of a type that holds no text.
    pub is_text: bool,
}

impl<'a> TextContent<'a> {
    fn of(text: impl Into<Cow<'a, str>>) -> Self {
        TextContent {
            text: text.into(),
            reasoning: Cow::Borrowed(""),
            is_text: true,
        }
    }

    fn not_text() -> Self {
        TextContent::default()
    }

    /// The text, if there is any. `name` is the name of the member, for the error.
    ///
    /// # Errors
    /// [`Malformed`] if the value is of a type that holds no text.
    pub fn into_text(self, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
        if !self.is_text {
            return Err(Malformed(format!("{name} is not text")));
        }
        Ok((!self.text.is_empty()).then_some(self.text))
    }

    /// The meaning of the text as a finish reason, if it is one.
    ///
    /// # Errors
    /// Like [`TextContent::into_text`].
    pub fn into_finish(self, name: &str) -> Result<Option<Finish>, Malformed> {
        Ok(self.into_text(name)?.and_then(|reason| Finish::of(&reason)))
    }

    /// The text, unless it stands for nothing, such as `null`.
    ///
    /// # Errors
    /// Like [`TextContent::into_text`].
    pub fn into_message(self, name: &str) -> Result<Option<Cow<'a, str>>, Malformed> {
        Ok(self
            .into_text(name)?
            .filter(|text| !stands_for_nothing(text)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TextContent<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextContentVisitor)
    }
}

struct TextContentVisitor;

impl<'de> Visitor<'de> for TextContentVisitor {
    type Value = TextContent<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<TextContent<'de>, E> {
        Ok(TextContent::of(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<TextContent<'de>, E> {
        Ok(TextContent::of(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<TextContent<'de>, E> {
        Ok(TextContent::of(value))
    }

    fn visit_unit<E>(self) -> Result<TextContent<'de>, E> {
        Ok(TextContent::of(""))
    }

    fn visit_bool<E>(self, _: bool) -> Result<TextContent<'de>, E> {
        Ok(TextContent::not_text())
    }

    fn visit_i64<E>(self, _: i64) -> Result<TextContent<'de>, E> {
        Ok(TextContent::not_text())
    }

    fn visit_u64<E>(self, _: u64) -> Result<TextContent<'de>, E> {
        Ok(TextContent::not_text())
    }

    fn visit_f64<E>(self, _: f64) -> Result<TextContent<'de>, E> {
        Ok(TextContent::not_text())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TextContent<'de>, A::Error> {
        /// `{"type":"text","text":"…"}`, or a part with reasoning such as
        /// `{"type":"thinking","thinking":[…]}`. Parts of other types hold no text.
        #[derive(Deserialize)]
        struct Part<'a> {
            #[serde(borrow, rename = "type", default)]
            kind: TextContent<'a>,
            #[serde(borrow, default)]
            text: TextContent<'a>,
            #[serde(borrow, default)]
            thinking: ReasoningText<'a>,
            #[serde(borrow, default)]
            reasoning: ReasoningText<'a>,
            #[serde(borrow, default)]
            summary: ReasoningText<'a>,
        }
        let (mut text, mut reasoning) = (String::new(), String::new());
        while let Some(part) = seq.next_element::<Part<'de>>()? {
            for more in [&part.thinking, &part.reasoning, &part.summary] {
                reasoning.push_str(&more.0);
            }
            if is_reasoning_part(&part.kind.text) {
                reasoning.push_str(&part.text.text);
            } else {
                text.push_str(&part.text.text);
            }
        }
        Ok(TextContent {
            reasoning: reasoning.into(),
            ..TextContent::of(text)
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<TextContent<'de>, A::Error> {
        while map
            .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
            .is_some()
        {}
        Ok(TextContent::not_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_escapes_is_borrowed() {
        let plain: TextContent<'_> = serde_json::from_str(r#""abc""#).unwrap();
        assert!(matches!(plain.text, Cow::Borrowed("abc")));
        let escaped: TextContent<'_> = serde_json::from_str(r#""a\nc""#).unwrap();
        assert_eq!(escaped.text, "a\nc");
    }

    #[test]
    fn parts_are_joined_and_other_types_are_refused() {
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
            let content: TextContent<'_> = serde_json::from_str(text).unwrap();
            let read = content.into_text("content");
            match (&read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read.as_deref(), expected, "{text}"),
                (Err(_), Err(())) => {}
                _ => panic!("{text}: {read:?}"),
            }
        }
    }
}
