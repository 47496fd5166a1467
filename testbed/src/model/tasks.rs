//! Tasks for a request: as many as it asks for, of the schema it carries, about its goal.

use std::collections::HashSet;

use serde_json::Value;
use taskwright::document::Document;
use taskwright::random::SeededRng;
use taskwright::schema::sample::{Fullness, Hints, sample, sample_with};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Violation};

use super::error::ApiError;
use super::prose::Prose;
use super::request::{Api, Format, ModelRequest};

/// The most tasks one answer has.
const TASK_LIMIT: i64 = 1_000;
/// The most steps that are looked at for one whose key is not taken.
const PLACE_LIMIT: usize = 2_000;
/// How many opening braces of the messages are tried when a schema is looked for in them.
const SCHEMA_ATTEMPTS: usize = 64;

/// Why no tasks can be made.
#[derive(Debug)]
enum Unmade {
    /// No message says how many.
    NoCount,
    /// Nothing says of which schema.
    NoSchema,
    /// Not of this schema, for this reason.
    Schema(String),
}

impl Unmade {
    /// The error that an API answers, with the parameter that is at fault there.
    fn of(self, api: Api) -> ApiError {
        match self {
            Self::NoCount => ApiError::parameter(
                api.messages_parameter(),
                "no_count",
                "No message has a line `Make exactly N tasks.`, so how many are wanted is not known.",
            ),
            Self::NoSchema => ApiError::parameter(
                api.format_parameter(),
                "no_schema",
                format!(
                    "Neither '{}' nor a message carries a JSON Schema to make tasks of.",
                    api.format_parameter()
                ),
            ),
            Self::Schema(why) => ApiError::parameter(
                api.schema_parameter(),
                "cannot_make",
                format!("Tasks of this schema cannot be made here: {why}"),
            ),
        }
    }
}

/// Tasks with the envelope that the schema wants around them.
#[derive(Clone, Debug)]
pub struct Made {
    /// The envelope, the tasks in it.
    pub envelope: Value,
    /// The member of the envelope that is the array of tasks.
    pub member: String,
    /// The tasks.
    pub tasks: Vec<Value>,
}

/// Makes the tasks. `off_by` is added to the count that the request asks for; the same request and
/// seed give the same tasks.
///
/// # Errors
/// When the request names no count or no schema, or a schema that tasks cannot be made of.
pub fn make(request: &ModelRequest, off_by: i64, seed: u64) -> Result<Made, ApiError> {
    made(request, off_by, seed).map_err(|unmade| unmade.of(request.api))
}

fn made(request: &ModelRequest, off_by: i64, seed: u64) -> Result<Made, Unmade> {
    let asked = asked_count(&request.messages).ok_or(Unmade::NoCount)?;
    let schema = schema(request)?;
    let (member, items) = array_member(&schema)?;
    let validator =
        Validator::compile(&schema, &ValidatorOptions::default()).map_err(cannot_make)?;
    let texts: Vec<&str> = request
        .messages
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    let mut random = SeededRng::from_texts(&texts, seed);
    let prose = Prose::new(&goal(&request.messages));
    let mut envelope = sample(&schema, &schema, &mut random).map_err(cannot_make)?;

    let count = asked.saturating_add(off_by).clamp(0, TASK_LIMIT);
    let count = usize::try_from(count).map_err(cannot_make)?;
    let hints = Hints::default();
    let mut tasks: Vec<Value> = Vec::with_capacity(count);
    let mut keys: HashSet<String> = HashSet::new();
    let mut place = 0;
    for _ in 0..count {
        // A key that a message names is taken: the request asks for what is missing.
        while place < PLACE_LIMIT && texts.iter().any(|text| text.contains(&prose.key(place))) {
            place += 1;
        }
        let plain =
            sample_with(items, &schema, &mut random, &hints, Fullness::All).map_err(cannot_make)?;
        let previous_key = tasks
            .last()
            .and_then(|task| task.get("key"))
            .and_then(Value::as_str);
        let proposals = prose.members(place, previous_key);
        place += 1;
        let mut task = dress(&plain, &proposals, &member, &envelope, &validator)?;
        make_key_unique(&mut task, &mut keys);
        tasks.push(task);
    }
    put(&mut envelope, &member, tasks.clone());
    // A count that is meant to be wrong may break the schema's own bounds.
    if off_by == 0
        && let Some(violation) = check(&envelope, &validator)?.first()
    {
        return Err(cannot_make(format!(
            "no value was found for {}: {}",
            violation.instance_path, violation.message
        )));
    }
    Ok(Made {
        envelope,
        member,
        tasks,
    })
}

fn cannot_make(why: impl ToString) -> Unmade {
    Unmade::Schema(why.to_string())
}

