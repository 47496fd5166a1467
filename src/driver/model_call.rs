//! Calls the model and reads its response.

use std::sync::Arc;

use serde_json::{Value, json};

use super::schema_adherence::SchemaAdherence;
use super::{Assignment, LiveDriver, Report};
use crate::document::Document;
use crate::http::HttpRequest;
use crate::model::adaptation::propose;
use crate::model::http::{self, MAX_ERROR_BODY_BYTES};
use crate::model::{
    Adaptation, Adaptations, Failure, GenerationOutcome, Notice, NoticeCode, ResponseFormat,
    StreamEvent, TaskStream, request,
};
use crate::ports::{CallEnd, ModelTransport, Needed, ResponsePart, StopSignal, TaskSink, Timeouts};
use crate::prompt;
use crate::run::Event;
use crate::schema::Check;
use crate::schema::strict::{self, ModelSchema};
use crate::secrets::{Redactor, SecretSlot, StreamRedactor};
use crate::settings::ModelEndpoint;

impl<M: ModelTransport, T: TaskSink> LiveDriver<M, T> {
    /// Makes one call to the model for the tasks of `assignment`, and reports what arrives.
    pub async fn generate(
        &self,
        assignment: Assignment,
        check: Arc<dyn Check>,
        stop: StopSignal,
        report: &dyn Fn(Report),
    ) {
        let Some(mut endpoint) = assignment.connection.model.clone() else {
            let outcome = GenerationOutcome::Failed(Box::new(Failure::not_configured()));
            return report(Report::event(Event::CallEnded {
                outcome,
                raw_response: "".into(),
                reasoning: "".into(),
                proposal: None,
            }));
        };
        if endpoint.needs_key.is_none() && self.holds_key(&endpoint) {
            // A local endpoint that refused to respond without a key has been given one.
            endpoint.needs_key = Some(true);
        }
        let prompt_schema = PromptSchema::derive(assignment.schema.value());
        let adaptations = prompt_schema.adapted(&assignment.adaptations);
        let response_format = adaptations.response_format();
        if let Some(reason) = &prompt_schema.strict_error {
            report(Report::notice(
                NoticeCode::SchemaNotStrict,
                format!(
                    "The endpoint cannot enforce this schema ({reason}). Every task is still checked here."
                ),
            ));
        }
        let request = prompt_schema.request(&assignment, &endpoint, &adaptations);
        let sent = request.body.clone().unwrap_or_default();
        let is_streamed = !adaptations.has(&Adaptation::NoStreaming);
        report(Report::event(Event::CallStarted { adaptations }));
        let prepared = request.prepare_prompt(&self.secrets.borrow());
        let redactor = prepared
            .as_ref()
            .map(|request| Arc::clone(request.redactor()))
            .unwrap_or_default();
        let mut reader = ResponseReader {
            stream: TaskStream::new(endpoint.api, Arc::clone(&check)),
            status: 0,
            headers: Vec::new(),
            at: 0,
            error_body: Vec::new(),
            shown_text: StreamRedactor::new(Arc::clone(&redactor)),
            redactor,
            adherence: SchemaAdherence::of(
                prompt_schema
                    .strict
                    .as_ref()
                    .filter(|_| response_format == ResponseFormat::JsonSchema),
            ),
        };
        let timeouts = Timeouts {
            // Without a stream, everything arrives at the end.
            first_token: match is_streamed {
                true => endpoint.first_token_timeout_ms(),
                false => endpoint.limits.request_timeout_ms(),
            },
            idle: endpoint.limits.idle_timeout_ms(),
            total: endpoint.limits.request_timeout_ms(),
        };
        let call_end = match &prepared {
            Err(error) => CallEnd::NotSent {
                reason: error.to_string(),
            },
            Ok(request) => {
                let mut on_part =
                    |part: ResponsePart<'_>| reader.take(part, &prompt_schema, &check, report);
                self.model
                    .call(request, timeouts, &stop, &mut on_part)
                    .await
            }
        };
        reader.close(&prompt_schema, &check, report);
        let outcome = reader.outcome(call_end);
        let proposal = match &outcome {
            GenerationOutcome::Failed(failure) => propose(failure, &reader.redacted_error(), &sent),
            _ => None,
        };
        if reader.adherence.is_violated_by(&outcome) {
            report(Report::notice(
                NoticeCode::SchemaNotFollowed,
                "The endpoint accepted the schema but did not follow it. Choose another model, or an endpoint that enforces the schema. Every task is still checked here.",
            ));
        }
        let raw_response = reader.redactor.redact_long(reader.stream.raw_text());
        let reasoning = reader.redactor.redact_long(reader.stream.reasoning());
        report(Report::event(Event::CallEnded {
            outcome,
            raw_response: raw_response.into(),
            reasoning: reasoning.into(),
            proposal,
        }));
    }

