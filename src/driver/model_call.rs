//! Asks the model and reads its answer.

use std::sync::Arc;

use serde_json::{Value, json};

use super::schema_adherence::SchemaAdherence;
use super::{Assignment, LiveDriver, Report};
use crate::document::Document;
use crate::http::HttpRequest;
use crate::model::http::{self, MAX_ERROR_BODY_BYTES};
use crate::model::{Failure, GenerationOutcome, ResponseFormat, StreamEvent, TaskStream, request};
use crate::ports::{CallEnd, ModelTransport, ResponsePart, StopSignal, TaskSink, Timeouts};
use crate::prompt;
use crate::run::Event;
use crate::schema::Check;
use crate::schema::strict::{self, ModelSchema};
use crate::secrets::SecretSlot;
use crate::settings::ModelEndpoint;

impl<M: ModelTransport, T: TaskSink> LiveDriver<M, T> {
    /// Makes one call to the model for the tasks that are asked for, and tells what arrives.
    pub async fn generate(
        &self,
        assignment: Assignment,
        check: Arc<dyn Check>,
        stop: StopSignal,
        report: &dyn Fn(Report),
    ) {
        let Some(mut endpoint) = assignment.connection.model.clone() else {
            let outcome = GenerationOutcome::Failed(Box::new(Failure::not_configured()));
            return end(report, outcome, "");
        };
        if endpoint.needs_key.is_none() && self.holds_key(&endpoint) {
            // An endpoint on this machine that refused to answer without a key was given one.
            endpoint.needs_key = Some(true);
        }
        let shown = Shown::to_the_model(assignment.schema.value());
        let response_format = shown.response_format(assignment.response_format);
        if let Some(why) = &shown.why_not_strict {
            report(Report::notice(
                "schema_not_strict",
                format!(
                    "The endpoint cannot be held to this schema ({why}); every task is checked here all the same."
                ),
            ));
        }
        let request = shown.request(&assignment, &endpoint, response_format);
        report(Report::event(Event::CallStarted { response_format }));
        let mut reading = Reading {
            stream: TaskStream::new(endpoint.api, Arc::clone(&check)),
            status: 0,
            headers: Vec::new(),
            at: 0,
            error_body: Vec::new(),
            following: SchemaAdherence::of(
                shown
                    .strict
                    .as_ref()
                    .filter(|_| response_format == ResponseFormat::JsonSchema),
            ),
        };
        let timeouts = Timeouts {
            idle: endpoint.limits.idle_milliseconds(),
            total: endpoint.limits.call_milliseconds(),
        };
        let prepared = request.prepare(&self.secrets.borrow());
        let call_end = match &prepared {
            Err(error) => CallEnd::NotSent {
                reason: error.to_string(),
            },
            Ok(request) => {
                let mut on_part =
                    |part: ResponsePart<'_>| reading.take(part, &shown, &check, report);
                self.model
                    .call(request, timeouts, &stop, &mut on_part)
                    .await
            }
        };
        let outcome = reading.outcome(call_end);
        if reading.following.is_broken_by(&outcome) {
            report(Report::notice(
                "schema_not_followed",
                "The endpoint took the schema and did not keep to it. Choose another model, or one that enforces a schema; every task is checked here all the same.",
            ));
        }
        end(report, outcome, reading.stream.raw_text());
    }

    fn holds_key(&self, endpoint: &ModelEndpoint) -> bool {
        let secrets = self.secrets.borrow();
        secrets
            .get(&SecretSlot::API_KEY, &endpoint.base_url)
            .is_some()
    }
}

/// The exact request that a live run of this brief would begin with, secrets as placeholders.
/// `None` where no model endpoint is configured.
#[must_use]
pub fn request_for(assignment: &Assignment) -> Option<HttpRequest> {
    let endpoint = assignment.connection.model.as_ref()?;
    let shown = Shown::to_the_model(assignment.schema.value());
    Some(shown.request(
        assignment,
        endpoint,
        shown.response_format(assignment.response_format),
    ))
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

    /// The rung that is asked for, or the next one that this schema can stand on.
    fn response_format(&self, asked: ResponseFormat) -> ResponseFormat {
        match self.strict {
            Some(_) => asked,
            None => asked.max(ResponseFormat::JsonObject),
        }
    }

    fn request(
        &self,
        assignment: &Assignment,
        endpoint: &ModelEndpoint,
        response_format: ResponseFormat,
    ) -> HttpRequest {
        let messages = prompt::messages(
            &assignment.brief,
            &assignment.ask,
            &assignment.schema,
            &self.envelope,
        );
        let schema = (response_format == ResponseFormat::JsonSchema).then_some(&self.envelope);
        request::build(&messages, schema, response_format, endpoint)
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
    /// When status and headers came, in milliseconds since 1970.
    at: u64,
    error_body: Vec<u8>,
    following: SchemaAdherence,
}

impl Reading {
    fn take(
        &mut self,
        part: ResponsePart<'_>,
        shown: &Shown,
        check: &Arc<dyn Check>,
        report: &dyn Fn(Report),
    ) {
        match part {
            ResponsePart::Head {
                status,
                headers,
                at,
            } => {
                self.status = status;
                self.headers = headers;
                self.at = at;
            }
            ResponsePart::Bytes(bytes) if (200..300).contains(&self.status) => {
                for event in self.stream.push(bytes) {
                    let told = told(event, shown, check);
                    self.following.watch(&told);
                    report(told);
                }
            }
            ResponsePart::Bytes(bytes) => {
                let room = MAX_ERROR_BODY_BYTES.saturating_sub(self.error_body.len());
                self.error_body
                    .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
        }
    }

    fn outcome(&self, call_end: CallEnd) -> GenerationOutcome {
        match call_end {
            CallEnd::Stopped => GenerationOutcome::Cancelled,
            CallEnd::Unreachable { reason } => {
                GenerationOutcome::Failed(Box::new(Failure::unreachable(&reason)))
            }
            CallEnd::NotSent { reason } => {
                GenerationOutcome::Failed(Box::new(Failure::not_sent(&reason)))
            }
            // Without a status nothing came at all.
            CallEnd::Responded(end) if self.status == 0 || (200..300).contains(&self.status) => {
                self.stream.finish(end)
            }
            CallEnd::Responded(_) => GenerationOutcome::Failed(Box::new(http::failure(
                self.status,
                |name| self.header(name),
                &self.error_body,
                self.at,
            ))),
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
        StreamEvent::Usage(usage) => Report::event(Event::UsageArrived(usage)),
        StreamEvent::Notice(notice) => Report::notice(notice.code.as_str(), notice.message),
    }
}

fn end(report: &dyn Fn(Report), outcome: GenerationOutcome, raw: &str) {
    report(Report::event(Event::CallEnded {
        outcome,
        raw_answer: raw.into(),
    }));
}
