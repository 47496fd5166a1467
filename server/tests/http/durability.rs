//! Confirmed tasks are durable and stored once.

use std::time::{Duration, Instant};

use crate::server::{Start, TASK, TestServer};

/// The store's file, opened by another program.
pub fn open_file(server: &TestServer) -> rusqlite::Connection {
    rusqlite::Connection::open(server.folder().join("data").join("tasks.sqlite3")).unwrap()
}

/// Keeps the transaction that stores the task with this key busy for about `time`, as a disk does
/// that stalls.
fn stall_transactions(file: &rusqlite::Connection, key: &str, time: Duration) {
    create_slow_view(file, time);
    file.execute_batch(&format!(
        "CREATE TRIGGER stall AFTER INSERT ON tasks WHEN NEW.idempotency_key = '{key}'
         BEGIN SELECT count(*) FROM many; END"
    ))
    .unwrap();
}

/// Makes every read of tasks take about `time`.
pub fn stall_reads(file: &rusqlite::Connection, time: Duration) {
    create_slow_view(file, time);
    file.execute_batch(
        "ALTER TABLE tasks RENAME TO stored;
         CREATE VIEW tasks AS
         SELECT stored.* FROM stored, (SELECT count(*) AS n FROM many) WHERE n > 0",
    )
    .unwrap();
}

/// Creates a view `many` whose rows take about `time` to count.
fn create_slow_view(file: &rusqlite::Connection, time: Duration) {
    let count_to = |rows: u32| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             SELECT i FROM n"
        )
    };
    let (rows, started) = (100_000, Instant::now());
    let count = format!("SELECT count(*) FROM ({})", count_to(rows));
    file.query_row(&count, [], |_| Ok(())).unwrap();
    let rows = f64::from(rows) * time.as_secs_f64() / started.elapsed().as_secs_f64();
    file.execute_batch(&format!("CREATE VIEW many AS {}", count_to(rows as u32)))
        .unwrap();
}

#[test]
fn a_confirmed_task_and_its_key_survive_kill_9() {
    let server = Start::new().run();
    let first = server.post_with_key("k", TASK);
    assert_eq!(first.status, 201);
    let server = server.kill().run();
    let location = first.header("location").unwrap();
    let kept = server.get(location);
    assert_eq!(kept.status, 200);
    assert!(kept.text().ends_with(&format!("\"task\":{TASK}}}")));
    let again = server.post_with_key("k", TASK);
    assert_eq!((again.status, &again.body), (200, &first.body));
    server
        .post_with_key("k", TASK.replace("A task", "Another"))
        .problem(422, "idempotency_key_reused");
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn concurrent_posts_with_one_key_store_one_task() {
    let server = Start::new().run();
    let responses: Vec<_> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| server.post_with_key("one", TASK)))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .collect()
    });
    let created = responses
        .iter()
        .filter(|response| response.status == 201)
        .count();
    let replayed = responses
        .iter()
        .filter(|response| response.status == 200)
        .count();
    assert_eq!((created, replayed), (1, 23));
    assert!(
        responses
            .iter()
            .all(|response| response.body == responses[0].body)
    );
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn concurrent_posts_of_different_bodies_with_one_key_store_one_task() {
    let server = Start::new().any_task().run();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..16)
            .map(|number| {
                let server = &server;
                scope.spawn(move || server.post_with_key("one", number.to_string()).status)
            })
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 15);
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn two_servers_on_one_folder_store_one_task_per_key() {
    let first = Start::new().run();
    let folder = first.folder().join("data");
    let second = Start::new().argument("--data-dir", folder).run();
    let stored = first.post_with_key("k", TASK);
    let replayed = second.post_with_key("k", TASK);
    assert_eq!((stored.status, replayed.status), (201, 200));
    assert_eq!(stored.body, replayed.body);
}

#[test]
fn a_full_store_refuses_new_tasks_and_still_has_the_stored_ones() {
    let server = Start::new()
        .any_task()
        .argument("--max-store-size", "1")
        .run();
    let large = format!("\"{}\"", "x".repeat(600 << 10));
    assert_eq!(server.post_with_key("fits", large.as_str()).status, 201);
    let refused = server.post_with_key("does-not", large.as_str());
    refused.problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.stored().len(), 1);
    assert_eq!(server.post_with_key("fits", large).status, 200);
    assert_eq!(server.post("1").status, 201);
}

#[test]
fn a_locked_store_refuses_new_tasks_and_replays_stored_ones() {
    let server = Start::new().run();
    let first = server.post_with_key("k", TASK);
    assert_eq!(first.status, 201);
    // Another program holds the write lock of the file.
    let file = open_file(&server);
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (refused, replayed) = std::thread::scope(|scope| {
        let refused = scope.spawn(|| server.post_with_key("new", TASK));
        let replayed = scope.spawn(|| server.post_with_key("k", TASK));
        (refused.join().unwrap(), replayed.join().unwrap())
    });
    refused.problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!((replayed.status, &replayed.body), (200, &first.body));
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(server.post_with_key("new", TASK).status, 201);
    assert_eq!(server.stored().len(), 2);
}

#[test]
fn retry_after_is_sent_for_a_task_that_the_store_never_began_to_store() {
    let server = Start::new().argument("--store-timeout", "1").run();
    let file = open_file(&server);
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = server.post(TASK);
    refused.problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());
    file.execute_batch("ROLLBACK").unwrap();
    // The next task is stored after everything that was waiting before it.
    let started = Instant::now();
    while server.post_with_key("next", TASK).status == 503 {
        assert!(started.elapsed() < Duration::from_secs(30));
    }
    let stored = server.stored();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(stored[0]["idempotency_key"], "next");
}

#[test]
fn no_retry_after_is_sent_for_a_task_that_may_be_stored() {
    let server = Start::new().argument("--store-timeout", "1").run();
    stall_transactions(&open_file(&server), "slow", Duration::from_secs(6));
    let unconfirmed = server.post_with_key("slow", TASK);
    unconfirmed.problem(503, "not_confirmed");
    assert_eq!(unconfirmed.header("retry-after"), None);
    // Behind the slow transaction, another task gets no turn in time.
    let refused = server.post_with_key("behind", TASK);
    refused.problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());

    let started = Instant::now();
    while server.stored().is_empty() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let stored = server.stored();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert_eq!(stored[0]["idempotency_key"], "slow");
    assert_eq!(server.post_with_key("slow", TASK).status, 200);
}
