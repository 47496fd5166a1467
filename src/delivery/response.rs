//! Maps the response of any task server to a delivery outcome.

use serde_json::Value;

use super::receipt::{DeliveryOutcome, Reason, UnconfirmedCause};
use crate::retry_after;
use crate::secrets::Redactor;
use crate::text::truncate_chars;
use crate::web_page;

/// Maximum size of a response body: 64 KiB. The rest is not read.
pub const MAX_BODY_BYTES: usize = 64 << 10;
/// Maximum length of a server's message, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 600;

/// A task server's reply, as far as a page can see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerReply {
    /// An HTTP response.
    Http {
        /// The status.
        status: u16,
        /// `Content-Type`, if there is one.
        content_type: Option<String>,
        /// `Retry-After`, if CORS exposes it.
        retry_after: Option<String>,
        /// Whether `Idempotent-Replayed: true` is present and exposed.
        replayed: bool,
        /// The body, at most [`MAX_BODY_BYTES`] of it.
        body: String,
    },
    /// A redirect. It is never followed.
    Redirected {
        /// Whether it demonstrably only adds or removes the trailing slash; see
        /// [`adjusts_slash`]. A page cannot see that: browsers hide status and target.
        adjusts_slash: bool,
    },
    /// No HTTP response that the page can see: a refused connection, a preflight that failed, a
    /// missing CORS header on an error, and a lost response look the same.
    None {
        /// The browser's message.
        message: String,
    },
    /// No response within the timeout.
    TimedOut {
        /// The timeout in milliseconds.
        milliseconds: u32,
    },
    /// The request was not sent: no token is held for this server.
    NoToken,
    /// The request was not sent.
    NotSent {
        /// Why.
        message: String,
    },
}

impl ServerReply {
    /// The reply without any secret that the server repeats in it. Everything that is read from a reply
    /// is read afterwards, so that no secret can be truncated before it is found.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> ServerReply {
        match self {
            ServerReply::Http {
                status,
                content_type,
                retry_after,
                replayed,
                body,
            } => ServerReply::Http {
                status,
                content_type: content_type.map(|text| redactor.redact(&text)),
                // Only a time is read from it.
                retry_after,
                replayed,
                body: redactor.redact_body(&body).into_owned(),
            },
            ServerReply::None { message } => ServerReply::None {
                message: redactor.redact(&message),
            },
            ServerReply::NotSent { message } => ServerReply::NotSent {
                message: redactor.redact(&message),
            },
            other @ (ServerReply::Redirected { .. }
            | ServerReply::TimedOut { .. }
            | ServerReply::NoToken) => other,
        }
    }
}

/// Returns the delivery outcome for a reply that arrived at `now` (milliseconds since 1970).
#[must_use]
pub fn outcome(reply: &ServerReply, now: u64) -> DeliveryOutcome {
    let no_status = |cause, message: String| DeliveryOutcome::Unconfirmed {
        status: None,
        cause,
        message,
    };
    match reply {
        ServerReply::Redirected {
            adjusts_slash: true,
        } => DeliveryOutcome::Refused {
            status: None,
            code: "redirected".to_owned(),
            message: "The server redirects to the same path with or without the trailing slash. \
                Enter the path exactly as the server declares it."
                .to_owned(),
            reasons: Vec::new(),
        },
        ServerReply::Redirected {
            adjusts_slash: false,
        } => no_status(UnconfirmedCause::Redirected, REDIRECTED.to_owned()),
        ServerReply::NoToken => DeliveryOutcome::NoToken,
        ServerReply::NotSent { message } => DeliveryOutcome::NotSent {
            message: message.clone(),
        },
        ServerReply::None { message } => no_status(UnconfirmedCause::NoResponse, message.clone()),
        ServerReply::TimedOut { milliseconds } => {
            no_status(UnconfirmedCause::TimedOut, timed_out(*milliseconds))
        }
        ServerReply::Http {
            status: 300..=399, ..
        } => no_status(UnconfirmedCause::Redirected, REDIRECTED.to_owned()),
        ServerReply::Http {
            status,
            content_type,
            retry_after,
            replayed,
            body,
        } => {
            let wait = retry_after
                .as_deref()
                .and_then(|value| retry_after::retry_after(value, now));
            http_outcome(*status, content_type.as_deref(), wait, *replayed, body)
        }
    }
}

