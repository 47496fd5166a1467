//! The drivers over a world in memory: what leaves, what comes back, what is kept.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use taskwright::brief::BriefForm;
use taskwright::delivery::DeliveryOutcome;
use taskwright::delivery::response::ServerReply;
use taskwright::driver::{self, Assignment, DryDriver, LiveDriver, Loaded, Report, WriteQueue};
use taskwright::http::{HttpRequest, PreparedRequest};
use taskwright::model::{End, GenerationOutcome, ResponseFormat};
use taskwright::ports::{
    CallEnd, Clock, Durability, Entry, ModelTransport, ResponsePart, StopSignal, Store, StoreError,
    Table, TaskSink, Timeouts,
};
use taskwright::review::{Approval, DraftId, RunId};
use taskwright::run::{Change, Event, Mode, Posting, Run, Start, Step};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema, agent_task_schema};
use taskwright::secrets::{Keyring, SecretSlot};
use taskwright::settings::{Address, Connection, ModelEndpoint, TaskServer};

/// Runs a future that never has to wait: the world in memory answers at once.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the world in memory answers at once"),
    }
}

struct Instant;

impl Clock for Instant {
    fn now(&self) -> u64 {
        1
    }

    async fn sleep(&self, _milliseconds: u32) {}
}

/// What a model was asked, and with which key.
type Asked = Vec<(HttpRequest, Option<String>)>;

/// A header as it is sent, secret included.
fn header(request: &PreparedRequest, name: &str) -> Option<String> {
    let headers = request.headers().unwrap();
    let found = headers.into_iter().find(|(of, _)| *of == name);
    found.map(|(_, value)| value.to_string())
}

/// A model that gives one prepared answer after the other and remembers what it was asked.
#[derive(Clone, Default)]
struct Model {
    answers: Rc<RefCell<VecDeque<(u16, String, CallEnd)>>>,
    asked: Rc<RefCell<Asked>>,
}

impl ModelTransport for Model {
    async fn call(
        &self,
        request: &PreparedRequest,
        _timeouts: Timeouts,
        _stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>),
    ) -> CallEnd {
        let key = header(request, "Authorization");
        self.asked
            .borrow_mut()
            .push((request.request().clone(), key));
        let (status, body, end) = self
            .answers
            .borrow_mut()
            .pop_front()
            .expect("an answer is left");
        if status > 0 {
            on_part(ResponsePart::Head {
                status,
                headers: Vec::new(),
                at: 1,
            });
            for piece in body.as_bytes().chunks(7) {
                on_part(ResponsePart::Bytes(piece));
            }
        }
        end
    }
}

#[derive(Clone, Default)]
struct Tasks {
    answers: Rc<RefCell<VecDeque<ServerReply>>>,
    posted: Rc<RefCell<Vec<(HttpRequest, String)>>>,
}

impl TaskSink for Tasks {
    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        self.answers
            .borrow_mut()
            .pop_front()
            .expect("an answer is left")
    }

    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        let token = header(request, "X-AGENT-TOKEN").unwrap();
        self.posted
            .borrow_mut()
            .push((request.request().clone(), token));
        self.answers
            .borrow_mut()
            .pop_front()
            .expect("an answer is left")
    }
}

fn streamed(text: &str, finish: &str) -> String {
    let mut body = String::new();
    for piece in text.chars().collect::<Vec<_>>().chunks(5) {
        let piece: String = piece.iter().collect();
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]});
    body.push_str(&format!("data: {last}\n\ndata: [DONE]\n\n"));
    body
}

fn ended() -> CallEnd {
    CallEnd::Responded(End::Ended)
}

fn assignment(schema: &str, endpoint: Option<ModelEndpoint>) -> Assignment {
    let form = BriefForm {
        goal: "Ship it".to_owned(),
        count: "2".to_owned(),
        ..BriefForm::default()
    };
    Assignment::first(
        form.check(0).unwrap(),
        TaskSchema::parse(schema).unwrap(),
        Connection {
            model: endpoint,
            ..Connection::built_in()
        },
        ResponseFormat::default(),
    )
}

