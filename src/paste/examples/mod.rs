//! Example tasks, and the JSON Schema that they suggest.

mod format;
mod shape;

use serde_json::Value;

use super::body::replace_secrets;
use super::envelope::{TaskEnvelope, envelope_of_example, with_dialect};
use super::notice::{Notices, PasteNotice};
use crate::document::{Document, Kind, Reader};
use crate::text::counted;
use shape::Observed;

/// Maximum number of examples to read. The schema comes from the first ones.
const MAX_EXAMPLES: usize = 1_000;

/// Pasted examples of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedExamples {
    /// The number of examples.
    pub count: usize,
    /// The schema that they suggest, as JSON text. Every example is valid by it.
    pub schema: String,
    /// A schema of the inner object, if the examples look like an envelope around it.
    pub envelope: Option<TaskEnvelope>,
    /// What was guessed.
    pub notices: Vec<PasteNotice>,
}

impl PastedExamples {
    /// Reads one JSON object, an array of objects, `{"tasks": [...]}`, or JSON Lines. `None` if the
    /// text is something else.
    pub(super) fn read(text: &str) -> Option<PastedExamples> {
        let mut notices = Notices::default();
        let values = objects(text, &mut notices)?;
        Some(PastedExamples::infer(values, notices))
    }

    fn infer(mut values: Vec<Value>, mut notices: Notices) -> PastedExamples {
        let mut observed = Observed::default();
        let mut secrets = Vec::new();
        for value in &mut values {
            secrets.extend(replace_secrets(value));
            observed.add(value, 0);
        }
        secrets.truncate(3);
        if !secrets.is_empty() {
            notices.left_out(format!(
                "What looks like a secret at {} was not taken over.",
                secrets.join(" and ")
            ));
        }
        let count = values.len();
        notices.recognized(format!(
            "The schema is guessed from {}. Check it before you use it.",
            counted(count, "example")
        ));
        let schema = with_dialect(observed.schema(&mut notices));
        let envelope = match values.as_slice() {
            [value] => envelope_of_example(value, &schema),
            _ => None,
        };
        if let Some(envelope) = &envelope {
            notices.recognized(envelope.description());
        }
        PastedExamples {
            count,
            schema: super::pretty(&schema),
            envelope,
            notices: notices.into_vec(),
        }
    }
}

/// The example objects of a text.
fn objects(text: &str, notices: &mut Notices) -> Option<Vec<Value>> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let all_objects = |values: &[Value]| !values.is_empty() && values.iter().all(Value::is_object);
    if let Ok(document) = Document::parse(text) {
        if document.root().has_duplicate_members() {
            notices
                .changed("An example has a member twice. The last value of the member was used.");
        }
        let root = document.root();
        let tasks = root.get("tasks").filter(|_| root.len() == 1);
        let items = tasks.unwrap_or(root);
        let values: Vec<Value> = match items.kind() {
            Kind::Array => {
                limit(items.len(), notices);
                let items = items.items().take(MAX_EXAMPLES);
                items.map(|item| item.to_value()).collect()
            }
            _ => vec![root.to_value()],
        };
        return all_objects(&values).then_some(values);
    }
    let mut reader = Reader::default();
    let mut values = Vec::new();
    let mut count = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let value = reader.read(line)?.to_value();
        count += 1;
        if values.len() < MAX_EXAMPLES {
            values.push(value);
        }
    }
    limit(count, notices);
    all_objects(&values).then_some(values)
}

/// Notices that not all examples are read.
fn limit(count: usize, notices: &mut Notices) {
    if count > MAX_EXAMPLES {
        notices.left_out(format!("Only the first {MAX_EXAMPLES} examples were read."));
    }
}
