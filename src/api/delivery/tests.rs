use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};

use super::*;
use crate::delivery::request::IDEMPOTENCY_KEY;
use crate::delivery::response::ServerReply;
use crate::http::PreparedRequest;
use crate::ports::{CallEnd, Needed, ResponsePart, Timeouts};
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::Address;

/// What the server replies to the request of this number (from 0) with this body.
type Script = dyn Fn(usize, &str) -> ServerReply;

/// One request as the server sees it.
#[derive(Debug, Clone, PartialEq)]
struct Posted {
    body: String,
    /// The idempotency key, if it was sent.
    key: Option<String>,
    /// In milliseconds.
    at: u64,
}

/// A task server in memory, and its time.
struct World {
    script: Box<Script>,
    posted: RefCell<Vec<Posted>>,
    under_way: Cell<usize>,
    most_under_way: Cell<usize>,
    now: Rc<Cell<u64>>,
}

/// Is pending this many times before it is ready.
struct Delay(usize);

impl Future for Delay {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl TaskSink for &World {
    async fn post(&self, request: &PreparedRequest) -> ServerReply {
        let number = self.posted.borrow().len();
        let headers = request.headers().unwrap();
        let key = headers.iter().find(|(name, _)| *name == IDEMPOTENCY_KEY);
        let body = request.request().body.as_deref().unwrap();
        self.posted.borrow_mut().push(Posted {
            body: body.to_owned(),
            key: key.map(|(_, key)| key.to_string()),
            at: self.now.get(),
        });
        self.under_way.set(self.under_way.get() + 1);
        self.most_under_way
            .set(self.most_under_way.get().max(self.under_way.get()));
        Delay(3).await;
        self.under_way.set(self.under_way.get() - 1);
        (self.script)(number, body)
    }

    async fn look_up(&self, _request: &PreparedRequest) -> ServerReply {
        panic!("deliver looks nothing up")
    }
}

struct NoModel;

impl ModelTransport for NoModel {
    async fn call(
        &self,
        _request: &PreparedRequest,
        _timeouts: Timeouts,
        _stop: &StopSignal,
        _on_part: &mut dyn FnMut(ResponsePart<'_>) -> Needed,
    ) -> CallEnd {
        panic!("deliver calls no model")
    }
}

/// A clock on which only sleeping takes time.
struct VirtualClock(Rc<Cell<u64>>);

impl Clock for VirtualClock {
    fn now(&self) -> u64 {
        self.0.get()
    }

    async fn sleep(&self, milliseconds: u32) {
        self.0.set(self.0.get() + u64::from(milliseconds));
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
    panic!("the delivery does not end")
}

/// One call of `deliver`.
struct Call {
    tasks: Vec<TaskInput>,
    server: TaskServer,
    schema: Option<TaskSchema>,
    /// Aborts the signal after this many receipts.
    stop_after: Option<usize>,
    stop: StopSignal,
}

/// What one call led to.
struct Ended {
    receipts: Vec<Value>,
    /// Indices in the order in which receipts were issued.
    issued: Vec<u64>,
    posted: Vec<Posted>,
    most_under_way: usize,
    now: u64,
}

const TOKEN: &str = "hunter2";

fn call(tasks: &[&str]) -> Call {
    let inputs = tasks.iter().map(|text| TaskInput {
        text: (*text).to_owned(),
        idempotency_key: None,
    });
    Call {
        tasks: inputs.collect(),
        server: TaskServer::at(Address::parse("http://localhost:8080").unwrap()),
        schema: None,
        stop_after: None,
        stop: StopSignal::default(),
    }
}

impl Call {
    fn with_server(mut self, change: impl FnOnce(&mut TaskServer)) -> Call {
        change(&mut self.server);
        self
    }

    fn with_schema(mut self, schema: &str) -> Call {
        self.schema = Some(TaskSchema::parse(schema).unwrap());
        self
    }

    fn with_keys(mut self, keys: &[&str]) -> Call {
        for (task, key) in self.tasks.iter_mut().zip(keys) {
            task.idempotency_key = Some((*key).to_owned());
        }
        self
    }

    fn stop_after(mut self, receipts: usize) -> Call {
        self.stop_after = Some(receipts);
        self
    }

