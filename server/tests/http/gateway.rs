//! The gateway to the model endpoint.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::client::{Request, connect, get, post, read_response};
use crate::server::{Start, TASK, TestServer};
use crate::upstream::{CHUNKED, Upstream, chunk, is_closed_within, json};

const KEY: &str = "sk-s3cret-0123456789";
const TOKEN: &str = "model-token";
const CHAT: &str = "/v1/chat/completions";
const BODY: &str = r#"{"model":"m",  "messages":[{"role":"user","content":"s3cret-prompt ä"}]}"#;

/// How to start a server with a gateway to `url`.
fn with_gateway(url: &str) -> Start {
    Start::new()
        .tokens("task-token")
        .variable("AGENT_MODEL_TOKEN", "model-token,other-token")
        .variable("OPENAI_API_KEY", KEY)
        .argument("--model-endpoint", url)
}

fn gateway_to(upstream: &Upstream) -> TestServer {
    with_gateway(&upstream.url()).run()
}

fn ask(target: &str) -> Request {
    post(target)
        .header("Authorization", &format!("Bearer {TOKEN}"))
        .json(BODY)
}

#[test]
fn a_request_reaches_the_endpoint_with_the_key_and_nothing_of_the_client() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let server = gateway_to(&upstream);
    let request = ask(CHAT)
        .header("Accept", "text/event-stream")
        .header("Accept-Encoding", "gzip")
        .header("Cookie", "session=1")
        .header("Origin", "http://localhost:1")
        .header("OpenAI-Organization", "org-of-client");
    assert_eq!(server.send(&request).status, 200);
    let received = upstream.only();
    assert_eq!(received.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(received.body, BODY.as_bytes());
    let mut names: Vec<&str> = received.headers.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "authorization",
            "content-length",
            "content-type",
            "host"
        ]
    );
    let key = format!("Bearer {KEY}");
    assert_eq!(received.header("authorization"), Some(key.as_str()));
    assert_eq!(received.header("accept-encoding"), Some("identity"));
    assert_eq!(received.header("accept"), Some("text/event-stream"));
}

