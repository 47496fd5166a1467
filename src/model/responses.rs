//! Events of a Responses stream (`POST {base}/responses`), and the single document of an endpoint
//! that does not stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::error_body::ErrorBody;
use super::finish::Finish;
use super::notice::NoticeCode;
use super::piece::{Malformed, Piece, TextContent};
use super::reasoning::{ReasoningText, is_reasoning_part};
use super::usage::AnyUsage;
use crate::text::truncate_bytes;

/// The members that matter here, of all types of events. Each type has some of them.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<TextContent<'a>>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    text: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    refusal: Option<TextContent<'a>>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
}

/// The response object.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    status: Option<TextContent<'a>>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(borrow, default)]
    incomplete_details: Option<IncompleteDetails<'a>>,
    #[serde(default)]
    usage: Option<AnyUsage>,
    #[serde(borrow, default)]
    output: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
struct IncompleteDetails<'a> {
    #[serde(borrow, default)]
    reason: TextContent<'a>,
}

#[derive(Deserialize, Default)]
struct Item<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: TextContent<'a>,
    /// What a message is for; `commentary` is not the response.
    #[serde(borrow, default)]
    phase: TextContent<'a>,
    #[serde(borrow, default)]
    content: Option<Vec<ContentPart<'a>>>,
    /// The summary of a reasoning item.
    #[serde(borrow, default)]
    summary: Option<ReasoningText<'a>>,
}

impl Item<'_> {
    fn is_commentary(&self) -> bool {
        self.kind.text == "message" && is_commentary(&self.phase.text)
    }
}

/// Whether a message of this phase precedes the response.
fn is_commentary(phase: &str) -> bool {
    ["commentary", "analysis", "preamble"].contains(&phase)
}

#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: TextContent<'a>,
    #[serde(borrow, default)]
    text: TextContent<'a>,
    #[serde(borrow, default)]
    refusal: TextContent<'a>,
}

/// Prefixes of the types of events that do not affect the text of the response.
const IGNORED: [&str; 8] = [
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.output_item.",
    "response.content_part.",
    "response.output_text.annotation.",
    "response.reasoning",
    "keepalive",
];

/// Types of output items that expect a result from the caller. Calls that the endpoint carries out
/// itself, such as a search, are not among them.
const TOOL_CALLS: [&str; 7] = [
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "mcp_approval_request",
];

/// Maximum number of messages that are known as commentary.
const MAX_COMMENTARIES: usize = 64;

/// Reads the events of one stream. The text of several parts is concatenated; interleaved parts are
/// not mixed. A commentary counts as reasoning.
#[derive(Debug, Default)]
pub(super) struct ResponsesReader {
    /// Output index and content index of the current part.
    part: Option<(u64, u64)>,
    /// Output indices of messages that are a commentary.
    commentaries: Vec<u64>,
    /// Whether reasoning was streamed.
    has_reasoning: bool,
    refused: bool,
    /// The type of a tool call that the model made, although it was offered no tools.
    tool_call: Option<&'static str>,
}

