//! The lock that gives a run to one tab, and read-only tabs: they show the changes of the tab that has
//! the run, and take over when that tab is closed.

use std::rc::Rc;

use leptos::prelude::Update;
use wasm_bindgen_futures::spawn_local;

use super::{RunController, lock_name};
use crate::browser::lock::{self, TabLock};
use crate::driver;
use crate::ports::Clock;
use crate::review::RunId;
use crate::run::{Change, ChangedRecords, Event};
use crate::ui::page::Problem;

/// How often to try to lock a stored run, and the pause between attempts.
const LOCK_ATTEMPTS: u32 = 3;
const LOCK_PAUSE_MILLISECONDS: u32 = 150;

/// How long to wait after taking a run over, in milliseconds.
const TAKE_OVER_PAUSE_MILLISECONDS: u32 = 500;

/// Code of the problem that nothing keeps two tabs apart.
const NO_PROTECTION: &str = "no_tab_lock";

impl RunController {
    /// Acquires the lock of the current run, which was just created, so that no other tab has it.
    pub fn lock_new_run(self: &Rc<Self>) {
        let Some((id, slot)) = self
            .current
            .borrow()
            .as_ref()
            .map(|current| (current.run.id().to_string(), Rc::clone(&current.lock)))
        else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            let lock = lock::try_acquire(&lock_name(&id)).await;
            if let Some(lock) = &lock {
                controller.watch_lock(&id, lock);
            }
            *slot.borrow_mut() = lock;
            controller.persist_soon();
            // A timer may have expired before this tab had the lock.
            controller.apply_unless_read_only(Event::Woke);
        });
    }

    /// Tries to lock a stored run. Lock it before reading its records, so that they include all
    /// changes of another tab. A tab that is being reloaded releases its lock with a short delay, so
    /// this tries several times.
    pub async fn try_lock(&self, id: &str) -> Option<TabLock> {
        self.closed().await;
        for _ in 0..LOCK_ATTEMPTS {
            let lock = lock::try_acquire(&lock_name(id)).await;
            if lock.is_some() {
                return lock;
            }
            self.clock.sleep(LOCK_PAUSE_MILLISECONDS).await;
        }
        None
    }

    /// Takes a run over from the tab that has it. `None` if the browser refuses.
    pub async fn take_over(&self, id: &str) -> Option<TabLock> {
        let lock = lock::steal(&lock_name(id)).await;
        // The other tab may be committing a transaction. Wait until it knows that it lost the lock.
        self.clock.sleep(TAKE_OVER_PAUSE_MILLISECONDS).await;
        lock
    }

    /// Closes the current run when another tab takes it over, and says so if nothing keeps tabs apart.
    pub(super) fn watch_lock(self: &Rc<Self>, id: &str, lock: &TabLock) {
        if let Some(reason) = lock.no_protection() {
            self.page.problems.update(|problems| {
                problems.retain(|problem| problem.code != NO_PROTECTION);
                problems.push(Problem {
                    code: NO_PROTECTION.to_owned(),
                    what: "This browser cannot keep two tabs of this page apart".to_owned(),
                    hint: format!(
                        "Open each run in one tab only. Unless the task server honours idempotency keys, two tabs could post the same task twice, so the page asks before it posts. The browser's message: {reason}"
                    ),
                });
            });
        }
        let controller = Rc::downgrade(self);
        let id = id.to_owned();
        lock.on_lost(move || {
            if let Some(controller) = controller.upgrade() {
                controller.lose_lock(id);
            }
        });
    }

    fn lose_lock(self: &Rc<Self>, id: String) {
        let lost = match self.current.borrow().as_ref() {
            Some(current) if current.run.id().to_string() == id => {
                // The other tab has the run now, so nothing more is stored here.
                current.lock.borrow_mut().take()
            }
            _ => None,
        };
        if lost.is_none() {
            return;
        }
        self.close_run();
        if let Some(on_lock_lost) = self.on_lock_lost.borrow().as_ref() {
            on_lock_lost(id);
        }
    }

    /// Waits until the tab that has the run is closed. `None` if this tab does not show the run
    /// read-only any more by then.
    pub async fn wait_for_lock(&self, id: &str) -> Option<TabLock> {
        let lock = lock::acquire(&lock_name(id)).await;
        let is_read_only =
            self.with_run(|run| run.id().to_string() == id) == Some(true) && !self.holds_lock();
        lock.filter(|_| is_read_only)
    }

    /// Reads the records that another tab has written.
    pub(super) fn on_message(self: &Rc<Self>, id: &RunId, changes: Vec<Change>) {
        let is_shown = self.with_run(|run| run.id() == id) == Some(true);
        if !is_shown || self.holds_lock() {
            return;
        }
        self.unread_changes.borrow_mut().extend(changes);
        let controller = Rc::clone(self);
        let id = id.clone();
        self.reading.run(async move {
            loop {
                let changes = controller.unread_changes.borrow_mut().take_all(&id);
                if changes.is_empty() {
                    break;
                }
                // If reading fails, the next message is another chance.
                if let Ok(changed) = driver::load_changes(&controller.store, &changes, &id).await {
                    controller.apply_records(&id, changed);
                }
            }
        });
    }

    fn apply_records(self: &Rc<Self>, id: &RunId, changed: ChangedRecords) {
        // Meanwhile this tab may have taken over, or it may show another run.
        if self.holds_lock() {
            return;
        }
        if let Some(current) = self.current.borrow_mut().as_mut()
            && current.run.id() == id
        {
            let step = current.run.apply_records(changed);
            self.page.refresh_parts(&current.run, &step.changes);
        }
        self.summarize_soon();
    }
}
