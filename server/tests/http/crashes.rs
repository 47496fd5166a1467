//! Killed in the middle of its work, again and again: what was confirmed is there, and once.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::client::{Answer, connect, post};
use crate::random::Random;
use crate::server::{Start, TestServer};

const SENDERS: u64 = 6;
const TASKS_OF_EACH: u64 = 40;
/// How often each sender kills the server, the moment it was given a confirmation.
const KILLS_OF_EACH: usize = 2;
/// Longer than the whole may take on the slowest machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What the senders share.
struct World {
    /// Nothing while it is being started again.
    server: Mutex<Option<TestServer>>,
    /// Where it is now. Each start takes another port.
    address: Mutex<SocketAddr>,
    /// Only this server takes it: a port that was left may be taken by the server of another test.
    token: String,
    /// Requests whose connection broke before the answer.
    cut_off: AtomicUsize,
    begun: Instant,
}

impl World {
    /// `kill -9`, and a new start on the same folder.
    fn kill_and_start(&self) {
        let mut server = self.server.lock().unwrap();
        let started = server.take().unwrap().kill().run();
        *self.address.lock().unwrap() = started.address;
        *server = Some(started);
    }
}

/// A task that was confirmed.
struct Confirmed {
    key: String,
    body: String,
    receipt: Vec<u8>,
}

#[test]
fn killed_again_and_again_under_load_the_server_has_every_confirmed_task_once() {
    let seed = Random::seed();
    let token = format!("crashes-{seed}");
    let server = Start::new().any_task().tokens(&token).run();
    let world = World {
        address: Mutex::new(server.address),
        server: Mutex::new(Some(server)),
        token,
        cut_off: AtomicUsize::new(0),
        begun: Instant::now(),
    };
    let confirmed: Vec<Confirmed> = std::thread::scope(|scope| {
        let senders: Vec<_> = (1..=SENDERS)
            .map(|sender| {
                let (world, random) = (&world, Random::new(seed.wrapping_mul(sender)));
                scope.spawn(move || send_all(world, sender, random))
            })
            .collect();
        senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap())
            .collect()
    });
    assert!(
        world.cut_off.into_inner() > 0,
        "no kill met a request under way"
    );
    assert_eq!(confirmed.len() as u64, SENDERS * TASKS_OF_EACH);

    let server = world.server.into_inner().unwrap().unwrap().kill().run();
    assert_each_is_there_once(&server, &confirmed);
    let data = server.folder().join("data").join("tasks.sqlite3");
    let _folder = server.kill();
    assert_keys_and_tasks_belong_together(&data, confirmed.len());
}

/// Posts task after task, each until it is confirmed, and now and then one that was confirmed
/// already.
fn send_all(world: &World, sender: u64, mut random: Random) -> Vec<Confirmed> {
    let kills = [(); KILLS_OF_EACH].map(|()| random.below(TASKS_OF_EACH));
    let mut connection = None;
    let mut confirmed: Vec<Confirmed> = Vec::new();
    for number in 0..TASKS_OF_EACH {
        let key = format!("{sender}-{number}");
        let body = body(&mut random, &key);
        let answer = send_until_answered(world, &mut connection, &mut random, &key, &body);
        if kills.contains(&number) {
            world.kill_and_start();
        }
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        confirmed.push(Confirmed {
            key,
            body,
            receipt: answer.body,
        });
        if random.one_in(6) {
            let earlier = &confirmed[random.below(confirmed.len() as u64) as usize];
            let (key, body) = (&earlier.key, &earlier.body);
            let again = send_until_answered(world, &mut connection, &mut random, key, body);
            assert_is_replay(&again, earlier);
        }
    }
    confirmed
}

/// Sends with the same key until there is an answer.
fn send_until_answered(
    world: &World,
    connection: &mut Option<TcpStream>,
    random: &mut Random,
    key: &str,
    body: &str,
) -> Answer {
    let request = post("/tasks")
        .token(&world.token)
        .header("Idempotency-Key", key)
        .header("Connection", "keep-alive")
        .json(body);
    loop {
        assert!(world.begun.elapsed() < LIMIT, "this takes too long");
        if random.one_in(5) {
            *connection = None;
        }
        let address = *world.address.lock().unwrap();
        let open = connection.take().map_or_else(|| connect(address), Ok);
        if let Ok(mut stream) = open {
            match request.send_on(&mut stream, &address.to_string()) {
                // The server of another test, which has the port now.
                Ok(answer) if answer.status == 401 => {}
                Ok(answer) => {
                    let replayed = answer.header("idempotent-replayed") == Some("true");
                    assert_eq!(replayed, answer.status == 200, "{answer:?}");
                    *connection = Some(stream);
                    return answer;
                }
                Err(_) => {
                    world.cut_off.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        // It is being started again.
        std::thread::sleep(Duration::from_millis(1 + random.below(4)));
    }
}

/// A JSON text with white space no serializer would write, now and then of many pages of the store.
fn body(random: &mut Random, key: &str) -> String {
    let longest = if random.one_in(10) { 40_000 } else { 400 };
    let filler = "ü ".repeat(random.below(longest) as usize / 3);
    let spaces = " ".repeat(random.below(5) as usize);
    format!("{{{spaces}\"from\" :\n\"{key}\",\"filler\":\"{filler}\"{spaces}}}")
}

#[track_caller]
fn assert_is_replay(answer: &Answer, first: &Confirmed) {
    assert_eq!(answer.status, 200, "{}: {answer:?}", first.key);
    assert_eq!(answer.header("idempotent-replayed"), Some("true"));
    assert_eq!(answer.body, first.receipt, "{}", first.key);
}

fn assert_each_is_there_once(server: &TestServer, confirmed: &[Confirmed]) {
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

/// In the file itself: no task without its key, no key without its task, each with the digest of
/// what is stored.
fn assert_keys_and_tasks_belong_together(file: &Path, count: usize) {
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
        // A column of what is missing is NULL, and no text.
        let of_task: String = row.get(0).unwrap();
        let of_key: String = row.get(1).unwrap();
        let (body, digest): (Vec<u8>, Vec<u8>) = (row.get(2).unwrap(), row.get(3).unwrap());
        assert_eq!(of_task, of_key);
        assert_eq!(Sha256::digest(body).as_slice(), digest, "{of_key}");
        found += 1;
    }
    assert_eq!(found, count);
}
