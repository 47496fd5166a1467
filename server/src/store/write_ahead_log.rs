//! SQLite's write-ahead log: what keeps it from growing without end.
//!
//! SQLite writes the log back to the file by itself (a checkpoint), but starts the log over only when
//! nobody reads from it. A program that keeps a transaction open on the file lets the log grow with
//! each commit.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ffi};

use super::connection::LOCK_TIMEOUT;

/// The size to which SQLite cuts the log when it starts it over, in bytes.
pub(super) const KEPT_BYTES: i64 = 4 << 20;
/// Longest wait of a checkpoint for readers.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_millis(200);

/// The log of a store, and the limit of both together.
#[derive(Debug)]
pub(super) struct WriteAheadLog {
    file: PathBuf,
    log: PathBuf,
    max_bytes: Option<u64>,
}

impl WriteAheadLog {
    /// The log of the store in `file`.
    pub fn of(file: &Path, max_mebibytes: Option<u32>) -> Self {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        Self {
            file: file.to_owned(),
            log: log.into(),
            max_bytes: max_mebibytes.map(|mebibytes| u64::from(mebibytes) << 20),
        }
    }

    /// Makes sure that a transaction begins within the limit, which it may then exceed by its own
    /// size.
    ///
    /// # Errors
    /// `SQLITE_FULL` if the log cannot be written back, so that the store stays over its limit.
    pub fn make_room(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        if self.is_over_limit() {
            Self::write_back(connection)?;
            if self.is_over_limit() {
                return Err(rusqlite::Error::SqliteFailure(
                    ffi::Error::new(ffi::SQLITE_FULL),
                    Some("the store and its log have reached their maximum size".to_owned()),
                ));
            }
        }
        Ok(())
    }

    /// Writes the log back to the file and empties it. If another program reads from the log, it stays
    /// as it is.
    ///
    /// # Errors
    /// The error of SQLite.
    pub fn write_back(connection: &Connection) -> Result<(), rusqlite::Error> {
        connection.busy_timeout(CHECKPOINT_TIMEOUT)?;
        let result = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        connection.busy_timeout(LOCK_TIMEOUT)?;
        result
    }

    /// The file alone never exceeds the limit (`max_page_count`), so an empty log is within it.
    fn is_over_limit(&self) -> bool {
        let Some(max) = self.max_bytes else {
            return false;
        };
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let log = size(&self.log);
        log > 0 && size(&self.file).saturating_add(log) > max
    }
}
