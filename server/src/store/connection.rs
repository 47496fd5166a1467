//! Opens the store's file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{StoreError, write_ahead_log};

const SCHEMA: &str = include_str!("schema.sql");
const VERSION: i64 = 1;
/// "TWRT": identifies the file as a task store (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x5457_5254;
/// Longest wait for another server that is writing to the same file.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates the folder if it does not exist; on Unix, only its owner has access.
pub(super) fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Creates the file if it does not exist; on Unix, only its owner has access. SQLite creates its
/// other files with the same permissions.
pub(super) fn create_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Warns if other users of the machine can read the tasks or replace the file. Only folders and files
/// that the server did not create can be like this. They are left as they are: a program of another
/// user may be meant to read them.
pub(super) fn warn_if_others_have_access(folder: &Path, file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        const ANY: u32 = 0o077;
        const WRITE: u32 = 0o022;
        let mode = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.mode());
        let (of_folder, of_file) = (mode(folder), mode(file));
        if of_folder & WRITE != 0 || of_folder & ANY != 0 && of_file & ANY != 0 {
            tracing::warn!(
                folder = %folder.display(),
                "other users of this machine have access to the tasks; chmod 700 keeps them out"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, file);
}

/// Opens the file for the writer, and creates its tables or checks their version.
pub(super) fn open_for_writing(
    path: &Path,
    max_mebibytes: Option<u32>,
) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    // First of all, because everything else would change a file of another program.
    check_owner(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS, fsync alone does not flush the disk's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", write_ahead_log::KEPT_BYTES)?;
    create_tables(&mut connection)?;
    if let Some(mebibytes) = max_mebibytes {
        let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (i64::from(mebibytes) << 20) / page_size.max(512);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// Opens the existing file for reading.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    Ok(connection)
}

/// Refuses a file that is neither a task store nor empty.
fn check_owner(connection: &Connection) -> Result<(), StoreError> {
    let found = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id),
                (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    );
    match found {
        Ok((APPLICATION_ID, _, _) | (0_i64, 0_i64, 0_i64)) => Ok(()),
        Ok(_) => Err(StoreError::Foreign),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(StoreError::Foreign)
        }
        Err(error) => Err(error.into()),
    }
}

fn create_tables(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(StoreError::Newer { found });
    }
    if found < VERSION {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_flushed_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open_for_writing(&folder.path().join("tasks.sqlite3"), None).unwrap();
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        let synchronous: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        // 2 is FULL: in WAL mode, every commit is flushed, not only checkpoints.
        assert_eq!((journal.as_str(), synchronous), ("wal", 2));
    }
}
