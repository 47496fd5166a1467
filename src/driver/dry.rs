//! Carries out a dry run. It holds no transport: that nothing leaves the page is a property of
//! this type, not of a flag.

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
    /// A driver that waits by this clock.
    pub fn new(clock: C) -> Self {
        DryDriver { clock }
    }

    /// Makes the tasks of the brief, one after the other, so that they are seen to arrive.
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
        }));
    }

    /// Writes the receipt of a delivery that did not take place.
    pub async fn deliver(&self, posting: Posting, report: &dyn Fn(Report)) {
        self.clock.sleep(0).await;
        report(Report::event(Event::Answered {
            draft: posting.draft,
            attempt: posting.attempt,
            outcome: DeliveryOutcome::Dry,
        }));
    }
}
