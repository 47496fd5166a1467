//! The browser's implementations of the ports, in a real browser.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use taskwright::browser::clock::PageClock;
use taskwright::browser::database::Database;
use taskwright::browser::fetch::{self, Fetch};
use taskwright::browser::lock;
use taskwright::browser::random;
use taskwright::browser::web_storage::WebStorage;
use taskwright::delivery;
use taskwright::delivery::response::ServerReply;
use taskwright::http::{HttpRequest, PreparedRequest};
use taskwright::model::{End, Stall};
use taskwright::ports::{
    CallEnd, Clock, Durability, Entry, ModelTransport, Needed, ResponsePart, StopSignal, Store,
    Table, TaskSink, Timeouts,
};
use taskwright::review::Approval;
use taskwright::secrets::{Keyring, SecretSlot};
use taskwright::settings::{Address, TaskServer};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn entry(table: Table, key: &str, text: &str) -> Entry {
    Entry {
        table,
        key: key.to_owned(),
        text: text.to_owned(),
    }
}

const TIMEOUTS: Timeouts = Timeouts {
    first_token: 1000,
    idle: 1000,
    total: 2000,
};

#[wasm_bindgen_test]
async fn records_are_stored_by_key_and_read_in_key_order() {
    let database = Database::new();
    let run = format!("{:x}", random::bits().unwrap());
    let drafts: Vec<Entry> = (1..=12)
        .rev()
        .map(|n| {
            entry(
                Table::Drafts,
                &format!("{run}-{n:010}"),
                &format!("draft {n}"),
            )
        })
        .collect();
    database.write(drafts, Durability::Relaxed).await.unwrap();
    let other = entry(Table::Drafts, &format!("{run}x-1"), "another run's");
    let head = entry(Table::Runs, &run, "first");
    database
        .write(vec![head, other], Durability::Strict)
        .await
        .unwrap();
    database
        .write(vec![entry(Table::Runs, &run, "second")], Durability::Strict)
        .await
        .unwrap();
    // Another connection, as after a reload.
    let reopened = Database::new();
    let found = reopened
        .read_all(Table::Drafts, &format!("{run}-"))
        .await
        .unwrap();
    let expected: Vec<String> = (1..=12).map(|n| format!("draft {n}")).collect();
    assert_eq!(found, expected);
    assert_eq!(
        reopened.read(Table::Runs, &run).await.unwrap().as_deref(),
        Some("second")
    );
    assert_eq!(reopened.read(Table::Runs, "none").await.unwrap(), None);
}

/// Runs JavaScript and returns its result.
fn javascript(body: &str) -> JsValue {
    Function::new_no_args(body).call0(&JsValue::NULL).unwrap()
}

#[wasm_bindgen_test]
async fn a_strict_write_asks_the_browser_for_strict_durability() {
    javascript(
        "const original = IDBDatabase.prototype.transaction;
         globalThis.durabilities = [];
         IDBDatabase.prototype.transaction = function (tables, mode, options) {
           globalThis.durabilities.push(options?.durability);
           return original.call(this, tables, mode, options);
         };
         globalThis.restoreTransaction = () => { IDBDatabase.prototype.transaction = original; };",
    );
    let database = Database::new();
    let run = format!("{:x}", random::bits().unwrap());
    for durability in [Durability::Strict, Durability::Relaxed] {
        let entries = vec![entry(Table::Runs, &run, "{}")];
        database.write(entries, durability).await.unwrap();
    }
    let asked = javascript("restoreTransaction(); return durabilities.join()");
    assert_eq!(asked.as_string().as_deref(), Some("strict,relaxed"));
}

#[wasm_bindgen_test]
async fn a_write_that_is_aborted_while_it_is_committed_is_reported_as_failed() {
    javascript(
        "const original = IDBTransaction.prototype.commit;
         IDBTransaction.prototype.commit = function () {
           IDBTransaction.prototype.commit = original;
           this.abort();
         };",
    );
    let database = Database::new();
    let run = format!("{:x}", random::bits().unwrap());
    let entries = vec![entry(Table::Runs, &run, "{}")];
    let result = database.write(entries, Durability::Strict).await;
    assert!(result.is_err(), "{result:?}");
    assert_eq!(database.read(Table::Runs, &run).await.unwrap(), None);
}

