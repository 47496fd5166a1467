//! Which pages may call, as a browser finds it out.

use crate::client::{Answer, Request, get, post};
use crate::server::{Start, TASK, TestServer};

fn preflight(server: &TestServer, origin: &str, target: &str) -> Answer {
    server.send(
        &Request::new("OPTIONS", target)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header(
                "Access-Control-Request-Headers",
                "content-type,idempotency-key,x-agent-token",
            ),
    )
}

fn names_no_origin(answer: &Answer) -> bool {
    !answer
        .headers
        .iter()
        .any(|(name, _)| name.starts_with("access-control-"))
}

#[test]
fn the_own_port_and_listed_origins_may_call_and_nobody_else() {
    let server = Start::new()
        .argument("--allow-origin", "https://tasks.example.org")
        .argument("--allow-origin", "http://localhost:3000/")
        .run();
    let port = server.address.port();
    for (origin, allowed) in [
        (format!("http://localhost:{port}"), true),
        (format!("http://127.0.0.1:{port}"), true),
        (format!("http://[::1]:{port}"), true),
        ("https://tasks.example.org".to_owned(), true),
        ("http://localhost:3000".to_owned(), true),
        (format!("https://localhost:{port}"), false),
        ("http://tasks.example.org".to_owned(), false),
        ("https://tasks.example.org.evil.example".to_owned(), false),
        ("https://tasks.example.org:8443".to_owned(), false),
        (format!("http://localhost:{}", port ^ 1), false),
        ("null".to_owned(), false),
    ] {
        let asked = preflight(&server, &origin, "/tasks");
        assert_eq!(asked.status, 204);
        let read = server.send(&get("/healthz").header("Origin", &origin));
        assert_eq!(read.status, 200);
        for answer in [&asked, &read] {
            assert_eq!(answer.header("vary"), Some("origin"));
            if allowed {
                let named = answer.header("access-control-allow-origin");
                assert_eq!(named, Some(origin.as_str()));
                assert_eq!(answer.header("access-control-allow-credentials"), None);
            } else {
                assert!(names_no_origin(answer), "{origin}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_preflight_is_answered_as_the_contract_says() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    for target in ["/tasks", "/tasks/schema", "/nowhere"] {
        let answer = preflight(&server, &origin, target);
        assert_eq!(answer.status, 204);
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("content-type,x-agent-token,idempotency-key")
        );
        assert!(
            answer
                .header("access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert_eq!(answer.header("access-control-allow-private-network"), None);
    }
}

#[test]
fn answers_can_be_read_and_their_headers_too() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    let answer = server.send(
        &post("/tasks")
            .token("changeme")
            .header("Origin", &origin)
            .json(TASK),
    );
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("access-control-expose-headers"),
        Some("location,retry-after,idempotent-replayed")
    );
}

#[test]
fn errors_can_be_read_by_the_page_as_well() {
    let server = Start::new()
        .argument("--rate-limit", "3")
        .argument("--body-timeout", "0.2")
        .run();
    let origin = format!("http://127.0.0.1:{}", server.address.port());
    let ask = |request: Request| {
        let answer = server.send(&request.header("Origin", &origin));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(origin.as_str()),
            "{answer:?}"
        );
        answer.status
    };
    assert_eq!(ask(get("/nowhere")), 404);
    assert_eq!(ask(Request::new("PATCH", "/tasks")), 405);
    assert_eq!(ask(post("/tasks").json(TASK)), 401);
    assert_eq!(ask(post("/tasks").token("changeme").body(TASK)), 415);
    let slow = post("/tasks")
        .token("changeme")
        .header("Content-Type", "application/json")
        .header("Content-Length", "50");
    assert_eq!(ask(slow), 408);
    assert_eq!(ask(post("/tasks").token("changeme").json("{")), 400);
    assert_eq!(ask(post("/tasks").token("changeme").json(TASK)), 429);
}

#[test]
fn a_page_can_read_when_to_come_back() {
    let full = Start::new()
        .any_task()
        .argument("--max-store-size", "1")
        .run();
    let too_large = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    let busy = Start::new().argument("--rate-limit", "1").run();
    assert_eq!(busy.post(TASK).status, 201);
    for (server, task, status, code) in [
        (&full, too_large.as_str(), 503, "store_unavailable"),
        (&busy, TASK, 429, "rate_limited"),
    ] {
        let origin = format!("http://localhost:{}", server.address.port());
        let answer = server.send(
            &post("/tasks")
                .token("changeme")
                .header("Origin", &origin)
                .json(task),
        );
        answer.problem(status, code);
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=61).contains(&seconds), "{code}: {seconds}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(origin.as_str()),
            "{code}"
        );
        let readable = answer.header("access-control-expose-headers").unwrap();
        assert!(
            readable.split(',').any(|name| name == "retry-after"),
            "{code}: {readable}"
        );
    }
}

#[test]
fn a_public_page_that_is_allowed_may_reach_this_private_address() {
    let server = Start::new()
        .argument("--allow-origin", "https://tasks.example.org")
        .run();
    let ask = |origin: &str| {
        server.send(
            &Request::new("OPTIONS", "/tasks")
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Private-Network", "true"),
        )
    };
    assert_eq!(
        ask("https://tasks.example.org").header("access-control-allow-private-network"),
        Some("true")
    );
    assert!(names_no_origin(&ask("https://other.example.org")));
}

#[test]
fn an_options_request_that_is_no_preflight_reaches_its_route() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    let options =
        |target: &str| server.send(&Request::new("OPTIONS", target).header("Origin", &origin));
    let answer = options("/tasks");
    assert_eq!(answer.status, 204);
    assert!(answer.header("allow").unwrap().contains("POST"));
    assert_eq!(options("/nowhere").status, 404);
}

#[test]
fn a_name_that_was_pointed_at_loopback_gets_nothing_with_the_known_token() {
    let server = Start::new().run();
    let rebound = post("/tasks")
        .token("changeme")
        .header("Host", "evil.example:8080")
        .json(TASK);
    server.send(&rebound).problem(421, "misdirected");
    assert!(server.stored().is_empty());

    let own = Start::new().tokens("own").run();
    let named = get("/tasks")
        .token("own")
        .header("Host", "tasks.example.org");
    assert_eq!(own.send(&named).status, 200);
}
