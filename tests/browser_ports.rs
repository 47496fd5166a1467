//! The browser's implementations of the ports, in a real browser.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use taskwright::browser::clock::PageClock;
use taskwright::browser::database::Database;
use taskwright::browser::fetch::Fetch;
use taskwright::browser::random;
use taskwright::browser::web_storage::WebStorage;
use taskwright::delivery;
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
        .call(&request, TIMEOUTS, &StopSignal::default(), &mut |_| {})
        .await;
    assert!(matches!(end, CallEnd::Unreachable { .. }), "{end:?}");
    let stopped = StopSignal::default();
    stopped.stop();
    let end = Fetch.call(&request, TIMEOUTS, &stopped, &mut |_| {}).await;
    assert_eq!(end, CallEnd::Stopped);
}
