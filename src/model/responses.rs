//! Events of a Responses stream (`POST {base}/responses`), and the single document of an endpoint
//! that does not stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::error_body::ErrorBody;
use super::notice::NoticeCode;
use super::piece::{Finish, Malformed, Piece, TextContent};
use super::usage::WireUsage;
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
    usage: Option<WireUsage>,
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
    #[serde(borrow, default)]
    content: Option<Vec<ContentPart<'a>>>,
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

/// Reads the events of one stream. The text of several parts is concatenated; interleaved parts are
/// not mixed.
#[derive(Debug, Default)]
pub(super) struct ResponsesReader {
    /// Output index and content index of the current part.
    part: Option<(u64, u64)>,
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
            "response.completed" | "response.incomplete" | "response.failed" => {
                let status = kind.strip_prefix("response.").unwrap_or_default();
                let Some(response) = event.response else {
                    return Err(Malformed(format!("{kind} has no response object")));
                };
                self.end(response, status, sink)?;
            }
            "response.output_item.added" | "response.output_item.done" => {
                self.record_tool_call(&event.item.unwrap_or_default());
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
            _ => {
                self.part = Some(part);
                sink(Piece::Part);
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
        for (index, item) in (0..).zip(response.output.unwrap_or_default()) {
            self.record_tool_call(&item);
            if item.kind.text != "message" {
                continue;
            }
            for (position, part) in (0..).zip(item.content.unwrap_or_default()) {
                match part.kind.text.as_ref() {
                    "output_text" if is_new && self.enter_part((index, position), sink) => {
                        if let Some(text) = part.text.into_text("text")? {
                            sink(Piece::CompletePart(text));
                        }
                    }
                    "refusal" => self.take_refusal(part.refusal, sink)?,
                    _ => {}
                }
            }
        }
        if let Some(usage) = response.usage {
            sink(Piece::Usage(usage.into()));
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
        sink(match (status.as_ref(), reason.as_deref()) {
            ("completed", _) => Piece::Finish(match self.tool_call {
                Some(call) => Finish::ToolCall(call.to_owned()),
                None => Finish::Stop,
            }),
            ("incomplete", Some("max_output_tokens")) => Piece::Finish(Finish::Length),
            ("incomplete", Some("content_filter")) => Piece::Finish(Finish::ContentFilter),
            ("incomplete", Some(reason)) if !reason.is_empty() => {
                Piece::Finish(Finish::Other(truncate_bytes(reason, 64)))
            }
            ("failed", _) => Piece::Error(match response.error {
                Some(Value::Null) | None => ErrorBody::default(),
                Some(error) => ErrorBody::of_event(&error),
            }),
            (other, _) => Piece::Finish(Finish::Other(truncate_bytes(other, 64))),
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
mod tests {
    use super::*;

    fn describe(piece: Piece<'_>) -> String {
        match piece {
            Piece::Part => "part".to_owned(),
            Piece::Content(text) => format!("content {text}"),
            Piece::CompletePart(text) => format!("complete part {text}"),
            Piece::Refusal(text) => format!("refusal {text}"),
            Piece::Finish(finish) => format!("finish {finish:?}"),
            Piece::Usage(usage) => format!("usage {} {}", usage.input, usage.output),
            Piece::Error(error) => format!(
                "error {} {}",
                error.code.unwrap_or_default(),
                error.message.unwrap_or_default()
            ),
            Piece::Done => "done".to_owned(),
            Piece::Notice(code, _) => format!("notice {}", code.as_str()),
        }
    }

    fn pieces(events: &[&str]) -> Result<Vec<String>, Malformed> {
        let mut reader = ResponsesReader::default();
        let mut seen = Vec::new();
        for data in events {
            reader.read("message", data, &mut |piece| seen.push(describe(piece)))?;
        }
        Ok(seen)
    }

    #[test]
    fn a_documented_stream_is_read_in_order() {
        let seen = pieces(&[
            r#"{"type":"response.created","response":{"id":"r","status":"in_progress","text":{"format":{"type":"text"}},"output":[],"usage":null}}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning"}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","delta":"hm","output_index":0}"#,
            r#"{"type":"response.content_part.added","output_index":1,"content_index":0,"part":{"type":"output_text","text":""}}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"{\"tasks\"","obfuscation":"x"}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":":[]}"}"#,
            r#"{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"{\"tasks\":[]}"}"#,
            r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"{\"tasks\":[]}"}]}],"usage":{"input_tokens":5,"output_tokens":6}}}"#,
        ]);
        assert_eq!(
            seen.unwrap(),
            [
                "part",
                r#"content {"tasks""#,
                "content :[]}",
                r#"complete part {"tasks":[]}"#,
                "usage 5 6",
                "finish Stop"
            ]
        );
    }

