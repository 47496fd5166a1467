//! Asks the model and reads its answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Assignment, LiveDriver, Report};
use crate::document::Document;
use crate::model::http::{self, MAX_ERROR_BODY_BYTES};
use crate::model::{Failure, FailureKind, Outcome, Rung, StreamEvent, TaskStream, Usage, request};
use crate::ports::{CallEnd, ModelTransport, Part, StopSignal, TaskSink};
use crate::prompt;
use crate::run::Event;
use crate::schema::Check;
use crate::schema::strict::{self, ModelSchema};
use crate::secrets::SecretName;
use crate::settings::ModelEndpoint;

/// After so long without a byte an answer is stalled.
pub const IDLE_MILLISECONDS: u32 = 60_000;

impl<M: ModelTransport, T: TaskSink> LiveDriver<M, T> {
    /// Asks the model for the tasks of the brief. An endpoint that does not take the schema with
    /// the request is asked once more without it, one rung down each time, and the operator is
    /// told.
    pub async fn generate(
        &self,
        assignment: Assignment,
        check: Arc<dyn Check>,
        stop: StopSignal,
        report: &dyn Fn(Report),
    ) {
        let Some(mut endpoint) = assignment.connection.model.clone() else {
            let outcome = Outcome::Failed(Box::new(Failure::not_configured()));
            return end(report, outcome, "");
        };
        if endpoint.needs_key.is_none() && self.take_key(&endpoint).is_some() {
            // An endpoint on this machine that refused to answer without a key was given one.
            endpoint.needs_key = Some(true);
        }
        let shown = Shown::to_the_model(assignment.schema.value());
        let mut rung = shown.rung();
        if let Some(why) = &shown.why_not_strict {
            report(Report::Warning {
                code: "schema_not_strict".to_owned(),
                message: format!(
                    "The endpoint cannot be held to this schema ({why}); every task is checked here all the same."
                ),
            });
        }
        loop {
            let request = shown.request(&assignment, &endpoint, rung);
            let asked = self
                .ask(&endpoint, &request, &shown, &check, &stop, report)
                .await;
            let down = match &asked.outcome {
                Outcome::Failed(failure) if asked.tasks == 0 && blames_the_format(failure) => {
                    rung.down()
                }
                _ => None,
            };
            let Some(lower) = down else {
                return end(report, asked.outcome, &asked.raw);
            };
            report(Report::Warning {
                code: "stepped_down".to_owned(),
                message: "The endpoint does not take this form of structured output; it is asked again with less. Every task is checked here all the same.".to_owned(),
            });
            rung = lower;
        }
    }

    async fn ask(
        &self,
        endpoint: &ModelEndpoint,
        request: &request::ModelRequest,
        shown: &Shown,
        check: &Arc<dyn Check>,
        stop: &StopSignal,
        report: &dyn Fn(Report),
    ) -> Asked {
        let mut reading = Reading {
            stream: TaskStream::new(endpoint.api, Arc::clone(check)),
            status: 0,
            headers: Vec::new(),
            error_body: Vec::new(),
        };
        let call_end = {
            // Held only while the request is put together: the page can be given another secret
            // while an answer arrives.
            let key = self.take_key(endpoint);
            let mut on_part = |part: Part<'_>| reading.take(part, shown, check, report);
            self.model
                .call(request, key.as_ref(), self.idle, stop, &mut on_part)
                .await
        };
        let raw = |stream: &TaskStream| stream.raw_text().to_owned();
        let outcome = match call_end {
            CallEnd::Stopped => Outcome::Cancelled,
            CallEnd::Unreachable { reason } => {
                Outcome::Failed(Box::new(Failure::unreachable(&reason)))
            }
            // Nothing came, not even a status.
            CallEnd::Answered(end) if reading.status == 0 => reading.stream.finish(end),
            CallEnd::Answered(_) if !(200..300).contains(&reading.status) => {
                Outcome::Failed(Box::new(http::failure(
                    reading.status,
                    |name| reading.header(name),
                    &reading.error_body,
                )))
            }
            CallEnd::Answered(end) => reading.stream.finish(end),
        };
        Asked {
            raw: raw(&reading.stream),
            tasks: reading.stream.task_count(),
            outcome,
        }
    }

    fn take_key(&self, endpoint: &ModelEndpoint) -> Option<crate::secrets::Secret> {
        let secrets = self.secrets.borrow();
        let held = secrets.get(SecretName::ModelKey, &endpoint.base_url)?;
        held.copy_for(&endpoint.base_url).ok()
    }
}

