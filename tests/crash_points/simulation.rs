//! One case from the first post to the end: who does what next is drawn, and after each step what
//! must hold is looked at.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use taskwright::delivery::receipt::DeliveryStage;
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

/// A world, and the steps at which the page goes.
pub struct Case {
    pub seed: u64,
    pub crashes: Vec<u64>,
}

/// What came of a case.
#[derive(Debug, Default)]
pub struct Ending {
    pub steps: u64,
    pub delivered: u64,
    pub unknown: u64,
    pub blocked: u64,
    pub replayed: u64,
    pub retried: u64,
    pub token_asked: u64,
    pub not_stored: u64,
    pub probed: u64,
}

struct Story {
    draw: SeededRng,
    world: Rc<RefCell<World>>,
    store: Committed,
    now: Rc<Cell<u64>>,
    client: Client,
    run: RunId,
    honours_keys: bool,
    /// Whether the page was away for longer than the server keeps keys.
    was_long_away: bool,
    tells: bool,
    probed: Cell<u64>,
    /// How many stored tasks were looked at.
    seen: Cell<usize>,
    ending: Ending,
}

/// Plays a case to its end.
pub fn play(case: &Case, tells: bool) -> Result<Ending, String> {
    let mut story = Story::begin(case.seed, tells);
    let mut crashes = case.crashes.iter().copied().peekable();
    loop {
        if crashes.peek() == Some(&story.ending.steps) {
            crashes.next();
            story.crash();
            story.look()?;
        }
        if !story.step()? {
            break;
        }
        story.look()?;
        story.ending.steps += 1;
        if story.ending.steps > 5_000 {
            return Err(format!("it does not end: {}", story.state()));
        }
    }
    story.end()
}

impl Story {
    fn begin(seed: u64, tells: bool) -> Story {
        let mut draw = SeededRng::new(seed);
        let honours_keys = draw.chance(60, 100);
        let tasks = 2 + draw.below(6);
        let faults = draw.below(9);
        let trouble = 20 + draw.below(80);
        let concurrency = 1 + draw.below(4);
        let now = Rc::new(Cell::new(START));
        let world = World::new(honours_keys, 25 * HOUR, faults, trouble);
        let world = Rc::new(RefCell::new(world));
        let mut server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        server.honours_idempotency_keys = honours_keys;
        server.concurrency = u8::try_from(concurrency).unwrap();
        let is_numeric = draw.chance(1, 3);
        let mut texts: Vec<Arc<str>> = (1..=tasks)
            .map(|n| {
                // Each may depend on one before it, and one in ten is refused.
                let named = (draw.chance(30, 100) && n > 1).then(|| 1 + draw.below(n - 1));
                let depends_on = match (named, draw.chance(1, 2)) {
                    (Some(other), true) => format!(",\"depends_on\":{}", key(other, is_numeric)),
                    (Some(other), false) => {
                        format!(",\"depends_on\":[{}]", key(other, is_numeric))
                    }
                    (None, _) => String::new(),
                };
                let refuse = draw.chance(10, 100);
                let key = key(n, is_numeric);
                format!("{{\"key\":{key},\"refuse\":{refuse}{depends_on}}}").into()
            })
            .collect();
        if draw.chance(1, 2) {
            // Then each dependency is listed after the task that names it.
            texts.reverse();
        }
        let run = approved(seed, server, texts);
        let store = Committed::default();
        let mut changes = vec![taskwright::run::Change::Run];
        let drafts = run.drafts().iter();
        changes.extend(drafts.map(|draft| taskwright::run::Change::Draft(draft.id.clone())));
        store.commit(&taskwright::driver::entries(&run, &changes));
        let id = run.id().clone();
        let client = Client::open(
            run,
            Step::default(),
            store.clone(),
            Wire(Rc::clone(&world)),
            Rc::clone(&now),
        );
        let mut story = Story {
            draw,
            world,
            store,
            now,
            client,
            run: id,
            honours_keys,
            was_long_away: false,
            tells,
            probed: Cell::new(0),
            seen: Cell::new(0),
            ending: Ending::default(),
        };
        story.client.give_token("token-0");
        let digest = story.client.run.confirmation().unwrap().digest;
        assert_eq!(story.client.apply(Event::Post { digest }), None);
        story
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            println!(
                "{:>4} {:>8} ms  {:<44} {}",
                self.ending.steps,
                self.now.get() - START,
                what(),
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
            "{} | {:?} | {} requests, {} answers, {} stored",
            stages.join(" "),
            self.client.run.batch(),
            world.requests.len(),
            world.answers.len(),
            world.stored.len()
        )
    }

