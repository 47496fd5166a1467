//! Drives the current run, which is the one on the page: applies events, executes effects, stores
//! changes and updates the page.
//!
//! `effects` executes effects, `persistence` stores changes, `timing` has the timers, `batches` splits
//! long work, `follower` locks runs and updates read-only tabs, and `coalesced` merges requests for
//! the same work.

mod batches;
mod coalesced;
mod effects;
mod follower;
mod persistence;
mod timing;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Owner, Set, Update};
use wasm_bindgen_futures::spawn_local;

use crate::browser::clock::PageClock;
use crate::browser::database::Database;
use crate::browser::fetch::Fetch;
use crate::browser::lock::TabLock;
use crate::browser::network::{self, NetworkWatch};
use crate::browser::tabs::Tabs;
use crate::driver::{self, DryDriver, LiveDriver, WriteQueue};
use crate::model::{AdaptationMemory, Adaptations};
use crate::ports::{Clock, StopSignal};
use crate::review::delivered_titles::DeliveredTitles;
use crate::review::{DraftId, RunId};
use crate::run::{
    Batch, Change, Changes, Event, GenerationState, Mode, Run, RunError, Step, WithdrawnApprovals,
};
use crate::schema::Check;
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::ModelEndpoint;
use crate::text::{counted, heading};
use crate::ui::page::{Page, Problem};
use coalesced::Coalesced;

/// Executes the effects of the current run. No part of the driver of a dry run can access the network.
enum RunDriver {
    Dry(DryDriver<PageClock>),
    Live(LiveDriver<Fetch, Fetch>),
}

/// The current run and what it needs.
struct Current {
    run: Run,
    check: Arc<dyn Check>,
    driver: Rc<RunDriver>,
    /// Stops the last call to the model.
    stop: StopSignal,
    /// The lock of the run, without which this tab must not change or post it. `None` if another tab
    /// has it, or while it is being acquired.
    lock: Rc<RefCell<Option<TabLock>>>,
    /// The changes to store.
    write_queue: Rc<RefCell<WriteQueue>>,
}

/// Called when the current run needs a secret.
type OnSecretNeeded = Box<dyn Fn(SecretSlot)>;
/// Called with the id of the current run when another tab takes it over.
type OnLockLost = Box<dyn Fn(String)>;
/// Called when an endpoint turned out to need adaptations.
type OnAdapted = Box<dyn Fn(&ModelEndpoint, &Adaptations)>;

/// Owns the current run and executes its effects.
pub(super) struct RunController {
    page: Page,
    /// Keeps the page's signals alive while tasks of the controller may still update them.
    _owner: Option<Owner>,
    clock: PageClock,
    store: Database,
    secrets: Rc<RefCell<Keyring>>,
    current: RefCell<Option<Current>>,
    on_secret_needed: RefCell<Option<OnSecretNeeded>>,
    on_adapted: RefCell<Option<OnAdapted>>,
    on_lock_lost: RefCell<Option<OnLockLost>>,
    /// The adaptations that endpoints were found to need.
    adaptation_memory: Rc<RefCell<AdaptationMemory>>,
    /// Text of the response that the page does not show yet.
    unshown_text: RefCell<String>,
    /// The size of the reasoning of the current request, in bytes.
    reasoning_bytes: Cell<usize>,
    showing_text: Coalesced,
    pending_checks: RefCell<VecDeque<PendingCheck>>,
    checking: Coalesced,
    summarizing: Coalesced,
    /// Changes that the page does not show yet.
    unshown_changes: RefCell<Changes>,
    showing_changes: Coalesced,
    persisting: Coalesced,
    /// The changes of runs that were closed and are not stored completely yet.
    closing: RefCell<Vec<Rc<RefCell<WriteQueue>>>>,
    /// When to wake the run, in milliseconds since 1970.
    wake_at: Cell<Option<u64>>,
    waking: Coalesced,
    ticking: Coalesced,
    tabs: RefCell<Option<Tabs>>,
    network: RefCell<Option<NetworkWatch>>,
    /// Changes of another tab that were not read yet.
    unread_changes: RefCell<Changes>,
    reading: Coalesced,
    /// Steps through the history that wait until an action on many tasks is complete.
    history_events: RefCell<VecDeque<(RunId, Event)>>,
}

