//! Events and result of a generation as JavaScript sees them.

use serde::Serialize;

use super::events::{JsNotice, JsStreamEvent, JsUsage, JsViolation, violations};
use super::outcome::JsOutcome;
use crate::driver::Report;
use crate::model::Adaptation;
use crate::run::{self, Event, Run};

/// `Generation` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGeneration {
    outcome: JsOutcome,
    /// Every task that arrived complete, in the order of arrival.
    tasks: Vec<JsGeneratedTask>,
    /// Tokens used by all requests, including failed ones, as far as the endpoint reported them.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<JsUsage>,
    warnings: Vec<JsNotice>,
    /// The changes of the requests that the endpoint made necessary.
    adaptations: Vec<JsAdaptation>,
    /// The requests, in order.
    requests: Vec<JsGenerationRequest>,
}

/// `Adaptation` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsAdaptation {
    code: &'static str,
    /// What it is about, such as the name of the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    message: String,
}

impl JsAdaptation {
    fn of(adaptation: &Adaptation) -> JsAdaptation {
        JsAdaptation {
            code: adaptation.code(),
            value: adaptation.value(),
            message: adaptation.description(),
        }
    }
}

/// `GenerationRequest` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGenerationRequest {
    outcome: JsOutcome,
    /// Number of tasks it asked for.
    wanted: u16,
    /// Number of tasks that arrived.
    arrived: u32,
    /// Number of HTTP calls made for it.
    calls: usize,
    /// Tokens used by all calls, as far as the endpoint reported them.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<JsUsage>,
}

impl JsGenerationRequest {
    fn of(request: &run::GenerationRequest) -> JsGenerationRequest {
        let interrupted = crate::model::GenerationOutcome::Interrupted { reason: None };
        JsGenerationRequest {
            outcome: JsOutcome::new(
                request.outcome().unwrap_or(&interrupted),
                &request.raw_response,
                &request.reasoning,
            ),
            wanted: request.wanted,
            arrived: request.arrived,
            calls: request.calls.len(),
            usage: request.usage().map(JsUsage::from),
        }
    }
}

/// A task of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGeneratedTask {
    /// Exact text.
    text: String,
    /// Violations of the schema.
    violations: Vec<JsViolation>,
}

/// Collects the reports of a driver.
#[derive(Debug, Default)]
pub struct GenerationCollector {
    tasks: Vec<JsGeneratedTask>,
    warnings: Vec<JsNotice>,
}

impl GenerationCollector {
    /// Takes a report and returns the event for the caller's listener, if there is one.
    pub fn take(&mut self, report: Report) -> Option<JsStreamEvent> {
        match report {
            Report::Text(delta) => Some(JsStreamEvent::Text { delta }),
            Report::Reasoning { .. } => None,
            Report::Notice(notice) => {
                let notice = JsNotice::from(notice);
                self.warnings.push(notice.clone());
                Some(JsStreamEvent::Notice(notice))
            }
            Report::Event(event) => self.take_event(*event),
        }
    }

    fn take_event(&mut self, event: Event) -> Option<JsStreamEvent> {
        match event {
            Event::TaskArrived {
                document,
                violations: found,
            } => {
                let task = JsGeneratedTask {
                    text: document.text().to_owned(),
                    violations: violations(found),
                };
                self.tasks.push(task.clone());
                Some(JsStreamEvent::Task {
                    index: self.tasks.len() - 1,
                    text: task.text,
                    violations: task.violations,
                })
            }
            Event::UsageArrived(usage) => Some(JsStreamEvent::Usage(usage.into())),
            // The other events concern the page, delivery, or single calls.
            _ => None,
        }
    }

