//! Responses on the wire: what was said as a stream of named events, or as one document.
//!
//! There is no `[DONE]` here. What a script says about that line is said about the events that end
//! a part of the answer (`response.output_text.done` and those after it): they are sent with it and
//! missing without it, and neither says that the model finished. Only `response.completed` does.

use serde_json::{Map, Value, json};

use super::request::ModelRequest;
use super::said::{Said, pieces, tokens};
use super::sse::Event;
use crate::recorder::now_ms;
use crate::script::Wire;

/// A whole response, before it is put into events.
pub struct Whole<'a> {
    said: &'a Said,
    request: &'a ModelRequest,
    body: &'a Value,
    wire: &'a Wire,
    id: &'a str,
    created_at: u64,
}

/// How a response ends.
enum End<'a> {
    Completed,
    Incomplete(&'a str),
    Failed,
}

impl<'a> Whole<'a> {
    /// The response of this id to a request, the text of whose body is `body`.
    #[must_use]
    pub fn new(
        said: &'a Said,
        request: &'a ModelRequest,
        body: &'a Value,
        wire: &'a Wire,
        id: &'a str,
    ) -> Self {
        Self {
            said,
            request,
            body,
            wire,
            id,
            created_at: now_ms() / 1000,
        }
    }

    /// The response as a stream.
    #[must_use]
    pub fn stream(&self) -> Vec<Event> {
        let mut stream = Stream {
            events: Vec::new(),
            padded: self.wire.obfuscation && self.request.include_obfuscation,
            ends_parts: self.wire.done,
            item_status: match self.end() {
                Some(End::Completed) | None => "completed",
                Some(End::Incomplete(_) | End::Failed) => "incomplete",
            },
            piece: self.wire.piece,
        };
        let begun = self.object("in_progress", Vec::new());
        stream.event("response.created", json!({"response": begun}));
        stream.event("response.in_progress", json!({"response": begun}));
        for (index, item) in self.items().iter().enumerate() {
            stream.item(index, item);
        }
        if let Some(error) = &self.wire.error {
            stream.event(
                "error",
                json!({
                    "code": error.get("code"),
                    "message": error.get("message"),
                    "param": error.get("param"),
                }),
            );
        } else if let Some(end) = self.end() {
            let name = match end {
                End::Completed => "response.completed",
                End::Incomplete(_) => "response.incomplete",
                End::Failed => "response.failed",
            };
            stream.event(name, json!({"response": self.ended(&end)}));
        }
        stream.events
    }

    /// The response as one document. One that never says how it ended stays in progress.
    #[must_use]
    pub fn document(&self) -> Value {
        match (&self.wire.error, self.end()) {
            (Some(error), _) => json!({"error": error}),
            (None, Some(end)) => self.ended(&end),
            (None, None) => self.object("in_progress", self.output("in_progress")),
        }
    }