    #[test]
    fn each_way_to_end_gives_its_own_pieces() {
        let table: &[(&str, &[&str])] = &[
            (
                r#"{"type":"response.completed","response":{"status":"completed"}}"#,
                &["finish Stop"],
            ),
            (
                r#"{"type":"response.completed","response":{}}"#,
                &["finish Stop"],
            ),
            (
                r#"{"type":"response.completed","response":{"output":[{"type":"function_call","name":"f","arguments":"{}"}]}}"#,
                &[r#"finish ToolCall("function_call")"#],
            ),
            (
                r#"{"type":"response.completed","response":{"output":[{"type":"web_search_call"}]}}"#,
                &["finish Stop"],
            ),
            (
                r#"{"type":"response.completed","response":{"status":"in_progress"}}"#,
                &[r#"finish Other("completed and in_progress")"#],
            ),
            (
                r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
                &["finish Length"],
            ),
            (
                r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#,
                &["finish ContentFilter"],
            ),
            (
                r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"other"}}}"#,
                &[r#"finish Other("other")"#],
            ),
            (
                r#"{"type":"response.incomplete","response":{"incomplete_details":null}}"#,
                &[r#"finish Other("incomplete")"#],
            ),
            (
                r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"m"}}}"#,
                &["error server_error m"],
            ),
            (
                r#"{"type":"response.failed","response":{"status":"failed"}}"#,
                &["error  "],
            ),
            (
                r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#,
                &["error rate_limit_exceeded m"],
            ),
            (
                r#"{"type":"error","error":{"code":429,"message":"m"}}"#,
                &["error 429 m"],
            ),
            (
                r#"{"type":"response.refusal.delta","delta":"No"}"#,
                &["refusal No"],
            ),
            (
                r#"{"type":"response.refusal.done","refusal":"No."}"#,
                &["refusal No."],
            ),
            (
                r#"{"type":"response.web_search_call.searching"}"#,
                &["notice unknown_event"],
            ),
            (
                r#"{"type":"new","delta":{"a":1},"text":[2]}"#,
                &["notice unknown_event"],
            ),
            (
                r#"{"object":"chat.completion.chunk","choices":[]}"#,
                &["notice unknown_event"],
            ),
            ("[DONE]", &["done"]),
        ];
        for (data, expected) in table {
            assert_eq!(pieces(&[data]).unwrap(), *expected, "{data}");
        }
    }

    #[test]
    fn text_in_the_final_event_is_read_only_if_it_was_not_streamed() {
        let end = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"},{"type":"refusal","refusal":"No"}]}]}}"#;
        assert_eq!(
            pieces(&[end]).unwrap(),
            ["part", "complete part []", "refusal No", "finish Stop"]
        );
        let before = r#"{"type":"response.output_text.delta","delta":"[]"}"#;
        let refused = r#"{"type":"response.refusal.delta","delta":"No"}"#;
        assert_eq!(
            pieces(&[before, refused, end]).unwrap(),
            ["part", "content []", "refusal No", "finish Stop"]
        );
    }

    #[test]
    fn interleaved_parts_are_not_mixed() {
        let delta = |output: u64, text: &str| {
            format!(
                r#"{{"type":"response.output_text.delta","output_index":{output},"content_index":0,"delta":"{text}"}}"#
            )
        };
        let (a, b, c) = (delta(0, "a"), delta(1, "b"), delta(0, "c"));
        assert_eq!(
            pieces(&[&a, &b, &c]).unwrap(),
            [
                "part",
                "content a",
                "part",
                "content b",
                "notice other_choice"
            ]
        );
    }

    #[test]
    fn an_event_that_cannot_be_read_is_an_error() {
        for data in [
            r#"{"type":"response.output_text.delta","delta":"a"#,
            r#"{"type":"response.output_text.delta","delta":12}"#,
            r#"{"type":"response.output_text.delta","output_index":"x","delta":"a"}"#,
            r#"{"type":"response.completed"}"#,
            r#"{"type":"response.completed","response":"done"}"#,
            "plain",
        ] {
            assert!(pieces(&[data]).is_err(), "{data}");
        }
    }

    #[test]
    fn a_body_that_is_not_a_response_object_gives_no_pieces() {
        let mut reader = ResponsesReader::default();
        let mut seen = Vec::new();
        let mut read = |data: &str| reader.read_body(data, &mut |piece| seen.push(describe(piece)));
        read(r#"{"detail":"Not Found"}"#).unwrap();
        read(r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"}]}],"usage":{"input_tokens":1,"output_tokens":2}}"#).unwrap();
        assert_eq!(
            seen,
            ["part", "complete part []", "usage 1 2", "finish Stop"]
        );
    }
}
