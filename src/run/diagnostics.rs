//! Diagnostics: what helps to find out why something failed, for an operator to pass on. They hold no
//! secret, no brief, and no text of a task.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::Run;
use crate::delivery::DeliveryOutcome;
use crate::digest::sha256_hex;
use crate::model::GenerationOutcome;
use crate::settings::Connection;
use crate::text::truncate_chars;
use crate::time;

/// Maximum number of errors of each kind.
const MAX_ERRORS: usize = 5;
/// Maximum length of an error's message, in characters.
const MAX_MESSAGE: usize = 400;
/// The parts of a connection whose values may be the operator's business: only their names are given.
const NAMES_ONLY: [&str; 5] = [
    "/model/extra_body",
    "/model/extra_headers",
    "/model/extra_query",
    "/task_server/extra_headers",
    "/task_server/extra_query",
];

/// The page and its browser.
#[derive(Debug, Clone, Default)]
pub struct PageFacts {
    /// The version of Taskwright.
    pub version: String,
    /// How the browser names itself.
    pub browser: String,
    /// The origin of the page.
    pub origin: String,
    /// The current time, in milliseconds since 1970.
    pub now: u64,
    /// The problems that the page shows, each as its code and what happened.
    pub problems: Vec<(String, String)>,
}

/// The diagnostics of the page, its connection and its run.
#[must_use]
pub fn diagnostics(page: &PageFacts, connection: &Connection, run: Option<&Run>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    };
    line("Taskwright", &page.version);
    line("Time", &time::rfc3339(page.now).unwrap_or_default());
    line("Browser", &page.browser);
    line("Page", &page.origin);
    for (code, what) in &page.problems {
        line("Problem", &format!("{code}: {what}"));
    }
    let connection = run.map_or(connection, Run::connection);
    line("Connection", &described(connection).to_string());
    if let Some(run) = run {
        line("Run", &format!("{:?}, {}", run.mode(), run.id()));
        let counts = serde_json::to_string(&run.summary()).unwrap_or_default();
        line("Tasks", &counts);
        line("Posting", &format!("{:?}", run.batch()));
        for (number, error) in last_failed_calls(run) {
            line(&format!("Request {number}"), &error);
        }
        for (name, error) in last_failed_attempts(run) {
            line(&name, &error);
        }
    }
    text
}

/// The connection without the texts that are none of a reader's business.
fn described(connection: &Connection) -> Value {
    let mut value = serde_json::to_value(connection).unwrap_or_default();
    for pointer in NAMES_ONLY {
        if let Some(Value::Object(members)) = value.pointer_mut(pointer) {
            for value in members.values_mut() {
                *value = json!("…");
            }
        }
    }
    if let Some(schema) = &connection.task_schema
        && let Some(members) = value.as_object_mut()
    {
        let digest = sha256_hex(schema.as_bytes());
        let short = format!("{} bytes, SHA-256 {digest}", schema.len());
        members.insert("task_schema".to_owned(), json!(short));
    }
    let empty = |value: &Value| value.is_null() || *value == Value::Object(Map::new());
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| !empty(value));
    }
    value
}

/// The last requests to the model that did not complete, with their numbers.
fn last_failed_calls(run: &Run) -> Vec<(usize, String)> {
    let failed = run
        .requests()
        .iter()
        .zip(1..)
        .filter_map(|(request, number)| {
            let outcome = request.outcome().filter(|outcome| !outcome.is_complete())?;
            Some((number, of_call(outcome)))
        });
    last(failed.collect())
}

fn of_call(outcome: &GenerationOutcome) -> String {
    match outcome {
        GenerationOutcome::Failed(failure) => {
            let status = failure
                .status
                .map_or_else(String::new, |status| format!(", HTTP {status}"));
            let message = truncate_chars(&failure.message, MAX_MESSAGE);
            format!("{}{status}: {message}", outcome.code())
        }
        GenerationOutcome::Interrupted {
            reason: Some(reason),
        } => format!(
            "{}: {}",
            outcome.code(),
            truncate_chars(reason, MAX_MESSAGE)
        ),
        _ => outcome.code().to_owned(),
    }
}

/// The last attempts that did not deliver a task, with the numbers of their tasks.
fn last_failed_attempts(run: &Run) -> Vec<(String, String)> {
    let attempts = run.drafts().iter().flat_map(|draft| {
        draft.delivery.attempts.iter().filter_map(|attempt| {
            let outcome = attempt.outcome.as_ref()?;
            let error = of_attempt(outcome)?;
            let name = format!("Task {}, attempt {}", draft.id.ordinal, attempt.number);
            Some((attempt.ended_at, name, error))
        })
    });
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|(ended_at, ..)| *ended_at);
    let attempts = attempts.into_iter().map(|(_, name, error)| (name, error));
    last(attempts.collect())
}

