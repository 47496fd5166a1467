//! Writes down what changed, and tells the other tabs.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::Engine;
use crate::browser::lock::Held;
use crate::ports::{Clock, Durability, Entry, Store, StoreError};
use crate::ui::page::Problem;

/// What holds nothing up is gathered for so long, in milliseconds.
const GATHER_MILLISECONDS: u32 = 50;

impl Engine {
    /// Writes what waits, one transaction after the other, each with all that came until then; a
    /// moment later where that holds nothing up.
    pub(super) fn keep_soon(self: &Rc<Self>) {
        let may_gather = self
            .current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.keeper.borrow().may_gather(&current.run));
        if !may_gather {
            return self.keep();
        }
        if !self.keeping_is_due.replace(true) {
            let engine = Rc::clone(self);
            spawn_local(async move {
                engine.clock.sleep(GATHER_MILLISECONDS).await;
                engine.keeping_is_due.set(false);
                engine.keep();
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
            let writing = current.keeper.borrow_mut().next(&current.run);
            writing.map(|writing| {
                let id = current.run.id().clone();
                (id, Rc::clone(&current.keeper), writing)
            })
        };
        let Some((id, keeper, mut writing)) = next else {
            return;
        };
        let engine = Rc::clone(self);
        spawn_local(async move {
            let entries = std::mem::take(&mut writing.entries);
            let result = engine.store.write(entries, writing.durability).await;
            engine.note_storage(result.as_ref().err());
            if result.is_ok() {
                engine
                    .tabs
                    .borrow()
                    .as_ref()
                    .inspect(|tabs| tabs.tell(&id, writing.changes()));
            }
            let events = keeper.borrow_mut().done(writing, &result);
            for event in events {
                engine.apply_to(&id, event);
            }
            if result.is_ok() {
                engine.keep_soon();
            }
        });
    }

    /// Writes what is left of a run that is not shown any more.
    /// The lock is held until then: a tab that takes over reads what was written.
    pub(super) fn keep_rest(self: &Rc<Self>, entries: Vec<Entry>, lock: Rc<RefCell<Option<Held>>>) {
        let engine = Rc::clone(self);
        spawn_local(async move {
            let result = engine.store.write(entries, Durability::Relaxed).await;
            engine.note_storage(result.as_ref().err());
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
