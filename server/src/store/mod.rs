//! The durable task store: SQLite in WAL mode with `synchronous=FULL`, so that a commit is on the disk
//! before it is reported.
//!
//! One thread writes (`writer`). Reads use a separate connection and see committed data only.

mod claim;
mod connection;
mod database;
mod reader;
mod write_ahead_log;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use self::database::Database;
pub use self::reader::{Filter, Page};

/// The status of a task that no consumer has claimed yet; the only status the server itself sets.
pub const QUEUED: &str = "queued";

/// Returns milliseconds since 1970-01-01T00:00:00Z.
type Clock = Box<dyn Fn() -> i64 + Send>;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Maximum size of the file and its write-ahead log together, in MiB; no limit if `None`. One
    /// transaction may exceed it.
    pub max_mebibytes: Option<u32>,
    /// Longest wait of an insert for the writer, longest wait for the result once the writer has
    /// begun, and longest time of a read.
    pub timeout: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_mebibytes: None,
            timeout: Duration::from_secs(10),
        }
    }
}

/// A task to store.
#[derive(Debug)]
pub struct NewTask {
    /// The posted bytes: one JSON text in UTF-8.
    pub body: Vec<u8>,
    /// The idempotency key it was posted with.
    pub key: Option<IdempotencyKey>,
}

/// An idempotency key and the digest of the body it was posted with.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The key as sent.
    pub text: String,
    /// SHA-256 of the posted bytes.
    pub body_digest: [u8; 32],
}

/// The sender's confirmation that a task is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The task's id, a UUID of version 7 (RFC 9562).
    pub id: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub received_at: i64,
}

impl Receipt {
    /// A receipt with a new unique id.
    fn new(received_at: i64) -> Self {
        Self {
            id: Uuid::now_v7().to_string(),
            received_at,
        }
    }
}

/// The outcome of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insertion {
    /// The task is stored.
    Created(Receipt),
    /// The key was used before with the same body; this is the original receipt.
    Replayed(Receipt),
    /// The key was used before with a different body; nothing was stored.
    KeyReused,
}

/// A stored task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// The position in the order of arrival.
    pub sequence: i64,
    /// The task's id.
    pub id: String,
    /// [`QUEUED`], or the status set by a consumer of the store.
    pub status: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub received_at: i64,
    /// The idempotency key it was posted with.
    pub idempotency_key: Option<String>,
    /// The posted text, byte for byte.
    pub text: String,
}

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file in it cannot be created.
    #[error("the data folder cannot be used: {0}")]
    Folder(#[source] std::io::Error),
    /// The file was written by a newer version of the server.
    #[error("the store was written by a newer version of this server (version {found})")]
    Newer {
        /// The version of the file.
        found: i64,
    },
    /// The file is not a task store: it belongs to another program, or is no SQLite file.
    #[error("the file tasks.sqlite3 in the data folder is not a task store of this server")]
    Foreign,
    /// SQLite reported an error: the disk is full, or the file is not writable or damaged. Nothing was
    /// stored.
    #[error("the store failed: {0}")]
    Database(#[source] Arc<rusqlite::Error>),
    /// SQLite could not tell whether the commit reached the disk. The task may be stored.
    #[error("the result of a commit is not known: {0}")]
    Commit(#[source] Arc<rusqlite::Error>),
    /// The writer began to store the task, but did not finish in time. The task may be stored.
    #[error("a commit did not end in time")]
    NoVerdict,
    /// Too many inserts are waiting, or the time was over before the store began. Nothing was stored.
    #[error("the store is too busy")]
    Busy,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl StoreError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Newer { .. } => "newer_store",
            Self::Foreign => "foreign_store",
            Self::Database(_) => "database",
            Self::Commit(_) => "commit",
            Self::NoVerdict => "no_verdict",
            Self::Busy => "busy",
            Self::Closed => "closed",
        }
    }

    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy)
    }

    /// Whether the task of a failed insert may be stored nevertheless.
    #[must_use]
    pub fn may_be_stored(&self) -> bool {
        matches!(self, Self::Commit(_) | Self::NoVerdict)
    }

    /// How the operator can resolve the error.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Folder(_) => "Choose a writable folder with --data-dir.",
            Self::Newer { .. } => {
                "Start the newer version, or choose another folder with --data-dir."
            }
            Self::Foreign => "Choose another folder with --data-dir. The file was not changed.",
            Self::Database(_) => {
                "Check for a full disk, a folder that is not writable, or a store that has reached --max-store-size."
            }
            Self::Commit(_) => "Check the disk; look the task up before it is sent again.",
            Self::NoVerdict => {
                "Check whether the disk is slow, or raise --store-timeout; look the task up before it is sent again."
            }
            Self::Busy => "Reduce the rate of requests.",
            Self::Closed => "Restart the server.",
        }
    }
}