#[wasm_bindgen_test]
async fn deleting_a_run_deletes_its_records_in_every_table_and_no_others() {
    let database = Database::new();
    let (run, other) = (
        format!("{:032x}", random::bits().unwrap()),
        format!("{:032x}", random::bits().unwrap()),
    );
    let entries = Table::ALL.into_iter().flat_map(|table| {
        [&run, &other].map(|run| entry(table, &format!("{run}-0000000001"), "{}"))
    });
    database
        .write(entries.collect(), Durability::Relaxed)
        .await
        .unwrap();
    database.delete(&Table::ALL, &run).await.unwrap();
    for table in Table::ALL {
        assert_eq!(database.read_all(table, &run).await.unwrap().len(), 0);
        assert_eq!(database.read_all(table, &other).await.unwrap().len(), 1);
    }
}

#[wasm_bindgen_test]
async fn a_lock_is_refused_to_a_second_holder_and_a_stolen_lock_reports_its_loss() {
    let name = format!("test-{:x}", random::bits().unwrap());
    let first = lock::try_acquire(&name).await.unwrap();
    assert!(first.no_protection().is_none());
    assert!(lock::try_acquire(&name).await.is_none());
    let is_lost = Rc::new(Cell::new(false));
    let lost = Rc::clone(&is_lost);
    first.on_lost(move || lost.set(true));
    let second = lock::steal(&name).await;
    PageClock.sleep(20).await;
    assert!(second.is_some());
    assert!(is_lost.get());
    drop(first);
    assert!(
        lock::try_acquire(&name).await.is_none(),
        "the second has it"
    );
    drop(second);
    PageClock.sleep(20).await;
    assert!(lock::try_acquire(&name).await.is_some());
}

#[wasm_bindgen_test]
fn an_item_of_web_storage_is_written_synchronously() {
    let name = format!("test-{:x}", random::bits().unwrap());
    assert_eq!(WebStorage::Local.read(&name), None);
    WebStorage::Local.write(&name, "é").unwrap();
    assert_eq!(WebStorage::Local.read(&name).as_deref(), Some("é"));
    assert_eq!(WebStorage::Session.read(&name), None);
    WebStorage::Local.remove(&name);
    assert_eq!(WebStorage::Local.read(&name), None);
}

#[wasm_bindgen_test]
async fn random_numbers_differ_and_the_clock_advances() {
    assert_ne!(random::bits().unwrap(), random::bits().unwrap());
    let before = PageClock.now();
    PageClock.sleep(20).await;
    assert!(PageClock.now() >= before + 15);
}

/// Replaces the global `fetch` by a function with this body until it is dropped.
struct Replaced(JsValue);

impl Replaced {
    fn by(body: &str) -> Replaced {
        let name = JsValue::from_str("fetch");
        let original = Reflect::get(&js_sys::global(), &name).unwrap();
        let replacement = Function::new_with_args("request", body);
        Reflect::set(&js_sys::global(), &name, &replacement).unwrap();
        Replaced(original)
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        Reflect::set(&js_sys::global(), &JsValue::from_str("fetch"), &self.0).unwrap();
    }
}

/// A request to post a task, and one to a model.
fn requests() -> (PreparedRequest, PreparedRequest) {
    let home = Address::parse(UNREACHABLE).unwrap();
    let mut secrets = Keyring::default();
    secrets.give(SecretSlot::AGENT_TOKEN, &home, "t").unwrap();
    let approval = Approval {
        body: "{}".into(),
        digest: "".into(),
        key: "".into(),
    };
    let post = delivery::request::post(&TaskServer::at(home), &approval).prepare(&secrets);
    let call = HttpRequest::post_json(format!("{UNREACHABLE}/v1/chat/completions"), "{}")
        .prepare(&Keyring::default());
    (post.unwrap(), call.unwrap())
}

