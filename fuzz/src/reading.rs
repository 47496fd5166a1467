//! Everything read from a response, and its invariants.

use std::sync::{Arc, LazyLock};

use serde_json::{Deserializer, Value};
use taskwright::document::Document;
use taskwright::model::{
    End, GenerationOutcome, MAX_TASK_BYTES, Notice, NoticeCode, StreamEvent, TaskStream, Usage,
};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Violation, agent_task_schema};
use taskwright::settings::Api;

use super::json::{Json, is_out_of_range};
use super::reference_decoder;

/// Both APIs; every input is read as each of them.
pub const APIS: [Api; 2] = [Api::ChatCompletions, Api::Responses];

static DEFAULT_SCHEMA: LazyLock<Arc<Validator>> = LazyLock::new(|| {
    let schema = serde_json::from_str(agent_task_schema()).expect("the built-in schema is JSON");
    let options = ValidatorOptions::default();
    Arc::new(Validator::compile(&schema, &options).expect("the built-in schema is valid"))
});

/// The events and results of a stream; consecutive text events are merged.
#[derive(Debug, PartialEq)]
pub struct Reading {
    pub events: Vec<StreamEvent>,
    pub outcome: GenerationOutcome,
    pub raw_text: String,
    pub usage: Option<Usage>,
}

impl Reading {
    /// Reads a body that arrives in these pieces and then ends.
    pub fn of(api: Api, pieces: &[&[u8]]) -> Self {
        Reading::observed(api, pieces, |_| ())
    }

    /// Reads a body byte by byte. Also returns the length of its shortest prefix that is a complete
    /// response, if there is one.
    pub fn byte_by_byte(api: Api, body: &[u8]) -> (Self, Option<usize>) {
        let (mut read, mut shortest) = (0, None);
        let pieces: Vec<&[u8]> = body.chunks(1).collect();
        let reading = Reading::observed(api, &pieces, |stream| {
            read += 1;
            if shortest.is_none() && stream.finish(End::Ended).is_complete() {
                shortest = Some(read);
            }
        });
        (reading, shortest)
    }

    /// Reads a body in pieces and calls `observe` after each of them.
    fn observed(api: Api, pieces: &[&[u8]], mut observe: impl FnMut(&TaskStream)) -> Self {
        let mut stream = TaskStream::new(api, DEFAULT_SCHEMA.clone());
        let mut events: Vec<StreamEvent> = Vec::new();
        for piece in pieces {
            take(&mut events, stream.push(piece));
            observe(&stream);
        }
        take(&mut events, stream.close());
        Reading {
            outcome: stream.finish(End::Ended),
            raw_text: stream.raw_text().to_owned(),
            usage: stream.usage(),
            events,
        }
    }

    /// The same without the text events, whose positions depend on the deltas.
    pub fn without_texts(mut self) -> Self {
        self.events
            .retain(|event| !matches!(event, StreamEvent::Text { .. }));
        self
    }

    /// The tasks in order, with their violations.
    fn tasks(&self) -> impl Iterator<Item = (&Document, &[Violation])> {
        self.events.iter().filter_map(|event| match event {
            StreamEvent::Task {
                document,
                violations,
                ..
            } => Some((document, violations.as_slice())),
            _ => None,
        })
    }

