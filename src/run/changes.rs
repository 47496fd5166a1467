//! Changes that were not dealt with yet: each once, however often it came.

use std::collections::BTreeSet;

use super::event::Change;
use crate::review::{DraftId, RunId};

/// Changes of one run, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    of_run: bool,
    /// Ordinals of drafts.
    drafts: BTreeSet<u32>,
}

impl Changes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.of_run && self.drafts.is_empty()
    }

    /// Takes the first of them out, so many at most. `run` is the one that changed.
    pub fn take(&mut self, run: &RunId, most: usize) -> Vec<Change> {
        let mut taken = Vec::new();
        if most > 0 && std::mem::take(&mut self.of_run) {
            taken.push(Change::Run);
        }
        while taken.len() < most
            && let Some(ordinal) = self.drafts.pop_first()
        {
            taken.push(Change::Draft(DraftId {
                run: run.clone(),
                ordinal,
            }));
        }
        taken
    }

    /// Takes all of them out. `run` is the one that changed.
    pub fn take_all(&mut self, run: &RunId) -> Vec<Change> {
        self.take(run, usize::MAX)
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        *self = Changes::default();
    }
}

impl Extend<Change> for Changes {
    fn extend<T: IntoIterator<Item = Change>>(&mut self, changes: T) {
        for change in changes {
            match change {
                Change::Run => self.of_run = true,
                Change::Draft(id) => {
                    self.drafts.insert(id.ordinal);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_taken_once_and_in_order() {
        let run = RunId::from_bits(7);
        let draft = |ordinal| {
            Change::Draft(DraftId {
                run: RunId::from_bits(7),
                ordinal,
            })
        };
        let mut changes = Changes::default();
        assert!(changes.is_empty());
        changes.extend([draft(9), draft(2), Change::Run, draft(9), Change::Run]);
        assert_eq!(changes.take(&run, 0), []);
        assert_eq!(changes.take(&run, 2), [Change::Run, draft(2)]);
        changes.extend([draft(1)]);
        assert_eq!(changes.take_all(&run), [draft(1), draft(9)]);
        assert!(changes.is_empty());
    }
}
