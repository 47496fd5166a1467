//! A set of pending changes. Repeated changes count once.

use std::collections::BTreeSet;

use super::event::Change;
use crate::review::{DraftId, RunId};

/// Changes of one run: the run first, then requests, responses and drafts by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    setup: bool,
    run: bool,
    /// Numbers of requests.
    requests: BTreeSet<u32>,
    /// Numbers of requests whose raw response changed.
    responses: BTreeSet<u32>,
    /// Ordinals of drafts.
    drafts: BTreeSet<u32>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }

    /// Removes and returns the first `limit` changes of `run`.
    pub fn take(&mut self, run: &RunId, limit: usize) -> Vec<Change> {
        std::iter::from_fn(|| self.pop(run)).take(limit).collect()
    }

    fn pop(&mut self, run: &RunId) -> Option<Change> {
        if std::mem::take(&mut self.setup) {
            return Some(Change::Setup);
        }
        if std::mem::take(&mut self.run) {
            return Some(Change::Run);
        }
        if let Some(number) = self.requests.pop_first() {
            return Some(Change::Request(number));
        }
        if let Some(number) = self.responses.pop_first() {
            return Some(Change::Response(number));
        }
        let ordinal = self.drafts.pop_first()?;
        Some(Change::Draft(DraftId {
            run: run.clone(),
            ordinal,
        }))
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
                Change::Setup => self.setup = true,
                Change::Run => self.run = true,
                Change::Request(number) => {
                    self.requests.insert(number);
                }
                Change::Response(number) => {
                    self.responses.insert(number);
                }
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
        changes.extend([draft(9), draft(2), Change::Response(3), Change::Request(3)]);
        changes.extend([Change::Run, draft(9), Change::Run, Change::Setup]);
        assert_eq!(changes.take(&run, 0), []);
        assert_eq!(changes.take(&run, 2), [Change::Setup, Change::Run]);
        let numbered = [Change::Request(3), Change::Response(3), draft(2)];
        assert_eq!(changes.take(&run, 3), numbered);
        changes.extend([draft(1)]);
        assert_eq!(changes.take_all(&run), [draft(1), draft(9)]);
        assert!(changes.is_empty());
    }
}