    /// How the finish reason of a script is said here.
    fn end(&self) -> Option<End<'_>> {
        Some(match self.said.finish_reason.as_deref()? {
            "stop" | "tool_calls" => End::Completed,
            "length" => End::Incomplete("max_output_tokens"),
            "error" => End::Failed,
            // An open string: `content_filter`, and whatever else there may be.
            reason => End::Incomplete(reason),
        })
    }

    /// The response object once it has ended.
    fn ended(&self, end: &End<'_>) -> Value {
        let (status, details, error) = match end {
            End::Completed => ("completed", Value::Null, Value::Null),
            End::Incomplete(reason) => ("incomplete", json!({"reason": reason}), Value::Null),
            End::Failed => (
                "failed",
                Value::Null,
                json!({"code": "server_error", "message": "The model failed to generate a response."}),
            ),
        };
        let item_status = if status == "completed" {
            "completed"
        } else {
            "incomplete"
        };
        let mut object = self.object(status, self.output(item_status));
        if let Some(members) = object.as_object_mut() {
            members.insert("incomplete_details".to_owned(), details);
            members.insert("error".to_owned(), error);
            if self.wire.usage {
                members.insert("usage".to_owned(), self.usage());
            }
        }
        object
    }

    /// The response object, as it stands before it has ended.
    fn object(&self, status: &str, output: Vec<Value>) -> Value {
        let given = |name: &str| self.body.get(name).cloned().unwrap_or_default();
        let or = |name: &str, default: Value| match given(name) {
            Value::Null => default,
            given => given,
        };
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "background": false,
            "error": null,
            "incomplete_details": null,
            "instructions": given("instructions"),
            "max_output_tokens": given("max_output_tokens"),
            "metadata": or("metadata", json!({})),
            "model": self.request.model,
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "reasoning": or("reasoning", json!({"effort": null, "summary": null})),
            "service_tier": "default",
            "store": self.request.store,
            "temperature": or("temperature", json!(1.0)),
            "text": or("text", json!({"format": {"type": "text"}})),
            "tool_choice": "auto",
            "tools": or("tools", json!([])),
            "top_p": or("top_p", json!(1.0)),
            "truncation": "disabled",
            "usage": null,
        })
    }

    /// What the response is made of.
    fn items(&self) -> Vec<Item<'a>> {
        let said = self.said;
        let mut items = Vec::new();
        if !said.reasoning.is_empty() {
            items.push(Item::Reasoning(&said.reasoning));
        }
        items.push(Item::Message {
            content: &said.content,
            refusal: said.refusal.as_deref(),
        });
        if said.finish_reason.as_deref() == Some("tool_calls") {
            items.push(Item::Call);
        }
        items
    }

    fn output(&self, status: &str) -> Vec<Value> {
        self.items().iter().map(|item| item.whole(status)).collect()
    }

    fn usage(&self) -> Value {
        let output = self.said.completion_tokens();
        json!({
            "input_tokens": self.said.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": tokens(&self.said.reasoning)},
            "total_tokens": self.said.prompt_tokens + output,
        })
    }
}

/// An item of a response's output.
enum Item<'a> {
    /// Reasoning, as a summary of one part.
    Reasoning(&'a str),
    /// The answer: a text, a refusal, or the one after the other.
    Message {
        content: &'a str,
        refusal: Option<&'a str>,
    },
    /// A call of a function that nobody offered.
    Call,
}

/// The arguments of [`Item::Call`].
const CALL_ARGUMENTS: &str = "{}";

/// A part of a message, with the name of its type, which the events and members share.
struct Part<'a> {
    kind: &'static str,
    text: &'a str,
}

impl Part<'_> {
    /// The member that holds the text.
    fn member(&self) -> &'static str {
        match self.kind {
            "refusal" => "refusal",
            _ => "text",
        }
    }

    fn object(&self, text: &str) -> Value {
        let mut object = json!({"type": self.kind, self.member(): text});
        if let (Some(members), "output_text") = (object.as_object_mut(), self.kind) {
            members.insert("annotations".to_owned(), json!([]));
            members.insert("logprobs".to_owned(), json!([]));
        }
        object
    }
}

impl<'a> Item<'a> {
    fn id(&self) -> &'static str {
        match self {
            Self::Reasoning(_) => "rs_1",
            Self::Message { .. } => "msg_1",
            Self::Call => "fc_1",
        }
    }

    /// The parts of a message; a message without any text has an empty one, unless it is a refusal.
    fn parts(&self) -> Vec<Part<'a>> {
        let Self::Message { content, refusal } = self else {
            return Vec::new();
        };
        let text = (!content.is_empty() || refusal.is_none()).then_some(Part {
            kind: "output_text",
            text: content,
        });
        let refusal = refusal.map(|text| Part {
            kind: "refusal",
            text,
        });
        text.into_iter().chain(refusal).collect()
    }

    /// The item when it was just begun.
    fn begun(&self) -> Value {
        match self {
            Self::Reasoning(_) => json!({"id": self.id(), "type": "reasoning", "summary": []}),
            Self::Message { .. } => json!({
                "id": self.id(), "type": "message", "status": "in_progress",
                "role": "assistant", "content": [],
            }),
            Self::Call => json!({
                "id": self.id(), "type": "function_call", "status": "in_progress",
                "call_id": "call_1", "name": "finish", "arguments": "",
            }),
        }
    }

    /// The item with all that it holds.
    fn whole(&self, status: &str) -> Value {
        let mut item = self.begun();
        let Some(members) = item.as_object_mut() else {
            return item;
        };
        match self {
            Self::Reasoning(text) => {
                let summary = json!([{"type": "summary_text", "text": text}]);
                members.insert("summary".to_owned(), summary);
            }
            Self::Message { .. } => {
                let content = self
                    .parts()
                    .iter()
                    .map(|part| part.object(part.text))
                    .collect();
                members.insert("content".to_owned(), content);
                members.insert("status".to_owned(), json!(status));
            }
            Self::Call => {
                members.insert("arguments".to_owned(), json!(CALL_ARGUMENTS));
                members.insert("status".to_owned(), json!(status));
            }
        }
        item
    }
}

