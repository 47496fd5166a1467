//! The fault proxy in front of real servers, over real HTTP.
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
use support::{End, Got, ORIGIN, PATIENCE, TOKEN, send, start, start_proxy};
use taskwright_testbed::proxy::Fault;

/// A plain task server, and a proxy in front of it that follows this plan.
fn servers(plan: &Value) -> (u16, u16) {
    let upstream = start(|_| {});
    (upstream, start_proxy(upstream, plan))
}

/// Posts a task under a key.
fn post(proxy: u16, key: &str) -> Got {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-AGENT-TOKEN", TOKEN),
        ("Origin", ORIGIN),
        ("Idempotency-Key", key),
    ];
    let body = json!({"title": key}).to_string();
    send(proxy, "POST", "/tasks", &headers, body.as_bytes(), PATIENCE)
}

/// The titles of the tasks that the task server has stored.
fn stored(upstream: u16) -> Vec<String> {
    let got = send(upstream, "GET", "/_received", &[], b"", PATIENCE);
    let received = got.json()["received"].as_array().unwrap().clone();
    let body =
        |it: &Value| -> Value { serde_json::from_str(it["body"].as_str().unwrap()).unwrap() };
    received
        .iter()
        .filter(|it| it["stored"] == true)
        .map(|it| body(it)["title"].as_str().unwrap().to_owned())
        .collect()
}

fn report(proxy: u16) -> Value {
    let got = send(proxy, "GET", "/_faults", &[], b"", PATIENCE);
    assert_eq!(got.status, 200);
    got.json()
}

/// What the report says of the only `POST` there was.
fn only_post(proxy: u16) -> Value {
    let posts = report(proxy)["posts"].as_array().unwrap().clone();
    assert_eq!(posts.len(), 1);
    posts[0].clone()
}

/// A server that takes one connection, answers these bytes, and hands over what it was sent.
fn raw_upstream(answer: &'static [u8]) -> (u16, Receiver<Vec<u8>>) {
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
        stream.write_all(answer).unwrap();
        sender.send(bytes).unwrap();
    });
    (port, receiver)
}

/// Sends bytes and reads until the connection ends.
fn exchange(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn without_a_fault_the_bytes_pass_as_they_are_in_both_directions() {
    let (upstream, received) = raw_upstream(
        b"HTTP/1.1 201 Fine by me\r\nX-oDD:  \xc3\xbc \r\nSet-Cookie: a\r\nset-cookie: b\r\n\
          transfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\n\x00\xff\n\r\n0\r\n\r\n",
    );
    let proxy = start_proxy(upstream, &json!({}));
    let answer = exchange(
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
        answer,
        b"HTTP/1.1 201 Fine by me\r\nX-oDD:  \xc3\xbc \r\nSet-Cookie: a\r\nset-cookie: b\r\n\
          transfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\n\x00\xff\n\r\n0\r\n\r\n"
    );
}

#[test]
fn reads_and_preflights_pass_whatever_the_plan_says_and_are_not_counted() {
    let (_, proxy) = servers(&json!({"faults": {"drop_before": 1.0}}));
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-agent-token"),
    ];
    let preflight = send(proxy, "OPTIONS", "/tasks", &headers, b"", PATIENCE);
    assert_eq!(preflight.status, 200);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        Some(ORIGIN)
    );
    let read = send(proxy, "GET", "/openapi.json", &[], b"", PATIENCE);
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
fn each_fault_does_what_it_says() {
    for fault in Fault::all() {
        let plan = json!({"at": {"1": fault}, "delay_ms": 300, "retry_after_s": 7});
        let (upstream, proxy) = servers(&plan);
        let whole = post(start(|_| {}), "k").body();
        let began = Instant::now();
        let got = post(proxy, "k");
        let took = began.elapsed();
        let seen = (got.status, got.end);
        let retry_after = got.header("retry-after");
        let readable = got.header("access-control-allow-origin");
        match fault {
            Fault::DropBefore | Fault::DropAfter => assert_eq!(seen, (0, End::Closed)),
            Fault::Reset => assert_eq!(seen, (0, End::Reset)),
            Fault::Delay => {
                assert_eq!((seen, got.body()), ((200, End::Whole), whole));
                assert!(took >= Duration::from_millis(300), "{took:?}");
            }
            Fault::Truncate => {
                assert_eq!(seen, (200, End::Closed));
                assert_eq!(got.body(), whole[..whole.len() / 2]);
            }
            Fault::Status429 | Fault::Status503 => {
                let status = if fault == Fault::Status429 { 429 } else { 503 };
                assert_eq!(seen, (status, End::Whole));
                assert_eq!((retry_after, readable), (Some("7"), Some(ORIGIN)));
                assert_eq!(
                    got.header("access-control-expose-headers"),
                    Some("retry-after")
                );
            }
            Fault::Status503Bare => {
                assert_eq!(seen, (503, End::Whole));
                assert_eq!((retry_after, readable), (None, Some(ORIGIN)));
            }
            Fault::Status500Bare => {
                assert_eq!(seen, (500, End::Whole));
                assert_eq!((retry_after, readable), (None, None));
            }
        }
        assert_eq!(
            stored(upstream).len(),
            usize::from(fault.is_forwarded()),
            "{fault}"
        );
        let told = only_post(proxy);
        assert_eq!(told["fault"], fault.name());
        assert_eq!(told["reached_upstream"], fault.is_forwarded());
        let upstream_status = if fault.is_forwarded() {
            json!(200)
        } else {
            Value::Null
        };
        assert_eq!(told["upstream_status"], upstream_status, "{fault}");
        let answered = if seen.0 == 0 {
            Value::Null
        } else {
            json!(seen.0)
        };
        assert_eq!(told["answered"], answered, "{fault}");
    }
}

