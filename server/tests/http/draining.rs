//! Stopping without losing a task.
#![cfg(unix)]

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, read_answer};
use crate::server::{Start, TASK, TestServer};

/// A post whose body has not come yet, known to have reached its handler.
fn post_under_way(server: &TestServer) -> TcpStream {
    let mut stream = connect(server.address).unwrap();
    let head = format!(
        "POST /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        TASK.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // The server asks for the body only once the handler waits for it.
    assert_eq!(read_answer(&mut stream, true).unwrap().status, 100);
    stream
}

/// Waits until the server has taken note of the signal.
fn draining(server: &TestServer, request: &Request) -> crate::client::Answer {
    let started = Instant::now();
    loop {
        let answer = server.send(request);
        if answer.status == 503 || started.elapsed() > Duration::from_secs(5) {
            return answer;
        }
    }
}

#[test]
fn a_request_under_way_is_finished_while_new_ones_are_refused() {
    let mut server = Start::new().run();
    let mut under_way = post_under_way(&server);
    server.ask_to_stop();

    let origin = format!("http://localhost:{}", server.address.port());
    let refused = draining(&server, &get("/healthz").header("Origin", &origin));
    refused.problem(503, "draining");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(origin.as_str())
    );
    let readable = refused.header("access-control-expose-headers").unwrap();
    assert!(readable.contains("retry-after"), "{readable}");
    let preflight = Request::new("OPTIONS", "/tasks")
        .header("Origin", &origin)
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(server.send(&preflight).status, 204);

    under_way.write_all(TASK.as_bytes()).unwrap();
    let answer = read_answer(&mut under_way, false).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(server.wait().code(), Some(0));

    let server = server.into_start().run();
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn a_request_that_does_not_finish_is_given_up() {
    let mut server = Start::new().argument("--drain-timeout", "0.5").run();
    let under_way = post_under_way(&server);
    let started = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.wait().code(), Some(0));
    let took = started.elapsed();
    assert!(
        (Duration::from_millis(400)..Duration::from_secs(4)).contains(&took),
        "{took:?}"
    );
    drop(under_way);
}

#[test]
fn idle_connections_do_not_hold_the_server_up() {
    let mut server = Start::new().run();
    let _never_used = connect(server.address).unwrap();
    let mut used = connect(server.address).unwrap();
    used.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    assert_eq!(read_answer(&mut used, false).unwrap().status, 200);
    let started = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(4));
}
