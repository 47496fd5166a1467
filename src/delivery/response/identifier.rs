//! The server's identifier of a task, wherever a response has it.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::redirect::path_and_query;
use crate::document::push_token;
use crate::schema::roles::normalized;
use crate::text::truncate_chars;

/// Levels of objects that are searched.
const MAX_LEVELS: usize = 5;
/// Maximum length of an identifier, in characters.
const MAX_CHARACTERS: usize = 200;
/// Maximum length of a response that is nothing but an identifier, in bytes.
const MAX_BARE_BYTES: usize = 64;

/// Names of an identifier, normalized, best first.
const NAMES: [&str; 8] = [
    "id",
    "taskid",
    "uuid",
    "guid",
    "uid",
    "identifier",
    "ids",
    "taskids",
];
/// What a task is called in the name of its identifier: `job_id`, `ticketNumber`.
const NOUNS: [&str; 20] = [
    "task",
    "job",
    "work",
    "workitem",
    "item",
    "ticket",
    "issue",
    "card",
    "message",
    "entry",
    "record",
    "resource",
    "object",
    "created",
    "new",
    "inserted",
    "document",
    "operation",
    "action",
    "todo",
];
/// What an identifier is called in such a name.
const SUFFIXES: [&str; 7] = ["id", "uuid", "guid", "key", "number", "ref", "reference"];
/// Objects whose identifier is not the task's.
const OTHERS: [&str; 24] = [
    "user",
    "author",
    "owner",
    "creator",
    "createdby",
    "updatedby",
    "assignee",
    "account",
    "tenant",
    "organization",
    "organisation",
    "project",
    "queue",
    "board",
    "list",
    "agent",
    "session",
    "client",
    "request",
    "trace",
    "parent",
    "links",
    "error",
    "errors",
];

/// An identifier, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedId {
    /// The identifier.
    pub id: String,
    /// Its place in the response, as a JSON Pointer (RFC 6901).
    pub pointer: String,
}

/// Returns the server's identifier of the task: that of the object itself, or of the nearest one
/// inside it that can be the task. A list of several objects is not about one task.
#[must_use]
pub fn find_id(value: &Value) -> Option<LocatedId> {
    let mut level = vec![(String::new(), value)];
    for _ in 0..MAX_LEVELS {
        let found = level.iter().find_map(|(pointer, value)| {
            let (name, id) = own_id(value).or_else(|| number_of_noun(pointer, value))?;
            Some(LocatedId {
                id,
                pointer: push_token(pointer, name),
            })
        });
        if found.is_some() {
            return found;
        }
        level = level
            .into_iter()
            .flat_map(|(pointer, value)| inside(&pointer, value))
            .collect();
    }
    None
}

/// Returns the server's identifier of the task, as [`find_id`] does.
#[must_use]
pub fn server_id(value: &Value) -> Option<String> {
    find_id(value).map(|found| found.id)
}

/// Returns the identifier at this JSON Pointer.
#[must_use]
pub fn id_at(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(id_text)
}

/// Returns the identifier that a whole response consists of: a number, or a word with a digit in it.
/// `queued` or `OK` is none.
#[must_use]
pub fn bare_id(value: Option<&Value>, body: &str) -> Option<String> {
    let text = match value {
        Some(Value::String(text)) => text.trim(),
        Some(Value::Number(number)) if number.is_u64() => body.trim(),
        Some(_) => return None,
        None => body.trim(),
    };
    let is_word = text.len() <= MAX_BARE_BYTES
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    (is_word && text.contains(|c: char| c.is_ascii_digit())).then(|| text.to_owned())
}

/// Returns the identifier in a `Location` that is below the posted URL: the next segment of its path.
#[must_use]
pub fn id_in_location(location: &str, url: &str) -> Option<String> {
    let path = |text: &str| {
        let path = path_and_query(text);
        path.split(['?', '#']).next().unwrap_or(path).to_owned()
    };
    let posted = path(url);
    let target = path(location);
    let below = target
        .strip_prefix(posted.trim_end_matches('/'))?
        .strip_prefix('/')?;
    let id = below.split('/').next().unwrap_or(below);
    let id = percent_decode_str(id).decode_utf8_lossy();
    (!id.is_empty()).then(|| truncate_chars(&id, MAX_CHARACTERS))
}

/// The identifier that an object itself has, and the name of its member.
#[must_use]
pub fn own_id(value: &Value) -> Option<(&str, String)> {
    let object = value.as_object()?;
    NAMES
        .iter()
        .find_map(|wanted| {
            // The exact name first: an object may have both `id` and `_id`.
            let exact = object.get(*wanted).and_then(id_text);
            exact
                .map(|id| (*wanted, id))
                .or_else(|| named(object, |name| name == *wanted))
        })
        .or_else(|| named(object, is_compound))
}

/// The member `number` of an object that is called as a task is, such as `{"job": {"number": 41}}`. Other
/// names of [`SUFFIXES`] would be those of a task that the server repeats.
fn number_of_noun<'v>(pointer: &str, value: &'v Value) -> Option<(&'v str, String)> {
    let (_, name) = pointer.rsplit_once('/')?;
    if !NOUNS.contains(&normalized(name).as_str()) {
        return None;
    }
    named(value.as_object()?, |name| name == "number")
}

