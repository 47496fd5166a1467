//! What a 409 says. Servers answer 409 for a task that conflicts with what they have, and also for an
//! idempotency key whose first request is still being processed or is already done. Only the body
//! tells.

use serde_json::Value;

use super::sent::Sent;
use crate::delivery::receipt::Reason;

/// The request is in progress, or should be repeated.
const IN_PROGRESS: [&str; 12] = [
    "in progress",
    "being processed",
    "being handled",
    "still processing",
    "currently processing",
    "processing",
    "pending",
    "concurrent",
    "outstanding",
    "in flight",
    "try again",
    "retry",
];
/// The request was seen before, so the server may have this very task.
const ALREADY_DONE: [&str; 8] = [
    "already processed",
    "already been processed",
    "already submitted",
    "already been submitted",
    "already received",
    "already been received",
    "already handled",
    "already completed",
];
/// The idempotency key belongs to another body, so this one was not taken.
const OTHER_BODY: [&str; 6] = [
    "different",
    "mismatch",
    "reuse",
    "another",
    "not match",
    "other payload",
];
/// The task is a duplicate or conflicts with something.
const CONFLICT: [&str; 19] = [
    "duplicat",
    "exist",
    "already",
    "unique",
    "conflict",
    "taken",
    "in use",
    "clash",
    "collision",
    "collide",
    "the same",
    "constraint",
    "version",
    "revision",
    "etag",
    "stale",
    "closed",
    "archived",
    "locked",
];

/// Whether a 409 says that the server does not take the task, because it is a duplicate or conflicts
/// with something else. The bare words of the status say nothing.
pub(super) fn is_refusal(
    value: Option<&Value>,
    body: &str,
    reasons: &[Reason],
    sent: &Sent<'_>,
) -> bool {
    let mut texts = Vec::new();
    match value {
        Some(value) => collect(value, sent, &mut texts),
        None => texts.push(plain(body)),
    }
    texts.retain(|text| {
        !matches!(
            text.as_str(),
            "conflict" | "409" | "409 conflict" | "http 409"
        )
    });
    let says = |words: &[&str]| {
        texts
            .iter()
            .any(|text| words.iter().any(|word| text.contains(word)))
    };
    if says(&["idempoten"]) {
        return says(&OTHER_BODY) && !says(&IN_PROGRESS);
    }
    if says(&IN_PROGRESS) || says(&ALREADY_DONE) {
        return false;
    }
    says(&CONFLICT)
        || reasons
            .iter()
            .any(|reason| !reason.instance_path.is_empty())
}

/// All texts of a value but those that repeat the task.
fn collect(value: &Value, sent: &Sent<'_>, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.contains("://") => texts.push(plain(text)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, sent, texts)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, member)| !sent.is_repeated(name, member))
            .for_each(|(_, member)| collect(member, sent, texts)),
        _ => {}
    }
}

/// A text in lower case, with spaces between its words: `duplicate_title` is `duplicate title`.
fn plain(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut previous = ' ';
    for c in text.trim().chars() {
        if c.is_uppercase() && previous.is_lowercase() {
            words.push(' ');
        }
        let separates = matches!(c, '_' | '-' | '.' | '/');
        words.extend(if separates { ' ' } else { c }.to_lowercase());
        previous = c;
    }
    words.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refusal_of(body: &str) -> bool {
        let value: Option<Value> = serde_json::from_str(body).ok();
        let sent = Sent::new("https://a.example/tasks", r#"{"title":"Retry it"}"#, None);
        is_refusal(value.as_ref(), body, &[], &sent)
    }

    #[test]
    fn a_409_about_the_task_is_a_refusal() {
        for body in [
            r#"{"code":"duplicate_title","message":"exists"}"#,
            r#"{"detail":"A task with this title already exists"}"#,
            r#"{"error":"UniqueViolation"}"#,
            r#"{"errors":[{"title":"Conflict","detail":"title has already been taken"}]}"#,
            r#"{"type":"https://tasks.example/conflict","title":"Version conflict"}"#,
            r#"{"message":"The queue is closed"}"#,
            r#"{"code":"idempotency_key_reused","message":"The key was used with a different body"}"#,
            r#"{"error":"duplicate","task":{"title":"Retry it"}}"#,
            "Duplicate entry",
        ] {
            assert!(is_refusal_of(body), "{body}");
        }
    }

    #[test]
    fn a_409_about_the_request_or_about_nothing_is_none() {
        for body in [
            "",
            "Conflict",
            r#"{"detail":"Conflict"}"#,
            r#"{"status":409,"error":"CONFLICT"}"#,
            r#"{"code":"idempotency_in_progress","message":"A request with this key exists"}"#,
            r#"{"error":"IdempotencyConflict","message":"The key was already used"}"#,
            r#"{"message":"This request is already being processed"}"#,
            r#"{"message":"This request has already been processed"}"#,
            r#"{"message":"Version conflict, please retry"}"#,
            r#"{"message":"No"}"#,
        ] {
            assert!(!is_refusal_of(body), "{body}");
        }
    }

    #[test]
    fn a_reason_with_a_field_is_about_the_task() {
        let reason = |instance_path: &str| Reason {
            instance_path: instance_path.into(),
            message: "no".into(),
        };
        let sent = Sent::new("", "{}", None);
        let body = Value::Null;
        assert!(is_refusal(Some(&body), "", &[reason("/title")], &sent));
        assert!(!is_refusal(Some(&body), "", &[reason("")], &sent));
    }
}
