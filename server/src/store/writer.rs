//! The writer thread. Waiting inserts share one transaction, and thus one flush of the disk. Each gets
//! its reply after the commit.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, Statement, Transaction, TransactionBehavior, params};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::claim::Claim;
use super::write_ahead_log::WriteAheadLog;
use super::{Clock, Insertion, NewTask, QUEUED, Receipt, StoreError, reader};

/// Maximum inserts per transaction.
const MAX_BATCH: usize = 256;
/// Once a transaction's bodies reach this size, it takes no more inserts.
const MAX_BATCH_BYTES: usize = 16 << 20;
/// Idempotency key retention: one day more than the guaranteed 7 days.
const KEY_RETENTION: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// How often expired keys are deleted.
pub(super) const PURGE_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Maximum keys deleted in one transaction, which inserts have to wait for.
const MAX_PURGED: i64 = 2_000;

/// An insert, and where to send its result.
#[derive(Debug)]
pub(super) struct Insert {
    task: NewTask,
    claim: Claim,
    /// Whether the writer has taken the claim.
    claimed: bool,
    reply: oneshot::Sender<Result<Insertion, StoreError>>,
}

impl Insert {
    pub fn new(
        task: NewTask,
        claim: Claim,
        reply: oneshot::Sender<Result<Insertion, StoreError>>,
    ) -> Self {
        Self {
            task,
            claim,
            claimed: false,
            reply,
        }
    }

    /// Takes the claim unless the sender has given the insert up. An insert may be tried twice: in
    /// its batch, and alone.
    fn claim(&mut self) -> bool {
        self.claimed = self.claimed || self.claim.take();
        self.claimed
    }

    fn is_given_up(&self) -> bool {
        !self.claimed && self.claim.is_taken()
    }
}

/// Why a transaction failed, and what is known about its tasks.
enum Failure {
    /// None of them is stored.
    NothingStored(rusqlite::Error),
    /// They may be stored.
    Unknown(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::NothingStored(error)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, from the system clock.
pub(super) fn system_clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Writes until all senders are dropped and no insert is waiting. Deletes expired keys at the start, and
/// after a transaction if the last time was at least `purge_interval` ago.
pub(super) fn run(
    connection: &Connection,
    log: &WriteAheadLog,
    mut waiting: mpsc::Receiver<Insert>,
    clock: &Clock,
    purge_interval: Duration,
) {
    let mut writer = Writer {
        connection,
        log,
        clock,
        statements: None,
    };
    let mut is_purge_due = true;
    let mut purged_at = Instant::now();
    loop {
        if is_purge_due {
            is_purge_due = purge(connection, clock());
            purged_at = Instant::now();
            if !is_purge_due {
                write_back(connection);
            }
        }
        // Inserts that are waiting go between two parts of a purge.
        let next = if is_purge_due {
            waiting.try_recv()
        } else {
            waiting.blocking_recv().ok_or(TryRecvError::Disconnected)
        };
        match next {
            Ok(first) => writer.write(gather(first, &mut waiting)),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => break,
        }
        is_purge_due = is_purge_due || purged_at.elapsed() >= purge_interval;
    }
    write_back(connection);
}

fn write_back(connection: &Connection) {
    if let Err(error) = WriteAheadLog::write_back(connection) {
        tracing::warn!(error = %error, "could not write the log of the store back");
    }
}

/// What a transaction needs.
struct Writer<'a> {
    connection: &'a Connection,
    log: &'a WriteAheadLog,
    clock: &'a Clock,
    /// Prepared by the first transaction.
    statements: Option<Statements<'a>>,
}

/// The SQL statements of an insert, prepared once.
struct Statements<'connection> {
    find_key: Statement<'connection>,
    insert_task: Statement<'connection>,
    insert_key: Statement<'connection>,
}

impl<'connection> Statements<'connection> {
    fn prepare(connection: &'connection Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            find_key: connection.prepare(reader::FIND_KEY)?,
            insert_task: connection.prepare(
                "INSERT INTO tasks (id, status, received_at, idempotency_key, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            insert_key: connection.prepare(
                "INSERT INTO idempotency_keys (key, body_digest, task_sequence, received_at)
                 VALUES (?1, ?2, ?3, ?4)",
            )?,
        })
    }

    /// Stores a task with its key, or finds the earlier insert with the same key. Must run inside a
    /// transaction.
    fn insert(
        &mut self,
        connection: &Connection,
        task: &NewTask,
        now: i64,
    ) -> Result<Insertion, rusqlite::Error> {
        if let Some(key) = &task.key
            && let Some(earlier) = reader::find_key_by(&mut self.find_key, key)?
        {
            return Ok(earlier);
        }
        let receipt = Receipt::new(now);
        self.insert_task.execute(params![
            receipt.id,
            QUEUED,
            receipt.received_at,
            task.key.as_ref().map(|key| &key.text),
            task.body
        ])?;
        if let Some(key) = &task.key {
            self.insert_key.execute(params![
                key.text,
                key.body_digest.as_slice(),
                connection.last_insert_rowid(),
                receipt.received_at
            ])?;
        }
        Ok(Insertion::Created(receipt))
    }
}

