//! Where a server says that a fault is: a pointer, a path, a location or the name of a field, in the
//! notations that frameworks use.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::super::sent::{BODY_NAMES, Sent};
use crate::schema::roles::normalized;

/// A place in what the server received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A path into the body.
    Body(Vec<String>),
    /// Something else of the request, such as `header x-agent-token`.
    Elsewhere(String),
}

/// Members that hold a place, normalized, the most exact first.
const NAMES: [&str; 21] = [
    "instancepath",
    "pointer",
    "jsonpointer",
    "instancelocation",
    "jsonpath",
    "datapath",
    "propertypath",
    "loc",
    "path",
    "fieldpath",
    "field",
    "fieldname",
    "property",
    "propertyname",
    "attribute",
    "attributename",
    "param",
    "parameter",
    "location",
    "source",
    "header",
];
/// Members that hold several places.
const LISTS: [&str; 4] = ["keys", "fields", "membernames", "properties"];
/// Members that hold a place only if the task has a member of that name.
const WEAK_NAMES: [&str; 5] = ["key", "target", "element", "on", "name"];
/// Members with details of a rule, which may name a member that is missing or too much.
const RULE_DETAILS: [&str; 4] = [
    "missingproperty",
    "additionalproperty",
    "unevaluatedproperty",
    "propertyname",
];
/// Parts of a request other than its body.
const OTHER_PARTS: [&str; 12] = [
    "header",
    "headers",
    "query",
    "querystring",
    "params",
    "pathparams",
    "path",
    "cookie",
    "cookies",
    "uri",
    "url",
    "route",
];

/// The places that an object names beside its message.
pub(super) fn places(object: &Map<String, Value>, sent: &Sent<'_>) -> Vec<Place> {
    let Some(place) = main_place(object, sent) else {
        return lists(object, sent);
    };
    let Place::Body(path) = &place else {
        return vec![place];
    };
    // An unknown or missing member is often named beside the path of its object.
    let members: Vec<String> = member(object, "params")
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|details| RULE_DETAILS.iter().filter_map(|name| member(details, name)))
        .chain(member(object, "keys").into_iter().flat_map(items))
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    if members.is_empty() {
        return vec![place];
    }
    let below = |name: String| Place::Body(path.iter().cloned().chain([name]).collect());
    members.into_iter().map(below).collect()
}

fn main_place(object: &Map<String, Value>, sent: &Sent<'_>) -> Option<Place> {
    let found = NAMES.iter().find_map(|name| {
        let value = member(object, name)?;
        match value {
            Value::String(text) if sent.is_request_path(text) && sent.member(text).is_none() => {
                None
            }
            // `location` or `source` may be the part of the request that the path is in.
            Value::String(text) if is_part(text) && sent.member(text).is_none() => None,
            Value::Object(inner) => match *name {
                "source" => source(inner, sent),
                _ => None,
            },
            _ => read(value, *name == "loc", sent),
        }
    });
    let found = found.or_else(|| {
        let mut weak = WEAK_NAMES.iter();
        weak.find_map(|name| {
            let text = member(object, name)?.as_str()?;
            let path = parse(text)?;
            let is_known = path
                .first()
                .is_some_and(|first| sent.member(first).is_some());
            (is_known || (*name == "name" && is_identifier(text))).then_some(Place::Body(path))
        })
    });
    let part = ["location", "in", "source"]
        .iter()
        .find_map(|name| member(object, name)?.as_str());
    match (found, part) {
        (Some(Place::Body(path)), Some(part)) if is_other_part(part) => {
            Some(elsewhere(part, &path))
        }
        (found, _) => found,
    }
}

/// JSON:API's `source`: a pointer, or the name of a parameter or header.
fn source(object: &Map<String, Value>, sent: &Sent<'_>) -> Option<Place> {
    if let Some(pointer) = member(object, "pointer") {
        return read(pointer, false, sent);
    }
    ["parameter", "header"].iter().find_map(|name| {
        let text = member(object, name)?.as_str()?;
        Some(elsewhere(name, &[text.to_owned()]))
    })
}

fn lists(object: &Map<String, Value>, sent: &Sent<'_>) -> Vec<Place> {
    LISTS
        .iter()
        .find_map(|name| member(object, name)?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|item| match item {
            Value::String(_) => read(item, false, sent),
            Value::Object(inner) => main_place(inner, sent),
            _ => None,
        })
        .collect()
}

/// Reads a place: a text, or a list of segments. `has_part` tells that the first segment is the part
/// of the request, as in FastAPI's `loc`.
fn read(value: &Value, has_part: bool, sent: &Sent<'_>) -> Option<Place> {
    let mut path = match value {
        Value::String(text) => match sent.member(text) {
            Some(name) => vec![name.to_owned()],
            None => parse(text)?,
        },
        Value::Array(segments) => segments.iter().map(segment).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    if has_part && let Some(first) = path.first() {
        if is_other_part(first) {
            let part = path.remove(0);
            return Some(elsewhere(&part, &path));
        }
        if normalized(first) == "body" {
            path.remove(0);
        }
    }
    Some(Place::Body(path))
}

/// A segment of a path: a name, an index, or an object that holds one.
fn segment(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => ["key", "name", "property", "field", "index"]
            .iter()
            .find_map(|name| segment(object.get(*name)?)),
        _ => None,
    }
}

