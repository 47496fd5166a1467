//! The reasoning of a model in members of their own, in all the forms that endpoints send: a string,
//! an object, or a list of parts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The text of a reasoning member. A value of any type can be read; what holds no text is empty.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct ReasoningText<'a>(pub Cow<'a, str>);

impl ReasoningText<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The first of several members that has text: some endpoints send the same text in two.
pub(super) fn first<'a, const N: usize>(
    members: [Option<ReasoningText<'a>>; N],
) -> Option<Cow<'a, str>> {
    members
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty())
        .map(|text| text.0)
}

/// Whether a part of this type holds reasoning.
pub(super) fn is_reasoning_part(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    ["think", "thought", "reason", "summary", "analysis"]
        .iter()
        .any(|word| kind.contains(word))
}

/// Members of a part or an object that hold its text.
const TEXT_MEMBERS: [&str; 7] = [
    "text",
    "content",
    "thinking",
    "reasoning",
    "reasoning_content",
    "summary",
    "thought",
];

impl<'de: 'a, 'a> Deserialize<'de> for ReasoningText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReasoningVisitor)
    }
}

struct ReasoningVisitor;

impl<'de> Visitor<'de> for ReasoningVisitor {
    type Value = ReasoningText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reasoning")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(ReasoningText(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(ReasoningText(Cow::Owned(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
        Ok(ReasoningText(Cow::Owned(value)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ReasoningText::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(ReasoningText::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(ReasoningText::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(ReasoningText::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(ReasoningText::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut text = Cow::Borrowed("");
        while let Some(part) = seq.next_element::<ReasoningText<'de>>()? {
            append(&mut text, part);
        }
        Ok(ReasoningText(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut text = Cow::Borrowed("");
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if TEXT_MEMBERS.contains(&name.0.as_ref()) {
                append(&mut text, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(ReasoningText(text))
    }
}

/// A member's name, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn append<'a>(text: &mut Cow<'a, str>, more: ReasoningText<'a>) {
    if text.is_empty() {
        *text = more.0;
    } else if !more.is_empty() {
        text.to_mut().push_str(&more.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_reasoning_member_gives_its_text() {
        for (json, text) in [
            (r#""so""#, "so"),
            (r#""s\no""#, "s\no"),
            ("null", ""),
            ("true", ""),
            ("-1.5", ""),
            ("[]", ""),
            (r#"["a","b"]"#, "ab"),
            (r#"{"content":"so"}"#, "so"),
            (r#"[{"type":"thinking","thinking":"so"}]"#, "so"),
            (
                r#"[{"type":"thinking","thinking":[{"type":"text","text":"s"},{"type":"text","text":"o"}]}]"#,
                "so",
            ),
            (
                r#"[{"type":"reasoning.text","text":"so","format":"x","index":0,"signature":null}]"#,
                "so",
            ),
            (r#"[{"type":"reasoning.summary","summary":"so"}]"#, "so"),
            (r#"[{"type":"reasoning.encrypted","data":"AAAA"}]"#, ""),
            (
                r#"{"id":7,"summary":[{"type":"summary_text","text":"so"}]}"#,
                "so",
            ),
        ] {
            let read: ReasoningText<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(read.0, text, "{json}");
        }
    }

    #[test]
    fn the_same_text_in_two_members_is_read_once() {
        let text = |text: &'static str| Some(ReasoningText(Cow::Borrowed(text)));
        assert_eq!(first([text("so"), text("so")]).as_deref(), Some("so"));
        assert_eq!(first([text(""), None, text("so")]).as_deref(), Some("so"));
        assert_eq!(first([None, text("")]), None);
    }

    #[test]
    fn parts_with_reasoning_are_told_by_their_type() {
        for (kind, is_reasoning) in [
            ("thinking", true),
            ("reasoning_text", true),
            ("reasoning.summary", true),
            ("summary_text", true),
            ("Thought", true),
            ("text", false),
            ("output_text", false),
            ("", false),
        ] {
            assert_eq!(is_reasoning_part(kind), is_reasoning, "{kind}");
        }
    }
}
