//! Simulation of one delivery. Each step is drawn at random, and the invariants are checked after
//! each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use taskwright::delivery::DeliveryStage;
use taskwright::random::SeededRng;
use taskwright::review::RunId;
use taskwright::run::{
    Batch, Effect, Event, Mode, Pace, Pause, Run, Start, Step, TaskDraft, WaitReason,
};
use taskwright::schema::TaskSchema;
use taskwright::settings::{Address, Connection, TaskServer};

use crate::client::{Client, Pending};
use crate::server::{Wire, World};
use crate::store::Committed;

const START: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;
/// How long the simulated server retains idempotency keys, in milliseconds.
const KEY_RETENTION: u64 = 25 * HOUR;

/// The seed of a simulation, and the steps at which the page crashes.
pub struct Case {
    pub seed: u64,
    pub crashes: Vec<u64>,
}

/// What happened in a simulation.
#[derive(Debug, Default)]
pub struct Stats {
    pub steps: u64,
    pub delivered: u64,
    pub unconfirmed: u64,
    pub blocked: u64,
    pub replayed: u64,
    pub retried: u64,
    pub token_requested: u64,
    pub not_stored: u64,
    pub probed: u64,
}

struct Simulation {
    rng: SeededRng,
    world: Rc<RefCell<World>>,
    store: Committed,
    now: Rc<Cell<u64>>,
    client: Client,
    run: RunId,
    honours_keys: bool,
    /// Whether the page was closed for longer than the key retention.
    exceeded_retention: bool,
    is_verbose: bool,
    probed: Cell<u64>,
    /// Number of stored tasks that were checked.
    checked: Cell<usize>,
    stats: Stats,
}

/// Simulates a case. Returns an error if an invariant is violated.
pub fn simulate(case: &Case, is_verbose: bool) -> Result<Stats, String> {
    let mut simulation = Simulation::begin(case.seed, is_verbose);
    let mut crashes = case.crashes.iter().copied().peekable();
    loop {
        if crashes.peek() == Some(&simulation.stats.steps) {
            crashes.next();
            simulation.crash();
            simulation.check_invariants()?;
        }
        if !simulation.step()? {
            break;
        }
        simulation.check_invariants()?;
        simulation.stats.steps += 1;
        if simulation.stats.steps > 5_000 {
            return Err(format!("it does not end: {}", simulation.state()));
        }
    }
    simulation.end()
}

impl Simulation {
    fn begin(seed: u64, is_verbose: bool) -> Simulation {
        let mut rng = SeededRng::new(seed);
        let honours_keys = rng.chance(60, 100);
        let tasks = 2 + rng.below(6);
        let faults = rng.below(9);
        let fault_percent = 20 + rng.below(80);
        let concurrency = 1 + rng.below(4);
        let now = Rc::new(Cell::new(START));
        let world = World::new(honours_keys, KEY_RETENTION, faults, fault_percent);
        let world = Rc::new(RefCell::new(world));
        let mut server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        server.honours_idempotency_keys = honours_keys;
        server.concurrency = u8::try_from(concurrency).unwrap();
        let is_numeric = rng.chance(1, 3);
        let mut texts: Vec<Arc<str>> = (1..=tasks)
            .map(|n| {
                // A task may depend on an earlier one, and one in ten is refused.
                let dependency = (rng.chance(30, 100) && n > 1).then(|| 1 + rng.below(n - 1));
                let depends_on = match (dependency, rng.chance(1, 2)) {
                    (Some(other), true) => format!(",\"depends_on\":{}", key(other, is_numeric)),
                    (Some(other), false) => {
                        format!(",\"depends_on\":[{}]", key(other, is_numeric))
                    }
                    (None, _) => String::new(),
                };
                let refuse = rng.chance(10, 100);
                let key = key(n, is_numeric);
                format!("{{\"key\":{key},\"refuse\":{refuse}{depends_on}}}").into()
            })
            .collect();
        if rng.chance(1, 2) {
            // Dependencies come after their dependents.
            texts.reverse();
        }
        let run = approved(seed, server, texts);
        let store = Committed::default();
        store.commit(&taskwright::driver::entries(&run, &run.all_parts()));
        let id = run.id().clone();
        let client = Client::open(
            run,
            Step::default(),
            store.clone(),
            Wire(Rc::clone(&world)),
            Rc::clone(&now),
        );
        let mut simulation = Simulation {
            rng,
            world,
            store,
            now,
            client,
            run: id,
            honours_keys,
            exceeded_retention: false,
            is_verbose,
            probed: Cell::new(0),
            checked: Cell::new(0),
            stats: Stats::default(),
        };
        simulation.client.enter_token("token-0");
        let digest = simulation.client.run.confirmation().unwrap().digest;
        assert_eq!(simulation.client.apply(Event::Post { digest }), None);
        simulation
    }