fn of_attempt(outcome: &DeliveryOutcome) -> Option<String> {
    let (name, status, message) = match outcome {
        DeliveryOutcome::Delivered { .. } | DeliveryOutcome::Dry => return None,
        DeliveryOutcome::Refused {
            status,
            code,
            message,
            ..
        } => (format!("refused ({code})"), *status, message.as_str()),
        DeliveryOutcome::Failed {
            status, message, ..
        } => ("failed".to_owned(), Some(*status), message.as_str()),
        DeliveryOutcome::Unauthorized {
            status, message, ..
        } => ("unauthorized".to_owned(), Some(*status), message.as_str()),
        DeliveryOutcome::Unconfirmed {
            status,
            cause,
            message,
        } => (
            format!("unconfirmed ({cause:?})"),
            *status,
            message.as_str(),
        ),
        DeliveryOutcome::NoToken => ("no token".to_owned(), None, ""),
        DeliveryOutcome::NotSent { message } => ("not sent".to_owned(), None, message.as_str()),
    };
    let status = status.map_or_else(String::new, |status| format!(", HTTP {status}"));
    Some(format!(
        "{name}{status}: {}",
        truncate_chars(message, MAX_MESSAGE)
    ))
}

fn last<T>(mut items: Vec<T>) -> Vec<T> {
    items.split_off(items.len().saturating_sub(MAX_ERRORS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Failure, FailureKind};
    use crate::review::RunId;
    use crate::run::{Event, Mode, Start};
    use crate::schema::{TaskSchema, agent_task_schema};
    use crate::settings::{Address, TaskServer};
    use std::sync::Arc;

    fn connection() -> Connection {
        let mut server = TaskServer::at(Address::parse("https://tasks.example").unwrap());
        server.extra_headers = [("X-Tenant".to_owned(), "north".to_owned())].into();
        Connection {
            task_server: Some(server),
            task_schema: Some(agent_task_schema().to_owned()),
            ..Connection::named("Team")
        }
    }

    #[test]
    fn diagnostics_name_the_errors_and_hold_no_text_of_a_task() {
        let (mut run, _) = Run::start(Start {
            id: RunId::from_bits(7),
            mode: Mode::Live,
            at: 0,
            brief: None,
            connection: connection(),
            schema: TaskSchema::parse(agent_task_schema()).unwrap(),
        });
        run.apply(
            Event::Import {
                texts: vec![Arc::from(r#"{"title": "Confidential"}"#)],
            },
            0,
        );
        let page = PageFacts {
            version: "1.2.3".to_owned(),
            browser: "Browser/9".to_owned(),
            origin: "https://page.example".to_owned(),
            now: 0,
            problems: vec![("storage_full".to_owned(), "The disk is full".to_owned())],
        };
        let text = diagnostics(&page, &Connection::named("other"), Some(&run));
        for expected in [
            "Taskwright: 1.2.3\n",
            "Browser: Browser/9\n",
            "Page: https://page.example\n",
            "Problem: storage_full: The disk is full\n",
            "\"name\":\"Team\"",
            "\"X-Tenant\":\"…\"",
            "https://tasks.example",
            "SHA-256",
            "Tasks: {",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        for absent in ["Confidential", "north", "\"properties\"", "other"] {
            assert!(!text.contains(absent), "{absent}\n{text}");
        }
    }

    #[test]
    fn failures_are_given_with_code_status_and_message() {
        let failure = Failure {
            status: Some(429),
            message: "x".repeat(1000),
            ..Failure::not_configured()
        };
        let kind = FailureKind::NotConfigured;
        assert_eq!(failure.kind, kind);
        let text = of_call(&GenerationOutcome::Failed(Box::new(failure)));
        assert!(text.contains(", HTTP 429: xxx"), "{text}");
        assert!(text.chars().count() < MAX_MESSAGE + 50, "{text}");
        assert_eq!(
            of_call(&GenerationOutcome::Filtered),
            GenerationOutcome::Filtered.code()
        );

        let outcome = DeliveryOutcome::Failed {
            status: 503,
            retry_after: None,
            message: "busy".to_owned(),
        };
        assert_eq!(
            of_attempt(&outcome).as_deref(),
            Some("failed, HTTP 503: busy")
        );
        assert_eq!(of_attempt(&DeliveryOutcome::Dry), None);
        assert_eq!(last((0..9).collect::<Vec<_>>()), [4, 5, 6, 7, 8]);
    }
}
