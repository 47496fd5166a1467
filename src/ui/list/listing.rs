//! What the list shows: which tasks pass filter and search, in which order and groups.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use crate::browser::clock::PageClock;
use crate::ports::Clock;
use crate::review::batch_findings::BatchFinding;
use crate::review::list::{Arrangement, ListGroup, Search, SortBy, TaskIndex};
use crate::review::{DraftId, DraftState};
use crate::run::Run;
use crate::ui::list::findings::findings;
use crate::ui::page::Page;
use crate::ui::screen::Screen;

/// How long texts are read for the index without a break, in milliseconds.
const SLICE: u64 = 8;
/// How many texts are read between two looks at the clock.
const BETWEEN_LOOKS: usize = 50;

/// The listed tasks, in order, and their groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedRows {
    /// The tasks.
    pub ids: Vec<DraftId>,
    /// The groups; none if the list is not grouped.
    pub groups: Vec<ListGroup>,
}

/// The state of the list that follows from the tasks, the filter, the search and the order. There is
/// one for the page; copies share it.
#[derive(Clone, Copy)]
pub struct Listing {
    screen: Screen,
    index: StoredValue<TaskIndex>,
    /// Notified when texts were read.
    indexed: Trigger,
    /// Notified when the operator asks to sort again.
    again: Trigger,
    arrangement: Memo<Arc<Arrangement>>,
    /// The tasks that pass.
    pub rows: Memo<Arc<ListedRows>>,
    /// The listed tasks that are selected, in order.
    pub selected: Memo<Vec<DraftId>>,
    /// What is odd about the tasks that are not rejected.
    pub findings: Memo<Arc<Vec<BatchFinding>>>,
    /// Whether tasks arrived or changed since the list was sorted, so that it is out of order.
    pub is_out_of_order: Memo<bool>,
}

impl Listing {
    /// The listing of the page. It is made when it is first needed, and not on the first screen.
    #[must_use]
    pub fn of(screen: Screen) -> Listing {
        if let Some(listing) = screen.listing.get_value() {
            return listing;
        }
        // It belongs to the page, whichever component asks first.
        let owner = screen.owner.get_value().and_then(|owner| owner.upgrade());
        let listing = owner.map_or_else(
            || Listing::new(screen),
            |owner| owner.with(|| Listing::new(screen)),
        );
        screen.listing.set_value(Some(listing));
        listing
    }

    fn new(screen: Screen) -> Listing {
        let page = screen.page;
        let index = StoredValue::new(TaskIndex::default());
        let indexed = Trigger::new();
        let again = Trigger::new();
        let run = Memo::new(move |_| page.run.with(|run| run.as_ref().map(|run| run.id.clone())));
        let arrangement = Memo::new(move |_| {
            let (by, is_grouped) = (screen.sort_by.get(), screen.is_grouped.get());
            run.track();
            again.track();
            if by == SortBy::Proposal && !is_grouped {
                return Arc::default();
            }
            // What changes later moves nothing.
            untrack(|| {
                read_all(screen, index);
                let count = page.draft_count();
                let state = |task| state_at(page, task);
                index.with_value(|index| {
                    Arc::new(Arrangement::new(count, by, is_grouped, index, state))
                })
            })
        });
        let is_out_of_order = Memo::new(move |_| {
            let (by, is_grouped) = (screen.sort_by.get(), screen.is_grouped.get());
            let arrangement = arrangement.get();
            if by == SortBy::Proposal && !is_grouped {
                return false;
            }
            indexed.track();
            if by == SortBy::State {
                page.track_drafts();
            }
            page.rows.track();
            let count = page.draft_count();
            let state = |task| state_at(page, task);
            index.with_value(|index| !arrangement.is_current(count, by, is_grouped, index, state))
        });
        let findings = findings(screen, |state| state != DraftState::Rejected);
        let rows = Memo::new(move |_| listed(screen, index, findings, &arrangement.get()));
        let selected = Memo::new(move |_| {
            screen.selection.with(|selection| {
                if selection.is_empty() {
                    return Vec::new();
                }
                let is_selected = |id: &&DraftId| selection.contains(id);
                rows.with(|rows| rows.ids.iter().filter(is_selected).cloned().collect())
            })
        });
        keep_reading(screen, index, indexed);
        Listing {
            screen,
            index,
            indexed,
            again,
            arrangement,
            rows,
            selected,
            findings,
            is_out_of_order,
        }
    }

    /// The position of a task in the order of the list, whether or not it is listed.
    #[must_use]
    pub fn rank(&self, id: &DraftId) -> usize {
        let task = id.index().unwrap_or(usize::MAX);
        self.arrangement
            .with_untracked(|arrangement| arrangement.rank(task))
    }

    /// Sorts the tasks again, with those that arrived or changed.
    pub fn sort_again(&self) {
        self.again.notify();
    }

    /// Tracks whatever makes the list another one than the operator was looking at: its filter, its
    /// search and its order, but not its tasks.
    pub fn track_question(&self) {
        self.screen.filter.track();
        self.screen.search.track();
        self.arrangement.track();
    }