/// The store of a server's tasks.
#[derive(Debug)]
pub struct Store(Backend);

#[derive(Debug)]
enum Backend {
    Database(Database),
    Off,
}

impl Store {
    /// Opens the store in `folder`, and creates both if necessary.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Newer`], [`StoreError::Foreign`],
    /// [`StoreError::Database`].
    pub fn open(folder: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let clock = Box::new(writer::system_clock);
        Self::open_with_clock(folder, options, clock, writer::PURGE_INTERVAL)
    }

    fn open_with_clock(
        folder: &Path,
        options: &StoreOptions,
        clock: Clock,
        purge_interval: Duration,
    ) -> Result<Self, StoreError> {
        let database = Database::open(folder, options, clock, purge_interval)?;
        Ok(Self(Backend::Database(database)))
    }

    /// A store that confirms every task and stores none. It is the baseline for the cost of the store
    /// (`cargo xtask bench server`); no option of the program selects it.
    #[must_use]
    pub fn turned_off() -> Self {
        Self(Backend::Off)
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Backend::Database(database) => Some(database.folder()),
            Backend::Off => None,
        }
    }

    /// Stores a task, or finds the receipt of an earlier insert with the same idempotency key. When
    /// this returns [`Insertion::Created`], the task is on the disk.
    ///
    /// # Errors
    /// [`StoreError`]. Nothing was stored unless [`StoreError::may_be_stored`] says so. A repeated
    /// insert with the same key and body is safe in any case.
    pub async fn insert(&self, task: NewTask) -> Result<Insertion, StoreError> {
        match &self.0 {
            Backend::Database(database) => database.insert(task).await,
            Backend::Off => Ok(Insertion::Created(Receipt::new(writer::system_clock()))),
        }
    }

    /// Looks up an earlier insert with this key: [`Insertion::Replayed`] or [`Insertion::KeyReused`],
    /// `None` if there was none.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn find_key(&self, key: IdempotencyKey) -> Result<Option<Insertion>, StoreError> {
        match &self.0 {
            Backend::Database(database) => {
                database
                    .read(move |connection| reader::find_key(connection, &key))
                    .await
            }
            Backend::Off => Ok(None),
        }
    }

    /// A page of tasks in order of arrival.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn page(&self, filter: Filter) -> Result<Page, StoreError> {
        match &self.0 {
            Backend::Database(database) => {
                database
                    .read(move |connection| reader::page(connection, &filter))
                    .await
            }
            Backend::Off => Ok(Page {
                tasks: Vec::new(),
                more: false,
            }),
        }
    }

    /// The task with this id.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn find(&self, id: String) -> Result<Option<StoredTask>, StoreError> {
        match &self.0 {
            Backend::Database(database) => {
                database
                    .read(move |connection| reader::find(connection, &id))
                    .await
            }
            Backend::Off => Ok(None),
        }
    }

    /// Checks that the store can be written and read. Costs nothing while reads succeed.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn check(&self) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Database(database) => database.check().await,
            Backend::Off => Ok(()),
        }
    }

    /// Waits until all accepted tasks are stored, then closes the file. Gives up after `patience`, for
    /// example because the disk does not respond.
    pub fn close(self, patience: Duration) {
        match self.0 {
            Backend::Database(database) => database.close(patience),
            Backend::Off => {}
        }
    }
}

#[cfg(test)]
mod tests;
