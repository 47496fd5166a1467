//! Graceful shutdown without losing a task.
#![cfg(unix)]

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, read_response};
use crate::durability::{open_file, stall_reads};
use crate::server::{Start, TASK, TestServer};

/// A post that has reached its handler, but whose body is not sent yet.
fn post_in_progress(server: &TestServer) -> TcpStream {
    let mut stream = connect(server.address).unwrap();
    let head = format!(
        "POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        TASK.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server sends 100 only once the handler waits for the body.
    assert_eq!(read_response(&mut stream, true).unwrap().status, 100);
    stream
}

/// Repeats the request until the server refuses it because it is draining.
fn send_until_draining(server: &TestServer, request: &Request) -> crate::client::Response {
    let started = Instant::now();
    loop {
        let response = server.send(request);
        if response.status == 503 || started.elapsed() > Duration::from_secs(5) {
            return response;
        }
    }
}

#[test]
fn a_request_in_progress_is_finished_while_new_ones_are_refused() {
    let mut server = Start::new().run();
    let mut in_progress = post_in_progress(&server);
    server.ask_to_stop();

    let origin = format!("http://localhost:{}", server.address.port());
    let refused = send_until_draining(&server, &get("/healthz").header("Origin", &origin));
    refused.problem(503, "draining");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(origin.as_str())
    );
    let exposed = refused.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("retry-after"), "{exposed}");
    let preflight = Request::new("OPTIONS", "/tasks")
        .header("Origin", &origin)
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(server.send(&preflight).status, 204);

    in_progress.write_all(TASK.as_bytes()).unwrap();
    let response = read_response(&mut in_progress, false).unwrap();
    assert_eq!(response.status, 201, "{response:?}");
    assert_eq!(server.wait().code(), Some(0));

    let server = server.into_start().run();
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn a_request_that_does_not_finish_is_aborted_after_the_drain_timeout() {
    let mut server = Start::new().argument("--drain-timeout", "0.5").run();
    let in_progress = post_in_progress(&server);
    let started = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.wait().code(), Some(0));
    let elapsed = started.elapsed();
    assert!(
        (Duration::from_millis(400)..Duration::from_secs(4)).contains(&elapsed),
        "{elapsed:?}"
    );
    drop(in_progress);
}

#[test]
fn idle_connections_do_not_delay_the_shutdown() {
    let mut server = Start::new().run();
    let _never_used = connect(server.address).unwrap();
    let mut used = connect(server.address).unwrap();
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(&mut used, false).unwrap().status, 200);
    let started = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[test]
fn work_that_cannot_be_interrupted_does_not_delay_the_shutdown() {
    let mut server = Start::new()
        .argument("--drain-timeout", "0.5")
        .argument("--store-timeout", "60")
        .run();
    assert_eq!(server.post(TASK).status, 201);
    stall_reads(&open_file(&server), Duration::from_secs(30));
    let mut reading = connect(server.address).unwrap();
    reading
        .write_all(b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\r\n")
        .unwrap();
    // Long enough for the read to have begun.
    std::thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(6));
}

#[test]
fn a_delayed_response_to_a_wrong_token_does_not_delay_the_shutdown() {
    let mut server = Start::new().argument("--drain-timeout", "60").run();
    // The next response would be delayed by 4 seconds.
    for _ in 0..24 {
        server.send(&get("/tasks").token("guess"));
    }
    let mut delayed = connect(server.address).unwrap();
    delayed
        .write_all(b"GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: guess\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let started = Instant::now();
    server.ask_to_stop();
    read_response(&mut delayed, false)
        .unwrap()
        .problem(401, "bad_token");
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(2));
}
