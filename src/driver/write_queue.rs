//! Keeps what changes: gathers it while the store is busy, and hands it over in one transaction
//! after the other. So however fast tasks go, there is one commit for all that came meanwhile.

use super::journal;
use crate::ports::{Durability, Entry, StoreError};
use crate::review::DraftId;
use crate::run::{Change, Changes, Event, Run};

/// At most so many records are written at a time, so that the page answers input meanwhile and
/// their texts do not all stand in memory twice.
const MOST_AT_ONCE: usize = 250;

/// What waits to be written.
#[derive(Debug, Default)]
pub struct WriteQueue {
    changes: Changes,
    /// Attempts whose requests wait for their records.
    attempts: Vec<(DraftId, u32)>,
    is_busy: bool,
}

/// One transaction.
#[derive(Debug)]
pub struct Transaction {
    /// What is written.
    pub entries: Vec<Entry>,
    /// How sure it must be.
    pub durability: Durability,
    changes: Vec<Change>,
    attempts: Vec<(DraftId, u32)>,
}

impl WriteQueue {
    /// These changed.
    pub fn note(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// This attempt leaves once it is written.
    pub fn note_attempt(&mut self, draft: DraftId, attempt: u32) {
        self.changes.extend([Change::Draft(draft.clone())]);
        self.attempts.push((draft, attempt));
    }

    /// Whether what waits can be gathered for a moment: tasks that are written down leave meanwhile,
    /// and what they come to is no loss with a server that knows their keys.
    #[must_use]
    pub fn may_gather(&self, run: &Run) -> bool {
        run.writes_ahead() && (self.attempts.is_empty() || run.has_enough_written())
    }

    /// The next transaction; none while one is under way, or where nothing waits. An attempt goes
    /// with the last of what changed before it: without that, its record would be of no use after
    /// a reload.
    pub fn next(&mut self, run: &Run) -> Option<Transaction> {
        if self.is_busy || self.changes.is_empty() {
            return None;
        }
        let changes = self.changes.take(run.id(), MOST_AT_ONCE);
        let attempts = match self.changes.is_empty() {
            true => std::mem::take(&mut self.attempts),
            false => Vec::new(),
        };
        self.is_busy = true;
        Some(Transaction {
            entries: journal::entries(run, &changes),
            durability: match attempts.is_empty() {
                true => Durability::Relaxed,
                false => Durability::Strict,
            },
            changes,
            attempts,
        })
    }

    /// A transaction has committed, or has not: says what the run is to be told of it. What was not
    /// written is written with the next change.
    pub fn done(&mut self, writing: Transaction, result: &Result<(), StoreError>) -> Vec<Event> {
        self.is_busy = false;
        match result {
            Ok(()) => {
                let event = |(draft, attempt)| Event::Journaled { draft, attempt };
                writing.attempts.into_iter().map(event).collect()
            }
            Err(error) => {
                self.changes.extend(writing.changes);
                // Those that waited for a later part cannot be written either.
                let waiting = std::mem::take(&mut self.attempts);
                let failed = |(draft, attempt)| Event::JournalFailed {
                    draft,
                    attempt,
                    reason: error.to_string(),
                };
                writing
                    .attempts
                    .into_iter()
                    .chain(waiting)
                    .map(failed)
                    .collect()
            }
        }
    }

    /// Everything that waits, for a run that is left.
    pub fn take_rest(&mut self, run: &Run) -> Vec<Entry> {
        self.attempts.clear();
        journal::entries(run, &self.changes.take_all(run.id()))
    }
}

impl Transaction {
    /// What changed, for pages that look on.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}
