//! The page: the run, the write queue and the live driver, connected as in the application.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use taskwright::driver::{self, LiveDriver, Loaded, Report, Transaction, WriteQueue};
use taskwright::http::PreparedRequest;
use taskwright::ports::{
    CallEnd, ModelTransport, Needed, ResponsePart, StopSignal, StoreError, Table,
};
use taskwright::review::{Approval, DraftId};
use taskwright::run::{Change, Effect, Event, Posting, Run, RunError, Step};
use taskwright::secrets::{Keyring, SecretSlot};

use crate::server::Wire;
use crate::store::Committed;

/// A model that is never called.
struct NoModel;

impl ModelTransport for NoModel {
    async fn call(
        &self,
        _request: &PreparedRequest,
        _timeouts: taskwright::ports::Timeouts,
        _stop: &StopSignal,
        _on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> CallEnd {
        panic!("the model is never called")
    }
}

type PendingRequest = Pin<Box<dyn Future<Output = ()>>>;

/// A transaction in progress.
pub enum Pending {
    /// It has not ended.
    Begun(Transaction),
    /// It has ended; the page does not know yet.
    Ended(Transaction, Result<(), StoreError>),
}

/// The simulated page.
pub struct Client {
    pub run: Run,
    write_queue: WriteQueue,
    driver: Rc<LiveDriver<NoModel, Wire>>,
    secrets: Rc<RefCell<Keyring>>,
    store: Committed,
    /// The run as it was last read from the store.
    reader: RefCell<Option<Run>>,
    /// The transaction in progress.
    pub transaction: Option<Pending>,
    /// Whether the store was cleared and no transaction noticed that yet.
    is_cleared: bool,
    requests: Vec<PendingRequest>,
    /// Events that were reported but not applied.
    pub inbox: Rc<RefCell<VecDeque<Event>>>,
    /// When the run asked to be woken.
    pub wake_at: Option<u64>,
    /// Whether the run requested a token.
    pub needs_token: bool,
    now: Rc<Cell<u64>>,
}

impl Client {
    /// Opens a page with a run and a step that was not carried out.
    pub fn open(run: Run, step: Step, store: Committed, wire: Wire, now: Rc<Cell<u64>>) -> Client {
        let secrets: Rc<RefCell<Keyring>> = Rc::default();
        let driver = LiveDriver::new(NoModel, wire, Rc::clone(&secrets));
        let mut client = Client {
            run,
            write_queue: WriteQueue::default(),
            driver: Rc::new(driver),
            secrets,
            store,
            reader: RefCell::default(),
            transaction: None,
            is_cleared: false,
            requests: Vec::new(),
            inbox: Rc::default(),
            wake_at: None,
            needs_token: false,
            now,
        };
        client.carry_out(step);
        client
    }

    /// Reopens the page with what was committed; `None` if the store lost the run.
    pub fn reopen(id: &str, store: Committed, wire: Wire, now: Rc<Cell<u64>>) -> Option<Client> {
        let (run, step) = load(&store, id, now.get())?;
        Some(Client::open(run, step, store, wire, now))
    }

    /// Closes the run, as archiving it or starting another one does, and shows the run with this id.
    /// What was not stored yet is written after the transaction in progress. Either write may fail,
    /// and then the page shows what is stored. Returns whether the store has the run; if not, the
    /// page stays as it is.
    pub fn close_and_load(&mut self, id: &str, fails: [bool; 2], is_late: bool) -> bool {
        self.write_queue.forget_attempts();
        let late = match self.transaction.take() {
            Some(Pending::Begun(transaction)) => {
                let result = self.write(&transaction, fails[0]);
                self.write_queue.done(transaction, &result)
            }
            Some(Pending::Ended(transaction, result)) => {
                self.write_queue.done(transaction, &result)
            }
            None => Vec::new(),
        };
        while let Some(transaction) = self.write_queue.next(&self.run) {
            let result = self.write(&transaction, fails[1]);
            self.write_queue.done(transaction, &result);
            if !matches!(result, Ok(()) | Err(StoreError::Cleared)) {
                break;
            }
        }
        let Some((run, step)) = load(&self.store, id, self.now.get()) else {
            return false;
        };
        // Requests, reports and the secrets belong to the page, not to its run.
        self.run = run;
        self.write_queue = WriteQueue::default();
        self.wake_at = None;
        self.write_queue.add([Change::Run]);
        self.carry_out(step);
        for event in late {
            // Events of an earlier run that is not shown are ignored.
            if is_late && is_about(&event, &self.run) {
                self.apply(event);
            }
        }
        true
    }

