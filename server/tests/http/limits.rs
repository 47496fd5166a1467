//! Size, time and rate limits.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, post, read_response};
use crate::server::{Start, TASK};

const MEBIBYTE: usize = 1 << 20;

/// A connection from another address of this machine.
#[cfg(target_os = "linux")]
fn connect_from(from: [u8; 4], to: std::net::SocketAddr) -> std::net::TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

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
fn a_client_that_reads_a_response_very_slowly_is_disconnected() {
    let server = Start::new()
        .any_task()
        .argument("--body-timeout", "30")
        .argument("--response-timeout", "1")
        .argument("--max-connections", "1")
        .run();
    for _ in 0..4 {
        server.post(format!("\"{}\"", "x".repeat(MEBIBYTE - 2)));
    }
    // More than fits into the system's buffers.
    let mut slow = connect(server.address).unwrap();
    let request = "GET /tasks HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: changeme\r\n\r\n";
    slow.write_all(request.repeat(20).as_bytes()).unwrap();
    let started = Instant::now();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 16 << 10];
        // Fast enough for the timeout between two reads.
        while slow.read(&mut buffer).is_ok_and(|count| count > 0) {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(server.send(&get("/healthz")).status, 200);
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(server);
    reader.join().unwrap();
}

#[test]
fn a_large_task_whose_check_takes_too_long_is_refused_and_a_stored_one_replayed() {
    let large = format!("[{}0]", "0,".repeat(MEBIBYTE / 2 - 10));
    let server = Start::new().any_task().run();
    assert_eq!(server.post_with_key("k", large.as_str()).status, 201);
    let data = server.folder().join("data");
    let hasty = Start::new()
        .any_task()
        .argument("--check-timeout", "0.001")
        .argument("--data-dir", data)
        .run();
    let refused = hasty.post_with_key("new", large.as_str());
    refused.problem(422, "check_timeout");
    assert_eq!(refused.header("retry-after"), None);
    // A replay needs no check.
    assert_eq!(hasty.post_with_key("k", large.as_str()).status, 200);
    // Small tasks are checked immediately.
    assert_eq!(hasty.post("1").status, 201);
    assert_eq!(hasty.stored().len(), 2);
}

// Other systems have only one loopback address.
#[cfg(target_os = "linux")]
#[test]
fn a_client_with_too_many_connections_is_told_so_and_others_are_served() {
    let server = Start::new()
        .argument("--max-connections-per-address", "2")
        .argument("--host", "0.0.0.0")
        .tokens("own")
        .run();
    let here = |last| std::net::SocketAddr::from(([127, 0, 0, last], server.address.port()));
    let open: Vec<_> = (0..2).map(|_| connect(here(1)).unwrap()).collect();
    let refused = get("/healthz").send(here(1));
    refused.problem(503, "too_many_connections");
    assert!(refused.header("retry-after").is_some());
    let posted = post("/tasks").token("own").json(TASK).send(here(1));
    posted.problem(503, "too_many_connections");

    let mut other = connect_from([127, 0, 0, 2], here(1));
    let served = get("/healthz").send_on(&mut other, "localhost").unwrap();
    assert_eq!(served.status, 200);
    drop(open);
    let started = Instant::now();
    while get("/healthz").send(here(1)).status != 200 {
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn wrong_tokens_are_answered_more_and_more_slowly_and_right_ones_immediately() {
    let server = Start::new().tokens("own").run();
    let time = |token: &str, status: u16| {
        let started = Instant::now();
        let response = server.send(&get("/tasks").token(token));
        assert_eq!(response.status, status, "{response:?}");
        started.elapsed()
    };
    let times: Vec<Duration> = (0..23).map(|_| time("guess", 401)).collect();
    let (early, late) = times.split_at(20);
    let early: Duration = early.iter().sum();
    assert!(early < Duration::from_secs(4), "{times:?}");
    for (time, delay) in late.iter().zip([250, 500, 1_000]) {
        assert!(*time >= Duration::from_millis(delay), "{times:?}");
    }
    assert!(time("own", 200) < Duration::from_millis(900));
    // A missing token is no guess.
    let started = Instant::now();
    server.send(&get("/tasks")).problem(401, "bad_token");
    assert!(started.elapsed() < Duration::from_millis(900));
}

#[test]
fn behind_a_trusted_proxy_only_the_client_that_sends_wrong_tokens_is_slowed_down() {
    let server = Start::new()
        .tokens("own")
        .argument("--trusted-proxy", "127.0.0.1")
        .run();
    let time = |client: &str| {
        let started = Instant::now();
        let request = get("/tasks").token("guess");
        server
            .send(&request.header("X-Forwarded-For", client))
            .problem(401, "bad_token");
        started.elapsed()
    };
    let times: Vec<Duration> = (0..23).map(|_| time("203.0.113.7")).collect();
    assert!(times[22] >= Duration::from_millis(1_000), "{times:?}");
    let other = time("203.0.113.8");
    assert!(other < Duration::from_millis(900), "{other:?}");
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
