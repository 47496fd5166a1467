//! Applies events about many tasks in batches, so that the page stays responsive.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::ports::Clock;
use crate::run::Event;

/// Maximum number of tasks per batch. Between batches the page handles input and repaints.
const BATCH_SIZE: usize = 100;

impl RunController {
    /// Applies an action of the operator to the current run. An event that concerns many independent
    /// tasks is applied in batches, which undo takes back together.
    pub fn apply_in_batches(self: &Rc<Self>, event: Event) {
        if matches!(event, Event::Undo | Event::Redo) {
            return self.go_in_history(event);
        }
        let mut batches = batches(event);
        let Some(first) = batches.next() else { return };
        let Some(id) = self.with_run(|run| run.id().clone()) else {
            return;
        };
        let before = self.last_action();
        self.apply_to(&id, first);
        let mut action = Some(self.last_action()).filter(|last| *last > before);
        let controller = Rc::clone(self);
        let mut batches = batches.peekable();
        if batches.peek().is_none() {
            return;
        }
        self.page.running_actions.update(|count| *count += 1);
        spawn_local(async move {
            for batch in batches {
                controller.clock.sleep(0).await;
                let before = controller.last_action();
                controller.apply_part_to(&id, batch, action);
                // The first batches may have changed nothing.
                let last = Some(controller.last_action()).filter(|last| *last > before);
                action = action.or(last);
            }
            controller.page.running_actions.update(|count| *count -= 1);
            controller.go_on_in_history();
        });
    }

    /// Undoes or redoes an action and says what it was. An action that is still being applied to many
    /// tasks is completed before, so that it is undone as a whole.
    fn go_in_history(self: &Rc<Self>, event: Event) {
        if let Some(id) = self.with_run(|run| run.id().clone()) {
            self.history_events.borrow_mut().push_back((id, event));
            self.go_on_in_history();
        }
    }

    fn go_on_in_history(self: &Rc<Self>) {
        while self.page.running_actions.get_untracked() == 0 {
            let Some((id, event)) = self.history_events.borrow_mut().pop_front() else {
                return;
            };
            // Another run may have been opened meanwhile.
            if self.with_run(|run| *run.id() != id) != Some(false) {
                continue;
            }
            let (next, verb, done) = match event {
                Event::Redo => (self.with_run(|run| run.redoable()), "redo", "Redone"),
                _ => (self.with_run(|run| run.undoable()), "undo", "Undone"),
            };
            let message = match next.flatten() {
                None => format!("There is nothing to {verb}."),
                Some(step) => {
                    self.apply(event);
                    format!("{done}: {}", step.text())
                }
            };
            self.page.history_message.set(Some(message));
        }
    }

    fn last_action(&self) -> u32 {
        self.with_run(|run| run.last_action()).unwrap_or(0)
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