/// A text to check against the schema.
struct PendingCheck {
    draft: DraftId,
    revision: u32,
    text: Arc<str>,
}

impl RunController {
    pub fn new(
        page: Page,
        secrets: Rc<RefCell<Keyring>>,
        adaptation_memory: Rc<RefCell<AdaptationMemory>>,
    ) -> Rc<RunController> {
        let controller = Rc::new(RunController {
            page,
            _owner: Owner::current(),
            clock: PageClock,
            store: Database::new(),
            secrets,
            current: RefCell::new(None),
            on_secret_needed: RefCell::new(None),
            on_adapted: RefCell::new(None),
            on_lock_lost: RefCell::new(None),
            adaptation_memory,
            unshown_text: RefCell::default(),
            reasoning_bytes: Cell::default(),
            showing_text: Coalesced::default(),
            pending_checks: RefCell::default(),
            checking: Coalesced::default(),
            summarizing: Coalesced::default(),
            unshown_changes: RefCell::default(),
            showing_changes: Coalesced::default(),
            persisting: Coalesced::default(),
            closing: RefCell::default(),
            wake_at: Cell::new(None),
            waking: Coalesced::default(),
            ticking: Coalesced::default(),
            tabs: RefCell::default(),
            network: RefCell::default(),
            unread_changes: RefCell::default(),
            reading: Coalesced::default(),
            history_events: RefCell::default(),
        });
        let listening = Rc::downgrade(&controller);
        *controller.tabs.borrow_mut() = Some(Tabs::open(move |id, changes| {
            if let Some(controller) = listening.upgrade() {
                controller.on_message(&id, changes);
            }
        }));
        let deleted = Rc::downgrade(&controller);
        controller.store.on_deleted(move || {
            if let Some(controller) = deleted.upgrade() {
                controller.store_was_cleared();
            }
        });
        let watching = Rc::downgrade(&controller);
        *controller.network.borrow_mut() = Some(NetworkWatch::start(move |is_online| {
            if let Some(controller) = watching.upgrade() {
                controller.apply_unless_read_only(Event::Network { is_online });
            }
        }));
        controller
    }

    /// Sets what to call when the current run needs a secret.
    pub fn on_secret_needed(&self, call: impl Fn(SecretSlot) + 'static) {
        *self.on_secret_needed.borrow_mut() = Some(Box::new(call));
    }

    /// Sets what to call when an endpoint turned out to need adaptations.
    pub fn on_adapted(&self, call: impl Fn(&ModelEndpoint, &Adaptations) + 'static) {
        *self.on_adapted.borrow_mut() = Some(Box::new(call));
    }

