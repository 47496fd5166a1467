//! Events of a Responses stream (`POST {base}/responses`), and the one document that an endpoint
//! answers when it does not stream.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::error_body::ErrorBody;
use super::notice::NoticeCode;
use super::piece::{Finish, Malformed, Piece, Words};
use super::usage::WireUsage;
use crate::text::truncate_bytes;

/// The members of all events that matter here; each type of event has some of them.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Words<'a>>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<Words<'a>>,
    #[serde(borrow, default)]
    text: Option<Words<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Words<'a>>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
}

/// The response object.
#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    status: Option<Words<'a>>,
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
    reason: Words<'a>,
}

#[derive(Deserialize, Default)]
struct Item<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Words<'a>,
    #[serde(borrow, default)]
    content: Option<Vec<ContentPart<'a>>>,
}

#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Words<'a>,
    #[serde(borrow, default)]
    text: Words<'a>,
    #[serde(borrow, default)]
    refusal: Words<'a>,
}

/// Types of events that say nothing about the answer's text, by their beginning.
const QUIET: [&str; 8] = [
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.output_item.",
    "response.content_part.",
    "response.output_text.annotation.",
    "response.reasoning",
    "keepalive",
];

/// Types of output items that wait for an answer of the caller. Calls that an endpoint carries out
/// itself, such as a search, are none of these.
const CALLS: [&str; 7] = [
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "mcp_approval_request",
];

/// Reads the events of one stream. Text of several parts follows each other; parts that
/// interleave do not mix.
#[derive(Debug, Default)]
pub(super) struct ResponsesReader {
    /// The part being written, by output index and content index.
    part: Option<(u64, u64)>,
    refused: bool,
    /// The call that the model made and waits for. None was offered to it.
    call: Option<&'static str>,
}

