//! A set of pending changes. Repeated changes count once.

use std::collections::BTreeSet;

use super::event::Change;
use crate::review::{DraftId, RunId};

/// Changes of one run: the run first, then requests, responses and drafts by number. A setup that changed
/// after drafts comes last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    setup: bool,
    /// Whether drafts changed before the setup. Records of approved bodies refer to its body template,
    /// so after a crash they must not be restored with a newer one.
    setup_is_last: bool,
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
        if !self.setup_is_last && std::mem::take(&mut self.setup) {
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
        if let Some(ordinal) = self.drafts.pop_first() {
            return Some(Change::Draft(DraftId {
                run: run.clone(),
                ordinal,
            }));
        }
        self.setup_is_last = false;
        std::mem::take(&mut self.setup).then_some(Change::Setup)
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
                Change::Setup => {
                    self.setup_is_last |= !self.drafts.is_empty();
                    self.setup = true;
                }
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
        let numbered = [
            Change::Run,
            Change::Request(3),
            Change::Response(3),
            draft(2),
        ];
        assert_eq!(changes.take(&run, 4), numbered);
        changes.extend([draft(1)]);
        let rest = [draft(1), draft(9), Change::Setup];
        assert_eq!(
            changes.take_all(&run),
            rest,
            "the setup changed after drafts"
        );
        assert!(changes.is_empty());
        changes.extend([Change::Setup, draft(1)]);
        assert_eq!(changes.take(&run, 1), [Change::Setup]);
    }
}
