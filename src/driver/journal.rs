//! What is kept, so that a reload loses nothing: a record for the run and one for each draft,
//! written when they change; and before a request leaves, durably.

use crate::ports::{Entry, Store, StoreError, Table};
use crate::review::{DraftId, RunId};
use crate::run::{Change, DraftRecord, RecordError, Run, RunRecord, Step, TaskDraft};

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
            Change::Draft(id) => run.draft(id).and_then(|draft| draft_entry(draft)),
        })
        .collect()
}

/// What was found of a run.
#[derive(Debug)]
pub enum Loaded {
    /// The run, and what changed when what was under way was settled.
    Run(Box<Run>, Step),
    /// There is none of this id.
    Absent,
    /// It is there and cannot be read; it is left as it is.
    Unreadable(RecordError),
}

/// Reads a run as it stood when the page went away, to go on with it.
///
/// # Errors
/// [`StoreError`] where nothing can be read at all.
pub async fn load<S: Store>(store: &S, id: &str, now: u64) -> Result<Loaded, StoreError> {
    read(store, id, |run, drafts| Run::restore_from(run, drafts, now)).await
}

/// Reads a run as it stands, to look on while another page carries it out.
///
/// # Errors
/// [`StoreError`] where nothing can be read at all.
pub async fn load_read_only<S: Store>(store: &S, id: &str) -> Result<Loaded, StoreError> {
    read(store, id, |run, drafts| {
        Ok((Run::as_recorded(run, drafts)?, Step::default()))
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

/// Reads anew what another page changed of a run: the run itself, and some of its drafts.
///
/// # Errors
/// [`StoreError`] where nothing can be read at all. Records that cannot be understood are left out.
pub async fn renew<S: Store>(
    store: &S,
    changes: &[Change],
    id: &RunId,
) -> Result<(Option<RunRecord>, Vec<DraftRecord>), StoreError> {
    let run = match changes.contains(&Change::Run) {
        true => store.read(Table::Runs, &id.to_string()).await?,
        false => None,
    };
    let drafts: Vec<&DraftId> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Draft(id) => Some(id),
            Change::Run => None,
        })
        .collect();
    let texts = if drafts.len() > MOST_READ_ONE_BY_ONE {
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

/// Above so many, all drafts of a run are read at once.
const MOST_READ_ONE_BY_ONE: usize = 50;

fn draft_records(texts: &[String]) -> Result<Vec<DraftRecord>, RecordError> {
    texts.iter().map(|text| DraftRecord::read(text)).collect()
}

/// Drafts sort by their key as by their ordinal.
fn key(id: &DraftId) -> String {
    format!("{}-{:010}", id.run, id.ordinal)
}
