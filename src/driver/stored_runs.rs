//! The runs in the store: the list, and changes to runs that are not on the page.

use serde::Deserialize;

use crate::ports::{Durability, Entry, Store, StoreError, Table};
use crate::review::delivered_titles::{DeliveredTask, MAX_DELIVERED};
use crate::review::{DraftState, RunId};
use crate::run::{
    DraftRecord, Mode, RecordError, RunRecord, RunSummary, SetupRecord, StoredRecord,
};

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

/// The tasks that live runs delivered, those of the last changed run first, at most [`MAX_DELIVERED`].
/// Leaves out the run `except`, deleted runs, and what cannot be read.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn delivered_tasks<S: Store>(
    store: &S,
    except: &RunId,
) -> Result<Vec<DeliveredTask>, StoreError> {
    let mut tasks = Vec::new();
    for run in list_runs(store).await? {
        let StoredRun::Readable(run) = run else {
            continue;
        };
        let has_delivered = run.mode == Mode::Live && run.counts.of(DraftState::Delivered) > 0;
        if !has_delivered || run.is_deleted || run.id == *except {
            continue;
        }
        let id = run.id.to_string();
        let setup = store.read(Table::Setups, &id).await?;
        let schema = setup.and_then(|text| SetupRecord::read(&text).ok()?.task_schema().ok());
        let Some(schema) = schema else { continue };
        for text in store.read_all(Table::Drafts, &id).await? {
            let draft = DraftRecord::read(&text).ok();
            if let Some(title) = draft.and_then(|draft| draft.delivered_title(schema.roles())) {
                tasks.push(DeliveredTask {
                    title,
                    run: run.name.clone(),
                });
            }
            if tasks.len() == MAX_DELIVERED {
                return Ok(tasks);
            }
        }
    }
    Ok(tasks)
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
