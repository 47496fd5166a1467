//! Envelopes: bodies in which the task is inside another object, such as `{"data": {…}}`.

use serde_json::{Map, Value, json};

use crate::schema::Roles;
use crate::schema::roles::normalized;
use crate::settings::BodyTemplate;
use crate::settings::template::PLACEHOLDER;

/// A body template, and the schema of the task that takes the place of its placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEnvelope {
    /// The template, such as `{"type": "work", "payload": $task}`.
    pub template: BodyTemplate,
    /// The schema of the task, as JSON text.
    pub schema: String,
}

impl TaskEnvelope {
    /// One sentence about the envelope.
    pub(super) fn description(&self) -> String {
        let places = self.template.places();
        let path = places.first().map(|place| place.in_body.join("."));
        format!(
            "The body looks like an envelope: the task is in {}. The body template {} adds the rest.",
            path.unwrap_or_default(),
            crate::text::truncate_chars(self.template.text(), 120)
        )
    }
}

/// The placeholder for a UUID of the task.
const PLACEHOLDER_UUID: &str = "$uuid";
/// The placeholder for the time of the run.
const PLACEHOLDER_TIME: &str = "$time";

/// Levels of envelopes around a task.
const MAX_LEVELS: usize = 4;

/// Names of members that hold a task, normalized.
const TASK_NAMES: [&str; 22] = [
    "attributes",
    "body",
    "card",
    "content",
    "data",
    "event",
    "fields",
    "input",
    "issue",
    "item",
    "job",
    "message",
    "params",
    "payload",
    "record",
    "request",
    "spec",
    "story",
    "task",
    "ticket",
    "variables",
    "workitem",
];

/// Finds the envelope of a body's schema, which has no references outside itself. The outer members
/// need a fixed value: a `const`, an `enum` of one value, or a default.
pub(super) fn envelope_of_schema(schema: &Value) -> Option<TaskEnvelope> {
    let mut around: Vec<(Map<String, Value>, String)> = Vec::new();
    let mut current = schema.clone();
    while around.len() < MAX_LEVELS {
        let Some(level) = level_of_schema(&current, schema) else {
            break;
        };
        around.push((level.fixed, level.name));
        current = level.inner;
    }
    if around.is_empty() {
        return None;
    }
    let template = template(&around)?;
    let mut inner = current;
    if let Some(definitions) = schema.get("$defs")
        && inner.to_string().contains("\"#/$defs/")
        && let Some(members) = inner.as_object_mut()
    {
        members.insert("$defs".to_owned(), definitions.clone());
    }
    Some(TaskEnvelope {
        template,
        schema: super::pretty(&with_dialect(inner)),
    })
}

/// The schema with its dialect in front.
pub(super) fn with_dialect(mut schema: Value) -> Value {
    if let Some(members) = schema.as_object_mut() {
        let dialect = json!("https://json-schema.org/draft/2020-12/schema");
        members.shift_insert(0, "$schema".to_owned(), dialect);
    }
    schema
}

/// Finds the envelope of one example: scalars beside exactly one object.
pub(super) fn envelope_of_example(example: &Value, schema: &Value) -> Option<TaskEnvelope> {
    let mut around: Vec<(Map<String, Value>, String)> = Vec::new();
    let mut current = example;
    let mut schema = schema;
    while around.len() < MAX_LEVELS {
        let members = current.as_object()?;
        let objects: Vec<_> = members
            .iter()
            .filter(|(_, value)| value.is_object())
            .collect();
        let [(name, inner)] = objects.as_slice() else {
            break;
        };
        let mut fixed = members.clone();
        fixed.shift_remove(*name);
        let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
        let Some(inner_schema) = schema.pointer(&crate::document::push_token("/properties", name))
        else {
            break;
        };
        let is_envelope = fixed.values().all(is_scalar)
            && Roles::guess(schema).title.is_none()
            && is_task_like(name, inner_schema);
        if !is_envelope {
            break;
        }
        around.push((with_gap(members, name), (*name).clone()));
        current = inner;
        schema = inner_schema;
    }
    if around.is_empty() {
        return None;
    }
    Some(TaskEnvelope {
        template: template(&around)?,
        schema: super::pretty(&with_dialect(schema.clone())),
    })
}

/// The members of an envelope, with `null` in the place of the task.
fn with_gap(members: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let mut members = members.clone();
    if let Some(value) = members.get_mut(name) {
        *value = Value::Null;
    }
    members
}

/// One level of an envelope.
struct Level {
    /// The members with fixed values, and `null` in the place of the task.
    fixed: Map<String, Value>,
    /// The member with the task.
    name: String,
    /// The schema of that member.
    inner: Value,
}

