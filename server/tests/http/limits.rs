//! What is refused for being too much, too slow or too often.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, post, read_answer};
use crate::server::{Start, TASK};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not() {
    let server = Start::new().any_task().run();
    let string = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    assert_eq!(server.post(string(MEBIBYTE)).status, 201);
    server.post(string(MEBIBYTE + 1)).problem(413, "too_large");
    // The answer arrives even though the server never reads the rest.
    server.post(string(6 * MEBIBYTE)).problem(413, "too_large");
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn a_body_that_hides_its_length_is_measured() {
    let server = Start::new().any_task().run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    for _ in 0..17 {
        stream.write_all(chunk.as_bytes()).unwrap();
    }
    read_answer(&mut stream, false)
        .unwrap()
        .problem(413, "too_large");
}

#[test]
fn a_chunked_body_within_the_limit_is_a_task() {
    let server = Start::new().any_task().run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
              3\r\n[1,\r\n3\r\n 2]\r\n0\r\n\r\n",
        )
        .unwrap();
    assert_eq!(read_answer(&mut stream, false).unwrap().status, 201);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Start::new().argument("--body-timeout", "0.3").run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"key\":",
        )
        .unwrap();
    let started = Instant::now();
    read_answer(&mut stream, false)
        .unwrap()
        .problem(408, "timeout");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_body_that_ends_early_stores_nothing() {
    let server = Start::new().any_task().run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nContent-Length: 100\r\n\r\n[1]",
        )
        .unwrap();
    drop(stream);
    assert!(server.stored().is_empty());
}

#[test]
fn headers_that_do_not_come_are_not_waited_for() {
    let server = Start::new().argument("--header-timeout", "0.3").run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(b"POST /tasks HTTP/1.1\r\nHost: loc")
        .unwrap();
    read_answer(&mut stream, false)
        .unwrap()
        .problem(408, "timeout");

    // An idle connection is closed without a word: there is no request to answer.
    let mut idle = connect(server.address).unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_client_that_does_not_read_its_answers_is_dropped() {
    let server = Start::new()
        .any_task()
        .argument("--body-timeout", "0.5")
        .argument("--max-connections", "1")
        .run();
    for _ in 0..4 {
        server.post(format!("\"{}\"", "x".repeat(MEBIBYTE - 2)));
    }
    // More than the system's own buffers hold.
    let mut deaf = connect(server.address).unwrap();
    let request = "GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\r\n";
    deaf.write_all(request.repeat(20).as_bytes()).unwrap();
    let started = Instant::now();
    assert_eq!(server.send(&get("/healthz")).status, 200);
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(deaf);
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let server = Start::new().argument("--max-connections", "2").run();
    let first = connect(server.address).unwrap();
    let second = connect(server.address).unwrap();
    let mut third = connect(server.address).unwrap();
    third
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    third
        .set_read_timeout(Some(Duration::from_millis(400)))
        .unwrap();
    assert!(read_answer(&mut third, false).is_err(), "it had to wait");
    drop((first, second));
    third
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    assert_eq!(read_answer(&mut third, false).unwrap().status, 200);
}

#[cfg(unix)]
#[test]
fn a_system_that_runs_out_of_connections_is_waited_for() {
    let server = Start::new().open_files(48).run();
    let many: Vec<_> = (0..80).map(|_| connect(server.address).unwrap()).collect();
    // Long enough for the server to have been refused one.
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.log().contains("could not be accepted"));
    drop(many);
    assert_eq!(server.post(TASK).status, 201);
}

#[test]
fn a_token_that_is_used_too_often_is_told_when_to_come_back() {
    let server = Start::new()
        .tokens("busy,calm")
        .argument("--rate-limit", "2")
        .run();
    let ask = |token: &str| server.send(&get("/tasks").token(token));
    assert_eq!(ask("busy").status, 200);
    assert_eq!(ask("busy").status, 200);
    let refused = ask("busy");
    refused.problem(429, "rate_limited");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    assert_eq!(ask("calm").status, 200);
}

#[test]
fn there_is_no_rate_limit_unless_one_is_set() {
    let server = Start::new().run();
    for _ in 0..100 {
        assert_eq!(server.get("/tasks").status, 200);
    }
}

#[test]
fn one_connection_carries_many_requests() {
    let server = Start::new().run();
    let mut stream = connect(server.address).unwrap();
    let keep = |request: Request| request.header("Connection", "keep-alive");
    for _ in 0..3 {
        let request = keep(post("/tasks").token("changeme").json(TASK));
        let answer = request.send_on(&mut stream, "localhost").unwrap();
        assert_eq!(answer.status, 201);
        // An error does not end the connection either.
        let request = keep(post("/tasks").token("changeme").json("{"));
        let answer = request.send_on(&mut stream, "localhost").unwrap();
        assert_eq!(answer.status, 400);
    }
}