    /// The page is gone and comes back, perhaps much later.
    fn crash(&mut self) {
        self.world.borrow_mut().forget_the_page();
        let away = match self.draw.below(10) {
            0 => 3 * 24 * HOUR,
            _ => self.draw.below(10_000),
        };
        if away > HOUR {
            // Nothing is on its way for days: it arrives soon, or never.
            self.was_long_away = true;
            let now = self.now.get();
            self.world.borrow_mut().settle_requests(&mut self.draw, now);
        }
        self.now.set(self.now.get() + away);
        let id = self.run.to_string();
        self.client = Client::come_back(
            &id,
            self.store.clone(),
            Wire(Rc::clone(&self.world)),
            Rc::clone(&self.now),
        );
        let token = self.world.borrow().token.clone();
        self.client.give_token(&token);
        self.tell(|| "the page went and came back".to_owned());
    }

    /// Lets one thing happen; `false` where nothing can any more.
    fn step(&mut self) -> Result<bool, String> {
        let mut can: Vec<Can> = Vec::new();
        if !self.client.inbox.borrow().is_empty() {
            can.push(Can::Hear);
        }
        if self.client.transaction.is_some() {
            can.push(Can::Write);
        }
        let (requests, answers) = {
            let world = self.world.borrow();
            (world.requests.len(), world.answers.len())
        };
        can.extend((0..requests).map(Can::Receive));
        can.extend((0..answers).map(Can::GiveBack));
        if can.is_empty() || self.draw.chance(3, 100) {
            if self.client.wake_at.is_some() {
                can.push(Can::Wake);
            } else if can.is_empty() {
                return Ok(self.operate());
            }
        }
        let which = self.draw.below(can.len() as u64);
        match can[usize::try_from(which).unwrap()] {
            Can::Hear => {
                let event = self.client.inbox.borrow_mut().pop_front().unwrap();
                self.tell(|| format!("heard {event:?}").chars().take(44).collect());
                let twice = self.draw.chance(5, 100).then(|| event.clone());
                self.client.apply(event);
                if let Some(event) = twice {
                    // The same answer once more, as from a driver that repeats itself.
                    self.client.apply(event);
                }
            }
            Can::Write => {
                let is_full = {
                    let mut world = self.world.borrow_mut();
                    let is_begun = matches!(self.client.transaction, Some(Pending::Begun(_)));
                    let is_full = is_begun && world.faults_left > 0 && self.draw.chance(5, 100);
                    world.faults_left -= u64::from(is_full);
                    is_full
                };
                self.client.step_transaction(is_full);
                self.tell(|| format!("wrote, full: {is_full}"));
            }
            Can::Receive(which) => {
                let now = self.now.get();
                let what = self.world.borrow_mut().receive(which, &mut self.draw, now);
                self.tell(|| format!("a request: {what}"));
            }
            Can::GiveBack(which) => {
                self.world.borrow_mut().give_back(which);
                self.client.go_on();
                self.tell(|| "an answer came back".to_owned());
            }
            Can::Wake => {
                let at = self.client.wake_at.take().unwrap();
                self.now.set(self.now.get().max(at));
                self.client.apply(Event::Woke);
                self.tell(|| "woke".to_owned());
            }
        }
        self.now.set(self.now.get() + self.draw.below(40));
        Ok(true)
    }

