//! Makes the tasks for a request: the requested number, valid by its schema, about its goal.

use std::collections::HashSet;

use serde_json::Value;
use taskwright::brief::{Brief, Count, MAX_COUNT};
use taskwright::document::Document;
use taskwright::dry_run::DryRun;
use taskwright::random::SeededRng;
use taskwright::schema::sample::sample;
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Roles, TaskSchema, Violation};

use super::error::ApiError;
use super::request::{Api, Format, ModelRequest};

/// Maximum number of tasks in one response.
const TASK_LIMIT: i64 = 1_000;
/// Maximum number of dry runs, each of [`MAX_COUNT`] tasks, to find tasks whose keys are free.
const DRY_RUNS: u64 = 4;
/// Maximum number of opening braces in a message that are tried as the start of a schema.
const SCHEMA_ATTEMPTS: usize = 64;

/// Why no tasks can be made.
#[derive(Debug)]
enum MakeError {
    /// No message names a count.
    NoCount,
    /// The request contains no schema.
    NoSchema,
    /// No task can be made from the schema, for this reason.
    Schema(String),
}

impl MakeError {
    /// The error response of an API, with the parameter at fault.
    fn for_api(self, api: Api) -> ApiError {
        match self {
            Self::NoCount => ApiError::parameter(
                api.messages_parameter(),
                "no_count",
                "No message has a line `Make exactly N tasks.`, so the number of tasks is unknown.",
            ),
            Self::NoSchema => ApiError::parameter(
                api.format_parameter(),
                "no_schema",
                format!(
                    "Neither '{}' nor a message contains a JSON Schema to make tasks from.",
                    api.format_parameter()
                ),
            ),
            Self::Schema(reason) => ApiError::parameter(
                api.schema_parameter(),
                "cannot_make",
                format!("No tasks can be made from this schema: {reason}"),
            ),
        }
    }
}

/// Tasks in the envelope that the schema describes.
#[derive(Clone, Debug)]
pub struct Made {
    /// The envelope, including the tasks.
    pub envelope: Value,
    /// The member of the envelope that is the array of tasks.
    pub member: String,
    /// The tasks.
    pub tasks: Vec<Value>,
}

/// Makes the tasks: as many as the request asks for plus `off_by`. The goal, the schema and the seed
/// determine them; tasks whose keys the request names are skipped.
///
/// # Errors
/// When the request names no count or no schema, or when no valid task can be made from the schema.
pub fn make(request: &ModelRequest, off_by: i64, seed: u64) -> Result<Made, ApiError> {
    made(request, off_by, seed).map_err(|error| error.for_api(request.api))
}