fn gather(first: Insert, waiting: &mut mpsc::Receiver<Insert>) -> Vec<Insert> {
    let mut bytes = first.task.body.len();
    let mut batch = vec![first];
    while batch.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
        let Ok(next) = waiting.try_recv() else { break };
        bytes = bytes.saturating_add(next.task.body.len());
        batch.push(next);
    }
    batch
}

impl Writer<'_> {
    /// Stores a batch and replies to each of its senders.
    fn write(&mut self, mut batch: Vec<Insert>) {
        match self.commit(&mut batch) {
            Ok(insertions) => {
                for (insert, insertion) in batch.into_iter().zip(insertions) {
                    // A sender that is gone can look its task up by its idempotency key.
                    let _ = insert.reply.send(Ok(insertion));
                }
            }
            Err(Failure::NothingStored(error))
                if batch.len() > 1 && may_concern_one_task_only(&error) =>
            {
                for insert in batch {
                    self.write(vec![insert]);
                }
            }
            Err(Failure::NothingStored(error)) => {
                let error = Arc::new(error);
                reply_all(batch, || StoreError::Database(Arc::clone(&error)));
            }
            Err(Failure::Unknown(error)) => {
                let error = Arc::new(error);
                reply_all(batch, || StoreError::Commit(Arc::clone(&error)));
            }
        }
    }

    /// Stores the tasks of all senders that still wait in one transaction.
    fn commit(&mut self, batch: &mut Vec<Insert>) -> Result<Vec<Insertion>, Failure> {
        batch.retain(|insert| !insert.is_given_up());
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.log.make_room(self.connection)?;
        let statements = match &mut self.statements {
            Some(prepared) => prepared,
            unprepared => unprepared.insert(Statements::prepare(self.connection)?),
        };
        let transaction =
            Transaction::new_unchecked(self.connection, TransactionBehavior::Immediate)?;
        // Another program may have held the lock until now. A sender that has given up was told that
        // nothing is stored, or is gone.
        batch.retain_mut(Insert::claim);
        let insertions = batch
            .iter()
            .map(|insert| statements.insert(&transaction, &insert.task, (self.clock)()))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.commit().map_err(failed_commit)?;
        Ok(insertions)
    }
}

fn reply_all(batch: Vec<Insert>, error: impl Fn() -> StoreError) {
    for insert in batch {
        let _ = insert.reply.send(Err(error()));
    }
}

/// Whether the other tasks of a batch may succeed after one failed: smaller ones may still fit.
fn may_concern_one_task_only(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::TooBig)
    )
}

/// A commit that finds the disk full has not written its last frame, without which no recovery
/// accepts a transaction (SQLite, "WAL file format"). After any other error, such as a failed flush,
/// the transaction may or may not be on the disk.
fn failed_commit(error: rusqlite::Error) -> Failure {
    if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
        Failure::NothingStored(error)
    } else {
        Failure::Unknown(error)
    }
}

/// Deletes some of the expired idempotency keys, but not their tasks. Returns whether more may have
/// expired.
fn purge(connection: &Connection, now: i64) -> bool {
    let retention = i64::try_from(KEY_RETENTION.as_millis()).unwrap_or(i64::MAX);
    let deleted = connection.execute(
        "DELETE FROM idempotency_keys WHERE key IN
         (SELECT key FROM idempotency_keys WHERE received_at < ?1 LIMIT ?2)",
        params![now.saturating_sub(retention), MAX_PURGED],
    );
    match deleted {
        Ok(0) => false,
        Ok(count) => {
            tracing::info!(count, "deleted expired idempotency keys");
            i64::try_from(count).unwrap_or(i64::MAX) >= MAX_PURGED
        }
        Err(error) => {
            tracing::warn!(error = %error, "could not delete expired idempotency keys");
            false
        }
    }
}
