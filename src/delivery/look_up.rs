//! Looking up a task on the server by its idempotency key: `GET {tasks}?idempotency_key=`. A task that
//! is found was delivered. A task that is not found may still have been delivered.

use serde_json::Value;

use super::receipt::LookUp;
use super::request::for_task_server;
use super::response::{self, MAX_BODY_BYTES, ServerReply};
use crate::http::HttpRequest;
use crate::settings::TaskServer;

/// Builds the request that looks up a task by its idempotency key. Keys are UUIDs, so the query needs
/// no escaping.
#[must_use]
pub fn request(server: &TaskServer, key: &str) -> HttpRequest {
    let tasks = server.tasks_url();
    let separator = if tasks.contains('?') { '&' } else { '?' };
    let url = format!("{tasks}{separator}idempotency_key={key}");
    for_task_server(HttpRequest::get(url, MAX_BODY_BYTES), server)
}

/// Reads the reply about the task with this idempotency key, which arrived at `at` (milliseconds since
/// 1970). Only an item that names the key counts, because a server that ignores the query returns all
/// its tasks.
#[must_use]
pub fn read(reply: &ServerReply, key: &str, at: u64) -> LookUp {
    let cannot_tell = |message: String| LookUp::CannotTell { at, message };
    let (status, content_type, body) = match reply {
        ServerReply::Http {
            status,
            content_type,
            body,
            ..
        } => (*status, content_type.as_deref(), body),
        ServerReply::Redirected { .. } => {
            return cannot_tell("The server redirects this address.".to_owned());
        }
        ServerReply::None { message } | ServerReply::NotSent { message } => {
            return cannot_tell(message.clone());
        }
        ServerReply::TimedOut { milliseconds } => {
            return cannot_tell(response::timed_out(*milliseconds));
        }
        ServerReply::NoToken => {
            return cannot_tell("No agent token is held for this server.".to_owned());
        }
    };
    let value: Option<Value> = serde_json::from_str(body).ok();
    if !(200..300).contains(&status) {
        return cannot_tell(format!(
            "The server responded with status {status}: {}",
            response::message(status, content_type, value.as_ref(), body)
        ));
    }
    let Some(items) = value.as_ref().and_then(items) else {
        return cannot_tell("The response is not a list of tasks.".to_owned());
    };
    let has_key = |item: &&Value| {
        ["idempotency_key", "idempotencyKey", "key"]
            .iter()
            .any(|name| item.get(name).and_then(Value::as_str) == Some(key))
    };
    match items.iter().find(has_key) {
        Some(item) => LookUp::Found {
            at,
            server_id: response::server_id(item),
        },
        None => LookUp::NotFound { at },
    }
}

/// Returns the list in a response: the body itself, or a member with a common name.
fn items(value: &Value) -> Option<&Vec<Value>> {
    value.as_array().or_else(|| {
        ["items", "tasks", "data", "results"]
            .iter()
            .find_map(|name| value.get(name)?.as_array())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::response::Redirect;
    use crate::settings::Address;

    const KEY: &str = "0b5d7a0e-0000-8000-8000-000000000001";

    fn http(status: u16, body: &str) -> ServerReply {
        ServerReply::Http {
            status,
            content_type: None,
            retry_after: None,
            location: None,
            replayed: false,
            body: body.to_owned(),
        }
    }

    #[test]
    fn the_request_names_the_key_and_nothing_else() {
        let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        assert_eq!(
            request(&server, KEY).url,
            format!("http://localhost:8080/tasks?idempotency_key={KEY}")
        );
    }

    #[test]
    fn only_an_item_with_this_key_is_the_task() {
        let ours = format!(
            r#"{{"items":[{{"id":"t-1","status":"queued","idempotency_key":"{KEY}"}}],"next_cursor":null}}"#
        );
        let found = LookUp::Found {
            at: 9,
            server_id: Some("t-1".to_owned()),
        };
        assert_eq!(read(&http(200, &ours), KEY, 9), found);
        let bare = format!(
            r#"[{{"id":"x","idempotencyKey":"other"}},{{"id":"t-1","idempotencyKey":"{KEY}"}}]"#
        );
        assert_eq!(read(&http(200, &bare), KEY, 9), found);
        for others in [
            r#"{"items":[]}"#,
            r#"{"tasks":[{"id":"t-1"},{"id":"t-2","idempotency_key":null}]}"#,
        ] {
            assert_eq!(
                read(&http(200, others), KEY, 9),
                LookUp::NotFound { at: 9 },
                "{others}"
            );
        }
    }

    #[test]
    fn a_reply_without_a_task_list_proves_nothing() {
        for reply in [
            http(404, "{}"),
            http(401, r#"{"detail":"no"}"#),
            http(500, ""),
            http(200, "<!doctype html>"),
            http(200, r#"{"ok":true}"#),
            http(200, "\"x\""),
            ServerReply::Redirected {
                redirect: Redirect::Hidden,
            },
            ServerReply::TimedOut {
                milliseconds: 15_000,
            },
            ServerReply::NoToken,
            ServerReply::None {
                message: "Failed to fetch".to_owned(),
            },
        ] {
            let result = read(&reply, KEY, 9);
            assert!(matches!(result, LookUp::CannotTell { .. }), "{reply:?}");
        }
    }
}
