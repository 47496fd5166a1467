//! The fault proxy in front of servers, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{End, ORIGIN, Response, TIMEOUT, TOKEN, send, start, start_proxy};
use taskwright_testbed::proxy::Fault;

/// Starts a plain task server and a proxy in front of it with this plan.
fn servers(plan: &Value) -> (u16, u16) {
    let upstream = start(|_| {});
    (upstream, start_proxy(upstream, plan))
}

/// Posts a task with an idempotency key.
fn post(proxy: u16, key: &str) -> Response {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-AGENT-TOKEN", TOKEN),
        ("Origin", ORIGIN),
        ("Idempotency-Key", key),
    ];
    let body = json!({"title": key}).to_string();
    send(proxy, "POST", "/tasks", &headers, body.as_bytes(), TIMEOUT)
}

/// The titles of the tasks that the task server stored.
fn stored(upstream: u16) -> Vec<String> {
    let response = send(upstream, "GET", "/_received", &[], b"", TIMEOUT);
    let received = response.json()["received"].as_array().unwrap().clone();
    let body =
        |it: &Value| -> Value { serde_json::from_str(it["body"].as_str().unwrap()).unwrap() };
    received
        .iter()
        .filter(|it| it["stored"] == true)
        .map(|it| body(it)["title"].as_str().unwrap().to_owned())
        .collect()
}

fn report(proxy: u16) -> Value {
    let response = send(proxy, "GET", "/_faults", &[], b"", TIMEOUT);
    assert_eq!(response.status, 200);
    response.json()
}

/// The only `POST` in the report.
fn only_post(proxy: u16) -> Value {
    let posts = report(proxy)["posts"].as_array().unwrap().clone();
    assert_eq!(posts.len(), 1);
    posts[0].clone()
}

/// A server that accepts one connection, responds with these bytes, and returns what it received.
fn raw_upstream(response: &'static [u8]) -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(response).unwrap();
        sender.send(bytes).unwrap();
    });
    (port, receiver)
}

/// Sends bytes and reads until the connection ends.
fn exchange(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

#[test]
fn without_a_fault_messages_are_forwarded_byte_for_byte_in_both_directions() {
    let (upstream, received) = raw_upstream(
        b"HTTP/1.1 201 Fine by me\r\nX-oDD:  \xc3\xbc \r\nSet-Cookie: a\r\nset-cookie: b\r\n\
          transfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\n\x00\xff\n\r\n0\r\n\r\n",
    );
    let proxy = start_proxy(upstream, &json!({}));
    let response = exchange(
        proxy,
        b"POST /tasks?q=%2F&q=+ HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-AGENT-Token:\tsecret\r\n\
          origin: http://127.0.0.1:8080\r\nAccept: a\r\naccept: b\r\nConnection: keep-alive\r\n\
          Content-Length: 6\r\n\r\n{\r\n\x00\xff}",
    );
    let sent = format!(
        "POST /tasks?q=%2F&q=+ HTTP/1.1\r\nX-AGENT-Token:\tsecret\r\n\
         origin: http://127.0.0.1:8080\r\nAccept: a\r\naccept: b\r\nContent-Length: 6\r\n\
         Host: 127.0.0.1:{upstream}\r\nConnection: close\r\n\r\n"
    );
    let mut sent = sent.into_bytes();
    sent.extend_from_slice(b"{\r\n\x00\xff}");
    assert_eq!(received.recv().unwrap(), sent);
    assert_eq!(
        response,
        b"HTTP/1.1 201 Fine by me\r\nX-oDD:  \xc3\xbc \r\nSet-Cookie: a\r\nset-cookie: b\r\n\
          transfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\n\x00\xff\n\r\n0\r\n\r\n"
    );
}

#[test]
fn reads_and_preflights_are_forwarded_and_not_counted() {
    let (_, proxy) = servers(&json!({"faults": {"drop_before": 1.0}}));
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-agent-token"),
    ];
    let preflight = send(proxy, "OPTIONS", "/tasks", &headers, b"", TIMEOUT);
    assert_eq!(preflight.status, 200);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        Some(ORIGIN)
    );
    let read = send(proxy, "GET", "/openapi.json", &[], b"", TIMEOUT);
    assert_eq!(
        (read.status, &read.json()["openapi"]),
        (200, &json!("3.1.0"))
    );
    let head = exchange(proxy, b"HEAD /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert_eq!(report(proxy)["posts"], json!([]));
}

