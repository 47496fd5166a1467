//! The store of a data folder: the file, the thread that writes to it and the connection that reads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Clock, Insertion, NewTask, StoreError, connection, writer};

/// The file in the data folder.
pub(super) const FILE_NAME: &str = "tasks.sqlite3";
/// Inserts that may wait for the writer; more are refused rather than kept in memory.
const MAX_WAITING: usize = 1024;
/// How long an insert waits for its commit before it is given up.
const INSERT_TIMEOUT: Duration = Duration::from_secs(10);

/// Two servers may share one folder: every rule about keys is kept inside a transaction.
#[derive(Debug)]
pub(super) struct Database {
    folder: PathBuf,
    commands: mpsc::Sender<writer::Insert>,
    reader: Arc<Mutex<Connection>>,
    writer: JoinHandle<()>,
}

impl Database {
    /// Opens the file in `folder`, making both where they do not exist.
    pub fn open(
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
            .spawn(move || writer::run(&writing, waiting, &clock))
            .map_err(StoreError::Folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            commands,
            reader: Arc::new(Mutex::new(reading)),
            writer,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until the task is committed, or is known not to be.
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

    /// Asks what is committed, away from the threads that serve connections.
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

    /// Waits until everything that was accepted is stored, then closes the file.
    pub fn close(self) {
        drop(self.commands);
        // A writer that panicked has nothing left to write; its callers were told.
        let _ = self.writer.join();
    }
}