impl ResponsesReader {
    /// Reads one event and passes its pieces to `sink` in order.
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
        match data.trim_ascii() {
            "" => return Ok(()),
            "[DONE]" => {
                sink(Piece::Done);
                return Ok(());
            }
            object if object.starts_with('{') => {}
            // Serde would read an array as the members in order.
            _ => return read_error(name, data, None, sink),
        }
        let event: Event<'_> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(error) => return read_error(name, data, Some(error), sink),
        };
        let kind = event.kind.map(|kind| kind.text).unwrap_or_default();
        let part = (
            event.output_index.unwrap_or(0),
            event.content_index.unwrap_or(0),
        );
        match kind.as_ref() {
            "response.output_text.delta" if self.commentaries.contains(&part.0) => {
                if let Some(text) = event.delta.unwrap_or_default().into_text("delta")? {
                    sink(Piece::Reasoning(text));
                }
            }
            "response.output_text.done" if self.commentaries.contains(&part.0) => {}
            "response.output_text.delta" => {
                if self.enter_part(part, sink)
                    && let Some(text) = event.delta.unwrap_or_default().into_text("delta")?
                {
                    sink(Piece::Content(text));
                }
            }
            "response.output_text.done" => {
                if let Some(text) = event.text
                    && self.enter_part(part, sink)
                    && let Some(text) = text.into_text("text")?
                {
                    sink(Piece::CompletePart(text));
                }
            }
            "response.refusal.delta" => {
                if let Some(text) = event.delta.unwrap_or_default().into_text("delta")? {
                    self.refused = true;
                    sink(Piece::Refusal(text));
                }
            }
            "response.refusal.done" => {
                self.take_refusal(event.refusal.unwrap_or_default(), sink)?;
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => {
                let status = kind.strip_prefix("response.").unwrap_or_default();
                let status = if status == "done" { "" } else { status };
                let Some(response) = event.response else {
                    return Err(Malformed(format!("{kind} has no response object")));
                };
                self.end(response, status, sink)?;
            }
            "response.output_item.added" | "response.output_item.done" => {
                let item = event.item.unwrap_or_default();
                self.record_tool_call(&item);
                if item.is_commentary() && self.commentaries.len() < MAX_COMMENTARIES {
                    self.commentaries.push(part.0);
                }
            }
            reasoning
                if reasoning.starts_with("response.reasoning") && reasoning.ends_with(".delta") =>
            {
                self.has_reasoning = true;
                sink(Piece::Reasoning(event.delta.unwrap_or_default().text));
            }
            ignored if IGNORED.iter().any(|known| ignored.starts_with(known)) => {}
            _ => return read_error(name, data, None, sink),
        }
        Ok(())
    }

    /// Reads the response object of an endpoint that does not stream. Passes nothing on if `data` is
    /// not a response object.
    ///
    /// # Errors
    /// Like [`ResponsesReader::read`].
    pub fn read_body(
        &mut self,
        data: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        if !data.trim_ascii_start().starts_with('{') {
            return Ok(());
        }
        let response: Response<'_> = serde_json::from_str(data)?;
        if response.status.is_none() && response.output.is_none() {
            return Ok(());
        }
        self.end(response, "", sink)
    }

    /// Enters a part of the response. Returns false if a later part has already begun: the text would
    /// end up in the wrong place.
    fn enter_part(&mut self, part: (u64, u64), sink: &mut impl FnMut(Piece<'_>)) -> bool {
        match self.part {
            Some(current) if part == current => true,
            Some(current) if part < current => {
                sink(Piece::Notice(
                    NoticeCode::OtherChoice,
                    "The endpoint sent several parts interleaved. Only one of them is read."
                        .to_owned(),
                ));
                false
            }
            Some((message, _)) if message == part.0 => {
                self.part = Some(part);
                sink(Piece::Part);
                true
            }
            _ => {
                self.part = Some(part);
                sink(Piece::Message);
                true
            }
        }
    }

    fn record_tool_call(&mut self, item: &Item<'_>) {
        if let Some(call) = TOOL_CALLS.iter().find(|call| **call == item.kind.text) {
            self.tool_call = Some(call);
        }
    }

    fn take_refusal(
        &mut self,
        content: TextContent<'_>,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        if let Some(text) = content.into_text("refusal")? {
            if !self.refused {
                sink(Piece::Refusal(text));
            }
            self.refused = true;
        }
        Ok(())
    }

    /// Takes the response object at the end of a stream. `status` comes from the type of the event.
    /// If the object's own status differs, the finish reason is unknown.
    fn end(
        &mut self,
        response: Response<'_>,
        status: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        // The output is repeated here. It is read only if no part of it was streamed before.
        let is_new = self.part.is_none();
        let streamed = self.part.map(|(message, _)| message);
        let mut is_commentary_streamed = false;
        for (index, item) in (0..).zip(response.output.unwrap_or_default()) {
            self.record_tool_call(&item);
            let is_commentary = item.is_commentary();
            is_commentary_streamed |= is_commentary && streamed == Some(index);
            if let Some(text) = item.summary.filter(|_| !self.has_reasoning) {
                sink(Piece::Reasoning(text.0));
            }
            for (position, part) in (0..).zip(item.content.unwrap_or_default()) {
                let kind = part.kind.text.as_ref();
                if is_commentary || is_reasoning_part(kind) || item.kind.text == "reasoning" {
                    if is_new && !self.has_reasoning {
                        sink(Piece::Reasoning(part.text.text));
                    }
                    continue;
                }
                match kind {
                    _ if item.kind.text != "message" => {}
                    "output_text" | "text"
                        if is_new && self.enter_part((index, position), sink) =>
                    {
                        if let Some(text) = part.text.into_text("text")? {
                            sink(Piece::CompletePart(text));
                        }
                    }
                    "refusal" => self.take_refusal(part.refusal, sink)?,
                    _ => {}
                }
            }
        }
        if let Some(usage) = response.usage.and_then(AnyUsage::counts) {
            sink(Piece::Usage(usage));
        }
        let own = response
            .status
            .map(|status| status.text)
            .unwrap_or_default();
        let status = match (status, own.as_ref()) {
            ("", own) => Cow::Borrowed(own),
            (status, "") => Cow::Borrowed(status),
            (status, own) if status == own => Cow::Borrowed(status),
            (status, own) => Cow::Owned(format!("{status} and {own}")),
        };
        let reason = response
            .incomplete_details
            .map(|details| details.reason.text);
        let unknown = |name: &str| Finish::Other(truncate_bytes(name, 64));
        sink(match (status.as_ref(), reason.as_deref()) {
            ("failed", _) => Piece::Error(match response.error {
                Some(Value::Null) | None => ErrorBody::default(),
                Some(error) => ErrorBody::of_event(&error),
            }),
            // A response that is not complete has not stopped by itself, whatever the reason.
            ("incomplete", Some(reason)) => Piece::Finish(
                Finish::of(reason)
                    .filter(|finish| *finish != Finish::Stop)
                    .unwrap_or_else(|| {
                        unknown(if reason.is_empty() {
                            "incomplete"
                        } else {
                            reason
                        })
                    }),
            ),
            // What was read is a commentary, and no response followed.
            (_, _) if is_commentary_streamed => Piece::Finish(unknown("commentary")),
            (status, _) => Piece::Finish(match (Finish::known(status), self.tool_call) {
                (Some(Finish::Stop), Some(call)) => Finish::ToolCall(call.to_owned()),
                (Some(finish), _) => finish,
                (None, _) => unknown(status),
            }),
        });
        Ok(())
    }
}

