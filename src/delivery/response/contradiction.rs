//! Bodies of a 2xx that are no receipt: web pages, messages of another protocol, and responses that
//! report a failure in spite of their status.

use serde_json::{Map, Value};

use super::identifier::own_id;
use super::message::is_json_rpc;
use super::sent::Sent;
use crate::schema::roles::normalized;
use crate::text::truncate_chars;
use crate::web_page;

/// Maximum length of the quoted member or text, in characters.
const MAX_QUOTED_CHARACTERS: usize = 80;
/// Deepest nesting of objects that is searched.
const MAX_DEPTH: usize = 4;

/// Members that report a failure when they are false.
const SUCCESSES: [&str; 17] = [
    "success",
    "succeeded",
    "successful",
    "issuccess",
    "issuccessful",
    "wassuccessful",
    "ok",
    "isok",
    "accepted",
    "created",
    "queued",
    "stored",
    "saved",
    "enqueued",
    "valid",
    "isvalid",
    "completed",
];
/// Members that report a failure when they are true, or a count above zero.
const FAILURES: [&str; 12] = [
    "failed",
    "isfailed",
    "failure",
    "iserror",
    "haserror",
    "haserrors",
    "rejected",
    "isrejected",
    "refused",
    "denied",
    "failedcount",
    "errorcount",
];
/// Members whose text names the outcome.
const OUTCOMES: [&str; 7] = [
    "status", "state", "result", "outcome", "type", "level", "severity",
];
/// Words that report a failure as an outcome.
const FAILED: [&str; 21] = [
    "error",
    "err",
    "errored",
    "fail",
    "failed",
    "failure",
    "fatal",
    "rejected",
    "refused",
    "denied",
    "invalid",
    "ko",
    "nok",
    "notok",
    "false",
    "exception",
    "forbidden",
    "unauthorized",
    "badrequest",
    "validationerror",
    "unsuccessful",
];
/// Members with the number of an HTTP status.
const STATUSES: [&str; 7] = [
    "status",
    "statuscode",
    "httpstatus",
    "httpcode",
    "httpstatuscode",
    "code",
    "errorcode",
];
/// Members that describe a failure.
const DESCRIPTIONS: [&str; 14] = [
    "error",
    "errors",
    "err",
    "exception",
    "errormessage",
    "errormsg",
    "errordescription",
    "errordetail",
    "errordetails",
    "validationerrors",
    "fault",
    "failures",
    "violations",
    "issues",
];
/// Error codes of which zero says that there is no error.
const ERROR_CODES: [&str; 4] = ["errcode", "errno", "errornumber", "retcode"];
/// Objects around what a server has to say.
const WRAPPERS: [&str; 11] = [
    "result", "response", "data", "meta", "status", "header", "output", "body", "reply", "payload",
    "outcome",
];

/// Why the body of a 2xx is no receipt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoReceipt {
    /// It is a web page, XML, or a message of another protocol.
    OtherProtocol,
    /// It reports a failure, in these words.
    Contradiction(String),
}

/// Why the body of a 2xx is no receipt; `None` if it is one. Any other body is a receipt, with or
/// without an id, and so is an empty one.
pub(super) fn no_receipt(
    content_type: Option<&str>,
    value: Option<&Value>,
    body: &str,
    sent: &Sent<'_>,
) -> Option<NoReceipt> {
    if web_page::is_markup(content_type, body.as_bytes()) || is_json_rpc(value) {
        return Some(NoReceipt::OtherProtocol);
    }
    let contradiction = match value {
        Some(value) => {
            let is_problem = content_type.is_some_and(|content_type| {
                let content_type = content_type.trim_start().to_ascii_lowercase();
                content_type.starts_with("application/problem+json")
            });
            if is_problem {
                Some("that it is a problem document".to_owned())
            } else {
                in_value(value, sent, 0)
            }
        }
        None => in_text(body),
    };
    contradiction.map(NoReceipt::Contradiction)
}

fn in_value(value: &Value, sent: &Sent<'_>, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::Bool(false) if depth == 0 => Some("false".to_owned()),
        Value::String(text) if depth == 0 => in_text(text),
        // Some gateways wrap their only result in an array.
        Value::Array(items) => match items.as_slice() {
            [only] => in_value(only, sent, depth.max(1)),
            _ => None,
        },
        Value::Object(members) => in_object(members, own_id(value).is_some(), sent, depth),
        _ => None,
    }
}

