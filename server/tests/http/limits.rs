//! Size, time and rate limits.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, post, read_response};
use crate::server::{Start, TASK};

const MEBIBYTE: usize = 1 << 20;

#[test]
fn a_body_of_one_mebibyte_is_accepted_and_one_byte_more_is_refused() {
    let server = Start::new().any_task().run();
    let string = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    assert_eq!(server.post(string(MEBIBYTE)).status, 201);
    server.post(string(MEBIBYTE + 1)).problem(413, "too_large");
    // The response arrives although the server never reads the rest.
    server.post(string(6 * MEBIBYTE)).problem(413, "too_large");
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn the_size_limit_applies_to_chunked_bodies() {
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
    read_response(&mut stream, false)
        .unwrap()
        .problem(413, "too_large");
}

#[test]
fn a_chunked_body_within_the_limit_is_accepted() {
    let server = Start::new().any_task().run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
              3\r\n[1,\r\n3\r\n 2]\r\n0\r\n\r\n",
        )
        .unwrap();
    assert_eq!(read_response(&mut stream, false).unwrap().status, 201);
}

#[test]
fn a_body_that_does_not_arrive_times_out() {
    let server = Start::new().argument("--body-timeout", "0.3").run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
              Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"key\":",
        )
        .unwrap();
    let started = Instant::now();
    read_response(&mut stream, false)
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
fn headers_that_do_not_arrive_time_out() {
    let server = Start::new().argument("--header-timeout", "0.3").run();
    let mut stream = connect(server.address).unwrap();
    stream
        .write_all(b"POST /tasks HTTP/1.1\r\nHost: loc")
        .unwrap();
    read_response(&mut stream, false)
        .unwrap()
        .problem(408, "timeout");

    // An idle connection is closed without a response, because there is no request.
    let mut idle = connect(server.address).unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_client_that_does_not_read_its_responses_is_disconnected() {
    let server = Start::new()
        .any_task()
        .argument("--body-timeout", "0.5")
        .argument("--max-connections", "1")
        .run();
    for _ in 0..4 {
        server.post(format!("\"{}\"", "x".repeat(MEBIBYTE - 2)));
    }
    // More than fits into the system's buffers.
    let mut stalled = connect(server.address).unwrap();
    let request = "GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\r\n";
    stalled.write_all(request.repeat(20).as_bytes()).unwrap();
    let started = Instant::now();
    assert_eq!(server.send(&get("/healthz")).status, 200);
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(stalled);
}

#[test]
fn connections_over_the_maximum_wait() {
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
    assert!(
        read_response(&mut third, false).is_err(),
        "the third connection has to wait"
    );
    drop((first, second));
    third
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    assert_eq!(read_response(&mut third, false).unwrap().status, 200);
}

#[cfg(unix)]
#[test]
fn the_server_recovers_when_file_descriptors_run_out() {
    let server = Start::new().open_files(48).run();
    let many: Vec<_> = (0..80).map(|_| connect(server.address).unwrap()).collect();
    // Long enough for the server to fail to accept one.
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.log().contains("could not be accepted"));
    drop(many);
    assert_eq!(server.post(TASK).status, 201);
}

#[test]
fn a_token_over_its_rate_limit_gets_retry_after() {
    let server = Start::new()
        .tokens("busy,calm")
        .argument("--rate-limit", "2")
        .run();
    let list = |token: &str| server.send(&get("/tasks").token(token));
    assert_eq!(list("busy").status, 200);
    assert_eq!(list("busy").status, 200);
    let refused = list("busy");
    refused.problem(429, "rate_limited");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    assert_eq!(list("calm").status, 200);
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
    let keep_alive = |request: Request| request.header("Connection", "keep-alive");
    for _ in 0..3 {
        let request = keep_alive(post("/tasks").token("changeme").json(TASK));
        let response = request.send_on(&mut stream, "localhost").unwrap();
        assert_eq!(response.status, 201);
        // An error does not close the connection either.
        let request = keep_alive(post("/tasks").token("changeme").json("{"));
        let response = request.send_on(&mut stream, "localhost").unwrap();
        assert_eq!(response.status, 400);
    }
}
