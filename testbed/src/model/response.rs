//! Responses API responses, as a stream of named events or as a document.
//!
//! This API has no `[DONE]`. A script that omits that line omits the events that end a part of the
//! response instead (`response.output_text.done` and those after it). Neither indicates that the
//! model finished; only `response.completed` does.

use serde_json::{Map, Value, json};

use super::output::{ModelOutput, pieces, tokens};
use super::request::ModelRequest;
use super::sse::Event;
use crate::recorder::now_ms;
use crate::script::Wire;

/// Builds a response.
pub struct ResponseBuilder<'a> {
    output: &'a ModelOutput,
    request: &'a ModelRequest,
    body: &'a Value,
    wire: &'a Wire,
    id: &'a str,
    created_at: u64,
}

/// The final status of a response.
enum FinalStatus<'a> {
    Completed,
    Incomplete(&'a str),
    Failed,
}

impl<'a> ResponseBuilder<'a> {
    /// A response to `request`, whose body is `body`.
    #[must_use]
    pub fn new(
        output: &'a ModelOutput,
        request: &'a ModelRequest,
        body: &'a Value,
        wire: &'a Wire,
        id: &'a str,
    ) -> Self {
        Self {
            output,
            request,
            body,
            wire,
            id,
            created_at: now_ms() / 1000,
        }
    }

    /// The events of the response.
    #[must_use]
    pub fn stream(&self) -> Vec<Event> {
        let mut stream = EventList {
            events: Vec::new(),
            padded: self.wire.obfuscation && self.request.include_obfuscation,
            ends_parts: self.wire.done,
            item_status: match self.final_status() {
                Some(FinalStatus::Completed) | None => "completed",
                Some(FinalStatus::Incomplete(_) | FinalStatus::Failed) => "incomplete",
            },
            piece: self.wire.piece,
        };
        let started = self.object("in_progress", Vec::new());
        stream.event("response.created", json!({"response": started}));
        stream.event("response.in_progress", json!({"response": started}));
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
        } else if let Some(end) = self.final_status() {
            let name = match end {
                FinalStatus::Completed => "response.completed",
                FinalStatus::Incomplete(_) => "response.incomplete",
                FinalStatus::Failed => "response.failed",
            };
            stream.event(name, json!({"response": self.final_object(&end)}));
        }
        stream.events
    }

    /// The response as a document. Without a final status it stays in progress.
    #[must_use]
    pub fn document(&self) -> Value {
        match (&self.wire.error, self.final_status()) {
            (Some(error), _) => json!({"error": error}),
            (None, Some(end)) => self.final_object(&end),
            (None, None) => self.object("in_progress", self.output_array("in_progress")),
        }
    }

    /// The final status for the finish reason of the script.
    fn final_status(&self) -> Option<FinalStatus<'_>> {
        Some(match self.output.finish_reason.as_deref()? {
            "stop" | "tool_calls" => FinalStatus::Completed,
            "length" => FinalStatus::Incomplete("max_output_tokens"),
            "error" => FinalStatus::Failed,
            // Any other string, such as `content_filter`.
            reason => FinalStatus::Incomplete(reason),
        })
    }

    /// The response object with its final status.
    fn final_object(&self, end: &FinalStatus<'_>) -> Value {
        let (status, details, error) = match end {
            FinalStatus::Completed => ("completed", Value::Null, Value::Null),
            FinalStatus::Incomplete(reason) => {
                ("incomplete", json!({"reason": reason}), Value::Null)
            }
            FinalStatus::Failed => (
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
        let mut object = self.object(status, self.output_array(item_status));
        if let Some(members) = object.as_object_mut() {
            members.insert("incomplete_details".to_owned(), details);
            members.insert("error".to_owned(), error);
            if self.wire.usage {
                members.insert("usage".to_owned(), self.usage());
            }
        }
        object
    }

    /// The response object before it has ended.
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

    /// The output items.
    fn items(&self) -> Vec<Item<'a>> {
        let output = self.output;
        let mut items = Vec::new();
        if !output.reasoning.is_empty() {
            items.push(Item::Reasoning(&output.reasoning));
        }
        items.push(Item::Message {
            content: &output.content,
            refusal: output.refusal.as_deref(),
        });
        if output.finish_reason.as_deref() == Some("tool_calls") {
            items.push(Item::Call);
        }
        items
    }

    fn output_array(&self, status: &str) -> Vec<Value> {
        self.items()
            .iter()
            .map(|item| item.complete(status))
            .collect()
    }

    fn usage(&self) -> Value {
        let output_tokens = self.output.completion_tokens();
        json!({
            "input_tokens": self.output.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": output_tokens,
            "output_tokens_details": {"reasoning_tokens": tokens(&self.output.reasoning)},
            "total_tokens": self.output.prompt_tokens + output_tokens,
        })
    }
}

/// An output item.
enum Item<'a> {
    /// Reasoning, whose summary has one part.
    Reasoning(&'a str),
    /// A message of a text, a refusal, or both.
    Message {
        content: &'a str,
        refusal: Option<&'a str>,
    },
    /// A call of a function that the request does not offer.
    Call,
}

/// The arguments of [`Item::Call`].
const CALL_ARGUMENTS: &str = "{}";

/// A part of a message. `kind` is its type, which also occurs in the names of its events.
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

    /// The parts of a message. A message without text and refusal has an empty text part.
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

    /// The item in its initial state.
    fn started(&self) -> Value {
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

    /// The item with its content.
    fn complete(&self, status: &str) -> Value {
        let mut item = self.started();
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

/// Builds the events of a response.
struct EventList {
    events: Vec<Event>,
    padded: bool,
    /// Whether the events that end parts and items are added.
    ends_parts: bool,
    /// The status of a complete item.
    item_status: &'static str,
    /// Characters of text in one event.
    piece: usize,
}

impl EventList {
    /// Adds an event with its type and sequence number.
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

    /// Adds an event with the members that locate it in the response.
    fn at(&mut self, place: &Map<String, Value>, kind: &str, members: Value) {
        let mut placed = place.clone();
        if let Value::Object(members) = members {
            placed.extend(members);
        }
        self.event(kind, Value::Object(placed));
    }

    /// Adds a text in pieces, and the event that ends it.
    fn text(&mut self, place: &Map<String, Value>, kind: &str, text: &str, member: &str) {
        for piece in pieces(text, self.piece) {
            let mut members = json!({"delta": piece});
            if let (Some(members), true) = (members.as_object_mut(), self.padded) {
                // Pads to a multiple of 16 to hide the length of the piece.
                let padding = 16 - piece.len() % 16;
                members.insert("obfuscation".to_owned(), json!("x".repeat(padding)));
            }
            self.at(place, &format!("{kind}.delta"), members);
        }
        if self.ends_parts {
            self.at(place, &format!("{kind}.done"), json!({member: text}));
        }
    }

    /// Adds the events of an item.
    fn item(&mut self, index: usize, item: &Item<'_>) {
        let of_item = Map::from_iter([("output_index".to_owned(), json!(index))]);
        self.at(
            &of_item,
            "response.output_item.added",
            json!({"item": item.started()}),
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
            let complete = json!({"item": item.complete(self.item_status)});
            self.at(&of_item, "response.output_item.done", complete);
        }
    }
}
