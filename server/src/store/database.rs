//! The store in a data folder: its file, the writer thread and the reading connection.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::claim::{Claim, GiveUpOnDrop};
use super::write_ahead_log::WriteAheadLog;
use super::{Clock, Insertion, NewTask, StoreError, StoreOptions, connection, reader, writer};

/// The name of the file in the data folder.
pub(super) const FILE_NAME: &str = "tasks.sqlite3";
/// Maximum inserts waiting for the writer; others are refused, to bound memory use.
const MAX_WAITING: usize = 1024;
/// How often [`Database::close`] looks whether the writer has ended.
const CLOSE_INTERVAL: Duration = Duration::from_millis(5);

/// Two servers may share one folder, so every check of an idempotency key is part of a transaction.
#[derive(Debug)]
pub(super) struct Database {
    folder: PathBuf,
    timeout: Duration,
    inserts: mpsc::Sender<writer::Insert>,
    reader: Arc<Mutex<Connection>>,
    /// One permit, because there is one reading connection. Those who wait for it occupy no thread.
    reading: Arc<Semaphore>,
    /// Whether the most recent read failed.
    read_failed: AtomicBool,
    writer: JoinHandle<()>,
}

impl Database {
    /// Opens the file in `folder`, and creates both if necessary.
    pub fn open(
        folder: &Path,
        options: &StoreOptions,
        clock: Clock,
        purge_interval: Duration,
    ) -> Result<Self, StoreError> {
        connection::create_private_folder(folder).map_err(StoreError::Folder)?;
        let path = folder.join(FILE_NAME);
        connection::create_private_file(&path).map_err(StoreError::Folder)?;
        connection::warn_if_others_have_access(folder, &path);
        let writing = connection::open_for_writing(&path, options.max_mebibytes)?;
        let reading = connection::open_for_reading(&path)?;
        let log = WriteAheadLog::of(&path, options.max_mebibytes);
        let (inserts, waiting) = mpsc::channel(MAX_WAITING);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(&writing, &log, waiting, &clock, purge_interval))
            .map_err(StoreError::Folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            timeout: options.timeout,
            inserts,
            reader: Arc::new(Mutex::new(reading)),
            reading: Arc::new(Semaphore::new(1)),
            read_failed: AtomicBool::new(false),
            writer,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until the task is committed or the insert has failed.
    pub async fn insert(&self, task: NewTask) -> Result<Insertion, StoreError> {
        let claim = Claim::default();
        let _sender = GiveUpOnDrop(claim.clone());
        let (reply, mut verdict) = oneshot::channel();
        self.inserts
            .try_send(writer::Insert::new(task, claim.clone(), reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            })?;
        let reply = match timeout(self.timeout, &mut verdict).await {
            Ok(reply) => reply,
            Err(_) if claim.take() => return Err(StoreError::Busy),
            // The writer has begun to store the task, so only its verdict can rule it out.
            Err(_) => timeout(self.timeout, verdict)
                .await
                .map_err(|_| StoreError::NoVerdict)?,
        };
        match reply {
            Ok(verdict) => verdict,
            // The writer has ended without a verdict.
            Err(_) if claim.take() => Err(StoreError::Closed),
            Err(_) => Err(StoreError::NoVerdict),
        }
    }

    /// Queries the committed data, off the threads that serve connections.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let query = async {
            let permit = Arc::clone(&self.reading)
                .acquire_owned()
                .await
                .map_err(|_| StoreError::Closed)?;
            let reader = Arc::clone(&self.reader);
            let rows = tokio::task::spawn_blocking(move || {
                let rows = query(&reader.lock().unwrap_or_else(PoisonError::into_inner));
                drop(permit);
                rows
            });
            Ok(rows.await.map_err(|_| StoreError::Closed)??)
        };
        let rows = timeout(self.timeout, query)
            .await
            .unwrap_or(Err(StoreError::Busy));
        self.read_failed.store(rows.is_err(), Ordering::Relaxed);
        rows
    }

    /// Checks that the writer runs and that the store can be read. Reads only if the most recent
    /// read failed, so that frequent checks do not hold up other readers.
    pub async fn check(&self) -> Result<(), StoreError> {
        if self.inserts.is_closed() {
            return Err(StoreError::Closed);
        }
        if self.read_failed.load(Ordering::Relaxed) {
            return self.read(reader::check).await;
        }
        Ok(())
    }

    /// Waits until all accepted tasks are stored, then closes the file. Gives up after `patience`,
    /// for example because the disk does not respond.
    pub fn close(self, patience: Duration) {
        // SQLite writes its log back and removes it when the last connection is closed, which a
        // read-only connection cannot do. So this one goes first.
        drop(self.reader);
        drop(self.inserts);
        let started = Instant::now();
        while !self.writer.is_finished() {
            if started.elapsed() >= patience {
                tracing::error!("the store did not close in time");
                return;
            }
            std::thread::sleep(CLOSE_INTERVAL);
        }
        // If the writer panicked, its callers have received an error.
        let _ = self.writer.join();
    }
}
