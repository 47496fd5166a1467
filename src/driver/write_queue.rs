//! Groups changes into transactions. There is one transaction at a time; changes made in the
//! meantime go into the next one, so the number of commits does not grow with the posting rate.

use std::cell::RefCell;

use super::journal;
use crate::ports::{Durability, Entry, Store, StoreError};
use crate::run::{Change, Changes, Event, JournalEntry, Run};

/// Maximum number of records per transaction. Keeps the page responsive, and avoids having all texts
/// in memory twice.
const MAX_ENTRIES: usize = 250;

/// Changes that are not written yet.
#[derive(Debug, Default)]
pub struct WriteQueue {
    changes: Changes,
    /// Attempts that are sent once their records are written.
    attempts: Vec<JournalEntry>,
    is_busy: bool,
    /// Whether the store was cleared, so that the next transactions write the whole run.
    rewrites_all: bool,
    /// Whether the store was cleared during the transaction in progress, which counts for nothing then.
    is_void: bool,
}

/// One transaction.
#[derive(Debug)]
pub struct Transaction {
    /// The records to write.
    pub entries: Vec<Entry>,
    /// The required durability.
    pub durability: Durability,
    changes: Vec<Change>,
    attempts: Vec<JournalEntry>,
}

impl WriteQueue {
    /// Adds changes.
    pub fn add(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
    }

    /// Adds an attempt, to be reported as journaled once it is written.
    pub fn add_attempt(&mut self, entry: JournalEntry) {
        self.changes.extend([Change::Draft(entry.draft.clone())]);
        self.attempts.push(entry);
    }

    /// Whether the next transaction may be delayed to collect more changes. True if enough attempts
    /// are journaled to keep the server busy; losing outcomes in the meantime is harmless, because
    /// the server honours keys.
    #[must_use]
    pub fn may_delay(&self, run: &Run) -> bool {
        run.journals_ahead() && (self.attempts.is_empty() || run.has_enough_journaled())
    }

    /// The next transaction; `None` while one is in progress or if nothing changed. An attempt
    /// goes into the last transaction: its record needs all earlier changes.
    pub fn next(&mut self, run: &Run) -> Option<Transaction> {
        if self.is_busy {
            return None;
        }
        if std::mem::take(&mut self.rewrites_all) {
            self.changes.extend(run.all_parts());
        }
        if self.changes.is_empty() {
            return None;
        }
        let changes = self.changes.take(run.id(), MAX_ENTRIES);
        let attempts = if self.changes.is_empty() {
            std::mem::take(&mut self.attempts)
        } else {
            Vec::new()
        };
        self.is_busy = true;
        Some(Transaction {
            entries: journal::entries(run, &changes),
            durability: if attempts.is_empty() {
                Durability::Relaxed
            } else {
                Durability::Strict
            },
            changes,
            attempts,
        })
    }

    /// The store was cleared: the whole run is written again, and the transaction in progress journals
    /// nothing.
    pub fn store_was_cleared(&mut self) {
        self.rewrites_all = true;
        self.is_void = self.is_busy;
    }

    /// Whether everything is stored.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        !self.is_busy && !self.rewrites_all && self.changes.is_empty()
    }

    /// Handles the result of a transaction and returns the events for the run. After a failure, the
    /// changes stay in the queue and are written with the next change.
    pub fn done(
        &mut self,
        transaction: Transaction,
        result: &Result<(), StoreError>,
    ) -> Vec<Event> {
        self.is_busy = false;
        let is_void = std::mem::take(&mut self.is_void);
        match result {
            Ok(()) if is_void => {
                self.attempts.extend(transaction.attempts);
                Vec::new()
            }
            Ok(()) => {
                let attempts = transaction.attempts.into_iter();
                attempts.map(Event::Journaled).collect()
            }
            // Everything that was stored before is gone as well. It is all written again before
            // anything is sent.
            Err(StoreError::Cleared) => {
                self.rewrites_all = true;
                self.changes.extend(transaction.changes);
                self.attempts.extend(transaction.attempts);
                Vec::new()
            }
            Err(error) => {
                self.changes.extend(transaction.changes);
                // Attempts that wait for a later transaction cannot be journaled either.
                let waiting = std::mem::take(&mut self.attempts);
                let failed = |entry: JournalEntry| Event::JournalFailed {
                    draft: entry.draft,
                    attempt: entry.attempt,
                    reason: error.to_string(),
                };
                transaction
                    .attempts
                    .into_iter()
                    .chain(waiting)
                    .map(failed)
                    .collect()
            }
        }
    }

    /// Whether a transaction is in progress.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// The run is no longer displayed, and its attempts that are not journaled are not sent.
    pub fn forget_attempts(&mut self) {
        self.attempts.clear();
    }
}

/// Writes the remaining changes of a run that was closed, while no other transaction is in progress. If
/// the store was cleared, writes the whole run again.
///
/// # Errors
/// [`StoreError`]; then some changes are not written.
pub async fn write_rest(
    store: &impl Store,
    write_queue: &RefCell<WriteQueue>,
    run: &Run,
) -> Result<(), StoreError> {
    loop {
        let next = write_queue.borrow_mut().next(run);
        let Some(mut transaction) = next else {
            return Ok(());
        };
        let entries = std::mem::take(&mut transaction.entries);
        let result = store.write(entries, transaction.durability).await;
        write_queue.borrow_mut().done(transaction, &result);
        match result {
            Ok(()) | Err(StoreError::Cleared) => {}
            Err(error) => return Err(error),
        }
    }
}

impl Transaction {
    /// What changed, for read-only tabs.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }
}