#[test]
fn every_connection_serves_one_request_so_that_no_browser_sends_it_again() {
    let (_, proxy) = servers(&json!({"at": {"2": "drop_before"}}));
    for (method, path) in [
        ("OPTIONS", "/tasks"),
        ("GET", "/openapi.json"),
        ("GET", "/_faults"),
        ("POST", "/tasks"),
    ] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        // It would wait for ever were the connection kept.
        let answer = String::from_utf8(exchange(proxy, request.as_bytes())).unwrap();
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
}

#[test]
fn a_seed_gives_the_same_posts_the_same_faults_each_time() {
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
    for wanted in [json!("drop_before"), json!("status_503"), Value::Null] {
        assert!(first.contains(&wanted), "{wanted} in {first:?}");
    }
    let other = json!({"seed": 8, "faults": {"drop_before": 0.3, "status_503": 0.3}});
    assert_ne!(first, faults(&other));
}

#[test]
fn the_report_tells_every_post_and_a_new_plan_begins_anew() {
    let (upstream, proxy) = servers(&json!({"at": {"2": "drop_after"}}));
    let statuses: Vec<u16> = ["a", "b", "c"].map(|key| post(proxy, key).status).to_vec();
    assert_eq!(statuses, [200, 0, 200]);
    assert_eq!(stored(upstream), ["a", "b", "c"]);
    let told = report(proxy);
    assert_eq!(told["left_out"], 0);
    for (index, (key, fault)) in [("a", None), ("b", Some("drop_after")), ("c", None)]
        .iter()
        .enumerate()
    {
        let post = &told["posts"][index];
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
    let changed = send(proxy, "POST", "/_faults", &[], plan.as_bytes(), PATIENCE);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["posts"], json!([]));
    assert_eq!(post(proxy, "d").end, End::Reset);
    assert_eq!(only_post(proxy)["number"], 1);
    assert_eq!(report(proxy)["plan"]["seed"], 3);
}

#[test]
fn a_plan_that_is_not_right_is_refused_and_the_old_one_stays() {
    let (_, proxy) = servers(&json!({"at": {"1": "status_503"}}));
    let bad = br#"{"at": {"1": "explode"}}"#;
    let refused = send(proxy, "POST", "/_faults", &[], bad, PATIENCE);
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "malformed_plan");
    assert!(error["message"].as_str().unwrap().contains("explode"));
    assert_eq!(post(proxy, "a").status, 503);
    let deleted = send(proxy, "DELETE", "/_faults", &[], b"", PATIENCE);
    assert_eq!(deleted.status, 405);
}

#[test]
fn an_upstream_that_is_not_there_looks_like_one_that_is_not_there() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let proxy = start_proxy(port, &json!({}));
    let got = post(proxy, "a");
    assert_eq!((got.status, got.end), (0, End::Closed));
    let told = only_post(proxy);
    assert_eq!(
        (&told["reached_upstream"], &told["finished"]),
        (&json!(false), &json!(true))
    );
    let read = send(proxy, "GET", "/tasks", &[], b"", PATIENCE);
    assert_eq!((read.status, read.end), (0, End::Closed));
}

#[test]
fn an_upstream_that_breaks_off_before_its_answer_has_been_reached() {
    let (upstream, _received) = raw_upstream(b"");
    let proxy = start_proxy(upstream, &json!({}));
    let got = post(proxy, "a");
    assert_eq!((got.status, got.end), (0, End::Closed));
    let told = only_post(proxy);
    assert_eq!(
        (&told["reached_upstream"], &told["upstream_status"]),
        (&json!(true), &Value::Null)
    );
}

#[test]
fn a_client_that_leaves_has_still_posted() {
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
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(stored(upstream), ["left"]);
}

#[test]
fn no_bytes_bring_it_down() {
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
        let answer = String::from_utf8(exchange(proxy, bytes)).unwrap();
        let wanted = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&wanted), "{answer}");
    }
    let mut stream = TcpStream::connect(("127.0.0.1", proxy)).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(post(proxy, "a").status, 200);
    assert_eq!(only_post(proxy)["number"], 1);
}