    fn log(&self, message: impl FnOnce() -> String) {
        if self.is_verbose {
            println!(
                "{:>4} {:>8} ms  {:<44} {}",
                self.stats.steps,
                self.now.get() - START,
                message(),
                self.state()
            );
        }
    }

    fn state(&self) -> String {
        let drafts = self.client.run.drafts().iter();
        let stages: Vec<String> = drafts
            .map(|draft| {
                format!(
                    "{:?}×{}",
                    draft.delivery.stage,
                    draft.delivery.attempts.len()
                )
            })
            .collect();
        let world = self.world.borrow();
        format!(
            "{} | {:?} | {} requests, {} responses, {} stored",
            stages.join(" "),
            self.client.run.batch(),
            world.requests.len(),
            world.responses.len(),
            world.stored.len()
        )
    }

    /// Crashes the page and reopens it, possibly much later.
    fn crash(&mut self) {
        self.world.borrow_mut().abandon_requests();
        let downtime = match self.rng.below(10) {
            0 => 3 * 24 * HOUR,
            _ => self.rng.below(10_000),
        };
        if downtime > KEY_RETENTION {
            // No request is in flight for days: it arrives soon or never.
            self.exceeded_retention = true;
            let now = self.now.get();
            self.world.borrow_mut().flush_requests(&mut self.rng, now);
        }
        self.now.set(self.now.get() + downtime);
        let id = self.run.to_string();
        self.client = Client::reopen(
            &id,
            self.store.clone(),
            Wire(Rc::clone(&self.world)),
            Rc::clone(&self.now),
        );
        let token = self.world.borrow().token.clone();
        self.client.enter_token(&token);
        self.log(|| "page crashed and reopened".to_owned());
    }

    /// Performs one random step. Returns `false` if none is possible.
    fn step(&mut self) -> Result<bool, String> {
        let mut steps: Vec<NextStep> = Vec::new();
        if !self.client.inbox.borrow().is_empty() {
            steps.push(NextStep::ApplyEvent);
        }
        if self.client.transaction.is_some() {
            steps.push(NextStep::Write);
        }
        let (requests, responses) = {
            let world = self.world.borrow();
            (world.requests.len(), world.responses.len())
        };
        steps.extend((0..requests).map(NextStep::Receive));
        steps.extend((0..responses).map(NextStep::Respond));
        if steps.is_empty() || self.rng.chance(3, 100) {
            if self.client.wake_at.is_some() {
                steps.push(NextStep::Wake);
            } else if steps.is_empty() {
                return Ok(self.operate());
            }
        }
        let index = self.rng.below(steps.len() as u64);
        match steps[usize::try_from(index).unwrap()] {
            NextStep::ApplyEvent => {
                let event = self.client.inbox.borrow_mut().pop_front().unwrap();
                self.log(|| format!("event {event:?}").chars().take(44).collect());
                let duplicate = self.rng.chance(5, 100).then(|| event.clone());
                self.client.apply(event);
                if let Some(event) = duplicate {
                    // A driver may report the same event twice.
                    self.client.apply(event);
                }
            }
            NextStep::Write => {
                let is_full = {
                    let mut world = self.world.borrow_mut();
                    let is_begun = matches!(self.client.transaction, Some(Pending::Begun(_)));
                    let is_full = is_begun && world.faults_left > 0 && self.rng.chance(5, 100);
                    world.faults_left -= u64::from(is_full);
                    is_full
                };
                self.client.step_transaction(is_full);
                self.log(|| format!("transaction step, disk full: {is_full}"));
            }
            NextStep::Receive(index) => {
                let now = self.now.get();
                let result = self.world.borrow_mut().receive(index, &mut self.rng, now);
                self.log(|| format!("request: {result}"));
            }
            NextStep::Respond(index) => {
                self.world.borrow_mut().respond(index);
                self.client.advance();
                self.log(|| "response arrived".to_owned());
            }
            NextStep::Wake => {
                let at = self.client.wake_at.take().unwrap();
                self.now.set(self.now.get().max(at));
                self.client.apply(Event::Woke);
                self.log(|| "woke".to_owned());
            }
        }
        self.now.set(self.now.get() + self.rng.below(40));
        Ok(true)
    }