/// Puts the proposals in place of a task's members, as far as the schema accepts them. What it
/// does not accept keeps its sampled value.
fn dress(
    plain: &Value,
    proposals: &serde_json::Map<String, Value>,
    member: &str,
    envelope: &Value,
    validator: &Validator,
) -> Result<Value, Unmade> {
    let mut task = plain.clone();
    if let Some(object) = task.as_object_mut() {
        for (name, value) in object.iter_mut() {
            if let Some(proposal) = proposals.get(name) {
                value.clone_from(proposal);
            }
        }
    }
    let alone = |task: &Value| {
        let mut envelope = envelope.clone();
        put(&mut envelope, member, vec![task.clone()]);
        check(&envelope, validator)
    };
    let prefix = format!("/{member}/0/");
    for violation in alone(&task)? {
        // Violations of the task as a whole (one alternative of several, say) name no member.
        let Some(path) = violation.instance_path.strip_prefix(&prefix) else {
            if violation
                .instance_path
                .starts_with(prefix.trim_end_matches('/'))
            {
                return Ok(plain.clone());
            }
            continue;
        };
        let name = path.split('/').next().unwrap_or_default();
        if let (Some(object), Some(sampled)) = (task.as_object_mut(), plain.get(name)) {
            object.insert(name.to_owned(), sampled.clone());
        }
    }
    Ok(task)
}

/// Numbers a key that was there before. Only keys of letters, digits and hyphens are touched.
fn make_key_unique(task: &mut Value, keys: &mut HashSet<String>) {
    let Some(Value::String(key)) = task.get_mut("key") else {
        return;
    };
    let mut number = 2;
    let first = key.clone();
    while !keys.insert(key.clone()) {
        *key = format!("{first}-{number}");
        number += 1;
    }
}

fn check(envelope: &Value, validator: &Validator) -> Result<Vec<Violation>, Unmade> {
    let document = Document::parse(&envelope.to_string()).map_err(cannot_make)?;
    Ok(validator.check(&document))
}

fn put(envelope: &mut Value, member: &str, tasks: Vec<Value>) {
    if let Some(object) = envelope.as_object_mut() {
        object.insert(member.to_owned(), Value::Array(tasks));
    }
}

/// The schema of the whole answer: from `response_format`, else the first one that stands in a
/// message.
fn schema(request: &ModelRequest) -> Result<Value, Unmade> {
    if let Format::JsonSchema(schema) = &request.format {
        return Ok(schema.clone());
    }
    request
        .messages
        .iter()
        .find_map(|(_, text)| schema_in(text))
        .ok_or(Unmade::NoSchema)
}

/// The first JSON Schema of an object in a text.
fn schema_in(text: &str) -> Option<Value> {
    text.match_indices('{')
        .take(SCHEMA_ATTEMPTS)
        .find_map(|(start, _)| {
            let rest = text.get(start..)?;
            let value = serde_json::Deserializer::from_str(rest)
                .into_iter::<Value>()
                .next()?
                .ok()?;
            array_member(&value).is_ok().then_some(value)
        })
}

/// The property of the envelope that is the array of tasks, with the schema of its items: the one
/// called `tasks`, else the only array there is.
fn array_member(schema: &Value) -> Result<(String, &Value), Unmade> {
    let arrays: Vec<(&String, &Value)> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, property)| Some((name, property.get("items")?)))
        .collect();
    let chosen = arrays
        .iter()
        .find(|(name, _)| *name == "tasks")
        .or(match arrays.as_slice() {
            [only] => Some(only),
            _ => None,
        });
    match chosen {
        Some((name, items)) => Ok(((*name).clone(), items)),
        None => Err(cannot_make(
            "the root has no property `tasks` that is an array with `items`",
        )),
    }
}

/// The number in the last line `Make exactly N tasks.` of the messages. The last one, since pasted
/// context stands before it.
fn asked_count(messages: &[(String, String)]) -> Option<i64> {
    messages
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| {
            let rest = line.trim().strip_prefix("Make exactly ")?;
            let number = rest
                .strip_suffix(" tasks.")
                .or_else(|| rest.strip_suffix(" task."))?;
            number.parse().ok().filter(|count| *count >= 1)
        })
        .next_back()
}