    fn holds_key(&self, endpoint: &ModelEndpoint) -> bool {
        let secrets = self.secrets.borrow();
        secrets
            .get(&SecretSlot::API_KEY, &endpoint.base_url)
            .is_some()
    }
}

/// The exact request that a live run of this brief would start with, with placeholders for secrets.
/// `None` if no model endpoint is configured.
#[must_use]
pub fn request_for(assignment: &Assignment) -> Option<HttpRequest> {
    let endpoint = assignment.connection.model.as_ref()?;
    let prompt_schema = PromptSchema::derive(assignment.schema.value());
    let adaptations = prompt_schema.adapted(&assignment.adaptations);
    Some(prompt_schema.request(assignment, endpoint, &adaptations))
}

/// The task schema in the form that the model sees.
struct PromptSchema {
    /// The schema of the complete response.
    envelope: Value,
    /// The schema in the strict subset, if it could be derived.
    strict: Option<ModelSchema>,
    /// Why it could not be derived.
    strict_error: Option<String>,
}

impl PromptSchema {
    fn derive(schema: &Value) -> PromptSchema {
        match strict::model_schema(schema).and_then(|derived| {
            let envelope = strict::envelope(&derived.schema)?;
            Ok((derived, envelope))
        }) {
            Ok((derived, envelope)) => PromptSchema {
                envelope,
                strict: Some(derived),
                strict_error: None,
            },
            Err(error) => PromptSchema {
                envelope: json!({"type": "object", "required": ["tasks"],
                    "properties": {"tasks": {"type": "array", "items": schema}}}),
                strict: None,
                strict_error: Some(error.to_string()),
            },
        }
    }

    /// The adaptations, with the next response format if this one does not work for this schema.
    fn adapted(&self, adaptations: &Adaptations) -> Adaptations {
        let mut adapted = adaptations.clone();
        if self.strict.is_none() {
            adapted.add(Adaptation::ResponseFormat(ResponseFormat::JsonObject));
        }
        adapted
    }

    fn request(
        &self,
        assignment: &Assignment,
        endpoint: &ModelEndpoint,
        adaptations: &Adaptations,
    ) -> HttpRequest {
        let messages = prompt::messages(
            &assignment.brief,
            &assignment.request,
            &assignment.schema,
            &self.envelope,
        );
        let schema = self.strict.as_ref().map(|_| &self.envelope);
        request::build(&messages, schema, adaptations, endpoint)
    }

    /// The task without the `null`s that only the schema for the model allows; `None` if it has none.
    fn without_nulls(&self, task: &Document) -> Option<Document> {
        let derived = self.strict.as_ref()?;
        let cleaned = strict::without_model_nulls(task, derived);
        (cleaned != *task).then_some(cleaned)
    }
}

/// Reads one response.
struct ResponseReader {
    stream: TaskStream,
    status: u16,
    headers: Vec<(String, String)>,
    /// When status and headers arrived, in milliseconds since 1970.
    at: u64,
    error_body: Vec<u8>,
    /// The text for display.
    shown_text: StreamRedactor,
    /// Removes secrets from everything that is reported, except from a task: that is reported as it is,
    /// with a violation.
    redactor: Arc<Redactor>,
    adherence: SchemaAdherence,
}

