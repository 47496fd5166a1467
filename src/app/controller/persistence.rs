//! Stores the changes of the current run and notifies the other tabs.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::browser::lock::TabLock;
use crate::ports::{Durability, Entry, Store, StoreError};
use crate::ui::page::Problem;

/// How long changes are collected if nothing waits for their transaction, in milliseconds.
const COLLECT_MILLISECONDS: u32 = 50;

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
            controller.show_storage_error(result.as_ref().err());
            if result.is_ok() {
                controller
                    .tabs
                    .borrow()
                    .as_ref()
                    .inspect(|tabs| tabs.broadcast(&id, transaction.changes()));
            }
            let events = write_queue.borrow_mut().done(transaction, &result);
            for event in events {
                controller.apply_to(&id, event);
            }
            if result.is_ok() {
                controller.persist_soon();
            }
        });
    }

    /// Stores the remaining changes of a run that was closed. The lock is released afterwards, so that
    /// a tab that takes over reads them.
    pub(super) fn persist_rest(
        self: &Rc<Self>,
        entries: Vec<Entry>,
        lock: Rc<RefCell<Option<TabLock>>>,
    ) {
        let controller = Rc::clone(self);
        spawn_local(async move {
            let result = controller.store.write(entries, Durability::Relaxed).await;
            controller.show_storage_error(result.as_ref().err());
            drop(lock);
        });
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
