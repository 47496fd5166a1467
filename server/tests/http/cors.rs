//! CORS: which origins may call, and what they can read.

use crate::client::{Request, Response, get, post};
use crate::server::{Start, TASK, TestServer};

fn preflight(server: &TestServer, origin: &str, target: &str) -> Response {
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

fn has_no_cors_headers(response: &Response) -> bool {
    !response
        .headers
        .iter()
        .any(|(name, _)| name.starts_with("access-control-"))
}

#[test]
fn only_the_own_port_and_listed_origins_may_call() {
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
        let preflight = preflight(&server, &origin, "/tasks");
        assert_eq!(preflight.status, 204);
        let read = server.send(&get("/healthz").header("Origin", &origin));
        assert_eq!(read.status, 200);
        for response in [&preflight, &read] {
            assert_eq!(response.header("vary"), Some("origin"));
            if allowed {
                let sent = response.header("access-control-allow-origin");
                assert_eq!(sent, Some(origin.as_str()));
                assert_eq!(response.header("access-control-allow-credentials"), None);
            } else {
                assert!(has_no_cors_headers(response), "{origin}: {response:?}");
            }
        }
    }
}

#[test]
fn a_preflight_gets_the_documented_headers_for_every_path() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    for target in ["/tasks", "/tasks/schema", "/nowhere"] {
        let response = preflight(&server, &origin, target);
        assert_eq!(response.status, 204);
        assert_eq!(
            response.header("access-control-allow-headers"),
            Some("content-type,x-agent-token,idempotency-key")
        );
        assert!(
            response
                .header("access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        assert_eq!(response.header("access-control-max-age"), Some("7200"));
        assert_eq!(
            response.header("access-control-allow-private-network"),
            None
        );
    }
}

#[test]
fn a_page_can_read_the_exposed_response_headers() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    let response = server.send(
        &post("/tasks")
            .token("changeme")
            .header("Origin", &origin)
            .json(TASK),
    );
    assert_eq!(response.status, 201);
    assert_eq!(
        response.header("access-control-expose-headers"),
        Some("location,retry-after,idempotent-replayed")
    );
}

#[test]
fn a_page_can_read_errors() {
    let server = Start::new()
        .argument("--rate-limit", "3")
        .argument("--body-timeout", "0.2")
        .run();
    let origin = format!("http://127.0.0.1:{}", server.address.port());
    let send = |request: Request| {
        let response = server.send(&request.header("Origin", &origin));
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some(origin.as_str()),
            "{response:?}"
        );
        response.status
    };
    assert_eq!(send(get("/nowhere")), 404);
    assert_eq!(send(Request::new("PATCH", "/tasks")), 405);
    assert_eq!(send(post("/tasks").json(TASK)), 401);
    assert_eq!(send(post("/tasks").token("changeme").body(TASK)), 415);
    let slow = post("/tasks")
        .token("changeme")
        .header("Content-Type", "application/json")
        .header("Content-Length", "50");
    assert_eq!(send(slow), 408);
    assert_eq!(send(post("/tasks").token("changeme").json("{")), 400);
    assert_eq!(send(post("/tasks").token("changeme").json(TASK)), 429);
}

#[test]
fn a_page_can_read_retry_after() {
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
        let response = server.send(
            &post("/tasks")
                .token("changeme")
                .header("Origin", &origin)
                .json(task),
        );
        response.problem(status, code);
        let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=61).contains(&seconds), "{code}: {seconds}");
        assert_eq!(
            response.header("access-control-allow-origin"),
            Some(origin.as_str()),
            "{code}"
        );
        let exposed = response.header("access-control-expose-headers").unwrap();
        assert!(
            exposed.split(',').any(|name| name == "retry-after"),
            "{code}: {exposed}"
        );
    }
}

#[test]
fn an_allowed_public_page_may_reach_a_server_in_a_private_network() {
    let server = Start::new()
        .argument("--allow-origin", "https://tasks.example.org")
        .run();
    let send = |origin: &str| {
        server.send(
            &Request::new("OPTIONS", "/tasks")
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Private-Network", "true"),
        )
    };
    assert_eq!(
        send("https://tasks.example.org").header("access-control-allow-private-network"),
        Some("true")
    );
    assert!(has_no_cors_headers(&send("https://other.example.org")));
}

#[test]
fn an_options_request_that_is_no_preflight_reaches_its_route() {
    let server = Start::new().run();
    let origin = format!("http://localhost:{}", server.address.port());
    let options =
        |target: &str| server.send(&Request::new("OPTIONS", target).header("Origin", &origin));
    let response = options("/tasks");
    assert_eq!(response.status, 204);
    assert!(response.header("allow").unwrap().contains("POST"));
    assert_eq!(options("/nowhere").status, 404);
}

#[test]
fn with_the_default_token_requests_to_other_host_names_are_refused() {
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