fn in_object(
    members: &Map<String, Value>,
    has_id: bool,
    sent: &Sent<'_>,
    depth: usize,
) -> Option<String> {
    let own = members
        .iter()
        // A server may repeat the task, whatever its members are called.
        .filter(|(name, member)| !sent.is_repeated(name, member))
        .find(|(name, member)| reports_failure(&normalized(name), member, has_id));
    if let Some((name, member)) = own {
        let member = format!("\"{name}\": {member}");
        return Some(truncate_chars(&member, MAX_QUOTED_CHARACTERS));
    }
    members
        .iter()
        // GraphQL names the inner object after the operation, and it is the only one.
        .filter(|(name, _)| members.len() == 1 || WRAPPERS.contains(&normalized(name).as_str()))
        .filter(|(name, member)| !sent.is_repeated(name, member))
        // A wrapped task with an id was stored, whatever its members are named.
        .filter(|(_, inner)| own_id(inner).is_none())
        .find_map(|(_, inner)| match inner {
            Value::Object(_) | Value::Array(_) => in_value(inner, sent, depth + 1),
            _ => None,
        })
}

fn reports_failure(name: &str, member: &Value, has_id: bool) -> bool {
    if SUCCESSES.contains(&name) {
        return is_false(member);
    }
    if OUTCOMES.contains(&name)
        && let Value::String(text) = member
    {
        let word: String = normalized(text.split([':', ',']).next().unwrap_or_default());
        // A kind of task may be called `error`; the type of a response says so only without an id.
        let may_be_kind = has_id && matches!(name, "type" | "level" | "severity");
        return !may_be_kind && FAILED.contains(&word.as_str()) || is_error_status(member);
    }
    if name == "result" && member == &Value::Bool(false)
        || name == "status" && member == &Value::Bool(false)
    {
        return true;
    }
    if STATUSES.contains(&name) && is_error_status(member) {
        return !(has_id && matches!(name, "code"));
    }
    if has_id {
        // A stored task may have members with these names.
        return false;
    }
    let is_failure = FAILURES.contains(&name)
        && (is_true(member) || member.as_array().is_some_and(|items| !items.is_empty()));
    let is_description = DESCRIPTIONS.contains(&name) && !is_nothing(member);
    let is_code = ERROR_CODES.contains(&name) && !is_nothing(member);
    is_failure || is_description || is_code
}

/// The beginning of a plain text that reports a failure, such as `Error: the queue is full`.
fn in_text(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let word = normalized(text.get(..end).unwrap_or_default());
    let reports_failure = matches!(
        word.as_str(),
        "error"
            | "errors"
            | "fail"
            | "failed"
            | "failure"
            | "fatal"
            | "exception"
            | "rejected"
            | "refused"
            | "denied"
            | "invalid"
            | "traceback"
            | "forbidden"
            | "unauthorized"
            | "false"
            | "nok"
            | "ko"
    );
    reports_failure.then(|| {
        format!(
            "\u{201c}{}\u{201d}",
            truncate_chars(text, MAX_QUOTED_CHARACTERS)
        )
    })
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => matches!(normalized(text).as_str(), "false" | "no" | "0"),
        _ => false,
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::String(text) => matches!(normalized(text).as_str(), "true" | "yes" | "1"),
        _ => false,
    }
}

/// Whether a value is the number of an HTTP status that reports an error.
fn is_error_status(value: &Value) -> bool {
    let number = value.as_u64().or_else(|| {
        let text = value.as_str()?;
        text.split_whitespace().next()?.parse().ok()
    });
    number.is_some_and(|number| (400..=599).contains(&number))
}

/// Whether a member says nothing: `null`, `false`, zero, or empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        // Any text in a list is a message.
        Value::Array(items) => items.iter().all(|item| {
            item.as_str()
                .map_or_else(|| is_nothing(item), str::is_empty)
        }),
        Value::Object(members) => members.values().all(is_nothing),
        Value::String(text) => text.trim().is_empty() || is_false(value) || is_none_word(text),
        other => is_false(other),
    }
}

