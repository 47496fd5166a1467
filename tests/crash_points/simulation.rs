//! Simulation of one delivery. Each step is drawn at random, and the invariants are checked after
//! each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use taskwright::delivery::body::batch_digest;
use taskwright::delivery::{DeliveryStage, ResendRisk};
use taskwright::driver::{self, Loaded};
use taskwright::ports::Table;
use taskwright::random::SeededRng;
use taskwright::review::{DraftId, RunId};
use taskwright::run::{
    Batch, Change, Effect, Event, Mode, Pace, Pause, ResendObstacle, Run, Start, Step, TaskDraft,
    WaitReason, resend_obstacle,
};
use taskwright::schema::TaskSchema;
use taskwright::settings::{Address, BodyTemplate, Connection, TaskServer};

use crate::client::{Client, Pending, is_about, run_now};
use crate::server::{Wire, World, identity};
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
    /// Redirects, web pages and contradictions.
    pub without_receipt: u64,
    /// Tasks that a look-up found.
    pub found: u64,
    /// Tasks that were edited and approved again while a transaction was in progress.
    pub replaced: u64,
    /// Changes of the task server.
    pub moved: u64,
    /// Runs that were archived and loaded again.
    pub archived: u64,
    /// Changes to the other run.
    pub switched: u64,
    /// Databases that were cleared.
    pub cleared: u64,
    /// Runs that a second tab took over, whose lock was refused until then.
    pub taken_over: u64,
    /// Unconfirmed tasks that the operator decided.
    pub decided: u64,
}

struct Simulation {
    rng: SeededRng,
    world: Rc<RefCell<World>>,
    store: Committed,
    now: Rc<Cell<u64>>,
    client: Client,
    /// One run, or two in the same browser.
    runs: Vec<SimulatedRun>,
    /// Index of the run that the page shows.
    shown: usize,
    honours_keys: bool,
    /// The task servers of the connection: two paths, and another form of the body.
    servers: [TaskServer; 3],
    /// How often the operator still interferes while tasks are posted.
    actions_left: u64,
    /// Whether the operator finds out what became of unconfirmed tasks.
    decides: bool,
    /// Whether the page was closed for longer than the key retention.
    exceeded_retention: bool,
    /// A second tab. The lock is refused to it, so it only follows.
    second_tab: Option<Run>,
    /// URL and digest that the operator approved, by task.
    approved: HashMap<String, (String, String)>,
    is_verbose: bool,
    probed: Cell<u64>,
    /// Number of stored tasks that were checked.
    checked: Cell<usize>,
    stats: Stats,
}

struct SimulatedRun {
    id: RunId,
    /// Which task each draft is, in order.
    identities: Vec<String>,
    is_finished: bool,
    /// Whether the store lost it.
    is_lost: bool,
}

