//! A set of pending changes. Repeated changes count once.

use std::collections::BTreeSet;

use super::event::Change;
use crate::review::{DraftId, RunId};

/// Changes of one run: the run first, then drafts by ordinal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    run: bool,
    /// Ordinals of drafts.
    drafts: BTreeSet<u32>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.run && self.drafts.is_empty()
    }

    /// Removes and returns the first `limit` changes of `run`.
    pub fn take(&mut self, run: &RunId, limit: usize) -> Vec<Change> {
        let mut taken = Vec::new();
        if limit > 0 && std::mem::take(&mut self.run) {
            taken.push(Change::Run);
        }
        while taken.len() < limit
            && let Some(ordinal) = self.drafts.pop_first()
        {
            taken.push(Change::Draft(DraftId {
                run: run.clone(),
                ordinal,
            }));
        }
        taken
    }

    /// Removes and returns all changes of `run`.
    pub fn take_all(&mut self, run: &RunId) -> Vec<Change> {
        self.take(run, usize::MAX)
    }

    /// Removes all changes.
    pub fn clear(&mut self) {
        *self = Changes::default();
    }
}

impl Extend<Change> for Changes {
    fn extend<T: IntoIterator<Item = Change>>(&mut self, changes: T) {
        for change in changes {
            match change {
                Change::Run => self.run = true,
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