fn is_none_word(text: &str) -> bool {
    matches!(
        normalized(text).as_str(),
        "none" | "null" | "ok" | "success" | "noerror" | "noerrors"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://tasks.example/tasks";

    fn found(content_type: Option<&str>, sent: &str, body: &str) -> Option<NoReceipt> {
        let value: Option<Value> = serde_json::from_str(body).ok();
        let sent = Sent::new(URL, sent, None);
        no_receipt(content_type, value.as_ref(), body, &sent)
    }

    #[test]
    fn a_2xx_that_contradicts_itself_is_no_receipt() {
        for body in [
            r#"{"success": false}"#,
            r#"{"Success": "False", "id": 7}"#,
            r#"{"success": "no"}"#,
            r#"{"ok": false, "error": "no_queue"}"#,
            r#"{"ok": 0}"#,
            r#"{"accepted": false}"#,
            r#"{"is_success": false}"#,
            r#"{"queued": false, "reason": "the queue is full"}"#,
            r#"{"status": "error"}"#,
            r#"{"status": "ERROR: the queue is full"}"#,
            r#"{"status": "fail", "data": {"title": "required"}}"#,
            r#"{"state": "REJECTED"}"#,
            r#"{"status": false, "message": "the queue is full"}"#,
            r#"{"result": false}"#,
            r#"{"type": "error", "text": "the queue is full"}"#,
            r#"{"status": 422, "title": "Unprocessable"}"#,
            r#"{"status": "422 Unprocessable Entity"}"#,
            r#"{"statusCode": 500}"#,
            r#"{"code": 500, "msg": "the queue is full", "data": null}"#,
            r#"{"errcode": 40001, "errmsg": "the queue is full"}"#,
            r#"{"error": "queue is full"}"#,
            r#"{"error": true}"#,
            r#"{"error": {"code": 7}}"#,
            r#"{"error_message": "queue is full"}"#,
            r#"{"errors": [{"message": "queue is full"}]}"#,
            r#"{"errors": {"title": ["is too long"]}}"#,
            r#"{"hasErrors": true}"#,
            r#"{"failed": 1, "succeeded": 0}"#,
            r#"{"rejected": [{"index": 0}]}"#,
            r#"{"data": null, "errors": ["no"]}"#,
            r#"{"data": {"createTask": {"success": false}}}"#,
            r#"{"result": {"success": false}}"#,
            r#"{"meta": {"status": 400}, "data": null}"#,
            r#"{"status": {"code": 503}}"#,
            r#"[{"success": false}]"#,
            "false",
            "\"error\"",
            "Error: the queue is full",
            "FAILED",
            "rejected, the queue is full",
        ] {
            let found = found(Some("application/json"), "{}", body);
            assert!(
                matches!(found, Some(NoReceipt::Contradiction(_))),
                "{body}: {found:?}"
            );
        }
        let problem = found(Some("application/problem+json"), "{}", r#"{"title": "no"}"#);
        assert!(matches!(problem, Some(NoReceipt::Contradiction(_))));
    }

    #[test]
    fn any_other_2xx_is_a_receipt() {
        for body in [
            "",
            "OK",
            "queued",
            "[]",
            "7",
            "true",
            "null",
            r#"{"id": 7}"#,
            r#"{"success": true, "error": null, "errors": []}"#,
            r#"{"ok": 1, "error": "", "errors": {}}"#,
            r#"{"error": false, "status": 201}"#,
            r#"{"error": "none", "errcode": 0, "failed": 0}"#,
            r#"{"status": "queued"}"#,
            r#"{"status": "ok", "code": 0}"#,
            r#"{"code": 200, "message": "success"}"#,
            r#"{"id": 7, "error": "a member of the task"}"#,
            r#"{"id": 7, "type": "error", "code": 404}"#,
            r#"{"data": {"id": 7, "ok": false}}"#,
            r#"{"errors": {"title": []}}"#,
            r#"[{"success": false}, {"success": true}]"#,
        ] {
            let found = found(Some("text/plain"), "{}", body);
            assert_eq!(found, None, "{body}");
        }
    }

    #[test]
    fn a_repeated_task_does_not_contradict_its_receipt() {
        let task = r#"{"title":"t","accepted":false,"error":"E7","data":{"ok":false}}"#;
        for body in [
            r#"{"title":"t","accepted":false,"error":"E7"}"#,
            r#"{"status":"queued","data":{"ok":false}}"#,
        ] {
            assert_eq!(found(None, task, body), None, "{body}");
            assert!(found(None, "{}", body).is_some(), "{body}");
        }
    }

    #[test]
    fn markup_and_other_protocols_are_no_receipts() {
        for (content_type, body) in [
            ("text/html", "\u{feff}<!DOCTYPE html><title>Sign in</title>"),
            ("", "<!-- gateway --><html>"),
            ("", "<script>location='/login'</script>"),
            ("", "<meta http-equiv=refresh>"),
            ("", "<?xml version=\"1.0\"?><error/>"),
            ("application/xml", "<ok/>"),
            ("text/html; charset=utf-8", "Please sign in."),
            ("application/xhtml+xml", "Please sign in."),
            (
                "application/json",
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600}}"#,
            ),
        ] {
            let found = found(Some(content_type), "{}", body);
            assert_eq!(found, Some(NoReceipt::OtherProtocol), "{body}");
        }
        // PHP's default type.
        assert_eq!(
            found(Some("text/html; charset=UTF-8"), "{}", r#"{"id": 7}"#),
            None
        );
    }
}
