//! What is kept, so that a reload loses nothing: a record for the run and one for each draft,
//! written when they change; and before a request leaves, durably.

use crate::ports::{Durability, Entry, Store, StoreError, Table};
use crate::review::DraftId;
use crate::run::{Change, DraftRecord, Event, RecordError, Run, RunRecord, TaskDraft};

/// The record of a run, ready to be kept. `None` never happens for what serde can write.
#[must_use]
pub fn run_entry(run: &Run) -> Option<Entry> {
    Some(Entry {
        table: Table::Runs,
        key: run.id().to_string(),
        text: serde_json::to_string(&run.record()).ok()?,
    })
}

/// The record of a draft, ready to be kept.
#[must_use]
pub fn draft_entry(draft: &TaskDraft) -> Option<Entry> {
    Some(Entry {
        table: Table::Drafts,
        key: key(&draft.id),
        text: serde_json::to_string(&Run::draft_record(draft)).ok()?,
    })
}

/// The records of what changed.
#[must_use]
pub fn entries<'a>(run: &Run, changes: impl IntoIterator<Item = &'a Change>) -> Vec<Entry> {
    changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Run => run_entry(run),
            Change::Draft(id) => run.draft(id).and_then(draft_entry),
        })
        .collect()
}

/// Writes a draft down before its request leaves, and says whether it may.
pub async fn journal<S: Store>(
    store: &S,
    entries: Vec<Entry>,
    draft: DraftId,
    attempt: u32,
) -> Event {
    match store.write(entries, Durability::Strict).await {
        Ok(()) => Event::Journaled { draft, attempt },
        Err(error) => Event::JournalFailed {
            draft,
            attempt,
            reason: error.to_string(),
        },
    }
}

/// What was found of a run.
#[derive(Debug)]
pub enum Loaded {
    /// The run as it stood.
    Run(Box<Run>),
    /// There is none of this id.
    Absent,
    /// It is there and cannot be read; it is left as it is.
    Unreadable(RecordError),
}

/// Reads a run as it stood when the page went away.
///
/// # Errors
/// [`StoreError`] where nothing can be read at all.
pub async fn load<S: Store>(store: &S, id: &str, now: u64) -> Result<Loaded, StoreError> {
    let Some(text) = store.read(Table::Runs, id).await? else {
        return Ok(Loaded::Absent);
    };
    let texts = store.read_all(Table::Drafts, &format!("{id}-")).await?;
    let run = RunRecord::read(&text).and_then(|record| {
        let drafts = texts
            .iter()
            .map(|text| DraftRecord::read(text))
            .collect::<Result<Vec<_>, _>>()?;
        Run::restore_from(record, drafts, now)
    });
    Ok(match run {
        Ok(run) => Loaded::Run(Box::new(run)),
        Err(error) => Loaded::Unreadable(error),
    })
}

/// Drafts sort by their key as by their ordinal.
fn key(id: &DraftId) -> String {
    format!("{}-{:010}", id.run, id.ordinal)
}
