//! The tasks, durably: SQLite in WAL mode with `synchronous=FULL`, so that a commit has reached the
//! disk before it is reported.
//!
//! One thread writes ([`writer`]); reads go through a connection of their own and see what is
//! committed.

mod connection;
mod database;
mod reader;
mod writer;

use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use self::database::Database;
pub use self::reader::{Filter, Page};

/// The status of a task nobody has taken yet: the only one the server itself gives.
pub const QUEUED: &str = "queued";

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

impl Receipt {
    /// A receipt with an id that no other has.
    fn new(received_at: i64) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            received_at,
        }
    }
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

/// Where a server keeps its tasks.
#[derive(Debug)]
pub struct Store(Kept);

#[derive(Debug)]
enum Kept {
    InDatabase(Database),
    Nowhere,
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
        let database = Database::open(folder, max_mebibytes, clock)?;
        Ok(Self(Kept::InDatabase(database)))
    }

    /// No store at all: every task is confirmed, and gone. It shows what a server costs without
    /// its store (`cargo xtask bench server`); the program cannot be told to use it.
    #[must_use]
    pub fn turned_off() -> Self {
        Self(Kept::Nowhere)
    }

    /// The folder the tasks are in.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kept::InDatabase(database) => Some(database.folder()),
            Kept::Nowhere => None,
        }
    }

    /// Stores a task, or finds what its key has brought before. When this answers
    /// [`Insertion::Created`], the task is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]; the task may be stored all the same if the commit itself failed. The same
    /// key with the same body is safe to send again.
    pub async fn insert(&self, task: NewTask) -> Result<Insertion, StoreError> {
        match &self.0 {
            Kept::InDatabase(database) => database.insert(task).await,
            Kept::Nowhere => Ok(Insertion::Created(Receipt::new(writer::system_clock()))),
        }
    }

    /// What `key` has brought before: [`Insertion::Replayed`], [`Insertion::KeyReused`], or
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn find_key(&self, key: Key) -> Result<Option<Insertion>, StoreError> {
        match &self.0 {
            Kept::InDatabase(database) => {
                database
                    .read(move |connection| reader::find_key(connection, &key))
                    .await
            }
            Kept::Nowhere => Ok(None),
        }
    }

    /// A page of tasks in the order of arrival.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn page(&self, filter: Filter) -> Result<Page, StoreError> {
        match &self.0 {
            Kept::InDatabase(database) => {
                database
                    .read(move |connection| reader::page(connection, &filter))
                    .await
            }
            Kept::Nowhere => Ok(Page {
                tasks: Vec::new(),
                more: false,
            }),
        }
    }

    /// The task with this id.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn find(&self, id: String) -> Result<Option<StoredTask>, StoreError> {
        match &self.0 {
            Kept::InDatabase(database) => {
                database
                    .read(move |connection| reader::find(connection, &id))
                    .await
            }
            Kept::Nowhere => Ok(None),
        }
    }

    /// Whether the store can be read.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Closed`].
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.0 {
            Kept::InDatabase(database) => database.read(reader::check).await,
            Kept::Nowhere => Ok(()),
        }
    }

    /// Waits until everything that was accepted is stored, then closes the file.
    pub fn close(self) {
        match self.0 {
            Kept::InDatabase(database) => database.close(),
            Kept::Nowhere => {}
        }
    }
}

#[cfg(test)]
mod tests;