    /// Nothing happens by itself any more: the operator does what the page offers for all at once.
    /// Tasks of unknown fate are touched only where the server honours keys.
    fn operate(&mut self) -> bool {
        if self.client.wants_token {
            self.ending.token_asked += 1;
            let token = self.world.borrow().token.clone();
            self.client.give_token(&token);
        }
        if let Batch::Paused { why } = self.client.run.batch().clone()
            && why != Pause::Blocked
        {
            self.ending.not_stored += u64::from(matches!(why, Pause::NotStored { .. }));
            self.client.apply(Event::Resume);
            self.tell(|| "the operator resumes".to_owned());
            return true;
        }
        if let Some(confirmation) = self.client.run.confirmation() {
            // The page went before it was written down that they were posted.
            let digest = confirmation.digest;
            self.client.apply(Event::Post { digest });
            self.tell(|| "the operator posts".to_owned());
            return true;
        }
        let drafts = self.client.run.drafts();
        // Those that the server would not take whatever it is asked stay refused.
        let is_safe = |draft: &Arc<TaskDraft>| {
            matches!(
                draft.delivery.stage,
                DeliveryStage::Failed | DeliveryStage::Refused
            ) && !will_be_refused(draft)
        };
        if drafts.iter().any(is_safe) {
            // All at once: what is of unknown fate is named as well, and must not be touched.
            let drafts = drafts.iter().filter(|draft| !will_be_refused(draft));
            let drafts = drafts.map(|draft| draft.id.clone()).collect();
            self.client.apply(Event::Retry { drafts });
            self.tell(|| "the operator sends those that were not taken again".to_owned());
            return true;
        }
        let now = self.now.get();
        let run = &self.client.run;
        let is_worth_it = |draft: &&Arc<TaskDraft>| {
            draft.delivery.stage == DeliveryStage::Unconfirmed
                && run.may_resend(draft, now)
                && !will_be_refused(draft)
        };
        let unknown = drafts
            .iter()
            .find(is_worth_it)
            .map(|draft| draft.id.clone());
        if let Some(draft) = unknown {
            self.client.apply(Event::ResendSameKey { draft });
            self.tell(|| "the operator sends one with its key again".to_owned());
            return true;
        }
        false
    }

