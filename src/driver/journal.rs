//! Stored records, so that a reload loses nothing. Each part of a run that can change by itself has its own
//! record, which is written when it changes, and durably before a request is sent.

use crate::ports::{Entry, Store, StoreError, Table};
use crate::review::{DraftId, RunId};
use crate::run::{
    Change, ChangedRecords, RecordError, Run, RunRecord, RunRecords, SetupRecord, Step,
    StoredRecord,
};

/// The records of everything that changed. The record of the run itself is always among them: it holds
/// what the list of runs shows.
#[must_use]
pub fn entries<'a>(run: &Run, changes: impl IntoIterator<Item = &'a Change>) -> Vec<Entry> {
    let mut changes = changes.into_iter().peekable();
    let state = changes.peek().is_some().then_some(&Change::Run);
    changes
        .filter(|change| **change != Change::Run)
        .chain(state)
        .filter_map(|change| entry(run, change))
        .collect()
}

/// The record of a part of a run. `None` if there is no such part, or if it cannot be serialized, which
/// does not happen.
fn entry(run: &Run, change: &Change) -> Option<Entry> {
    let (table, key) = place(run.id(), change);
    let text = match change {
        Change::Setup => serde_json::to_string(&run.setup_record()),
        Change::Run => serde_json::to_string(&run.record()),
        Change::Request(number) => serde_json::to_string(&run.request_record(*number)?),
        Change::Response(number) => serde_json::to_string(&run.response_record(*number)?),
        Change::Draft(id) => serde_json::to_string(&run.draft_record(run.draft(id)?)),
    };
    Some(Entry {
        table,
        key,
        text: text.ok()?,
    })
}

/// Where a part of a run is stored. Keys sort like numbers and ordinals.
fn place(run: &RunId, change: &Change) -> (Table, String) {
    let numbered = |number: u32| format!("{run}-{number:010}");
    match change {
        Change::Setup => (Table::Setups, run.to_string()),
        Change::Run => (Table::Runs, run.to_string()),
        Change::Request(number) => (Table::Requests, numbered(*number)),
        Change::Response(number) => (Table::Responses, numbered(*number)),
        Change::Draft(DraftId { ordinal, .. }) => (Table::Drafts, numbered(*ordinal)),
    }
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
    read(store, id, |records| Run::restore_from(records, now)).await
}

/// Loads a run without changing it, to display it while another page drives it.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn load_read_only<S: Store>(store: &S, id: &str) -> Result<Loaded, StoreError> {
    read(store, id, |records| {
        Ok((Run::from_records(records)?, Step::default()))
    })
    .await
}

async fn read<S: Store>(
    store: &S,
    id: &str,
    make: impl FnOnce(RunRecords) -> Result<(Run, Step), RecordError>,
) -> Result<Loaded, StoreError> {
    let Some(run) = store.read(Table::Runs, id).await? else {
        return Ok(Loaded::Absent);
    };
    let setup = store.read(Table::Setups, id).await?.unwrap_or_default();
    let parts = format!("{id}-");
    let requests = store.read_all(Table::Requests, &parts).await?;
    let responses = store.read_all(Table::Responses, &parts).await?;
    let drafts = store.read_all(Table::Drafts, &parts).await?;
    let records = || {
        Ok(RunRecords {
            // First, because it tells best which version stored the run.
            run: RunRecord::read(&run)?,
            setup: SetupRecord::read(&setup)?,
            requests: parse_all(&requests)?,
            responses: parse_all(&responses)?,
            drafts: parse_all(&drafts)?,
        })
    };
    Ok(match records().and_then(make) {
        Ok((run, step)) => Loaded::Run(Box::new(run), step),
        Err(error) => Loaded::Unreadable(error),
    })
}

fn parse_all<T: StoredRecord>(texts: &[String]) -> Result<Vec<T>, RecordError> {
    texts.iter().map(|text| T::read(text)).collect()
}

/// Above this number of changed drafts, all drafts of the run are read in one operation.
const MAX_SINGLE_READS: usize = 50;

/// Loads the records of a run that another page changed. Omits records that cannot be read.
///
/// # Errors
/// [`StoreError`] if the store cannot be read.
pub async fn load_changes<S: Store>(
    store: &S,
    changes: &[Change],
    id: &RunId,
) -> Result<ChangedRecords, StoreError> {
    let mut records = ChangedRecords::default();
    let is_draft = |change: &&Change| matches!(change, Change::Draft(_));
    let reads_all = changes.iter().filter(is_draft).count() > MAX_SINGLE_READS;
    if reads_all {
        let texts = store.read_all(Table::Drafts, &format!("{id}-")).await?;
        records.drafts = parse_all(&texts).unwrap_or_default();
    }
    for change in changes {
        if reads_all && is_draft(&change) {
            continue;
        }
        let (table, key) = place(id, change);
        let Some(text) = store.read(table, &key).await? else {
            continue;
        };
        match change {
            Change::Setup => records.setup = StoredRecord::read(&text).ok(),
            Change::Run => records.run = StoredRecord::read(&text).ok(),
            Change::Request(_) => records.requests.extend(StoredRecord::read(&text).ok()),
            Change::Response(_) => records.responses.extend(StoredRecord::read(&text).ok()),
            Change::Draft(_) => records.drafts.extend(StoredRecord::read(&text).ok()),
        }
    }
    Ok(records)
}
