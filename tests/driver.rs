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
use taskwright::delivery::response::{Redirect, ServerReply};
use taskwright::document::Document;
use taskwright::driver::{
    self, Assignment, DryDriver, LiveDriver, Loaded, Report, StoredRun, Transaction, WriteQueue,
};
use taskwright::http::{HttpRequest, Method, PreparedRequest, RedirectPolicy};
use taskwright::model::{Adaptations, End, GenerationOutcome, Stall};
use taskwright::ports::{
    CallEnd, Clock, Durability, Entry, ModelTransport, Needed, ResponsePart, StopSignal, Store,
    StoreError, Table, TaskSink, Timeouts,
};
use taskwright::review::{Approval, DraftId, DraftState, RunId};
use taskwright::run::{
    Change, Effect, Event, JournalEntry, Mode, Posting, Run, RunError, RunSummary, Start, Step,
};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Roles, TaskSchema, Violation, agent_task_schema};
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

/// A request and the names of its headers.
type Asked = (HttpRequest, Vec<String>);

#[derive(Clone, Default)]
struct Tasks {
    responses: Rc<RefCell<VecDeque<ServerReply>>>,
    posted: Rc<RefCell<Vec<(HttpRequest, String)>>>,
    /// The `GET` requests.
    asked: Rc<RefCell<Vec<Asked>>>,
}