fn endpoint(base_url: &str) -> ModelEndpoint {
    ModelEndpoint::at(Address::parse(base_url).unwrap(), "m")
}

fn check(schema: &TaskSchema) -> Arc<dyn Check> {
    Arc::new(Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap())
}

struct Announced(Rc<RefCell<Vec<Report>>>);

impl Announced {
    fn tasks(&self) -> Vec<(String, usize)> {
        let told = self.0.borrow();
        told.iter()
            .filter_map(|report| match report {
                Report::Event(event) => match &**event {
                    Event::TaskArrived {
                        document,
                        violations,
                    } => Some((document.text().to_owned(), violations.len())),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    fn outcome(&self) -> GenerationOutcome {
        let told = self.0.borrow();
        match told.last() {
            Some(Report::Event(event)) => match &**event {
                Event::CallEnded { outcome, .. } => outcome.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn generate(model: &Model, assignment: Assignment, secrets: Keyring) -> Announced {
    let told = Rc::new(RefCell::new(Vec::new()));
    let driver = LiveDriver::new(
        model.clone(),
        Tasks::default(),
        Rc::new(RefCell::new(secrets)),
    );
    let check = check(&assignment.schema);
    let reports = Rc::clone(&told);
    at_once(
        driver.generate(assignment, check, StopSignal::default(), &move |report| {
            reports.borrow_mut().push(report);
        }),
    );
    Announced(told)
}

fn answering(answers: &[(u16, String, CallEnd)]) -> Model {
    let model = Model::default();
    model.answers.borrow_mut().extend(answers.iter().cloned());
    model
}

const LOOSE: &str = r#"{"title":"t","type":"object","required":["title"],"additionalProperties":false,
    "properties":{"title":{"type":"string","minLength":2},"n":{"type":"integer"}}}"#;

#[test]
fn tasks_arrive_with_their_exact_text_and_without_the_nulls_that_only_the_model_was_allowed() {
    let text = r#"{"tasks":[{ "title":"ab" , "n":null},{"n":98765432109876543210,"title":"x"}]}"#;
    let model = answering(&[(200, streamed(text, "stop"), ended())]);
    let told = generate(
        &model,
        assignment(LOOSE, Some(endpoint("http://localhost:1/v1"))),
        Keyring::default(),
    );
    assert_eq!(
        told.tasks(),
        [
            (r#"{ "title":"ab"}"#.to_owned(), 0),
            (r#"{"n":98765432109876543210,"title":"x"}"#.to_owned(), 1),
        ]
    );
    assert!(told.outcome().is_complete());
    let asked = model.asked.borrow();
    let body: Value = serde_json::from_str(asked[0].0.body.as_deref().unwrap()).unwrap();
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert_eq!(asked[0].1, None, "loopback wants no key and gets none");
}

#[test]
fn the_request_that_is_shown_is_the_request_that_leaves() {
    let assignment = assignment(agent_task_schema(), Some(endpoint("http://localhost:1/v1")));
    let shown = driver::request_for(&assignment).unwrap();
    let model = answering(&[(200, streamed("{\"tasks\":[]}", "stop"), ended())]);
    generate(&model, assignment, Keyring::default());
    assert_eq!(model.asked.borrow()[0].0, shown);
}

#[test]
fn a_call_is_made_once_and_its_failure_is_told() {
    for (status, body, end, code) in [
        (
            401,
            "{\"error\":{\"message\":\"bad key\"}}".to_owned(),
            ended(),
            "key_refused",
        ),
        (500, "<html>".to_owned(), ended(), "server_error"),
        (
            200,
            streamed("{\"tasks\":[{\"title\":\"ab\"}", "length"),
            ended(),
            "cut_off",
        ),
        (200, "data: [DONE]\n\n".to_owned(), ended(), "interrupted"),
        (
            0,
            String::new(),
            CallEnd::Unreachable {
                reason: "Failed to fetch".into(),
            },
            "unreachable",
        ),
        (
            200,
            String::new(),
            CallEnd::Responded(End::Stalled),
            "stalled",
        ),
        (
            200,
            String::new(),
            CallEnd::Responded(End::Cancelled),
            "cancelled",
        ),
        (0, String::new(), CallEnd::Stopped, "cancelled"),
    ] {
        let model = answering(&[(status, body, end)]);
        let told = generate(
            &model,
            assignment(LOOSE, Some(endpoint("http://localhost:1/v1"))),
            Keyring::default(),
        );
        assert_eq!(told.outcome().code(), code, "{status}");
        assert!(!told.outcome().is_complete());
    }
    let told = generate(
        &Model::default(),
        assignment(LOOSE, None),
        Keyring::default(),
    );
    assert_eq!(told.outcome().code(), "not_configured");
}

#[test]
fn a_key_goes_to_its_own_origin_only() {
    let home = endpoint("https://api.example.com/v1");
    let mut ring = Keyring::default();
    ring.give(SecretSlot::API_KEY, &home.base_url, "sk-1")
        .unwrap();
    let model = answering(&[(200, streamed("[]", "stop"), ended())]);
    generate(&model, assignment(LOOSE, Some(home)), ring);
    assert_eq!(model.asked.borrow()[0].1.as_deref(), Some("Bearer sk-1"));
    let mut ring = Keyring::default();
    let other = Address::parse("https://other.example.com").unwrap();
    ring.give(SecretSlot::API_KEY, &other, "sk-2").unwrap();
    let model = answering(&[(200, streamed("[]", "stop"), ended())]);
    generate(
        &model,
        assignment(LOOSE, Some(endpoint("https://api.example.com/v1"))),
        ring,
    );
    assert!(
        model.asked.borrow().is_empty(),
        "nothing is sent without it"
    );
}

fn posting(body: &str) -> Posting {
    Posting {
        draft: DraftId {
            run: RunId::from_bits(1),
            ordinal: 1,
        },
        attempt: 1,
        approval: Approval {
            body: body.into(),
            digest: "d".into(),
            key: "k".into(),
        },
    }
}

#[test]
fn the_approved_bytes_are_the_bytes_that_leave_and_without_a_token_nothing_leaves() {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    for (token, expected) in [(Some("t"), 1), (None, 0)] {
        let mut ring = Keyring::default();
        if let Some(token) = token {
            ring.give(SecretSlot::AGENT_TOKEN, &server.url, token)
                .unwrap();
        }
        let tasks = Tasks::default();
        tasks.answers.borrow_mut().push_back(ServerReply::Http {
            status: 201,
            retry_after: None,
            replayed: false,
            body: String::new(),
        });
        let driver = LiveDriver::new(Model::default(), tasks.clone(), Rc::new(RefCell::new(ring)));
        let told = RefCell::new(Vec::new());
        let body = "{ \"n\": 98765432109876543210 }";
        at_once(
            driver.deliver(Some(&server), posting(body), || 1, &|report| {
                told.borrow_mut().push(report)
            }),
        );
        let posted = tasks.posted.borrow();
        assert_eq!(posted.len(), expected);
        let Some(Report::Event(event)) = told.borrow_mut().pop() else {
            panic!("an event")
        };
        let Event::Answered { outcome, .. } = *event else {
            panic!("an answer")
        };
        match posted.first() {
            Some((request, token)) => {
                assert_eq!((request.body.as_deref(), token.as_str()), (Some(body), "t"));
                assert!(matches!(outcome, DeliveryOutcome::Delivered { .. }));
            }
            None => assert_eq!(outcome, DeliveryOutcome::NoToken),
        }
    }
}

#[test]
fn a_token_that_the_server_repeats_is_neither_shown_nor_kept() {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let mut ring = Keyring::default();
    ring.give(SecretSlot::AGENT_TOKEN, &server.url, "s3cret-token")
        .unwrap();
    let tasks = Tasks::default();
    let driver = LiveDriver::new(Model::default(), tasks.clone(), Rc::new(RefCell::new(ring)));
    let draft = posting("{}").draft;
    for status in [401, 422, 500] {
        let repeats = ServerReply::Http {
            status,
            retry_after: None,
            replayed: false,
            body:
                r#"{"detail":[{"loc":["header","s3cret-token"],"msg":"s3cret-token is unknown"}]}"#
                    .to_owned(),
        };
        tasks
            .answers
            .borrow_mut()
            .extend([repeats.clone(), repeats]);
        let told = RefCell::new(Vec::new());
        let report = |report| told.borrow_mut().push(report);
        at_once(driver.deliver(Some(&server), posting("{}"), || 1, &report));
        at_once(driver.look_up(Some(&server), draft.clone(), "key", || 1, &report));
        let told = format!("{:?}", told.borrow());
        assert!(told.contains("[secret] is unknown"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_dry_run_makes_its_tasks_and_its_receipts_with_nothing_but_a_clock() {
    let assignment = assignment(agent_task_schema(), None);
    let check = check(&assignment.schema);
    let make = || {
        let told = Rc::new(RefCell::new(Vec::new()));
        let reports = Rc::clone(&told);
        let report = move |report| reports.borrow_mut().push(report);
        let driver = DryDriver::new(Instant);
        at_once(driver.generate(
            assignment.clone(),
            Arc::clone(&check),
            StopSignal::default(),
            &report,
        ));
        Announced(told)
    };
    let (first, second) = (make(), make());
    assert!(first.outcome().is_complete());
    assert_eq!(first.tasks().len(), 2);
    assert!(first.tasks().iter().all(|(_, violations)| *violations == 0));
    assert_eq!(
        first.tasks(),
        second.tasks(),
        "the same brief gives the same tasks"
    );
    let stop = StopSignal::default();
    stop.stop();
    let told = Rc::new(RefCell::new(Vec::new()));
    let reports = Rc::clone(&told);
    let driver = DryDriver::new(Instant);
    at_once(
        driver.generate(assignment.clone(), check, stop, &move |report| {
            reports.borrow_mut().push(report)
        }),
    );
    assert_eq!(Announced(told).outcome(), GenerationOutcome::Cancelled);
}

/// A store in memory that can be told to fail.
#[derive(Default)]
struct Memory {
    held: RefCell<BTreeMap<(&'static str, String), String>>,
    is_full: bool,
}

impl Store for Memory {
    async fn write(&self, entries: Vec<Entry>, _: Durability) -> Result<(), StoreError> {
        if self.is_full {
            return Err(StoreError::Full {
                reason: "full".to_owned(),
            });
        }
        let mut held = self.held.borrow_mut();
        for entry in entries {
            held.insert((entry.table.name(), entry.key), entry.text);
        }
        Ok(())
    }

    async fn read(&self, table: Table, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .held
            .borrow()
            .get(&(table.name(), key.to_owned()))
            .cloned())
    }

    async fn read_all(&self, table: Table, prefix: &str) -> Result<Vec<String>, StoreError> {
        let held = self.held.borrow();
        let found = held
            .iter()
            .filter(|((name, key), _)| *name == table.name() && key.starts_with(prefix));
        Ok(found.map(|(_, text)| text.clone()).collect())
    }
}

#[test]
fn a_run_that_was_kept_comes_back_as_it_stood() {
    let store = Memory::default();
    let assignment = assignment(LOOSE, None);
    let (mut run, step) = Run::start(Start {
        id: RunId::from_bits(3),
        mode: Mode::Live,
        at: 1,
        brief: None,
        connection: assignment.connection,
        schema: assignment.schema,
    });
    let keep = |run: &Run, changes| {
        at_once(store.write(driver::entries(run, changes), Durability::Relaxed)).unwrap()
    };
    keep(&run, &step.changes);
    let texts = (0..12)
        .map(|n| format!("{{\"title\":\"task {n}\"}}").into())
        .collect();
    let step = run.apply(Event::Import { texts }, 2);
    keep(&run, &step.changes);
    let id = run.id().to_string();
    let Loaded::Run(back, settled) = at_once(driver::load(&store, &id, 9)).unwrap() else {
        panic!("it was kept");
    };
    assert_eq!(settled, Step::default());
    assert_eq!(back.record(), run.record());
    assert_eq!(back.drafts(), run.drafts());
    assert!(matches!(
        at_once(driver::load(&store, "none", 9)).unwrap(),
        Loaded::Absent
    ));
    store
        .held
        .borrow_mut()
        .insert(("runs", id.clone()), "{\"version\":99}".to_owned());
    assert!(matches!(
        at_once(driver::load(&store, &id, 9)).unwrap(),
        Loaded::Unreadable(_)
    ));
}

/// A run of so many tasks that were brought in, and a keeper that knows of all of them.
fn kept_run(tasks: usize) -> (Run, WriteQueue) {
    let (mut run, step) = Run::start(Start {
        id: RunId::from_bits(5),
        mode: Mode::Live,
        at: 1,
        brief: None,
        connection: Connection::built_in(),
        schema: TaskSchema::parse(LOOSE).unwrap(),
    });
    let mut write_queue = WriteQueue::default();
    write_queue.note(step.changes);
    let texts = (0..tasks).map(|n| format!("{{\"title\":\"task {n}\"}}"));
    let step = run.apply(
        Event::Import {
            texts: texts.map(Into::into).collect(),
        },
        2,
    );
    write_queue.note(step.changes);
    (run, write_queue)
}

#[test]
fn what_changes_while_the_store_is_busy_goes_with_the_next_transaction() {
    let (run, mut write_queue) = kept_run(3);
    let first = write_queue.next(&run).unwrap();
    assert_eq!(first.entries.len(), 4);
    assert_eq!(first.durability, Durability::Relaxed);
    let id = run.drafts()[1].id.clone();
    write_queue.note_attempt(id.clone(), 1);
    write_queue.note([Change::Run]);
    assert!(write_queue.next(&run).is_none(), "one at a time");
    assert_eq!(write_queue.done(first, &Ok(())), []);
    let second = write_queue.next(&run).unwrap();
    assert_eq!(second.changes(), [Change::Run, Change::Draft(id.clone())]);
    assert_eq!(second.durability, Durability::Strict);
    let told = write_queue.done(second, &Ok(()));
    assert_eq!(
        told,
        [Event::Journaled {
            draft: id,
            attempt: 1
        }]
    );
    assert!(write_queue.next(&run).is_none());
}

#[test]
fn an_attempt_waits_until_all_that_changed_before_it_is_written() {
    let (run, mut write_queue) = kept_run(600);
    write_queue.note_attempt(run.drafts()[0].id.clone(), 1);
    let mut written = 0;
    let mut told = Vec::new();
    while let Some(writing) = write_queue.next(&run) {
        assert!(told.is_empty(), "the attempt goes last");
        written += writing.entries.len();
        told = write_queue.done(writing, &Ok(()));
    }
    assert_eq!(written, 601);
    assert!(matches!(told[..], [Event::Journaled { attempt: 1, .. }]));
}

#[test]
fn a_full_disk_keeps_requests_from_leaving_and_loses_nothing() {
    let (run, mut write_queue) = kept_run(600);
    write_queue.note_attempt(run.drafts()[0].id.clone(), 1);
    let full = Err(StoreError::Full {
        reason: "no room".to_owned(),
    });
    let writing = write_queue.next(&run).unwrap();
    let told = write_queue.done(writing, &full);
    assert!(matches!(
        told[..],
        [Event::JournalFailed { attempt: 1, .. }]
    ));
    let mut written = 0;
    while let Some(writing) = write_queue.next(&run) {
        written += writing.entries.len();
        assert_eq!(write_queue.done(writing, &Ok(())), []);
    }
    assert_eq!(written, 601);
}
