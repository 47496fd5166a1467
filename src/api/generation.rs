//! What a generation tells while it runs, and what it came to.

use serde::Serialize;

use super::events::{JsNotice, JsStreamEvent, JsUsage, JsViolation, violations};
use super::outcome::JsOutcome;
use crate::driver::Report;
use crate::run::{self, Event, Run};

/// `Generation` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGeneration {
    /// How it ended.
    outcome: JsOutcome,
    /// Every whole task, in the order of the answer.
    tasks: Vec<JsGeneratedTask>,
    /// What all requests cost, those that failed included, as far as the endpoint said.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<JsUsage>,
    /// Everything odd.
    warnings: Vec<JsNotice>,
    /// The requests that were made, in their order.
    requests: Vec<JsGenerationRequest>,
}

/// `GenerationRequest` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGenerationRequest {
    /// How it ended.
    outcome: JsOutcome,
    /// How many tasks it asked for.
    wanted: u16,
    /// How many came.
    arrived: u32,
    /// How many calls were made for it.
    calls: usize,
    /// What they cost, as far as the endpoint said.
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
            ),
            wanted: request.wanted,
            arrived: request.arrived,
            calls: request.calls.len(),
            usage: request.usage().map(JsUsage::from),
        }
    }
}

/// A task of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsGeneratedTask {
    /// Its exact text.
    text: String,
    /// What the schema has against it.
    violations: Vec<JsViolation>,
}

/// Gathers what a driver reports.
#[derive(Debug, Default)]
pub struct Gathering {
    tasks: Vec<JsGeneratedTask>,
    warnings: Vec<JsNotice>,
}

impl Gathering {
    /// Takes a report; gives the event that it is for whoever watches, where it is one.
    pub fn take(&mut self, report: Report) -> Option<JsStreamEvent> {
        match report {
            Report::Text(delta) => Some(JsStreamEvent::Text { delta }),
            Report::Notice(notice) => {
                let warning = JsNotice::from(notice);
                self.warnings.push(warning.clone());
                Some(JsStreamEvent::Notice(warning))
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
            // The other events are those of a page, of a delivery, and of single calls.
            _ => None,
        }
    }

    /// What it came to, for the run as it stood at the end.
    #[must_use]
    pub fn end(self, run: &Run) -> JsGeneration {
        let interrupted = crate::model::GenerationOutcome::Interrupted { reason: None };
        let outcome = match run.generation() {
            run::GenerationState::Ended { outcome, .. } => outcome,
            run::GenerationState::None | run::GenerationState::Running { .. } => &interrupted,
        };
        let raw_response = run.requests().last().map(|last| &*last.raw_response);
        JsGeneration {
            outcome: JsOutcome::new(outcome, raw_response.unwrap_or_default()),
            tasks: self.tasks,
            usage: run.usage().map(JsUsage::from),
            warnings: self.warnings,
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
    fn a_generation_holds_what_was_told_in_its_order_and_what_each_request_came_to() {
        let mut gathering = Gathering::default();
        let mut run = run("2");
        let task = |text: &str| Event::TaskArrived {
            document: Document::parse(text).unwrap(),
            violations: Vec::new(),
        };
        let mut told = Vec::new();
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
            })),
        ] {
            if let Report::Event(event) = &report {
                run.apply((**event).clone(), 0);
            }
            told.extend(gathering.take(report));
        }
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(told[1]["index"], 0);
        assert_eq!(
            told[2],
            json!({"type": "task", "index": 1, "text": "{\"a\":2.0}", "violations": []})
        );
        assert_eq!(told.as_array().unwrap().len(), 5, "the end is no event");
        let generation = serde_json::to_value(gathering.end(&run)).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "complete");
        assert_eq!(generation["outcome"]["rawText"], "{}");
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
    fn a_generation_that_says_no_end_is_not_complete() {
        let generation = serde_json::to_value(Gathering::default().end(&run("2"))).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "interrupted");
        assert!(generation.get("usage").is_none(), "absent, not null");
    }
}