/// The first line `Goal: …` of a user's message, else the first line that says something.
fn goal(messages: &[(String, String)]) -> String {
    let lines = || {
        messages
            .iter()
            .filter(|(role, _)| role == "user")
            .flat_map(|(_, text)| text.lines())
    };
    lines()
        .find_map(|line| line.strip_prefix("Goal:"))
        .or_else(|| lines().find(|line| !line.trim().is_empty()))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(schema: &Value, message: &str) -> ModelRequest {
        ModelRequest::read(
            Api::ChatCompletions,
            &json!({
                "model": "scripted",
                "messages": [{"role": "user", "content": message}],
                "response_format": {"type": "json_schema",
                    "json_schema": {"name": "tasks", "schema": schema}},
            }),
        )
        .unwrap()
    }

    fn agent_task_envelope() -> Value {
        let task: Value = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
        json!({"type": "object", "required": ["tasks"], "additionalProperties": false,
            "properties": {"tasks": {"type": "array", "items": task}}})
    }

    #[test]
    fn the_last_line_that_asks_for_a_count_counts() {
        for (text, count) in [
            ("Make exactly 3 tasks.", Some(3)),
            ("Goal: x\n\nMake exactly 1 task.\n", Some(1)),
            (
                "Context: Make exactly 9 tasks.\nMake exactly 4 tasks.",
                Some(4),
            ),
            ("Make exactly 9 tasks.\nMake exactly 4 tasks.", Some(4)),
            ("Please make exactly 3 tasks.", None),
            ("Make exactly ten tasks.", None),
            ("Make exactly 0 tasks.", None),
            ("Make exactly 99999999999999999999 tasks.", None),
        ] {
            let messages = [("user".to_owned(), text.to_owned())];
            assert_eq!(asked_count(&messages), count, "{text}");
        }
    }

    #[test]
    fn tasks_are_valid_about_the_goal_and_as_many_as_asked_for() {
        let schema = agent_task_envelope();
        for count in [1, 7, 40] {
            let message = format!("Goal: Tidy the archive\n\nMake exactly {count} tasks.");
            let made = make(&request(&schema, &message), 0, 1).unwrap();
            assert_eq!(made.tasks.len(), count);
            let keys: HashSet<&str> = made
                .tasks
                .iter()
                .map(|task| task["key"].as_str().unwrap())
                .collect();
            assert_eq!(keys.len(), count);
            for task in &made.tasks {
                assert!(task["title"].as_str().unwrap().contains("Tidy the archive"));
                for dependency in task["depends_on"].as_array().into_iter().flatten() {
                    assert!(keys.contains(dependency.as_str().unwrap()));
                }
            }
        }
    }

    #[test]
    fn the_same_request_and_seed_give_the_same_tasks_and_another_seed_others() {
        let request = request(&agent_task_envelope(), "Goal: x\nMake exactly 3 tasks.");
        let first = make(&request, 0, 1).unwrap().tasks;
        assert_eq!(make(&request, 0, 1).unwrap().tasks, first);
        assert_ne!(make(&request, 0, 2).unwrap().tasks, first);
    }

    #[test]
    fn a_request_for_what_is_missing_does_not_get_the_keys_it_names() {
        let schema = agent_task_envelope();
        let first = make(&request(&schema, "Goal: x\nMake exactly 2 tasks."), 0, 1).unwrap();
        let taken: Vec<&str> = first
            .tasks
            .iter()
            .map(|task| task["key"].as_str().unwrap())
            .collect();
        let more = format!(
            "Goal: x\nThere are {}.\nMake exactly 20 tasks.",
            taken.join(", ")
        );
        for task in make(&request(&schema, &more), 0, 1).unwrap().tasks {
            assert!(!taken.contains(&task["key"].as_str().unwrap()));
        }
    }

    #[test]
    fn a_schema_of_another_shape_is_followed() {
        let schema = json!({"type": "object", "required": ["version", "work"],
            "properties": {
                "version": {"const": 2},
                "work": {"type": "array", "items": {"anyOf": [
                    {"type": "object", "required": ["kind", "title"], "additionalProperties": false,
                     "properties": {"kind": {"const": "copy"},
                                    "title": {"type": "string", "pattern": "^[a-f]{4}$"}}},
                    {"type": "object", "required": ["kind", "amount"], "additionalProperties": false,
                     "properties": {"kind": {"const": "pay"},
                                    "amount": {"type": "integer", "minimum": 5}}}]}}}});
        let made = make(&request(&schema, "Make exactly 6 tasks."), 0, 1).unwrap();
        assert_eq!(made.member, "work");
        assert_eq!(made.envelope["version"], 2);
        assert_eq!(made.tasks.len(), 6);
    }

    #[test]
    fn a_schema_is_found_in_the_messages_when_the_format_carries_none() {
        let text = format!(
            "Use {{braces}} and this: {}\nMake exactly 2 tasks.",
            agent_task_envelope()
        );
        let request = ModelRequest::read(
            Api::ChatCompletions,
            &json!({
            "model": "scripted", "messages": [{"role": "user", "content": text}]}),
        )
        .unwrap();
        assert_eq!(make(&request, 0, 1).unwrap().tasks.len(), 2);
    }

    #[test]
    fn what_cannot_be_made_is_refused_with_the_parameter_at_fault() {
        let impossible = json!({"type": "object", "properties": {"tasks": {"type": "array",
            "items": {"type": "object", "required": ["a"],
                "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 4}}}}},
            "required": ["tasks"]});
        let few = json!({"type": "object", "required": ["tasks"], "properties":
            {"tasks": {"type": "array", "maxItems": 1, "items": {"type": "string"}}}});
        for (schema, message, param) in [
            (
                &impossible,
                "Make exactly 2 tasks.",
                Api::ChatCompletions.schema_parameter(),
            ),
            (
                &few,
                "Make exactly 2 tasks.",
                Api::ChatCompletions.schema_parameter(),
            ),
            (
                &json!({"type": "object"}),
                "Make exactly 2 tasks.",
                Api::ChatCompletions.schema_parameter(),
            ),
            (&agent_task_envelope(), "Make some tasks.", "messages"),
        ] {
            let error = make(&request(schema, message), 0, 1).unwrap_err();
            assert_eq!((error.status, error.param.as_deref()), (400, Some(param)));
        }
    }
}
