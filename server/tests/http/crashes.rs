//! Kills the server repeatedly under load: every confirmed task is stored exactly once.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::client::{Response, connect, post};
use crate::random::Random;
use crate::server::{Start, TestServer};

const SENDERS: u64 = 6;
const TASKS_PER_SENDER: u64 = 40;
/// How often each sender kills the server, right after a confirmation.
const KILLS_PER_SENDER: usize = 2;
/// Longer than the test takes on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);

/// State shared by the senders.
struct Shared {
    /// `None` while the server restarts.
    server: Mutex<Option<TestServer>>,
    /// The current address. Each start uses another port.
    address: Mutex<SocketAddr>,
    /// Accepted by this server only, because the server of another test may reuse an old port.
    token: String,
    /// Requests whose connection broke before the response.
    cut_off: AtomicUsize,
    started: Instant,
}

impl Shared {
    /// Kills the server with `kill -9` and restarts it on the same folder.
    fn kill_and_restart(&self) {
        let mut server = self.server.lock().unwrap();
        let restarted = server.take().unwrap().kill().run();
        *self.address.lock().unwrap() = restarted.address;
        *server = Some(restarted);
    }
}

/// A task that was confirmed.
struct Confirmed {
    key: String,
    body: String,
    receipt: Vec<u8>,
}

#[test]
fn every_confirmed_task_is_stored_once_although_the_server_is_killed_under_load() {
    let seed = Random::seed();
    let token = format!("crashes-{seed}");
    let server = Start::new().any_task().tokens(&token).run();
    let shared = Shared {
        address: Mutex::new(server.address),
        server: Mutex::new(Some(server)),
        token,
        cut_off: AtomicUsize::new(0),
        started: Instant::now(),
    };
    let confirmed: Vec<Confirmed> = std::thread::scope(|scope| {
        let senders: Vec<_> = (1..=SENDERS)
            .map(|sender| {
                let (shared, random) = (&shared, Random::new(seed.wrapping_mul(sender)));
                scope.spawn(move || send_all(shared, sender, random))
            })
            .collect();
        senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap())
            .collect()
    });
    assert!(
        shared.cut_off.into_inner() > 0,
        "no kill interrupted a request"
    );
    assert_eq!(confirmed.len() as u64, SENDERS * TASKS_PER_SENDER);

    let server = shared.server.into_inner().unwrap().unwrap().kill().run();
    assert_each_is_stored_once(&server, &confirmed);
    let data = server.folder().join("data").join("tasks.sqlite3");
    let _folder = server.kill();
    assert_keys_and_tasks_match(&data, confirmed.len());
}

/// Posts tasks in sequence, each until it is confirmed, and occasionally repeats a confirmed one.
fn send_all(shared: &Shared, sender: u64, mut random: Random) -> Vec<Confirmed> {
    let kills = [(); KILLS_PER_SENDER].map(|()| random.below(TASKS_PER_SENDER));
    let mut connection = None;
    let mut confirmed: Vec<Confirmed> = Vec::new();
    for number in 0..TASKS_PER_SENDER {
        let key = format!("{sender}-{number}");
        let body = body(&mut random, &key);
        let response = send_until_response(shared, &mut connection, &mut random, &key, &body);
        if kills.contains(&number) {
            shared.kill_and_restart();
        }
        assert!(matches!(response.status, 200 | 201), "{response:?}");
        confirmed.push(Confirmed {
            key,
            body,
            receipt: response.body,
        });
        if random.one_in(6) {
            let earlier = &confirmed[random.below(confirmed.len() as u64) as usize];
            let (key, body) = (&earlier.key, &earlier.body);
            let replay = send_until_response(shared, &mut connection, &mut random, key, body);
            assert_is_replay(&replay, earlier);
        }
    }
    confirmed
}

