//! Runs the run that is shown: takes events, lets it say what is to be done, has that carried out,
//! keeps what changed and shows it.
//!
//! `carrying` carries effects out, `keeping` writes down, `timing` holds the timers, `parts` cuts
//! long work up, and `follower` is for tabs that show what another one does.

mod effects;
mod follower;
mod persistence;
mod refresh;
mod timing;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Owner, Set, Update};

use crate::browser::clock::PageClock;
use crate::browser::database::Database;
use crate::browser::fetch::Fetch;
use crate::browser::lock::HeldLock;
use crate::browser::network::{self, NetworkWatch};
use crate::browser::tabs::Tabs;
use crate::driver::{DryDriver, LiveDriver, WriteQueue};
use crate::model::{FormatMemory, ResponseFormat};
use crate::ports::{Clock, StopSignal};
use crate::review::{DraftId, RunId};
use crate::run::{Batch, Change, Changes, Event, Mode, Run, RunError, Step};
use crate::schema::Check;
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::ModelEndpoint;
use crate::ui::page::{Page, Problem};

/// What carries out the effects of the run that is shown. That of a dry run has no way to the
/// network in any of its parts.
enum RunDriver {
    Dry(DryDriver<PageClock>),
    Live(LiveDriver<Fetch, Fetch>),
}

/// The run that is shown, and what it needs.
struct Current {
    run: Run,
    check: Arc<dyn Check>,
    driver: Rc<RunDriver>,
    stop: StopSignal,
    /// Held while this tab is the one that may post the run; none where another tab is, or while
    /// that is being found out.
    lock: Rc<RefCell<Option<HeldLock>>>,
    /// What waits to be written.
    write_queue: Rc<RefCell<WriteQueue>>,
}

/// Called when a run wants a secret, with why an earlier one was not accepted.
type OnSecretNeeded = Box<dyn Fn(SecretSlot)>;
/// Called when an endpoint was found not to take more than a rung.
type OnFormat = Box<dyn Fn(&ModelEndpoint, ResponseFormat)>;

/// Runs the run that is shown.
pub(super) struct RunController {
    page: Page,
    /// Keeps the page's state for as long as something may still be told to it.
    _owner: Option<Owner>,
    clock: PageClock,
    store: Database,
    secrets: Rc<RefCell<Keyring>>,
    current: RefCell<Option<Current>>,
    on_secret_needed: RefCell<Option<OnSecretNeeded>>,
    on_format: RefCell<Option<OnFormat>>,
    /// What endpoints were found not to take.
    format_memory: Rc<RefCell<FormatMemory>>,
    arrived: RefCell<String>,
    flush_is_due: Cell<bool>,
    checks: RefCell<VecDeque<Unchecked>>,
    checker_is_busy: Cell<bool>,
    summary_is_due: Cell<bool>,
    /// What changed and was not shown yet.
    unshown: RefCell<Changes>,
    showing_is_due: Cell<bool>,
    keeping_is_due: Cell<bool>,
    /// When the run is to be woken, in milliseconds since 1970.
    wake_at: Cell<Option<u64>>,
    waker_is_busy: Cell<bool>,
    ticker_is_busy: Cell<bool>,
    tabs: RefCell<Option<Tabs>>,
    network: RefCell<Option<NetworkWatch>>,
    /// What another tab wrote of the run that is looked on, and was not read yet.
    unread: RefCell<Changes>,
    reader_is_busy: Cell<bool>,
}

/// A text that waits for its check.
struct Unchecked {
    draft: DraftId,
    revision: u32,
    text: Arc<str>,
}

impl RunController {
    pub fn new(
        page: Page,
        secrets: Rc<RefCell<Keyring>>,
        format_memory: Rc<RefCell<FormatMemory>>,
    ) -> Rc<RunController> {
        let controller = Rc::new(RunController {
            page,
            _owner: Owner::current(),
            clock: PageClock,
            store: Database::new(),
            secrets,
            current: RefCell::new(None),
            on_secret_needed: RefCell::new(None),
            on_format: RefCell::new(None),
            format_memory,
            arrived: RefCell::new(String::new()),
            flush_is_due: Cell::new(false),
            checks: RefCell::default(),
            checker_is_busy: Cell::new(false),
            summary_is_due: Cell::new(false),
            unshown: RefCell::default(),
            showing_is_due: Cell::new(false),
            keeping_is_due: Cell::new(false),
            wake_at: Cell::new(None),
            waker_is_busy: Cell::new(false),
            ticker_is_busy: Cell::new(false),
            tabs: RefCell::default(),
            network: RefCell::default(),
            unread: RefCell::default(),
            reader_is_busy: Cell::new(false),
        });
        let listening = Rc::downgrade(&controller);
        *controller.tabs.borrow_mut() = Some(Tabs::open(move |id, changes| {
            if let Some(controller) = listening.upgrade() {
                controller.heard(&id, changes);
            }
        }));
        let watching = Rc::downgrade(&controller);
        *controller.network.borrow_mut() = Some(NetworkWatch::start(move |is_online| {
            if let Some(controller) = watching.upgrade() {
                controller.apply_in_charge(Event::Network { is_online });
            }
        }));
        controller
    }

    /// Says what to do when a secret is wanted.
    pub fn on_secret_needed(&self, ask: impl Fn(SecretSlot) + 'static) {
        *self.on_secret_needed.borrow_mut() = Some(Box::new(ask));
    }

