//! Drives a live run without a page, for callers of the JavaScript API: a generation from its first
//! request to its outcome, or a delivery until nothing is left to post. Nothing is persisted.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Assignment, LiveDriver, Report};
use crate::model::Notice;
use crate::ports::{Clock, ModelTransport, StopSignal, TaskSink};
use crate::run::{Change, Effect, Event, Posting, Run, Step, TaskDraft};
use crate::schema::Check;

/// Longest sleep before the stop signal is checked again, in milliseconds.
const MAX_SLEEP: u64 = 100;

/// Carries out the model requests of a live run until its generation has ended. `step` is the first
/// step of `run`. `on_report` receives every report of the driver and every notice of the run.
/// Returns the run in its final state.
pub async fn run_generation<M: ModelTransport, T: TaskSink, C: Clock>(
    driver: &LiveDriver<M, T>,
    clock: &C,
    (run, step): (Run, Step),
    check: Arc<dyn Check>,
    stop: &StopSignal,
    on_report: &dyn Fn(Report),
) -> Run {
    let generation = Generation {
        run: RefCell::new(run),
        effects: RefCell::new(step.effects.into()),
        reported_notices: Cell::new(0),
        clock,
        on_report,
    };
    // Each call has its own stop signal, because a signal fires once; the caller's stops them all.
    let current_call: Rc<RefCell<StopSignal>> = Rc::default();
    let stopped_call = Rc::clone(&current_call);
    stop.on_stop(move || {
        let call = stopped_call.borrow().clone();
        call.stop();
    });
    loop {
        let effect = generation.effects.borrow_mut().pop_front();
        match effect {
            Some(Effect::Generate {
                request,
                adaptations,
            }) => {
                let assignment = Assignment::of(&generation.run.borrow(), request, adaptations);
                let Some(assignment) = assignment else { break };
                let call = StopSignal::default();
                *current_call.borrow_mut() = call.clone();
                if stop.is_stopped() {
                    call.stop();
                }
                let check = Arc::clone(&check);
                driver
                    .generate(assignment, check, call, &|report| generation.take(report))
                    .await;
            }
            Some(Effect::WakeAt(until)) => {
                generation.sleep_until(until, stop).await;
                generation.apply(if stop.is_stopped() {
                    Event::StopGeneration
                } else {
                    Event::Woke
                });
            }
            // All other effects belong to operator actions, which do not occur here.
            Some(_) => {}
            None => break,
        }
    }
    generation.run.into_inner()
}

/// A run while its tasks are generated.
struct Generation<'a, C> {
    run: RefCell<Run>,
    effects: RefCell<VecDeque<Effect>>,
    /// How many notices of the run have been reported.
    reported_notices: Cell<usize>,
    clock: &'a C,
    on_report: &'a dyn Fn(Report),
}

impl<C: Clock> Generation<'_, C> {
    fn take(&self, report: Report) {
        match report {
            Report::Event(event) => {
                (self.on_report)(Report::Event(event.clone()));
                self.apply(*event);
            }
            Report::Notice(notice) => self.apply(Event::NoticeArrived(notice)),
            Report::Text(_) | Report::Reasoning { .. } => (self.on_report)(report),
        }
    }

    fn apply(&self, event: Event) {
        let step = self.run.borrow_mut().apply(event, self.clock.now());
        self.effects.borrow_mut().extend(step.effects);
        let notices: Vec<Notice> = {
            let run = self.run.borrow();
            let reported = self.reported_notices.replace(run.notices().len());
            run.notices().iter().skip(reported).cloned().collect()
        };
        for notice in notices {
            (self.on_report)(Report::Notice(notice));
        }
    }

    async fn sleep_until(&self, until: u64, stop: &StopSignal) {
        while self.clock.now() < until && !stop.is_stopped() {
            sleep_towards(self.clock, until).await;
        }
    }
}

