//! The drivers with in-memory ports: what is sent, how responses are handled, what is stored.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::cell::{Cell, RefCell};
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
    CallEnd, Clock, Durability, Entry, ModelTransport, Needed, ResponsePart, StopSignal, Store,
    StoreError, Table, TaskSink, Timeouts,
};
use taskwright::review::{Approval, DraftId, RunId};
use taskwright::run::{Change, Event, Mode, Posting, Run, Start, Step};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema, agent_task_schema};
use taskwright::secrets::{Keyring, SecretSlot};
use taskwright::settings::{Address, Connection, ModelEndpoint, TaskServer};

/// Runs a future that never waits, because the ports are in memory.
fn run_now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("in-memory ports never wait"),
    }
}

struct Instant;

impl Clock for Instant {
    fn now(&self) -> u64 {
        1
    }

    async fn sleep(&self, _milliseconds: u32) {}
}

/// The requests to a model, each with its `Authorization` header.
type ModelRequests = Vec<(HttpRequest, Option<String>)>;

/// A header of the request, with its secret.
fn header(request: &PreparedRequest, name: &str) -> Option<String> {
    let headers = request.headers().unwrap();
    let found = headers.into_iter().find(|(of, _)| *of == name);
    found.map(|(_, value)| value.to_string())
}

/// A model that returns prepared responses in order and records its requests.
#[derive(Clone, Default)]
struct Model {
    responses: Rc<RefCell<VecDeque<(u16, String, CallEnd)>>>,
    requests: Rc<RefCell<ModelRequests>>,
    /// Bytes of bodies that were read.
    read: Rc<Cell<usize>>,
}

impl ModelTransport for Model {
    async fn call(
        &self,
        request: &PreparedRequest,
        _timeouts: Timeouts,
        _stop: &StopSignal,
        on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> CallEnd {
        let key = header(request, "Authorization");
        self.requests
            .borrow_mut()
            .push((request.request().clone(), key));
        let (status, body, end) = self
            .responses
            .borrow_mut()
            .pop_front()
            .expect("a prepared response");
        if status > 0 {
            on_part(ResponsePart::Head {
                status,
                headers: Vec::new(),
                at: 1,
            });
            for chunk in body.as_bytes().chunks(7) {
                self.read.set(self.read.get() + chunk.len());
                if on_part(ResponsePart::Bytes(chunk)) == Needed::Nothing {
                    return CallEnd::Responded(End::Ended);
                }
            }
        }
        end
    }
}

#[derive(Clone, Default)]
struct Tasks {
    responses: Rc<RefCell<VecDeque<ServerReply>>>,
    posted: Rc<RefCell<Vec<(HttpRequest, String)>>>,
}

impl TaskSink for Tasks {
    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        self.responses
            .borrow_mut()
            .pop_front()
            .expect("a prepared response")
    }

    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        let token = header(request, "X-AGENT-TOKEN").unwrap();
        self.posted
            .borrow_mut()
            .push((request.request().clone(), token));
        self.responses
            .borrow_mut()
            .pop_front()
            .expect("a prepared response")
    }
}

