//! Stored records, so that a reload loses nothing: one for the run and one for each draft. They are
//! written when they change, and durably before a request is sent.

use crate::ports::{Entry, Store, StoreError, Table};
use crate::review::{DraftId, RunId};
use crate::run::{Change, DraftRecord, RecordError, Run, RunRecord, Step, TaskDraft};

/// The record of a run as a store entry. `None` only if it cannot be serialized, which does not
/// happen.
#[must_use]
pub fn run_entry(run: &Run) -> Option<Entry> {
    Some(Entry {
        table: Table::Runs,
        key: run.id().to_string(),
        text: serde_json::to_string(&run.record()).ok()?,
    })
}

/// The record of a draft as a store entry. `None` as for [`run_entry`].
#[must_use]
pub fn draft_entry(draft: &TaskDraft) -> Option<Entry> {
    Some(Entry {
        table: Table::Drafts,
        key: key(&draft.id),
        text: serde_json::to_string(&Run::draft_record(draft)).ok()?,
    })
}

/// The records of everything that changed.
#[must_use]
pub fn entries<'a>(run: &Run, changes: impl IntoIterator<Item = &'a Change>) -> Vec<Entry> {
    changes
        .into_iter()
        .filter_map(|change| match change {
            Change::Run => run_entry(run),
            Change::Draft(id) => run.draft(id).and_then(|draft| draft_entry(draft)),
        })
        .collect()
}

/// Result of loading a run.
#[derive(Debug)]
pub enum Loaded {
    /// The run, and what changed when interrupted work was recovered.
    Run(Box<Run>, Step),
    /// No run with this id is stored.
    Absent,
    /// The run is stored but cannot be read. It is left unchanged.
    Unreadable(RecordError),
}

/// Loads a run to continue it after its page was closed.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn load<S: Store>(store: &S, id: &str, now: u64) -> Result<Loaded, StoreError> {
    read(store, id, |run, drafts| Run::restore_from(run, drafts, now)).await
}

/// Loads a run without changing it, to display it while another page drives it.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn load_read_only<S: Store>(store: &S, id: &str) -> Result<Loaded, StoreError> {
    read(store, id, |run, drafts| {
        Ok((Run::from_records(run, drafts)?, Step::default()))
    })
    .await
}

async fn read<S: Store>(
    store: &S,
    id: &str,
    make: impl FnOnce(RunRecord, Vec<DraftRecord>) -> Result<(Run, Step), RecordError>,
) -> Result<Loaded, StoreError> {
    let Some(text) = store.read(Table::Runs, id).await? else {
        return Ok(Loaded::Absent);
    };
    let texts = store.read_all(Table::Drafts, &format!("{id}-")).await?;
    let run = RunRecord::read(&text).and_then(|record| make(record, draft_records(&texts)?));
    Ok(match run {
        Ok((run, step)) => Loaded::Run(Box::new(run), step),
        Err(error) => Loaded::Unreadable(error),
    })
}

/// Loads the records of a run that another page changed. Omits records that cannot be read.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn load_changes<S: Store>(
    store: &S,
    changes: &[Change],
    id: &RunId,
) -> Result<(Option<RunRecord>, Vec<DraftRecord>), StoreError> {
    let run = if changes.contains(&Change::Run) {
        store.read(Table::Runs, &id.to_string()).await?
    } else {
        None
    };
    let drafts: Vec<&DraftId> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Draft(id) => Some(id),
            Change::Run => None,
        })
        .collect();
    let texts = if drafts.len() > MAX_SINGLE_READS {
        store.read_all(Table::Drafts, &format!("{id}-")).await?
    } else {
        let mut texts = Vec::with_capacity(drafts.len());
        for draft in drafts {
            texts.extend(store.read(Table::Drafts, &key(draft)).await?);
        }
        texts
    };
    Ok((
        run.and_then(|text| RunRecord::read(&text).ok()),
        draft_records(&texts).unwrap_or_default(),
    ))
}

/// Above this number of changed drafts, all drafts of the run are read in one operation.
const MAX_SINGLE_READS: usize = 50;

fn draft_records(texts: &[String]) -> Result<Vec<DraftRecord>, RecordError> {
    texts.iter().map(|text| DraftRecord::read(text)).collect()
}

/// The store key of a draft. Sorts like the ordinal.
fn key(id: &DraftId) -> String {
    format!("{}-{:010}", id.run, id.ordinal)
}
