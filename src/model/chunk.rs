//! Events of a Chat Completions stream (`POST {base}/chat/completions`), and the single document of
//! an endpoint that does not stream.
//!
//! The most common event, a few characters of content, is read without building a tree, and usually
//! by comparing it with the previous event.

mod template;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error_body::ErrorBody;
use super::notice::NoticeCode;
use super::piece::{Finish, Malformed, Piece, TextContent};
use super::usage::WireUsage;
use crate::text::truncate_bytes;
use template::Template;

/// `chat.completion.chunk`, and `chat.completion`, which has a `message` instead of a `delta`.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    message: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<TextContent<'a>>,
    #[serde(default)]
    error: Option<Value>,
}

/// What a choice adds. `reasoning_content` and `reasoning` are not part of the response and are
/// ignored.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    refusal: Option<TextContent<'a>>,
}

/// Number of consecutive events that differ from the template after which no new template is made
/// until the last one matches again.
const MAX_MISSES: u8 = 16;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    template: Option<Template>,
    misses: u8,
}

impl ChatReader {
    /// Reads one event, or one complete document, and passes its pieces to `sink` in order.
    ///
    /// Only the choice with index 0 is read.
    ///
    /// # Errors
    /// [`Malformed`] if `data` is not JSON or a known member has the wrong type. The pieces before
    /// it have been passed on.
    pub fn read(
        &mut self,
        name: &str,
        data: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        let template = self.template.as_ref().filter(|_| name != "error");
        if let Some(text) = template.and_then(|template| template.text(data)) {
            self.misses = 0;
            if !text.is_empty() {
                sink(Piece::Content(text));
            }
            return Ok(());
        }
        let is_plain = read(name, data, sink)?;
        if is_plain && self.misses < MAX_MISSES {
            self.misses += 1;
            self.template = Template::of(data);
        }
        Ok(())
    }
}

/// Reads one event. Returns whether it is a chunk with text of the first choice and nothing else.
fn read(name: &str, data: &str, sink: &mut impl FnMut(Piece<'_>)) -> Result<bool, Malformed> {
    match data.trim_ascii() {
        "" => return Ok(false),
        "[DONE]" => {
            sink(Piece::Done);
            return Ok(false);
        }
        object if object.starts_with('{') => {}
        // Serde would read an array as the members in order.
        _ => return read_other(name, data, None, sink),
    }
    let chunk: Chunk<'_> = match serde_json::from_str(data) {
        Ok(chunk) => chunk,
        Err(error) => return read_other(name, data, Some(error), sink),
    };
    if name == "error" || chunk.error.is_some() {
        return read_other(name, data, None, sink);
    }
    if chunk.choices.is_none() && chunk.usage.is_none() {
        return read_other(name, data, None, sink);
    }
    let is_plain = chunk.is_plain();
    for choice in chunk.choices.unwrap_or_default() {
        read_choice(choice, sink)?;
    }
    if let Some(usage) = chunk.usage {
        sink(Piece::Usage(usage.into()));
    }
    Ok(is_plain)
}

impl Chunk<'_> {
    /// Whether it contains text of the first choice and nothing else that matters.
    fn is_plain(&self) -> bool {
        let Some([choice]) = self.choices.as_deref() else {
            return false;
        };
        let Some(delta) = &choice.delta else {
            return false;
        };
        self.usage.is_none()
            && self.error.is_none()
            && matches!(choice.index, None | Some(0))
            && choice.message.is_none()
            && choice.finish_reason.is_none()
            && choice.error.is_none()
            && delta.refusal.is_none()
            && delta.content.as_ref().is_some_and(|text| text.is_text)
    }
}

fn read_choice(choice: Choice<'_>, sink: &mut impl FnMut(Piece<'_>)) -> Result<(), Malformed> {
    if choice.index.is_some_and(|index| index != 0) {
        sink(Piece::Notice(
            NoticeCode::OtherChoice,
            "The endpoint sent several alternative responses. Only the first is read.".to_owned(),
        ));
        return Ok(());
    }
    if let Some(delta) = choice.delta.or(choice.message) {
        if let Some(content) = delta.content
            && let Some(text) = content.into_text("content")?
        {
            sink(Piece::Content(text));
        }
        if let Some(refusal) = delta.refusal
            && let Some(text) = refusal.into_text("refusal")?
        {
            sink(Piece::Refusal(text));
        }
    }
    if let Some(Value::Object(error)) = choice.error {
        sink(Piece::Error(ErrorBody::of_object(&error)));
        return Ok(());
    }
    if let Some(reason) = choice.finish_reason
        && let Some(reason) = reason.into_text("finish_reason")?
    {
        sink(Piece::Finish(match reason.as_ref() {
            "stop" => Finish::Stop,
            "length" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            "tool_calls" | "function_call" => Finish::ToolCall(reason.into_owned()),
            other => Finish::Other(truncate_bytes(other, 64)),
        }));
    }
    Ok(())
}

