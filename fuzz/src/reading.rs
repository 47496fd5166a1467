//! A whole answer as it was read, and what must hold of it.

use std::sync::{Arc, LazyLock};

use serde_json::{Deserializer, Value};
use taskwright::document::Document;
use taskwright::model::{
    End, GenerationOutcome, MAX_TASK_BYTES, NoticeCode, ResponseNotice, StreamEvent, TaskStream,
    Usage,
};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Violation, agent_task_schema};
use taskwright::settings::Api;

use super::json::{Json, is_out_of_range};
use super::reference_decoder;

/// Both APIs: every input is read as either.
pub const APIS: [Api; 2] = [Api::ChatCompletions, Api::Responses];

static DEFAULT_SCHEMA: LazyLock<Arc<Validator>> = LazyLock::new(|| {
    let schema = serde_json::from_str(agent_task_schema()).expect("the shipped schema is JSON");
    let options = ValidatorOptions::default();
    Arc::new(Validator::compile(&schema, &options).expect("the shipped schema is one"))
});

/// What a stream told, texts that follow each other as one.
#[derive(Debug, PartialEq)]
pub struct Reading {
    pub events: Vec<StreamEvent>,
    pub outcome: GenerationOutcome,
    pub raw_text: String,
    pub usage: Option<Usage>,
}

impl Reading {
    /// Reads a body that comes in these pieces and then ends.
    pub fn of(api: Api, pieces: &[&[u8]]) -> Self {
        Reading::watched(api, pieces, |_| ())
    }

    /// Reads a body byte by byte. Gives also how many bytes its shortest beginning has that is a
    /// complete answer, if any is.
    pub fn byte_by_byte(api: Api, body: &[u8]) -> (Self, Option<usize>) {
        let (mut read, mut shortest) = (0, None);
        let pieces: Vec<&[u8]> = body.chunks(1).collect();
        let reading = Reading::watched(api, &pieces, |stream| {
            read += 1;
            if shortest.is_none() && stream.finish(End::Ended).is_complete() {
                shortest = Some(read);
            }
        });
        (reading, shortest)
    }

    /// Reads a body in pieces and shows the stream after each of them.
    fn watched(api: Api, pieces: &[&[u8]], mut watch: impl FnMut(&TaskStream)) -> Self {
        let mut stream = TaskStream::new(api, DEFAULT_SCHEMA.clone());
        let mut events: Vec<StreamEvent> = Vec::new();
        for piece in pieces {
            for event in stream.push(piece) {
                match (events.last_mut(), event) {
                    (Some(StreamEvent::Text { delta }), StreamEvent::Text { delta: more }) => {
                        delta.push_str(&more);
                    }
                    (_, event) => events.push(event),
                }
            }
            watch(&stream);
        }
        Reading {
            outcome: stream.finish(End::Ended),
            raw_text: stream.raw_text().to_owned(),
            usage: stream.usage(),
            events,
        }
    }

    /// The same without the text events: where among the others they stand depends on the deltas.
    pub fn without_texts(mut self) -> Self {
        self.events
            .retain(|event| !matches!(event, StreamEvent::Text { .. }));
        self
    }

    /// The tasks in their order, each with what is wrong with it.
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

    /// Panics where something that was told is not so.
    pub fn assert_sound(&self) {
        self.assert_tasks_are_as_written();
        assert!(!self.outcome.hint().is_empty() && !self.outcome.message().is_empty());
        if let GenerationOutcome::Failed(failure) = &self.outcome {
            assert!(!failure.message.is_empty(), "{failure:?}");
        }
        let told: String = self
            .events
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Text { delta } => Some(delta.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(told, self.raw_text, "the text events are the answer's text");
        if self.outcome.is_complete() {
            self.assert_the_json_closed();
        }
    }

    /// Each task stands in the answer's text, one after the other, and is to another parser the
    /// value that it is to ours.
    fn assert_tasks_are_as_written(&self) {
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
                        value.is(task.root()),
                        "{text} is {value:?} to another parser"
                    );
                    let named = violations.iter().any(|one| one.keyword == "duplicateKey");
                    assert_eq!(
                        value.has_duplicate_members(),
                        named,
                        "{text}: {violations:?}"
                    );
                    if !matches!(value, Json::Object(_)) {
                        assert!(!violations.is_empty(), "{text} is no object");
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

    /// To another parser, too, the text is a JSON document that holds exactly these tasks; one
    /// stands in it somewhere where it was said that text stands around it.
    fn assert_the_json_closed(&self) {
        let tasks: Vec<&Document> = self.tasks().map(|(task, _)| task).collect();
        let around = self.events.iter().any(|event| match event {
            StreamEvent::Notice(ResponseNotice { code, .. }) => {
                [NoticeCode::TextAroundJson, NoticeCode::ReasoningInAnswer].contains(code)
            }
            _ => false,
        });
        let closed = if around {
            let mut places = self.raw_text.match_indices(['{', '[']);
            places.any(|(at, _)| self.holds_these(at, &tasks))
        } else {
            let whole = serde_json::from_str::<Json>(&self.raw_text);
            self.holds_these(0, &tasks)
                && whole.map_or_else(|error| is_out_of_range(&error), |_| true)
        };
        assert!(closed, "{tasks:?} are not all of {:?}", self.raw_text);
    }

    fn holds_these(&self, at: usize, tasks: &[&Document]) -> bool {
        let mut values = Deserializer::from_str(&self.raw_text[at..]).into_iter::<Json>();
        match values.next() {
            Some(Ok(value)) => {
                let theirs = value.tasks();
                value.count("tasks") < 2
                    && theirs.len() == tasks.len()
                    && theirs
                        .iter()
                        .zip(tasks)
                        .all(|(value, task)| value.is(task.root()))
            }
            // Another parser has nothing to say here.
            Some(Err(error)) => is_out_of_range(&error),
            None => false,
        }
    }
}

/// Whether the body says, to a decoder of another kind, that the model finished of its own accord.
/// Says yes a little too often, never no where it does.
pub fn says_finished(api: Api, body: &[u8]) -> bool {
    let body_itself = String::from_utf8_lossy(body).into_owned();
    let events = reference_decoder::events(body);
    let texts = events.iter().map(|event| &event.data).chain([&body_itself]);
    texts
        .filter_map(|text| {
            let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
            // Whitespace or trouble may follow a document.
            Deserializer::from_str(text)
                .into_iter::<Value>()
                .next()?
                .ok()
        })
        .any(|value| match api {
            Api::ChatCompletions => value["choices"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|choice| words(&choice["finish_reason"]) == "stop"),
            Api::Responses => {
                words(&value["type"]) == "response.completed"
                    || words(&value["status"]) == "completed"
            }
        })
}

/// A text, or the texts of a list of parts put together.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| words(&part["text"])).collect(),
        _ => String::new(),
    }
}
