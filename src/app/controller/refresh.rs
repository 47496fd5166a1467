//! Acts on many tasks, a part at a time, so that the page answers input meanwhile.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::RunController;
use crate::ports::Clock;
use crate::run::Event;

/// So many tasks are acted on before the page gets a chance to be drawn and used.
const PART: usize = 100;

impl RunController {
    /// Tells the run that is shown what the operator did. What concerns many tasks and each of
    /// them alone is told in parts, one after the other.
    pub fn act(self: &Rc<Self>, event: Event) {
        let mut parts = parts_of(event);
        let Some(first) = parts.next() else { return };
        self.apply(first);
        let Some(id) = self.with_run(|run| run.id().clone()) else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            for part in parts {
                controller.clock.sleep(0).await;
                controller.apply_to(&id, part);
            }
        });
    }
}

/// An event, cut into those that can be told one after the other.
fn parts_of(event: Event) -> Box<dyn Iterator<Item = Event>> {
    match event {
        Event::Import { texts } => Box::new(in_parts(texts).map(|texts| Event::Import { texts })),
        // One that cannot be approved is an error; among several it is passed over.
        Event::Approve { drafts } => {
            Box::new(in_parts(drafts).map(|drafts| Event::Approve { drafts }))
        }
        Event::UndoDecisions { drafts } => {
            Box::new(in_parts(drafts).map(|drafts| Event::UndoDecisions { drafts }))
        }
        other => Box::new(std::iter::once(other)),
    }
}

/// The entries in parts of at least two, or all of them where they are few. They are given away one
/// by one, so that what was acted on is not held twice.
fn in_parts<T: 'static>(entries: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let is_few = entries.len() <= PART + 1;
    let mut entries = entries.into_iter();
    std::iter::from_fn(move || {
        let most = match entries.len() {
            left if is_few || left == PART + 1 => left,
            _ => PART,
        };
        let part: Vec<T> = entries.by_ref().take(most).collect();
        (!part.is_empty()).then_some(part)
    })
}
