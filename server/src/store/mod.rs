//! The tasks, durably: SQLite in WAL mode with `synchronous=FULL`, so that a commit has reached the
//! disk before it is reported.
//!
//! One thread writes ([`writer`]); reads go through a connection of their own and see what is
//! committed.

mod connection;
mod reader;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

pub use reader::{Filter, Page};

/// The status of a task nobody has taken yet: the only one the server itself gives.
pub const QUEUED: &str = "queued";
/// The file in the data folder.
const FILE_NAME: &str = "tasks.sqlite3";
/// Inserts that may wait for the writer; more are refused rather than kept in memory.
const MAX_WAITING: usize = 1024;
/// How long an insert waits for its commit before it is given up.
const INSERT_TIMEOUT: Duration = Duration::from_secs(10);

/// Gives milliseconds since 1970-01-01T00:00:00Z.
type Clock = Box<dyn Fn() -> i64 + Send>;

/// A task to be stored.
#[derive(Debug)]
pub struct NewTask {
    /// The posted bytes: one JSON text in UTF-8.
    pub body: Vec<u8>,
    /// The key it was posted with, and the body's digest.
    pub key: Option<Key>,
}

/// An idempotency key with the body it stands for.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key as it was sent.
    pub text: String,
    /// SHA-256 of the posted bytes.
    pub body_digest: [u8; 32],
}

/// What a sender is told about a stored task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The task's id, a UUID of version 7 (RFC 9562).
    pub id: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub received_at: i64,
}

/// What became of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// The task is stored.
    Created(Receipt),
    /// The key has brought the same body before; this is its first receipt.
    Replayed(Receipt),
    /// The key has brought another body before; nothing was stored.
    KeyReused,
}

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// The order of arrival.
    pub sequence: i64,
    /// The task's id.
    pub id: String,
    /// [`QUEUED`], or what a consumer of the store has set.
    pub status: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub received_at: i64,
    /// The key it was posted with.
    pub idempotency_key: Option<String>,
    /// The posted text, byte for byte.
    pub text: String,
}

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[source] std::io::Error),
    /// The file was written by a newer version of the server.
    #[error("the store was written by a newer version of this server (version {found})")]
    Newer {
        /// Its version.
        found: i64,
    },
    /// SQLite says no: disk full, not writable, damaged.
    #[error("the store failed: {0}")]
    Database(#[source] Arc<rusqlite::Error>),
    /// Too many inserts wait, or one has waited for too long.
    #[error("the store is too busy")]
    Busy,
    /// The writer is gone.
    #[error("the store is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl StoreError {
    /// The stable name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Newer { .. } => "newer_store",
            Self::Database(_) => "database",
            Self::Busy => "busy",
            Self::Closed => "closed",
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// What the operator can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Folder(_) => "Name a folder that can be written with --data-dir.",
            Self::Newer { .. } => {
                "Start the newer version, or name another folder with --data-dir."
            }
            Self::Database(_) => {
                "Look for a full disk, a folder that cannot be written, or a reached --max-store-size."
            }
            Self::Busy => "Send more slowly.",
            Self::Closed => "Start the server again.",
        }
    }
}

/// The store of a data folder. Two servers may share one folder: every rule about keys is kept
/// inside a transaction.
#[derive(Debug)]
pub struct Store {
    commands: mpsc::Sender<writer::Insert>,
    reader: Arc<Mutex<Connection>>,
    writer: JoinHandle<()>,
}

impl Store {
    /// Opens the store in `folder`, making both where they do not exist. `max_mebibytes` is the
    /// most the file may take.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Newer`], [`StoreError::Database`].
    pub fn open(folder: &Path, max_mebibytes: Option<u32>) -> Result<Self, StoreError> {
        Self::open_with_clock(folder, max_mebibytes, Box::new(writer::system_clock))
    }

    fn open_with_clock(
        folder: &Path,
        max_mebibytes: Option<u32>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        connection::make_private_folder(folder).map_err(StoreError::Folder)?;
        let path = folder.join(FILE_NAME);
        let writing = connection::open_for_writing(&path, max_mebibytes)?;
        let reading = connection::open_for_reading(&path)?;
        let (commands, waiting) = mpsc::channel(MAX_WAITING);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(writing, waiting, &clock))
            .map_err(StoreError::Folder)?;
        Ok(Self {
            commands,
            reader: Arc::new(Mutex::new(reading)),
            writer,
        })
    }

    /// Stores a task, or finds what its key has brought before. When this answers
    /// [`Insertion::Created`], the task is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]; the task may be stored all the same if the commit itself failed. The same
    /// key with the same body is safe to send again.
    pub async fn insert(&self, task: NewTask) -> Result<Insertion, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands
            .try_send(writer::Insert { task, reply })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            })?;
        match tokio::time::timeout(INSERT_TIMEOUT, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// What `key` has brought before: [`Insertion::Replayed`], [`Insertion::KeyReused`], or
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn find_key(&self, key: Key) -> Result<Option<Insertion>, StoreError> {
        self.read(move |connection| reader::find_key(connection, &key))
            .await
    }

    /// A page of tasks in the order of arrival.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn page(&self, filter: Filter) -> Result<Page, StoreError> {
        self.read(move |connection| reader::page(connection, &filter))
            .await
    }

    /// The task with this id.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn find(&self, id: String) -> Result<Option<StoredTask>, StoreError> {
        self.read(move |connection| reader::find(connection, &id))
            .await
    }

    /// Whether the store can be read.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read(reader::check).await
    }

    /// Waits until everything that was accepted is stored, then closes the file.
    pub fn close(self) {
        drop(self.commands);
        // A writer that panicked has nothing left to write; its callers were told.
        let _ = self.writer.join();
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = Arc::clone(&self.reader);
        let result = tokio::task::spawn_blocking(move || {
            let connection = reader.lock().unwrap_or_else(PoisonError::into_inner);
            query(&connection)
        });
        Ok(result.await.map_err(|_| StoreError::Closed)??)
    }
}

#[cfg(test)]
mod tests;