fn streamed(text: &str, finish: &str) -> String {
    let mut body = String::new();
    for part in text.chars().collect::<Vec<_>>().chunks(5) {
        let part: String = part.iter().collect();
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": part}}]});
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

struct Reports(Rc<RefCell<Vec<Report>>>);

impl Reports {
    /// The text of each task that arrived, and its number of violations.
    fn tasks(&self) -> Vec<(String, usize)> {
        let reports = self.0.borrow();
        reports
            .iter()
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
        match self.0.borrow().last() {
            Some(Report::Event(event)) => match &**event {
                Event::CallEnded { outcome, .. } => outcome.clone(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn generate(model: &Model, assignment: Assignment, secrets: Keyring) -> Reports {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let driver = LiveDriver::new(
        model.clone(),
        Tasks::default(),
        Rc::new(RefCell::new(secrets)),
    );
    let check = check(&assignment.schema);
    run_now(
        driver.generate(assignment, check, StopSignal::default(), &|report| {
            reports.borrow_mut().push(report);
        }),
    );
    Reports(reports)
}

fn model_with(responses: &[(u16, String, CallEnd)]) -> Model {
    let model = Model::default();
    model
        .responses
        .borrow_mut()
        .extend(responses.iter().cloned());
    model
}

const LOOSE: &str = r#"{"title":"t","type":"object","required":["title"],"additionalProperties":false,
    "properties":{"title":{"type":"string","minLength":2},"n":{"type":"integer"}}}"#;

#[test]
fn tasks_arrive_with_their_exact_text_except_for_nulls_that_only_the_strict_schema_allows() {
    let text = r#"{"tasks":[{ "title":"ab" , "n":null},{"n":98765432109876543210,"title":"x"}]}"#;
    let model = model_with(&[(200, streamed(text, "stop"), ended())]);
    let reports = generate(
        &model,
        assignment(LOOSE, Some(endpoint("http://localhost:1/v1"))),
        Keyring::default(),
    );
    assert_eq!(
        reports.tasks(),
        [
            (r#"{ "title":"ab"}"#.to_owned(), 0),
            (r#"{"n":98765432109876543210,"title":"x"}"#.to_owned(), 1),
        ]
    );
    assert!(reports.outcome().is_complete());
    let requests = model.requests.borrow();
    let body: Value = serde_json::from_str(requests[0].0.body.as_deref().unwrap()).unwrap();
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert_eq!(requests[0].1, None, "no key is sent to loopback");
}

#[test]
fn reading_ends_once_the_response_has_ended() {
    let pings = ": ping\n\n".repeat(10_000);
    let whole = streamed("{\"tasks\":[]}", "stop");
    let page = format!("<html>{}", " ".repeat(5_000));
    for (status, body, code, most) in [
        (200, format!("{whole}{pings}"), "complete", whole.len() + 7),
        (200, format!("{page}{pings}"), "failed", page.len()),
        (
            200,
            format!("{{\"error\":{{\"message\":\"no\"}}}}{pings}"),
            "failed",
            40,
        ),
        (500, format!("no {}", pings.repeat(100)), "failed", 70_000),
    ] {
        let model = model_with(&[(status, body, CallEnd::Responded(End::OutOfTime))]);
        let endpoint = endpoint("http://localhost:1/v1");
        let reports = generate(
            &model,
            assignment(LOOSE, Some(endpoint)),
            Keyring::default(),
        );
        assert_eq!(reports.outcome().name(), code);
        assert!(model.read.get() <= most, "{} {code}", model.read.get());
    }
}

#[test]
fn the_displayed_request_is_the_request_that_is_sent() {
    let assignment = assignment(agent_task_schema(), Some(endpoint("http://localhost:1/v1")));
    let shown = driver::request_for(&assignment).unwrap();
    let model = model_with(&[(200, streamed("{\"tasks\":[]}", "stop"), ended())]);
    generate(&model, assignment, Keyring::default());
    assert_eq!(model.requests.borrow()[0].0, shown);
}

#[test]
fn a_call_is_made_once_and_its_failure_is_reported() {
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
        let model = model_with(&[(status, body, end)]);
        let reports = generate(
            &model,
            assignment(LOOSE, Some(endpoint("http://localhost:1/v1"))),
            Keyring::default(),
        );
        assert_eq!(reports.outcome().code(), code, "{status}");
        assert!(!reports.outcome().is_complete());
    }
    let reports = generate(
        &Model::default(),
        assignment(LOOSE, None),
        Keyring::default(),
    );
    assert_eq!(reports.outcome().code(), "not_configured");
}

#[test]
fn an_api_key_is_sent_to_its_own_origin_only() {
    let model_endpoint = endpoint("https://api.example.com/v1");
    let mut ring = Keyring::default();
    ring.give(SecretSlot::API_KEY, &model_endpoint.base_url, "sk-1")
        .unwrap();
    let model = model_with(&[(200, streamed("[]", "stop"), ended())]);
    generate(&model, assignment(LOOSE, Some(model_endpoint)), ring);
    assert_eq!(model.requests.borrow()[0].1.as_deref(), Some("Bearer sk-1"));
    let mut ring = Keyring::default();
    let other = Address::parse("https://other.example.com").unwrap();
    ring.give(SecretSlot::API_KEY, &other, "sk-2").unwrap();
    let model = model_with(&[(200, streamed("[]", "stop"), ended())]);
    generate(
        &model,
        assignment(LOOSE, Some(endpoint("https://api.example.com/v1"))),
        ring,
    );
    assert!(
        model.requests.borrow().is_empty(),
        "nothing is sent without the key"
    );
}

#[test]
fn an_api_key_in_an_error_is_redacted() {
    let home = endpoint("https://api.example.com/v1");
    let errors = [
        r#"{"error":{"message":"Incorrect API key provided: sk-secret","code":"sk-secret","param":"sk-secret"}}"#,
        "<html>sk-secret is unknown</html>",
    ];
    for body in errors {
        let model = model_with(&[(401, body.to_owned(), ended())]);
        let mut secrets = Keyring::default();
        secrets
            .give(SecretSlot::API_KEY, &home.base_url, "sk-secret")
            .unwrap();
        let reports = generate(&model, assignment(LOOSE, Some(home.clone())), secrets);
        let shown = format!("{:?}", reports.outcome());
        assert!(shown.contains("[secret]"), "{shown}");
        assert!(!shown.contains("sk-secret"), "{shown}");
    }
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
fn exactly_the_approved_bytes_are_posted_and_nothing_without_a_token() {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    for (token, expected) in [(Some("t"), 1), (None, 0)] {
        let mut ring = Keyring::default();
        if let Some(token) = token {
            ring.give(SecretSlot::AGENT_TOKEN, &server.url, token)
                .unwrap();
        }
        let tasks = Tasks::default();
        tasks.responses.borrow_mut().push_back(ServerReply::Http {
            status: 201,
            retry_after: None,
            replayed: false,
            body: String::new(),
        });
        let driver = LiveDriver::new(Model::default(), tasks.clone(), Rc::new(RefCell::new(ring)));
        let reports = RefCell::new(Vec::new());
        let body = "{ \"n\": 98765432109876543210 }";
        run_now(
            driver.deliver(Some(&server), posting(body), || 1, &|report| {
                reports.borrow_mut().push(report)
            }),
        );
        let posted = tasks.posted.borrow();
        assert_eq!(posted.len(), expected);
        let Some(Report::Event(event)) = reports.borrow_mut().pop() else {
            panic!("expected an event")
        };
        let Event::AttemptEnded { outcome, .. } = *event else {
            panic!("expected the end of an attempt")
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
fn a_token_in_a_response_is_redacted() {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let mut ring = Keyring::default();
    ring.give(SecretSlot::AGENT_TOKEN, &server.url, "s3cret-token")
        .unwrap();
    let tasks = Tasks::default();
    let driver = LiveDriver::new(Model::default(), tasks.clone(), Rc::new(RefCell::new(ring)));
    let draft = posting("{}").draft;
    for status in [401, 422, 500] {
        let response = ServerReply::Http {
            status,
            retry_after: None,
            replayed: false,
            body:
                r#"{"detail":[{"loc":["header","s3cret-token"],"msg":"s3cret-token is unknown"}]}"#
                    .to_owned(),
        };
        tasks
            .responses
            .borrow_mut()
            .extend([response.clone(), response]);
        let reports = RefCell::new(Vec::new());
        let report = |report| reports.borrow_mut().push(report);
        run_now(driver.deliver(Some(&server), posting("{}"), || 1, &report));
        run_now(driver.look_up(Some(&server), draft.clone(), "key", || 1, &report));
        let reports = format!("{:?}", reports.borrow());
        assert!(reports.contains("[secret] is unknown"), "{reports}");
        assert!(!reports.contains("s3cret"), "{reports}");
    }
}

#[test]
fn a_dry_run_generates_the_same_tasks_each_time_and_can_be_stopped() {
    let assignment = assignment(agent_task_schema(), None);
    let check = check(&assignment.schema);
    let generate = |stop: StopSignal| {
        let reports = Rc::new(RefCell::new(Vec::new()));
        let report = |report| reports.borrow_mut().push(report);
        let driver = DryDriver::new(Instant);
        run_now(driver.generate(assignment.clone(), Arc::clone(&check), stop, &report));
        Reports(Rc::clone(&reports))
    };
    let first = generate(StopSignal::default());
    let second = generate(StopSignal::default());
    assert!(first.outcome().is_complete());
    assert_eq!(first.tasks().len(), 2);
    assert!(first.tasks().iter().all(|(_, violations)| *violations == 0));
    assert_eq!(
        first.tasks(),
        second.tasks(),
        "the same brief yields the same tasks"
    );
    let stop = StopSignal::default();
    stop.stop();
    assert_eq!(generate(stop).outcome(), GenerationOutcome::Cancelled);
}

/// A store in memory.
#[derive(Default)]
struct Memory {
    records: RefCell<BTreeMap<(&'static str, String), String>>,
}

impl Store for Memory {
    async fn write(&self, entries: Vec<Entry>, _: Durability) -> Result<(), StoreError> {
        let mut records = self.records.borrow_mut();
        for entry in entries {
            records.insert((entry.table.name(), entry.key), entry.text);
        }
        Ok(())
    }

    async fn read(&self, table: Table, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .records
            .borrow()
            .get(&(table.name(), key.to_owned()))
            .cloned())
    }

    async fn read_all(&self, table: Table, prefix: &str) -> Result<Vec<String>, StoreError> {
        let records = self.records.borrow();
        let found = records
            .iter()
            .filter(|((name, key), _)| *name == table.name() && key.starts_with(prefix));
        Ok(found.map(|(_, text)| text.clone()).collect())
    }
}

#[test]
fn a_stored_run_is_loaded_unchanged_and_one_of_another_version_is_not_loaded() {
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
    let save = |run: &Run, changes| {
        run_now(store.write(driver::entries(run, changes), Durability::Relaxed)).unwrap()
    };
    save(&run, &step.changes);
    let texts = (0..12)
        .map(|n| format!("{{\"title\":\"task {n}\"}}").into())
        .collect();
    let step = run.apply(Event::Import { texts }, 2);
    save(&run, &step.changes);
    let id = run.id().to_string();
    let Loaded::Run(loaded, step) = run_now(driver::load(&store, &id, 9)).unwrap() else {
        panic!("the run was stored");
    };
    assert_eq!(step, Step::default());
    assert_eq!(loaded.record(), run.record());
    assert_eq!(loaded.drafts(), run.drafts());
    assert!(matches!(
        run_now(driver::load(&store, "none", 9)).unwrap(),
        Loaded::Absent
    ));
    for (version, code) in [(2, "record_older"), (99, "record_newer")] {
        let record = format!("{{\"version\":{version}}}");
        let key = ("runs", id.clone());
        store
            .records
            .borrow_mut()
            .insert(key.clone(), record.clone());
        let Loaded::Unreadable(error) = run_now(driver::load(&store, &id, 9)).unwrap() else {
            panic!("version {version} cannot be read");
        };
        assert_eq!(error.code(), code);
        assert_eq!(store.records.borrow()[&key], record, "left unchanged");
    }
}

/// A run with this many imported tasks, and a write queue with all of its changes.
fn unsaved_run(tasks: usize) -> (Run, WriteQueue) {
    let (mut run, step) = Run::start(Start {
        id: RunId::from_bits(5),
        mode: Mode::Live,
        at: 1,
        brief: None,
        connection: Connection::built_in(),
        schema: TaskSchema::parse(LOOSE).unwrap(),
    });
    let mut write_queue = WriteQueue::default();
    write_queue.add(step.changes);
    let texts = (0..tasks).map(|n| format!("{{\"title\":\"task {n}\"}}"));
    let step = run.apply(
        Event::Import {
            texts: texts.map(Into::into).collect(),
        },
        2,
    );
    write_queue.add(step.changes);
    (run, write_queue)
}

#[test]
fn changes_during_a_transaction_go_into_the_next_one() {
    let (run, mut write_queue) = unsaved_run(3);
    let first = write_queue.next(&run).unwrap();
    assert_eq!(first.entries.len(), 4);
    assert_eq!(first.durability, Durability::Relaxed);
    let id = run.drafts()[1].id.clone();
    write_queue.add_attempt(id.clone(), 1);
    write_queue.add([Change::Run]);
    assert!(
        write_queue.next(&run).is_none(),
        "one transaction at a time"
    );
    assert_eq!(write_queue.done(first, &Ok(())), []);
    let second = write_queue.next(&run).unwrap();
    assert_eq!(second.changes(), [Change::Run, Change::Draft(id.clone())]);
    assert_eq!(second.durability, Durability::Strict);
    assert_eq!(
        write_queue.done(second, &Ok(())),
        [Event::Journaled {
            draft: id,
            attempt: 1
        }]
    );
    assert!(write_queue.next(&run).is_none());
}

#[test]
fn an_attempt_is_journaled_after_all_earlier_changes() {
    let (run, mut write_queue) = unsaved_run(600);
    write_queue.add_attempt(run.drafts()[0].id.clone(), 1);
    let mut written = 0;
    let mut events = Vec::new();
    while let Some(transaction) = write_queue.next(&run) {
        assert!(events.is_empty(), "the attempt is in the last transaction");
        written += transaction.entries.len();
        events = write_queue.done(transaction, &Ok(()));
    }
    assert_eq!(written, 601);
    assert!(matches!(events[..], [Event::Journaled { attempt: 1, .. }]));
}

#[test]
fn if_the_disk_is_full_nothing_is_sent_and_nothing_is_lost() {
    let (run, mut write_queue) = unsaved_run(600);
    write_queue.add_attempt(run.drafts()[0].id.clone(), 1);
    let full = Err(StoreError::Full {
        reason: "no space".to_owned(),
    });
    let transaction = write_queue.next(&run).unwrap();
    let events = write_queue.done(transaction, &full);
    assert!(matches!(
        events[..],
        [Event::JournalFailed { attempt: 1, .. }]
    ));
    let mut written = 0;
    while let Some(transaction) = write_queue.next(&run) {
        written += transaction.entries.len();
        assert_eq!(write_queue.done(transaction, &Ok(())), []);
    }
    assert_eq!(written, 601);
}