    /// Says what to do when an endpoint was found not to take more than a rung.
    pub fn on_format(&self, remember: impl Fn(&ModelEndpoint, ResponseFormat) + 'static) {
        *self.on_format.borrow_mut() = Some(Box::new(remember));
    }

    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    pub fn store(&self) -> &Database {
        &self.store
    }

    /// Looks at the run that is shown.
    pub fn with_run<T>(&self, look: impl FnOnce(&Run) -> T) -> Option<T> {
        self.current
            .borrow()
            .as_ref()
            .map(|current| look(&current.run))
    }

    /// Whether an answer arrives or tasks are being posted.
    pub fn is_busy(&self) -> bool {
        self.with_run(|run| {
            matches!(
                run.generation(),
                crate::run::GenerationState::Running { .. }
            ) || run.is_posting()
        })
        .unwrap_or(false)
    }

    /// Shows a run and lets it begin. What the one before it was doing is stopped.
    /// `lock` makes this the one tab that may post it.
    pub fn begin(
        self: &Rc<Self>,
        run: Run,
        check: Arc<dyn Check>,
        step: Step,
        lock: Option<HeldLock>,
    ) {
        self.leave();
        let driver = match run.mode() {
            Mode::Dry => RunDriver::Dry(DryDriver::new(self.clock)),
            Mode::Live => RunDriver::Live(LiveDriver::new(Fetch, Fetch, Rc::clone(&self.secrets))),
        };
        self.page.show(Some(&run));
        let mut write_queue = WriteQueue::default();
        write_queue.note(step.changes.into_iter().chain([Change::Run]));
        let is_in_charge = lock.is_some();
        *self.current.borrow_mut() = Some(Current {
            run,
            check,
            driver: Rc::new(driver),
            stop: StopSignal::default(),
            lock: Rc::new(RefCell::new(lock)),
            write_queue: Rc::new(RefCell::new(write_queue)),
        });
        for effect in step.effects {
            self.carry(effect);
        }
        self.keep_soon();
        if is_in_charge {
            self.apply(Event::Network {
                is_online: network::is_online(),
            });
        }
    }

    /// Whether this tab is the one that may post the run that is shown.
    pub fn holds_lock(&self) -> bool {
        self.current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.lock.borrow().is_some())
    }

    /// Shows no run. What was under way is stopped; what is kept stays kept.
    pub fn leave(self: &Rc<Self>) {
        if let Some(current) = self.current.borrow_mut().take() {
            current.stop.stop();
            if current.lock.borrow().is_some() {
                let rest = current.write_queue.borrow_mut().take_rest(&current.run);
                self.keep_rest(rest, current.lock);
            }
        }
        self.wake_at.set(None);
        self.unread.borrow_mut().clear();
        self.unshown.borrow_mut().clear();
        self.checks.borrow_mut().clear();
        self.arrived.borrow_mut().clear();
        self.page.show(None);
    }

    /// Tells the run that is shown what the operator did.
    pub fn apply(self: &Rc<Self>, event: Event) {
        if let Some(id) = self.with_run(|run| run.id().clone()) {
            self.apply_to(&id, event);
        }
    }

    /// Tells the run that is shown what happened, where this tab is the one in charge of it.
    pub fn apply_in_charge(self: &Rc<Self>, event: Event) {
        if self.holds_lock() {
            self.apply(event);
        }
    }

    /// Tells a run what happened in the world. What comes from a run that is not shown any more is
    /// not taken for news of the one that is.
    fn apply_to(self: &Rc<Self>, id: &RunId, event: Event) {
        let step = {
            let mut current = self.current.borrow_mut();
            let Some(current) = current.as_mut().filter(|current| current.run.id() == id) else {
                return;
            };
            let was_posting = current.run.is_posting();
            let mut step = current.run.apply(event, self.clock.now());
            let shown = step.shown.drain(..).map(Change::Draft);
            self.unshown
                .borrow_mut()
                .extend(step.changes.iter().cloned().chain(shown));
            if !(was_posting && current.run.is_posting()) {
                self.show_changes(&current.run);
            }
            if was_posting && !current.run.is_posting() {
                self.page.announcement.set(summary(&current.run));
            }
            current
                .write_queue
                .borrow_mut()
                .note(step.changes.drain(..));
            step
        };
        self.show_changes_soon();
        self.summarize_soon();
        match step.refused {
            Some(error) => self.say(&error),
            None => self.unsay(),
        }
        for effect in step.effects {
            self.carry(effect);
        }
        self.keep_soon();
        self.tick_soon();
    }

    fn say(&self, error: &RunError) {
        self.unsay();
        self.page.problems.update(|problems| {
            problems.push(Problem {
                code: RUN_PROBLEM.to_owned(),
                what: error.to_string(),
                hint: error.hint().to_owned(),
            });
        });
    }

    fn unsay(&self) {
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

/// What an act came to that the run did not allow; the next act takes it away.
const RUN_PROBLEM: &str = "act_refused";

/// What was done, in numbers.
fn summary(run: &Run) -> String {
    let said = match run.batch() {
        Batch::Paused { .. } => "Posting waits",
        _ => "Posting ended",
    };
    format!("{said}. {}", run.summary().words())
}