    /// Sets what to call with the id of the current run when another tab takes it over.
    pub fn on_lock_lost(&self, call: impl Fn(String) + 'static) {
        *self.on_lock_lost.borrow_mut() = Some(Box::new(call));
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    pub fn clock(&self) -> PageClock {
        self.clock
    }

    pub fn store(&self) -> &Database {
        &self.store
    }

    /// Calls `read` with the current run; `None` if there is none.
    pub fn with_run<T>(&self, read: impl FnOnce(&Run) -> T) -> Option<T> {
        self.current
            .borrow()
            .as_ref()
            .map(|current| read(&current.run))
    }

    /// Whether the current run is generating or posting.
    pub fn is_busy(&self) -> bool {
        let is_generating =
            self.with_run(|run| matches!(run.generation(), GenerationState::Running { .. }));
        is_generating == Some(true) || self.is_posting()
    }

    fn is_posting(&self) -> bool {
        self.with_run(Run::is_posting) == Some(true)
    }

    /// Closes the current run, shows `run` instead and executes the effects of `step`. Without its
    /// `lock` the run is read-only in this tab.
    pub fn show_run(
        self: &Rc<Self>,
        run: Run,
        check: Arc<dyn Check>,
        step: Step,
        lock: Option<TabLock>,
    ) {
        self.close_run();
        let driver = match run.mode() {
            Mode::Dry => RunDriver::Dry(DryDriver::new(self.clock)),
            Mode::Live => RunDriver::Live(LiveDriver::new(Fetch, Fetch, Rc::clone(&self.secrets))),
        };
        let connection = &run.connection().id;
        self.secrets.borrow_mut().use_connection(connection);
        self.page.show(Some(&run));
        let mut write_queue = WriteQueue::default();
        write_queue.add(step.changes);
        let is_read_only = lock.is_none();
        if let Some(lock) = &lock {
            self.watch_lock(&run.id().to_string(), lock);
        }
        *self.current.borrow_mut() = Some(Current {
            run,
            check,
            driver: Rc::new(driver),
            stop: StopSignal::default(),
            lock: Rc::new(RefCell::new(lock)),
            write_queue: Rc::new(RefCell::new(write_queue)),
        });
        self.find_delivered_titles();
        self.show_withdrawn(step.withdrawn_approvals);
        for effect in step.effects {
            self.execute(effect);
        }
        self.persist_soon();
        if !is_read_only {
            self.apply(Event::Network {
                is_online: network::is_online(),
            });
        }
    }

    /// Reads what other runs delivered, for the findings about the tasks of the current run.
    fn find_delivered_titles(self: &Rc<Self>) {
        let live = |run: &Run| (run.mode() == Mode::Live).then(|| run.id().clone());
        let Some(id) = self.with_run(live).flatten() else {
            return;
        };
        let controller = Rc::clone(self);
        spawn_local(async move {
            // Without them, only this finding is missing.
            let tasks = driver::delivered_tasks(controller.store(), &id).await;
            let is_current = controller.with_run(|run| *run.id() == id) == Some(true);
            if let (Ok(tasks), true) = (tasks, is_current) {
                let titles = Arc::new(DeliveredTitles::new(tasks));
                controller.page.delivered_titles.set(titles);
            }
        });
    }

    /// Whether this tab has the lock of the current run.
    pub fn holds_lock(&self) -> bool {
        self.current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.lock.borrow().is_some())
    }

    /// Whether the lock of the current run keeps other tabs away; `None` if this tab does not have it.
    pub fn is_protected(&self) -> Option<bool> {
        let current = self.current.borrow();
        let lock = current.as_ref()?.lock.borrow();
        lock.as_ref().map(|lock| lock.no_protection().is_none())
    }

    /// Closes the current run: stops its call to the model, stores its remaining changes and clears the
    /// page. The lock is released when they are stored, so that a tab that takes over reads them.
    pub fn close_run(self: &Rc<Self>) {
        if let Some(current) = self.take_off_page() {
            let controller = Rc::clone(self);
            spawn_local(async move {
                controller.persist_rest(&current).await;
            });
        }
    }

    /// Closes the current run as [`close_run`](Self::close_run) does, waits until its changes are stored,
    /// and returns its lock.
    pub async fn close_run_and_keep_lock(&self) -> Option<TabLock> {
        let current = self.take_off_page()?;
        self.persist_rest(&current).await;
        current.lock.take()
    }

    /// Takes the current run off the page. Returns it if this tab has its lock.
    fn take_off_page(&self) -> Option<Current> {
        let current = self.current.borrow_mut().take();
        if let Some(current) = &current {
            current.stop.stop();
        }
        self.wake_at.set(None);
        self.unread_changes.borrow_mut().clear();
        self.unshown_changes.borrow_mut().clear();
        self.pending_checks.borrow_mut().clear();
        self.unshown_text.borrow_mut().clear();
        let connection = self.page.connection.get_untracked().id;
        self.secrets.borrow_mut().use_connection(&connection);
        self.page.show(None);
        current.filter(|current| current.lock.borrow().is_some())
    }

