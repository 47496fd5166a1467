//! Tabs that look on while another one has a run: they show what it does, and take over when it is
//! gone.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::{RunController, lock_name};
use crate::browser::lock::{self, HeldLock};
use crate::driver;
use crate::ports::Clock;
use crate::review::RunId;
use crate::run::{Change, Event};

/// How often the lock of a run that comes back is tried for, and how long it is waited between.
const LOCK_ATTEMPTS: u32 = 3;
const LOCK_PAUSE_MILLISECONDS: u32 = 150;

impl RunController {
    /// Becomes the one tab that may post the run that is shown and was just begun: no other tab
    /// knows of it yet.
    pub fn take_lock(self: &Rc<Self>) {
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
            let held = lock::take(&lock_name(&id)).await;
            *slot.borrow_mut() = held;
            controller.keep_soon();
            // A time that was waited for may have come before this tab was in charge.
            controller.apply_in_charge(Event::Woke);
        });
    }

    /// Tries to become the one tab that may post a run, before it is read: what another tab did
    /// until then stands in its records. A tab that is just being reloaded gives its lock free a
    /// moment late.
    pub async fn lock_for(&self, id: &str) -> Option<HeldLock> {
        for _ in 0..LOCK_ATTEMPTS {
            let held = lock::take(&lock_name(id)).await;
            if held.is_some() {
                return held;
            }
            self.clock.sleep(LOCK_PAUSE_MILLISECONDS).await;
        }
        None
    }

    /// Waits until the tab that has a run is gone. `None` where the run is not looked on at any
    /// more by then.
    pub async fn wait_for_lock(&self, id: &str) -> Option<HeldLock> {
        let held = lock::wait(&lock_name(id)).await;
        let is_looked_on =
            self.with_run(|run| run.id().to_string() == id) == Some(true) && !self.holds_lock();
        held.filter(|_| is_looked_on)
    }

    /// Another tab wrote something down.
    pub(super) fn heard(self: &Rc<Self>, id: &RunId, changes: Vec<Change>) {
        let is_shown = self.with_run(|run| run.id() == id) == Some(true);
        if !is_shown || self.holds_lock() {
            return;
        }
        self.unread.borrow_mut().extend(changes);
        if self.reader_is_busy.replace(true) {
            return;
        }
        let controller = Rc::clone(self);
        let id = id.clone();
        spawn_local(async move {
            loop {
                let changes = controller.unread.borrow_mut().take_all(&id);
                if changes.is_empty() {
                    break;
                }
                // Where nothing can be read, the next word is another chance.
                if let Ok((run, drafts)) =
                    driver::load_changes(&controller.store, &changes, &id).await
                {
                    controller.renew(&id, run, drafts);
                }
            }
            controller.reader_is_busy.set(false);
        });
    }

    fn renew(
        self: &Rc<Self>,
        id: &RunId,
        record: Option<crate::run::RunRecord>,
        drafts: Vec<crate::run::DraftRecord>,
    ) {
        // While the records were read, this tab may have taken over, or another run be shown.
        if self.holds_lock() {
            return;
        }
        if let Some(current) = self.current.borrow_mut().as_mut()
            && current.run.id() == id
        {
            let step = current.run.apply_records(record, drafts);
            self.page.refresh_parts(&current.run, &step.changes);
        }
        self.summarize_soon();
    }
}
