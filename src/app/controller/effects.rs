//! Carries out what a step says, over the drivers.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::Update;
use wasm_bindgen_futures::spawn_local;

use super::{RunController, RunDriver, Unchecked};
use crate::driver::{self, Assignment, Report};
use crate::ports::{Clock, StopSignal};
use crate::review::RunId;
use crate::run::{Effect, Event};
use crate::settings::TaskServer;

/// The text that is shown of an answer while it arrives, in characters.
const TAIL_CHARACTERS: usize = 160;

/// Checks go on for so long before the page gets a chance to be drawn and used, in milliseconds.
const CHECKING_MILLISECONDS: u64 = 12;

impl RunController {
    pub(super) fn carry(self: &Rc<Self>, effect: Effect) {
        let Some((id, driver, check, stop, write_queue)) =
            self.current.borrow().as_ref().map(|current| {
                (
                    current.run.id().clone(),
                    Rc::clone(&current.driver),
                    Arc::clone(&current.check),
                    current.stop.clone(),
                    Rc::clone(&current.write_queue),
                )
            })
        else {
            return;
        };
        let controller = Rc::clone(self);
        match effect {
            Effect::Generate {
                ask,
                response_format,
            } => {
                let assignment = self.with_run(|run| Assignment::of(run, ask, response_format));
                let Some(assignment) = assignment.flatten() else {
                    return;
                };
                let assignment = self.with_known_format(assignment);
                let stop = self.new_stop();
                spawn_local(async move {
                    let still = stop.clone();
                    let report = move |report| controller.report(&id, &still, report);
                    match &*driver {
                        RunDriver::Dry(dry) => dry.generate(assignment, check, stop, &report).await,
                        RunDriver::Live(live) => {
                            live.generate(assignment, check, stop, &report).await
                        }
                    }
                });
            }
            Effect::RememberFormat(response_format) => {
                let endpoint = self.with_run(|run| run.connection().model.clone());
                if let (Some(Some(endpoint)), Some(remember)) =
                    (endpoint, self.on_format.borrow().as_ref())
                {
                    remember(&endpoint, response_format);
                }
            }
            Effect::StopGeneration => stop.stop(),
            Effect::Check {
                draft,
                revision,
                text,
            } => {
                self.checks.borrow_mut().push_back(Unchecked {
                    draft,
                    revision,
                    text,
                });
                self.check_soon();
            }
            // The keeper writes it down with whatever else changed in this step.
            Effect::Journal { draft, attempt } => {
                write_queue.borrow_mut().note_attempt(draft, attempt)
            }
            Effect::Deliver(posting) => {
                let server = self.task_server();
                let clock = self.clock;
                spawn_local(async move {
                    let still = StopSignal::default();
                    let report = move |report| controller.report(&id, &still, report);
                    match &*driver {
                        RunDriver::Dry(dry) => dry.deliver(posting, &report).await,
                        RunDriver::Live(live) => {
                            live.deliver(server.as_ref(), posting, || clock.now(), &report)
                                .await;
                        }
                    }
                });
            }
            Effect::LookUp { draft, key } => {
                let server = self.task_server();
                let clock = self.clock;
                spawn_local(async move {
                    let still = StopSignal::default();
                    let report = move |report| controller.report(&id, &still, report);
                    // A dry run has nothing of unknown fate, so it never asks.
                    if let RunDriver::Live(live) = &*driver {
                        live.look_up(server.as_ref(), draft, &key, || clock.now(), &report)
                            .await;
                    }
                });
            }
            Effect::WakeAt(at) => self.wake_at(at),
            Effect::AskFor(name) => {
                if let Some(ask) = self.on_secret_needed.borrow().as_ref() {
                    ask(name);
                }
            }
        }
    }

    pub(super) fn report(self: &Rc<Self>, id: &RunId, stop: &StopSignal, report: Report) {
        match report {
            Report::Event(event) => self.apply_to(id, *event),
            Report::Text(text) => {
                // What still arrives after a stop is not shown.
                if !stop.is_stopped() {
                    self.arrived.borrow_mut().push_str(&text);
                    self.flush_soon();
                }
            }
            Report::Notice(notice) => self.apply_to(id, Event::NoticeArrived(notice)),
        }
    }

    /// The assignment with no more of structured output than its endpoint is known to take.
    fn with_known_format(&self, assignment: Assignment) -> Assignment {
        let known = assignment.connection.model.as_ref();
        let known = known.map(|endpoint| self.format_memory.borrow().response_format(endpoint));
        Assignment {
            response_format: assignment.response_format.max(known.unwrap_or_default()),
            ..assignment
        }
    }

    /// A stop for the call that is made now; an earlier one was for an earlier call.
    fn new_stop(&self) -> StopSignal {
        let stop = StopSignal::default();
        if let Some(current) = self.current.borrow_mut().as_mut() {
            current.stop = stop.clone();
        }
        stop
    }

    /// Shows what arrived at the next frame, however many pieces come until then.
    fn flush_soon(self: &Rc<Self>) {
        if self.flush_is_due.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        leptos::prelude::request_animation_frame(move || {
            controller.flush_is_due.set(false);
            let text = std::mem::take(&mut *controller.arrived.borrow_mut());
            controller.page.stream.update(|stream| {
                stream.characters += text.chars().count();
                stream.tail.push_str(&text);
                let over = stream.tail.chars().count().saturating_sub(TAIL_CHARACTERS);
                stream.tail = stream.tail.chars().skip(over).collect();
            });
        });
    }

    /// Checks what waits, a little at a time, so that the page answers input meanwhile.
    fn check_soon(self: &Rc<Self>) {
        if self.checker_is_busy.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        spawn_local(async move {
            loop {
                let began = controller.clock.now();
                while controller.check_one() {
                    if controller.clock.now().saturating_sub(began) >= CHECKING_MILLISECONDS {
                        break;
                    }
                }
                if controller.checks.borrow().is_empty() {
                    break;
                }
                controller.clock.sleep(0).await;
            }
            controller.checker_is_busy.set(false);
        });
    }

    /// Checks the next text; `false` where none waits.
    fn check_one(self: &Rc<Self>) -> bool {
        let Some(next) = self.checks.borrow_mut().pop_front() else {
            return false;
        };
        let check = self
            .current
            .borrow()
            .as_ref()
            .map(|current| Arc::clone(&current.check));
        if let Some(check) = check {
            let id = next.draft.run.clone();
            let checked = driver::checked(&*check, next.draft, next.revision, &next.text);
            self.apply_to(&id, checked);
        }
        true
    }

    fn task_server(&self) -> Option<TaskServer> {
        self.with_run(|run| run.connection().task_server.clone())
            .flatten()
    }
}