/// Parses a JSON Pointer, as text or URI fragment (RFC 6901), a JSONPath (RFC 9535), or a path with
/// dots, brackets or slashes. `None` for a sentence.
pub(super) fn parse(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    if let Some(fragment) = text.strip_prefix('#') {
        let decoded = percent_decode_str(fragment).decode_utf8_lossy();
        return Some(pointer_tokens(&decoded));
    }
    if text.is_empty() || text.starts_with('/') {
        return Some(pointer_tokens(text));
    }
    let rooted = text.strip_prefix('$');
    let path = match rooted {
        Some(rest) if rest.is_empty() || rest.starts_with(['.', '[']) => rest,
        _ => text,
    };
    if path.contains(char::is_whitespace) && !path.contains(['"', '\'']) {
        return None;
    }
    if path.contains('/') && !path.contains(['.', '[']) {
        return Some(pointer_tokens(path));
    }
    Some(dotted(path))
}

fn pointer_tokens(pointer: &str) -> Vec<String> {
    if pointer.is_empty() {
        return Vec::new();
    }
    pointer
        .strip_prefix('/')
        .unwrap_or(pointer)
        .split('/')
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The segments of a path such as `.inputs[0].name`, `inputs.0.name` or `inputs[0]['name']`.
fn dotted(path: &str) -> Vec<String> {
    path.replace(']', "")
        .split(['.', '['])
        .map(|segment| segment.trim_matches(['"', '\'']))
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The place that a message begins with: `body/title must …`, `"title" is …`, `Title can't be …`,
/// `depends on is …`. A bare name counts only if the task has such a member.
pub(super) fn leading(message: &str, sent: &Sent<'_>) -> Option<Place> {
    let message = message.trim_start();
    if let Some(rest) = message.strip_prefix(['"', '`', '\'', '\u{201c}'])
        && let Some((quoted, _)) = rest.split_once(['"', '`', '\'', '\u{201d}'])
    {
        let path = parse(quoted)?;
        let is_known = path
            .first()
            .is_some_and(|first| sent.member(first).is_some());
        return is_known.then_some(Place::Body(path));
    }
    let (first, _) = message.split_once(char::is_whitespace)?;
    let first = first.trim_end_matches(':');
    if let Some((part, path)) = first.split_once(['/', '.'])
        && BODY_NAMES.contains(&normalized(part).as_str())
        && !path.is_empty()
    {
        return parse(path).map(Place::Body);
    }
    if first.contains(['.', '['])
        && let Some(path) = parse(first)
        && path
            .first()
            .is_some_and(|first| sent.member(first).is_some())
    {
        return Some(Place::Body(path));
    }
    let words: Vec<&str> = message.split_whitespace().take(3).collect();
    (1..=words.len()).rev().find_map(|count| {
        let name = words.get(..count)?.concat();
        let member = sent.member(name.trim_end_matches(':'))?;
        Some(Place::Body(vec![member.to_owned()]))
    })
}

fn elsewhere(part: &str, path: &[String]) -> Place {
    let part = match normalized(part).as_str() {
        "headers" => "header",
        "cookies" => "cookie",
        "params" | "pathparams" => "path",
        "querystring" => "query",
        _ => part,
    }
    .to_owned();
    Place::Elsewhere(format!("{part} {}", path.join(".")).trim_end().to_owned())
}

/// Whether a text names a part of the request, and no place in it.
fn is_part(text: &str) -> bool {
    is_other_part(text) || BODY_NAMES.contains(&normalized(text).as_str())
}

fn is_other_part(text: &str) -> bool {
    OTHER_PARTS.contains(&normalized(text).as_str())
}

/// Whether a text can be the name of a member, and is not that of a class of errors.
fn is_identifier(text: &str) -> bool {
    let is_class = ["error", "exception", "violation"]
        .iter()
        .any(|end| text.to_lowercase().ends_with(end));
    !is_class
        && !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.[]".contains(c))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The member with this normalized name.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let mut members = object.iter();
    let found = members.find(|(candidate, _)| normalized(candidate) == name);
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_path_has_the_same_segments() {
        let expected = ["inputs", "0", "a name"];
        for text in [
            "/inputs/0/a name",
            "#/inputs/0/a%20name",
            "$.inputs[0]['a name']",
            "$['inputs'][0][\"a name\"]",
            ".inputs[0]['a name']",
            "inputs[0]['a name']",
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        for (text, expected) in [
            ("inputs.0.name", vec!["inputs", "0", "name"]),
            ("inputs[][name]", vec!["inputs", "name"]),
            ("body/inputs/0", vec!["body", "inputs", "0"]),
            ("/a~1b/m~0n", vec!["a/b", "m~n"]),
            ("title", vec!["title"]),
            ("$ref", vec!["$ref"]),
            ("$", vec![]),
            ("#", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        assert_eq!(parse("the title is too long"), None);
    }
}
