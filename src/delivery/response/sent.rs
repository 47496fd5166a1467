//! What was sent, as far as a reply can be about it.

use std::cell::OnceCell;

use serde_json::Value;

use super::redirect::path_and_query;
use crate::document::escape_token;
use crate::schema::roles::normalized;
use crate::settings::{BodyTemplate, TaskPlace};

/// Longest prefix that servers put before the path of a member, in segments.
const MAX_WRAPPERS: usize = 3;
/// What servers call the request or its body at the beginning of such a path.
pub(super) const BODY_NAMES: [&str; 10] = [
    "body",
    "requestbody",
    "json",
    "payload",
    "request",
    "data",
    "attributes",
    "input",
    "root",
    "dto",
];

/// A posted body, and where in it the task is. A server names the members of the body it received,
/// and sometimes repeats them.
#[derive(Debug, Clone)]
pub struct Sent<'a> {
    url: &'a str,
    body: &'a str,
    template: Option<&'a BodyTemplate>,
    id_pointer: Option<&'a str>,
    parsed: OnceCell<Parsed>,
}

#[derive(Debug, Clone)]
struct Parsed {
    body: Value,
    /// The task, as far as the body holds it.
    task: Value,
    /// Where the task is in the body, as member names and indexes.
    task_at: Vec<String>,
    /// The members of the body that the template sets, if the task's are beside them.
    own: Vec<String>,
    /// Whether the body holds something that is not the task's.
    is_wrapped: bool,
    /// Where single members of the task are in the body.
    members: Vec<TaskPlace>,
}

impl<'a> Sent<'a> {
    /// This body, posted to `url`, with the task inserted into `template`.
    #[must_use]
    pub fn new(url: &'a str, body: &'a str, template: Option<&'a BodyTemplate>) -> Sent<'a> {
        Sent {
            url,
            body,
            template,
            id_pointer: None,
            parsed: OnceCell::new(),
        }
    }

    /// The same, to a server whose identifiers are at this JSON Pointer in its responses.
    #[must_use]
    pub fn with_id_at(self, id_pointer: Option<&'a str>) -> Sent<'a> {
        Sent { id_pointer, ..self }
    }

    /// Where the server's identifier is in a response, if that is set.
    pub(super) fn id_pointer(&self) -> Option<&'a str> {
        self.id_pointer
    }

    /// The URL of the request.
    #[must_use]
    pub fn url(&self) -> &'a str {
        self.url
    }

    /// Whether a text is the path of the request, as error bodies often repeat it.
    pub(super) fn is_request_path(&self, text: &str) -> bool {
        let path = path_and_query(self.url);
        let path = path.split('?').next().unwrap_or(path);
        text.len() > 1 && text.trim_end_matches('/') == path.trim_end_matches('/')
    }

    /// Whether a response's member repeats the task's.
    pub(super) fn is_repeated(&self, name: &str, value: &Value) -> bool {
        self.task().and_then(|task| task.get(name)) == Some(value)
    }

    /// The task's member with this name, however it is written: `dependsOn` is `depends_on`.
    pub(super) fn member(&self, name: &str) -> Option<&str> {
        let members = self.task()?.as_object()?;
        same_name(members.keys(), name)
    }

    /// The location in the task that a server means by this path into what it received, as a JSON
    /// Pointer; `None` if it is outside the task, in the template around it.
    pub(super) fn pointer(&self, path: &[String]) -> Option<String> {
        let parsed = self.parsed();
        if let Some(pointer) = parsed.pointer_of_member(path) {
            return Some(pointer);
        }
        if parsed.is_beside_the_task(path) {
            return None;
        }
        let task_at = parsed.task_at.as_slice();
        let inside = |path: &'_ [String]| {
            let inside = path.strip_prefix(task_at).filter(|_| !task_at.is_empty());
            inside.map(<[String]>::to_vec)
        };
        let mut is_inside = true;
        let mut rest = inside(path).unwrap_or_else(|| {
            is_inside = false;
            path.to_vec()
        });
        for skipped in 0..=MAX_WRAPPERS {
            if let Some(found) = rest
                .get(skipped..)
                .and_then(|path| walk(&parsed.task, path))
            {
                return Some(found);
            }
        }
        // A member that the task lacks.
        let names = rest
            .iter()
            .take_while(|name| BODY_NAMES.contains(&normalized(name).as_str()))
            .count();
        rest.drain(..names);
        if let Some(inside) = inside(&rest) {
            rest = inside;
        } else if !is_inside && parsed.is_beside_the_task(&rest) {
            return None;
        }
        Some(join(&rest))
    }

    fn task(&self) -> Option<&Value> {
        Some(&self.parsed().task).filter(|task| !task.is_null())
    }

    fn parsed(&self) -> &Parsed {
        self.parsed.get_or_init(|| {
            let body = serde_json::from_str(self.body).unwrap_or(Value::Null);
            let places = self.template.map_or_else(Vec::new, BodyTemplate::places);
            Parsed::new(body, places)
        })
    }
}

