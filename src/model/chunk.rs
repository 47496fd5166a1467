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
use super::finish::Finish;
use super::notice::NoticeCode;
use super::piece::{Malformed, Piece, TextContent};
use super::reasoning::{self, ReasoningText};
use super::usage::{AnyUsage, Usage};
use crate::text::truncate_bytes;
use template::Template;

/// `chat.completion.chunk`, and `chat.completion`, which has a `message` instead of a `delta`.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<AnyUsage>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    /// Usage of gateways that have a member of their own for it.
    #[serde(default, rename = "usageMetadata")]
    usage_metadata: Option<IgnoredAny>,
    #[serde(default)]
    x_groq: Option<IgnoredAny>,
    #[serde(default)]
    timings: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    message: Option<Delta<'a>>,
    /// The text of the older completions API.
    #[serde(borrow, default)]
    text: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<TextContent<'a>>,
    /// Other names of the finish reason.
    #[serde(borrow, default, rename = "finishReason")]
    finish_reason_camel: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    done_reason: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    stop_reason: Option<TextContent<'a>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    usage: Option<IgnoredAny>,
}

/// What a choice adds. Reasoning is not part of the response.
#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    refusal: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    reasoning: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    reasoning_text: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    thinking: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    thought: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    thinking_blocks: Option<ReasoningText<'a>>,
    #[serde(borrow, default)]
    reasoning_details: Option<ReasoningText<'a>>,
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
    let is_error = name == "error" || (chunk.error.is_some() && reports_error(data));
    if is_error || (chunk.choices.is_none() && !chunk.has_usage()) {
        return read_other(name, data, None, sink);
    }
    let is_plain = chunk.is_plain();
    let is_usage_only = chunk.choices.as_ref().is_none_or(Vec::is_empty);
    // Usage in an unusual place is searched only where it is expected: it needs another parse.
    let may_have_usage = is_usage_only || chunk.usage.is_some() || chunk.has_finish();
    let usage = chunk.usage.and_then(AnyUsage::counts);
    for choice in chunk.choices.unwrap_or_default() {
        read_choice(choice, sink)?;
    }
    let is_counted = |usage: &Usage| *usage != Usage::default();
    let found = match usage.filter(is_counted) {
        Some(usage) => Some(usage),
        None if may_have_usage => Usage::find(data).or(usage),
        None => None,
    };
    match found {
        Some(usage) if is_usage_only => sink(Piece::FinalUsage(usage)),
        Some(usage) => sink(Piece::Usage(usage)),
        None => {}
    }
    Ok(is_plain)
}

/// Whether an event with a member `error` reports an error. Some endpoints send it empty.
fn reports_error(data: &str) -> bool {
    serde_json::from_str(data).is_ok_and(|value| ErrorBody::find_in_event(&value).is_some())
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
        !self.has_usage()
            && self.error.is_none()
            && matches!(choice.index, None | Some(0))
            && choice.message.is_none()
            && choice.text.is_none()
            && !choice.has_finish()
            && choice.error.is_none()
            && choice.usage.is_none()
            && delta.refusal.is_none()
            && !delta.has_reasoning()
            && delta
                .content
                .as_ref()
                .is_some_and(|text| text.is_text && text.reasoning.is_empty())
    }

    fn has_usage(&self) -> bool {
        self.usage.is_some()
            || self.usage_metadata.is_some()
            || self.x_groq.is_some()
            || self.timings.is_some()
    }

    fn has_finish(&self) -> bool {
        let mut choices = self.choices.iter().flatten();
        choices.any(Choice::has_finish)
    }
}

impl Choice<'_> {
    fn has_finish(&self) -> bool {
        self.finish_reason.is_some()
            || self.finish_reason_camel.is_some()
            || self.done_reason.is_some()
            || self.stop_reason.is_some()
    }
}

impl Delta<'_> {
    fn has_reasoning(&self) -> bool {
        [
            &self.reasoning_content,
            &self.reasoning,
            &self.reasoning_text,
            &self.thinking,
            &self.thought,
            &self.thinking_blocks,
            &self.reasoning_details,
        ]
        .iter()
        .any(|member| member.is_some())
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
    if let Some(delta) = choice.delta {
        read_delta(delta, Piece::Content, sink)?;
    }
    if let Some(text) = choice.text
        && let Some(text) = text.into_text("text")?
    {
        sink(Piece::Content(text));
    }
    // Without a stream, the message is the response. In a stream, it repeats what was streamed.
    if let Some(message) = choice.message {
        read_delta(message, Piece::Snapshot, sink)?;
    }
    if let Some(Value::Object(error)) = choice.error {
        sink(Piece::Error(ErrorBody::of_object(&error)));
        return Ok(());
    }
    let finish = match choice.finish_reason {
        Some(reason) => reason.into_finish("finish_reason")?,
        None => None,
    };
    // Under its other names, a reason counts only if it is known: some endpoints use them for the
    // sequence that stopped the model.
    let others = [
        choice.finish_reason_camel,
        choice.done_reason,
        choice.stop_reason,
    ];
    let finish = finish.or_else(|| {
        others
            .iter()
            .flatten()
            .find_map(|reason| Finish::known(&reason.text))
    });
    if let Some(finish) = finish {
        sink(Piece::Finish(finish));
    }
    Ok(())
}

/// Reads what a choice adds. `content` makes the piece for its text.
fn read_delta<'a>(
    delta: Delta<'a>,
    content: impl FnOnce(std::borrow::Cow<'a, str>) -> Piece<'a>,
    sink: &mut impl FnMut(Piece<'_>),
) -> Result<(), Malformed> {
    let reasoning = reasoning::first([
        delta.reasoning_content,
        delta.reasoning,
        delta.reasoning_text,
        delta.thinking,
        delta.thought,
        delta.thinking_blocks,
        delta.reasoning_details,
    ]);
    if let Some(text) = reasoning {
        sink(Piece::Reasoning(text));
    }
    if let Some(text) = delta.content {
        if !text.reasoning.is_empty() {
            sink(Piece::Reasoning(text.reasoning.clone()));
        }
        if let Some(text) = text.into_text("content")? {
            sink(content(text));
        }
    }
    if let Some(refusal) = delta.refusal
        && let Some(text) = refusal.into_message("refusal")?
    {
        sink(Piece::Refusal(text));
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
mod tests;