#[wasm_bindgen_test]
async fn a_fetch_that_does_not_keep_to_its_contract_is_no_response() {
    for body in [
        "return Promise.reject('x')",
        "return Promise.reject()",
        "return Promise.reject(null)",
        "return Promise.reject(7)",
        "return Promise.reject(Symbol('x'))",
        "return Promise.reject({get message() { throw 1 }})",
        "throw 'x'",
        "throw new Error('x')",
        "return 7",
        "return Promise.resolve({status: 200})",
        "return Promise.resolve()",
    ] {
        let (post, call) = requests();
        let replaced = Replaced::by(body);
        let reply = Fetch.post(&post).await;
        assert!(
            matches!(reply, ServerReply::None { ref message } if !message.is_empty()),
            "{body}: {reply:?}"
        );
        let end = Fetch
            .call(&call, TIMEOUTS, &StopSignal::default(), &mut |_| {
                Needed::All
            })
            .await;
        assert!(
            matches!(end, CallEnd::Unreachable { ref reason } if !reason.is_empty()),
            "{body}: {end:?}"
        );
        assert!(fetch::get_bounded(&call).await.is_err(), "{body}");
        drop(replaced);
    }
}

#[wasm_bindgen_test]
async fn in_node_a_failure_to_connect_proves_that_nothing_was_sent() {
    let failure = |cause: &str| {
        format!(
            "return Promise.reject(Object.assign(new TypeError('fetch failed'), {{cause: {cause}}}))"
        )
    };
    let with_code =
        |code: &str| format!("Object.assign(new Error('connect {code}'), {{code: '{code}'}})");
    let aggregate = format!(
        "new AggregateError([{}, {}], '')",
        with_code("ECONNREFUSED"),
        with_code("EHOSTUNREACH")
    );
    let mixed = format!(
        "new AggregateError([{}, {}], '')",
        with_code("ECONNREFUSED"),
        with_code("ECONNRESET")
    );
    let table = [
        (with_code("ECONNREFUSED"), true),
        (with_code("ENOTFOUND"), true),
        (aggregate, true),
        (mixed, false),
        (with_code("ECONNRESET"), false),
        (with_code("UND_ERR_SOCKET"), false),
        ("undefined".to_owned(), false),
        ("{code: 7}".to_owned(), false),
    ];
    for is_node in [true, false] {
        let process = if is_node {
            "{versions: {node: '22.0.0'}}"
        } else {
            "undefined"
        };
        javascript(&format!("globalThis.process = {process}"));
        for (cause, is_connection_failure) in &table {
            let nothing_was_sent = is_node && *is_connection_failure;
            let (post, call) = requests();
            let replaced = Replaced::by(&failure(cause));
            let reply = Fetch.post(&post).await;
            assert_eq!(
                matches!(reply, ServerReply::NotSent { .. }),
                nothing_was_sent,
                "{cause}: {reply:?}"
            );
            let end = Fetch
                .call(&call, TIMEOUTS, &StopSignal::default(), &mut |_| {
                    Needed::All
                })
                .await;
            assert_eq!(
                matches!(end, CallEnd::NotConnected { .. }),
                nothing_was_sent,
                "{cause}: {end:?}"
            );
            drop(replaced);
        }
    }
    javascript("delete globalThis.process");
}

#[wasm_bindgen_test]
async fn a_body_that_another_script_reads_is_a_broken_response() {
    let (post, call) = requests();
    let replaced = Replaced::by(
        "const response = new Response('{}'); response.body.getReader(); return Promise.resolve(response)",
    );
    let end = Fetch
        .call(&call, TIMEOUTS, &StopSignal::default(), &mut |_| {
            Needed::All
        })
        .await;
    assert!(
        matches!(end, CallEnd::Responded(End::TransportError(_))),
        "{end:?}"
    );
    let reply = Fetch.post(&post).await;
    assert!(
        matches!(reply, ServerReply::Http { status: 200, .. }),
        "{reply:?}"
    );
    drop(replaced);
}

#[wasm_bindgen_test]
async fn the_rest_of_a_response_that_is_too_long_is_not_loaded() {
    const LONG: &str = "
        globalThis.abortedRequest = false;
        request.signal.addEventListener('abort', () => { globalThis.abortedRequest = true });
        return Promise.resolve(new Response('a'.repeat(5_000_000)));";
    let (post, _) = requests();
    let replaced = Replaced::by(LONG);
    for reply in [Fetch.post(&post).await, Fetch.look_up(&post).await] {
        assert!(
            matches!(reply, ServerReply::Http { ref body, .. } if body.len() < 5_000_000),
            "{reply:?}"
        );
    }
    let aborted = Reflect::get(&js_sys::global(), &"abortedRequest".into());
    assert!(aborted.unwrap().is_truthy());
    drop(replaced);
}