/// Events in the making.
struct Stream {
    events: Vec<Event>,
    padded: bool,
    /// Whether the events that end parts and items are sent.
    ends_parts: bool,
    /// The status of an item that has ended.
    item_status: &'static str,
    /// Characters of text in one event.
    piece: usize,
}

impl Stream {
    /// Adds an event with its type and its number.
    fn event(&mut self, kind: &str, members: Value) {
        let mut data = Map::new();
        data.insert("type".to_owned(), json!(kind));
        data.insert("sequence_number".to_owned(), json!(self.events.len()));
        if let Value::Object(members) = members {
            data.extend(members);
        }
        self.events.push(Event {
            name: Some(kind.to_owned()),
            data: Value::Object(data).to_string(),
        });
    }

    /// Adds an event of a place in the answer.
    fn at(&mut self, place: &Map<String, Value>, kind: &str, members: Value) {
        let mut placed = place.clone();
        if let Value::Object(members) = members {
            placed.extend(members);
        }
        self.event(kind, Value::Object(placed));
    }

    /// Adds the pieces of a text, and what ends it where that is sent.
    fn text(&mut self, place: &Map<String, Value>, kind: &str, text: &str, member: &str) {
        for piece in pieces(text, self.piece) {
            let mut members = json!({"delta": piece});
            if let (Some(members), true) = (members.as_object_mut(), self.padded) {
                // Up to a multiple of 16, so that the length of the piece does not show.
                let padding = 16 - piece.len() % 16;
                members.insert("obfuscation".to_owned(), json!("x".repeat(padding)));
            }
            self.at(place, &format!("{kind}.delta"), members);
        }
        if self.ends_parts {
            self.at(place, &format!("{kind}.done"), json!({member: text}));
        }
    }

    /// Adds all events of an item.
    fn item(&mut self, index: usize, item: &Item<'_>) {
        let of_item = Map::from_iter([("output_index".to_owned(), json!(index))]);
        self.at(
            &of_item,
            "response.output_item.added",
            json!({"item": item.begun()}),
        );
        let mut place = of_item.clone();
        place.insert("item_id".to_owned(), json!(item.id()));
        match item {
            Item::Reasoning(text) => {
                place.insert("summary_index".to_owned(), json!(0));
                let kind = "response.reasoning_summary_part";
                let part = |text: &str| json!({"part": {"type": "summary_text", "text": text}});
                self.at(&place, &format!("{kind}.added"), part(""));
                self.text(&place, "response.reasoning_summary_text", text, "text");
                if self.ends_parts {
                    self.at(&place, &format!("{kind}.done"), part(text));
                }
            }
            Item::Message { .. } => {
                for (content_index, part) in item.parts().iter().enumerate() {
                    place.insert("content_index".to_owned(), json!(content_index));
                    let kind = "response.content_part";
                    let object = |text: &str| json!({"part": part.object(text)});
                    self.at(&place, &format!("{kind}.added"), object(""));
                    let text_kind = format!("response.{}", part.kind);
                    self.text(&place, &text_kind, part.text, part.member());
                    if self.ends_parts {
                        self.at(&place, &format!("{kind}.done"), object(part.text));
                    }
                }
            }
            Item::Call => {
                let kind = "response.function_call_arguments";
                self.text(&place, kind, CALL_ARGUMENTS, "arguments");
            }
        }
        if self.ends_parts {
            let whole = json!({"item": item.whole(self.item_status)});
            self.at(&of_item, "response.output_item.done", whole);
        }
    }
}