#[test]
fn each_route_is_passed_on_with_either_form_of_the_token() {
    let upstream = Upstream::fixed(json("200 OK", "", r#"{"data":[]}"#));
    let server = gateway_to(&upstream);
    for (request, line) in [
        (post(CHAT).json(BODY), "POST /v1/chat/completions HTTP/1.1"),
        (
            post("/v1/responses").json(BODY),
            "POST /v1/responses HTTP/1.1",
        ),
        (get("/v1/models?x=1"), "GET /v1/models HTTP/1.1"),
    ] {
        for (name, value) in [
            ("X-AGENT-TOKEN", TOKEN.to_owned()),
            ("authorization", format!("bearer {TOKEN}")),
        ] {
            let response = server.send(&request.clone().header(name, &value));
            assert_eq!(response.status, 200, "{line}");
            assert_eq!(response.text(), r#"{"data":[]}"#);
            assert_eq!(upstream.received().last().unwrap().line, line);
        }
    }
    let before = upstream.received().len();
    for (request, status) in [
        (post(CHAT).json(BODY), 401),
        (post(CHAT).token("task-token").json(BODY), 403),
        (post(CHAT).token("wrong").json(BODY), 401),
        (ask(CHAT).token(TOKEN), 401),
        (post(CHAT).header("Authorization", TOKEN).json(BODY), 401),
        (get(CHAT).token(TOKEN), 405),
        (post("/v1/embeddings").token(TOKEN).json(BODY), 404),
        (post(CHAT).token(TOKEN).body(BODY), 415),
    ] {
        assert_eq!(server.send(&request).status, status, "{request:?}");
    }
    assert_eq!(upstream.received().len(), before);
}

#[test]
fn a_response_passes_byte_for_byte_however_it_is_cut() {
    let text: String = (0..200)
        .map(|number| format!("data: {{\"n\":{number},\"t\":\"ä\\u0000🦀\"}}\r\n\n"))
        .collect();
    for size in [1, 3, 100, 5000] {
        let sent = text.clone();
        let upstream = Upstream::start(move |_, stream| {
            let mut bytes = CHUNKED.as_bytes().to_vec();
            for piece in sent.as_bytes().chunks(size) {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            for piece in bytes.chunks(size * 7) {
                stream.write_all(piece)?;
            }
            Ok(())
        });
        let server = gateway_to(&upstream);
        let response = server.send(&ask(CHAT));
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/event-stream"));
        assert!(response.body == text.as_bytes(), "{size}");
    }
}

#[test]
fn errors_of_the_endpoint_pass_as_they_are() {
    for (status, body) in [
        (
            "401 Unauthorized",
            r#"{"error":{"message":"bad key","code":null}}"#,
        ),
        ("404 Not Found", ""),
        ("429 Slow down", r#"{"error":{"type":"tokens"}}"#),
        ("500 Oops", "<html>"),
        ("503 Busy", "x"),
    ] {
        let headers = "retry-after: 7\r\nx-should-retry: true\r\nx-request-id: r1\r\n\
                       x-ratelimit-remaining-requests: 3\r\nset-cookie: a=b\r\n\
                       openai-organization: acme\r\nserver: x\r\n";
        let upstream = Upstream::fixed(json(status, headers, body));
        let server = gateway_to(&upstream);
        let response = server.send(&ask("/v1/responses"));
        assert!(
            status.starts_with(&response.status.to_string()),
            "{response:?}"
        );
        assert_eq!(response.text(), body);
        for (name, value) in [
            ("content-type", Some("application/json")),
            ("retry-after", Some("7")),
            ("x-should-retry", Some("true")),
            ("x-request-id", Some("r1")),
            ("x-ratelimit-remaining-requests", Some("3")),
            ("cache-control", Some("no-store")),
            ("x-accel-buffering", Some("no")),
            ("set-cookie", None),
            ("openai-organization", None),
            ("server", None),
        ] {
            assert_eq!(response.header(name), value, "{name}");
        }
    }
}

#[test]
fn a_key_that_the_endpoint_repeats_does_not_reach_the_client() {
    let body = format!(r#"{{"error":"Incorrect API key: {KEY}"}}"#);
    let headers = format!("x-request-id: {KEY}\r\n");
    let status = format!("401 Not {KEY}");
    let upstream = Upstream::fixed(json(&status, &headers, &body));
    let server = gateway_to(&upstream);
    let mut stream = connect(server.address).unwrap();
    let request = ask(CHAT);
    let response = request.send_on(&mut stream, "localhost").unwrap();
    assert_eq!(response.status, 401);
    assert_eq!(response.text(), body.replace(KEY, &"*".repeat(KEY.len())));
    assert_eq!(response.header("x-request-id"), None);
    assert!(!format!("{response:?}").contains(KEY));
}

#[test]
fn events_arrive_while_the_endpoint_still_writes() {
    let (send, receive) = mpsc::channel::<()>();
    let receive = Mutex::new(receive);
    let upstream = Upstream::start(move |_, stream| {
        stream.write_all(CHUNKED.as_bytes())?;
        stream.write_all(chunk("data: 1\n\n").as_bytes())?;
        receive.lock().unwrap().recv().unwrap();
        stream.write_all(chunk("data: 2\n\n").as_bytes())?;
        stream.write_all(b"0\r\n\r\n")
    });
    let server = gateway_to(&upstream);
    let mut stream = connect(server.address).unwrap();
    ask(CHAT).write_to(&mut stream).unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains("data: 1") {
        let count = stream.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..count]);
    }
    send.send(()).unwrap();
    stream.read_to_end(&mut seen).unwrap();
    assert!(String::from_utf8_lossy(&seen).contains("data: 2"));
}

/// An endpoint that writes `beginning`, then reports whether its connection is closed.
fn watched(beginning: String) -> (Upstream, mpsc::Receiver<bool>) {
    let (send, receive) = mpsc::channel();
    let send = Mutex::new(send);
    let upstream = Upstream::start(move |_, stream| {
        stream.write_all(beginning.as_bytes())?;
        let closed = is_closed_within(stream, Duration::from_secs(10));
        send.lock().unwrap().send(closed).unwrap();
        Ok(())
    });
    (upstream, receive)
}

#[test]
fn a_request_is_cancelled_when_its_client_leaves() {
    for beginning in [
        String::new(),
        CHUNKED.to_owned(),
        format!("{CHUNKED}{}", chunk("data: 1\n\n")),
    ] {
        let (upstream, closed) = watched(beginning.clone());
        let server = gateway_to(&upstream);
        let mut stream = connect(server.address).unwrap();
        ask(CHAT).write_to(&mut stream).unwrap();
        let started = Instant::now();
        while upstream.received().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(5));
        }
        if !beginning.is_empty() {
            stream.read_exact(&mut [0; 12]).unwrap();
        }
        assert!(closed.try_recv().is_err(), "not before the client leaves");
        let left = Instant::now();
        drop(stream);
        assert!(closed.recv_timeout(Duration::from_secs(5)).unwrap());
        assert!(
            left.elapsed() < Duration::from_secs(2),
            "{:?}",
            left.elapsed()
        );
    }
}

#[test]
fn a_silent_endpoint_ends_by_its_own_limits_and_never_by_the_length_of_a_response() {
    let (silent, closed) = watched(String::new());
    let server = with_gateway(&silent.url())
        .argument("--model-first-byte-timeout", "0.3")
        .run();
    server.send(&ask(CHAT)).problem(504, "model_timeout");
    assert!(closed.recv_timeout(Duration::from_secs(5)).unwrap());

    let (stalled, closed) = watched(format!("{CHUNKED}{}", chunk("data: 1\n\n")));
    let server = with_gateway(&stalled.url())
        .argument("--model-idle-timeout", "0.3")
        .run();
    let response = ask(CHAT).try_send(server.address);
    // The body breaks off, so that no client takes it for complete.
    assert_eq!(
        response.unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof
    );
    assert!(closed.recv_timeout(Duration::from_secs(5)).unwrap());
    assert!(server.log().contains("end=\"idle\""), "{}", server.log());

    let slow = Upstream::start(|_, stream| {
        stream.write_all(CHUNKED.as_bytes())?;
        // More than fits into the system's buffers, so that the server has to wait for its client.
        let piece = "x".repeat(1 << 20);
        for _ in 0..12 {
            stream.write_all(chunk(&piece).as_bytes())?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    let server = with_gateway(&slow.url())
        .argument("--response-timeout", "0.5")
        .argument("--model-idle-timeout", "0.5")
        .run();
    let mut stream = connect(server.address).unwrap();
    ask(CHAT).write_to(&mut stream).unwrap();
    std::thread::sleep(Duration::from_millis(1_200));
    let response = read_response(&mut stream, false).unwrap();
    assert_eq!(response.body.len(), 12 << 20);
}

#[test]
fn an_endpoint_that_breaks_off_breaks_the_response_off() {
    let upstream = Upstream::fixed(format!("{CHUNKED}{}", chunk("data: 1\n\n")));
    let server = gateway_to(&upstream);
    let response = ask(CHAT).try_send(server.address);
    assert_eq!(
        response.unwrap_err().kind(),
        std::io::ErrorKind::UnexpectedEof
    );
    assert!(server.log().contains("end=\"broken\""));
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_a_problem_without_a_secret() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let closing = Upstream::start(|_, _| Ok(()));
    let garbage = Upstream::fixed("SSH-2.0-s3cret\r\n\r\n");
    for url in [format!("http://{address}/v1"), closing.url(), garbage.url()] {
        let server = with_gateway(&url).run();
        let response = server.send(&ask(CHAT));
        response.problem(502, "model_unreachable");
        assert!(!response.text().contains("s3cret"));
        assert!(!response.text().contains(&address.to_string()));
        let log = server.log();
        assert!(log.contains("cannot be reached"), "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Upstream::fixed(json("200 OK", "", "{}"));
    let location = format!("location: {}/models\r\n", target.url());
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let upstream = Upstream::fixed(json(status, &location, "{}"));
        let server = gateway_to(&upstream);
        let response = server.send(&get("/v1/models").token(TOKEN));
        response.problem(502, "model_redirect");
        assert_eq!(response.header("location"), None);
    }
    assert!(target.received().is_empty());
}

#[test]
fn azures_header_and_query_carry_key_and_version() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let url = format!("http://{}/openai/deployments/d/", upstream.address);
    let server = with_gateway(&url)
        .argument("--model-key-header", "api-key")
        .argument("--model-query", "api-version=2024-10-21")
        .argument("--model-query", "x=a b")
        .run();
    assert_eq!(server.send(&ask(CHAT)).status, 200);
    let received = upstream.only();
    assert_eq!(
        received.line,
        "POST /openai/deployments/d/chat/completions?api-version=2024-10-21&x=a%20b HTTP/1.1"
    );
    assert_eq!(received.header("api-key"), Some(KEY));
    assert_eq!(received.header("authorization"), None);
}

#[test]
fn without_a_key_the_server_starts_only_if_the_endpoint_needs_none() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let start = || {
        Start::new()
            .variable("AGENT_MODEL_TOKEN", TOKEN)
            .argument("--model-endpoint", upstream.url())
    };
    for (start, expected) in [
        (start(), "OPENAI_API_KEY is not set"),
        (
            start().variable("OPENAI_API_KEY", " "),
            "OPENAI_API_KEY is set in the environment, but empty",
        ),
        (start().variable("OPENAI_API_KEY", "a\nb"), "not allowed"),
        (
            Start::new()
                .variable("OPENAI_API_KEY", KEY)
                .argument("--model-endpoint", upstream.url()),
            "no agent token has the scope \"model\"",
        ),
    ] {
        let output = start.fail();
        assert_eq!(output.status.code(), Some(78));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    // A key that is set for another endpoint is not sent to this one.
    let server = start()
        .variable("OPENAI_API_KEY", KEY)
        .flag("--model-needs-no-key")
        .run();
    assert_eq!(server.send(&ask(CHAT)).status, 200);
    assert_eq!(upstream.only().header("authorization"), None);

    let in_file = Start::new();
    let file = in_file.file(
        "agent_config.json",
        r#"{"AGENT_MODEL_TOKEN":"model-token","OPENAI_API_KEY":"of-file"}"#,
    );
    let server = in_file
        .argument("--config", file)
        .argument("--model-endpoint", upstream.url())
        .run();
    assert_eq!(server.send(&ask(CHAT)).status, 200);
    let last = upstream.received().pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer of-file"));
}

#[test]
fn each_token_has_its_own_limit_of_requests() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let server = with_gateway(&upstream.url())
        .argument("--model-rate-limit", "2")
        .argument("--rate-limit", "1")
        .run();
    for _ in 0..2 {
        assert_eq!(server.send(&ask(CHAT)).status, 200);
    }
    let refused = server.send(&ask(CHAT));
    let problem = refused.problem(429, "model_rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains("requests"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    let other = post(CHAT).token("other-token").json(BODY);
    assert_eq!(server.send(&other).status, 200);
    assert_eq!(upstream.received().len(), 3);
    assert_eq!(server.post(TASK).status, 201);
}

#[test]
fn each_token_has_its_own_limit_of_the_models_tokens() {
    let usage = r#"data: {"usage":{"prompt_tokens":30,"completion_tokens":70,"total_tokens":100}}"#;
    let reporting = format!("{CHUNKED}{}0\r\n\r\n", chunk(&format!("{usage}\n\n")));
    let silent: String = (0..80).map(|_| chunk("data: {}\n\n")).collect();
    let silent = format!("{CHUNKED}{silent}0\r\n\r\n");
    let refusing = json("400 Bad", "", "{}");
    for (response, limit, accepted) in [
        // Two responses of 100 tokens fit, and the request of the third does not.
        (&reporting, 205, 2),
        // 80 events and an estimate of 19 for the request.
        (&silent, 205, 2),
        // What the endpoint refuses uses nothing.
        (&refusing, 60, 20),
    ] {
        let upstream = Upstream::fixed(response.as_str());
        let server = with_gateway(&upstream.url())
            .argument("--model-token-limit", limit.to_string())
            .run();
        for _ in 0..accepted {
            assert_ne!(server.send(&ask(CHAT)).status, 429);
        }
        if accepted < 20 {
            let problem = server.send(&ask(CHAT)).problem(429, "model_rate_limited");
            assert!(problem["detail"].as_str().unwrap().contains("tokens"));
            let other = post(CHAT).token("other-token").json(BODY);
            assert_eq!(server.send(&other).status, 200);
        }
    }
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let server = gateway_to(&upstream);
    let of_size = |size: usize| {
        let text = format!("\"{}\"", "x".repeat(size - 2));
        post(CHAT).token(TOKEN).json(text)
    };
    assert_eq!(server.send(&of_size(4 << 20)).status, 200);
    let refused = server.send(&of_size((4 << 20) + 1));
    let problem = refused.problem(413, "too_large");
    assert!(problem["detail"].as_str().unwrap().contains("4194304"));
    // The length of a body in chunks is not known before.
    let mut stream = connect(server.address).unwrap();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nX-AGENT-TOKEN: {TOKEN}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let piece = chunk(&"x".repeat(64 << 10));
    for _ in 0..66 {
        if stream.write_all(piece.as_bytes()).is_err() {
            break;
        }
    }
    let response = read_response(&mut stream, false).unwrap();
    response.problem(413, "too_large");
    assert_eq!(upstream.received().len(), 1);
}

#[test]
fn no_part_of_a_body_a_key_or_a_token_is_logged() {
    let answer = "data: {\"content\":\"s3cret-answer\"}\n\n";
    let upstream = Upstream::fixed(format!("{CHUNKED}{}0\r\n\r\n", chunk(answer)));
    let failing = Upstream::fixed(json("400 s3cret-reason", "", r#"{"e":"s3cret-error"}"#));
    for upstream in [upstream, failing] {
        let server = with_gateway(&upstream.url())
            .variable("AGENT_MODEL_TOKEN", "s3cret-token")
            .argument("--log-level", "trace")
            .run();
        let bearer = "Bearer s3cret-token";
        for request in [
            post(CHAT).header("Authorization", bearer).json(BODY),
            post(CHAT)
                .header("Authorization", "Bearer s3cret-wrong")
                .json(BODY),
            post("/v1/responses")
                .token("s3cret-token")
                .json("{\"s3cret"),
            get("/v1/models?s3cret=1").token("s3cret-token"),
        ] {
            server.send(&request);
        }
        let log = server.log();
        assert!(!log.contains("s3cret"), "{log}");
        assert!(log.contains("route=\"/v1/chat/completions\""), "{log}");
        assert_eq!(log.matches("model response").count(), 3, "{log}");
    }
}

#[test]
fn pages_of_allowed_origins_may_call_the_gateway() {
    let upstream = Upstream::fixed(json("429 Slow", "retry-after: 1\r\n", "{}"));
    let server = with_gateway(&upstream.url())
        .argument("--allow-origin", "https://page.example.org")
        .run();
    let preflight = server.send(
        &Request::new("OPTIONS", CHAT)
            .header("Origin", "https://page.example.org")
            .header("Access-Control-Request-Method", "POST")
            .header(
                "Access-Control-Request-Headers",
                "authorization,content-type",
            ),
    );
    assert_eq!(preflight.status, 204);
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.split(',').any(|name| name == "authorization"));
    for (origin, readable) in [
        ("https://page.example.org", true),
        ("https://other.example.org", false),
    ] {
        let response = server.send(&ask(CHAT).header("Origin", origin));
        let sent = response.header("access-control-allow-origin");
        assert_eq!(sent.is_some(), readable, "{origin}");
        if readable {
            let exposed = response.header("access-control-expose-headers").unwrap();
            for name in ["retry-after", "x-request-id", "x-should-retry"] {
                assert!(exposed.split(',').any(|it| it == name), "{exposed}");
            }
        }
    }
}

#[test]
fn the_page_finds_the_gateway() {
    use taskwright::settings::config::Config;
    let upstream = Upstream::fixed("");
    let start = |name: Option<&str>| {
        let mut start = with_gateway(&upstream.url());
        start.file("checkout/index.html", "<!doctype html>");
        if let Some(name) = name {
            start = start.argument("--model-name", name);
        }
        let folder = start.folder().join("checkout");
        start.argument("--static-dir", folder).run()
    };
    let server = start(Some("gpt-5-mini"));
    let text = server.send(&get("/config.json"));
    let connection = Config::parse(text.text()).unwrap().connection.unwrap();
    assert!(connection.task_server.is_some());
    let model = connection.model.unwrap();
    assert_eq!(
        model.base_url.to_string(),
        format!("http://{}/v1", server.address)
    );
    assert_eq!(model.model, "gpt-5-mini");
    assert!(model.requires_api_key());
    let document = server.send(&get("/openapi.json")).json();
    assert!(document["paths"]["/v1/chat/completions"]["post"].is_object());

    let unnamed = start(None);
    let text = unnamed.send(&get("/config.json"));
    let connection = Config::parse(text.text()).unwrap().connection.unwrap();
    assert_eq!(connection.model, None);

    let without = Start::new().run();
    assert_eq!(without.send(&ask(CHAT)).status, 404);
    let document = without.send(&get("/openapi.json")).json();
    assert!(document["paths"]["/v1/chat/completions"].is_null());
}

/// Opens `count` streams at a time, each of 64 KiB in 64 events, and returns how much the memory of the
/// server has grown at most, in KiB.
#[cfg(target_os = "linux")]
fn growth_with_streams(count: usize) -> u64 {
    let go = std::sync::Arc::new(std::sync::Barrier::new(count + 1));
    let all_open = std::sync::Arc::clone(&go);
    let event = format!("data: {}\n\n", "x".repeat(1000));
    let expected = event.repeat(64);
    let upstream = Upstream::start(move |_, stream| {
        stream.write_all(CHUNKED.as_bytes())?;
        for _ in 0..32 {
            stream.write_all(chunk(&event).as_bytes())?;
        }
        all_open.wait();
        for _ in 0..32 {
            stream.write_all(chunk(&event).as_bytes())?;
        }
        stream.write_all(b"0\r\n\r\n")
    });
    let connections = (count + 8).to_string();
    let server = with_gateway(&upstream.url())
        .argument("--max-connections", &connections)
        .argument("--max-connections-per-address", &connections)
        .open_files(u32::try_from(4 * count + 100).unwrap())
        .run();
    let memory = |field: &str| -> u64 {
        let file = format!("/proc/{}/status", server.process_id());
        let status = std::fs::read_to_string(file).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(server.get("/tasks").status, 200);
    let before = memory("VmRSS:");
    let address: SocketAddr = server.address;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..count)
            .map(|_| {
                std::thread::Builder::new()
                    .stack_size(128 << 10)
                    .spawn_scoped(scope, || ask(CHAT).send(address).body)
                    .unwrap()
            })
            .collect();
        // All streams are open at the same time, or this never returns.
        go.wait();
        for client in clients {
            assert!(client.join().unwrap() == expected.as_bytes());
        }
    });
    assert_eq!(server.post(TASK).status, 201);
    memory("VmHWM:") - before
}

#[cfg(target_os = "linux")]
#[test]
fn two_hundred_streams_at_a_time_take_a_bounded_amount_of_memory() {
    let growth = growth_with_streams(200);
    println!("{growth} KiB for 200 streams");
    assert!(growth < 200 * 160, "{growth} KiB");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes 4,000 open files; run by `cargo xtask test --peers`"]
fn a_thousand_streams_at_a_time_take_a_bounded_amount_of_memory() {
    let growth = growth_with_streams(1000);
    println!("{growth} KiB for 1,000 streams");
    assert!(growth < 1000 * 160, "{growth} KiB");
}