    /// Panics if an invariant does not hold.
    pub fn assert_sound(&self) {
        self.assert_tasks_match_the_text();
        assert!(!self.outcome.hint().is_empty() && !self.outcome.message().is_empty());
        if let GenerationOutcome::Failed(failure) = &self.outcome {
            assert!(!failure.message.is_empty(), "{failure:?}");
        }
        let text: String = self
            .events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Text { delta } => Some(delta.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(text, self.raw_text, "text events and raw text differ");
        if self.outcome.is_complete() {
            self.assert_the_json_is_complete();
        }
    }

    /// The tasks occur in the text of the response, in order, and another parser reads the same
    /// values.
    fn assert_tasks_match_the_text(&self) {
        let mut rest = self.raw_text.as_str();
        for (index, (task, violations)) in self.tasks().enumerate() {
            let text = task.text();
            let at = rest.find(text);
            let at = at.unwrap_or_else(|| panic!("task {index} is not in the text: {text}"));
            rest = &rest[at + text.len()..];
            assert!(text.len() <= MAX_TASK_BYTES);
            match serde_json::from_str::<Json>(text) {
                Ok(value) => {
                    assert!(
                        value.equals(task.root()),
                        "another parser reads {text} as {value:?}"
                    );
                    let is_reported = violations
                        .iter()
                        .any(|one| one.keyword == "duplicateMember");
                    assert_eq!(
                        value.has_duplicate_member(),
                        is_reported,
                        "{text}: {violations:?}"
                    );
                    if !matches!(value, Json::Object(_)) {
                        assert!(!violations.is_empty(), "{text} is not an object");
                    }
                }
                Err(error) => assert!(is_out_of_range(&error), "{text}: {error}"),
            }
        }
        let indices: Vec<usize> = self
            .events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Task { index, .. } => Some(*index),
                _ => None,
            })
            .collect();
        assert!(indices.iter().copied().eq(0..indices.len()), "{indices:?}");
    }

    /// Another parser also reads the text as a JSON document with exactly these tasks. If a warning
    /// reports surrounding text, the document may be anywhere in it.
    fn assert_the_json_is_complete(&self) {
        let tasks: Vec<&Document> = self.tasks().map(|(task, _)| task).collect();
        let is_surrounded = self.events.iter().any(|event| match event {
            StreamEvent::Notice(Notice { code, .. }) => {
                [NoticeCode::TextAroundJson, NoticeCode::ReasoningInResponse].contains(code)
            }
            _ => false,
        });
        let is_complete = if is_surrounded {
            let mut starts = self.raw_text.match_indices(['{', '[']);
            starts.any(|(at, _)| self.has_tasks_at(at, &tasks))
        } else {
            let parsed = serde_json::from_str::<Json>(&self.raw_text);
            self.has_tasks_at(0, &tasks)
                && parsed.map_or_else(|error| is_out_of_range(&error), |_| true)
        };
        assert!(
            is_complete,
            "{tasks:?} are not the tasks of {:?}",
            self.raw_text
        );
    }

    /// Whether another parser reads a value at this offset that has exactly these tasks.
    fn has_tasks_at(&self, at: usize, tasks: &[&Document]) -> bool {
        let mut values = Deserializer::from_str(&self.raw_text[at..]).into_iter::<Json>();
        match values.next() {
            Some(Ok(value)) => {
                let theirs = value.tasks();
                value.count_members("tasks") < 2
                    && theirs.len() == tasks.len()
                    && theirs
                        .iter()
                        .zip(tasks)
                        .all(|(value, task)| value.equals(task.root()))
            }
            // The other parser cannot represent the number.
            Some(Err(error)) => is_out_of_range(&error),
            None => false,
        }
    }
}

/// Adds events and merges consecutive text events.
fn take(events: &mut Vec<StreamEvent>, more: Vec<StreamEvent>) {
    for event in more {
        match (events.last_mut(), event) {
            (Some(StreamEvent::Text { delta }), StreamEvent::Text { delta: more }) => {
                delta.push_str(&more);
            }
            (_, event) => events.push(event),
        }
    }
}

/// Whether the model says in the body that it finished normally, by the reference decoder. May
/// return true for too many bodies, never false for one that says so.
pub fn says_finished(api: Api, body: &[u8]) -> bool {
    let unframed = String::from_utf8_lossy(body).into_owned();
    let events = reference_decoder::events(body);
    let texts = events.iter().map(|event| &event.data).chain([&unframed]);
    texts
        .filter_map(|text| {
            let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
            // Whitespace or garbage may follow a document.
            Deserializer::from_str(text)
                .into_iter::<Value>()
                .next()?
                .ok()
        })
        .any(|value| match api {
            Api::ChatCompletions => {
                value["choices"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|choice| {
                        // Under any name, and in the words of any vendor.
                        [
                            "finish_reason",
                            "finishReason",
                            "done_reason",
                            "stop_reason",
                        ]
                        .iter()
                        .any(|name| !text_of(&choice[*name]).is_empty())
                    })
            }
            Api::Responses => {
                text_of(&value["type"]).starts_with("response.")
                    || !text_of(&value["status"]).is_empty()
            }
        })
}

/// A string, or the concatenated texts of a list of parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text_of(&part["text"])).collect(),
        _ => String::new(),
    }
}