fn made(request: &ModelRequest, off_by: i64, seed: u64) -> Result<Made, MakeError> {
    let requested = requested_count(&request.messages).ok_or(MakeError::NoCount)?;
    let schema = schema(request)?;
    let (member, items) = array_member(&schema)?;
    let count = requested.saturating_add(off_by).clamp(0, TASK_LIMIT);
    let count = usize::try_from(count).map_err(cannot_make)?;
    let tasks = new_tasks(&task_schema(&schema, items)?, request, count, seed)?;

    let mut random = SeededRng::new(seed);
    let mut envelope = sample(&schema, &schema, &mut random).map_err(cannot_make)?;
    if let Some(object) = envelope.as_object_mut() {
        object.insert(member.clone(), Value::Array(tasks.clone()));
    }
    // A count that is wrong on purpose may break the schema's own bounds.
    if off_by == 0
        && let Some(violation) = violations(&envelope, &validator(&schema)?)?.first()
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

fn cannot_make(reason: impl ToString) -> MakeError {
    MakeError::Schema(reason.to_string())
}

fn validator(schema: &Value) -> Result<Validator, MakeError> {
    Validator::compile(schema, &ValidatorOptions::default()).map_err(cannot_make)
}

fn violations(value: &Value, check: &dyn Check) -> Result<Vec<Violation>, MakeError> {
    let document = Document::parse(&value.to_string()).map_err(cannot_make)?;
    Ok(check.check(&document))
}

/// The schema of one task, with the envelope's dialect and definitions.
fn task_schema(envelope: &Value, items: &Value) -> Result<TaskSchema, MakeError> {
    let mut task = items.clone();
    if let Some(object) = task.as_object_mut() {
        for name in ["$schema", "$defs", "definitions"] {
            if let Some(value) = envelope.get(name) {
                object.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    TaskSchema::parse(&task.to_string()).map_err(cannot_make)
}

/// A task schema that does not require the dependencies, which [`chain`] adds.
fn without_required_dependencies(schema: &TaskSchema) -> Result<TaskSchema, MakeError> {
    let mut value = schema.value().clone();
    if let (Some(member), Some(Value::Array(required))) =
        (&schema.roles().depends_on, value.get_mut("required"))
    {
        required.retain(|name| name != member);
    }
    TaskSchema::parse(&value.to_string()).map_err(cannot_make)
}

/// Makes tasks by dry runs, skipping those whose key is taken: by an earlier task, or because a
/// message of the request contains it as a JSON string.
fn new_tasks(
    schema: &TaskSchema,
    request: &ModelRequest,
    count: usize,
    seed: u64,
) -> Result<Vec<Value>, MakeError> {
    let brief = Brief {
        goal: goal(&request.messages),
        context: String::new(),
        rules: String::new(),
        count: Count::try_from(MAX_COUNT).map_err(cannot_make)?,
        seed,
    };
    let strict = validator(schema.value())?;
    let relaxed_schema = without_required_dependencies(schema)?;
    let relaxed = validator(relaxed_schema.value())?;
    let mut candidates = (0..DRY_RUNS)
        .flat_map(|run| DryRun::new(&brief, &relaxed_schema, &relaxed, seed.wrapping_add(run)));
    let mut keys = HashSet::new();
    let mut tasks: Vec<Value> = Vec::with_capacity(count);
    while tasks.len() < count {
        let candidate = candidates
            .next()
            .ok_or_else(|| cannot_make("too few keys are free"))?
            .map_err(cannot_make)?;
        let mut task = candidate.root().to_value();
        let mut distinct = task.clone();
        remove_repeated_items(&mut distinct);
        if violations(&distinct, &relaxed)?.is_empty() {
            task = distinct;
        }
        if let Some(key) = key_of(&task, schema.roles()) {
            let quoted = key.to_string();
            let is_named = |(_, text): &(String, String)| text.contains(&quoted);
            if request.messages.iter().any(is_named) || !keys.insert(quoted.clone()) {
                continue;
            }
        }
        chain(&mut task, &tasks, schema.roles(), &strict)?;
        tasks.push(task);
    }
    Ok(tasks)
}

fn key_of<'a>(task: &'a Value, roles: &Roles) -> Option<&'a Value> {
    task.get(roles.key.as_deref()?)
}

/// Sets the dependencies of a task. The tasks form chains of three: tests rely on which tasks can be
/// posted concurrently, so that must not depend on the seed. If the schema does not allow it, the task
/// keeps the dependencies of the dry run.
fn chain(
    task: &mut Value,
    before: &[Value],
    roles: &Roles,
    check: &dyn Check,
) -> Result<(), MakeError> {
    let Some(member) = &roles.depends_on else {
        return Ok(());
    };
    let previous = before
        .last()
        .filter(|_| !before.len().is_multiple_of(3))
        .and_then(|task| key_of(task, roles))
        .cloned();
    let list: Value = previous.iter().cloned().collect();
    for dependencies in [list, previous.unwrap_or_default()] {
        let mut chained = task.clone();
        if let Some(object) = chained.as_object_mut() {
            object.insert(member.clone(), dependencies);
        }
        if violations(&chained, check)?.is_empty() {
            *task = chained;
            break;
        }
    }
    Ok(())
}

/// Removes repeated items from every array. A strict schema cannot express `uniqueItems`, but the
/// schema from which it was derived may.
fn remove_repeated_items(value: &mut Value) {
    match value {
        Value::Array(items) => {
            let mut kept: Vec<Value> = Vec::with_capacity(items.len());
            for mut item in items.drain(..) {
                remove_repeated_items(&mut item);
                if !kept.contains(&item) {
                    kept.push(item);
                }
            }
            *items = kept;
        }
        Value::Object(members) => members.values_mut().for_each(remove_repeated_items),
        _ => {}
    }
}

/// The schema of the whole response: from the response format, otherwise the first one in a message.
fn schema(request: &ModelRequest) -> Result<Value, MakeError> {
    if let Format::JsonSchema(schema) = &request.format {
        return Ok(schema.clone());
    }
    request
        .messages
        .iter()
        .find_map(|(_, text)| schema_in(text))
        .ok_or(MakeError::NoSchema)
}

/// The first JSON Schema in a text that describes an envelope.
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

/// The property of the envelope that is the array of tasks, and the schema of its items: `tasks` if it
/// is an array, otherwise the only array.
fn array_member(schema: &Value) -> Result<(String, &Value), MakeError> {
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

/// The number in the last line `Make exactly N tasks.` of the messages. Earlier such lines may be part
/// of pasted context.
fn requested_count(messages: &[(String, String)]) -> Option<i64> {
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

/// The first line `Goal: …` of a user message, otherwise its first line that is not empty.
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
    fn the_last_line_with_a_count_wins() {
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
            assert_eq!(requested_count(&messages), count, "{text}");
        }
    }

    #[test]
    fn tasks_are_valid_mention_the_goal_and_match_the_count() {
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
    fn the_same_request_and_seed_make_the_same_tasks_and_another_seed_makes_others() {
        let request = request(&agent_task_envelope(), "Goal: x\nMake exactly 3 tasks.");
        let first = make(&request, 0, 1).unwrap().tasks;
        assert_eq!(make(&request, 0, 1).unwrap().tasks, first);
        assert_ne!(make(&request, 0, 2).unwrap().tasks, first);
    }

    #[test]
    fn keys_that_a_request_names_are_not_used_again() {
        let schema = agent_task_envelope();
        let first = make(&request(&schema, "Goal: x\nMake exactly 2 tasks."), 0, 1).unwrap();
        let taken: Vec<&str> = first
            .tasks
            .iter()
            .map(|task| task["key"].as_str().unwrap())
            .collect();
        let more = format!(
            "Goal: x\nThere are {}.\nMake exactly 20 tasks.",
            json!(taken)
        );
        for task in make(&request(&schema, &more), 0, 1).unwrap().tasks {
            assert!(!taken.contains(&task["key"].as_str().unwrap()));
        }
    }

    #[test]
    fn tasks_depend_on_the_one_before_them_in_chains_of_three() {
        let request = request(&agent_task_envelope(), "Goal: x\nMake exactly 7 tasks.");
        let tasks = make(&request, 0, 1).unwrap().tasks;
        for (index, task) in tasks.iter().enumerate() {
            let previous: Vec<&Value> = match index % 3 {
                0 => Vec::new(),
                _ => vec![&tasks[index - 1]["key"]],
            };
            assert_eq!(task["depends_on"], json!(previous));
        }
    }

    #[test]
    fn definitions_of_the_envelope_are_found() {
        let schema = json!({"type": "object", "required": ["tasks"], "properties":
            {"tasks": {"type": "array", "items": {"$ref": "#/$defs/task"}}},
            "$defs": {"task": {"type": "object", "required": ["name"],
                "properties": {"name": {"type": "string"}}}}});
        let made = make(&request(&schema, "Goal: x\nMake exactly 2 tasks."), 0, 1).unwrap();
        assert!(made.tasks[0]["name"].is_string());
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
    fn a_schema_in_the_messages_is_used_when_the_format_has_none() {
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
    fn an_error_names_the_parameter_that_prevents_tasks() {
        let impossible = json!({"type": "object", "properties": {"tasks": {"type": "array",
            "items": {"type": "object", "required": ["a"],
                "properties": {"a": {"type": "integer", "minimum": 5, "maximum": 4}}}}},
            "required": ["tasks"]});
        let few = json!({"type": "object", "required": ["tasks"], "properties":
            {"tasks": {"type": "array", "maxItems": 1, "items": {"type": "object"}}}});
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