    fn keyring(&self) -> Keyring {
        let mut keyring = Keyring::default();
        keyring
            .give(SecretSlot::AGENT_TOKEN, &self.server.url, TOKEN)
            .unwrap();
        keyring
    }

    fn prepare(&self) -> Result<PreparedDelivery, ApiError> {
        let (server, schema) = (self.server.clone(), self.schema.clone());
        PreparedDelivery::prepare(&self.tasks, server, schema, &self.keyring(), 7, 0)
    }

    fn run(self, script: impl Fn(usize, &str) -> ServerReply + 'static) -> Ended {
        let now = Rc::new(Cell::new(0));
        let world = World {
            script: Box::new(script),
            posted: RefCell::default(),
            under_way: Cell::new(0),
            most_under_way: Cell::new(0),
            now: Rc::clone(&now),
        };
        let keyring = Rc::new(RefCell::new(self.keyring()));
        let driver = LiveDriver::new(NoModel, &world, keyring);
        let issued = RefCell::new(Vec::new());
        let clock = VirtualClock(Rc::clone(&now));
        let receipts = block_on(self.prepare().unwrap().post(
            &driver,
            &clock,
            &self.stop,
            &|receipt| {
                let receipt = serde_json::to_value(receipt).unwrap();
                issued.borrow_mut().push(receipt["index"].as_u64().unwrap());
                if Some(issued.borrow().len()) == self.stop_after {
                    self.stop.stop();
                }
            },
        ));
        let receipts: Vec<Value> = receipts
            .iter()
            .map(|receipt| serde_json::to_value(receipt).unwrap())
            .collect();
        let indices = receipts
            .iter()
            .map(|receipt| receipt["index"].as_u64().unwrap());
        assert!(indices.eq(0..self.tasks.len() as u64), "{receipts:?}");
        let issued = issued.into_inner();
        let mut each = issued.clone();
        each.sort_unstable();
        assert!(
            each.into_iter().eq(0..self.tasks.len() as u64),
            "each receipt is issued once: {issued:?}"
        );
        drop(driver);
        Ended {
            receipts,
            issued,
            posted: world.posted.into_inner(),
            most_under_way: world.most_under_way.get(),
            now: now.get(),
        }
    }
}

impl Ended {
    /// The outcome of each receipt; for `not_sent` its code.
    fn outcomes(&self) -> Vec<&str> {
        self.receipts
            .iter()
            .map(|receipt| match receipt["outcome"].as_str().unwrap() {
                "not_sent" => receipt["code"].as_str().unwrap(),
                outcome => outcome,
            })
            .collect()
    }

    fn bodies(&self) -> Vec<&str> {
        self.posted
            .iter()
            .map(|posted| posted.body.as_str())
            .collect()
    }

