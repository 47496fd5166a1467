//! The ports' real implementations, in a real browser.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use taskwright::browser::clock::PageClock;
use taskwright::browser::database::Database;
use taskwright::browser::fetch::Fetch;
use taskwright::browser::local::{self, WebStorage};
use taskwright::browser::random;
use taskwright::delivery::request;
use taskwright::delivery::response::ServerReply;
use taskwright::http::HttpRequest;
use taskwright::ports::{
    CallEnd, Clock, Durability, Entry, ModelTransport, StopSignal, Store, Table, TaskSink, Timeouts,
};
use taskwright::review::Approval;
use taskwright::secrets::{Keyring, SecretSlot};
use taskwright::settings::{Address, TaskServer};
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
    idle: 1000,
    total: 2000,
};

#[wasm_bindgen_test]
async fn records_are_kept_by_key_and_read_in_the_order_of_their_keys() {
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
    let again = Database::new();
    let found = again
        .read_all(Table::Drafts, &format!("{run}-"))
        .await
        .unwrap();
    let expected: Vec<String> = (1..=12).map(|n| format!("draft {n}")).collect();
    assert_eq!(found, expected);
    assert_eq!(
        again.read(Table::Runs, &run).await.unwrap().as_deref(),
        Some("second")
    );
    assert_eq!(again.read(Table::Runs, "none").await.unwrap(), None);
}

#[wasm_bindgen_test]
fn what_is_typed_is_kept_at_once() {
    let name = format!("test-{:x}", random::bits().unwrap());
    assert_eq!(local::read(WebStorage::Local, &name), None);
    local::write(WebStorage::Local, &name, "é").unwrap();
    assert_eq!(local::read(WebStorage::Local, &name).as_deref(), Some("é"));
    assert_eq!(local::read(WebStorage::Session, &name), None);
    local::remove(WebStorage::Local, &name);
    assert_eq!(local::read(WebStorage::Local, &name), None);
}

#[wasm_bindgen_test]
async fn random_numbers_differ_and_time_goes_on() {
    assert_ne!(random::bits().unwrap(), random::bits().unwrap());
    let before = PageClock.now();
    PageClock.sleep(20).await;
    assert!(PageClock.now() >= before + 15);
}

/// Nothing listens there: the browser refuses the port before any request is made.
const NOWHERE: &str = "http://localhost:1";

#[wasm_bindgen_test]
async fn a_server_that_cannot_be_reached_is_said_to_be_so() {
    let home = Address::parse(NOWHERE).unwrap();
    let mut secrets = Keyring::default();
    secrets.give(SecretSlot::AGENT_TOKEN, &home, "t").unwrap();
    let server = TaskServer::at(home);
    let approval = Approval {
        body: "{}".into(),
        digest: "".into(),
        key: "".into(),
    };
    let posted = request::post(&server, &approval).prepare(&secrets).unwrap();
    let answer = Fetch.post(&posted).await;
    assert!(
        matches!(answer, ServerReply::None { ref message } if !message.is_empty()),
        "{answer:?}"
    );
    let asked = HttpRequest::post_json(format!("{NOWHERE}/v1/chat/completions"), "{}")
        .prepare(&Keyring::default())
        .unwrap();
    let end = Fetch
        .call(&asked, TIMEOUTS, &StopSignal::default(), &mut |_| {})
        .await;
    assert!(matches!(end, CallEnd::Unreachable { .. }), "{end:?}");
    let stopped = StopSignal::default();
    stopped.stop();
    let end = Fetch.call(&asked, TIMEOUTS, &stopped, &mut |_| {}).await;
    assert_eq!(end, CallEnd::Stopped);
}
