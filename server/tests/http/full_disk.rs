//! A disk that is full: nothing confirmed is lost, nothing is confirmed that is not stored, and
//! with room again tasks are taken again.

use std::process::Command;

use crate::client::{Answer, post};
use crate::server::{Start, TestServer};
use crate::small_disk::SmallDisk;

/// What the server may write until there is room.
const KIBIBYTES: u32 = 1024;
/// Enough to fill it several times.
const MOST_TASKS: usize = 3_000;
const SENDERS: usize = 4;
/// Each sender goes on until so many of its tasks were refused.
const REFUSALS: usize = 3;

struct Posted {
    key: String,
    body: String,
    answer: Answer,
}

/// A real full disk: the system says `ENOSPC`.
#[test]
fn on_a_full_disk_what_was_confirmed_is_kept_and_the_rest_taken_once_there_is_room() {
    let Some(disk) = SmallDisk::mount(KIBIBYTES) else {
        return;
    };
    let launcher = disk.launcher();
    let start = Start::new()
        .any_task()
        .argument("--data-dir", disk.folder().join("data"))
        .launched_by(launcher.iter().map(String::as_str));
    full_and_then_not(start, |_| disk.resize(64 * KIBIBYTES));
}

/// A limit on the size of files, which needs no rights: the system says `EFBIG`, which the store
/// reports as a failed write like that of a broken disk.
#[test]
fn where_no_file_can_grow_what_was_confirmed_is_kept_and_the_rest_taken_once_it_can() {
    let start = Start::new().any_task().after_shell_command(&format!(
        // Without this the signal would end the server. The unit is 512 bytes (POSIX, `ulimit`).
        "trap '' XFSZ; ulimit -S -f {}",
        KIBIBYTES * 2
    ));
    full_and_then_not(start, |server| {
        let status = Command::new("prlimit")
            .args(["--fsize=unlimited:", "--pid", &server.process().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    });
}

fn full_and_then_not(start: Start, make_room: impl FnOnce(&TestServer)) {
    let server = start.run();
    let posted = post_until_refused(&server);
    let (taken, refused): (Vec<_>, Vec<_>) = posted
        .into_iter()
        .partition(|posted| posted.answer.status == 201);
    assert!(taken.len() >= SENDERS, "only {}", taken.len());
    for refused in &refused {
        assert_refused(&refused.answer);
    }
    assert_exactly(&server, &taken);

    // What is there can be read, replayed and survives, without room for one page more.
    let server = server.kill().run();
    assert_exactly(&server, &taken);
    assert_refused(&post_one(&server, "late", &task("late")));
    assert_eq!(server.get("/healthz").status, 200);

    make_room(&server);
    let mut all = taken;
    for refused in refused {
        let answer = post_one(&server, &refused.key, &refused.body);
        assert_eq!(answer.status, 201, "{answer:?}");
        all.push(Posted { answer, ..refused });
    }
    assert_exactly(&server, &all);
    let server = server.kill().run();
    assert_exactly(&server, &all);
}

fn post_until_refused(server: &TestServer) -> Vec<Posted> {
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| scope.spawn(move || send_until_refused(server, sender)))
            .collect();
        senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap())
            .collect()
    })
}

fn send_until_refused(server: &TestServer, sender: usize) -> Vec<Posted> {
    let mut posted = Vec::new();
    let mut refusals = 0;
    for number in 0..MOST_TASKS / SENDERS {
        let key = format!("{sender}-{number}");
        let body = task(&key);
        let answer = post_one(server, &key, &body);
        refusals += usize::from(answer.status != 201);
        posted.push(Posted { key, body, answer });
        if refusals == REFUSALS {
            return posted;
        }
    }
    panic!("the disk was never full");
}

fn post_one(server: &TestServer, key: &str, body: &str) -> Answer {
    server.send(
        &post("/tasks")
            .token(server.token())
            .header("Idempotency-Key", key)
            .json(body),
    )
}

/// Some kibibytes, so that a task takes pages of its own.
fn task(key: &str) -> String {
    format!(
        "{{ \"key\":\"{key}\", \"filler\":\"{}\" }}",
        "x".repeat(6_000)
    )
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    answer.problem(503, "store_unavailable");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!(seconds > 0);
}

/// Asserts that these tasks are there, each once and byte for byte, and nothing else.
#[track_caller]
fn assert_exactly(server: &TestServer, tasks: &[Posted]) {
    let mut stored: Vec<String> = server
        .stored()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let id = |task: &Posted| task.answer.json()["id"].as_str().unwrap().to_owned();
    let mut confirmed: Vec<String> = tasks.iter().map(id).collect();
    stored.sort();
    confirmed.sort();
    assert_eq!(stored, confirmed);
    for task in tasks {
        let kept = server.get(&format!("/tasks/{}", id(task)));
        assert!(kept.text().ends_with(&format!("\"task\":{}}}", task.body)));
        let again = post_one(server, &task.key, &task.body);
        assert_eq!((again.status, &again.body), (200, &task.answer.body));
    }
}