    /// Performs an action of the operator when nothing else can happen. Resends unconfirmed tasks
    /// only if the server honours keys. Returns `false` if nothing is left to do.
    fn operate(&mut self) -> bool {
        if self.client.needs_token {
            self.stats.token_requested += 1;
            let token = self.world.borrow().token.clone();
            self.client.enter_token(&token);
        }
        if let Batch::Paused { why } = self.client.run.batch().clone()
            && why != Pause::Blocked
        {
            self.stats.not_stored += u64::from(matches!(why, Pause::NotStored { .. }));
            self.client.apply(Event::Resume);
            self.log(|| "operator resumes".to_owned());
            return true;
        }
        if let Some(confirmation) = self.client.run.confirmation() {
            // The page crashed before the queued tasks were stored.
            let digest = confirmation.digest;
            self.client.apply(Event::Post { digest });
            self.log(|| "operator posts".to_owned());
            return true;
        }
        let drafts = self.client.run.drafts();
        // Retrying a task that the server never accepts is pointless.
        let may_retry = |draft: &Arc<TaskDraft>| {
            matches!(
                draft.delivery.stage,
                DeliveryStage::Failed | DeliveryStage::Refused
            ) && !will_be_refused(draft)
        };
        if drafts.iter().any(may_retry) {
            // Unconfirmed tasks are included on purpose: the run must not retry them.
            let drafts = drafts.iter().filter(|draft| !will_be_refused(draft));
            let drafts = drafts.map(|draft| draft.id.clone()).collect();
            self.client.apply(Event::Retry { drafts });
            self.log(|| "operator retries failed tasks".to_owned());
            return true;
        }
        let now = self.now.get();
        let run = &self.client.run;
        let may_resend = |draft: &&Arc<TaskDraft>| {
            draft.delivery.stage == DeliveryStage::Unconfirmed
                && run.may_resend(draft, now)
                && !will_be_refused(draft)
        };
        let unconfirmed = drafts.iter().find(may_resend).map(|draft| draft.id.clone());
        if let Some(draft) = unconfirmed {
            self.client.apply(Event::ResendSameKey { draft });
            self.log(|| "operator resends an unconfirmed task".to_owned());
            return true;
        }
        false
    }

    /// Checks the invariants that hold at all times.
    fn check_invariants(&self) -> Result<(), String> {
        let world = self.world.borrow();
        let run = &self.client.run;
        let violated = |draft: &TaskDraft, what: &str| {
            Err(format!("{}: {what}\n{}", draft.id.ordinal, self.state()))
        };
        for draft in run.drafts() {
            let body = draft.content.text();
            let count = world.count(body);
            if count > 1 {
                return violated(draft, "the server has it twice");
            }
            match draft.delivery.stage {
                DeliveryStage::Delivered if count == 0 => {
                    return violated(draft, "delivered, but the server does not have it");
                }
                DeliveryStage::Idle | DeliveryStage::Refused | DeliveryStage::Failed
                    if count > 0 || world.is_on_its_way(body) =>
                {
                    return violated(draft, "safe to post, but the server may have it");
                }
                DeliveryStage::Queued
                    if !self.honours_keys && (count > 0 || world.is_on_its_way(body)) =>
                {
                    return violated(draft, "queued without a key, but the server may have it");
                }
                _ => {}
            }
        }
        // Tasks that arrived since the last check.
        let checked = self.checked.replace(world.stored.len());
        for (index, task) in world.stored.iter().enumerate().skip(checked) {
            let draft = run
                .drafts()
                .iter()
                .find(|draft| draft.content.text() == task.body);
            let Some(draft) = draft else {
                return Err(format!("the server has an unknown task: {}", task.body));
            };
            for key in dependencies(&task.body) {
                let arrived_before = world.stored[..index]
                    .iter()
                    .any(|earlier| earlier.body.contains(&format!("\"key\":{key},")));
                if !arrived_before {
                    return violated(draft, "arrived before its dependency");
                }
            }
        }
        let server = run.connection().task_server.as_ref().unwrap();
        let count =
            |matches: fn(&&Arc<TaskDraft>) -> bool| run.drafts().iter().filter(matches).count();
        let concurrency = usize::from(server.concurrency);
        let in_flight = count(|draft| draft.delivery.is_in_flight());
        if in_flight > concurrency {
            return Err(format!("{in_flight} concurrent requests\n{}", self.state()));
        }
        // Attempts are journaled ahead only if the server honours keys.
        let sending = count(|draft| draft.delivery.stage == DeliveryStage::Sending);
        let ahead = if self.honours_keys {
            2 * concurrency
        } else {
            0
        };
        if sending > concurrency + ahead {
            return Err(format!("{sending} attempts begun\n{}", self.state()));
        }
        if matches!(
            run.batch(),
            Batch::Running {
                pace: Pace::Probing
            }
        ) {
            self.probed.set(self.probed.get() + 1);
        }
        Ok(())
    }

