//! The page: the run, the keeper and the live driver, put together as the page does it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use taskwright::driver::{self, LiveDriver, Loaded, Report, Transaction, WriteQueue};
use taskwright::http::PreparedRequest;
use taskwright::ports::{CallEnd, ModelTransport, ResponsePart, StopSignal, StoreError};
use taskwright::run::{Effect, Event, Run, RunError, Step};
use taskwright::secrets::{Keyring, SecretSlot};

use crate::server::Wire;
use crate::store::Committed;

/// A model that nobody asks.
struct NoModel;

impl ModelTransport for NoModel {
    async fn call(
        &self,
        _request: &PreparedRequest,
        _timeouts: taskwright::ports::Timeouts,
        _stop: &StopSignal,
        _on_part: &mut dyn FnMut(ResponsePart<'_>),
    ) -> CallEnd {
        panic!("nobody asks a model here")
    }
}

type Underway = Pin<Box<dyn Future<Output = ()>>>;

/// A transaction under way.
pub enum Pending {
    /// It has not committed yet.
    Begun(Transaction),
    /// It has, or has failed; the page does not know yet.
    Ended(Transaction, Result<(), StoreError>),
}

/// The page.
pub struct Client {
    pub run: Run,
    write_queue: WriteQueue,
    driver: Rc<LiveDriver<NoModel, Wire>>,
    secrets: Rc<RefCell<Keyring>>,
    store: Committed,
    /// The transaction under way.
    pub transaction: Option<Pending>,
    underway: Vec<Underway>,
    /// What was reported and not applied yet.
    pub inbox: Rc<RefCell<VecDeque<Event>>>,
    /// When the run wants to be woken.
    pub wake_at: Option<u64>,
    pub wants_token: bool,
    now: Rc<Cell<u64>>,
}

impl Client {
    /// A page that shows a run, after a step that is not written down yet.
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
            underway: Vec::new(),
            inbox: Rc::default(),
            wake_at: None,
            wants_token: false,
            now,
        };
        client.carry_out(step);
        client
    }

    /// A page that comes back to a run with what was committed.
    pub fn come_back(id: &str, store: Committed, wire: Wire, now: Rc<Cell<u64>>) -> Client {
        let loaded = at_once(driver::load(&store, id, now.get())).unwrap();
        let Loaded::Run(run, step) = loaded else {
            panic!("the run is not there any more: {loaded:?}");
        };
        Client::open(*run, step, store, wire, now)
    }

    /// The operator gives a token.
    pub fn give_token(&mut self, token: &str) {
        let server = self.run.connection().task_server.clone().unwrap();
        self.secrets
            .borrow_mut()
            .give(SecretSlot::AGENT_TOKEN, &server.url, token)
            .unwrap();
        self.wants_token = false;
    }

    /// Tells the run what happened.
    pub fn apply(&mut self, event: Event) -> Option<RunError> {
        let mut step = self.run.apply(event, self.now.get());
        let refused = step.refused.take();
        self.carry_out(step);
        refused
    }

    fn carry_out(&mut self, step: Step) {
        self.write_queue.note(step.changes);
        for effect in step.effects {
            match effect {
                Effect::Journal { draft, attempt } => self.write_queue.note_attempt(draft, attempt),
                Effect::Deliver(posting) => {
                    let driver = Rc::clone(&self.driver);
                    let inbox = Rc::clone(&self.inbox);
                    let server = self.run.connection().task_server.clone();
                    let now = Rc::clone(&self.now);
                    self.underway.push(Box::pin(async move {
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
                Effect::AskFor(_) => self.wants_token = true,
                other => panic!("{other:?}"),
            }
        }
        self.go_on();
    }

    /// Begins the next transaction where none is under way, and lets requests leave and answers in.
    pub fn go_on(&mut self) {
        if self.transaction.is_none() {
            self.transaction = self.write_queue.next(&self.run).map(Pending::Begun);
        }
        let mut context = Context::from_waker(Waker::noop());
        self.underway
            .retain_mut(|future| future.as_mut().poll(&mut context).is_pending());
    }

    /// The transaction under way comes one step further.
    pub fn step_transaction(&mut self, is_full: bool) {
        match self.transaction.take() {
            Some(Pending::Begun(writing)) => {
                let result = match is_full {
                    true => Err(StoreError::Full {
                        reason: "no room".to_owned(),
                    }),
                    false => {
                        self.store.commit(&writing.entries);
                        Ok(())
                    }
                };
                self.transaction = Some(Pending::Ended(writing, result));
            }
            Some(Pending::Ended(writing, result)) => {
                for event in self.write_queue.done(writing, &result) {
                    self.apply(event);
                }
                // What could not be written is tried again with the next change only.
                if result.is_ok() {
                    self.go_on();
                }
            }
            None => {}
        }
    }
}

/// Runs a future that never has to wait.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the records are there at once"),
    }
}
