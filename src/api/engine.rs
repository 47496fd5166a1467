//! Runs a run: takes events, lets it say what is to be done, has that carried out, keeps what
//! changed and shows it.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Owner, Set, Update};
use wasm_bindgen_futures::spawn_local;

use crate::browser::clock::PageClock;
use crate::browser::database::Database;
use crate::browser::fetch::Fetch;
use crate::browser::lock::{self, Held};
use crate::document::Document;
use crate::driver::{self, Assignment, DryDriver, IDLE_MILLISECONDS, LiveDriver, Report};
use crate::ports::{Clock, Durability, Entry, StopSignal, Store, StoreError};
use crate::review::{DraftId, DraftState, RunId};
use crate::run::{Batch, Change, Effect, Event, Mode, Run, RunError, Step};
use crate::schema::Check;
use crate::secrets::{Keyring, SecretName};
use crate::ui::page::{Page, Problem};

/// The text that is shown of an answer while it arrives, in characters.
const TAIL_CHARACTERS: usize = 160;

/// What carries out the effects of the run that is shown. That of a dry run has no way to the
/// network in any of its parts.
enum Carrier {
    Dry(DryDriver<PageClock>),
    Live(LiveDriver<Fetch, Fetch>),
}

/// The run that is shown, and what it needs.
struct Current {
    run: Run,
    check: Arc<dyn Check>,
    carrier: Rc<Carrier>,
    stop: StopSignal,
    /// Held while this tab is the one that may post the run; none where another tab is, or while
    /// that is being found out.
    lock: Rc<RefCell<Option<Held>>>,
}

/// Called when a run wants a secret, with why an earlier one was not accepted.
type OnAsk = Box<dyn Fn(SecretName)>;

/// Runs the run that is shown.
pub(super) struct Engine {
    page: Page,
    /// Keeps the page's state for as long as something may still be told to it.
    _owner: Option<Owner>,
    clock: PageClock,
    store: Database,
    secrets: Rc<RefCell<Keyring>>,
    current: RefCell<Option<Current>>,
    on_ask: RefCell<Option<OnAsk>>,
    arrived: RefCell<String>,
    flush_is_due: Cell<bool>,
    checks: RefCell<VecDeque<Unchecked>>,
    checker_is_busy: Cell<bool>,
    unwritten: RefCell<HashSet<Change>>,
    writer_is_busy: Cell<bool>,
    summary_is_due: Cell<bool>,
}

/// A text that waits for its check.
struct Unchecked {
    draft: DraftId,
    revision: u32,
    document: Document,
}

/// Checks go on for so long before the page gets a chance to be drawn and used, in milliseconds.
const CHECKING_MILLISECONDS: u64 = 12;

impl Engine {
    pub fn new(page: Page, secrets: Rc<RefCell<Keyring>>) -> Rc<Engine> {
        Rc::new(Engine {
            page,
            _owner: Owner::current(),
            clock: PageClock,
            store: Database::new(),
            secrets,
            current: RefCell::new(None),
            on_ask: RefCell::new(None),
            arrived: RefCell::new(String::new()),
            flush_is_due: Cell::new(false),
            checks: RefCell::default(),
            checker_is_busy: Cell::new(false),
            unwritten: RefCell::default(),
            writer_is_busy: Cell::new(false),
            summary_is_due: Cell::new(false),
        })
    }

