//! Work that is requested often and runs once.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

/// Merges requests for the same work: while one is pending, further ones are ignored.
#[derive(Default)]
pub(super) struct Coalesced {
    is_pending: Rc<Cell<bool>>,
}

impl Coalesced {
    /// Runs `task`, unless an earlier one is still running.
    pub fn run(&self, task: impl Future<Output = ()> + 'static) {
        self.run_after(task, || ());
    }

    /// Runs `work` after `wait`, unless earlier work still waits. From the start of `work` on, a new
    /// request is accepted.
    pub fn run_after(
        &self,
        wait: impl Future<Output = ()> + 'static,
        work: impl FnOnce() + 'static,
    ) {
        if self.is_pending.replace(true) {
            return;
        }
        let is_pending = Rc::clone(&self.is_pending);
        spawn_local(async move {
            wait.await;
            is_pending.set(false);
            work();
        });
    }

    pub fn is_pending(&self) -> bool {
        self.is_pending.get()
    }
}