    /// The store lost its records, and the page noticed.
    pub fn store_was_cleared(&mut self) {
        self.transaction = self.transaction.take().map(|pending| match pending {
            Pending::Begun(transaction) => {
                let lost = StoreError::Failed {
                    reason: "the database was deleted".to_owned(),
                };
                Pending::Ended(transaction, Err(lost))
            }
            ended => ended,
        });
        self.is_cleared = true;
        self.write_queue.store_was_cleared();
        self.apply(Event::StoreCleared);
        self.advance();
    }

    /// Panics unless the store has the attempt with the very body that leaves.
    fn expect_in_journal(&self, posting: &Posting) {
        let id = &posting.draft;
        let key = format!("{}-{:010}", id.run, id.ordinal);
        let record = self.store.get(Table::Drafts, &key);
        let record = record.expect("what leaves has a record");
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let attempts = record["delivery"]["attempts"].as_array().unwrap();
        let attempt = attempts
            .last()
            .expect("what leaves has an attempt in its record");
        assert_eq!(attempt["number"], posting.attempt);
        assert_eq!(attempt["digest"], *posting.approval.digest);
        assert_eq!(attempt["outcome"], serde_json::Value::Null);
        assert_eq!(self.stored_approval(id).as_ref(), Some(&posting.approval));
    }

    /// The approval of a draft as a page reads it that shows what is stored. That page reads only what may
    /// have changed: loading the whole run for each request would take a third of the time.
    fn stored_approval(&self, id: &DraftId) -> Option<Approval> {
        let mut reader = self.reader.borrow_mut();
        if let Some(run) = reader.as_mut().filter(|run| *run.id() == id.run) {
            let changes = [Change::Setup, Change::Run, Change::Draft(id.clone())];
            let records = run_now(driver::load_changes(&self.store, &changes, &id.run)).unwrap();
            run.apply_records(records);
            if let Some(draft) = run.draft(id) {
                return draft.approval().cloned();
            }
        }
        let loaded = run_now(driver::load_read_only(&self.store, &id.run.to_string())).unwrap();
        let Loaded::Run(run, _) = loaded else {
            panic!("the run cannot be loaded: {loaded:?}");
        };
        let run = reader.insert(*run);
        run.draft(id).and_then(|draft| draft.approval().cloned())
    }

    /// Enters a token.
    pub fn enter_token(&mut self, token: &str) {
        let server = self.run.connection().task_server.clone().unwrap();
        self.secrets
            .borrow_mut()
            .give(SecretSlot::AGENT_TOKEN, &server.url, token)
            .unwrap();
        self.needs_token = false;
    }

    /// Applies an event to the run and carries out its effects.
    pub fn apply(&mut self, event: Event) -> Option<RunError> {
        let mut step = self.run.apply(event, self.now.get());
        let refused = step.refused.take();
        self.carry_out(step);
        refused
    }