fn named(object: &Map<String, Value>, is_wanted: impl Fn(&str) -> bool) -> Option<(&str, String)> {
    object
        .iter()
        .filter(|(name, _)| is_wanted(&normalized(name)))
        .find_map(|(name, value)| Some((name.as_str(), id_text(value)?)))
}

fn is_compound(name: &str) -> bool {
    SUFFIXES.iter().any(|suffix| {
        name.strip_suffix(suffix)
            .is_some_and(|noun| NOUNS.contains(&noun))
    })
}

/// A string, a number, a list of one of these, or MongoDB's `{"$oid": …}`.
fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => {
            Some(truncate_chars(text, MAX_CHARACTERS))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => match items.as_slice() {
            [only] => id_text(only),
            _ => None,
        },
        Value::Object(members) if members.len() == 1 => {
            id_text(members.get("$oid").or_else(|| members.get("value"))?)
        }
        _ => None,
    }
}

/// The objects directly inside a value that can be the task, and where they are.
fn inside<'v>(pointer: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, member)| {
                (member.is_object() || member.is_array())
                    && !OTHERS.contains(&normalized(name).as_str())
            })
            .map(|(name, member)| (push_token(pointer, name), member))
            .collect(),
        Value::Array(items) => match items.as_slice() {
            [only] => vec![(push_token(pointer, "0"), only)],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_at_every_place_and_under_every_name() {
        for (body, id) in [
            (r#"{"task_id": 1}"#, Some("1")),
            (r#"{"id":"a-1","status":"queued"}"#, Some("a-1")),
            (r#"{"data":{"task":{"uuid":"u"}}}"#, Some("u")),
            (r#"{"taskId":"t","id":"i"}"#, Some("i")),
            (r#"{"Id":"i"}"#, Some("i")),
            (r#"{"_id":{"$oid":"65a"}}"#, Some("65a")),
            (r#"{"job_id":"j"}"#, Some("j")),
            (r#"{"ticketNumber":"T-9"}"#, Some("T-9")),
            (r#"{"ids":["t-1"]}"#, Some("t-1")),
            (r#"{"ids":["t-1","t-2"]}"#, None),
            (r#"{"created":{"id":"c"}}"#, Some("c")),
            (r#"{"data":{"createTask":{"task":{"id":"g"}}}}"#, Some("g")),
            (r#"{"tasks":[{"id":"only"}]}"#, Some("only")),
            (r#"[{"guid":"only"}]"#, Some("only")),
            (
                r#"{"data":{"type":"tasks","id":"7","attributes":{"id":"x"}}}"#,
                Some("7"),
            ),
            (r#"{"job":{"number":41}}"#, Some("41")),
            (r#"{"job":{"number":41,"id":"j"}}"#, Some("j")),
            (
                r#"{"data":{"issue":{"number":7,"url":"/issues/7"}}}"#,
                Some("7"),
            ),
            // Not the task's.
            (r#"{"page":{"number":41}}"#, None),
            (r#"{"number":41}"#, None),
            (r#"{"task":{"key":"as-posted"}}"#, None),
            (
                r#"{"user_id": 3, "request_id": "r", "trace_id": "t"}"#,
                None,
            ),
            (r#"{"user":{"id":3},"queue":{"id":"blue"}}"#, None),
            (r#"{"user":{"id":3},"result":{"id":4}}"#, Some("4")),
            (r#"{"tasks":[{"id":1},{"id":2}]}"#, None),
            (r#"{"ok":true,"id":""}"#, None),
            (r#"{"id":null}"#, None),
        ] {
            let value: Value = serde_json::from_str(body).unwrap();
            assert_eq!(server_id(&value).as_deref(), id, "{body}");
        }
    }

    #[test]
    fn a_location_below_the_posted_url_names_the_id() {
        let url = "https://tasks.example/api/tasks?queue=blue";
        for (location, id) in [
            ("/api/tasks/17", Some("17")),
            (
                "https://tasks.example/api/tasks/t%2D17?full=1",
                Some("t-17"),
            ),
            ("/api/tasks/17/status", Some("17")),
            ("/api/tasks", None),
            ("/api/tasks/", None),
            ("/api/tasks-archive/17", None),
            ("/jobs/17", None),
        ] {
            assert_eq!(id_in_location(location, url).as_deref(), id, "{location}");
        }
        let with_slash = id_in_location("/tasks/17/", "http://localhost:8080/tasks/");
        assert_eq!(with_slash.as_deref(), Some("17"));
    }

    #[test]
    fn a_response_may_be_nothing_but_the_id() {
        for (body, id) in [
            ("17", Some("17")),
            ("\"t-17\"", Some("t-17")),
            (
                "6f1c7e0a-0000-4000-8000-000000000001\n",
                Some("6f1c7e0a-0000-4000-8000-000000000001"),
            ),
            ("queued", None),
            ("\"OK\"", None),
            ("Task 17 was queued", None),
            ("true", None),
            ("-1", None),
            ("", None),
        ] {
            let value: Option<Value> = serde_json::from_str(body).ok();
            assert_eq!(bare_id(value.as_ref(), body).as_deref(), id, "{body}");
        }
    }
}