    /// Returns the result of the generation of `run`.
    #[must_use]
    pub fn finish(self, run: &Run) -> JsGeneration {
        let interrupted = crate::model::GenerationOutcome::Interrupted { reason: None };
        let outcome = match run.generation() {
            run::GenerationState::Ended { outcome, .. } => outcome,
            run::GenerationState::None | run::GenerationState::Running { .. } => &interrupted,
        };
        let (raw_response, reasoning) = run
            .requests()
            .last()
            .map_or(("", ""), |last| (&*last.raw_response, &*last.reasoning));
        JsGeneration {
            outcome: JsOutcome::new(outcome, raw_response, reasoning),
            tasks: self.tasks,
            usage: run.usage().map(JsUsage::from),
            warnings: self.warnings,
            adaptations: run.applied_adaptations().map(JsAdaptation::of).collect(),
            requests: run.requests().iter().map(JsGenerationRequest::of).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::brief::BriefForm;
    use crate::document::Document;
    use crate::model;
    use crate::review::RunId;
    use crate::run::{Mode, Start};
    use crate::schema::{TaskSchema, agent_task_schema};
    use crate::settings::Connection;
    use serde_json::json;

    fn run(count: &str) -> Run {
        let form = BriefForm {
            goal: "Ship it".to_owned(),
            count: count.to_owned(),
            ..BriefForm::default()
        };
        let (run, _) = Run::start(Start {
            id: RunId::from_bits(1),
            mode: Mode::Live,
            at: 0,
            brief: Some(form.check(0).unwrap()),
            connection: Connection::built_in(),
            schema: TaskSchema::parse(agent_task_schema()).unwrap(),
        });
        run
    }

    #[test]
    fn a_generation_has_the_tasks_in_order_and_the_outcome_of_each_request() {
        let mut collector = GenerationCollector::default();
        let mut run = run("2");
        let task = |text: &str| Event::TaskArrived {
            document: Document::parse(text).unwrap(),
            violations: Vec::new(),
        };
        let mut events = Vec::new();
        for report in [
            Report::Text("{".into()),
            Report::Event(Box::new(task("{\"a\": 1}"))),
            Report::Event(Box::new(task("{\"a\":2.0}"))),
            Report::Event(Box::new(Event::UsageArrived(model::Usage {
                input: 7,
                ..model::Usage::default()
            }))),
            Report::Notice(model::Notice::new(
                model::NoticeCode::ResponseFormatFallback,
                "m",
            )),
            Report::Event(Box::new(Event::CallEnded {
                outcome: model::GenerationOutcome::Complete,
                raw_response: "{}".into(),
                reasoning: "hm".into(),
                proposal: None,
            })),
        ] {
            if let Report::Event(event) = &report {
                run.apply((**event).clone(), 0);
            }
            events.extend(collector.take(report));
        }
        let events = serde_json::to_value(events).unwrap();
        assert_eq!(events[1]["index"], 0);
        assert_eq!(
            events[2],
            json!({"type": "task", "index": 1, "text": "{\"a\":2.0}", "violations": []})
        );
        assert_eq!(
            events.as_array().unwrap().len(),
            5,
            "the end is not an event"
        );
        let generation = serde_json::to_value(collector.finish(&run)).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "complete");
        assert_eq!(generation["outcome"]["rawText"], "{}");
        assert_eq!(generation["outcome"]["reasoning"], "hm");
        assert_eq!(generation["tasks"][0]["text"], "{\"a\": 1}");
        assert_eq!(generation["usage"]["input"], 7);
        assert_eq!(
            generation["warnings"][0]["code"],
            "response_format_fallback"
        );
        let request = &generation["requests"][0];
        assert_eq!(
            (&request["wanted"], &request["arrived"]),
            (&json!(2), &json!(2))
        );
        assert_eq!(request["outcome"]["code"], "complete");
    }

    #[test]
    fn a_generation_without_an_end_is_interrupted() {
        let generation =
            serde_json::to_value(GenerationCollector::default().finish(&run("2"))).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "interrupted");
        assert!(generation.get("usage").is_none(), "absent, not null");
    }
}