/// Reads an event that is not a chunk: an error in any of its forms, or an unknown event.
fn read_other(
    name: &str,
    data: &str,
    type_error: Option<serde_json::Error>,
    sink: &mut impl FnMut(Piece<'_>),
) -> Result<bool, Malformed> {
    let value: Value = match serde_json::from_str(data) {
        Ok(value) => value,
        // An event named `error` is an error even if it is not JSON.
        Err(_) if name == "error" => Value::String(data.to_owned()),
        Err(error) => return Err(error.into()),
    };
    if let Some(error) = ErrorBody::find_in_event(&value) {
        sink(Piece::Error(error));
        return Ok(false);
    }
    if name == "error" {
        sink(Piece::Error(ErrorBody::of_event(&value)));
        return Ok(false);
    }
    if let Some(error) = type_error {
        // It is JSON, but a member that matters has the wrong type. Anything else is unknown.
        if value.get("choices").is_some() {
            return Err(error.into());
        }
    }
    let kind = value.get("type").or_else(|| value.get("object"));
    let kind = kind.and_then(Value::as_str).unwrap_or(name);
    sink(Piece::Notice(
        NoticeCode::UnknownEvent,
        truncate_bytes(kind, 64),
    ));
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::usage::Usage;

    fn pieces(name: &str, data: &str) -> Result<Vec<String>, Malformed> {
        let mut seen = Vec::new();
        read(name, data, &mut |piece| {
            seen.push(match piece {
                Piece::Content(text) => format!("content {text}"),
                Piece::Refusal(text) => format!("refusal {text}"),
                Piece::Finish(finish) => format!("finish {finish:?}"),
                Piece::Usage(Usage { input, output, .. }) => format!("usage {input} {output}"),
                Piece::Error(error) => {
                    format!(
                        "error {} {}",
                        error.code.unwrap_or_default(),
                        error.message.unwrap_or_default()
                    )
                }
                Piece::Done => "done".to_owned(),
                Piece::Notice(code, _) => format!("notice {}", code.as_str()),
                other => panic!("{other:?}"),
            });
        })?;
        Ok(seen)
    }

    #[test]
    fn events_of_known_endpoints_give_the_expected_pieces() {
        let table: &[(&str, &[&str])] = &[
            (
                r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
                &[],
            ),
            (
                r#"{"choices":[{"index":0,"delta":{"content":"{\"ta"},"logprobs":null,"finish_reason":null}],"obfuscation":"x8Kd"}"#,
                &[r#"content {"ta"#],
            ),
            (
                r#"{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}"#,
                &[],
            ),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"stop","index":0}]}"#,
                &["finish Stop"],
            ),
            (
                r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"length","index":0}]}"#,
                &["content x", "finish Length"],
            ),
            (
                r#"{"choices":[{"delta":{"content":null},"finish_reason":"content_filter"}]}"#,
                &["finish ContentFilter"],
            ),
            (
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":"tool_calls"}]}"#,
                &[r#"finish ToolCall("tool_calls")"#],
            ),
            (
                r#"{"choices":[{"delta":{},"finish_reason":"eos"}]}"#,
                &[r#"finish Other("eos")"#],
            ),
            (
                r#"{"choices":[{"delta":{"content":"x"},"finish_reason":""}]}"#,
                &["content x"],
            ),
            (
                r#"{"choices":[{"index":0,"delta":{"refusal":"I can't"}}]}"#,
                &["refusal I can't"],
            ),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
                &["usage 3 4"],
            ),
            (
                r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
                &["usage 3 4"],
            ),
            (
                r#"{"choices":[{"delta":{"reasoning_content":"hm","reasoning":"hm"}}]}"#,
                &[],
            ),
            (
                r#"{"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}}]}"#,
                &["notice other_choice", "content yes"],
            ),
            (r#"{"choices":[{"delta":null,"finish_reason":null}]}"#, &[]),
            (
                r#"{"choices":[{"delta":{"content":[{"type":"text","text":"a"}]}}]}"#,
                &["content a"],
            ),
            (
                r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"[]","refusal":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
                &["content []", "finish Stop", "usage 1 1"],
            ),
            (
                r#"{"error":{"message":"busy","code":503}}"#,
                &["error 503 busy"],
            ),
            (
                r#"{"id":"g","error":{"code":"server_error","message":"gone"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
                &["error server_error gone"],
            ),
            (
                r#"{"choices":[{"index":0,"error":{"code":502,"message":"upstream"}}]}"#,
                &["error 502 upstream"],
            ),
            (
                r#"{"error":null,"choices":[{"delta":{"content":"a"}}]}"#,
                &["content a"],
            ),
            (r#"{"type":"ping"}"#, &["notice unknown_event"]),
            ("[1]", &["notice unknown_event"]),
            ("[DONE]", &["done"]),
            (" [DONE] ", &["done"]),
            ("", &[]),
        ];
        for (data, expected) in table {
            assert_eq!(pieces("message", data).unwrap(), *expected, "{data}");
        }
    }

    #[test]
    fn an_event_named_error_is_an_error_in_any_form() {
        let table = [
            (r#"{"message":"m","code":"c"}"#, "error c m"),
            (r#"{"error":{"message":"m","code":"c"}}"#, "error c m"),
            ("overloaded", "error  overloaded"),
            (r#""overloaded""#, "error  overloaded"),
        ];
        for (data, expected) in table {
            assert_eq!(
                pieces("error", data),
                Ok(vec![expected.to_owned()]),
                "{data}"
            );
        }
    }

    #[test]
    fn an_event_that_cannot_be_read_is_an_error() {
        for data in [
            r#"{"choices":[{"delta":{"content":"a"#,
            "ping",
            r#"{"choices":[{"delta":{"content":12}}]}"#,
            r#"{"choices":{"0":{}}}"#,
            r#"{"choices":[{"delta":"text"}]}"#,
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
        ] {
            assert!(pieces("message", data).is_err(), "{data}");
        }
    }

    // proptest is a dependency of native builds only.
    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        /// All pieces of one event as text, followed by the error if there is one.
        fn pieces_and_error(
            read: impl FnOnce(&mut dyn FnMut(String)) -> Result<(), Malformed>,
        ) -> Vec<String> {
            let mut seen = Vec::new();
            let result = read(&mut |piece| seen.push(piece));
            seen.extend(result.err().map(|malformed| malformed.0));
            seen
        }

        fn literal() -> impl Strategy<Value = String> {
            let quoted = ".{0,8}".prop_map(|text| serde_json::to_string(&text).unwrap());
            let raw = r#"[ab"\\/nu00d89\u{1}é]{0,8}"#.prop_map(|text| format!("\"{text}\""));
            prop_oneof![3 => quoted, 1 => raw, 1 => Just("null".to_owned()), 1 => Just("7".to_owned())]
        }

        fn event() -> impl Strategy<Value = String> {
            let shapes = prop_oneof![
                6 => Just(r#"{"id":"c","choices":[{"index":0,"delta":{"content":C},"finish_reason":null}],"usage":null,"obfuscation":N}"#),
                3 => Just(r#"{"choices":[{"delta":{"content":C}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C,"refusal":N}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C},"finish_reason":N}]}"#),
                1 => Just(r#"{"choices":[{"index":1,"delta":{"content":C}}],"obfuscation":N}"#),
                1 => Just(r#"{"obfuscation":N,"choices":[{"delta":{"content":C}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C}},{"index":1,"delta":{"content":N}}]}"#),
                1 => Just(r#"{"choices":[{"delta":{"content":C,"content":N}}]}"#),
                1 => Just(r#"{"error":N,"choices":[{"delta":{"content":C}}]}"#),
            ];
            (
                shapes,
                literal(),
                literal(),
                any::<prop::sample::Index>(),
                0..12,
            )
                .prop_map(|(shape, content, noise, at, cut)| {
                    let mut event = shape.replacen('N', &noise, 1).replacen('C', &content, 1);
                    let at = at.index(event.len());
                    if cut == 0 && event.is_char_boundary(at) {
                        event.truncate(at);
                    }
                    event
                })
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]
            #[test]
            fn the_pieces_of_an_event_do_not_depend_on_earlier_events(
                events in prop::collection::vec(event(), 1..6),
                error: bool,
            ) {
                let mut reader = ChatReader::default();
                for (index, event) in events.iter().enumerate() {
                    let name = if error && index == 2 { "error" } else { "message" };
                    let alone = pieces_and_error(|report| {
                        read(name, event, &mut |piece| report(format!("{piece:?}"))).map(drop)
                    });
                    let after_others = pieces_and_error(|report| {
                        reader.read(name, event, &mut |piece| report(format!("{piece:?}")))
                    });
                    prop_assert_eq!(after_others, alone, "{}", event);
                }
            }
        }
    }
}
