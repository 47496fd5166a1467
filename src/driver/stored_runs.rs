//! The runs in the store: the list, and changes to runs that are not on the page.

use serde::Deserialize;

use crate::ports::{Durability, Entry, Store, StoreError, Table};
use crate::run::{RecordError, RunRecord, RunSummary, StoredRecord};

/// A run in the store.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredRun {
    /// A run that can be opened.
    Readable(RunSummary),
    /// A run that cannot be read. It is left unchanged until the operator deletes it.
    Unreadable {
        /// Its identity, if that can be read.
        id: Option<String>,
        /// Why it cannot be read.
        error: RecordError,
    },
}

impl StoredRun {
    /// Its identity, if that can be read.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            StoredRun::Readable(summary) => Some(summary.id.to_string()),
            StoredRun::Unreadable { id, .. } => id.clone(),
        }
    }
}

/// Lists all runs, the last changed first, then the unreadable ones.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn list_runs<S: Store>(store: &S) -> Result<Vec<StoredRun>, StoreError> {
    let texts = store.read_all(Table::Runs, "").await?;
    let mut runs: Vec<StoredRun> = texts.iter().map(|text| stored_run(text)).collect();
    runs.sort_by_key(|run| match run {
        StoredRun::Readable(summary) => std::cmp::Reverse(summary.changed_at),
        StoredRun::Unreadable { .. } => std::cmp::Reverse(0),
    });
    Ok(runs)
}

fn stored_run(text: &str) -> StoredRun {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    match RunRecord::read(text) {
        Ok(record) => StoredRun::Readable(record.summary()),
        Err(error) => StoredRun::Unreadable {
            id: serde_json::from_str(text).ok().map(|Identified { id }| id),
            error,
        },
    }
}

/// Changes the state of a stored run. Call it with the run's lock held: a page that drives the run would
/// overwrite the change. A run that is absent or cannot be read is left unchanged.
///
/// # Errors
/// [`StoreError`] if the store cannot be read or written.
pub async fn update_run<S: Store>(
    store: &S,
    id: &str,
    change: impl FnOnce(RunRecord) -> RunRecord,
) -> Result<(), StoreError> {
    let stored = store.read(Table::Runs, id).await?;
    let Some(record) = stored.and_then(|text| RunRecord::read(&text).ok()) else {
        return Ok(());
    };
    let Ok(text) = serde_json::to_string(&change(record)) else {
        return Ok(());
    };
    let entry = Entry {
        table: Table::Runs,
        key: id.to_owned(),
        text,
    };
    store.write(vec![entry], Durability::Strict).await
}

/// Deletes a run with all its records.
///
/// # Errors
/// [`StoreError`]; then nothing was deleted.
pub async fn delete_run<S: Store>(store: &S, id: &str) -> Result<(), StoreError> {
    store.delete(&Table::ALL, id).await
}

/// Deletes the raw responses of a run. Everything else of it stays.
///
/// # Errors
/// [`StoreError`]; then nothing was deleted.
pub async fn delete_responses<S: Store>(store: &S, id: &str) -> Result<(), StoreError> {
    store.delete(&[Table::Responses], id).await
}

/// Deletes all records of all runs.
///
/// # Errors
/// [`StoreError`]; then nothing was deleted.
pub async fn delete_all_runs<S: Store>(store: &S) -> Result<(), StoreError> {
    store.delete(&Table::ALL, "").await
}
