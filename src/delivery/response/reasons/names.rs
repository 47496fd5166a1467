//! The names by which reasons are recognised, all normalized, and the messages under them.

use serde_json::{Map, Value};

use super::place::member;

/// Members that hold reasons, or something that does, normalized.
pub(super) const CONTAINERS: [&str; 40] = [
    "violations",
    "errors",
    "error",
    "err",
    "detail",
    "details",
    "issues",
    "invalidparams",
    "invalidparameters",
    "invalidfields",
    "validationerrors",
    "validationerror",
    "validation",
    "fielderrors",
    "formerrors",
    "globalerrors",
    "fieldviolations",
    "inner",
    "messages",
    "message",
    "problems",
    "problem",
    "failures",
    "causes",
    "cause",
    "embedded",
    "extensions",
    "response",
    "result",
    "data",
    "exception",
    "reasons",
    "invalid",
    "constraintviolations",
    "badrequest",
    "suberrors",
    "children",
    "nestederrors",
    "body",
    "meta",
];
/// Names in a map from fields to messages that stand for the task itself, or for another level of the
/// map.
pub(super) const TRANSPARENT: [&str; 10] = [
    "base",
    "nonfielderrors",
    "all",
    "schema",
    "form",
    "global",
    "general",
    "root",
    "self",
    "",
];
/// Members that belong to a response, not to a map from fields to messages.
pub(super) const IGNORED: [&str; 28] = [
    "status",
    "statuscode",
    "code",
    "type",
    "instance",
    "timestamp",
    "traceid",
    "requestid",
    "success",
    "ok",
    "stack",
    "stacktrace",
    "trace",
    "traceback",
    "debug",
    "help",
    "documentation",
    "docs",
    "documentationurl",
    "url",
    "method",
    "path",
    "allowed",
    "methods",
    "value",
    "input",
    "warnings",
    "links",
];
/// Members with a message, normalized, the most exact first.
pub(super) const MESSAGES: [&str; 14] = [
    "detail",
    "message",
    "msg",
    "errormessage",
    "defaultmessage",
    "description",
    "reason",
    "error",
    "text",
    "summary",
    "title",
    "messages",
    "constraints",
    "errors",
];
/// Members with a message that need no place beside them.
pub(super) const PLAIN_MESSAGES: [&str; 8] = [
    "detail",
    "message",
    "msg",
    "errormessage",
    "defaultmessage",
    "description",
    "reason",
    "error",
];
/// Members that name the broken rule, for reasons without a message.
pub(super) const RULES: [&str; 7] = [
    "code",
    "errorcode",
    "rule",
    "keyword",
    "tag",
    "kind",
    "type",
];
/// Members of a reason that hold further reasons.
pub(super) const NESTED: [&str; 7] = [
    "children",
    "nestederrors",
    "inner",
    "details",
    "fieldviolations",
    "suberrors",
    "validationerrors",
];

/// The messages of a reason: the first member among `names` that has any, or else the rule.
pub(super) fn messages(
    members: &Map<String, Value>,
    names: &[&str],
    rules: &[&str],
) -> Vec<String> {
    names
        .iter()
        .map(|name| member(members, name).map(texts).unwrap_or_default())
        .find(|texts| !texts.is_empty())
        .or_else(|| {
            rules.iter().find_map(|name| {
                let text = member(members, name)?.as_str()?;
                (!text.is_empty()).then(|| vec![text.to_owned()])
            })
        })
        .unwrap_or_default()
}

/// A text, the texts of a list, or those of a map from rules to texts.
fn texts(value: &Value) -> Vec<String> {
    let all: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        other => vec![other],
    };
    all.into_iter()
        .filter_map(Value::as_str)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
        .collect()
}