impl ResponsesReader {
    /// Reads one event and hands its pieces to `sink` in their order.
    ///
    /// # Errors
    /// [`Malformed`] where `data` is not JSON or a known member is of the wrong type. Pieces before
    /// it have been handed out.
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
            // Serde would read an array as the members in their order.
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
                if self.enter(part, sink)
                    && let Some(text) = event.delta.unwrap_or_default().into_text("delta")?
                {
                    sink(Piece::Content(text));
                }
            }
            "response.output_text.done" => {
                if let Some(text) = event.text
                    && self.enter(part, sink)
                    && let Some(text) = text.into_text("text")?
                {
                    sink(Piece::WholePart(text));
                }
            }
            "response.refusal.delta" => {
                if let Some(text) = event.delta.unwrap_or_default().into_text("delta")? {
                    self.refused = true;
                    sink(Piece::Refusal(text));
                }
            }
            "response.refusal.done" => {
                self.refuse(event.refusal.unwrap_or_default(), sink)?;
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let status = kind.strip_prefix("response.").unwrap_or_default();
                let Some(response) = event.response else {
                    return Err(Malformed(format!("{kind} carries no response")));
                };
                self.end(response, status, sink)?;
            }
            "response.output_item.added" | "response.output_item.done" => {
                self.note_call(&event.item.unwrap_or_default());
            }
            quiet if QUIET.iter().any(|known| quiet.starts_with(known)) => {}
            _ => return read_error(name, data, None, sink),
        }
        Ok(())
    }

    /// Reads the response object that an endpoint answers in place of a stream. Nothing is handed
    /// out where it is no response object.
    ///
    /// # Errors
    /// As [`ResponsesReader::read`].
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

    /// Enters a part of the answer. False for one that was left for a later one: its text would
    /// stand in the wrong place.
    fn enter(&mut self, part: (u64, u64), sink: &mut impl FnMut(Piece<'_>)) -> bool {
        match self.part {
            Some(current) if part == current => true,
            Some(current) if part < current => {
                sink(Piece::Notice(
                    NoticeCode::OtherChoice,
                    "The endpoint wrote several answers at once; only one of them is read."
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

    fn note_call(&mut self, item: &Item<'_>) {
        let is_it = |call: &&&str| **call == item.kind.text;
        if let Some(call) = CALLS.iter().find(is_it) {
            self.call = Some(call);
        }
    }

    fn refuse(
        &mut self,
        words: Words<'_>,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        if let Some(text) = words.into_text("refusal")? {
            if !self.refused {
                sink(Piece::Refusal(text));
            }
            self.refused = true;
        }
        Ok(())
    }

    /// Takes the response object with which a stream ends. `status` is what the event's type says;
    /// the object's own word, where it has one, must agree.
    fn end(
        &mut self,
        response: Response<'_>,
        status: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        // The output stands here once more. It is read only where no part of it came before.
        let unseen = self.part.is_none();
        for (index, item) in (0..).zip(response.output.unwrap_or_default()) {
            self.note_call(&item);
            if item.kind.text != "message" {
                continue;
            }
            for (position, part) in (0..).zip(item.content.unwrap_or_default()) {
                match part.kind.text.as_ref() {
                    "output_text" if unseen && self.enter((index, position), sink) => {
                        if let Some(text) = part.text.into_text("text")? {
                            sink(Piece::WholePart(text));
                        }
                    }
                    "refusal" => self.refuse(part.refusal, sink)?,
                    _ => {}
                }
            }
        }
        if let Some(usage) = response.usage {
            sink(Piece::Usage(usage.into()));
        }
        let own = response.status.map(|words| words.text).unwrap_or_default();
        let status = match (status, own.as_ref()) {
            ("", own) => Cow::Borrowed(own),
            (said, "") => Cow::Borrowed(said),
            (said, own) if said == own => Cow::Borrowed(said),
            (said, own) => Cow::Owned(format!("{said} and {own}")),
        };
        let reason = response
            .incomplete_details
            .map(|details| details.reason.text);
        sink(match (status.as_ref(), reason.as_deref()) {
            ("completed", _) => Piece::Finish(match self.call {
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

/// Reads an event that is none of the known ones: an error in one of its shapes, or unknown.
fn read_error(
    name: &str,
    data: &str,
    typed: Option<serde_json::Error>,
    sink: &mut impl FnMut(Piece<'_>),
) -> Result<(), Malformed> {
    let value: Value = match serde_json::from_str(data) {
        Ok(value) => value,
        // An event that says it is an error is one, JSON or not.
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
    match typed {
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

    fn say(piece: Piece<'_>) -> String {
        match piece {
            Piece::Part => "part".to_owned(),
            Piece::Content(text) => format!("content {text}"),
            Piece::WholePart(text) => format!("whole {text}"),
            Piece::Refusal(text) => format!("refusal {text}"),
            Piece::Finish(finish) => format!("finish {finish:?}"),
            Piece::Usage(usage) => format!("usage {} {}", usage.input, usage.output),
            Piece::Error(error) => format!(
                "error {} {}",
                error.code.unwrap_or_default(),
                error.message.unwrap_or_default()
            ),
            Piece::Done => "done".to_owned(),
            Piece::Notice(code, _) => format!("warning {}", code.as_str()),
        }
    }

    fn pieces(events: &[&str]) -> Result<Vec<String>, Malformed> {
        let mut reader = ResponsesReader::default();
        let mut seen = Vec::new();
        for data in events {
            reader.read("message", data, &mut |piece| seen.push(say(piece)))?;
        }
        Ok(seen)
    }

    #[test]
    fn a_documented_stream_is_read_in_its_order() {
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
                r#"whole {"tasks":[]}"#,
                "usage 5 6",
                "finish Stop"
            ]
        );
    }

    #[test]
    fn each_way_to_end_is_told_apart() {
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
                &["warning unknown_event"],
            ),
            (
                r#"{"type":"new","delta":{"a":1},"text":[2]}"#,
                &["warning unknown_event"],
            ),
            (
                r#"{"object":"chat.completion.chunk","choices":[]}"#,
                &["warning unknown_event"],
            ),
            ("[DONE]", &["done"]),
        ];
        for (data, expected) in table {
            assert_eq!(pieces(&[data]).unwrap(), *expected, "{data}");
        }
    }

    #[test]
    fn text_that_comes_only_at_the_end_is_read_and_text_that_came_before_is_not_read_again() {
        let end = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"},{"type":"refusal","refusal":"No"}]}]}}"#;
        assert_eq!(
            pieces(&[end]).unwrap(),
            ["part", "whole []", "refusal No", "finish Stop"]
        );
        let before = r#"{"type":"response.output_text.delta","delta":"[]"}"#;
        let refused = r#"{"type":"response.refusal.delta","delta":"No"}"#;
        assert_eq!(
            pieces(&[before, refused, end]).unwrap(),
            ["part", "content []", "refusal No", "finish Stop"]
        );
    }

    #[test]
    fn parts_that_interleave_do_not_mix() {
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
                "warning other_choice"
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_never_passed_over() {
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
    fn a_body_that_is_no_response_object_says_nothing() {
        let mut reader = ResponsesReader::default();
        let mut seen = Vec::new();
        let mut read = |data: &str| reader.read_body(data, &mut |piece| seen.push(say(piece)));
        read(r#"{"detail":"Not Found"}"#).unwrap();
        read(r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"[]"}]}],"usage":{"input_tokens":1,"output_tokens":2}}"#).unwrap();
        assert_eq!(seen, ["part", "whole []", "usage 1 2", "finish Stop"]);
    }
}