#[test]
fn each_fault_behaves_as_documented() {
    for fault in Fault::all() {
        let plan = json!({"at": {"1": fault}, "delay_ms": 300, "retry_after_s": 7});
        let (upstream, proxy) = servers(&plan);
        let whole = post(start(|_| {}), "k").body();
        let began = Instant::now();
        let response = post(proxy, "k");
        let took = began.elapsed();
        let received = (response.status, response.end);
        let retry_after = response.header("retry-after");
        let readable = response.header("access-control-allow-origin");
        match fault {
            Fault::DropBefore | Fault::DropAfter => assert_eq!(received, (0, End::Closed)),
            Fault::Reset => assert_eq!(received, (0, End::Reset)),
            Fault::Delay => {
                assert_eq!((received, response.body()), ((200, End::Whole), whole));
                assert!(took >= Duration::from_millis(300), "{took:?}");
            }
            Fault::Truncate => {
                assert_eq!(received, (200, End::Closed));
                assert_eq!(response.body(), whole[..whole.len() / 2]);
            }
            Fault::Status429 | Fault::Status503 => {
                let status = if fault == Fault::Status429 { 429 } else { 503 };
                assert_eq!(received, (status, End::Whole));
                assert_eq!((retry_after, readable), (Some("7"), Some(ORIGIN)));
                assert_eq!(
                    response.header("access-control-expose-headers"),
                    Some("retry-after")
                );
            }
            Fault::Status503Bare => {
                assert_eq!(received, (503, End::Whole));
                assert_eq!((retry_after, readable), (None, Some(ORIGIN)));
            }
            Fault::Status500Bare => {
                assert_eq!(received, (500, End::Whole));
                assert_eq!((retry_after, readable), (None, None));
            }
        }
        assert_eq!(
            stored(upstream).len(),
            usize::from(fault.is_forwarded()),
            "{fault}"
        );
        let recorded = only_post(proxy);
        assert_eq!(recorded["fault"], fault.name());
        assert_eq!(recorded["reached_upstream"], fault.is_forwarded());
        let upstream_status = if fault.is_forwarded() {
            json!(200)
        } else {
            Value::Null
        };
        assert_eq!(recorded["upstream_status"], upstream_status, "{fault}");
        let answered = if received.0 == 0 {
            Value::Null
        } else {
            json!(received.0)
        };
        assert_eq!(recorded["answered"], answered, "{fault}");
    }
}

#[test]
fn every_connection_serves_one_request_so_that_no_browser_repeats_it() {
    let (_, proxy) = servers(&json!({"at": {"2": "drop_before"}}));
    for (method, path) in [
        ("OPTIONS", "/tasks"),
        ("GET", "/openapi.json"),
        ("GET", "/_faults"),
        ("POST", "/tasks"),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        // This would never return if the connection stayed open.
        let response = String::from_utf8(exchange(proxy, request.as_bytes())).unwrap();
        assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
    }
}

#[test]
fn the_same_seed_gives_the_same_posts_the_same_faults() {
    let plan = json!({"seed": 7, "faults": {"drop_before": 0.3, "status_503": 0.3}});
    let faults = |plan: &Value| -> Vec<Value> {
        let (_, proxy) = servers(plan);
        for number in 0..30 {
            post(proxy, &number.to_string());
        }
        let posts = report(proxy)["posts"].as_array().unwrap().clone();
        posts.iter().map(|post| post["fault"].clone()).collect()
    };
    let first = faults(&plan);
    assert_eq!(first, faults(&plan));
    for expected in [json!("drop_before"), json!("status_503"), Value::Null] {
        assert!(first.contains(&expected), "{expected} in {first:?}");
    }
    let other = json!({"seed": 8, "faults": {"drop_before": 0.3, "status_503": 0.3}});
    assert_ne!(first, faults(&other));
}

