//! Executes the effects of a run with its driver.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::Update;
use wasm_bindgen_futures::spawn_local;

use super::{PendingCheck, RunController, RunDriver};
use crate::browser::clock;
use crate::driver::{self, Assignment, Report};
use crate::ports::{Clock, StopSignal};
use crate::review::RunId;
use crate::run::{Effect, Event};
use crate::settings::TaskServer;

/// Maximum length of the text shown while a response arrives, in characters.
const TAIL_CHARACTERS: usize = 160;

/// Longest time of checking before the page handles input and repaints, in milliseconds.
const MAX_CHECKING_MILLISECONDS: u64 = 12;

/// The function that takes a driver's reports to the controller.
fn report_to(
    controller: Rc<RunController>,
    run: RunId,
    driver: Rc<RunDriver>,
    stop: StopSignal,
) -> impl Fn(Report) {
    move |report| controller.report(&run, &driver, &stop, report)
}

impl RunController {
    pub(super) fn execute(self: &Rc<Self>, effect: Effect) {
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
                request,
                adaptations,
            } => {
                let assignment = self.with_run(|run| Assignment::of(run, request, adaptations));
                let Some(assignment) = assignment.flatten() else {
                    return;
                };
                let assignment = self.with_known_adaptations(assignment);
                let stop = self.new_stop();
                spawn_local(async move {
                    let own_stop = stop.clone();
                    let report = report_to(controller, id, Rc::clone(&driver), own_stop);
                    match &*driver {
                        RunDriver::Dry(dry) => dry.generate(assignment, check, stop, &report).await,
                        RunDriver::Live(live) => {
                            live.generate(assignment, check, stop, &report).await
                        }
                    }
                });
            }
            Effect::RememberAdaptations(adaptations) => {
                let endpoint = self.with_run(|run| run.connection().model.clone());
                if let (Some(Some(endpoint)), Some(on_adapted)) =
                    (endpoint, self.on_adapted.borrow().as_ref())
                {
                    on_adapted(&endpoint, &adaptations);
                }
            }
            Effect::StopGeneration => stop.stop(),
            Effect::Check {
                draft,
                revision,
                text,
            } => {
                self.pending_checks.borrow_mut().push_back(PendingCheck {
                    draft,
                    revision,
                    text,
                });
                self.check_soon();
            }
            // The write queue stores it together with the other changes of this step.
            Effect::Journal(entry) => write_queue.borrow_mut().add_attempt(entry),
            Effect::Deliver(posting) => {
                let server = self.task_server();
                let clock = self.clock;
                spawn_local(async move {
                    let never = StopSignal::default();
                    let report = report_to(controller, id, Rc::clone(&driver), never);
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
                    let never = StopSignal::default();
                    let report = report_to(controller, id, Rc::clone(&driver), never);
                    // A dry run never looks up a task: none of its tasks is unconfirmed.
                    if let RunDriver::Live(live) = &*driver {
                        live.look_up(server.as_ref(), draft, &key, || clock.now(), &report)
                            .await;
                    }
                });
            }
            Effect::WakeAt(at) => self.wake_at(at),
            Effect::RequestSecret(slot) => {
                if let Some(on_secret_needed) = self.on_secret_needed.borrow().as_ref() {
                    on_secret_needed(slot);
                }
            }
        }
    }

    /// Checks the tasks again that contain a secret which was entered after their last check.
    pub fn recheck_for_secrets(self: &Rc<Self>) {
        if !self.holds_lock() {
            return;
        }
        let checks = self.with_run(|run| driver::checks_for_secrets(run, &self.secrets.borrow()));
        for check in checks.unwrap_or_default() {
            self.execute(check);
        }
    }

    /// Handles a report of a driver. `stop` belongs to the call that the report comes from. Reports that
    /// arrive after the run was closed are ignored, also if it was opened again since.
    fn report(
        self: &Rc<Self>,
        id: &RunId,
        driver: &Rc<RunDriver>,
        stop: &StopSignal,
        report: Report,
    ) {
        let is_open = self
            .current
            .borrow()
            .as_ref()
            .is_some_and(|current| Rc::ptr_eq(&current.driver, driver));
        if !is_open {
            return;
        }
        match report {
            Report::Event(event) => self.apply_to(id, *event),
            Report::Text(text) => {
                // Text that arrives after a stop is not shown.
                if !stop.is_stopped() {
                    self.unshown_text.borrow_mut().push_str(&text);
                    self.show_text_soon();
                }
            }
            Report::Reasoning { bytes } => {
                if !stop.is_stopped() {
                    self.reasoning_bytes.set(bytes);
                    self.show_text_soon();
                }
            }
            Report::Notice(notice) => self.apply_to(id, Event::NoticeArrived(notice)),
        }
    }

    /// Adds the adaptations that the endpoint is known to need. Those of the run take precedence.
    fn with_known_adaptations(&self, assignment: Assignment) -> Assignment {
        let known = assignment.connection.model.as_ref();
        let known = known.map(|endpoint| self.adaptation_memory.borrow().of(endpoint));
        Assignment {
            adaptations: known.unwrap_or_default().merged(&assignment.adaptations),
            ..assignment
        }
    }

    /// Creates the stop signal for a new call to the model.
    fn new_stop(&self) -> StopSignal {
        let stop = StopSignal::default();
        self.reasoning_bytes.set(0);
        self.page.stream.update(|stream| stream.reasoning_bytes = 0);
        if let Some(current) = self.current.borrow_mut().as_mut() {
            current.stop = stop.clone();
        }
        stop
    }

    /// Shows the text that arrived, once per animation frame.
    fn show_text_soon(self: &Rc<Self>) {
        let controller = Rc::clone(self);
        let show = move || {
            let text = std::mem::take(&mut *controller.unshown_text.borrow_mut());
            controller.page.stream.update(|stream| {
                stream.characters += text.chars().count();
                stream.tail.push_str(&text);
                stream.reasoning_bytes = match text.is_empty() {
                    true => controller.reasoning_bytes.get(),
                    false => 0,
                };
                let excess = stream.tail.chars().count().saturating_sub(TAIL_CHARACTERS);
                stream.tail = stream.tail.chars().skip(excess).collect();
            });
        };
        self.showing_text.run_after(clock::animation_frame(), show);
    }

    /// Checks the pending texts in short slices, so that the page stays responsive.
    fn check_soon(self: &Rc<Self>) {
        let controller = Rc::clone(self);
        self.checking.run(async move {
            loop {
                let started_at = controller.clock.now();
                while controller.check_one() {
                    if controller.clock.now().saturating_sub(started_at)
                        >= MAX_CHECKING_MILLISECONDS
                    {
                        break;
                    }
                }
                if controller.pending_checks.borrow().is_empty() {
                    break;
                }
                controller.clock.sleep(0).await;
            }
        });
    }

    /// Checks the next pending text; `false` if there is none.
    fn check_one(self: &Rc<Self>) -> bool {
        let Some(next) = self.pending_checks.borrow_mut().pop_front() else {
            return false;
        };
        let check = self
            .current
            .borrow()
            .as_ref()
            .map(|current| Arc::clone(&current.check));
        if let Some(check) = check {
            let id = next.draft.run.clone();
            let event = driver::checked(&*check, next.draft, next.revision, &next.text);
            self.apply_to(&id, event);
        }
        true
    }

    fn task_server(&self) -> Option<TaskServer> {
        self.with_run(|run| run.connection().task_server.clone())
            .flatten()
    }
}
