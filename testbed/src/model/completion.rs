//! Chat Completions responses, as a stream of chunks or as a document.

use serde_json::{Map, Value, json};

use super::output::{ModelOutput, pieces, tokens};
use super::request::ModelRequest;
use super::sse::Event;
use crate::recorder::now_ms;
use crate::script::Wire;

/// The members that all chunks of a response share.
struct ChunkTemplate<'a> {
    id: String,
    created: u64,
    model: &'a str,
    obfuscation: bool,
    usage: bool,
}

impl ChunkTemplate<'_> {
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

    /// A chunk with one choice. The padding hides the `length` of its text.
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

/// The events of a streamed response.
#[must_use]
pub fn stream(output: &ModelOutput, request: &ModelRequest, wire: &Wire, id: &str) -> Vec<Event> {
    let template = ChunkTemplate {
        id: id.to_owned(),
        created: now_ms() / 1000,
        model: &request.model,
        obfuscation: wire.obfuscation && request.include_obfuscation,
        usage: request.include_usage,
    };
    let mut events = Vec::new();
    if wire.empty_first_chunk {
        let mut chunk = template.chunk(json!([]));
        chunk.insert("created".to_owned(), json!(0));
        events.push(Event::data(Value::Object(chunk).to_string()));
    }
    let opening = json!({"role": "assistant", "content": "", "refusal": null});
    events.push(template.delta(0, &opening, &Value::Null, 0));
    if output.second_choice.is_some() {
        events.push(template.delta(1, &opening, &Value::Null, 0));
    }
    for piece in pieces(&output.reasoning, wire.piece) {
        events.push(template.text(0, "reasoning_content", &piece));
    }
    let mut others = output
        .second_choice
        .as_deref()
        .map(|text| pieces(text, wire.piece))
        .unwrap_or_default()
        .into_iter();
    for piece in pieces(&output.content, wire.piece) {
        events.push(template.text(0, "content", &piece));
        if let Some(other) = others.next() {
            events.push(template.text(1, "content", &other));
        }
    }
    for other in others {
        events.push(template.text(1, "content", &other));
    }
    for piece in pieces(output.refusal.as_deref().unwrap_or_default(), wire.piece) {
        events.push(template.text(0, "refusal", &piece));
    }
    if let Some(error) = &wire.error {
        events.push(Event::data(json!({ "error": error }).to_string()));
    } else if let Some(reason) = &output.finish_reason {
        if wire.repeats_text {
            let message = json!({"role": "assistant", "content": output.content});
            let choice = json!({"index": 0, "message": message, "finish_reason": reason});
            let chunk = template.chunk(json!([choice]));
            events.push(Event::data(Value::Object(chunk).to_string()));
        } else {
            events.push(template.delta(0, &json!({}), &json!(reason), 0));
        }
        if output.second_choice.is_some() {
            events.push(template.delta(1, &json!({}), &json!("stop"), 0));
        }
        if wire.usage && request.include_usage {
            let mut chunk = template.chunk(json!([]));
            chunk.insert("usage".to_owned(), usage(output));
            events.push(Event::data(Value::Object(chunk).to_string()));
        }
    }
    if wire.done {
        events.push(Event::data("[DONE]"));
    }
    events
}

/// A response that is one document.
#[must_use]
pub fn document(output: &ModelOutput, request: &ModelRequest, wire: &Wire, id: &str) -> Value {
    if let Some(error) = &wire.error {
        return json!({ "error": error });
    }
    let mut message = json!({
        "role": "assistant",
        "content": output.content,
        "refusal": output.refusal,
    });
    if let Some(fields) = message.as_object_mut() {
        if output.refusal.is_some() && output.content.is_empty() {
            fields.insert("content".to_owned(), Value::Null);
        }
        if !output.reasoning.is_empty() {
            fields.insert("reasoning_content".to_owned(), json!(output.reasoning));
        }
    }
    let mut choices = vec![json!({
        "index": 0,
        "message": message,
        "logprobs": null,
        "finish_reason": output.finish_reason,
    })];
    if let Some(other) = &output.second_choice {
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
        fields.insert("usage".to_owned(), usage(output));
    }
    document
}

fn usage(output: &ModelOutput) -> Value {
    let completion = output.completion_tokens();
    json!({
        "prompt_tokens": output.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": output.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens(&output.reasoning),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
