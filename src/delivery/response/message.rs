//! The server's own message in a response.

use serde_json::{Map, Value};

use super::MAX_MESSAGE_CHARACTERS;
use crate::schema::roles::normalized;
use crate::text::truncate_chars;
use crate::web_page;

/// Members with a message, normalized, the most exact first.
const NAMES: [&str; 13] = [
    "detail",
    "message",
    "errordescription",
    "errormessage",
    "errmsg",
    "error",
    "err",
    "msg",
    "title",
    "reason",
    "description",
    "statusmessage",
    "faultstring",
];
/// Members that may hold such an object.
const HOLDERS: [&str; 9] = [
    "errors",
    "fault",
    "exception",
    "data",
    "result",
    "response",
    "status",
    "meta",
    "body",
];
/// Deepest nesting that is searched.
const MAX_DEPTH: usize = 4;
/// How many texts of a list are shown.
const MAX_LISTED: usize = 3;

/// Returns the message of a response that does not deliver a task: what the server states, or else
/// its plain text.
#[must_use]
pub fn message(
    status: u16,
    content_type: Option<&str>,
    value: Option<&Value>,
    body: &str,
) -> String {
    let text = stated(content_type, value, body).unwrap_or_else(|| body.trim().to_owned());
    if text.is_empty() {
        format!("The server responded with status {status} and no message.")
    } else {
        truncate_chars(&text, MAX_MESSAGE_CHARACTERS)
    }
}

/// What a response states in a member for messages, or what kind of response it is if it does not
/// come from a task server.
pub(super) fn stated(
    content_type: Option<&str>,
    value: Option<&Value>,
    body: &str,
) -> Option<String> {
    if is_json_rpc(value) {
        return Some("The response is JSON-RPC: this address speaks the Model Context Protocol, not POST /tasks.".to_owned());
    }
    value
        .and_then(|value| of_value(value, 0))
        .or_else(|| markup(content_type, body))
}

/// Whether a response is a message of JSON-RPC.
pub(super) fn is_json_rpc(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.get("jsonrpc").is_some())
}

fn of_value(value: &Value, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) => is_prose(text).then(|| text.clone()),
        Value::Object(members) => of_object(members, depth),
        Value::Array(items) => {
            let texts: Vec<String> = items
                .iter()
                .take(MAX_LISTED)
                .filter_map(|item| of_value(item, depth + 1))
                .collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    }
}

fn of_object(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let member = |wanted: &str| {
        members
            .iter()
            .find(|(name, _)| normalized(name) == wanted)
            .map(|(_, value)| value)
    };
    // Texts first: a `detail` or `error` may also be a list of reasons.
    let mut names = NAMES.iter().filter_map(|name| member(name));
    let text = names.find_map(|value| value.as_str().filter(|text| is_prose(text)));
    if let Some(text) = text {
        return Some(text.to_owned());
    }
    let mut holders = NAMES.iter().chain(&HOLDERS);
    holders.find_map(|name| match member(name)? {
        // Reasons are shown beside their fields.
        Value::Object(map) if *name == "errors" => ["detail", "message"]
            .iter()
            .find_map(|name| map.get(*name)?.as_str().map(str::to_owned)),
        value @ Value::Object(_) => of_value(value, depth + 1),
        value @ Value::Array(items) if depth == 0 && items.iter().all(Value::is_string) => {
            of_value(value, depth + 1)
        }
        _ => None,
    })
}

/// Whether a text is for people: some libraries put JSON into it.
fn is_prose(text: &str) -> bool {
    let text = text.trim();
    let is_json = text.starts_with(['[', '{']) && text.ends_with([']', '}']);
    !text.is_empty() && !is_json
}

/// Describes a response that is a web page, with its title if it has one, or an XML document.
fn markup(content_type: Option<&str>, body: &str) -> Option<String> {
    if !web_page::is_markup(content_type, body.as_bytes()) {
        return None;
    }
    if web_page::is_xml(content_type, body) {
        return Some("The response is an XML document, not a task server's.".to_owned());
    }
    Some(match web_page::title(body) {
        Some(title) => format!(
            "The response is a web page (\u{201c}{}\u{201d}), not a task server's.",
            truncate_chars(title, 80)
        ),
        None => "The response is a web page, not a task server's.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_wherever_the_server_states_it() {
        for (body, expected) in [
            (r#"{"detail":"a"}"#, "a"),
            (r#"{"title":"Bad Request","detail":"a"}"#, "a"),
            (r#"{"error":"bad","message":"a"}"#, "a"),
            (r#"{"error":{"message":"a"}}"#, "a"),
            (r#"{"error":{"details":[],"error_description":"a"}}"#, "a"),
            (r#"{"Message":"a"}"#, "a"),
            (r#"{"message":["a","b"],"statusCode":400}"#, "a; b"),
            (r#"{"errors":["a"]}"#, "a"),
            (r#"{"data":{"msg":"a"}}"#, "a"),
            (r#"{"status":{"code":400,"message":"a"}}"#, "a"),
            (r#""a""#, "a"),
            ("a", "a"),
            (r#"{"message":"[{\"path\":[]}]","error":"a"}"#, "a"),
            ("", "The server responded with status 400 and no message."),
        ] {
            let value: Option<Value> = serde_json::from_str(body).ok();
            assert_eq!(message(400, None, value.as_ref(), body), expected, "{body}");
        }
    }
}
