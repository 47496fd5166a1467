//! Applies events about many tasks in batches, so that the page stays responsive.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::ports::Clock;
use crate::run::Event;

/// Maximum number of tasks per batch. Between batches the page handles input and repaints.
const BATCH_SIZE: usize = 100;

impl RunController {
    /// Applies an action of the operator to the current run. An event that concerns many independent
    /// tasks is applied in batches.
    pub fn apply_in_batches(self: &Rc<Self>, event: Event) {
        let mut batches = batches(event);
        let Some(first) = batches.next() else { return };
        self.apply(first);
        let Some(id) = self.with_run(|run| run.id().clone()) else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            for batch in batches {
                controller.clock.sleep(0).await;
                controller.apply_to(&id, batch);
            }
        });
    }
}

/// Splits an event into several that have the same effect.
fn batches(event: Event) -> Box<dyn Iterator<Item = Event>> {
    match event {
        Event::Import { texts } => Box::new(split(texts).map(|texts| Event::Import { texts })),
        Event::Approve { drafts } => {
            Box::new(split(drafts).map(|drafts| Event::Approve { drafts }))
        }
        Event::Reject { drafts, reason } => {
            Box::new(split(drafts).map(move |drafts| Event::Reject {
                drafts,
                reason: reason.clone(),
            }))
        }
        Event::UndoDecisions { drafts } => {
            Box::new(split(drafts).map(|drafts| Event::UndoDecisions { drafts }))
        }
        other => Box::new(std::iter::once(other)),
    }
}

/// Splits the entries into batches. A batch has at least two entries unless there is only one: a
/// single task that cannot be approved is an error, while among several it is skipped. The batches
/// are taken from `entries` one by one, so that no entry is in memory twice.
fn split<T: 'static>(entries: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut entries = entries.into_iter();
    std::iter::from_fn(move || {
        let size = match entries.len() {
            // A batch of the regular size would leave a single entry.
            left if left == BATCH_SIZE + 1 => left,
            _ => BATCH_SIZE,
        };
        let batch: Vec<T> = entries.by_ref().take(size).collect();
        (!batch.is_empty()).then_some(batch)
    })
}