impl ResponseReader {
    fn take(
        &mut self,
        part: ResponsePart<'_>,
        prompt_schema: &PromptSchema,
        check: &Arc<dyn Check>,
        report: &dyn Fn(Report),
    ) -> Needed {
        match part {
            ResponsePart::Head {
                status,
                headers,
                at,
            } => {
                self.status = status;
                self.headers = headers;
                self.at = at;
                Needed::FirstToken
            }
            ResponsePart::Bytes(bytes) if (200..300).contains(&self.status) => {
                let reasoning_before = self.stream.reasoning().len();
                for event in self.stream.push(bytes) {
                    self.report(event, prompt_schema, check, report);
                }
                let reasoning = self.stream.reasoning().len();
                if reasoning > reasoning_before {
                    report(Report::Reasoning { bytes: reasoning });
                }
                // An endpoint may keep the connection open, and send pings, after the end.
                if self.stream.is_settled() {
                    Needed::Nothing
                } else if self.stream.has_finished() {
                    Needed::Rest {
                        is_news: self.stream.has_new_event(),
                    }
                } else if self.stream.has_begun() {
                    Needed::All
                } else {
                    Needed::FirstToken
                }
            }
            ResponsePart::Bytes(bytes) => {
                let room = MAX_ERROR_BODY_BYTES.saturating_sub(self.error_body.len());
                self.error_body
                    .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                if bytes.len() >= room {
                    Needed::Nothing
                } else {
                    Needed::All
                }
            }
        }
    }

    /// Ends the body and reports the events that its end completes.
    fn close(
        &mut self,
        prompt_schema: &PromptSchema,
        check: &Arc<dyn Check>,
        report: &dyn Fn(Report),
    ) {
        for event in self.stream.close() {
            self.report(event, prompt_schema, check, report);
        }
        let rest = self.shown_text.finish();
        if !rest.is_empty() {
            report(Report::Text(rest));
        }
    }

    fn report(
        &mut self,
        event: StreamEvent,
        prompt_schema: &PromptSchema,
        check: &Arc<dyn Check>,
        report: &dyn Fn(Report),
    ) {
        if let Some(arrived) = self.redacted_report(event, prompt_schema, check) {
            self.adherence.observe(&arrived);
            report(arrived);
        }
    }

    /// The event to report, without secrets; `None` if there is nothing to report yet.
    fn redacted_report(
        &mut self,
        event: StreamEvent,
        prompt_schema: &PromptSchema,
        check: &Arc<dyn Check>,
    ) -> Option<Report> {
        Some(match event {
            StreamEvent::Task {
                document,
                violations,
                ..
            } => Report::event(match prompt_schema.without_nulls(&document) {
                Some(document) => Event::TaskArrived {
                    violations: check.check(&document),
                    document,
                },
                None => Event::TaskArrived {
                    document,
                    violations,
                },
            }),
            StreamEvent::Text { delta } => {
                let text = self.shown_text.push(&delta);
                if text.is_empty() {
                    return None;
                }
                Report::Text(text)
            }
            StreamEvent::Usage(usage) => Report::event(Event::UsageArrived(usage)),
            StreamEvent::Notice(Notice { code, message }) => {
                Report::notice(code, self.redactor.redact(&message))
            }
        })
    }

    /// How the call ended. Contains no secret, although endpoints repeat a rejected key in their error.
    fn outcome(&self, call_end: CallEnd) -> GenerationOutcome {
        let outcome = match call_end {
            CallEnd::Stopped => GenerationOutcome::Cancelled,
            CallEnd::Unreachable { reason } => {
                GenerationOutcome::Failed(Box::new(Failure::unreachable(&reason)))
            }
            CallEnd::NotConnected { reason } => {
                GenerationOutcome::Failed(Box::new(Failure::not_connected(&reason)))
            }
            CallEnd::NotSent { reason } => {
                GenerationOutcome::Failed(Box::new(Failure::not_sent(&reason)))
            }
            // Without a status, nothing arrived at all.
            CallEnd::Responded(end) if self.status == 0 || (200..300).contains(&self.status) => {
                self.stream.finish(end)
            }
            CallEnd::Responded(_) => {
                // Before the texts in the body are truncated.
                let body = self.redacted_error();
                GenerationOutcome::Failed(Box::new(http::failure(
                    self.status,
                    |name| self.header(name),
                    body.as_bytes(),
                    self.at,
                )))
            }
        };
        outcome.map_text(|text| self.redactor.redact(text))
    }

    /// The body of a response with an error status, without secrets.
    fn redacted_error(&self) -> String {
        let body = String::from_utf8_lossy(&self.error_body);
        self.redactor.redact_body(&body).into_owned()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.clone())
    }
}