    fn attempts(&self) -> Vec<u64> {
        self.receipts
            .iter()
            .map(|receipt| receipt["attempts"].as_u64().unwrap())
            .collect()
    }
}

fn http(status: u16) -> ServerReply {
    ServerReply::Http {
        status,
        content_type: None,
        retry_after: None,
        location: None,
        replayed: false,
        body: "{\"id\":7}".into(),
    }
}

fn retry_after(status: u16, seconds: &str) -> ServerReply {
    ServerReply::Http {
        status,
        content_type: None,
        retry_after: Some(seconds.to_owned()),
        location: None,
        replayed: false,
        body: String::new(),
    }
}

/// Replies with these statuses in turn, then with 201.
fn statuses(statuses: &'static [u16]) -> impl Fn(usize, &str) -> ServerReply {
    |number, _| http(statuses.get(number).copied().unwrap_or(201))
}

const THREE: [&str; 3] = [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#];

#[test]
fn the_exact_bytes_of_each_task_are_posted_and_receipts_are_in_the_order_given() {
    let texts = [
        " { \"n\":1.0,  \"a\":18446744073709551616 }\n",
        "{}",
        r#"{"b":"é"}"#,
    ];
    let ended = call(&texts).run(statuses(&[]));
    assert_eq!(ended.bodies(), texts.map(str::trim));
    assert_eq!(ended.outcomes(), ["delivered"; 3]);
    assert_eq!(ended.receipts[0]["serverId"], "7");
    assert_eq!(ended.attempts(), [1; 3]);
    let enveloped = call(&["{ }"])
        .with_server(|server| {
            server.body_template = Some(BodyTemplate::parse("[$task]").unwrap());
        })
        .run(statuses(&[]));
    assert_eq!(enveloped.bodies(), ["[{ }]"]);
    assert_eq!(call(&[]).run(statuses(&[])).receipts, [] as [Value; 0]);
}

#[test]
fn a_task_is_posted_after_the_tasks_it_depends_on_however_they_are_named() {
    for dependencies in [r#"["b"]"#, r#""b""#, r#"["none","b"]"#] {
        let first = format!(r#"{{"key":"a","depends_on":{dependencies}}}"#);
        let ended = call(&[&first, r#"{"key":"b"}"#]).run(statuses(&[]));
        assert_eq!(ended.bodies(), [r#"{"key":"b"}"#, &first]);
        assert_eq!(ended.issued, [1, 0]);
        assert_eq!(ended.outcomes(), ["delivered"; 2]);
    }
    let schema = r#"{"type":"object","properties":{"id":{"type":"integer"},
        "after":{"type":"integer"}}}"#;
    let texts = [r#"{"id":1,"after":2}"#, r#"{"id":2}"#];
    let ended = call(&texts).with_schema(schema).run(statuses(&[]));
    assert_eq!(ended.bodies(), [texts[1], texts[0]]);
    let without_schema = call(&texts).run(statuses(&[]));
    assert_eq!(without_schema.bodies(), texts);
}

#[test]
fn a_task_is_not_sent_if_a_task_it_depends_on_is_not_delivered() {
    let texts = [
        r#"{"key":"a"}"#,
        r#"{"key":"c","depends_on":["b"]}"#,
        r#"{"key":"b"}"#,
    ];
    let ended = call(&texts).run(|_, body| http(if body.contains("\"b\"") { 422 } else { 201 }));
    assert_eq!(
        ended.outcomes(),
        ["delivered", "dependency_not_delivered", "refused"]
    );
    assert_eq!(ended.receipts[1]["retry"], true);
    assert_eq!(ended.receipts[1]["attempts"], 0);
}

#[test]
fn the_first_task_goes_alone_and_then_as_many_as_the_server_settings_allow() {
    let texts: Vec<String> = (0..20).map(|n| format!("{{\"n\":{n}}}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (concurrency, most) in [(1, 1), (4, 4), (16, 16)] {
        let ended = call(&texts)
            .with_server(|server| server.concurrency = concurrency)
            .run(statuses(&[]));
        assert_eq!(ended.most_under_way, most);
        assert_eq!(ended.outcomes(), ["delivered"; 20]);
    }
    let ended = call(&texts).run(statuses(&[422]));
    assert_eq!(ended.posted.len(), 1);
}

#[test]
fn what_was_not_taken_is_posted_again_after_the_time_the_server_asks_for() {
    for (status, seconds) in [(429, 7), (425, 1), (503, 90)] {
        let ended = call(&THREE[..1]).run(move |number, _| {
            if number == 0 {
                retry_after(status, &seconds.to_string())
            } else {
                http(201)
            }
        });
        assert_eq!(ended.outcomes(), ["delivered"], "{status}");
        assert_eq!(ended.attempts(), [2], "{status}");
        let waited = ended.posted[1].at - ended.posted[0].at;
        assert!(waited >= seconds * 1_000, "{status}: {waited}");
    }
}

#[test]
fn a_server_that_never_takes_a_task_ends_the_delivery() {
    let ended = call(&THREE).run(statuses(&[429; 100]));
    assert_eq!(
        ended.outcomes(),
        ["failed", "server_in_trouble", "server_in_trouble"]
    );
    assert_eq!(ended.attempts(), [12, 0, 0]);
    assert!(ended.now < 15 * 60_000, "{}", ended.now);
}

#[test]
fn a_refused_token_ends_the_delivery() {
    let alone = |server: &mut TaskServer| server.concurrency = 1;
    for (script, expected, posts) in [
        (
            &[401][..],
            ["unauthorized", "token_refused", "token_refused"],
            1,
        ),
        (
            &[403],
            ["unauthorized", "token_refused", "token_refused"],
            1,
        ),
        (
            &[201, 401],
            ["delivered", "unauthorized", "token_refused"],
            2,
        ),
    ] {
        let ended = call(&THREE).with_server(alone).run(statuses(script));
        assert_eq!(ended.outcomes(), expected);
        assert_eq!(ended.posted.len(), posts);
        assert!(
            ended
                .receipts
                .iter()
                .skip(posts - 1)
                .all(|r| r["retry"] == true)
        );
    }
}

#[test]
fn a_403_for_one_task_refuses_that_task_once_the_token_was_accepted() {
    let ended = call(&THREE).run(|number, _| match number {
        1 => ServerReply::Http {
            status: 403,
            content_type: None,
            retry_after: None,
            location: None,
            replayed: false,
            body: r#"{"code":"blocked","errors":[{"field":"n","message":"not that number"}]}"#
                .into(),
        },
        _ => http(201),
    });
    assert_eq!(ended.outcomes(), ["delivered", "refused", "delivered"]);
    let refused = &ended.receipts[1];
    assert_eq!(
        (&refused["status"], &refused["code"]),
        (&json!(403), &json!("blocked"))
    );
    assert_eq!(
        refused["reasons"],
        json!([{"instancePath": "/n", "message": "not that number"}])
    );
}

#[test]
fn a_first_task_that_is_refused_spares_the_others() {
    for (script, expected, posts) in [
        (
            &[422][..],
            ["refused", "first_not_taken", "first_not_taken"],
            1,
        ),
        (&[201, 422], ["delivered", "refused", "delivered"], 3),
    ] {
        let ended = call(&THREE).run(statuses(script));
        assert_eq!(ended.outcomes(), expected);
        assert_eq!(ended.posted.len(), posts);
    }
}

#[test]
fn what_may_have_arrived_is_never_posted_again_without_a_key() {
    let silent = |number: usize, _: &str| {
        if number == 1 {
            ServerReply::None {
                message: "Failed to fetch".into(),
            }
        } else {
            http(201)
        }
    };
    let ended = call(&THREE).run(silent);
    assert_eq!(ended.outcomes(), ["delivered", "unconfirmed", "delivered"]);
    assert_eq!(ended.attempts(), [1; 3]);
    assert_eq!(ended.receipts[1]["retry"], false);
    assert!(ended.posted.iter().all(|posted| posted.key.is_none()));
    let ended = call(&THREE).run(statuses(&[500]));
    assert_eq!(
        ended.outcomes(),
        ["unconfirmed", "server_in_trouble", "server_in_trouble"]
    );
}

#[test]
fn what_may_have_arrived_is_posted_again_with_its_key_to_a_server_that_honours_keys() {
    let honours = |server: &mut TaskServer| server.honours_idempotency_keys = true;
    let ended = call(&THREE[..2])
        .with_server(honours)
        .run(statuses(&[201, 500, 503]));
    assert_eq!(ended.outcomes(), ["delivered"; 2]);
    assert_eq!(ended.attempts(), [1, 3]);
    let keys: Vec<_> = ended.posted.iter().map(|posted| &posted.key).collect();
    assert_eq!((keys[1], keys[2]), (keys[2], keys[3]));
    assert_ne!(keys[0], keys[1]);
    assert_eq!(
        ended.receipts[1]["idempotencyKey"].as_str(),
        keys[1].as_deref()
    );
    // A later refusal does not settle an attempt that may have arrived.
    let ended = call(&THREE[..1])
        .with_server(honours)
        .run(statuses(&[500, 422]));
    assert_eq!(ended.outcomes(), ["unconfirmed"]);
    assert_eq!(ended.receipts[0]["status"], 500);
    let ended = call(&THREE[..1])
        .with_server(honours)
        .run(statuses(&[500, 401]));
    assert_eq!(ended.outcomes(), ["unconfirmed"]);
}

#[test]
fn given_keys_are_sent_as_they_are() {
    let honours = |server: &mut TaskServer| server.honours_idempotency_keys = true;
    let ended = call(&THREE)
        .with_server(honours)
        .with_keys(&["first", "second"])
        .run(statuses(&[]));
    let keys: Vec<_> = ended
        .posted
        .iter()
        .map(|posted| posted.key.as_deref().unwrap())
        .collect();
    assert_eq!(keys[..2], ["first", "second"]);
    assert_eq!(keys[2].len(), 36, "the third one is derived");
    for (receipt, key) in ended.receipts.iter().zip(&keys) {
        assert_eq!(receipt["idempotencyKey"], *key);
    }
    let not_honoured = call(&THREE).with_keys(&["k"]).run(statuses(&[]));
    assert_eq!(not_honoured.posted[0].key, None);
    assert_eq!(not_honoured.receipts[0]["idempotencyKey"], "k");
}

#[test]
fn keys_that_no_header_can_carry_or_that_two_tasks_share_are_refused() {
    for keys in [
        &["", "b"][..],
        &["a", "b\n"],
        &["ä"],
        &["a b"],
        &["same", "same"],
    ] {
        let error = call(&THREE).with_keys(keys).prepare().unwrap_err();
        assert_eq!(error.code(), "invalid_argument", "{keys:?}");
    }
    let longest = "k".repeat(MAX_KEY_CHARACTERS);
    let long = format!("{longest}k");
    assert!(call(&THREE).with_keys(&[&long]).prepare().is_err());
    assert!(call(&THREE).with_keys(&[&longest, "b"]).prepare().is_ok());
    assert_eq!(
        call(&["{}", "{"]).prepare().unwrap_err().code(),
        "json_unfinished"
    );
    assert_eq!(
        call(&["[]"]).prepare().unwrap_err().code(),
        "task_not_an_object"
    );
}

#[test]
fn derived_keys_differ_between_tasks_and_between_deliveries() {
    let secrets = Keyring::default();
    let keys = |random| {
        let call = call(&["{}", "{}"]);
        let prepared =
            PreparedDelivery::prepare(&call.tasks, call.server, None, &secrets, random, 0).unwrap();
        let drafts = prepared.run.drafts().iter();
        drafts
            .map(|draft| draft.approval().unwrap().key.to_string())
            .collect::<Vec<_>>()
    };
    let (first, second) = (keys(1), keys(2));
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0], second[0]);
}

#[test]
fn a_task_that_contains_the_token_is_not_posted_and_does_not_stop_the_other_tasks() {
    let texts = [
        r#"{"n":0}"#,
        r#"{"title":"log in with hunter2"}"#,
        r#"{"n":2}"#,
    ];
    let ended = call(&texts).run(statuses(&[]));
    assert_eq!(
        ended.outcomes(),
        ["delivered", "schema_violation", "delivered"]
    );
    assert_eq!(ended.bodies(), [texts[0], texts[2]]);
    let receipt = ended.receipts[1].to_string();
    assert!(receipt.contains("agent token"), "{receipt}");
    assert!(!receipt.contains(TOKEN), "{receipt}");
}

#[test]
fn a_task_that_violates_the_schema_is_reported_with_the_data_of_the_rules() {
    let texts = [r#"{"title":"long","role":"x"}"#];
    let schema =
        r#"{"required":["key"],"properties":{"title":{"maxLength":3},"role":{"enum":["a","b"]}}}"#;
    let ended = call(&texts).with_schema(schema).run(statuses(&[]));
    assert_eq!(ended.outcomes(), ["schema_violation"]);
    let reasons = ended.receipts[0]["reasons"].as_array().unwrap();
    let data: Vec<Value> = reasons
        .iter()
        .map(|reason| {
            let mut reason = reason.clone();
            reason.as_object_mut().unwrap().remove("message");
            reason
        })
        .collect();
    for expected in [
        json!({"instancePath": "", "keyword": "required", "missing": "key"}),
        json!({"instancePath": "/title", "keyword": "maxLength", "limit": 3}),
        json!({"instancePath": "/role", "keyword": "enum", "allowed": ["a", "b"]}),
    ] {
        assert!(data.contains(&expected), "{expected}: {data:?}");
    }
}

#[test]
fn a_task_key_that_occurs_twice_is_reported_and_does_not_stop_the_other_tasks() {
    let texts = [r#"{"key":"a"}"#, r#"{"key":"a","n":1}"#, r#"{"key":"b"}"#];
    let ended = call(&texts).run(statuses(&[]));
    assert_eq!(
        ended.outcomes(),
        ["delivered", "duplicate_key", "delivered"]
    );
    let receipt = &ended.receipts[1];
    assert_eq!(receipt["retry"], false);
    assert!(receipt["message"].as_str().unwrap().contains("/key"));
    assert_eq!(ended.issued[0], 1, "before anything is posted");
    let without_roles = call(&texts)
        .with_schema(r#"{"type":"object"}"#)
        .run(statuses(&[]));
    assert_eq!(without_roles.outcomes(), ["delivered"; 3]);
    // The idempotency keys are given, the task keys are still the same.
    let ended = call(&texts).with_keys(&["x", "y", "z"]).run(statuses(&[]));
    assert_eq!(
        ended.outcomes(),
        ["delivered", "duplicate_key", "delivered"]
    );
}

#[test]
fn a_schema_is_enforced_only_if_it_is_given() {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer","maximum":1}}}"#;
    let ended = call(&THREE).with_schema(schema).run(statuses(&[]));
    assert_eq!(
        ended.outcomes(),
        ["delivered", "delivered", "schema_violation"]
    );
    assert_eq!(ended.receipts[2]["reasons"][0]["instancePath"], "/n");
    assert_eq!(ended.receipts[2]["retry"], false);
    assert_eq!(ended.posted.len(), 2);
    assert_eq!(call(&THREE).run(statuses(&[])).posted.len(), 3);
    let none = call(&THREE[2..]).with_schema(schema).run(statuses(&[]));
    assert_eq!(none.outcomes(), ["schema_violation"]);
}

#[test]
fn after_a_stop_requests_under_way_are_awaited_and_no_other_is_made() {
    let texts: Vec<String> = (0..6).map(|n| format!("{{\"n\":{n}}}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let ended = call(&texts).stop_after(1).run(statuses(&[]));
    assert_eq!(ended.posted.len(), 1);
    assert_eq!(ended.outcomes()[..2], ["delivered", "stopped"]);
    // After the second receipt three more requests are in flight.
    let ended = call(&texts)
        .with_server(|server| server.concurrency = 4)
        .stop_after(2)
        .run(statuses(&[]));
    assert_eq!(
        ended.outcomes(),
        [
            "delivered",
            "delivered",
            "delivered",
            "delivered",
            "delivered",
            "stopped"
        ]
    );
    let stopped = call(&THREE);
    stopped.stop.stop();
    let ended = stopped.run(statuses(&[]));
    assert_eq!(ended.outcomes(), ["stopped"; 3]);
    assert_eq!(ended.posted.len(), 0);
    assert_eq!(ended.attempts(), [0; 3]);
}

#[test]
fn a_stop_ends_the_wait_before_another_attempt() {
    let call = call(&THREE[..1]);
    let stop = call.stop.clone();
    let ended = call.run(move |_, _| {
        stop.stop();
        retry_after(429, "600")
    });
    assert_eq!(ended.outcomes(), ["failed"]);
    assert_eq!(ended.receipts[0]["retryAfter"], 600_000);
    assert_eq!(ended.posted.len(), 1);
    assert!(ended.now < 1_000, "{}", ended.now);
}

#[test]
fn a_request_that_cannot_be_made_ends_the_delivery() {
    let ended = call(&THREE).run(|_, _| ServerReply::NotSent {
        message: "no fetch".into(),
    });
    assert_eq!(ended.outcomes(), ["not_sent"; 3]);
    assert_eq!(ended.posted.len(), 1);
    for receipt in &ended.receipts {
        assert!(receipt["message"].as_str().unwrap().contains("no fetch"));
        assert_eq!(receipt["attempts"], 0);
    }
}

#[test]
fn a_token_that_the_server_repeats_is_in_no_receipt() {
    let ended = call(&THREE[..1]).run(|_, _| ServerReply::Http {
        status: 422,
        content_type: None,
        retry_after: None,
        location: None,
        replayed: false,
        body: format!(r#"{{"detail":"{TOKEN} may not post this"}}"#),
    });
    let receipt = ended.receipts[0].to_string();
    assert!(receipt.contains("[secret] may not post this"), "{receipt}");
    assert!(!receipt.contains(TOKEN), "{receipt}");
}