/// Posts the tasks that are queued in a live run until none is left or posting pauses. `step` is
/// the step in which they were queued. There is no journal: every attempt counts as recorded. After
/// `stop` no further request is made; those in flight are awaited. `on_change` receives every draft
/// that changed. Returns the run in its final state, paused if it stopped early.
pub async fn run_delivery<M: ModelTransport, T: TaskSink, C: Clock>(
    driver: &LiveDriver<M, T>,
    clock: &C,
    (run, step): (Run, Step),
    stop: &StopSignal,
    on_change: &dyn Fn(&TaskDraft),
) -> Run {
    let delivery = Delivery {
        run: RefCell::new(run),
        effects: RefCell::default(),
        clock,
        stop,
        on_change,
    };
    delivery.take(step);
    let mut requests = FuturesUnordered::new();
    let mut wake_at: Option<u64> = None;
    loop {
        delivery.pause_if_stopped();
        while let Some(effect) = delivery.next_effect() {
            match effect {
                Effect::Journal(entry) => delivery.apply(Event::Journaled(entry)),
                Effect::Deliver(posting) => requests.push(delivery.deliver(driver, posting)),
                // A wake-up that comes too early is harmless: the run asks for another one.
                Effect::WakeAt(at) => wake_at = Some(wake_at.map_or(at, |other| other.min(at))),
                // All other effects belong to operator actions, which do not occur here.
                _ => {}
            }
        }
        wake_at = wake_at.filter(|_| delivery.run.borrow().is_posting());
        match wake_at {
            Some(at) if at <= clock.now() => {
                wake_at = None;
                delivery.apply(Event::Woke);
            }
            Some(at) if requests.is_empty() => sleep_towards(clock, at).await,
            Some(at) => {
                future::select(requests.next(), pin!(sleep_towards(clock, at))).await;
            }
            None => {
                if requests.next().await.is_none() {
                    break;
                }
            }
        }
    }
    drop(requests);
    delivery.run.into_inner()
}

/// A run while its tasks are delivered.
struct Delivery<'a, C> {
    run: RefCell<Run>,
    effects: RefCell<VecDeque<Effect>>,
    clock: &'a C,
    stop: &'a StopSignal,
    on_change: &'a dyn Fn(&TaskDraft),
}

impl<C: Clock> Delivery<'_, C> {
    /// Makes one request and applies its outcome.
    async fn deliver<M: ModelTransport, T: TaskSink>(
        &self,
        driver: &LiveDriver<M, T>,
        posting: Posting,
    ) {
        let server = self.run.borrow().connection().task_server.clone();
        driver
            .deliver(server.as_ref(), posting, || self.clock.now(), &|report| {
                if let Report::Event(event) = report {
                    // Before the event, so that the next task is not sent in response to it.
                    self.pause_if_stopped();
                    self.apply(*event);
                }
            })
            .await;
    }

    fn pause_if_stopped(&self) {
        if self.stop.is_stopped() && self.run.borrow().is_posting() {
            self.apply(Event::Pause);
        }
    }

    fn apply(&self, event: Event) {
        let step = self.run.borrow_mut().apply(event, self.clock.now());
        self.take(step);
    }

    fn take(&self, step: Step) {
        self.effects.borrow_mut().extend(step.effects);
        let run = self.run.borrow();
        for change in &step.changes {
            if let Change::Draft(id) = change
                && let Some(draft) = run.draft(id)
            {
                (self.on_change)(draft);
            }
        }
    }

    fn next_effect(&self) -> Option<Effect> {
        self.effects.borrow_mut().pop_front()
    }
}

/// Sleeps until the given time, but at most [`MAX_SLEEP`].
async fn sleep_towards(clock: &impl Clock, until: u64) {
    let left = until.saturating_sub(clock.now()).min(MAX_SLEEP);
    clock.sleep(u32::try_from(left).unwrap_or(u32::MAX)).await;
}