    /// What must hold at every moment.
    fn look(&self) -> Result<(), String> {
        let world = self.world.borrow();
        let run = &self.client.run;
        let wrong = |draft: &TaskDraft, what: &str| {
            Err(format!("{}: {what}\n{}", draft.id.ordinal, self.state()))
        };
        for draft in run.drafts() {
            let body = draft.content.text();
            let count = world.count(body);
            if count > 1 {
                return wrong(draft, "it is there twice");
            }
            match draft.delivery.stage {
                DeliveryStage::Delivered if count == 0 => {
                    return wrong(draft, "it is said to be delivered and is not there");
                }
                DeliveryStage::Idle | DeliveryStage::Refused | DeliveryStage::Failed
                    if count > 0 || world.is_on_its_way(body) =>
                {
                    return wrong(draft, "it is said to be safe to send and may be there");
                }
                DeliveryStage::Queued
                    if !self.honours_keys && (count > 0 || world.is_on_its_way(body)) =>
                {
                    return wrong(draft, "it waits to be sent and may be there");
                }
                _ => {}
            }
        }
        // What came since the last look.
        let seen = self.seen.replace(world.stored.len());
        for (place, task) in world.stored.iter().enumerate().skip(seen) {
            let draft = run
                .drafts()
                .iter()
                .find(|draft| draft.content.text() == task.body);
            let Some(draft) = draft else {
                return Err(format!("something else is there: {}", task.body));
            };
            for key in dependencies(&task.body) {
                let is_before = world.stored[..place]
                    .iter()
                    .any(|before| before.body.contains(&format!("\"key\":{key},")));
                if !is_before {
                    return wrong(draft, "it is there before what it depends on");
                }
            }
        }
        let server = run.connection().task_server.as_ref().unwrap();
        let count = |is: fn(&&Arc<TaskDraft>) -> bool| run.drafts().iter().filter(is).count();
        let room = usize::from(server.concurrency);
        let under_way = count(|draft| draft.delivery.is_in_flight());
        if under_way > room {
            return Err(format!("{under_way} at a time\n{}", self.state()));
        }
        // Only what a server would recognise is written down before there is room for it.
        let sending = count(|draft| draft.delivery.stage == DeliveryStage::Sending);
        let ahead = if self.honours_keys { 2 * room } else { 0 };
        if sending > room + ahead {
            return Err(format!("{sending} written down\n{}", self.state()));
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

    /// What must hold when nothing happens any more.
    fn end(mut self) -> Result<Ending, String> {
        let world = self.world.borrow();
        let run = &self.client.run;
        for draft in run.drafts() {
            let count = world.count(draft.content.text());
            let is_refused = will_be_refused(draft);
            let waits_for_refused = waits_for_good(run, draft);
            let fits = match draft.delivery.stage {
                DeliveryStage::Delivered => count == 1,
                DeliveryStage::Refused => is_refused && count == 0,
                // It says what it waits for, and that will not come by itself.
                DeliveryStage::Queued => waits_for_refused && count == 0,
                // Nobody knows. With a server that honours keys nothing stays so but what it may
                // have forgotten, and what it refuses after an attempt that may have arrived.
                DeliveryStage::Unconfirmed => {
                    !self.honours_keys || self.was_long_away || is_refused
                }
                _ => false,
            };
            if !fits {
                return Err(format!(
                    "{} ended as {:?} and is there {count} times\n{}",
                    draft.id.ordinal,
                    draft.delivery.stage,
                    self.state()
                ));
            }
            match draft.delivery.stage {
                DeliveryStage::Delivered => self.ending.delivered += 1,
                DeliveryStage::Unconfirmed => self.ending.unknown += 1,
                DeliveryStage::Queued => self.ending.blocked += 1,
                _ => {}
            }
            self.ending.retried += u64::from(draft.delivery.attempts.len() > 1);
        }
        self.ending.replayed = world.replayed;
        self.ending.probed = self.probed.get();
        drop(world);
        Ok(self.ending)
    }
}

/// Whether the server takes this task under no circumstances.
fn will_be_refused(draft: &TaskDraft) -> bool {
    draft.content.text().contains("\"refuse\":true")
}

/// What can happen next.
#[derive(Clone, Copy)]
enum Can {
    Hear,
    Write,
    Receive(usize),
    GiveBack(usize),
    Wake,
}

/// Whether a task waits for one that was refused or is of unknown fate, or for one that does.
fn waits_for_good(run: &Run, draft: &TaskDraft) -> bool {
    let Some(WaitReason::Dependency { draft, .. }) = run.wait_reason(draft) else {
        return false;
    };
    let holder = run.draft(&draft).unwrap();
    match holder.delivery.stage {
        DeliveryStage::Refused | DeliveryStage::Unconfirmed => true,
        DeliveryStage::Queued => waits_for_good(run, holder),
        _ => false,
    }
}

/// The JSON text of the key of the task that was made as number `n`.
fn key(n: u64, is_numeric: bool) -> String {
    if is_numeric {
        n.to_string()
    } else {
        format!("\"t{n}\"")
    }
}

/// The JSON texts of the keys a body depends on, read without the code under test.
fn dependencies(body: &str) -> Vec<String> {
    let task: serde_json::Value = serde_json::from_str(body).unwrap();
    match task.get("depends_on") {
        Some(serde_json::Value::Array(keys)) => keys.iter().map(ToString::to_string).collect(),
        Some(key) => vec![key.to_string()],
        None => Vec::new(),
    }
}

/// A live run of these tasks, all of them checked and approved.
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
            panic!("a check");
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
