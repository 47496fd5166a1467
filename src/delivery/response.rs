//! Maps the response of any task server to a delivery outcome.

use serde_json::Value;

use super::receipt::{DeliveryOutcome, Reason};
use crate::retry_after;
use crate::secrets::Redactor;
use crate::text::truncate_chars;

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
        /// `Retry-After`, if CORS exposes it.
        retry_after: Option<String>,
        /// Whether `Idempotent-Replayed: true` is present and exposed.
        replayed: bool,
        /// The body, at most [`MAX_BODY_BYTES`] of it.
        body: String,
    },
    /// A redirect. It is never followed.
    Redirected,
    /// No HTTP response that the page can see: a refused connection, a missing CORS header on an
    /// error, and a lost response look the same.
    None {
        /// The browser's message.
        message: String,
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
                retry_after,
                replayed,
                body,
            } => ServerReply::Http {
                status,
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
            other @ (ServerReply::Redirected | ServerReply::NoToken) => other,
        }
    }
}

/// Returns the delivery outcome for a reply that arrived at `now` (milliseconds since 1970).
#[must_use]
pub fn outcome(reply: &ServerReply, now: u64) -> DeliveryOutcome {
    match reply {
        ServerReply::Redirected => redirected(),
        ServerReply::NoToken => DeliveryOutcome::NoToken,
        ServerReply::NotSent { message } => DeliveryOutcome::NotSent {
            message: message.clone(),
        },
        ServerReply::None { message } => DeliveryOutcome::Unconfirmed {
            status: None,
            message: message.clone(),
        },
        ServerReply::Http {
            status,
            retry_after,
            replayed,
            body,
        } => {
            let wait = retry_after
                .as_deref()
                .and_then(|value| retry_after::retry_after(value, now));
            http_outcome(*status, wait, *replayed, body)
        }
    }
}

fn redirected() -> DeliveryOutcome {
    let message = "The server redirects this address, and redirects are not followed. Enter the path \
        exactly as the server declares it, with or without the trailing slash.";
    DeliveryOutcome::Refused {
        status: None,
        code: "redirected".to_owned(),
        message: message.to_owned(),
        reasons: Vec::new(),
    }
}

fn http_outcome(status: u16, wait: Option<u64>, replayed: bool, body: &str) -> DeliveryOutcome {
    let value: Option<Value> = serde_json::from_str(body).ok();
    let message = || message(status, value.as_ref(), body);
    let seconds = wait.map(|milliseconds| milliseconds.div_ceil(1_000));
    match status {
        200..=299 => {
            let is_no_receipt = web_page(body).is_some() || is_json_rpc(value.as_ref());
            if is_no_receipt {
                // A 2xx with a web page or JSON-RPC does not come from a task server. A task server
                // behind it may or may not have received the task.
                return DeliveryOutcome::Unconfirmed {
                    status: Some(status),
                    message: message(),
                };
            }
            DeliveryOutcome::Delivered {
                status: Some(status),
                server_id: value.as_ref().and_then(server_id),
                replayed,
            }
        }
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
            message: message(),
        },
        300..=399 => redirected(),
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

/// Returns the server's id for the task: the first `id`, `task_id`, `taskId` or `uuid` that is a
/// string or a number, at the top level or up to two levels down (in `data`, `task`, `result` or
/// `item`).
pub(super) fn server_id(value: &Value) -> Option<String> {
    fn named(value: &Value) -> Option<String> {
        ["id", "task_id", "taskId", "uuid"]
            .iter()
            .find_map(|name| match value.get(name)? {
                Value::String(text) if !text.is_empty() => Some(truncate_chars(text, 200)),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
    }
    let mut level = vec![value];
    for _ in 0..3 {
        if let Some(id) = level.iter().find_map(|value| named(value)) {
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
pub(super) fn message(status: u16, value: Option<&Value>, body: &str) -> String {
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
        .or_else(|| web_page(body))
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

/// Describes a response that is a web page, with its title if it has one.
fn web_page(body: &str) -> Option<String> {
    let start: String = body.trim_start().chars().take(200).collect();
    let start = start.to_ascii_lowercase();
    if !start.starts_with("<!doctype html") && !start.starts_with("<html") {
        return None;
    }
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let from = at + "<title>".len();
        let end = lower.get(from..)?.find("</title>")?;
        body.get(from..from + end)
    });
    let title = title.map(str::trim).filter(|title| !title.is_empty());
    Some(match title {
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
            (301, None, "refused"),
            (307, None, "refused"),
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
        assert!(matches!(
            outcome(&ServerReply::Redirected, NOW),
            DeliveryOutcome::Refused { status: None, .. }
        ));
        let no_response = outcome(
            &ServerReply::None {
                message: "Failed to fetch".into(),
            },
            NOW,
        );
        assert!(matches!(
            no_response,
            DeliveryOutcome::Unconfirmed { status: None, .. }
        ));
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