    /// Checks the invariants that hold at the end.
    fn end(mut self) -> Result<Stats, String> {
        let world = self.world.borrow();
        let run = &self.client.run;
        for draft in run.drafts() {
            let count = world.count(draft.content.text());
            let is_refused = will_be_refused(draft);
            let is_as_expected = match draft.delivery.stage {
                DeliveryStage::Delivered => count == 1,
                DeliveryStage::Refused => is_refused && count == 0,
                DeliveryStage::Queued => is_blocked_forever(run, draft) && count == 0,
                // With a server that honours keys, a task stays unconfirmed only if the server may
                // have forgotten its key, or refuses it after an unconfirmed attempt.
                DeliveryStage::Unconfirmed => {
                    !self.honours_keys || self.exceeded_retention || is_refused
                }
                _ => false,
            };
            if !is_as_expected {
                return Err(format!(
                    "{} ended as {:?} and is on the server {count} times\n{}",
                    draft.id.ordinal,
                    draft.delivery.stage,
                    self.state()
                ));
            }
            match draft.delivery.stage {
                DeliveryStage::Delivered => self.stats.delivered += 1,
                DeliveryStage::Unconfirmed => self.stats.unconfirmed += 1,
                DeliveryStage::Queued => self.stats.blocked += 1,
                _ => {}
            }
            self.stats.retried += u64::from(draft.delivery.attempts.len() > 1);
        }
        self.stats.replayed = world.replayed;
        self.stats.probed = self.probed.get();
        drop(world);
        Ok(self.stats)
    }
}

/// Whether the server always refuses this task.
fn will_be_refused(draft: &TaskDraft) -> bool {
    draft.content.text().contains("\"refuse\":true")
}

/// A possible step of the simulation.
#[derive(Clone, Copy)]
enum NextStep {
    ApplyEvent,
    Write,
    Receive(usize),
    Respond(usize),
    Wake,
}

/// Whether a dependency of a task, direct or indirect, is refused or unconfirmed.
fn is_blocked_forever(run: &Run, draft: &TaskDraft) -> bool {
    let Some(WaitReason::Dependency { draft, .. }) = run.wait_reason(draft) else {
        return false;
    };
    let dependency = run.draft(&draft).unwrap();
    match dependency.delivery.stage {
        DeliveryStage::Refused | DeliveryStage::Unconfirmed => true,
        DeliveryStage::Queued => is_blocked_forever(run, dependency),
        _ => false,
    }
}

/// The key of task number `n`, as JSON text.
fn key(n: u64, is_numeric: bool) -> String {
    if is_numeric {
        n.to_string()
    } else {
        format!("\"t{n}\"")
    }
}

/// The keys that a body depends on, as JSON texts. Independent of the code under test.
fn dependencies(body: &str) -> Vec<String> {
    let task: serde_json::Value = serde_json::from_str(body).unwrap();
    match task.get("depends_on") {
        Some(serde_json::Value::Array(keys)) => keys.iter().map(ToString::to_string).collect(),
        Some(key) => vec![key.to_string()],
        None => Vec::new(),
    }
}

/// A live run with these tasks, all valid and approved.
fn approved(seed: u64, server: TaskServer, texts: Vec<Arc<str>>) -> Run {
    let mut connection = Connection::built_in();
    connection.task_server = Some(server);
    let schema = TaskSchema::parse(
        r#"{"title":"t","type":"object","properties":{"key":{"type":["string","integer"]},
            "depends_on":{"type":["string","integer","array"],
                "items":{"type":["string","integer"]}}}}"#,
    );
    let (mut run, _) = Run::start(Start {
        id: RunId::from_bits(u128::from(seed)),
        mode: Mode::Live,
        at: START,
        brief: None,
        connection,
        schema: schema.unwrap(),
    });
    let step = run.apply(Event::Import { texts }, START);
    for effect in step.effects {
        let Effect::Check {
            draft, revision, ..
        } = effect
        else {
            panic!("expected a check");
        };
        let violations = Vec::new();
        run.apply(
            Event::Checked {
                draft,
                revision,
                violations,
            },
            START,
        );
    }
    let drafts = run.approvable();
    run.apply(Event::Approve { drafts }, START);
    run
}
