//! What a generation tells while it runs, and what it came to.

use serde::Serialize;

use super::events::{StreamEvent, Usage, Violation, Warning, violations};
use super::outcome::Outcome;
use crate::driver::Report;
use crate::run::Event;

/// `Generation` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Generation {
    /// How it ended.
    outcome: Outcome,
    /// Every whole task, in the order of the answer.
    tasks: Vec<GeneratedTask>,
    /// What it cost, as far as the endpoint said.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// Everything odd.
    warnings: Vec<Warning>,
}

/// A task of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GeneratedTask {
    /// Its exact text.
    text: String,
    /// What the schema has against it.
    violations: Vec<Violation>,
}

/// Gathers what a driver reports.
#[derive(Debug, Default)]
pub struct Gathering {
    outcome: Option<Outcome>,
    tasks: Vec<GeneratedTask>,
    usage: Option<Usage>,
    warnings: Vec<Warning>,
}

impl Gathering {
    /// Takes a report; gives the event that it is for whoever watches, where it is one.
    pub fn take(&mut self, report: Report) -> Option<StreamEvent> {
        match report {
            Report::Text(delta) => Some(StreamEvent::Text { delta }),
            Report::Warning { code, message } => {
                let warning = Warning { code, message };
                self.warnings.push(warning.clone());
                Some(StreamEvent::Warning(warning))
            }
            Report::Event(event) => self.take_event(*event),
        }
    }

    fn take_event(&mut self, event: Event) -> Option<StreamEvent> {
        match event {
            Event::TaskArrived {
                document,
                violations: found,
            } => {
                let task = GeneratedTask {
                    text: document.text().to_owned(),
                    violations: violations(found),
                };
                self.tasks.push(task.clone());
                Some(StreamEvent::Task {
                    index: self.tasks.len() - 1,
                    text: task.text,
                    violations: task.violations,
                })
            }
            Event::UsageArrived(usage) => {
                let usage = Usage::from(usage);
                self.usage = Some(usage);
                Some(StreamEvent::Usage(usage))
            }
            Event::GenerationEnded {
                outcome,
                raw_answer,
            } => {
                self.outcome = Some(Outcome::new(&outcome, &raw_answer));
                None
            }
            // The other events are those of a page and of a delivery.
            _ => None,
        }
    }

    /// What it came to. A generation that did not say how it ended was interrupted.
    #[must_use]
    pub fn end(self) -> Generation {
        let interrupted = crate::model::Outcome::Interrupted { reason: None };
        Generation {
            outcome: self
                .outcome
                .unwrap_or_else(|| Outcome::new(&interrupted, "")),
            tasks: self.tasks,
            usage: self.usage,
            warnings: self.warnings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::model;
    use serde_json::json;

    #[test]
    fn a_generation_holds_what_was_told_in_its_order() {
        let mut gathering = Gathering::default();
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
            Report::Warning {
                code: "stepped_down".into(),
                message: "m".into(),
            },
            Report::Event(Box::new(Event::GenerationEnded {
                outcome: model::Outcome::Complete,
                raw_answer: "{}".into(),
            })),
        ] {
            told.extend(gathering.take(report));
        }
        let told = serde_json::to_value(told).unwrap();
        assert_eq!(told[1]["index"], 0);
        assert_eq!(
            told[2],
            json!({"type": "task", "index": 1, "text": "{\"a\":2.0}", "violations": []})
        );
        assert_eq!(told.as_array().unwrap().len(), 5, "the end is no event");
        let generation = serde_json::to_value(gathering.end()).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "complete");
        assert_eq!(generation["outcome"]["rawText"], "{}");
        assert_eq!(generation["tasks"][0]["text"], "{\"a\": 1}");
        assert_eq!(generation["usage"]["input"], 7);
        assert_eq!(generation["warnings"][0]["code"], "stepped_down");
    }

    #[test]
    fn a_generation_that_says_no_end_is_not_complete() {
        let generation = serde_json::to_value(Gathering::default().end()).unwrap();
        assert_eq!(generation["outcome"]["outcome"], "interrupted");
        assert!(generation.get("usage").is_none(), "absent, not null");
    }
}