    fn carry_out(&mut self, step: Step) {
        self.write_queue.add(step.changes);
        for effect in step.effects {
            match effect {
                Effect::Journal(entry) => self.write_queue.add_attempt(entry),
                Effect::Deliver(posting) => {
                    self.expect_in_journal(&posting);
                    let driver = Rc::clone(&self.driver);
                    let inbox = Rc::clone(&self.inbox);
                    let server = self.run.connection().task_server.clone();
                    let now = Rc::clone(&self.now);
                    self.requests.push(Box::pin(async move {
                        let report = |report: Report| match report {
                            Report::Event(event) => inbox.borrow_mut().push_back(*event),
                            other => panic!("{other:?}"),
                        };
                        let now = || now.get();
                        driver.deliver(server.as_ref(), posting, now, &report).await;
                    }));
                }
                Effect::LookUp { draft, key } => {
                    let driver = Rc::clone(&self.driver);
                    let inbox = Rc::clone(&self.inbox);
                    let server = self.run.connection().task_server.clone();
                    let now = Rc::clone(&self.now);
                    self.requests.push(Box::pin(async move {
                        let report = |report: Report| match report {
                            Report::Event(event) => inbox.borrow_mut().push_back(*event),
                            other => panic!("{other:?}"),
                        };
                        let now = || now.get();
                        driver
                            .look_up(server.as_ref(), draft, &key, now, &report)
                            .await;
                    }));
                }
                // Every task is valid.
                Effect::Check {
                    draft, revision, ..
                } => self.inbox.borrow_mut().push_back(Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                }),
                Effect::WakeAt(at) => {
                    self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
                }
                Effect::RequestSecret(_) => self.needs_token = true,
                other => panic!("{other:?}"),
            }
        }
        self.advance();
    }

    /// Begins the next transaction if none is in progress, and advances all requests.
    pub fn advance(&mut self) {
        if self.transaction.is_none() {
            self.transaction = self.write_queue.next(&self.run).map(Pending::Begun);
        }
        let mut context = Context::from_waker(Waker::noop());
        self.requests
            .retain_mut(|future| future.as_mut().poll(&mut context).is_pending());
    }

    /// Writes a transaction, unless the disk is full.
    fn write(&mut self, transaction: &Transaction, is_full: bool) -> Result<(), StoreError> {
        if std::mem::take(&mut self.is_cleared) {
            return Err(StoreError::Cleared);
        }
        if is_full {
            return Err(StoreError::Full {
                reason: "no space".to_owned(),
            });
        }
        self.store.commit(&transaction.entries);
        Ok(())
    }

    /// Advances the transaction in progress by one step. Fails it if the disk is full. Returns what
    /// was committed.
    pub fn step_transaction(&mut self, is_full: bool) -> Vec<Change> {
        match self.transaction.take() {
            Some(Pending::Begun(transaction)) => {
                let result = self.write(&transaction, is_full);
                let committed = match &result {
                    Ok(()) => transaction.changes().to_vec(),
                    Err(_) => Vec::new(),
                };
                self.transaction = Some(Pending::Ended(transaction, result));
                return committed;
            }
            Some(Pending::Ended(transaction, result)) => {
                for event in self.write_queue.done(transaction, &result) {
                    self.apply(event);
                }
                // Failed writes are repeated with the next change only.
                if matches!(result, Ok(()) | Err(StoreError::Cleared)) {
                    self.advance();
                }
            }
            None => {}
        }
        Vec::new()
    }
}

/// Whether an event is about a run that the page shows.
pub fn is_about(event: &Event, run: &Run) -> bool {
    let draft = match event {
        Event::Journaled(entry) => &entry.draft,
        Event::JournalFailed { draft, .. }
        | Event::AttemptEnded { draft, .. }
        | Event::LookedUp { draft, .. }
        | Event::Checked { draft, .. } => draft,
        other => panic!("{other:?}"),
    };
    draft.run == *run.id()
}

/// Loads a run to continue it; `None` if the store does not have it.
fn load(store: &Committed, id: &str, now: u64) -> Option<(Run, Step)> {
    match run_now(driver::load(store, id, now)).unwrap() {
        Loaded::Run(run, mut step) => {
            step.effects.extend(run.checks_due().effects);
            Some((*run, step))
        }
        Loaded::Absent => None,
        Loaded::Unreadable(error) => panic!("the run cannot be loaded: {error}"),
    }
}

/// Runs a future that never waits.
pub fn run_now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the store never waits"),
    }
}
