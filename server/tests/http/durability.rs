//! What was confirmed is kept, and kept once.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::post;
use crate::server::{Start, TASK};

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
fn a_kill_in_the_midst_of_many_posts_loses_nothing_confirmed_and_doubles_nothing_resent() {
    let server = Start::new().any_task().run();
    let address = server.address;
    let confirmed = Mutex::new(HashMap::new());
    let unanswered = Mutex::new(Vec::new());
    let running = AtomicBool::new(true);
    let start = std::thread::scope(|scope| {
        for sender in 0..4 {
            let (confirmed, unanswered, running) = (&confirmed, &unanswered, &running);
            scope.spawn(move || {
                for number in 0.. {
                    if !running.load(Ordering::SeqCst) {
                        return;
                    }
                    let key = format!("{sender}-{number}");
                    let body = format!("{{ \"n\" : {number}, \"by\":{sender}}}");
                    let request = post("/tasks")
                        .token("changeme")
                        .header("Idempotency-Key", &key)
                        .json(body.as_str());
                    match request.try_send(address) {
                        Ok(answer) => {
                            assert_eq!(answer.status, 201);
                            confirmed.lock().unwrap().insert(key, (body, answer.body));
                        }
                        Err(_) => {
                            unanswered.lock().unwrap().push((key, body));
                            return;
                        }
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(400));
        let start = server.kill();
        running.store(false, Ordering::SeqCst);
        start
    });
    let confirmed = confirmed.into_inner().unwrap();
    assert!(confirmed.len() > 10, "only {}", confirmed.len());

    let server = start.run();
    for (key, (body, receipt)) in &confirmed {
        let again = server.post_with_key(key, body.as_str());
        assert_eq!((again.status, &again.body), (200, receipt), "{key}");
    }
    let unanswered = unanswered.into_inner().unwrap();
    for (key, body) in &unanswered {
        let answer = server.post_with_key(key, body.as_str());
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }
    assert_eq!(server.stored().len(), confirmed.len() + unanswered.len());
}

#[test]
fn many_posts_with_one_key_at_once_make_one_task() {
    let server = Start::new().run();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| server.post_with_key("one", TASK)))
            .collect();
        senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .collect()
    });
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let replayed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, replayed), (1, 23));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn many_bodies_with_one_key_at_once_make_one_task() {
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
fn two_servers_on_one_folder_keep_one_key_one_task() {
    let first = Start::new().run();
    let folder = first.folder().join("data");
    let second = Start::new().argument("--data-dir", folder).run();
    let here = first.post_with_key("k", TASK);
    let there = second.post_with_key("k", TASK);
    assert_eq!((here.status, there.status), (201, 200));
    assert_eq!(here.body, there.body);
}

#[test]
fn a_store_that_is_full_says_so_and_keeps_what_it_has() {
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
fn a_store_that_breaks_while_running_confirms_nothing() {
    let server = Start::new().run();
    assert_eq!(server.post(TASK).status, 201);
    // Another program takes the file's write lock and does not give it back.
    let file =
        rusqlite::Connection::open(server.folder().join("data").join("tasks.sqlite3")).unwrap();
    file.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let refused = server.post(TASK);
    refused.problem(503, "store_unavailable");
    assert!(refused.header("retry-after").is_some());
    file.execute_batch("ROLLBACK").unwrap();
    assert_eq!(server.post(TASK).status, 201);
    assert_eq!(server.stored().len(), 2);
}
