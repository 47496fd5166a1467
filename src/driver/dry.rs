//! The driver of dry runs. It has no transport, so its type guarantees that nothing leaves the page.

use std::sync::Arc;

use super::{Assignment, Report};
use crate::delivery::DeliveryOutcome;
use crate::dry_run::DryRun;
use crate::model::{Failure, GenerationOutcome};
use crate::ports::{Clock, StopSignal};
use crate::run::{Event, Posting};
use crate::schema::Check;

/// The driver of dry runs.
#[derive(Debug)]
pub struct DryDriver<C> {
    clock: C,
}

impl<C: Clock> DryDriver<C> {
    /// Creates a driver with this clock.
    pub fn new(clock: C) -> Self {
        DryDriver { clock }
    }

    /// Generates the tasks of the brief, yielding after each so that the page can show it.
    pub async fn generate(
        &self,
        assignment: Assignment,
        check: Arc<dyn Check>,
        stop: StopSignal,
        report: &dyn Fn(Report),
    ) {
        let mut raw = String::from("{\"tasks\":[");
        let mut outcome = GenerationOutcome::Complete;
        let brief = &assignment.brief;
        let tasks = DryRun::new(brief, &assignment.schema, &*check, brief.seed);
        for (index, task) in tasks.enumerate() {
            if stop.is_stopped() {
                outcome = GenerationOutcome::Cancelled;
                break;
            }
            let document = match task {
                Ok(document) => document,
                Err(error) => {
                    let failure = Failure::dry_run(&error.to_string());
                    outcome = GenerationOutcome::Failed(Box::new(failure));
                    break;
                }
            };
            if index > 0 {
                raw.push(',');
            }
            raw.push_str(document.text());
            report(Report::Text(document.text().to_owned()));
            let violations = check.check(&document);
            report(Report::event(Event::TaskArrived {
                document,
                violations,
            }));
            self.clock.sleep(0).await;
        }
        if outcome.is_complete() {
            raw.push_str("]}");
        }
        report(Report::event(Event::CallEnded {
            outcome,
            raw_response: raw.into(),
            reasoning: "".into(),
            proposal: None,
        }));
    }

    /// Ends an attempt with a dry receipt.
    pub async fn deliver(&self, posting: Posting, report: &dyn Fn(Report)) {
        self.clock.sleep(0).await;
        report(Report::event(Event::AttemptEnded {
            draft: posting.draft,
            attempt: posting.attempt,
            outcome: DeliveryOutcome::Dry,
        }));
    }
}