    /// Applies an event to the current run.
    pub fn apply(self: &Rc<Self>, event: Event) {
        if let Some(id) = self.with_run(|run| run.id().clone()) {
            self.apply_to(&id, event);
        }
    }

    /// Applies an event to the current run, unless this tab is read-only.
    pub fn apply_unless_read_only(self: &Rc<Self>, event: Event) {
        if self.holds_lock() {
            self.apply(event);
        }
    }

    /// Applies an event to a run if it is still the current one. Ignores late events of earlier runs.
    fn apply_to(self: &Rc<Self>, id: &RunId, event: Event) {
        self.apply_part_to(id, event, None);
    }

    /// Applies an event that continues the action with this number, if there is one.
    fn apply_part_to(self: &Rc<Self>, id: &RunId, event: Event, action: Option<u32>) {
        let step = {
            let mut current = self.current.borrow_mut();
            let Some(current) = current.as_mut().filter(|current| current.run.id() == id) else {
                return;
            };
            let was_posting = current.run.is_posting();
            let mut step = current.run.apply_part(event, self.clock.now(), action);
            let shown = step.display_changes.drain(..).map(Change::Draft);
            self.unshown_changes
                .borrow_mut()
                .extend(step.changes.iter().cloned().chain(shown));
            if !(was_posting && current.run.is_posting()) {
                self.show_changes(&current.run);
            }
            if was_posting && !current.run.is_posting() {
                self.page.announcement.set(summary(&current.run));
            }
            current.write_queue.borrow_mut().add(step.changes.drain(..));
            step
        };
        self.show_changes_soon();
        self.summarize_soon();
        match step.refused {
            Some(error) => self.show_problem(&error),
            None => self.clear_problem(),
        }
        self.show_withdrawn(step.withdrawn_approvals);
        for effect in step.effects {
            self.execute(effect);
        }
        self.persist_soon();
        self.tick_soon();
    }

    fn show_problem(&self, error: &RunError) {
        self.clear_problem();
        self.page.problems.update(|problems| {
            problems.push(Problem {
                code: RUN_PROBLEM.to_owned(),
                what: heading(&error.to_string()),
                hint: error.hint().to_owned(),
            });
        });
    }

    /// Tells the operator that the run withdrew approvals by itself.
    fn show_withdrawn(&self, withdrawn: Option<WithdrawnApprovals>) {
        let Some(WithdrawnApprovals { count, cause }) = withdrawn else {
            return;
        };
        let verb = if count == 1 { "was" } else { "were" };
        let problem = Problem {
            code: cause.code().to_owned(),
            what: format!("{} {verb} withdrawn: {cause}", counted(count, "approval")),
            hint: cause.hint().to_owned(),
        };
        self.page.problems.update(|problems| {
            problems.retain(|shown| shown.code != problem.code);
            problems.push(problem);
        });
    }

    fn clear_problem(&self) {
        if self
            .page
            .problems
            .get_untracked()
            .iter()
            .any(|problem| problem.code == RUN_PROBLEM)
        {
            self.page
                .problems
                .update(|problems| problems.retain(|problem| problem.code != RUN_PROBLEM));
        }
    }
}

fn lock_name(id: &str) -> String {
    format!("run.{id}")
}

/// Code of the problem shown when the run refuses an action. The next action clears it.
const RUN_PROBLEM: &str = "action_refused";

/// The announcement at the end or a pause of posting.
fn summary(run: &Run) -> String {
    let state = match run.batch() {
        Batch::Paused { .. } => "Posting paused",
        _ => "Posting ended",
    };
    format!("{state}. {}", run.summary().sentence())
}