    /// What the index says about all tasks. Tracks their texts.
    #[must_use]
    pub fn with_index<T>(&self, read: impl FnOnce(&TaskIndex) -> T) -> T {
        self.indexed.track();
        read_all(self.screen, self.index);
        self.index.with_value(read)
    }
}

/// The tasks that pass. Without filter and search, no task is read.
fn listed(
    screen: Screen,
    index: StoredValue<TaskIndex>,
    findings: Memo<Arc<Vec<BatchFinding>>>,
    arrangement: &Arrangement,
) -> Arc<ListedRows> {
    let page = screen.page;
    let filter = screen.filter.get();
    let search = Search::new(&screen.search.read());
    if !filter.is_empty() || !search.is_empty() {
        page.track_drafts();
    }
    if filter.reads_entries() || !search.is_empty() {
        read_all(screen, index);
    }
    let of_finding: HashSet<DraftId> = match filter.finding {
        None => HashSet::new(),
        Some(code) => findings.with(|findings| {
            let found = findings.iter().filter(|found| found.finding.code == code);
            found.flat_map(|found| found.tasks.clone()).collect()
        }),
    };
    let id_at = |task: usize| Some(page.draft_at(task)?.id.clone());
    let has_finding = |task: usize| id_at(task).is_some_and(|id| of_finding.contains(&id));
    let count = page.draft_count();
    let has_deleted = page.rows.with(Vec::len) < count;
    let listed = index.with_value(|index| {
        arrangement.listed(count, |task| {
            let entry = index.entry(task);
            !(has_deleted && state_at(page, task) == DraftState::Deleted)
                && (filter.is_empty()
                    || filter.passes(state_at(page, task), has_finding(task), entry))
                && (search.is_empty() || entry.is_some_and(|entry| search.finds(entry)))
        })
    });
    Arc::new(ListedRows {
        ids: listed.tasks.into_iter().filter_map(id_at).collect(),
        groups: listed.groups,
    })
}

fn state_at(page: Page, task: usize) -> DraftState {
    page.draft_at(task)
        .map_or(DraftState::Checking, |draft| Run::state(&draft))
}

/// Reads the texts that arrived or changed since they were read last.
fn read_all(screen: Screen, index: StoredValue<TaskIndex>) {
    let _ = read(screen, index, 0, || false);
}

/// Reads texts from a position on until all are read or it is time to stop. Returns the position to go
/// on at, if any.
fn read(
    screen: Screen,
    index: StoredValue<TaskIndex>,
    from: usize,
    is_time: impl Fn() -> bool,
) -> Option<usize> {
    let page = screen.page;
    let count = page.draft_count();
    let mut next = None;
    index.update_value(|index| {
        index.set_roles(&screen.roles.read_untracked());
        index.truncate(count);
        for task in from.min(index.len())..count {
            if task % BETWEEN_LOOKS == 0 && task > from && is_time() {
                next = Some(task);
                return;
            }
            if let Some(draft) = page.draft_at(task) {
                index.read(task, draft.content.as_shared_text());
            }
        }
    });
    next
}

/// How far the texts are read.
#[derive(Clone, Copy, Default)]
struct ReadingProgress {
    /// Where the next slice begins, if one is planned.
    next: Option<usize>,
    /// The revision of the index that was made known.
    revision: u64,
}

/// Reads texts as they arrive and change, in slices that leave the browser time to respond, so that
/// the first search need not read all of them at once.
fn keep_reading(screen: Screen, index: StoredValue<TaskIndex>, indexed: Trigger) {
    let progress = StoredValue::new(ReadingProgress::default());
    Effect::new(move |_| {
        screen.page.track_drafts();
        screen.page.rows.track();
        screen.roles.track();
        let is_planned = progress.with_value(|progress| progress.next.is_some());
        // From the start: any text may have changed, and a known one costs a comparison of addresses.
        progress.update_value(|progress| progress.next = Some(0));
        if !is_planned {
            plan_slice(screen, index, indexed, progress);
        }
    });
}

/// Reads one slice of texts as soon as the browser has nothing else to do, and plans the next.
fn plan_slice(
    screen: Screen,
    index: StoredValue<TaskIndex>,
    indexed: Trigger,
    progress: StoredValue<ReadingProgress>,
) {
    let slice = move || {
        // The page may be unmounted by now.
        let Some(ReadingProgress { next, revision }) = progress.try_get_value() else {
            return;
        };
        let start = PageClock.now();
        let is_time = || PageClock.now().saturating_sub(start) >= SLICE;
        let next = read(screen, index, next.unwrap_or_default(), is_time);
        let now = index.with_value(TaskIndex::revision);
        let is_news = next.is_none() && now != revision;
        let revision = if is_news { now } else { revision };
        progress.set_value(ReadingProgress { next, revision });
        if is_news {
            indexed.notify();
        }
        if next.is_some() {
            plan_slice(screen, index, indexed, progress);
        }
    };
    set_timeout(slice, Duration::ZERO);
}
