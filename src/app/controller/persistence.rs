//! Stores the changes of the current run and notifies the other tabs.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::{Current, RunController};
use crate::driver;
use crate::ports::{Clock, Store, StoreError};
use crate::run::Event;
use crate::text::heading;
use crate::ui::page::Problem;

/// How long changes are collected if nothing waits for their transaction, in milliseconds.
const COLLECT_MILLISECONDS: u32 = 50;

/// How often, and how many times, to look whether all changes are stored.
const PERSISTED_POLL_MILLISECONDS: u32 = 20;
const PERSISTED_POLLS: u32 = 50;

impl RunController {
    /// Stores the queued changes. There is one transaction at a time, each with all changes up to its
    /// start. If nothing waits for it, changes are collected for a moment first.
    pub(super) fn persist_soon(self: &Rc<Self>) {
        let may_wait = self
            .current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.write_queue.borrow().may_delay(&current.run));
        if !may_wait {
            return self.persist();
        }
        let controller = Rc::clone(self);
        self.persisting
            .run_after(self.pause(COLLECT_MILLISECONDS), move || {
                controller.persist()
            });
    }

    fn persist(self: &Rc<Self>) {
        let next = {
            let current = self.current.borrow();
            let Some(current) = current.as_ref() else {
                return;
            };
            // A read-only tab must not overwrite the records of the tab that has the run.
            if current.lock.borrow().is_none() {
                return;
            }
            let transaction = current.write_queue.borrow_mut().next(&current.run);
            transaction.map(|transaction| {
                let id = current.run.id().clone();
                (id, Rc::clone(&current.write_queue), transaction)
            })
        };
        let Some((id, write_queue, mut transaction)) = next else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            let entries = std::mem::take(&mut transaction.entries);
            let result = controller
                .store
                .write(entries, transaction.durability)
                .await;
            let is_cleared = result == Err(StoreError::Cleared);
            if is_cleared {
                controller.report_cleared();
            } else {
                controller.show_storage_error(result.as_ref().err());
            }
            if result.is_ok() {
                controller
                    .tabs
                    .borrow()
                    .as_ref()
                    .inspect(|tabs| tabs.broadcast(&id, transaction.changes()));
            }
            let events = write_queue.borrow_mut().done(transaction, &result);
            // If the run was closed meanwhile, its attempts are not sent, also if it was opened again.
            let is_open = controller
                .current
                .borrow()
                .as_ref()
                .is_some_and(|current| Rc::ptr_eq(&current.write_queue, &write_queue));
            if is_open {
                for event in events {
                    controller.apply_to(&id, event);
                }
            }
            if result.is_ok() || is_cleared {
                controller.persist_soon();
            }
        });
    }

    /// Waits until the changes of the current run are stored, at most a second.
    pub async fn persisted(&self) {
        for _ in 0..PERSISTED_POLLS {
            let is_idle = self
                .current
                .borrow()
                .as_ref()
                .is_none_or(|current| current.write_queue.borrow().is_idle());
            if is_idle {
                return;
            }
            self.clock.sleep(PERSISTED_POLL_MILLISECONDS).await;
        }
    }

    /// Stores the current run again before anything else is sent, because the browser deleted what was
    /// stored.
    pub(super) fn store_was_cleared(self: &Rc<Self>) {
        for closing in self.closing.borrow().iter() {
            closing.borrow_mut().store_was_cleared();
        }
        if !self.holds_lock() {
            return;
        }
        if let Some(current) = self.current.borrow().as_ref() {
            current.write_queue.borrow_mut().store_was_cleared();
        }
        self.report_cleared();
        self.apply(Event::StoreCleared);
    }

    /// Says that the browser deleted the stored runs. The current one is written again.
    fn report_cleared(&self) {
        let error = StoreError::Cleared;
        self.page.problems.update(|problems| {
            problems.retain(|problem| problem.code != error.code());
            problems.push(Problem {
                code: error.code().to_owned(),
                what: heading(&error.to_string()),
                hint: error.hint().to_owned(),
            });
        });
    }

    /// Stores the remaining changes of a run that was closed, after the transaction in progress: if that
    /// one fails, its changes are among the remaining ones, so that no part of the run is missing.
    pub(super) async fn persist_rest(&self, current: &Current) {
        let write_queue = &current.write_queue;
        write_queue.borrow_mut().forget_attempts();
        self.closing.borrow_mut().push(Rc::clone(write_queue));
        while write_queue.borrow().is_busy() {
            self.clock.sleep(PERSISTED_POLL_MILLISECONDS).await;
        }
        let result = driver::write_rest(&self.store, write_queue, &current.run).await;
        self.show_storage_error(result.as_ref().err());
        self.closing
            .borrow_mut()
            .retain(|closing| !Rc::ptr_eq(closing, write_queue));
    }

    /// Waits until the changes of closed runs are stored, at most a second. Without locks, nothing else
    /// keeps a run from being read before that.
    pub(super) async fn closed(&self) {
        for _ in 0..PERSISTED_POLLS {
            if self.closing.borrow().is_empty() {
                return;
            }
            self.clock.sleep(PERSISTED_POLL_MILLISECONDS).await;
        }
    }

    /// Shows why records cannot be stored or read, or clears that message.
    pub fn show_storage_error(&self, error: Option<&StoreError>) {
        let problem = error.map(|error| Problem {
            code: error.code().to_owned(),
            what: format!("Runs cannot be saved or loaded: {error}"),
            hint: error.hint().to_owned(),
        });
        if self.page.storage_problem.get_untracked() != problem {
            self.page.storage_problem.set(problem);
        }
    }
}