/// The message of a redirect whose target is unknown. Many frameworks answer 302 or 303 when they
/// have stored what was posted; others answer 307 because of a slash.
const REDIRECTED: &str = "The server redirects, and redirects are not followed. Some servers do so \
    once they have stored a task. Others do so because of a slash: enter the path exactly as the \
    server declares it, with or without the trailing slash.";

/// The message about a response that did not arrive in time.
pub(super) fn timed_out(milliseconds: u32) -> String {
    format!("There was no response within {} s.", milliseconds / 1_000)
}

/// Whether a redirect from `url` with this status and `Location` only adds or removes the trailing
/// slash of the path, so that the server did not take the task. That is said by 301, 307 and 308
/// alone (RFC 9110, section 15.4): 302 and 303 also lead from a task that was stored to the list of
/// tasks.
#[must_use]
pub fn adjusts_slash(url: &str, status: u16, location: Option<&str>) -> bool {
    let Some(location) = location.filter(|_| matches!(status, 301 | 307 | 308)) else {
        return false;
    };
    let path_start = url
        .find("://")
        .and_then(|at| Some(at + 3 + url.get(at + 3..)?.find('/')?));
    let is_path = location.starts_with('/') && !location.starts_with("//");
    let from = match path_start {
        Some(start) if is_path => url.get(start..).unwrap_or(url),
        _ => url,
    };
    let (from_path, from_query) = split_query(from);
    let (to_path, to_query) = split_query(location);
    let without_slash = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    from_query == to_query
        && from_path != to_path
        && without_slash(from_path) == without_slash(to_path)
}

fn split_query(url: &str) -> (&str, &str) {
    url.split_once('?').unwrap_or((url, ""))
}

fn http_outcome(
    status: u16,
    content_type: Option<&str>,
    wait: Option<u64>,
    replayed: bool,
    body: &str,
) -> DeliveryOutcome {
    let body = body.trim_start_matches('\u{FEFF}');
    let value: Option<Value> = serde_json::from_str(body).ok();
    let message = || message(status, content_type, value.as_ref(), body);
    let seconds = wait.map(|milliseconds| milliseconds.div_ceil(1_000));
    match status {
        200..=299 => match no_receipt(content_type, value.as_ref(), body) {
            // A 2xx that is no receipt does not come from a task server, or not from its heart. It
            // may or may not have stored the task.
            Some(problem) => DeliveryOutcome::Unconfirmed {
                status: Some(status),
                cause: UnconfirmedCause::NoReceipt,
                message: match problem {
                    NoReceipt::OtherProtocol => message(),
                    NoReceipt::Contradiction(what) => truncate_chars(
                        &format!(
                            "The status {status} says success, but the response says {what}. {}",
                            message()
                        ),
                        MAX_MESSAGE_CHARACTERS,
                    ),
                },
            },
            None => DeliveryOutcome::Delivered {
                status: Some(status),
                server_id: value.as_ref().and_then(server_id),
                replayed,
            },
        },
        401 | 403 => DeliveryOutcome::Unauthorized {
            status,
            message: message(),
        },
        425 | 429 => DeliveryOutcome::Failed {
            status,
            retry_after: seconds,
            message: message(),
        },
        503 if seconds.is_some() => DeliveryOutcome::Failed {
            status,
            retry_after: seconds,
            message: message(),
        },
        408 | 409 | 500..=599 => DeliveryOutcome::Unconfirmed {
            status: Some(status),
            cause: UnconfirmedCause::Status,
            message: message(),
        },
        _ => DeliveryOutcome::Refused {
            status: Some(status),
            code: value
                .as_ref()
                .and_then(|value| value.get("code"))
                .and_then(Value::as_str)
                .map_or_else(|| format!("http_{status}"), |code| truncate_chars(code, 60)),
            message: message(),
            reasons: value.as_ref().map(reasons).unwrap_or_default(),
        },
    }
}