#[wasm_bindgen_test]
async fn a_response_is_read_no_further_than_needed_and_then_aborted() {
    /// A body that sends a letter every few milliseconds without end, and remembers whether the
    /// request was aborted.
    const ENDLESS: &str = "
        request.signal.addEventListener('abort', () => { globalThis.abortedRequest = true });
        globalThis.abortedRequest = false;
        let timer;
        const body = new ReadableStream({
            start(stream) {
                timer = setInterval(() => stream.enqueue(new TextEncoder().encode('a')), 5);
            },
            cancel() { clearInterval(timer) },
        });
        request.signal.addEventListener('abort', () => clearInterval(timer));
        return Promise.resolve(new Response(body));";
    let aborted = || {
        let flag = Reflect::get(&js_sys::global(), &"abortedRequest".into());
        flag.unwrap().is_truthy()
    };
    let (_, call) = requests();
    let replaced = Replaced::by(ENDLESS);
    let long = Timeouts {
        first_token: 20_000,
        idle: 20_000,
        total: 20_000,
    };
    let mut letters = 0;
    let end = Fetch
        .call(&call, long, &StopSignal::default(), &mut |part| {
            if let ResponsePart::Bytes(bytes) = part {
                letters += bytes.len();
            }
            if letters >= 3 {
                Needed::Nothing
            } else {
                Needed::All
            }
        })
        .await;
    assert_eq!(end, CallEnd::Responded(End::Ended));
    assert!(aborted());
    // The page waits for the rest of a response, but not for long, and not for comments.
    let begin = PageClock.now();
    let end = Fetch
        .call(&call, long, &StopSignal::default(), &mut |_| Needed::Rest {
            is_news: false,
        })
        .await;
    assert_eq!(end, CallEnd::Responded(End::Ended));
    assert!(PageClock.now() < begin + 8_000);
    assert!(aborted());
    // Until the model begins to write, comments do not prevent the first-token timeout.
    let short = Timeouts {
        first_token: 100,
        ..long
    };
    let wait_for = async |needed: fn(usize) -> Needed| {
        let mut parts = 0;
        Fetch
            .call(&call, short, &StopSignal::default(), &mut |_| {
                parts += 1;
                needed(parts)
            })
            .await
    };
    let end = wait_for(|_| Needed::FirstToken).await;
    assert_eq!(end, CallEnd::Responded(End::Stalled(Stall::FirstToken)));
    let begin = PageClock.now();
    let end = wait_for(|parts| match parts {
        0..60 => Needed::All,
        _ => Needed::Nothing,
    })
    .await;
    assert_eq!(end, CallEnd::Responded(End::Ended));
    assert!(PageClock.now() > begin + 100, "it was not stalled");
    drop(replaced);
}

/// An address where nothing listens: the browser blocks this port without sending a request.
const UNREACHABLE: &str = "http://localhost:1";

#[wasm_bindgen_test]
async fn an_unreachable_server_is_reported_as_such() {
    let home = Address::parse(UNREACHABLE).unwrap();
    let mut secrets = Keyring::default();
    secrets.give(SecretSlot::AGENT_TOKEN, &home, "t").unwrap();
    let server = TaskServer::at(home);
    let approval = Approval {
        body: "{}".into(),
        digest: "".into(),
        key: "".into(),
    };
    let posted = delivery::request::post(&server, &approval)
        .prepare(&secrets)
        .unwrap();
    let reply = Fetch.post(&posted).await;
    assert!(
        matches!(reply, ServerReply::None { ref message } if !message.is_empty()),
        "{reply:?}"
    );
    let request = HttpRequest::post_json(format!("{UNREACHABLE}/v1/chat/completions"), "{}")
        .prepare(&Keyring::default())
        .unwrap();
    let end = Fetch
        .call(&request, TIMEOUTS, &StopSignal::default(), &mut |_| {
            Needed::All
        })
        .await;
    assert!(matches!(end, CallEnd::Unreachable { .. }), "{end:?}");
    let stopped = StopSignal::default();
    stopped.stop();
    let end = Fetch
        .call(&request, TIMEOUTS, &stopped, &mut |_| Needed::All)
        .await;
    assert_eq!(end, CallEnd::Stopped);
}