    /// Says what to do when a secret is wanted.
    pub fn on_ask(&self, ask: impl Fn(SecretName) + 'static) {
        *self.on_ask.borrow_mut() = Some(Box::new(ask));
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
            matches!(run.generation(), crate::run::Generation::Running { .. }) || run.is_posting()
        })
        .unwrap_or(false)
    }

    /// Shows a run and lets it begin. What the one before it was doing is stopped.
    /// `lock` makes this the one tab that may post it.
    pub fn begin(self: &Rc<Self>, run: Run, check: Arc<dyn Check>, step: Step, lock: Option<Held>) {
        self.leave();
        let carrier = match run.mode() {
            Mode::Dry => Carrier::Dry(DryDriver::new(self.clock)),
            Mode::Live => Carrier::Live(LiveDriver::new(
                Fetch,
                Fetch,
                Rc::clone(&self.secrets),
                IDLE_MILLISECONDS,
            )),
        };
        self.page.show(Some(&run));
        self.page.warnings.set(Vec::new());
        let changes = step.changes.into_iter().chain([Change::Run]);
        self.unwritten.borrow_mut().extend(changes);
        *self.current.borrow_mut() = Some(Current {
            run,
            check,
            carrier: Rc::new(carrier),
            stop: StopSignal::default(),
            lock: Rc::new(RefCell::new(lock)),
        });
        self.write_soon();
        for effect in step.effects {
            self.carry(effect);
        }
    }

    /// Becomes the one tab that may post the run that is shown and was just begun: no other tab
    /// knows of it yet.
    pub fn take_lock(self: &Rc<Self>) {
        let Some((id, slot)) = self
            .current
            .borrow()
            .as_ref()
            .map(|current| (current.run.id().to_string(), Rc::clone(&current.lock)))
        else {
            return;
        };
        let engine = Rc::clone(self);
        spawn_local(async move {
            let held = lock::take(&lock_name(&id)).await;
            *slot.borrow_mut() = held;
            engine.write_soon();
        });
    }

    /// Tries to become the one tab that may post a run, before it is read: what another tab did
    /// until then stands in its records. A tab that is just being reloaded gives its lock free a
    /// moment late.
    pub async fn lock_for(&self, id: &str) -> Option<Held> {
        for _ in 0..LOCK_ATTEMPTS {
            let held = lock::take(&lock_name(id)).await;
            if held.is_some() {
                return held;
            }
            self.clock.sleep(LOCK_PAUSE_MILLISECONDS).await;
        }
        None
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
            let changes = self.unwritten.take();
            let entries = match current.lock.borrow().is_some() {
                true => driver::entries(&current.run, &changes),
                false => Vec::new(),
            };
            let engine = Rc::clone(self);
            spawn_local(async move {
                engine.write(entries).await;
            });
        }
        self.checks.borrow_mut().clear();
        self.page.warnings.set(Vec::new());
        self.arrived.borrow_mut().clear();
        self.page.show(None);
    }

    /// Tells the run that is shown what the operator did.
    pub fn apply(self: &Rc<Self>, event: Event) {
        if let Some(id) = self.with_run(|run| run.id().clone()) {
            self.apply_to(&id, event);
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
            self.page.refresh_parts(&current.run, &step.changes);
            if was_posting && !current.run.is_posting() {
                self.page.announcement.set(summary(&current.run));
            }
            self.unwritten.borrow_mut().extend(step.changes.drain(..));
            step
        };
        self.write_soon();
        self.summarize_soon();
        match step.refused {
            Some(error) => self.say(&error),
            None => self.unsay(),
        }
        for effect in step.effects {
            self.carry(effect);
        }
    }

    fn carry(self: &Rc<Self>, effect: Effect) {
        let Some((id, carrier, check, stop)) = self.current.borrow().as_ref().map(|current| {
            (
                current.run.id().clone(),
                Rc::clone(&current.carrier),
                Arc::clone(&current.check),
                current.stop.clone(),
            )
        }) else {
            return;
        };
        let engine = Rc::clone(self);
        match effect {
            Effect::Generate => {
                let assignment = self.with_run(|run| {
                    Some(Assignment {
                        brief: run.brief()?.clone(),
                        schema: run.schema().clone(),
                        connection: run.connection().clone(),
                    })
                });
                let Some(assignment) = assignment.flatten() else {
                    return;
                };
                spawn_local(async move {
                    let still = stop.clone();
                    let report = move |report| engine.report(&id, &still, report);
                    match &*carrier {
                        Carrier::Dry(dry) => dry.generate(assignment, check, stop, &report).await,
                        Carrier::Live(live) => {
                            live.generate(assignment, check, stop, &report).await
                        }
                    }
                });
            }
            Effect::StopGeneration => stop.stop(),
            Effect::Check {
                draft,
                revision,
                document,
            } => {
                self.checks.borrow_mut().push_back(Unchecked {
                    draft,
                    revision,
                    document,
                });
                self.check_soon();
            }
            Effect::Journal { draft, attempt } => {
                // With it goes whatever could not be written before: the attempt alone would be of
                // no use after a reload.
                let mut changes = self.unwritten.take();
                changes.insert(Change::Draft(draft.clone()));
                let entries = self.with_run(|run| driver::entries(run, &changes));
                spawn_local(async move {
                    let entries = entries.unwrap_or_default();
                    let event = driver::journal(&engine.store, entries, draft, attempt).await;
                    if matches!(event, Event::JournalFailed { .. }) {
                        engine.unwritten.borrow_mut().extend(changes);
                    }
                    engine.apply_to(&id, event);
                });
            }
            Effect::Deliver(posting) => {
                let server = self
                    .with_run(|run| run.connection().task_server.clone())
                    .flatten();
                spawn_local(async move {
                    let still = StopSignal::default();
                    let report = move |report| engine.report(&id, &still, report);
                    match &*carrier {
                        Carrier::Dry(dry) => dry.deliver(posting, &report).await,
                        Carrier::Live(live) => {
                            live.deliver(server.as_ref(), posting, &report).await
                        }
                    }
                });
            }
            Effect::AskFor(name) => {
                if let Some(ask) = self.on_ask.borrow().as_ref() {
                    ask(name);
                }
            }
        }
    }

    fn report(self: &Rc<Self>, id: &RunId, stop: &StopSignal, report: Report) {
        match report {
            Report::Event(event) => self.apply_to(id, *event),
            Report::Text(text) => {
                // What still arrives after a stop is not shown.
                if !stop.is_stopped() {
                    self.arrived.borrow_mut().push_str(&text);
                    self.flush_soon();
                }
            }
            Report::Warning { code, message } => {
                if self.with_run(|run| run.id() == id) == Some(true) {
                    self.page.warnings.update(|warnings| {
                        warnings.push(Problem {
                            code,
                            what: message,
                            hint: String::new(),
                        });
                    });
                }
            }
        }
    }

    /// Shows what arrived at the next frame, however many pieces come until then.
    fn flush_soon(self: &Rc<Self>) {
        if self.flush_is_due.replace(true) {
            return;
        }
        let engine = Rc::clone(self);
        leptos::prelude::request_animation_frame(move || {
            engine.flush_is_due.set(false);
            let text = std::mem::take(&mut *engine.arrived.borrow_mut());
            engine.page.stream.update(|stream| {
                stream.characters += text.chars().count();
                stream.tail.push_str(&text);
                let over = stream.tail.chars().count().saturating_sub(TAIL_CHARACTERS);
                stream.tail = stream.tail.chars().skip(over).collect();
            });
        });
    }

    /// Checks what waits, a little at a time, so that the page answers input meanwhile.
    fn check_soon(self: &Rc<Self>) {
        if self.checker_is_busy.replace(true) {
            return;
        }
        let engine = Rc::clone(self);
        spawn_local(async move {
            loop {
                let began = engine.clock.now();
                while engine.check_one() {
                    if engine.clock.now().saturating_sub(began) >= CHECKING_MILLISECONDS {
                        break;
                    }
                }
                if engine.checks.borrow().is_empty() {
                    break;
                }
                engine.clock.sleep(0).await;
            }
            engine.checker_is_busy.set(false);
        });
    }

    /// Checks the next text; `false` where none waits.
    fn check_one(self: &Rc<Self>) -> bool {
        let Some(next) = self.checks.borrow_mut().pop_front() else {
            return false;
        };
        let check = self
            .current
            .borrow()
            .as_ref()
            .map(|current| Arc::clone(&current.check));
        if let Some(check) = check {
            let id = next.draft.run.clone();
            let checked = driver::checked(&check, next.draft, next.revision, &next.document);
            self.apply_to(&id, checked);
        }
        true
    }

    /// Counts anew once, however many steps come until then.
    fn summarize_soon(self: &Rc<Self>) {
        if self.summary_is_due.replace(true) {
            return;
        }
        let engine = Rc::clone(self);
        spawn_local(async move {
            engine.summary_is_due.set(false);
            engine.with_run(|run| engine.page.summarize(run));
        });
    }

    /// Writes what changed, one transaction after the other, each with all that changed until then.
    fn write_soon(self: &Rc<Self>) {
        // A tab that is not the one in charge writes over nobody's records.
        if !self.holds_lock()
            || self.unwritten.borrow().is_empty()
            || self.writer_is_busy.replace(true)
        {
            return;
        }
        let engine = Rc::clone(self);
        spawn_local(async move {
            loop {
                let changes = engine.unwritten.take();
                if changes.is_empty() {
                    break;
                }
                let entries = engine.with_run(|run| driver::entries(run, &changes));
                if !engine.write(entries.unwrap_or_default()).await {
                    // It is written with the next change, or before the next task leaves.
                    engine.unwritten.borrow_mut().extend(changes);
                    break;
                }
            }
            engine.writer_is_busy.set(false);
        });
    }

    /// Writes records and says whether that went well.
    async fn write(&self, entries: Vec<Entry>) -> bool {
        if entries.is_empty() {
            return true;
        }
        let written = self.store.write(entries, Durability::Relaxed).await;
        let is_written = written.is_ok();
        self.note_storage(written.err());
        is_written
    }

    /// Shows that nothing can be kept, or that it can again.
    pub fn note_storage(&self, error: Option<StoreError>) {
        let problem = error.map(|error| Problem {
            code: error.code().to_owned(),
            what: error.to_string(),
            hint: error.hint().to_owned(),
        });
        if self.page.storage_problem.get_untracked() != problem {
            self.page.storage_problem.set(problem);
        }
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

/// How often the lock of a run that comes back is tried for, and how long it is waited between.
const LOCK_ATTEMPTS: u32 = 3;
const LOCK_PAUSE_MILLISECONDS: u32 = 150;

fn lock_name(id: &str) -> String {
    format!("run.{id}")
}

/// What an act came to that the run did not allow; the next act takes it away.
const RUN_PROBLEM: &str = "act_refused";

/// What was done, in numbers.
fn summary(run: &Run) -> String {
    let counts = run.counts();
    let parts: Vec<String> = [
        (DraftState::Delivered, "delivered"),
        (DraftState::DryDelivered, "with a dry receipt"),
        (DraftState::Refused, "refused"),
        (DraftState::Failed, "failed"),
        (DraftState::Unknown, "of unknown fate"),
        (DraftState::Queued, "waiting"),
    ]
    .iter()
    .filter(|(state, _)| counts.of(*state) > 0)
    .map(|(state, word)| format!("{} {word}", counts.of(*state)))
    .collect();
    let said = match run.batch() {
        Batch::Paused { .. } => "Posting waits",
        _ => "Posting ended",
    };
    format!("{said}: {}.", parts.join(", "))
}