impl TaskSink for Tasks {
    async fn look_up(&self, request: &PreparedRequest) -> ServerReply {
        let headers = request.headers().unwrap();
        let names = headers.iter().map(|(name, _)| (*name).to_owned());
        self.asked
            .borrow_mut()
            .push((request.request().clone(), names.collect()));
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
        Adaptations::default(),
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

    /// The violations of all tasks that arrived.
    fn violations(&self) -> Vec<Violation> {
        let reports = self.0.borrow();
        reports
            .iter()
            .filter_map(|report| match report {
                Report::Event(event) => match &**event {
                    Event::TaskArrived { violations, .. } => Some(violations.clone()),
                    _ => None,
                },
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// The text that the page shows while the response arrives.
    fn visible_text(&self) -> String {
        let reports = self.0.borrow();
        let texts = reports.iter().filter_map(|report| match report {
            Report::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The text that is kept for the request.
    fn raw_response(&self) -> String {
        match self.0.borrow().last() {
            Some(Report::Event(event)) => match &**event {
                Event::CallEnded { raw_response, .. } => raw_response.to_string(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
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
    let check = check(&assignment.schema);
    generate_with(model, assignment, secrets, check)
}

fn generate_with(
    model: &Model,
    assignment: Assignment,
    secrets: Keyring,
    check: Arc<dyn Check>,
) -> Reports {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let driver = LiveDriver::new(
        model.clone(),
        Tasks::default(),
        Rc::new(RefCell::new(secrets)),
    );
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
fn while_the_model_reasons_the_size_of_its_reasoning_is_reported() {
    let mut body = String::new();
    for part in ["Each task ", "needs ", "a title."] {
        let chunk = json!({"choices": [{"index": 0, "delta": {"reasoning_content": part}}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body.push_str(&streamed("{\"tasks\":[]}", "stop"));
    let model = model_with(&[(200, body, ended())]);
    let endpoint = endpoint("http://localhost:1/v1");
    let reports = generate(
        &model,
        assignment(LOOSE, Some(endpoint)),
        Keyring::default(),
    );
    let sizes: Vec<usize> = reports
        .0
        .borrow()
        .iter()
        .filter_map(|report| match report {
            Report::Reasoning { bytes } => Some(*bytes),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [10, 16, 24]);
    assert_eq!(reports.visible_text(), "{\"tasks\":[]}");
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
            CallEnd::Responded(End::Stalled(Stall::FirstToken)),
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

/// The API key of the tests about redaction.
const KEY: &str = "sk-hunter2/long~key";

/// A keyring that holds [`KEY`], and an agent token of another origin.
fn keyring_with_key(endpoint: &ModelEndpoint) -> Keyring {
    let mut secrets = Keyring::default();
    secrets
        .give(SecretSlot::API_KEY, &endpoint.base_url, KEY)
        .unwrap();
    let tasks = Address::parse("http://localhost:8080").unwrap();
    secrets
        .give(SecretSlot::AGENT_TOKEN, &tasks, "Bearer s3cret-token")
        .unwrap();
    secrets
}

/// Text that repeats both secrets in several forms.
fn echo() -> String {
    let hex: String = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
    format!(
        "{KEY} Bearer {KEY} sk%2dhunter2%2Flong~key sk-hunter2~1long~0key {hex} \
         c2staHVudGVyMi9sb25nfmtleQ== s3cret-token s3cret%2Dtoken Bearer%20s3cret-token"
    )
}

/// What must not be in anything that a driver reports.
const LEAKS: [&str; 6] = [
    "hunter2",
    "s3cret",
    "long~key",
    "736B2D",
    "c2staHVudGVy",
    "6b2d6875",
];

fn assert_no_secret(reports: &str) {
    for leak in LEAKS {
        assert!(!reports.contains(leak), "{leak} in {reports}");
    }
}

/// A stream whose content is `text`, in deltas of `size` characters, before `last`.
fn stream_of(text: &str, size: usize, last: &str) -> String {
    let mut body = String::new();
    for part in text.chars().collect::<Vec<_>>().chunks(size) {
        let part: String = part.iter().collect();
        let chunk = json!({"choices": [{"index": 0, "delta": {"content": part}}]});
        body.push_str(&format!("data: {chunk}\n\n"));
    }
    body + last
}

#[test]
fn secrets_that_a_model_endpoint_repeats_are_in_no_report() {
    let home = endpoint("https://api.example.com/v1");
    let echo = echo();
    let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string();
    let stop = format!("data: {stop}\n\ndata: [DONE]\n\n");
    let data = |value: Value| format!("data: {value}\n\n");
    let error = json!({"error": {"message": echo, "code": echo, "param": echo, "type": echo}});
    let long = format!("{}{KEY}", "x".repeat(1995));
    let responses = [
        ("a JSON error", 401, error.to_string()),
        (
            "a JSON error with escapes",
            401,
            error
                .to_string()
                .replace('-', "\\u002d")
                .replace('/', "\\/"),
        ),
        (
            "a FastAPI error",
            422,
            json!({"detail": [{"loc": ["header", echo], "msg": echo}]}).to_string(),
        ),
        (
            "a web page",
            502,
            format!(
                "<html><title>{echo}</title>{}</html>",
                KEY.replace('/', "&#x2F;")
            ),
        ),
        ("plain text", 500, echo.clone()),
        (
            "a message that is truncated inside the key",
            400,
            json!({"error": {"message": long}}).to_string(),
        ),
        (
            "a body that is cut off inside the key",
            500,
            format!("{}{}", "x".repeat((64 << 10) - 12), KEY),
        ),
        ("an error in a stream", 200, data(error.clone())),
        (
            "an error after some text",
            200,
            stream_of("{\"tasks\":[", 5, &data(error.clone())),
        ),
        (
            "an error after the end",
            200,
            stream_of("{\"tasks\":[]}", 5, &(stop.clone() + &data(error.clone()))),
        ),
        (
            "an error after the finish reason",
            200,
            stream_of(
                "{\"tasks\":[]}",
                5,
                &(stop.replace("data: [DONE]\n\n", "") + &data(error.clone())),
            ),
        ),
        (
            "an event of an unknown type",
            200,
            data(json!({"type": echo})) + &stop,
        ),
        ("an error in a document", 200, error.to_string()),
        (
            "an event that cannot be read",
            200,
            format!("data: {{\"choices\": {echo}\n\n"),
        ),
        (
            "an unknown finish reason",
            200,
            data(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": echo}]})),
        ),
        (
            "a refusal",
            200,
            data(json!({"choices": [{"index": 0, "delta": {"refusal": echo}}]})) + &stop,
        ),
        ("prose", 200, stream_of(&echo, 3, &stop)),
        (
            "prose around tasks",
            200,
            stream_of(&format!("{echo} {{\"tasks\":[]}} {echo}"), 7, &stop),
        ),
        (
            "text that is cut off inside the key",
            200,
            stream_of("Your key is sk-hunter2/lo", 4, ""),
        ),
        (
            "a document of another kind",
            200,
            json!({"note": echo}).to_string(),
        ),
        ("a web page with status 200", 200, format!("<html>{echo}")),
    ];
    for (name, status, body) in responses {
        for sent in [&body, &body.replace("Bearer ", "bearer ")] {
            let model = model_with(&[(status, sent.clone(), ended())]);
            let reports = generate(
                &model,
                assignment(LOOSE, Some(home.clone())),
                keyring_with_key(&home),
            );
            let shown = format!("{:?}", reports.0.borrow());
            eprintln!("{name}");
            assert_no_secret(&shown);
            assert_no_secret(&reports.visible_text());
            assert_no_secret(&reports.outcome().message());
            assert_no_secret(&reports.outcome().hint());
        }
    }
    for end in [
        CallEnd::Unreachable {
            reason: echo.clone(),
        },
        CallEnd::Responded(End::TransportError(echo.clone())),
    ] {
        let status = if matches!(end, CallEnd::Unreachable { .. }) {
            0
        } else {
            200
        };
        let model = model_with(&[(status, String::new(), end)]);
        let reports = generate(
            &model,
            assignment(LOOSE, Some(home.clone())),
            keyring_with_key(&home),
        );
        assert_no_secret(&format!("{:?}", reports.0.borrow()));
    }
}

#[test]
fn a_secret_split_over_two_deltas_is_in_neither_the_visible_nor_the_raw_text() {
    let home = endpoint("https://api.example.com/v1");
    let text = format!("Your key is {KEY}. {{\"tasks\":[]}}");
    for size in 1..text.len() {
        let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        let body = stream_of(&text, size, &format!("data: {last}\n\n"));
        let model = model_with(&[(200, body, ended())]);
        let reports = generate(
            &model,
            assignment(LOOSE, Some(home.clone())),
            keyring_with_key(&home),
        );
        let expected = "Your key is [secret]. {\"tasks\":[]}";
        assert_eq!(reports.visible_text(), expected, "deltas of {size}");
        assert_eq!(reports.raw_response(), expected, "deltas of {size}");
        assert!(reports.outcome().is_complete());
    }
}

#[test]
fn a_task_that_contains_a_secret_arrives_unchanged_and_is_invalid() {
    let home = endpoint("https://api.example.com/v1");
    let secrets = keyring_with_key(&home);
    let texts = [
        format!(r#"{{"title":"use {KEY}"}}"#),
        r#"{"title":"use sk\u002dhunter2\/long~key"}"#.to_owned(),
        r#"{"title":"log in with s3cret-token"}"#.to_owned(),
        r#"{"title":"use no secret"}"#.to_owned(),
    ];
    let body = streamed(&format!("{{\"tasks\":[{}]}}", texts.join(",")), "stop");
    let model = model_with(&[(200, body, ended())]);
    let assignment = assignment(LOOSE, Some(home));
    let check = secrets.task_check(check(&assignment.schema));
    let reports = generate_with(&model, assignment, secrets, check);
    assert_eq!(
        reports.tasks(),
        [
            (texts[0].clone(), 1),
            (texts[1].clone(), 1),
            (texts[2].clone(), 1),
            (texts[3].clone(), 0)
        ]
    );
    let labels = ["API key", "API key", "agent token"];
    let violations = reports.violations();
    for (violation, label) in violations.iter().zip(labels) {
        assert_eq!(violation.keyword, "heldSecret");
        assert!(violation.message.contains(label), "{violation:?}");
        assert_no_secret(&format!("{violation:?}"));
    }
    assert_no_secret(&reports.raw_response());
    let all = format!("{:?}", reports.0.borrow());
    assert!(
        !all.contains("SchemaNotFollowed"),
        "no schema forbids a secret"
    );
}

#[test]
fn a_violation_does_not_quote_the_secret_of_a_task() {
    let home = endpoint("https://api.example.com/v1");
    let secrets = keyring_with_key(&home);
    let schema = r#"{"type":"object","properties":{"mode":{"enum":["a","b"]}},
        "additionalProperties":false}"#;
    let schema = TaskSchema::parse(schema).unwrap();
    let check = secrets.task_check(check(&schema));
    let task = json!({"mode": KEY, "sk-hunter2/long~key": 1}).to_string();
    let violations = check.check(&Document::parse(&task).unwrap());
    assert!(violations.len() > 1, "{violations:?}");
    assert_no_secret(&format!("{violations:?}"));
}

#[test]
fn a_request_that_would_repeat_a_secret_in_its_body_is_not_sent() {
    let home = endpoint("https://api.example.com/v1");
    let mut assignment = assignment(LOOSE, Some(home.clone()));
    assignment.brief.goal = format!("Rotate {KEY}");
    let model = Model::default();
    let reports = generate(&model, assignment, keyring_with_key(&home));
    assert!(model.requests.borrow().is_empty());
    let outcome = reports.outcome();
    assert_eq!(outcome.code(), "not_sent");
    assert!(
        outcome.message().contains("API key"),
        "{}",
        outcome.message()
    );

    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let tasks = Tasks::default();
    let secrets = Rc::new(RefCell::new(keyring_with_key(&home)));
    let driver = LiveDriver::new(Model::default(), tasks.clone(), secrets);
    let outcomes = RefCell::new(Vec::new());
    let body = r#"{"title":"use s3cret\u002dtoken"}"#;
    run_now(
        driver.deliver(Some(&server), posting(body), || 1, &|report| {
            outcomes.borrow_mut().push(format!("{report:?}"));
        }),
    );
    assert!(tasks.posted.borrow().is_empty());
    let outcomes = outcomes.into_inner().concat();
    assert!(outcomes.contains("NotSent"), "{outcomes}");
    assert!(outcomes.contains("agent token"), "{outcomes}");
    assert_no_secret(&outcomes);
}

#[test]
fn tasks_are_checked_again_when_a_secret_is_entered() {
    let mut secrets = Keyring::default();
    let (mut run, _) = Run::start(Start {
        id: RunId::from_bits(3),
        mode: Mode::Live,
        at: 1,
        brief: None,
        connection: Connection::built_in(),
        schema: TaskSchema::parse(LOOSE).unwrap(),
    });
    let check = secrets.task_check(check(run.schema()));
    let texts = [
        r#"{"title":"log in with s3cret-token"}"#,
        r#"{"title":"ab"}"#,
    ];
    let texts = texts.map(Into::into).to_vec();
    let mut effects = run.apply(Event::Import { texts }, 2).effects;
    let carry_out = |run: &mut Run, effects: &mut Vec<Effect>| {
        for effect in effects.drain(..) {
            let Effect::Check {
                draft,
                revision,
                text,
            } = effect
            else {
                panic!("{effect:?}")
            };
            run.apply(driver::checked(&*check, draft, revision, &text), 3);
        }
    };
    carry_out(&mut run, &mut effects);
    assert_eq!(run.approvable().len(), 2);
    assert_eq!(driver::checks_for_secrets(&run, &secrets), []);
    let server = Address::parse("http://localhost:8080").unwrap();
    secrets
        .give(SecretSlot::AGENT_TOKEN, &server, "s3cret-token")
        .unwrap();
    let mut effects = driver::checks_for_secrets(&run, &secrets);
    assert_eq!(effects.len(), 1);
    carry_out(&mut run, &mut effects);
    assert_eq!(run.approvable(), [run.drafts()[1].id.clone()]);
    let drafts = vec![run.drafts()[0].id.clone()];
    let refused = run.apply(Event::Approve { drafts }, 4).refused;
    assert_eq!(refused, Some(RunError::NotValid));
    assert_eq!(driver::checks_for_secrets(&run, &secrets), []);
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
            content_type: None,
            retry_after: None,
            location: None,
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
fn a_hidden_redirect_is_told_apart_by_a_get_of_both_spellings_without_a_token() {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let redirected = |redirect| ServerReply::Redirected { redirect };
    let http = |status| ServerReply::Http {
        status,
        content_type: None,
        retry_after: None,
        location: None,
        replayed: false,
        body: String::new(),
    };
    for (replies, is_refused, requests) in [
        (
            vec![
                redirected(Redirect::Hidden),
                redirected(Redirect::Hidden),
                http(405),
            ],
            true,
            2,
        ),
        // The server stored the task, and redirects to it.
        (
            vec![redirected(Redirect::Hidden), http(200), http(404)],
            false,
            2,
        ),
        // Outside a browser, target and status are known.
        (vec![redirected(Redirect::AdjustsSlash)], true, 0),
        (vec![redirected(Redirect::Elsewhere)], false, 0),
        (vec![http(307)], false, 0),
    ] {
        let mut secrets = Keyring::default();
        secrets
            .give(SecretSlot::AGENT_TOKEN, &server.url, "t0ken")
            .unwrap();
        let tasks = Tasks::default();
        let case = format!("{replies:?}");
        tasks.responses.borrow_mut().extend(replies);
        let driver = LiveDriver::new(
            Model::default(),
            tasks.clone(),
            Rc::new(RefCell::new(secrets)),
        );
        let outcomes = RefCell::new(Vec::new());
        run_now(
            driver.deliver(Some(&server), posting("{}"), || 1, &|report| {
                let Report::Event(event) = report else { return };
                if let Event::AttemptEnded { outcome, .. } = *event {
                    outcomes.borrow_mut().push(outcome);
                }
            }),
        );
        let outcome = outcomes.borrow_mut().pop().unwrap();
        assert_eq!(
            matches!(&outcome, DeliveryOutcome::Refused { code, .. } if code == "redirected"),
            is_refused,
            "{case}: {outcome:?}"
        );
        assert_eq!(tasks.posted.borrow().len(), 1, "{case}");
        let asked = tasks.asked.borrow();
        let urls: Vec<&str> = asked
            .iter()
            .map(|(request, _)| request.url.as_str())
            .collect();
        let both = [
            "http://localhost:8080/tasks",
            "http://localhost:8080/tasks/",
        ];
        assert_eq!(urls, both[..requests], "{case}");
        for (request, headers) in asked.iter() {
            assert_eq!(request.method, Method::Get);
            assert_eq!(request.redirects, RedirectPolicy::Report);
            assert!(headers.is_empty(), "{headers:?}");
        }
    }
}

#[test]
fn secrets_that_a_task_server_repeats_are_in_no_report() {
    let home = endpoint("https://api.example.com/v1");
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let secrets = Rc::new(RefCell::new(keyring_with_key(&home)));
    let tasks = Tasks::default();
    let driver = LiveDriver::new(Model::default(), tasks.clone(), secrets);
    let draft = posting("{}").draft;
    let echo = echo();
    let long = format!("{} s3cret-token", "x".repeat(590));
    let title = format!("{} s3cret-token", "x".repeat(72));
    let bodies = [
        json!({"detail": [{"loc": ["header", echo], "msg": echo}]}).to_string(),
        json!({"violations": [{"instance_path": echo, "message": echo}], "code": echo, "detail": echo}).to_string(),
        json!({"detail": "s3cret-token"}).to_string().replace('-', "\\u002d"),
        json!({"message": long}).to_string(),
        json!({"error": {"message": echo}}).to_string(),
        json!({"error": {"message": r##"[{"pointer":"#/s3cret%2Dtoken","detail":"no"}]"##}}).to_string(),
        json!({"data": {"task": {"uuid": "s3cret-token"}}}).to_string(),
        json!({"items": [{"idempotency_key": "key", "id": "s3cret-token"}]}).to_string(),
        format!("<!doctype html><title>{title}</title>"),
        echo.clone(),
    ];
    let http = |status, body: &String| ServerReply::Http {
        status,
        content_type: None,
        retry_after: Some(echo.clone()),
        location: None,
        replayed: false,
        body: body.clone(),
    };
    let mut replies = vec![
        ServerReply::None {
            message: echo.clone(),
        },
        ServerReply::NotSent {
            message: echo.clone(),
        },
    ];
    for status in [200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
        replies.extend(bodies.iter().map(|body| http(status, body)));
    }
    for reply in replies {
        tasks
            .responses
            .borrow_mut()
            .extend([reply.clone(), reply.clone()]);
        let reports = RefCell::new(Vec::new());
        let report = |report| reports.borrow_mut().push(report);
        run_now(driver.deliver(Some(&server), posting("{}"), || 1, &report));
        run_now(driver.look_up(Some(&server), draft.clone(), "key", || 1, &report));
        let reports = format!("{:?}", reports.borrow());
        eprintln!("{reply:?}");
        assert_no_secret(&reports);
    }
}

#[test]
fn a_secret_that_reading_the_reasons_decodes_is_in_no_reason() {
    let home = endpoint("https://api.example.com/v1");
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let secrets = Rc::new(RefCell::new(keyring_with_key(&home)));
    let tasks = Tasks::default();
    let driver = LiveDriver::new(Model::default(), tasks.clone(), secrets);
    // Percent-encoding in JSON in JSON.
    let reasons = r##"[{"pointer":"#/s3cret\u00252Dtoken","detail":"no"}]"##;
    for status in [401, 422] {
        tasks.responses.borrow_mut().push_back(ServerReply::Http {
            status,
            content_type: None,
            retry_after: None,
            location: None,
            replayed: false,
            body: json!({"code": "c", "title": "t", "detail": reasons}).to_string(),
        });
        let reports = RefCell::new(Vec::new());
        let report = |report| reports.borrow_mut().push(report);
        run_now(driver.deliver(Some(&server), posting("{}"), || 1, &report));
        let reports = format!("{:?}", reports.borrow());
        assert!(reports.contains("Reason {"), "{reports}");
        assert_no_secret(&reports);
    }
}

/// The server's id of a task whose response has this body, with this token.
fn server_id_of(body: &str, token: &str) -> Option<String> {
    let server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
    let mut secrets = Keyring::default();
    secrets
        .give(SecretSlot::AGENT_TOKEN, &server.url, token)
        .unwrap();
    let tasks = Tasks::default();
    let driver = LiveDriver::new(
        Model::default(),
        tasks.clone(),
        Rc::new(RefCell::new(secrets)),
    );
    tasks.responses.borrow_mut().push_back(ServerReply::Http {
        status: 201,
        content_type: None,
        retry_after: None,
        location: None,
        replayed: false,
        body: body.to_owned(),
    });
    let found = RefCell::new(None);
    run_now(
        driver.deliver(Some(&server), posting("{}"), || 1, &|report| {
            let Report::Event(event) = report else { return };
            if let Event::AttemptEnded { outcome, .. } = *event {
                let DeliveryOutcome::Delivered { server_id, .. } = outcome else {
                    panic!("{outcome:?}")
                };
                *found.borrow_mut() = server_id;
            }
        }),
    );
    found.into_inner()
}

#[test]
fn the_servers_id_is_rewritten_only_if_it_contains_the_token() {
    for (token, body, expected) in [
        ("t", r#"{"id":"t-1"}"#, "t-1"),
        ("test", r#"{"id":"test-17"}"#, "test-17"),
        ("test", r#"{"id":"latest","test":1}"#, "latest"),
        ("1", r#"{"id":17}"#, "17"),
        ("id", r#"{"id":17}"#, "17"),
        ("s3cret-token", r#"{"id":17,"note":"s3cret-token"}"#, "17"),
        ("17", r#"{"id":17}"#, "[secret]"),
        ("test", r#"{"id":"test"}"#, "[secret]"),
        ("s3cret-token", r#"{"id":"s3cret-token-1"}"#, "[secret]-1"),
    ] {
        assert_eq!(
            server_id_of(body, token).as_deref(),
            Some(expected),
            "{token} in {body}"
        );
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

    async fn delete(&self, tables: &[Table], prefix: &str) -> Result<(), StoreError> {
        let names: Vec<_> = tables.iter().map(|table| table.name()).collect();
        self.records
            .borrow_mut()
            .retain(|(name, key), _| !(names.contains(name) && key.starts_with(prefix)));
        Ok(())
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

/// The number of drafts that a transaction writes.
fn drafts_in(transaction: &Transaction) -> usize {
    let is_draft = |entry: &&Entry| entry.table == Table::Drafts;
    transaction.entries.iter().filter(is_draft).count()
}

/// An attempt of the first task.
fn first_attempt(run: &Run) -> JournalEntry {
    JournalEntry {
        draft: run.drafts()[0].id.clone(),
        attempt: 1,
        digest: "d".into(),
    }
}

#[test]
fn changes_during_a_transaction_go_into_the_next_one() {
    let (run, mut write_queue) = unsaved_run(3);
    let first = write_queue.next(&run).unwrap();
    assert_eq!(first.entries.len(), 5, "setup, state and drafts");
    assert_eq!(first.durability, Durability::Relaxed);
    let id = run.drafts()[0].id.clone();
    write_queue.add_attempt(first_attempt(&run));
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
        [Event::Journaled(first_attempt(&run))]
    );
    assert!(write_queue.next(&run).is_none());
}

#[test]
fn an_attempt_is_journaled_after_all_earlier_changes() {
    let (run, mut write_queue) = unsaved_run(600);
    write_queue.add_attempt(first_attempt(&run));
    let mut written = 0;
    let mut events = Vec::new();
    while let Some(transaction) = write_queue.next(&run) {
        assert!(events.is_empty(), "the attempt is in the last transaction");
        written += drafts_in(&transaction);
        events = write_queue.done(transaction, &Ok(()));
    }
    assert_eq!(written, 600);
    assert_eq!(events, [Event::Journaled(first_attempt(&run))]);
}

#[test]
fn if_the_disk_is_full_nothing_is_sent_and_nothing_is_lost() {
    let (run, mut write_queue) = unsaved_run(600);
    write_queue.add_attempt(first_attempt(&run));
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
        written += drafts_in(&transaction);
        assert_eq!(write_queue.done(transaction, &Ok(())), []);
    }
    assert_eq!(written, 600);
}

#[test]
fn if_the_store_was_cleared_the_whole_run_is_written_again_before_anything_is_sent() {
    let (run, mut write_queue) = unsaved_run(600);
    while let Some(transaction) = write_queue.next(&run) {
        assert_eq!(write_queue.done(transaction, &Ok(())), []);
    }
    write_queue.add_attempt(first_attempt(&run));
    let transaction = write_queue.next(&run).unwrap();
    assert_eq!(write_queue.done(transaction, &Err(StoreError::Cleared)), []);
    let store = Memory::default();
    let mut events = Vec::new();
    while let Some(mut transaction) = write_queue.next(&run) {
        assert!(events.is_empty(), "the attempt is in the last transaction");
        let entries = std::mem::take(&mut transaction.entries);
        run_now(store.write(entries, transaction.durability)).unwrap();
        events = write_queue.done(transaction, &Ok(()));
    }
    assert_eq!(events, [Event::Journaled(first_attempt(&run))]);
    let loaded = run_now(driver::load(&store, &run.id().to_string(), 9)).unwrap();
    let Loaded::Run(loaded, _) = loaded else {
        panic!("the run was written again");
    };
    assert_eq!(loaded.drafts().len(), 600);
}

/// A store whose first writes end with these results, and write only if that is `Ok`.
struct Failing {
    memory: Memory,
    results: RefCell<VecDeque<Result<(), StoreError>>>,
}

impl Failing {
    fn with(results: impl IntoIterator<Item = Result<(), StoreError>>) -> Failing {
        Failing {
            memory: Memory::default(),
            results: RefCell::new(results.into_iter().collect()),
        }
    }
}

impl Store for Failing {
    async fn write(&self, entries: Vec<Entry>, durability: Durability) -> Result<(), StoreError> {
        let result = self.results.borrow_mut().pop_front().unwrap_or(Ok(()));
        match result {
            Ok(()) => self.memory.write(entries, durability).await,
            Err(error) => Err(error),
        }
    }

    async fn read(&self, table: Table, key: &str) -> Result<Option<String>, StoreError> {
        self.memory.read(table, key).await
    }

    async fn read_all(&self, table: Table, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.memory.read_all(table, prefix).await
    }

    async fn delete(&self, tables: &[Table], prefix: &str) -> Result<(), StoreError> {
        self.memory.delete(tables, prefix).await
    }
}

#[test]
fn a_run_that_is_closed_is_stored_as_a_whole_whatever_becomes_of_the_transaction_in_progress() {
    let failed = || StoreError::Failed {
        reason: "the transaction was aborted".to_owned(),
    };
    for (name, in_progress, while_closing) in [
        ("it commits", Ok(()), Ok(())),
        ("it fails", Err(failed()), Ok(())),
        ("the store was cleared", Err(StoreError::Cleared), Ok(())),
        (
            "the store is cleared afterwards",
            Ok(()),
            Err(StoreError::Cleared),
        ),
    ] {
        let (run, mut write_queue) = unsaved_run(600);
        // The first of three transactions is in progress when the run is closed.
        let mut transaction = write_queue.next(&run).unwrap();
        write_queue.add_attempt(first_attempt(&run));
        write_queue.forget_attempts();
        assert!(write_queue.is_busy());
        let store = Failing::with([Ok(()), while_closing.clone()]);
        let entries = std::mem::take(&mut transaction.entries);
        run_now(store.write(entries, Durability::Relaxed)).unwrap();
        if in_progress.is_err() || while_closing.is_err() {
            store.memory.records.borrow_mut().clear();
        }
        assert_eq!(write_queue.done(transaction, &in_progress), [], "{name}");
        assert!(!write_queue.is_busy());
        let write_queue = RefCell::new(write_queue);
        run_now(driver::write_rest(&store, &write_queue, &run)).unwrap();
        assert!(write_queue.borrow().is_idle(), "{name}");
        let loaded = run_now(driver::load(&store, &run.id().to_string(), 9)).unwrap();
        let Loaded::Run(loaded, _) = loaded else {
            panic!("{name}: {loaded:?}");
        };
        assert_eq!(loaded.drafts().len(), 600, "{name}");
    }
}

#[test]
fn what_cannot_be_stored_when_a_run_is_closed_is_reported_once() {
    let (run, write_queue) = unsaved_run(3);
    let write_queue = RefCell::new(write_queue);
    let full = StoreError::Full {
        reason: "no space".to_owned(),
    };
    let store = Failing::with([Err(full.clone())]);
    let result = run_now(driver::write_rest(&store, &write_queue, &run));
    assert_eq!(result, Err(full));
    assert!(!write_queue.borrow().is_idle());
    assert!(store.memory.records.borrow().is_empty(), "not repeated");
}

#[test]
fn a_change_writes_what_changed_and_not_the_responses_of_earlier_requests() {
    let (run, mut write_queue) = unsaved_run(2);
    while let Some(transaction) = write_queue.next(&run) {
        write_queue.done(transaction, &Ok(()));
    }
    write_queue.add([Change::Draft(run.drafts()[1].id.clone())]);
    let transaction = write_queue.next(&run).unwrap();
    let tables: Vec<Table> = transaction
        .entries
        .iter()
        .map(|entry| entry.table)
        .collect();
    assert_eq!(tables, [Table::Drafts, Table::Runs]);
    let bytes: usize = transaction
        .entries
        .iter()
        .map(|entry| entry.text.len())
        .sum();
    assert!(bytes < 1_500, "{bytes} bytes for a task of 20");
}

#[test]
fn a_record_holds_the_text_of_an_approved_task_once() {
    let (mut run, _) = unsaved_run(1);
    let id = run.drafts()[0].id.clone();
    run.apply(
        Event::Checked {
            draft: id.clone(),
            revision: 0,
            violations: Vec::new(),
        },
        3,
    );
    run.apply(Event::Approve { drafts: vec![id] }, 4);
    assert!(run.drafts()[0].approval().is_some());
    let entries = driver::entries(&run, &run.all_parts());
    let draft = entries.iter().find(|entry| entry.table == Table::Drafts);
    let text = &draft.unwrap().text;
    assert_eq!(text.matches("task 0").count(), 1, "{text}");
}

#[test]
fn stored_runs_are_listed_renamed_archived_and_deleted_without_opening_them() {
    let store = Memory::default();
    let save = |id: u128, at: u64, tasks: usize| {
        let (mut run, _) = Run::start(Start {
            id: RunId::from_bits(id),
            mode: Mode::Live,
            at,
            brief: None,
            connection: Connection::built_in(),
            schema: TaskSchema::parse(LOOSE).unwrap(),
        });
        let texts = (0..tasks).map(|n| format!("{{\"title\":\"task {n}\"}}").into());
        run.apply(
            Event::Import {
                texts: texts.collect(),
            },
            at,
        );
        let entries = driver::entries(&run, &run.all_parts());
        run_now(store.write(entries, Durability::Relaxed)).unwrap();
        run.id().to_string()
    };
    let older = save(1, 10, 2);
    let newer = save(2, 20, 1);
    let summaries = || -> Vec<RunSummary> {
        run_now(driver::list_runs(&store))
            .unwrap()
            .into_iter()
            .map(|run| match run {
                StoredRun::Readable(summary) => summary,
                StoredRun::Unreadable { error, .. } => panic!("{error}"),
            })
            .collect()
    };
    let names: Vec<String> = summaries().into_iter().map(|run| run.name).collect();
    assert_eq!(
        names,
        ["1 task imported", "2 tasks imported"],
        "the last changed first"
    );
    assert_eq!(summaries()[1].counts.of(DraftState::Checking), 2);

    run_now(driver::update_run(&store, &older, |run| {
        run.renamed("  Audit \n 2026 ")
    }))
    .unwrap();
    run_now(driver::update_run(&store, &older, |run| run.archived(true))).unwrap();
    assert_eq!(summaries()[1].name, "Audit 2026");
    assert!(summaries()[1].is_archived);
    let loaded = run_now(driver::load(&store, &older, 30)).unwrap();
    assert!(matches!(loaded, Loaded::Run(run, _) if run.is_archived() && run.drafts().len() == 2));
    run_now(driver::update_run(&store, &older, |run| run.renamed(" "))).unwrap();
    assert_eq!(summaries()[1].name, "2 tasks imported");

    run_now(driver::delete_run(&store, &older)).unwrap();
    assert_eq!(summaries().len(), 1);
    assert!(
        store
            .records
            .borrow()
            .keys()
            .all(|(_, key)| key.starts_with(&newer))
    );
    run_now(driver::delete_all_runs(&store)).unwrap();
    assert!(store.records.borrow().is_empty());
}

#[test]
fn what_other_live_runs_delivered_is_read_without_opening_them() {
    let store = Memory::default();
    let schema = r#"{"type":"object","properties":{"headline":{"type":"string"}}}"#;
    let save = |id: u128, mode: Mode, headlines: [&str; 2]| {
        let (mut run, _) = Run::start(Start {
            id: RunId::from_bits(id),
            mode,
            at: 10,
            brief: None,
            connection: Connection::built_in(),
            schema: TaskSchema::parse(schema).unwrap().with_roles(&Roles {
                title: Some("headline".to_owned()),
                ..Roles::default()
            }),
        });
        let mut connection = run.connection().clone();
        connection.roles.title = Some("headline".to_owned());
        run.apply(Event::Connect(Box::new(connection)), 10);
        let texts = headlines.map(|headline| format!("{{\"headline\":\"{headline}\"}}").into());
        let mut effects = run
            .apply(
                Event::Import {
                    texts: texts.into(),
                },
                10,
            )
            .effects;
        let mut sent = 0;
        while let Some(effect) = effects.pop() {
            let event = match effect {
                Effect::Check {
                    draft, revision, ..
                } => Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                },
                Effect::Journal(entry) => Event::Journaled(entry),
                Effect::Deliver(posting) => {
                    sent += 1;
                    Event::AttemptEnded {
                        draft: posting.draft,
                        attempt: posting.attempt,
                        outcome: if sent == 1 {
                            DeliveryOutcome::Delivered {
                                status: Some(201),
                                server_id: None,
                                id_at: None,
                                replayed: false,
                            }
                        } else {
                            DeliveryOutcome::Refused {
                                status: Some(422),
                                code: "no".to_owned(),
                                message: String::new(),
                                reasons: Vec::new(),
                            }
                        },
                    }
                }
                _ => continue,
            };
            effects.extend(run.apply(event, 11).effects);
            if effects.is_empty() && sent == 0 && run.confirmation().is_none() {
                let drafts = run.approvable();
                run.apply(Event::Approve { drafts }, 12);
                let digest = run.confirmation().unwrap().digest;
                effects.extend(run.apply(Event::Post { digest }, 13).effects);
            }
        }
        let entries = driver::entries(&run, &run.all_parts());
        run_now(store.write(entries, Durability::Relaxed)).unwrap();
        run.id().clone()
    };
    let this = save(1, Mode::Live, ["Of this run", "Refused"]);
    save(2, Mode::Live, ["Rotate the keys", "Not delivered"]);
    save(3, Mode::Dry, ["Only a dry receipt", "Another one"]);
    let deleted = save(4, Mode::Live, ["Of a deleted run", "Refused"]);
    run_now(driver::update_run(&store, &deleted.to_string(), |run| {
        run.deleted(true)
    }))
    .unwrap();

    let found = run_now(driver::delivered_tasks(&store, &this)).unwrap();
    let titles: Vec<&str> = found.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["Rotate the keys"]);
    assert_eq!(found[0].run, "2 tasks imported");
}

#[test]
fn a_run_that_cannot_be_read_is_listed_with_the_reason() {
    let store = Memory::default();
    for (key, record) in [
        ("a", r#"{"version":1,"id":"a","rung":"strict"}"#),
        ("b", r#"{"version":99,"id":"b"}"#),
        ("c", "no record"),
    ] {
        let key = ("runs", key.to_owned());
        store.records.borrow_mut().insert(key, record.to_owned());
    }
    let runs = run_now(driver::list_runs(&store)).unwrap();
    let listed: Vec<_> = runs
        .iter()
        .map(|run| match run {
            StoredRun::Unreadable { id, error } => (id.as_deref(), error.code()),
            StoredRun::Readable(run) => panic!("{run:?}"),
        })
        .collect();
    assert_eq!(
        listed,
        [
            (Some("a"), "record_older"),
            (Some("b"), "record_newer"),
            (None, "record_malformed"),
        ]
    );
}

/// Applies an event to a run whose changes and attempts go into a write queue. Returns the requests
/// that leave.
fn apply_and_queue(run: &mut Run, write_queue: &mut WriteQueue, event: Event) -> Vec<Posting> {
    let step = run.apply(event, 3);
    assert_eq!(step.refused, None);
    write_queue.add(step.changes);
    let mut checks = Vec::new();
    let mut sent = Vec::new();
    for effect in step.effects {
        match effect {
            Effect::Journal(entry) => write_queue.add_attempt(entry),
            Effect::Deliver(posting) => sent.push(posting),
            Effect::Check {
                draft, revision, ..
            } => checks.push(Event::Checked {
                draft,
                revision,
                violations: Vec::new(),
            }),
            other => panic!("{other:?}"),
        }
    }
    for event in checks {
        sent.extend(apply_and_queue(run, write_queue, event));
    }
    sent
}

/// Approves the only task and posts it.
fn approve_and_post(run: &mut Run, write_queue: &mut WriteQueue) -> Vec<Posting> {
    let drafts = run.approvable();
    let mut sent = apply_and_queue(run, write_queue, Event::Approve { drafts });
    let digest = run.confirmation().unwrap().digest;
    sent.extend(apply_and_queue(run, write_queue, Event::Post { digest }));
    sent
}

#[test]
fn the_commit_of_a_withdrawn_attempt_lets_no_other_body_leave() {
    let (mut run, mut write_queue) = unsaved_run(1);
    let draft = run.drafts()[0].id.clone();
    apply_and_queue(
        &mut run,
        &mut write_queue,
        Event::Checked {
            draft: draft.clone(),
            revision: 0,
            violations: Vec::new(),
        },
    );
    assert_eq!(approve_and_post(&mut run, &mut write_queue), []);
    let slow = write_queue.next(&run).unwrap();
    // While the transaction runs, the operator posts another body instead.
    for event in [
        Event::Pause,
        Event::StopPosting,
        Event::Edit {
            draft,
            text: r#"{"title":"another"}"#.to_owned(),
        },
    ] {
        assert_eq!(apply_and_queue(&mut run, &mut write_queue, event), []);
    }
    assert_eq!(approve_and_post(&mut run, &mut write_queue), []);
    for event in write_queue.done(slow, &Ok(())) {
        assert_eq!(apply_and_queue(&mut run, &mut write_queue, event), []);
    }
    // Its own commit lets the new body leave.
    let next = write_queue.next(&run).unwrap();
    assert!(
        next.entries
            .iter()
            .any(|entry| entry.text.contains("another"))
    );
    let mut sent = Vec::new();
    for event in write_queue.done(next, &Ok(())) {
        sent.extend(apply_and_queue(&mut run, &mut write_queue, event));
    }
    let bodies: Vec<&str> = sent.iter().map(|posting| &*posting.approval.body).collect();
    assert_eq!(bodies, [r#"{"title":"another"}"#]);
}

#[test]
fn the_commit_of_a_withdrawn_attempt_does_not_count_for_the_next_one_with_the_same_body() {
    let (mut run, mut write_queue) = unsaved_run(1);
    let draft = run.drafts()[0].id.clone();
    apply_and_queue(
        &mut run,
        &mut write_queue,
        Event::Checked {
            draft,
            revision: 0,
            violations: Vec::new(),
        },
    );
    approve_and_post(&mut run, &mut write_queue);
    let slow = write_queue.next(&run).unwrap();
    for event in [Event::Pause, Event::Resume] {
        assert_eq!(apply_and_queue(&mut run, &mut write_queue, event), []);
    }
    // The record of the second attempt is not committed yet.
    for event in write_queue.done(slow, &Ok(())) {
        assert_eq!(apply_and_queue(&mut run, &mut write_queue, event), []);
    }
    let next = write_queue.next(&run).unwrap();
    let mut sent = Vec::new();
    for event in write_queue.done(next, &Ok(())) {
        sent.extend(apply_and_queue(&mut run, &mut write_queue, event));
    }
    let attempts: Vec<u32> = sent.iter().map(|posting| posting.attempt).collect();
    assert_eq!(attempts, [2]);
}

#[test]
fn the_failure_of_a_withdrawn_attempt_does_not_stop_the_next_one() {
    let (mut run, mut write_queue) = unsaved_run(1);
    let draft = run.drafts()[0].id.clone();
    apply_and_queue(
        &mut run,
        &mut write_queue,
        Event::Checked {
            draft: draft.clone(),
            revision: 0,
            violations: Vec::new(),
        },
    );
    approve_and_post(&mut run, &mut write_queue);
    for event in [Event::Pause, Event::Resume] {
        apply_and_queue(&mut run, &mut write_queue, event);
    }
    let stale = Event::JournalFailed {
        draft,
        attempt: 1,
        reason: "full".to_owned(),
    };
    assert_eq!(apply_and_queue(&mut run, &mut write_queue, stale), []);
    assert!(run.is_posting());
}
