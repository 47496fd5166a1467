//! A preview of the request body, and what about a body template deserves attention.

use serde_json::{Map, Value, json};

use super::{ConnectionForm, FormField, SchemaChoice};
use crate::schema::{agent_action_schema, agent_task_schema};
use crate::settings::{BodyTemplate, TaskPlace, TemplateValues};
use crate::text::listed;

/// Maximum number of members of the task in a preview.
const MAX_MEMBERS: usize = 12;

/// The body of a request, as the form describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyPreview {
    /// The body, with an example of a task.
    pub body: String,
    /// What deserves attention, in full sentences.
    pub notes: Vec<String>,
}

impl ConnectionForm {
    /// A preview of the request body; `None` without a body template that can be used.
    #[must_use]
    pub fn body_preview(&self) -> Option<BodyPreview> {
        let template = BodyTemplate::parse(self.text(FormField::BodyTemplate)).ok()?;
        let schema = match self.schema {
            SchemaChoice::AgentTask => agent_task_schema(),
            SchemaChoice::AgentAction => agent_action_schema(),
            SchemaChoice::Own => self.text(FormField::SchemaText),
        };
        let schema = serde_json::from_str(schema).unwrap_or(Value::Null);
        let no_properties = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&no_properties);
        let values = TemplateValues {
            uuid: "00000000-0000-8000-8000-000000000000",
            number: 1,
            run: "00000000000000000000000000000000",
            time: "2026-01-31T12:00:00.000Z",
        };
        let task: Map<String, Value> = properties
            .iter()
            .take(MAX_MEMBERS)
            .map(|(name, property)| (name.clone(), example(property)))
            .collect();
        let body = template.wrap(&Value::from(task).to_string(), &values);
        Some(BodyPreview {
            body,
            notes: notes(&template.places(), properties),
        })
    }
}

/// A value of the kind that a property has.
fn example(property: &Value) -> Value {
    if let Some(value) = property
        .get("const")
        .or_else(|| property.pointer("/enum/0"))
    {
        return value.clone();
    }
    let kind = property.get("type");
    let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some("null") => Value::Null,
        _ => json!("…"),
    }
}

/// What is sent of the task, if that may surprise. Without declared properties nothing is known.
fn notes(places: &[TaskPlace], properties: &Map<String, Value>) -> Vec<String> {
    if properties.is_empty() {
        return Vec::new();
    }
    let mut notes = Vec::new();
    let undeclared: Vec<String> = places
        .iter()
        .filter_map(|place| place.in_task.first())
        .filter(|name| !properties.contains_key(*name))
        .cloned()
        .collect();
    if !undeclared.is_empty() {
        notes.push(format!(
            "The task schema does not declare {}. Check the spelling.",
            listed(&undeclared)
        ));
    }
    let set_twice: Vec<String> = places
        .iter()
        .flat_map(|place| &place.own)
        .filter(|name| properties.contains_key(*name))
        .cloned()
        .collect();
    if !set_twice.is_empty() {
        notes.push(format!(
            "The template sets {}, so what the model writes there is not sent. You can remove it from the task schema.",
            listed(&set_twice)
        ));
    }
    if places.iter().all(|place| !place.in_task.is_empty()) {
        let is_sent = |name: &&String| {
            places
                .iter()
                .any(|place| place.in_task.first() == Some(*name))
        };
        let unsent: Vec<String> = properties
            .keys()
            .filter(|name| !is_sent(name))
            .cloned()
            .collect();
        if !unsent.is_empty() {
            notes.push(format!("Not sent: {}.", listed(&unsent)));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type": "object", "properties": {
        "title": {"type": "string"}, "priority": {"type": ["integer", "null"]},
        "kind": {"enum": ["bug", "idea"]}, "tags": {"type": "array"}}}"#;

    fn preview(template: &str) -> Option<BodyPreview> {
        let mut form = ConnectionForm {
            schema: SchemaChoice::Own,
            ..ConnectionForm::default()
        };
        form.set(FormField::SchemaText, SCHEMA);
        form.set(FormField::BodyTemplate, template);
        form.body_preview()
    }

    #[test]
    fn the_body_of_an_example_is_shown_with_what_may_surprise() {
        for (template, body, notes) in [
            (
                r#"{"to": "a", "task": $task}"#,
                r#"{"to": "a", "task": {"title":"…","priority":1,"kind":"bug","tags":[]}}"#,
                &[][..],
            ),
            (
                r#"{"name": $task.title, "n": $number, "level": $task.prority}"#,
                r#"{"name": "…", "n": 1}"#,
                &[
                    "The task schema does not declare prority. Check the spelling.",
                    "Not sent: priority, kind and tags.",
                ],
            ),
            (
                r#"{"kind": "bug", ...$task}"#,
                r#"{"kind": "bug", "title": "…", "priority": 1, "tags": []}"#,
                &[
                    "The template sets kind, so what the model writes there is not sent. You can remove it from the task schema.",
                ],
            ),
        ] {
            let preview = preview(template).unwrap();
            assert_eq!(preview.body, body);
            assert_eq!(preview.notes, notes);
        }
        assert_eq!(preview(""), None);
        assert_eq!(preview("{}"), None);
    }
}