/// Sends with the same key until a response arrives.
fn send_until_response(
    shared: &Shared,
    connection: &mut Option<TcpStream>,
    random: &mut Random,
    key: &str,
    body: &str,
) -> Response {
    let request = post("/tasks")
        .token(&shared.token)
        .header("Idempotency-Key", key)
        .header("Connection", "keep-alive")
        .json(body);
    loop {
        assert!(
            shared.started.elapsed() < LIMIT,
            "the test exceeds its time limit"
        );
        if random.one_in(5) {
            *connection = None;
        }
        let address = *shared.address.lock().unwrap();
        let open = connection.take().map_or_else(|| connect(address), Ok);
        if let Ok(mut stream) = open {
            match request.send_on(&mut stream, &address.to_string()) {
                // The server of another test now uses the port.
                Ok(response) if response.status == 401 => {}
                Ok(response) => {
                    let replayed = response.header("idempotent-replayed") == Some("true");
                    assert_eq!(replayed, response.status == 200, "{response:?}");
                    *connection = Some(stream);
                    return response;
                }
                Err(_) => {
                    shared.cut_off.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        // The server is restarting.
        std::thread::sleep(Duration::from_millis(1 + random.below(4)));
    }
}

/// A JSON text with unusual whitespace, occasionally large enough for many pages of the store.
fn body(random: &mut Random, key: &str) -> String {
    let longest = if random.one_in(10) { 40_000 } else { 400 };
    let filler = "ü ".repeat(random.below(longest) as usize / 3);
    let spaces = " ".repeat(random.below(5) as usize);
    format!("{{{spaces}\"from\" :\n\"{key}\",\"filler\":\"{filler}\"{spaces}}}")
}

#[track_caller]
fn assert_is_replay(response: &Response, first: &Confirmed) {
    assert_eq!(response.status, 200, "{}: {response:?}", first.key);
    assert_eq!(response.header("idempotent-replayed"), Some("true"));
    assert_eq!(response.body, first.receipt, "{}", first.key);
}

fn assert_each_is_stored_once(server: &TestServer, confirmed: &[Confirmed]) {
    let mut ids_by_key: HashMap<String, Vec<String>> = HashMap::new();
    for item in server.stored() {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        let ids = ids_by_key.entry(text("idempotency_key")).or_default();
        ids.push(text("id"));
    }
    assert_eq!(ids_by_key.len(), confirmed.len());
    for task in confirmed {
        let receipt: serde_json::Value = serde_json::from_slice(&task.receipt).unwrap();
        let id = receipt["id"].as_str().unwrap();
        assert_eq!(ids_by_key[&task.key], [id], "{}", task.key);
        let kept = server.get(&format!("/tasks/{id}"));
        let (_, rest) = kept.text().split_once("\"task\":").unwrap();
        let text = rest.strip_suffix('}').unwrap();
        assert_eq!(
            Sha256::digest(text),
            Sha256::digest(&task.body),
            "{}",
            task.key
        );
        assert_is_replay(&server.post_with_key(&task.key, task.body.as_str()), task);
    }
    assert_eq!(server.stored().len(), confirmed.len());
}

/// Checks the file itself: every task has its key, every key its task, and the digest of each key is
/// that of the stored body.
fn assert_keys_and_tasks_match(file: &Path, count: usize) {
    let file = rusqlite::Connection::open(file).unwrap();
    let sound: String = file
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let mut joined = file
        .prepare(
            "SELECT t.idempotency_key, k.key, t.body, k.body_digest
             FROM tasks t FULL JOIN idempotency_keys k ON k.task_sequence = t.sequence",
        )
        .unwrap();
    let mut rows = joined.query([]).unwrap();
    let mut found = 0;
    while let Some(row) = rows.next().unwrap() {
        // The columns of a missing row are NULL, which fails to convert to text.
        let of_task: String = row.get(0).unwrap();
        let of_key: String = row.get(1).unwrap();
        let (body, digest): (Vec<u8>, Vec<u8>) = (row.get(2).unwrap(), row.get(3).unwrap());
        assert_eq!(of_task, of_key);
        assert_eq!(Sha256::digest(body).as_slice(), digest, "{of_key}");
        found += 1;
    }
    assert_eq!(found, count);
}
