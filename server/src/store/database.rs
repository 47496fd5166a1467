//! The store in a data folder: its file, the writer thread and the reading connection.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Clock, Insertion, NewTask, StoreError, connection, writer};

/// The name of the file in the data folder.
pub(super) const FILE_NAME: &str = "tasks.sqlite3";
/// Maximum inserts waiting for the writer; others are refused, to bound memory use.
const MAX_WAITING: usize = 1024;
/// Longest time an insert waits for its commit.
const INSERT_TIMEOUT: Duration = Duration::from_secs(10);

/// Two servers may share one folder, so every check of an idempotency key is part of a transaction.
#[derive(Debug)]
pub(super) struct Database {
    folder: PathBuf,
    inserts: mpsc::Sender<writer::Insert>,
    reader: Arc<Mutex<Connection>>,
    writer: JoinHandle<()>,
}

impl Database {
    /// Opens the file in `folder`, and creates both if necessary.
    pub fn open(
        folder: &Path,
        max_mebibytes: Option<u32>,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        connection::create_private_folder(folder).map_err(StoreError::Folder)?;
        let path = folder.join(FILE_NAME);
        let writing = connection::open_for_writing(&path, max_mebibytes)?;
        let reading = connection::open_for_reading(&path)?;
        let (inserts, waiting) = mpsc::channel(MAX_WAITING);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&writing, waiting, &clock))
            .map_err(StoreError::Folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            inserts,
            reader: Arc::new(Mutex::new(reading)),
            writer,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until the task is committed or the insert has failed.
    pub async fn insert(&self, task: NewTask) -> Result<Insertion, StoreError> {
        let (reply, result) = oneshot::channel();
        self.inserts
            .try_send(writer::Insert { task, reply })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            })?;
        match tokio::time::timeout(INSERT_TIMEOUT, result).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::Busy),
        }
    }

    /// Queries the committed data, off the threads that serve connections.
    pub async fn read<T: Send + 'static>(
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

    /// Waits until all accepted tasks are stored, then closes the file.
    pub fn close(self) {
        drop(self.inserts);
        // If the writer panicked, its callers have received an error.
        let _ = self.writer.join();
    }
}