impl Parsed {
    fn new(body: Value, places: Vec<TaskPlace>) -> Parsed {
        let (whole, members): (Vec<TaskPlace>, Vec<TaskPlace>) = places
            .into_iter()
            .partition(|place| place.in_task.is_empty());
        let whole = whole.into_iter().next();
        let is_wrapped = !members.is_empty()
            || whole
                .as_ref()
                .is_some_and(|place| !place.in_body.is_empty() || !place.own.is_empty());
        let task_at = whole
            .as_ref()
            .map(|place| place.in_body.clone())
            .unwrap_or_default();
        let own = whole.as_ref().map(|place| place.own.clone());
        let mut task = match (&whole, members.is_empty()) {
            (None, false) => Value::Object(serde_json::Map::new()),
            _ => body
                .pointer(&join(&task_at))
                .cloned()
                .unwrap_or(Value::Null),
        };
        if let (Some(place), Some(task)) = (&whole, task.as_object_mut()) {
            task.retain(|name, _| !place.own.contains(name));
        }
        for place in &members {
            if let (Some(value), [name]) = (
                body.pointer(&join(&place.in_body)),
                place.in_task.as_slice(),
            ) && let Some(task) = task.as_object_mut()
            {
                task.insert(name.clone(), value.clone());
            }
        }
        let own = match whole.is_none() {
            // The task is in the body by single members only, and all others are the template's.
            true => names(&body, &members),
            false => own.unwrap_or_default(),
        };
        Parsed {
            body,
            task,
            task_at,
            is_wrapped,
            own,
            members,
        }
    }

    /// Whether a path leads to a member of the body that the template sets. The whole path into the body
    /// comes before a member of the same name in the task.
    fn is_beside_the_task(&self, path: &[String]) -> bool {
        let Some((first, rest)) = path.split_first() else {
            return false;
        };
        let is_own = match self.task_at.first() {
            Some(outer) => self.body.get(first).is_some() && first != outer,
            None => self.own.contains(first),
        };
        if self.body.get(first).is_none() && BODY_NAMES.contains(&normalized(first).as_str()) {
            return self.is_beside_the_task(rest);
        }
        self.is_wrapped && is_own
    }

    /// The location in the task of this path into the body, if a member of the task is there on its
    /// own, perhaps under another name.
    fn pointer_of_member(&self, path: &[String]) -> Option<String> {
        let without_names = path
            .iter()
            .position(|name| !BODY_NAMES.contains(&normalized(name).as_str()))?;
        for path in [path, path.get(without_names..)?] {
            let found = self.members.iter().find_map(|place| {
                let inside = path.strip_prefix(place.in_body.as_slice())?;
                Some((place, inside))
            });
            if let Some((place, inside)) = found {
                let value = self.body.pointer(&join(&place.in_body));
                let inside = value
                    .and_then(|value| walk(value, inside))
                    .unwrap_or_else(|| join(inside));
                return Some(join(&place.in_task) + &inside);
            }
        }
        None
    }
}

/// The names of the members of a body that hold none of these members of the task.
fn names(body: &Value, members: &[TaskPlace]) -> Vec<String> {
    let is_own = |name: &&String| {
        members
            .iter()
            .all(|place| place.in_body.first() != Some(*name))
    };
    let names = body.as_object().into_iter().flat_map(|body| body.keys());
    names.filter(is_own).cloned().collect()
}

/// Follows a path into a value as far as it goes. `None` if not even its first segment is there.
fn walk(value: &Value, path: &[String]) -> Option<String> {
    let mut value = Some(value);
    let mut pointer = String::new();
    for (at, segment) in path.iter().enumerate() {
        let name = match value {
            Some(Value::Object(members)) => same_name(members.keys(), segment),
            Some(Value::Array(items)) => segment
                .parse()
                .ok()
                .and_then(|index: usize| items.get(index))
                .map(|_| segment.as_str()),
            _ => None,
        };
        if at == 0 && name.is_none() {
            return None;
        }
        let name = name.unwrap_or(segment);
        value = value.and_then(|value| value.pointer(&format!("/{}", escape_token(name))));
        pointer.push('/');
        pointer.push_str(&escape_token(name));
    }
    (!path.is_empty()).then_some(pointer)
}

/// The name among `names` that is this one, or else the one that differs only in how it is written.
fn same_name<'n>(names: impl Iterator<Item = &'n String>, name: &str) -> Option<&'n str> {
    let wanted = normalized(name);
    let mut similar = None;
    for candidate in names {
        if candidate == name {
            return Some(candidate);
        }
        if similar.is_none() && !wanted.is_empty() && normalized(candidate) == wanted {
            similar = Some(candidate.as_str());
        }
    }
    similar
}

fn join(path: &[String]) -> String {
    path.iter()
        .map(|segment| format!("/{}", escape_token(segment)))
        .collect()
}