/// Simulates a case. Returns an error if an invariant is violated.
pub fn simulate(case: &Case, is_verbose: bool) -> Result<Stats, String> {
    let mut simulation = Simulation::begin(case.seed, is_verbose);
    let mut crashes = case.crashes.iter().copied().peekable();
    loop {
        if crashes.peek() == Some(&simulation.stats.steps) {
            crashes.next();
            if !simulation.crash() {
                break;
            }
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
    Ok(simulation.end())
}

impl Simulation {
    fn begin(seed: u64, is_verbose: bool) -> Simulation {
        let mut rng = SeededRng::new(seed);
        let honours_keys = rng.chance(60, 100);
        let faults = rng.below(9);
        let fault_percent = 20 + rng.below(80);
        let concurrency = 1 + rng.below(4);
        let now = Rc::new(Cell::new(START));
        let world = World::new(honours_keys, KEY_RETENTION, faults, fault_percent);
        let world = Rc::new(RefCell::new(world));
        let mut server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        server.honours_idempotency_keys = honours_keys;
        server.concurrency = u8::try_from(concurrency).unwrap();
        let mut other_path = server.clone();
        other_path.path = "/other".to_owned();
        let mut wrapped = server.clone();
        wrapped.body_template = Some(BodyTemplate::parse("{\"payload\": $task}").unwrap());
        // Half of the operators only confirm and resume.
        let actions_left = if rng.chance(50, 100) {
            1 + rng.below(12)
        } else {
            0
        };
        let has_second_run = actions_left > 0 && rng.chance(40, 100);
        let store = Committed::default();
        let names = if has_second_run { "ab" } else { "a" };
        let mut runs: Vec<Run> = names
            .chars()
            .zip(0..)
            .map(|(name, number)| {
                let texts = tasks(name, &mut rng);
                let id = u128::from(seed) | number << 64;
                approved(id, server.clone(), texts)
            })
            .collect();
        for run in &runs {
            store.commit(&driver::entries(run, &run.all_parts()));
        }
        let simulated = |run: &Run| SimulatedRun {
            id: run.id().clone(),
            identities: run
                .drafts()
                .iter()
                .map(|draft| identity(draft.content.text()))
                .collect(),
            is_finished: false,
            is_lost: false,
        };
        let simulated: Vec<SimulatedRun> = runs.iter().map(simulated).collect();
        let client = Client::open(
            runs.swap_remove(0),
            Step::default(),
            store.clone(),
            Wire(Rc::clone(&world)),
            Rc::clone(&now),
        );
        let decides = actions_left > 0 && rng.chance(50, 100);
        let mut simulation = Simulation {
            rng,
            world,
            store,
            now,
            client,
            runs: simulated,
            shown: 0,
            honours_keys,
            servers: [server, other_path, wrapped],
            actions_left,
            decides,
            exceeded_retention: false,
            second_tab: None,
            approved: HashMap::new(),
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
            world.requests(),
            world.responses.len(),
            world.stored.len()
        )
    }

    /// Crashes the page and reopens it, possibly much later. Returns `false` if the store lost every
    /// run.
    fn crash(&mut self) -> bool {
        let downtime = match self.rng.below(10) {
            0 => 3 * 24 * HOUR,
            _ => self.rng.below(10_000),
        };
        self.world.borrow_mut().abandon_requests();
        if downtime > KEY_RETENTION {
            // No request is in flight for days: it arrives soon or never.
            self.exceeded_retention = true;
            let now = self.now.get();
            self.world.borrow_mut().flush_posts(&mut self.rng, now);
        }
        self.now.set(self.now.get() + downtime);
        let is_open = self.reopen();
        self.log(|| "page crashed and reopened".to_owned());
        is_open
    }

    /// Opens the stored run in a new page: after a crash, or in a second tab that takes over. Returns
    /// `false` if the store lost every run.
    fn reopen(&mut self) -> bool {
        self.stats.taken_over += u64::from(self.second_tab.take().is_some());
        loop {
            let run = &mut self.runs[self.shown];
            let client = Client::reopen(
                &run.id.to_string(),
                self.store.clone(),
                Wire(Rc::clone(&self.world)),
                Rc::clone(&self.now),
            );
            if let Some(client) = client {
                assert_eq!(client.run.drafts().len(), run.identities.len());
                self.client = client;
                break;
            }
            run.is_lost = true;
            match self.runs.iter().position(|run| !run.is_lost) {
                Some(other) => self.shown = other,
                None => return false,
            }
        }
        self.approved.clear();
        let token = self.world.borrow().token.clone();
        self.client.enter_token(&token);
        true
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
            (world.requests(), world.responses.len())
        };
        if self.actions_left > 0 && self.rng.chance(8, 100) {
            self.actions_left -= 1;
            return Ok(self.interfere());
        }
        steps.extend((0..requests).map(NextStep::Receive));
        steps.extend((0..responses).map(NextStep::Respond));
        if steps.is_empty() || self.rng.chance(3, 100) {
            if self.client.wake_at.is_some() {
                steps.push(NextStep::Wake);
            } else if steps.is_empty() {
                return self.operate();
            }
        }
        let index = self.rng.below(steps.len() as u64);
        match steps[usize::try_from(index).unwrap()] {
            NextStep::ApplyEvent => {
                let event = self.client.inbox.borrow_mut().pop_front().unwrap();
                self.log(|| format!("event {event:?}").chars().take(44).collect());
                if !is_about(&event, &self.client.run) {
                    // The page shows another run by now.
                    return Ok(true);
                }
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
                let committed = self.client.step_transaction(is_full);
                self.follow(&committed)?;
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

    /// Shows what was committed in the second tab, which must then be the same as what is stored.
    fn follow(&mut self, committed: &[Change]) -> Result<(), String> {
        let Some(tab) = &mut self.second_tab else {
            return Ok(());
        };
        let id = tab.id().clone();
        let changes = driver::load_changes(&self.store, committed, &id);
        tab.apply_records(run_now(changes).unwrap());
        let differs = tab.drafts().iter().find(|draft| {
            let change = Change::Draft(draft.id.clone());
            let shown = driver::entries(tab, [&change]).swap_remove(0);
            self.store.get(Table::Drafts, &shown.key) != Some(shown.text)
        });
        match differs.map(|draft| draft.id.ordinal) {
            Some(ordinal) => Err(format!(
                "{ordinal}: the second tab shows another state\n{}",
                self.state()
            )),
            None => Ok(()),
        }
    }

    /// Any draft of the run that is shown.
    fn any_draft(&mut self) -> DraftId {
        let drafts = self.client.run.drafts();
        let index = self.rng.below(drafts.len() as u64);
        drafts[usize::try_from(index).unwrap()].id.clone()
    }

    /// Performs an action of the operator, or of the browser, whatever else happens. An action that
    /// the run refuses has no effect. Returns `false` if the store lost every run.
    fn interfere(&mut self) -> bool {
        let is_busy = self.client.run.is_posting() || self.client.run.is_sending();
        let draft = self.any_draft();
        match self.rng.below(19) {
            0 => self.act(Event::Pause),
            1 => self.act(Event::Resume),
            2 => self.act(Event::StopPosting),
            3 => self.edit(&draft),
            4 => self.act(Event::UndoDecisions {
                drafts: vec![draft],
            }),
            5 => self.approve_all(),
            6 => self.post(),
            7 => self.act(Event::Retry {
                drafts: vec![draft],
            }),
            8 => self.act(Event::ResendSameKey { draft }),
            9 => {
                self.look_up();
            }
            10 => {
                self.decide();
            }
            11 | 12 => self.replace_while_journaling(&draft),
            13 if !is_busy => self.connect(),
            14 if !is_busy && self.second_tab.is_none() => return self.close_and_load(self.shown),
            15 if !is_busy && self.second_tab.is_none() => {
                let other = self.runs.len() - 1 - self.shown;
                if other != self.shown && !self.runs[other].is_lost {
                    return self.close_and_load(other);
                }
            }
            16 if self.second_tab.is_none() => self.open_second_tab(),
            17 if self.second_tab.is_some() => return self.steal_lock(),
            18 if self.rng.chance(30, 100) => self.clear_database(),
            _ => {}
        }
        true
    }

    fn act(&mut self, event: Event) {
        let name = format!("{event:?}").chars().take(34).collect::<String>();
        let refused = self.client.apply(event);
        self.log(|| format!("operator: {name} {refused:?}"));
    }

    fn approve_all(&mut self) {
        let drafts = self.client.run.approvable();
        self.act(Event::Approve { drafts });
    }

    /// Posts what is approved, or one task of it as a test. The guard refuses that while tasks are
    /// being posted.
    fn post(&mut self) {
        let run = &self.client.run;
        if let Some(confirmation) = run.confirmation().filter(|_| !run.is_sending()) {
            let test = confirmation.testable.last().and_then(|id| run.draft(id));
            let test = test.and_then(|draft| Some((draft.id.clone(), draft.approval()?.clone())));
            if let Some((draft, approval)) = test
                && self.rng.chance(25, 100)
            {
                let digest = batch_digest(std::iter::once(&*approval.digest));
                return self.act(Event::PostTest { draft, digest });
            }
            let digest = confirmation.digest;
            self.act(Event::Post { digest });
        }
    }

    /// Changes the text of a task.
    fn edit(&mut self, draft: &DraftId) {
        let text = self.client.run.draft(draft).unwrap().content.shared_text();
        let (before, after) = text.split_once("\"revision\":").unwrap();
        let (number, rest) = after.split_once(',').unwrap();
        let next = number.parse::<u64>().unwrap() + 1;
        self.act(Event::Edit {
            draft: draft.clone(),
            text: format!("{before}\"revision\":{next},{rest}"),
        });
    }

    /// Takes back what is being journaled, and posts another body of one of the tasks instead, all
    /// of it during one transaction.
    fn replace_while_journaling(&mut self, draft: &DraftId) {
        let was_writing = self.client.transaction.is_some();
        self.act(Event::Pause);
        self.act(Event::StopPosting);
        self.edit(draft);
        // The check of the new text.
        let checks: Vec<Event> = {
            let mut inbox = self.client.inbox.borrow_mut();
            let (checks, others): (Vec<Event>, Vec<Event>) = std::mem::take(&mut *inbox)
                .into_iter()
                .partition(|event| matches!(event, Event::Checked { .. }));
            *inbox = others.into();
            checks
        };
        for check in checks {
            if is_about(&check, &self.client.run) {
                self.client.apply(check);
            }
        }
        self.approve_all();
        self.post();
        let is_sending = |draft: &&Arc<TaskDraft>| {
            draft.content.is_json()
                && draft.revision > 0
                && draft.delivery.stage == DeliveryStage::Sending
        };
        let replaced = self.client.run.draft(draft).filter(is_sending).is_some();
        self.stats.replaced += u64::from(was_writing && replaced);
    }

    /// Looks up an unconfirmed task that was not looked up yet.
    fn look_up(&mut self) -> bool {
        let run = &self.client.run;
        let mut drafts = run.drafts().iter();
        let unknown = drafts
            .find(|draft| run.actions(draft).can_look_up && draft.delivery.look_up.is_none())
            .map(|draft| draft.id.clone());
        let Some(draft) = unknown else {
            return false;
        };
        // Refused if it went to another server.
        self.client.apply(Event::LookUp { draft }).is_none()
    }

    /// Decides an unconfirmed task by what the servers have, once its post is no longer on its way.
    fn decide(&mut self) -> bool {
        let world = self.world.borrow();
        let identities = &self.runs[self.shown].identities;
        let drafts = self.client.run.drafts().iter().zip(identities);
        let decision = drafts
            .filter(|(draft, identity)| {
                draft.delivery.stage == DeliveryStage::Unconfirmed && !world.is_on_its_way(identity)
            })
            .map(|(draft, identity)| Event::Decide {
                draft: draft.id.clone(),
                delivered: world.count(identity) > 0,
            })
            .next();
        drop(world);
        let Some(event) = decision else {
            return false;
        };
        self.stats.decided += 1;
        self.act(event);
        true
    }

    /// Uses another path, or another form of the body.
    fn connect(&mut self) {
        let mut connection = self.client.run.connection().clone();
        let index = usize::try_from(self.rng.below(3)).unwrap();
        connection.task_server = Some(self.servers[index].clone());
        self.stats.moved += 1;
        self.act(Event::Connect(Box::new(connection)));
    }

    /// Archives the run and loads this one. Returns `false` if the store lost every run.
    fn close_and_load(&mut self, index: usize) -> bool {
        if index == self.shown {
            self.stats.archived += 1;
        } else {
            self.stats.switched += 1;
        }
        let fails = [self.rng.chance(5, 100), self.rng.chance(5, 100)];
        let is_late = self.rng.chance(50, 100);
        let id = self.runs[index].id.to_string();
        let is_loaded = self.client.close_and_load(&id, fails, is_late);
        self.shown = index;
        self.second_tab = None;
        let is_open = is_loaded || {
            self.world.borrow_mut().abandon_requests();
            self.reopen()
        };
        self.approved.clear();
        self.log(|| format!("operator closes the run and loads {id}"));
        is_open
    }

    fn open_second_tab(&mut self) {
        let id = self.runs[self.shown].id.to_string();
        if let Loaded::Run(run, _) = run_now(driver::load_read_only(&self.store, &id)).unwrap() {
            self.second_tab = Some(*run);
            self.log(|| "second tab: the lock is refused".to_owned());
        }
    }

    /// The second tab gets the lock. The first one was told, and sends and writes nothing more; its
    /// transaction in progress may still commit.
    fn steal_lock(&mut self) -> bool {
        let is_begun = matches!(self.client.transaction, Some(Pending::Begun(_)));
        if is_begun && self.rng.chance(50, 100) {
            self.client.step_transaction(false);
        }
        self.world.borrow_mut().abandon_requests();
        let is_open = self.reopen();
        self.log(|| "second tab: takes over".to_owned());
        is_open
    }

    fn clear_database(&mut self) {
        self.stats.cleared += 1;
        self.store.clear();
        self.second_tab = None;
        let shown = self.shown;
        for (index, run) in self.runs.iter_mut().enumerate() {
            run.is_lost |= index != shown;
        }
        self.client.store_was_cleared();
        self.log(|| "the database was cleared".to_owned());
    }

    /// Performs an action of the operator when nothing else can happen. Resends unconfirmed tasks
    /// only if the server honours keys. Returns `false` if nothing is left to do.
    fn operate(&mut self) -> Result<bool, String> {
        if self.finish() {
            return Ok(true);
        }
        self.end_run()?;
        self.runs[self.shown].is_finished = true;
        let other = self
            .runs
            .iter()
            .position(|run| !run.is_finished && !run.is_lost);
        match other {
            Some(other) => Ok(self.close_and_load(other)),
            None => Ok(false),
        }
    }

    fn finish(&mut self) -> bool {
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
        if !self.client.run.approvable().is_empty() {
            self.approve_all();
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
        self.decides && (self.look_up() || self.decide())
    }

    /// Notes what the operator approved, and for which server.
    fn note_approvals(&mut self) {
        let run = &self.client.run;
        let server = run.connection().task_server.as_ref().unwrap();
        for (draft, identity) in run.drafts().iter().zip(&self.runs[self.shown].identities) {
            match (draft.approval(), self.approved.get(identity)) {
                (None, _) => {
                    self.approved.remove(identity);
                }
                (Some(approval), Some((_, digest))) if **digest == *approval.digest => {}
                (Some(approval), _) => {
                    let approved = (server.tasks_url(), approval.digest.to_string());
                    self.approved.insert(identity.clone(), approved);
                }
            }
        }
    }

    /// Checks the invariants that hold at all times.
    fn check_invariants(&mut self) -> Result<(), String> {
        self.note_approvals();
        let sent = std::mem::take(&mut self.world.borrow_mut().sent);
        for (identity, url, body) in sent {
            let digest = taskwright::digest::sha256_hex(body.as_bytes());
            if self.approved.get(&identity) != Some(&(url, digest)) {
                return Err(format!(
                    "sent without an approval: {body}\n{}",
                    self.state()
                ));
            }
        }
        let world = self.world.borrow();
        let run = &self.client.run;
        let violated = |draft: &TaskDraft, what: &str| {
            Err(format!("{}: {what}\n{}", draft.id.ordinal, self.state()))
        };
        for (draft, identity) in run.drafts().iter().zip(&self.runs[self.shown].identities) {
            let count = world.count(identity);
            let may_arrive = || world.is_on_its_way(identity);
            match draft.delivery.stage {
                DeliveryStage::Delivered if count == 0 => {
                    return violated(draft, "delivered, but the server does not have it");
                }
                DeliveryStage::Idle | DeliveryStage::Refused | DeliveryStage::Failed
                    if count > 0 || may_arrive() =>
                {
                    return violated(draft, "safe to post, but the server may have it");
                }
                DeliveryStage::Queued if !self.honours_keys && (count > 0 || may_arrive()) => {
                    return violated(draft, "queued without a key, but the server may have it");
                }
                _ => {}
            }
        }
        // Tasks that arrived since the last check.
        let checked = self.checked.replace(world.stored.len());
        for (index, task) in world.stored.iter().enumerate().skip(checked) {
            let mut runs = self.runs.iter();
            if !runs.any(|run| run.identities.contains(&task.identity)) {
                return Err(format!("the server has an unknown task: {}", task.body));
            }
            if world.count(&task.identity) > 1 {
                return Err(format!(
                    "the servers have it twice: {}\n{}",
                    task.body,
                    self.state()
                ));
            }
            for dependency in dependencies(&task.body) {
                let mut earlier = world.stored[..index].iter();
                if !earlier.any(|earlier| earlier.identity == dependency) {
                    return Err(format!(
                        "it arrived before its dependency: {}\n{}",
                        task.body,
                        self.state()
                    ));
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

    /// Checks the invariants that hold once nothing is left to do in a run.
    fn end_run(&mut self) -> Result<(), String> {
        let world = self.world.borrow();
        let run = &self.client.run;
        let now = self.now.get();
        for (draft, identity) in run.drafts().iter().zip(&self.runs[self.shown].identities) {
            let count = world.count(identity);
            let is_refused = will_be_refused(draft);
            let went_elsewhere = resend_obstacle(run.connection(), draft, now)
                == Some(ResendObstacle::Attempt(ResendRisk::OtherAddress));
            let is_as_expected = match draft.delivery.stage {
                DeliveryStage::Delivered => count == 1,
                // The operator may have decided that an unconfirmed task was not delivered.
                DeliveryStage::Refused | DeliveryStage::Failed => is_refused && count == 0,
                DeliveryStage::Queued => is_blocked_forever(run, draft) && count == 0,
                // With a server that honours keys, a task stays unconfirmed only if the server may
                // have forgotten its key, does not know it, or refuses the task after an unconfirmed
                // attempt.
                DeliveryStage::Unconfirmed => {
                    !self.honours_keys || self.exceeded_retention || is_refused || went_elsewhere
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
        Ok(())
    }

    fn end(mut self) -> Stats {
        let world = self.world.borrow();
        self.stats.replayed = world.replayed;
        self.stats.without_receipt = world.without_receipt;
        self.stats.found = world.found;
        self.stats.probed = self.probed.get();
        drop(world);
        self.stats
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
        DeliveryStage::Refused | DeliveryStage::Failed | DeliveryStage::Unconfirmed => true,
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

/// The tasks that a body depends on. Independent of the code under test.
fn dependencies(body: &str) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let task = body.get("payload").unwrap_or(&body);
    let keys = match task.get("depends_on") {
        Some(serde_json::Value::Array(keys)) => keys.iter().collect(),
        Some(key) => vec![key],
        None => Vec::new(),
    };
    keys.into_iter()
        .map(|key| format!("{{\"run\":{},\"key\":{key}", task["run"]))
        .collect()
}

/// The tasks of a run. A task may depend on an earlier one, and one in ten is refused.
fn tasks(run: char, rng: &mut SeededRng) -> Vec<Arc<str>> {
    let is_numeric = rng.chance(1, 3);
    let count = 2 + rng.below(6);
    let mut texts: Vec<Arc<str>> = (1..=count)
        .map(|n| {
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
            format!(
                "{{\"run\":\"{run}\",\"key\":{key},\"revision\":0,\"refuse\":{refuse}{depends_on}}}"
            )
            .into()
        })
        .collect();
    if rng.chance(1, 2) {
        // Dependencies come after their dependents.
        texts.reverse();
    }
    texts
}

/// A live run with these tasks, all valid and approved.
fn approved(id: u128, server: TaskServer, texts: Vec<Arc<str>>) -> Run {
    let mut connection = Connection::built_in();
    connection.task_server = Some(server);
    let schema = TaskSchema::parse(
        r#"{"title":"t","type":"object","properties":{"key":{"type":["string","integer"]},
            "depends_on":{"type":["string","integer","array"],
                "items":{"type":["string","integer"]}}}}"#,
    );
    let (mut run, _) = Run::start(Start {
        id: RunId::from_bits(id),
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
