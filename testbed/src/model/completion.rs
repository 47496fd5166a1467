//! Chat Completions on the wire: what was said as a stream of chunks, or as one document.

use serde_json::{Map, Value, json};

use super::request::ModelRequest;
use super::said::{Said, pieces, tokens};
use super::sse::Event;
use crate::recorder::now_ms;
use crate::script::Wire;

/// What all chunks of one answer have in common.
struct Envelope<'a> {
    id: String,
    created: u64,
    model: &'a str,
    obfuscation: bool,
    usage: bool,
}

impl Envelope<'_> {
    fn chunk(&self, choices: Value) -> Map<String, Value> {
        let mut chunk = Map::new();
        chunk.insert("id".to_owned(), json!(self.id));
        chunk.insert("object".to_owned(), json!("chat.completion.chunk"));
        chunk.insert("created".to_owned(), json!(self.created));
        chunk.insert("model".to_owned(), json!(self.model));
        chunk.insert("service_tier".to_owned(), json!("default"));
        chunk.insert("system_fingerprint".to_owned(), Value::Null);
        chunk.insert("choices".to_owned(), choices);
        if self.usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        chunk
    }

    /// A chunk with one choice. `length` is that of its text, which the padding hides.
    fn delta(&self, index: usize, delta: &Value, finish_reason: &Value, length: usize) -> Event {
        let mut chunk = self.chunk(json!([{
            "index": index,
            "delta": delta,
            "logprobs": null,
            "finish_reason": finish_reason,
        }]));
        if self.obfuscation {
            let padding = 16 - length % 16;
            chunk.insert("obfuscation".to_owned(), json!("x".repeat(padding)));
        }
        Event::data(Value::Object(chunk).to_string())
    }

    fn text(&self, index: usize, field: &str, piece: &str) -> Event {
        self.delta(index, &json!({ field: piece }), &Value::Null, piece.len())
    }
}

/// The answer as a stream.
#[must_use]
pub fn stream(said: &Said, request: &ModelRequest, wire: &Wire, id: &str) -> Vec<Event> {
    let envelope = Envelope {
        id: id.to_owned(),
        created: now_ms() / 1000,
        model: &request.model,
        obfuscation: wire.obfuscation && request.include_obfuscation,
        usage: request.include_usage,
    };
    let mut events = Vec::new();
    if wire.empty_first_chunk {
        let mut chunk = envelope.chunk(json!([]));
        chunk.insert("created".to_owned(), json!(0));
        events.push(Event::data(Value::Object(chunk).to_string()));
    }
    let opening = json!({"role": "assistant", "content": "", "refusal": null});
    events.push(envelope.delta(0, &opening, &Value::Null, 0));
    if said.second_choice.is_some() {
        events.push(envelope.delta(1, &opening, &Value::Null, 0));
    }
    for piece in pieces(&said.reasoning, wire.piece) {
        events.push(envelope.text(0, "reasoning_content", &piece));
    }
    let mut others = said
        .second_choice
        .as_deref()
        .map(|text| pieces(text, wire.piece))
        .unwrap_or_default()
        .into_iter();
    for piece in pieces(&said.content, wire.piece) {
        events.push(envelope.text(0, "content", &piece));
        if let Some(other) = others.next() {
            events.push(envelope.text(1, "content", &other));
        }
    }
    for other in others {
        events.push(envelope.text(1, "content", &other));
    }
    for piece in pieces(said.refusal.as_deref().unwrap_or_default(), wire.piece) {
        events.push(envelope.text(0, "refusal", &piece));
    }
    if let Some(error) = &wire.error {
        events.push(Event::data(json!({ "error": error }).to_string()));
    } else if let Some(reason) = &said.finish_reason {
        events.push(envelope.delta(0, &json!({}), &json!(reason), 0));
        if said.second_choice.is_some() {
            events.push(envelope.delta(1, &json!({}), &json!("stop"), 0));
        }
        if wire.usage && request.include_usage {
            let mut chunk = envelope.chunk(json!([]));
            chunk.insert("usage".to_owned(), usage(said));
            events.push(Event::data(Value::Object(chunk).to_string()));
        }
    }
    if wire.done {
        events.push(Event::data("[DONE]"));
    }
    events
}

/// The answer as one document.
#[must_use]
pub fn document(said: &Said, request: &ModelRequest, wire: &Wire, id: &str) -> Value {
    if let Some(error) = &wire.error {
        return json!({ "error": error });
    }
    let mut message = json!({
        "role": "assistant",
        "content": said.content,
        "refusal": said.refusal,
    });
    if let Some(fields) = message.as_object_mut() {
        if said.refusal.is_some() && said.content.is_empty() {
            fields.insert("content".to_owned(), Value::Null);
        }
        if !said.reasoning.is_empty() {
            fields.insert("reasoning_content".to_owned(), json!(said.reasoning));
        }
    }
    let mut choices = vec![json!({
        "index": 0,
        "message": message,
        "logprobs": null,
        "finish_reason": said.finish_reason,
    })];
    if let Some(other) = &said.second_choice {
        choices.push(json!({
            "index": 1,
            "message": {"role": "assistant", "content": other, "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }));
    }
    let mut document = json!({
        "id": id,
        "object": "chat.completion",
        "created": now_ms() / 1000,
        "model": request.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": null,
    });
    if wire.usage
        && let Some(fields) = document.as_object_mut()
    {
        fields.insert("usage".to_owned(), usage(said));
    }
    document
}

fn usage(said: &Said) -> Value {
    let completion = said.completion_tokens();
    json!({
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": said.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens(&said.reasoning),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
