//! Writes down what changed, and tells the other tabs.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::browser::lock::HeldLock;
use crate::ports::{Clock, Durability, Entry, Store, StoreError};
use crate::ui::page::Problem;

/// What holds nothing up is gathered for so long, in milliseconds.
const GATHER_MILLISECONDS: u32 = 50;

impl RunController {
    /// Writes what waits, one transaction after the other, each with all that came until then; a
    /// moment later where that holds nothing up.
    pub(super) fn keep_soon(self: &Rc<Self>) {
        let may_gather = self
            .current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.write_queue.borrow().may_delay(&current.run));
        if !may_gather {
            return self.keep();
        }
        if !self.keeping_is_due.replace(true) {
            let controller = Rc::clone(self);
            spawn_local(async move {
                controller.clock.sleep(GATHER_MILLISECONDS).await;
                controller.keeping_is_due.set(false);
                controller.keep();
            });
        }
    }

    fn keep(self: &Rc<Self>) {
        let next = {
            let current = self.current.borrow();
            let Some(current) = current.as_ref() else {
                return;
            };
            // A tab that is not the one in charge writes over nobody's records.
            if current.lock.borrow().is_none() {
                return;
            }
            let writing = current.write_queue.borrow_mut().next(&current.run);
            writing.map(|writing| {
                let id = current.run.id().clone();
                (id, Rc::clone(&current.write_queue), writing)
            })
        };
        let Some((id, write_queue, mut writing)) = next else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            let entries = std::mem::take(&mut writing.entries);
            let result = controller.store.write(entries, writing.durability).await;
            controller.note_storage(result.as_ref().err());
            if result.is_ok() {
                controller
                    .tabs
                    .borrow()
                    .as_ref()
                    .inspect(|tabs| tabs.tell(&id, writing.changes()));
            }
            let events = write_queue.borrow_mut().done(writing, &result);
            for event in events {
                controller.apply_to(&id, event);
            }
            if result.is_ok() {
                controller.keep_soon();
            }
        });
    }

    /// Writes what is left of a run that is not shown any more.
    /// The lock is held until then: a tab that takes over reads what was written.
    pub(super) fn keep_rest(
        self: &Rc<Self>,
        entries: Vec<Entry>,
        lock: Rc<RefCell<Option<HeldLock>>>,
    ) {
        let controller = Rc::clone(self);
        spawn_local(async move {
            let result = controller.store.write(entries, Durability::Relaxed).await;
            controller.note_storage(result.as_ref().err());
            drop(lock);
        });
    }

    /// Shows that nothing can be kept, or that it can again.
    pub fn note_storage(&self, error: Option<&StoreError>) {
        let problem = error.map(|error| Problem {
            code: error.code().to_owned(),
            what: error.to_string(),
            hint: error.hint().to_owned(),
        });
        if self.page.storage_problem.get_untracked() != problem {
            self.page.storage_problem.set(problem);
        }
    }
}
