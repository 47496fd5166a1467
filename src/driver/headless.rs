//! Plays the generation of a run from its first request to its end, for callers that have no page.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::{Assignment, LiveDriver, Report};
use crate::model::Notice;
use crate::ports::{Clock, ModelTransport, StopSignal, TaskSink};
use crate::run::{Effect, Event, Run, Step};
use crate::schema::Check;

/// Carries out what a live run wants of the model until its generation has ended, beginning with
/// the `step` it was started with. `tell` hears everything that is reported, and every note of the
/// run. Gives back the run as it stands then.
pub async fn run_generation<M: ModelTransport, T: TaskSink, C: Clock>(
    driver: &LiveDriver<M, T>,
    clock: &C,
    (run, step): (Run, Step),
    check: Arc<dyn Check>,
    stop: &StopSignal,
    tell: &dyn Fn(Report),
) -> Run {
    let stage = Stage {
        run: RefCell::new(run),
        due: RefCell::new(step.effects.into()),
        noted: Cell::new(0),
        clock,
        tell,
    };
    // The stop of a call is given once; that of the caller is for all of them.
    let current: Rc<RefCell<StopSignal>> = Rc::default();
    let passing = Rc::clone(&current);
    stop.on_stop(move || {
        let call = passing.borrow().clone();
        call.stop();
    });
    loop {
        let next = stage.due.borrow_mut().pop_front();
        match next {
            Some(Effect::Generate {
                ask,
                response_format,
            }) => {
                let assignment = Assignment::of(&stage.run.borrow(), ask, response_format);
                let Some(assignment) = assignment else { break };
                let call = StopSignal::default();
                *current.borrow_mut() = call.clone();
                if stop.is_stopped() {
                    call.stop();
                }
                let check = Arc::clone(&check);
                driver
                    .generate(assignment, check, call, &|report| stage.take(report))
                    .await;
            }
            Some(Effect::WakeAt(until)) => {
                stage.wait(until, stop).await;
                stage.apply(match stop.is_stopped() {
                    true => Event::StopGeneration,
                    false => Event::Woke,
                });
            }
            // Nothing else is wanted while a model is asked: there is no page whose operator acts.
            Some(_) => {}
            None => break,
        }
    }
    stage.run.into_inner()
}

/// The run while it is played.
struct Stage<'a, C> {
    run: RefCell<Run>,
    due: RefCell<VecDeque<Effect>>,
    /// How many notes of the run were told.
    noted: Cell<usize>,
    clock: &'a C,
    tell: &'a dyn Fn(Report),
}

/// A wait is looked at anew after so many milliseconds, so that a stop is heard in it.
const NAP_MILLISECONDS: u64 = 100;

impl<C: Clock> Stage<'_, C> {
    fn take(&self, report: Report) {
        match report {
            Report::Event(event) => {
                (self.tell)(Report::Event(event.clone()));
                self.apply(*event);
            }
            Report::Notice(notice) => self.apply(Event::NoticeArrived(notice)),
            Report::Text(_) => (self.tell)(report),
        }
    }

    fn apply(&self, event: Event) {
        let step = self.run.borrow_mut().apply(event, self.clock.now());
        self.due.borrow_mut().extend(step.effects);
        let notices: Vec<Notice> = {
            let run = self.run.borrow();
            let told = self.noted.replace(run.notices().len());
            run.notices().iter().skip(told).cloned().collect()
        };
        for notice in notices {
            (self.tell)(Report::Notice(notice));
        }
    }

    async fn wait(&self, until: u64, stop: &StopSignal) {
        loop {
            let left = until.saturating_sub(self.clock.now()).min(NAP_MILLISECONDS);
            if left == 0 || stop.is_stopped() {
                break;
            }
            self.clock
                .sleep(u32::try_from(left).unwrap_or(u32::MAX))
                .await;
        }
    }
}
