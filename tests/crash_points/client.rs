//! The page: the run, the write queue and the live driver, connected as in the application.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use taskwright::driver::{self, LiveDriver, Loaded, Report, Transaction, WriteQueue};
use taskwright::http::PreparedRequest;
use taskwright::ports::{CallEnd, ModelTransport, Needed, ResponsePart, StopSignal, StoreError};
use taskwright::run::{Effect, Event, Run, RunError, Step};
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
    /// The transaction in progress.
    pub transaction: Option<Pending>,
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
            transaction: None,
            requests: Vec::new(),
            inbox: Rc::default(),
            wake_at: None,
            needs_token: false,
            now,
        };
        client.carry_out(step);
        client
    }

    /// Reopens the page with what was committed.
    pub fn reopen(id: &str, store: Committed, wire: Wire, now: Rc<Cell<u64>>) -> Client {
        let loaded = run_now(driver::load(&store, id, now.get())).unwrap();
        let Loaded::Run(run, step) = loaded else {
            panic!("the run cannot be loaded: {loaded:?}");
        };
        Client::open(*run, step, store, wire, now)
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
                Effect::Journal { draft, attempt } => self.write_queue.add_attempt(draft, attempt),
                Effect::Deliver(posting) => {
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

    /// Advances the transaction in progress by one step. Fails it if the disk is full.
    pub fn step_transaction(&mut self, is_full: bool) {
        match self.transaction.take() {
            Some(Pending::Begun(transaction)) => {
                let result = if is_full {
                    Err(StoreError::Full {
                        reason: "no space".to_owned(),
                    })
                } else {
                    self.store.commit(&transaction.entries);
                    Ok(())
                };
                self.transaction = Some(Pending::Ended(transaction, result));
            }
            Some(Pending::Ended(transaction, result)) => {
                for event in self.write_queue.done(transaction, &result) {
                    self.apply(event);
                }
                // Failed writes are repeated with the next change only.
                if result.is_ok() {
                    self.advance();
                }
            }
            None => {}
        }
    }
}

/// Runs a future that never waits.
fn run_now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the store never waits"),
    }
}