/// Why the body of a 2xx is no receipt.
#[derive(Debug, PartialEq, Eq)]
enum NoReceipt {
    /// It is a web page, XML, or a message of another protocol.
    OtherProtocol,
    /// It reports a failure, with this member.
    Contradiction(String),
}

/// Why the body of a 2xx is no receipt; `None` if it is one. Any other body is a receipt, with or
/// without an id, and so is an empty one.
fn no_receipt(content_type: Option<&str>, value: Option<&Value>, body: &str) -> Option<NoReceipt> {
    if web_page::is_markup(content_type, body.as_bytes()) || is_json_rpc(value) {
        return Some(NoReceipt::OtherProtocol);
    }
    let value = value?;
    // Some gateways wrap their only result in an array.
    let value = match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    };
    let is_problem = content_type.is_some_and(|content_type| {
        let content_type = content_type.trim_start().to_ascii_lowercase();
        content_type.starts_with("application/problem+json")
    });
    if is_problem {
        let what = "that it is a problem document".to_owned();
        return Some(NoReceipt::Contradiction(what));
    }
    let inner = ["result", "response", "data"]
        .iter()
        .filter_map(|name| value.get(name))
        // A wrapped task with an id was stored, whatever its members are named.
        .filter(|inner| own_id(inner).is_none());
    std::iter::once(value)
        .chain(inner)
        .find_map(contradiction)
        .map(NoReceipt::Contradiction)
}

/// The member by which an object reports a failure, as JSON text.
fn contradiction(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let has_id = own_id(value).is_some();
    object.iter().find_map(|(name, member)| {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let reports_failure = match plain.as_str() {
            "success" | "succeeded" | "successful" | "issuccess" | "ok" | "accepted" => {
                is_false(member)
            }
            "status" | "state" | "result" | "outcome" => match member {
                Value::String(text) => matches!(
                    text.to_ascii_lowercase().as_str(),
                    "error" | "fail" | "failed" | "failure" | "rejected"
                ),
                number => plain == "status" && is_error_status(number),
            },
            "statuscode" | "httpstatus" | "httpcode" => is_error_status(member),
            // A stored task may have members with these names.
            "error" | "errors" | "exception" | "errormessage" => !has_id && !is_nothing(member),
            _ => false,
        };
        reports_failure.then(|| {
            let member = format!("\"{name}\": {member}");
            truncate_chars(&member, 80)
        })
    })
}

fn is_false(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

/// Whether a value is the number of an HTTP status that reports an error.
fn is_error_status(value: &Value) -> bool {
    let number = value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number.is_some_and(|number| (400..=599).contains(&number))
}

/// Whether a member says nothing: `null`, `false`, zero, or empty.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) if text.is_empty() => true,
        other => is_false(other),
    }
}

