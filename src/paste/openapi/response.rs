//! Where the response to a task has the server's identifier.

use serde_json::Value;

use super::members;
use super::operation::json_content;
use super::reference::resolved;
use crate::document::push_token;
use crate::schema::roles::normalized;

/// Names of an identifier, normalized, best first.
const NAMES: [&str; 9] = [
    "id",
    "taskid",
    "jobid",
    "uuid",
    "guid",
    "gid",
    "identifier",
    "issueid",
    "key",
];
/// Names of objects that hold the task, normalized.
const HOLDERS: [&str; 8] = [
    "data", "task", "job", "issue", "item", "result", "resource", "metadata",
];

/// The JSON Pointer of the identifier in the response that accepts a task. `None` if the document
/// does not say, or it is not obvious.
pub(super) fn id_pointer(document: &Value, operation: &Value) -> Option<String> {
    let responses = operation.get("responses")?;
    let accepted = members(Some(responses)).find(|(status, _)| status.starts_with('2'))?;
    let response = resolved(document, accepted.1);
    let schema = json_content(response)?.1.get("schema")?;
    let schema = resolved(document, schema);
    if let Some(name) = identifier(document, schema) {
        return Some(push_token("", name));
    }
    let (holder, inner) = properties(document, schema)
        .into_iter()
        .find(|(name, _)| HOLDERS.contains(&normalized(name).as_str()))?;
    let name = identifier(document, resolved(document, inner))?;
    Some(push_token(&push_token("", holder), name))
}

/// The name of the property that is an identifier.
fn identifier<'d>(document: &'d Value, schema: &'d Value) -> Option<&'d str> {
    let properties = properties(document, schema);
    NAMES.iter().find_map(|known| {
        properties
            .iter()
            .map(|(name, _)| *name)
            .find(|name| normalized(name) == *known)
    })
}

/// The properties of a schema, and of what it is combined of by `allOf`.
fn properties<'d>(document: &'d Value, schema: &'d Value) -> Vec<(&'d str, &'d Value)> {
    let parts = schema.get("allOf").and_then(Value::as_array);
    let parts = parts.map(Vec::as_slice).unwrap_or_default();
    std::iter::once(schema)
        .chain(parts.iter().take(20).map(|part| resolved(document, part)))
        .flat_map(|schema| members(schema.get("properties")).take(500))
        .map(|(name, schema)| (name.as_str(), schema))
        .collect()
}