/// Reads any other event: an error in any of its forms, or an unknown event.
fn read_error(
    name: &str,
    data: &str,
    type_error: Option<serde_json::Error>,
    sink: &mut impl FnMut(Piece<'_>),
) -> Result<(), Malformed> {
    let value: Value = match serde_json::from_str(data) {
        Ok(value) => value,
        // An event named `error` is an error even if it is not JSON.
        Err(_) if name == "error" => Value::String(data.to_owned()),
        Err(error) => return Err(error.into()),
    };
    if let Some(error) = ErrorBody::find_in_event(&value) {
        sink(Piece::Error(error));
        return Ok(());
    }
    if name == "error" {
        sink(Piece::Error(ErrorBody::of_event(&value)));
        return Ok(());
    }
    let kind = value.get("type").or_else(|| value.get("object"));
    let kind = kind.and_then(Value::as_str).unwrap_or(name);
    let matters = ["response.output_text.", "response.refusal."]
        .iter()
        .any(|known| kind.starts_with(known))
        || [
            "response.completed",
            "response.incomplete",
            "response.failed",
        ]
        .contains(&kind);
    match type_error {
        Some(error) if matters => Err(error.into()),
        _ => {
            sink(Piece::Notice(
                NoticeCode::UnknownEvent,
                truncate_bytes(kind, 64),
            ));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