/// The id that an object itself has: the first `id`, `task_id`, `taskId` or `uuid` that is a string
/// or a number.
fn own_id(value: &Value) -> Option<String> {
    ["id", "task_id", "taskId", "uuid"]
        .iter()
        .find_map(|name| match value.get(name)? {
            Value::String(text) if !text.is_empty() => Some(truncate_chars(text, 200)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
}

/// Returns the server's id for the task: that of the object itself, or of one up to two levels down
/// (in `data`, `task`, `result` or `item`).
pub(super) fn server_id(value: &Value) -> Option<String> {
    let mut level = vec![value];
    for _ in 0..3 {
        if let Some(id) = level.iter().find_map(|value| own_id(value)) {
            return Some(id);
        }
        level = level
            .iter()
            .flat_map(|value| {
                ["data", "task", "result", "item"]
                    .iter()
                    .filter_map(|n| value.get(n))
            })
            .collect();
    }
    None
}

/// Returns the reasons by field, in our server's format (`violations`) or FastAPI's (`detail` with
/// `loc`).
fn reasons(value: &Value) -> Vec<Reason> {
    const MAX_REASONS: usize = 50;
    let ours = value.get("violations").and_then(Value::as_array);
    if let Some(violations) = ours {
        return violations
            .iter()
            .take(MAX_REASONS)
            .filter_map(|violation| {
                Some(Reason {
                    instance_path: truncate_chars(violation.get("instance_path")?.as_str()?, 300),
                    message: truncate_chars(violation.get("message")?.as_str()?, 300),
                })
            })
            .collect();
    }
    let detail = value.get("detail").and_then(Value::as_array);
    detail
        .into_iter()
        .flatten()
        .take(MAX_REASONS)
        .filter_map(|entry| {
            let location = entry.get("loc")?.as_array()?;
            let pointer = location
                .iter()
                .skip(usize::from(location.first()?.as_str() == Some("body")))
                .fold(String::new(), |pointer, part| {
                    let name = part
                        .as_str()
                        .map_or_else(|| part.to_string(), str::to_owned);
                    crate::document::push_token(&pointer, &name)
                });
            Some(Reason {
                instance_path: truncate_chars(&pointer, 300),
                message: truncate_chars(entry.get("msg")?.as_str()?, 300),
            })
        })
        .collect()
}

/// Returns the server's message: the detail or title of a problem document, FastAPI's detail, the
/// message of an error object, or the plain text.
pub(super) fn message(
    status: u16,
    content_type: Option<&str>,
    value: Option<&Value>,
    body: &str,
) -> String {
    if is_json_rpc(value) {
        return "The response is JSON-RPC: this address speaks the Model Context Protocol, not POST /tasks.".to_owned();
    }
    let stated = value.and_then(|value| {
        ["detail", "title", "message", "error"]
            .iter()
            .find_map(|name| match value.get(name)? {
                Value::String(text) => Some(text.clone()),
                Value::Object(inner) => inner.get("message")?.as_str().map(str::to_owned),
                _ => None,
            })
    });
    let text = stated
        .or_else(|| markup(content_type, body))
        .unwrap_or_else(|| body.trim().to_owned());
    if text.is_empty() {
        format!("The server responded with status {status} and no message.")
    } else {
        truncate_chars(&text, MAX_MESSAGE_CHARACTERS)
    }
}

fn is_json_rpc(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.get("jsonrpc").is_some())
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

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const NOW: u64 = 784_111_777_000;

    fn http(status: u16, retry_after: Option<&str>, body: &str) -> DeliveryOutcome {
        outcome(
            &ServerReply::Http {
                status,
                content_type: None,
                retry_after: retry_after.map(str::to_owned),
                replayed: false,
                body: body.to_owned(),
            },
            NOW,
        )
    }

    #[test]
    fn each_status_has_the_outcome_of_the_table() {
        for (status, retry_after, expected) in [
            (200, None, "delivered"),
            (201, None, "delivered"),
            (202, None, "delivered"),
            (204, None, "delivered"),
            (301, None, "unconfirmed"),
            (303, None, "unconfirmed"),
            (307, None, "unconfirmed"),
            (400, None, "refused"),
            (404, None, "refused"),
            (405, None, "refused"),
            (413, None, "refused"),
            (415, None, "refused"),
            (422, None, "refused"),
            (418, None, "refused"),
            (401, None, "unauthorized"),
            (403, None, "unauthorized"),
            (425, None, "failed"),
            (429, None, "failed"),
            (429, Some("7"), "failed"),
            (503, Some("7"), "failed"),
            (503, Some("Sun, 06 Nov 1994 08:49:47 GMT"), "failed"),
            (503, None, "unconfirmed"),
            (503, Some("soon"), "unconfirmed"),
            (408, None, "unconfirmed"),
            (409, None, "unconfirmed"),
            (500, None, "unconfirmed"),
            (502, None, "unconfirmed"),
            (504, None, "unconfirmed"),
            (599, None, "unconfirmed"),
        ] {
            let outcome = serde_json::to_value(http(status, retry_after, "{}")).unwrap();
            assert_eq!(outcome["outcome"], expected, "{status} {retry_after:?}");
        }
    }

    #[test]
    fn without_a_status_the_task_may_have_arrived() {
        for (reply, expected) in [
            (
                ServerReply::None {
                    message: "Failed to fetch".into(),
                },
                UnconfirmedCause::NoResponse,
            ),
            (
                ServerReply::TimedOut {
                    milliseconds: 60_000,
                },
                UnconfirmedCause::TimedOut,
            ),
            (
                ServerReply::Redirected {
                    adjusts_slash: false,
                },
                UnconfirmedCause::Redirected,
            ),
        ] {
            let DeliveryOutcome::Unconfirmed {
                status: None,
                cause,
                ..
            } = outcome(&reply, NOW)
            else {
                panic!("{reply:?}");
            };
            assert_eq!(cause, expected);
        }
    }

    #[test]
    fn only_a_redirect_to_the_other_slash_is_a_refusal() {
        let refused = outcome(
            &ServerReply::Redirected {
                adjusts_slash: true,
            },
            NOW,
        );
        assert!(matches!(refused, DeliveryOutcome::Refused { .. }));
        let url = "https://a.example:8443/tasks?queue=blue";
        for (status, location, expected) in [
            (307, "https://a.example:8443/tasks/?queue=blue", true),
            (308, "/tasks/?queue=blue", true),
            (301, "/tasks/?queue=blue", true),
            // After a POST, these say "done, look there".
            (302, "/tasks/?queue=blue", false),
            (303, "/tasks/?queue=blue", false),
            (307, "/tasks/", false),
            (307, "/tasks?queue=blue", false),
            (307, "/login", false),
            (307, "//a.example:8443/tasks/?queue=blue", false),
            (307, "https://b.example/tasks/?queue=blue", false),
            (307, "http://a.example:8443/tasks/?queue=blue", false),
        ] {
            assert_eq!(
                adjusts_slash(url, status, Some(location)),
                expected,
                "{status} {location}"
            );
        }
        assert!(!adjusts_slash(url, 307, None));
        assert!(adjusts_slash("http://localhost:1/t/", 307, Some("/t")));
        assert!(!adjusts_slash("http://localhost:1", 307, Some("/")));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        for (value, seconds) in [
            ("7", Some(7)),
            ("0.2", Some(1)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("later", None),
        ] {
            let DeliveryOutcome::Failed { retry_after, .. } = http(429, Some(value), "") else {
                panic!("{value}");
            };
            assert_eq!(retry_after, seconds, "{value}");
        }
    }

    #[test]
    fn the_servers_id_is_found_at_every_supported_place() {
        for (body, id) in [
            (r#"{"task_id": 1}"#, Some("1")),
            (r#"{"id":"a-1","status":"queued"}"#, Some("a-1")),
            (r#"{"data":{"task":{"uuid":"u"}}}"#, Some("u")),
            (r#"{"ok":true}"#, None),
            ("", None),
            ("queued", None),
        ] {
            let DeliveryOutcome::Delivered { server_id, .. } = http(200, None, body) else {
                panic!("{body}");
            };
            assert_eq!(server_id.as_deref(), id, "{body}");
        }
    }

    #[test]
    fn reasons_are_mapped_to_json_pointers_of_their_fields() {
        let fastapi = r#"{"detail":[{"type":"missing","loc":["body","items",0,"a/b"],"msg":"Field required","input":{}}]}"#;
        let ours = r#"{"code":"schema_violation","detail":"no","violations":[{"instance_path":"/title","schema_path":"/x","keyword":"minLength","message":"too short"}]}"#;
        for (body, code, path, expected) in [
            (fastapi, "http_422", "/items/0/a~1b", "Field required"),
            (ours, "schema_violation", "/title", "too short"),
        ] {
            let DeliveryOutcome::Refused {
                code: found,
                reasons,
                ..
            } = http(422, None, body)
            else {
                panic!("{body}");
            };
            assert_eq!(found, code);
            assert_eq!(
                reasons,
                [Reason {
                    instance_path: path.into(),
                    message: expected.into()
                }]
            );
        }
    }

    #[test]
    fn a_web_page_is_not_taken_for_a_receipt() {
        let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
        let DeliveryOutcome::Unconfirmed { message, .. } = http(200, None, page) else {
            panic!("a web page was taken for a receipt");
        };
        assert!(message.contains("Sign in"));
        assert!(
            matches!(http(404, None, page), DeliveryOutcome::Refused { message, .. } if message.contains("web page"))
        );
    }

    fn received(content_type: &str, body: &str) -> DeliveryOutcome {
        outcome(
            &ServerReply::Http {
                status: 200,
                content_type: Some(content_type.to_owned()),
                retry_after: None,
                replayed: false,
                body: body.to_owned(),
            },
            NOW,
        )
    }

    #[test]
    fn a_2xx_that_is_markup_in_any_form_is_no_receipt() {
        for (content_type, body, message) in [
            (
                "text/html",
                "\u{feff}<!DOCTYPE html><title>Sign in</title>",
                "(“Sign in”)",
            ),
            ("", "<!-- gateway --><html>", "web page"),
            ("", "<script>location='/login'</script>", "web page"),
            ("", "<meta http-equiv=refresh>", "web page"),
            ("", "<?xml version=\"1.0\"?><error/>", "XML document"),
            ("application/xml", "<ok/>", "XML document"),
            ("text/html; charset=utf-8", "Please sign in.", "web page"),
            ("application/xhtml+xml", "Please sign in.", "web page"),
        ] {
            let outcome = received(content_type, body);
            let DeliveryOutcome::Unconfirmed {
                status: Some(200),
                cause: UnconfirmedCause::NoReceipt,
                message: found,
            } = outcome
            else {
                panic!("{body} was taken for a receipt: {outcome:?}");
            };
            assert!(found.contains(message), "{body}: {found}");
        }
    }

    #[test]
    fn a_2xx_that_contradicts_itself_is_no_receipt() {
        for body in [
            r#"{"success": false}"#,
            r#"{"Success": "False", "id": 7}"#,
            r#"{"ok": false, "error": "no_queue"}"#,
            r#"{"ok": 0}"#,
            r#"{"accepted": false}"#,
            r#"{"status": "error"}"#,
            r#"{"status": "fail", "data": {"title": "required"}}"#,
            r#"{"state": "REJECTED"}"#,
            r#"{"status": 422, "title": "Unprocessable"}"#,
            r#"{"statusCode": 500}"#,
            r#"{"error": "queue is full"}"#,
            r#"{"error": {"code": 7}}"#,
            r#"{"errors": [{"message": "queue is full"}]}"#,
            r#"{"errors": {"title": ["is too long"]}}"#,
            r#"{"data": null, "errors": ["no"]}"#,
            r#"{"result": {"success": false}}"#,
            r#"[{"success": false}]"#,
            "\u{feff}{\"success\": false}",
        ] {
            let outcome = received("application/json", body);
            let DeliveryOutcome::Unconfirmed {
                cause: UnconfirmedCause::NoReceipt,
                message,
                ..
            } = outcome
            else {
                panic!("{body} was taken for a receipt: {outcome:?}");
            };
            assert!(message.contains("says success, but"), "{body}: {message}");
        }
        let problem = received("application/problem+json", r#"{"title": "no"}"#);
        assert!(matches!(problem, DeliveryOutcome::Unconfirmed { .. }));
    }

    #[test]
    fn any_other_2xx_is_a_receipt() {
        for body in [
            "",
            "OK",
            "queued",
            "[]",
            "7",
            r#"{"id": 7}"#,
            r#"{"success": true, "error": null, "errors": []}"#,
            r#"{"ok": 1, "error": "", "errors": {}}"#,
            r#"{"error": false, "status": 201}"#,
            r#"{"status": "queued"}"#,
            r#"{"status": "ok", "code": 0}"#,
            r#"{"id": 7, "error": "a member of the task"}"#,
            r#"{"data": {"id": 7, "ok": false}}"#,
            r#"[{"success": false}, {"success": true}]"#,
            "\u{feff}{\"id\": 7}",
        ] {
            let outcome = received("text/plain", body);
            assert!(
                matches!(outcome, DeliveryOutcome::Delivered { .. }),
                "{body}: {outcome:?}"
            );
        }
        // PHP's default type.
        let outcome = received("text/html; charset=UTF-8", r#"{"id": 7}"#);
        assert!(matches!(outcome, DeliveryOutcome::Delivered { .. }));
    }

    #[test]
    fn a_json_rpc_response_is_not_taken_for_a_receipt() {
        let error =
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid Request"}}"#;
        let DeliveryOutcome::Unconfirmed { message, .. } = http(200, None, error) else {
            panic!("a JSON-RPC error was taken for a receipt");
        };
        assert!(message.contains("Model Context Protocol"));
    }
}