#[test]
fn the_report_lists_every_post_and_a_new_plan_empties_it() {
    let (upstream, proxy) = servers(&json!({"at": {"2": "drop_after"}}));
    let statuses: Vec<u16> = ["a", "b", "c"].map(|key| post(proxy, key).status).to_vec();
    assert_eq!(statuses, [200, 0, 200]);
    assert_eq!(stored(upstream), ["a", "b", "c"]);
    let recorded = report(proxy);
    assert_eq!(recorded["left_out"], 0);
    for (index, (key, fault)) in [("a", None), ("b", Some("drop_after")), ("c", None)]
        .iter()
        .enumerate()
    {
        let post = &recorded["posts"][index];
        assert_eq!(post["number"], index + 1);
        assert_eq!(post["idempotency_key"], *key);
        assert_eq!(
            (&post["method"], &post["path"]),
            (&json!("POST"), &json!("/tasks"))
        );
        assert_eq!(post["fault"], json!(fault));
        assert_eq!(
            (&post["reached_upstream"], &post["finished"]),
            (&json!(true), &json!(true))
        );
    }

    let plan = json!({"seed": 3, "at": {"1": "reset"}}).to_string();
    let changed = send(proxy, "POST", "/_faults", &[], plan.as_bytes(), TIMEOUT);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["posts"], json!([]));
    assert_eq!(post(proxy, "d").end, End::Reset);
    assert_eq!(only_post(proxy)["number"], 1);
    assert_eq!(report(proxy)["plan"]["seed"], 3);
}

#[test]
fn an_invalid_plan_is_refused_and_the_old_one_stays() {
    let (_, proxy) = servers(&json!({"at": {"1": "status_503"}}));
    let bad = br#"{"at": {"1": "explode"}}"#;
    let refused = send(proxy, "POST", "/_faults", &[], bad, TIMEOUT);
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "malformed_plan");
    assert!(error["message"].as_str().unwrap().contains("explode"));
    assert_eq!(post(proxy, "a").status, 503);
    let deleted = send(proxy, "DELETE", "/_faults", &[], b"", TIMEOUT);
    assert_eq!(deleted.status, 405);
}

#[test]
fn an_unreachable_upstream_closes_the_connection_to_the_client() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let proxy = start_proxy(port, &json!({}));
    let response = post(proxy, "a");
    assert_eq!((response.status, response.end), (0, End::Closed));
    let recorded = only_post(proxy);
    assert_eq!(
        (&recorded["reached_upstream"], &recorded["finished"]),
        (&json!(false), &json!(true))
    );
    let read = send(proxy, "GET", "/tasks", &[], b"", TIMEOUT);
    assert_eq!((read.status, read.end), (0, End::Closed));
}

#[test]
fn an_upstream_that_closes_before_its_response_counts_as_reached() {
    let (upstream, _received) = raw_upstream(b"");
    let proxy = start_proxy(upstream, &json!({}));
    let response = post(proxy, "a");
    assert_eq!((response.status, response.end), (0, End::Closed));
    let recorded = only_post(proxy);
    assert_eq!(
        (&recorded["reached_upstream"], &recorded["upstream_status"]),
        (&json!(true), &Value::Null)
    );
}

#[test]
fn a_request_is_forwarded_even_if_the_client_disconnects() {
    let (upstream, proxy) = servers(&json!({"faults": {"delay": 1.0}, "delay_ms": 200}));
    let body = json!({"title": "left"}).to_string();
    let request = format!(
        "POST /tasks HTTP/1.1\r\nX-Agent-Token: {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    drop(stream);
    let began = Instant::now();
    while stored(upstream).is_empty() {
        assert!(began.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(stored(upstream), ["left"]);
}

#[test]
fn malformed_requests_are_refused_and_the_proxy_keeps_running() {
    let (_, proxy) = servers(&json!({}));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    for (bytes, status) in [
        (&b"\r\n\r\n"[..], "400"),
        (b"GET / HTTP/3\r\n\r\n", "400"),
        (b"\x16\x03\x01\r\n\r\n", "400"),
        (
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "411",
        ),
        (b"POST / HTTP/1.1\r\nContent-Length: 8388609\r\n\r\n", "413"),
    ] {
        let response = String::from_utf8(exchange(proxy, bytes)).unwrap();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&expected), "{response}");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(post(proxy, "a").status, 200);
    assert_eq!(only_post(proxy)["number"], 1);
}