/// The exact request that a live run of this brief would begin with, secrets as placeholders.
/// `None` where no model endpoint is configured.
#[must_use]
pub fn request_for(assignment: &Assignment) -> Option<request::ModelRequest> {
    let endpoint = assignment.connection.model.as_ref()?;
    let shown = Shown::to_the_model(assignment.schema.value());
    Some(shown.request(assignment, endpoint, shown.rung()))
}

/// What one request to the model came to.
struct Asked {
    outcome: Outcome,
    raw: String,
    tasks: usize,
}

/// The schema as the model is shown it.
struct Shown {
    /// The schema of the whole answer.
    envelope: Value,
    /// How tasks come back from it, where it could be derived.
    strict: Option<ModelSchema>,
    why_not_strict: Option<String>,
}

impl Shown {
    fn to_the_model(schema: &Value) -> Shown {
        match strict::model_schema(schema).and_then(|derived| {
            let envelope = strict::envelope(&derived.schema)?;
            Ok((derived, envelope))
        }) {
            Ok((derived, envelope)) => Shown {
                envelope,
                strict: Some(derived),
                why_not_strict: None,
            },
            Err(error) => Shown {
                envelope: json!({"type": "object", "required": ["tasks"],
                    "properties": {"tasks": {"type": "array", "items": schema}}}),
                strict: None,
                why_not_strict: Some(error.to_string()),
            },
        }
    }

    fn rung(&self) -> Rung {
        match self.strict {
            Some(_) => Rung::JsonSchema,
            None => Rung::JsonObject,
        }
    }

    fn request(
        &self,
        assignment: &Assignment,
        endpoint: &ModelEndpoint,
        rung: Rung,
    ) -> request::ModelRequest {
        let messages = prompt::messages(&assignment.brief, &assignment.schema, &self.envelope);
        let schema = (rung == Rung::JsonSchema).then_some(&self.envelope);
        request::build(&messages, schema, rung, endpoint)
    }

    /// The task without the `null`s that only the model was allowed.
    fn without_nulls(&self, task: &Document) -> Option<Document> {
        let derived = self.strict.as_ref()?;
        let cleaned = strict::without_model_nulls(task, derived);
        (cleaned != *task).then_some(cleaned)
    }
}

/// An answer while it is read.
struct Reading {
    stream: TaskStream,
    status: u16,
    headers: Vec<(String, String)>,
    error_body: Vec<u8>,
}

impl Reading {
    fn take(
        &mut self,
        part: Part<'_>,
        shown: &Shown,
        check: &Arc<dyn Check>,
        report: &dyn Fn(Report),
    ) {
        match part {
            Part::Head { status, headers } => {
                self.status = status;
                self.headers = headers;
            }
            Part::Bytes(bytes) if (200..300).contains(&self.status) => {
                for event in self.stream.push(bytes) {
                    report(told(event, shown, check));
                }
            }
            Part::Bytes(bytes) => {
                let room = MAX_ERROR_BODY_BYTES.saturating_sub(self.error_body.len());
                self.error_body
                    .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, value)| value.clone())
    }
}

fn told(event: StreamEvent, shown: &Shown, check: &Arc<dyn Check>) -> Report {
    match event {
        StreamEvent::Task {
            document,
            violations,
            ..
        } => Report::event(match shown.without_nulls(&document) {
            Some(document) => Event::TaskArrived {
                violations: check.check(&document),
                document,
            },
            None => Event::TaskArrived {
                document,
                violations,
            },
        }),
        StreamEvent::Text { delta } => Report::Text(delta),
        StreamEvent::Usage(usage) => Report::event(used(usage)),
        StreamEvent::Warning(warning) => Report::Warning {
            code: warning.code.as_str().to_owned(),
            message: warning.message,
        },
    }
}

fn used(usage: Usage) -> Event {
    Event::UsageArrived(usage)
}

/// Whether an endpoint refused the form of structured output, and nothing else.
fn blames_the_format(failure: &Failure) -> bool {
    const NAMES: [&str; 4] = [
        "response_format",
        "text.format",
        "json_schema",
        "json_object",
    ];
    failure.kind == FailureKind::ParameterRefused
        && failure
            .parameter
            .as_deref()
            .is_some_and(|parameter| NAMES.iter().any(|name| parameter.contains(name)))
}

fn end(report: &dyn Fn(Report), outcome: Outcome, raw: &str) {
    report(Report::event(Event::GenerationEnded {
        outcome,
        raw_answer: raw.into(),
    }));
}
