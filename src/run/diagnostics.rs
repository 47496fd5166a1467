//! Diagnostics: what helps to find out why something failed, for an operator to pass on. They hold no
//! secret, no brief, and no text of a task; so they hold no message of an endpoint or a task server
//! either, which may repeat them.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::Run;
use crate::delivery::DeliveryOutcome;
use crate::digest::sha256_hex;
use crate::model::GenerationOutcome;
use crate::settings::Connection;
use crate::text::counted;
use crate::time;

/// Maximum number of errors of each kind.
const MAX_ERRORS: usize = 5;
/// Maximum length of an endpoint's code, in bytes.
const MAX_NAME: usize = 60;
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
    if let Some(template) = value.pointer_mut("/task_server/body_template")
        && !template.is_null()
    {
        *template = json!("…");
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
    let GenerationOutcome::Failed(failure) = outcome else {
        return outcome.code().to_owned();
    };
    let mut text = outcome.code().to_owned();
    if let Some(status) = failure.status {
        let _ = write!(text, ", HTTP {status}");
    }
    for (name, value) in [
        ("code", &failure.endpoint_code),
        ("parameter", &failure.parameter),
    ] {
        // A name is short and has no spaces; anything else may be a sentence.
        let is_name = |value: &&String| value.len() <= MAX_NAME && !value.contains(' ');
        if let Some(value) = value.as_ref().filter(is_name) {
            let _ = write!(text, ", {name} {value}");
        }
    }
    text
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
    let (name, status, reasons) = match outcome {
        DeliveryOutcome::Delivered { .. } | DeliveryOutcome::Dry => return None,
        DeliveryOutcome::Refused {
            status, reasons, ..
        } => ("refused".to_owned(), *status, reasons.as_slice()),
        DeliveryOutcome::Failed { status, .. } => ("failed".to_owned(), Some(*status), &[][..]),
        DeliveryOutcome::Unauthorized {
            status, reasons, ..
        } => ("unauthorized".to_owned(), Some(*status), reasons.as_slice()),
        DeliveryOutcome::Unconfirmed { status, cause, .. } => {
            (format!("unconfirmed ({cause:?})"), *status, &[][..])
        }
        DeliveryOutcome::NoToken => ("no token".to_owned(), None, &[][..]),
        DeliveryOutcome::NotSent { .. } => ("not sent".to_owned(), None, &[][..]),
    };
    let mut text = name;
    if let Some(status) = status {
        let _ = write!(text, ", HTTP {status}");
    }
    if !reasons.is_empty() {
        let _ = write!(text, ", {}", counted(reasons.len(), "reason"));
    }
    Some(text)
}

fn last<T>(mut items: Vec<T>) -> Vec<T> {
    items.split_off(items.len().saturating_sub(MAX_ERRORS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Failure;
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
    fn failures_are_given_by_code_and_status_and_never_in_the_words_of_the_other_side() {
        let failure = Failure {
            status: Some(429),
            endpoint_code: Some("slow_down".to_owned()),
            parameter: Some("Your prompt was: Confidential".to_owned()),
            message: "Confidential".to_owned(),
            ..Failure::not_configured()
        };
        let text = of_call(&GenerationOutcome::Failed(Box::new(failure)));
        assert!(text.ends_with(", HTTP 429, code slow_down"), "{text}");
        let interrupted = GenerationOutcome::Interrupted {
            reason: Some("Confidential".to_owned()),
        };
        assert_eq!(of_call(&interrupted), interrupted.code());

        let refused = DeliveryOutcome::Refused {
            status: Some(422),
            code: "Confidential".to_owned(),
            message: "Confidential".to_owned(),
            reasons: vec![crate::delivery::receipt::Reason {
                instance_path: "/Confidential".to_owned(),
                message: "Confidential".to_owned(),
            }],
        };
        assert_eq!(
            of_attempt(&refused).as_deref(),
            Some("refused, HTTP 422, 1 reason")
        );
        assert_eq!(of_attempt(&DeliveryOutcome::Dry), None);
        assert_eq!(last((0..9).collect::<Vec<_>>()), [4, 5, 6, 7, 8]);
    }
}