fn level_of_schema(schema: &Value, root: &Value) -> Option<Level> {
    let schema = flattened(schema, root)?;
    if Roles::guess(&schema).title.is_some() {
        return None;
    }
    let properties = schema.get("properties")?.as_object()?;
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut fixed = Map::new();
    let mut tasks = Vec::new();
    for (name, property) in properties {
        let is_task = flattened(property, root).is_some_and(|inner| is_task_like(name, &inner));
        if is_task {
            fixed.insert(name.clone(), Value::Null);
            tasks.push((name.clone(), property.clone()));
        } else if let Some(value) = fixed_value(property).or_else(|| {
            let is_required = required.contains(&name.as_str());
            is_required.then(|| of_format(property)).flatten()
        }) {
            fixed.insert(name.clone(), value);
        } else if required.contains(&name.as_str()) {
            // The template could not fill it.
            return None;
        }
    }
    let [(name, inner)] = <[_; 1]>::try_from(tasks).ok()?;
    Some(Level { fixed, name, inner })
}

/// Maximum number of properties of an envelope.
const MAX_PROPERTIES: usize = 100;

/// An object schema without `$ref` and `allOf` at its top level, nor `$ref` in its properties. `None`
/// if it has no properties.
fn flattened(schema: &Value, root: &Value) -> Option<Value> {
    let schema = resolved(schema, root)?;
    let parts = schema.get("allOf").and_then(Value::as_array);
    let parts = parts.map(Vec::as_slice).unwrap_or_default();
    let parts = parts
        .iter()
        .take(10)
        .filter_map(|part| resolved(part, root));
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in std::iter::once(schema).chain(parts) {
        let inner = part.get("properties").and_then(Value::as_object);
        for (name, property) in inner.into_iter().flatten() {
            if properties.len() >= MAX_PROPERTIES {
                return None;
            }
            properties.insert(name.clone(), resolved(property, root)?.clone());
        }
        if let Some(names) = part.get("required").and_then(Value::as_array) {
            required.extend(names.iter().cloned());
        }
    }
    (!properties.is_empty())
        .then(|| json!({"type": "object", "properties": properties, "required": required}))
}

/// The only value that a schema allows, or its default.
pub(super) fn fixed_value(schema: &Value) -> Option<Value> {
    let only = schema
        .get("enum")
        .and_then(Value::as_array)
        .and_then(|values| match values.as_slice() {
            [one] => Some(one),
            _ => None,
        });
    schema
        .get("const")
        .or(only)
        .or_else(|| schema.get("default"))
        .cloned()
}

/// Whether a member is an object that can be a task: it has a title, or is called like one that holds
/// a task.
fn is_task_like(name: &str, schema: &Value) -> bool {
    let has_properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|properties| !properties.is_empty());
    has_properties
        && (Roles::guess(schema).title.is_some() || TASK_NAMES.contains(&normalized(name).as_str()))
}

/// The schema that a local `$ref` leads to. `None` if it does not exist or leads in a circle.
fn resolved<'v>(schema: &'v Value, root: &'v Value) -> Option<&'v Value> {
    let mut current = schema;
    for _ in 0..16 {
        let Some(reference) = current.get("$ref").and_then(Value::as_str) else {
            return Some(current);
        };
        current = root.pointer(reference.strip_prefix('#')?)?;
    }
    None
}

/// The placeholder for a value that is another one in each body: a UUID or a time.
fn generated(value: &Value) -> Option<&'static str> {
    let text = value.as_str()?;
    if text == PLACEHOLDER_UUID || uuid::Uuid::try_parse(text).is_ok() {
        return Some(PLACEHOLDER_UUID);
    }
    let is_time = humantime::parse_rfc3339_weak(text).is_ok() && text.contains(':');
    (text == PLACEHOLDER_TIME || is_time).then_some(PLACEHOLDER_TIME)
}

/// The placeholder for a value of this format.
fn of_format(schema: &Value) -> Option<Value> {
    match schema.get("format")?.as_str()? {
        "uuid" => Some(json!(PLACEHOLDER_UUID)),
        "date-time" => Some(json!(PLACEHOLDER_TIME)),
        _ => None,
    }
}

/// The template of nested envelopes, from the outside to the inside.
fn template(around: &[(Map<String, Value>, String)]) -> Option<BodyTemplate> {
    let mut text = PLACEHOLDER.to_owned();
    for (members, name) in around.iter().rev() {
        let members: Vec<String> = members
            .iter()
            .map(|(member, value)| {
                let value = match member == name {
                    true => text.clone(),
                    false => generated(value).map_or_else(|| value.to_string(), str::to_owned),
                };
                format!("{}: {value}", Value::from(member.as_str()))
            })
            .collect();
        text = format!("{{{}}}", members.join(", "));
    }
    BodyTemplate::parse(&text).ok()
}
