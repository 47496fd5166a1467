//! A full disk: no confirmed task is lost, no unstored task is confirmed, and the server accepts tasks
//! again once there is space.

use std::process::Command;

use crate::client::{Response, post};
use crate::server::{Start, TestServer};
use crate::small_disk::SmallDisk;

/// Space the server has at first.
const KIBIBYTES: u32 = 1024;
/// Enough tasks to fill the space several times.
const MAX_TASKS: usize = 3_000;
const SENDERS: usize = 4;
/// Each sender stops after this many refused tasks.
const REFUSALS: usize = 3;

struct Posted {
    key: String,
    body: String,
    response: Response,
}

/// A real full disk, `ENOSPC`.
#[test]
fn on_a_full_disk_confirmed_tasks_are_kept_and_refused_ones_accepted_once_there_is_space() {
    let Some(disk) = SmallDisk::mount(KIBIBYTES) else {
        return;
    };
    let launcher = disk.launcher();
    let start = Start::new()
        .any_task()
        .argument("--data-dir", disk.folder().join("data"))
        .launched_by(launcher.iter().map(String::as_str));
    // SQLite finds the disk full before the transaction is complete.
    let nothing_stored = Refusal {
        code: "store_unavailable",
        has_retry_after: true,
    };
    fill_then_make_space(start, nothing_stored, |_| disk.resize(64 * KIBIBYTES));
}

/// A limit on file sizes, which needs no privileges: `EFBIG`, which SQLite reports like the write error
/// of a broken disk.
#[test]
fn at_a_file_size_limit_confirmed_tasks_are_kept_and_refused_ones_accepted_once_it_is_raised() {
    let start = Start::new().any_task().after_shell_command(&format!(
        // The trap keeps SIGXFSZ from ending the server. The unit is 512 bytes (POSIX, `ulimit`).
        "trap '' XFSZ; ulimit -S -f {}",
        KIBIBYTES * 2
    ));
    // After a write error in a commit, SQLite does not know what is on the disk.
    let not_known = Refusal {
        code: "not_confirmed",
        has_retry_after: false,
    };
    fill_then_make_space(start, not_known, |server| {
        let status = Command::new("prlimit")
            .args([
                "--fsize=unlimited:",
                "--pid",
                &server.process_id().to_string(),
            ])
            .status()
            .unwrap();
        assert!(status.success());
    });
}

/// How the server responds to a task that does not fit.
#[derive(Clone, Copy)]
struct Refusal {
    code: &'static str,
    has_retry_after: bool,
}

fn fill_then_make_space(start: Start, refusal: Refusal, make_space: impl FnOnce(&TestServer)) {
    let server = start.run();
    let posted = post_until_refused(&server);
    let (mut stored, refused): (Vec<_>, Vec<_>) = posted
        .into_iter()
        .partition(|posted| posted.response.status == 201);
    assert!(stored.len() >= SENDERS, "only {}", stored.len());
    for refused in &refused {
        assert_refused(&refused.response, refusal);
    }
    assert_exactly(&server, &stored);

    // Stored tasks survive a restart and can be read and replayed without space for another page.
    let server = server.kill().run();
    assert_exactly(&server, &stored);
    // The server writes SQLite's log back when it starts, which may make space for some more.
    let refused_again = loop {
        let key = format!("late-{}", stored.len());
        let body = task(&key);
        let response = post_one(&server, &key, &body);
        if response.status != 201 {
            break response;
        }
        stored.push(Posted {
            key,
            body,
            response,
        });
    };
    assert_refused(&refused_again, refusal);
    assert_eq!(server.get("/healthz").status, 200);

    make_space(&server);
    let mut all = stored;
    for refused in refused {
        let response = post_one(&server, &refused.key, &refused.body);
        assert_eq!(response.status, 201, "{response:?}");
        all.push(Posted {
            response,
            ..refused
        });
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
    for number in 0..MAX_TASKS / SENDERS {
        let key = format!("{sender}-{number}");
        let body = task(&key);
        let response = post_one(server, &key, &body);
        refusals += usize::from(response.status != 201);
        posted.push(Posted {
            key,
            body,
            response,
        });
        if refusals == REFUSALS {
            return posted;
        }
    }
    panic!("the disk never became full");
}

fn post_one(server: &TestServer, key: &str, body: &str) -> Response {
    server.send(
        &post("/tasks")
            .token(server.token())
            .header("Idempotency-Key", key)
            .json(body),
    )
}

/// A task of a few KiB, so that each needs its own pages.
fn task(key: &str) -> String {
    format!(
        "{{ \"key\":\"{key}\", \"filler\":\"{}\" }}",
        "x".repeat(6_000)
    )
}

#[track_caller]
fn assert_refused(response: &Response, refusal: Refusal) {
    response.problem(503, refusal.code);
    let seconds: Option<u64> = response
        .header("retry-after")
        .map(|value| value.parse().unwrap());
    assert_eq!(
        seconds.is_some_and(|seconds| seconds > 0),
        refusal.has_retry_after
    );
}

/// Asserts that exactly these tasks are stored, each once and byte for byte.
#[track_caller]
fn assert_exactly(server: &TestServer, tasks: &[Posted]) {
    let mut stored_ids: Vec<String> = server
        .stored()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let id = |task: &Posted| task.response.json()["id"].as_str().unwrap().to_owned();
    let mut confirmed_ids: Vec<String> = tasks.iter().map(id).collect();
    stored_ids.sort();
    confirmed_ids.sort();
    assert_eq!(stored_ids, confirmed_ids);
    for task in tasks {
        let kept = server.get(&format!("/tasks/{}", id(task)));
        assert!(kept.text().ends_with(&format!("\"task\":{}}}", task.body)));
        let again = post_one(server, &task.key, &task.body);
        assert_eq!((again.status, &again.body), (200, &task.response.body));
    }
}
