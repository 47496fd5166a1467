//! The plain task server's table, over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{End, Got, ORIGIN, PATIENCE, TOKEN, send, start};

const BODY: &str = r#"{"title": "Tidy up", "amount": 12345678901234567890}"#;

fn post_with(port: u16, path: &str, token: &str, body: &[u8], patience: Duration) -> Got {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-AGENT-TOKEN", token),
        ("Origin", ORIGIN),
    ];
    send(port, "POST", path, &headers, body, patience)
}

fn post(port: u16, path: &str, body: &str) -> Got {
    post_with(port, path, TOKEN, body.as_bytes(), PATIENCE)
}

/// Posts to a bucket of a variant.
fn post_to(port: u16, variant: &str) -> Got {
    post(port, &format!("/plain/{variant}/b/tasks"), BODY)
}

fn received(port: u16, base: &str) -> Vec<Value> {
    let got = send(
        port,
        "GET",
        &format!("{base}/_received"),
        &[],
        b"",
        PATIENCE,
    );
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    got.json()["received"].as_array().unwrap().clone()
}

#[test]
fn any_object_is_taken_and_counted_and_nothing_is_known_of_keys() {
    let port = start(|_| {});
    for number in 1..=3 {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-AGENT-TOKEN", TOKEN),
            ("Idempotency-Key", "the same each time"),
        ];
        let got = send(port, "POST", "/tasks", &headers, b"{}", PATIENCE);
        assert_eq!((got.status, got.json()), (200, json!({"task_id": number})));
    }
    assert_eq!(received(port, "").len(), 3);
}

#[test]
fn what_was_received_is_told_byte_for_byte_in_order() {
    let port = start(|_| {});
    let bodies = [
        "{ \"b\" : 1,\n\t\"a\":12345678901234567890.000 }",
        "{\"a\":1,\"a\":2,\"n\":1e999}",
        "{\"größe\":\"🦀\\u20ac\"}",
    ];
    for body in bodies {
        assert_eq!(post(port, "/plain/ok200/bytes/tasks", body).status, 200);
    }
    let list = received(port, "/plain/ok200/bytes");
    for (number, body) in bodies.iter().enumerate() {
        assert_eq!(list[number]["body"], *body);
        assert_eq!(
            (&list[number]["status"], &list[number]["stored"]),
            (&json!(200), &json!(true))
        );
        let path = format!("/plain/ok200/bytes/_received/{}", number + 1);
        let got = send(port, "GET", &path, &[], b"", PATIENCE);
        assert_eq!(got.body(), body.as_bytes());
    }
    let token = json!(["x-agent-token", TOKEN]);
    assert!(list[0]["headers"].as_array().unwrap().contains(&token));
    let missing = send(
        port,
        "GET",
        "/plain/ok200/bytes/_received/9",
        &[],
        b"",
        PATIENCE,
    );
    assert_eq!(missing.status, 404);
    assert_eq!(received(port, "/plain/ok200/other").len(), 0);
}

#[test]
fn a_wrong_token_is_refused_in_words_that_a_page_can_read() {
    let port = start(|_| {});
    for token in ["", "changeme", "test-token-longer"] {
        let got = post_with(port, "/tasks", token, b"{}", PATIENCE);
        assert_eq!(got.status, 401);
        assert!(got.json()["detail"].is_string());
        assert_eq!(got.header("access-control-allow-origin"), Some(ORIGIN));
    }
    assert!(received(port, "").iter().all(|it| it["stored"] == false));
}

#[test]
fn a_body_that_is_no_object_gets_fastapis_422() {
    let port = start(|options| options.required = vec!["title".to_owned()]);
    for (body, kind, location) in [
        ("[1]", "dict_type", json!(["body"])),
        ("\"x\"", "dict_type", json!(["body"])),
        ("{\"name\": 1}", "missing", json!(["body", "title"])),
    ] {
        let got = post(port, "/tasks", body);
        let detail = &got.json()["detail"][0];
        assert_eq!(got.status, 422);
        assert_eq!((&detail["type"], &detail["loc"]), (&json!(kind), &location));
        let input: Value = serde_json::from_str(body).unwrap();
        assert_eq!(detail["input"], input);
        assert!(detail["msg"].is_string());
    }
    for body in ["", "{", "{\"title\":}"] {
        let got = post(port, "/tasks", body);
        assert_eq!(got.status, 422, "{body}");
        assert_eq!(got.json()["detail"][0]["type"], "json_invalid");
    }
    let headers = [("Content-Type", "text/plain"), ("X-AGENT-TOKEN", TOKEN)];
    let got = send(port, "POST", "/tasks", &headers, BODY.as_bytes(), PATIENCE);
    assert_eq!(got.json()["detail"][0]["type"], "dict_type");
}

#[test]
fn every_variant_answers_as_its_table_says() {
    let port = start(|_| {});
    for (variant, status, body, stored) in [
        ("ok200", 200, json!({"task_id": 1}), true),
        (
            "created201",
            201,
            json!({"id": "1", "status": "queued"}),
            true,
        ),
        (
            "accepted202",
            202,
            json!({"data": {"task": {"uuid": "00000000-0000-4000-8000-000000000001"}}}),
            true,
        ),
        ("noid", 200, json!({"status": "ok"}), true),
        (
            "unauthorized",
            401,
            json!({"detail": "The token has expired"}),
            false,
        ),
        (
            "forbidden",
            403,
            json!({"detail": "The token may not queue tasks"}),
            false,
        ),
        ("error409", 409, json!({"detail": "Conflict"}), false),
        (
            "status_413",
            413,
            json!({"detail": "Payload Too Large"}),
            false,
        ),
        (
            "status_503",
            503,
            json!({"detail": "Service Unavailable"}),
            false,
        ),
        ("requires_title", 200, json!({"task_id": 1}), true),
        ("forbids_payload", 200, json!({"task_id": 1}), true),
        (
            "jsonrpc",
            200,
            json!({"jsonrpc": "2.0", "id": null,
                "error": {"code": -32600, "message": "Invalid Request"}}),
            false,
        ),
    ] {
        let got = post_to(port, variant);
        assert_eq!((got.status, got.json()), (status, body), "{variant}");
        assert_eq!(got.header("access-control-allow-origin"), Some(ORIGIN));
        let list = received(port, &format!("/plain/{variant}/b"));
        assert_eq!(
            (list.len(), &list[0]["stored"]),
            (1, &json!(stored)),
            "{variant}"
        );
    }
    let got = post_to(port, "requires_payload");
    assert_eq!(got.json()["detail"][0]["loc"], json!(["body", "payload"]));
    let got = post_to(port, "forbids_title");
    assert_eq!(got.status, 422);
    assert_eq!(got.json()["detail"][0]["type"], "extra_forbidden");
    let got = post_to(port, "empty204");
    assert_eq!((got.status, got.body().len()), (204, 0));
    assert_eq!(post_to(port, "text").text(), "OK");
    let got = post_to(port, "html");
    assert_eq!(
        (got.status, got.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let got = post_to(port, "none");
    assert_eq!(got.status, 404);
    assert!(got.text().contains("no variant `none`"));
}

#[test]
fn retry_after_can_be_read_by_a_page_or_not() {
    let port = start(|_| {});
    for (variant, status, exposed) in [
        ("rate429", 429, Some("retry-after")),
        ("rate429_hidden", 429, None),
        ("error503_retry_after", 503, Some("retry-after")),
        ("error503_hidden", 503, None),
    ] {
        let got = post_to(port, variant);
        assert_eq!((got.status, got.header("retry-after")), (status, Some("1")));
        assert_eq!(
            got.header("access-control-expose-headers"),
            exposed,
            "{variant}"
        );
    }
    assert_eq!(post_to(port, "status_503").header("retry-after"), None);
}

#[test]
fn an_unhandled_error_stores_the_task_and_shows_no_page_why() {
    let port = start(|_| {});
    for (path, body) in [
        ("/plain/error500_nocors/b", BODY),
        ("/plain/ok200/b", r#"{"title": "Tidy up [500]"}"#),
    ] {
        let got = post(port, &format!("{path}/tasks"), body);
        assert_eq!(
            (got.status, got.text()),
            (500, "Internal Server Error".to_owned())
        );
        assert_eq!(got.header("access-control-allow-origin"), None);
        assert_eq!(received(port, path)[0]["stored"], true);
    }
}

#[test]
fn a_server_can_keep_silent_or_drop_the_connection_after_it_stored() {
    let port = start(|_| {});
    let brief = Duration::from_millis(500);
    let silent = post_with(port, "/plain/hang/b/tasks", TOKEN, BODY.as_bytes(), brief);
    assert_eq!((silent.status, silent.end), (0, End::Silence));
    for (variant, stored) in [("drop", true), ("drop_unstored", false)] {
        let got = post_to(port, variant);
        assert_eq!((got.status, got.end), (0, End::Reset), "{variant}");
        let list = received(port, &format!("/plain/{variant}/b"));
        assert_eq!((list.len(), &list[0]["stored"]), (1, &json!(stored)));
        assert_eq!(list[0]["status"], Value::Null);
    }
    assert_eq!(received(port, "/plain/hang/b")[0]["stored"], true);
}

#[test]
fn a_preflight_before_a_drop_leaves_no_connection_behind() {
    let port = start(|_| {});
    let preflight = |variant: &str| {
        let path = format!("/plain/{variant}/b/tasks");
        let headers = [
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "POST"),
        ];
        send(port, "OPTIONS", &path, &headers, b"", PATIENCE)
    };
    assert_eq!(preflight("drop").header("connection"), Some("close"));
    assert_eq!(preflight("ok200").header("connection"), None);
}

#[test]
fn a_variant_can_be_for_the_first_or_the_later_requests_of_a_bucket() {
    let port = start(|_| {});
    let statuses = |variant: &str, count: usize| -> Vec<u16> {
        (0..count).map(|_| post_to(port, variant).status).collect()
    };
    assert_eq!(statuses("rate429_first_2", 4), [429, 429, 200, 200]);
    assert_eq!(statuses("unauthorized_after_2", 4), [200, 200, 401, 401]);
    let renewed = format!("{TOKEN}-renewed");
    let path = "/plain/unauthorized_after_2/b/tasks";
    let got = post_with(port, path, &renewed, BODY.as_bytes(), PATIENCE);
    assert_eq!(got.json()["task_id"], 3);
}

#[test]
fn the_slash_at_the_end_redirects_one_way_or_the_other() {
    for (trailing_slash, declared, other) in
        [(false, "/tasks", "/tasks/"), (true, "/tasks/", "/tasks")]
    {
        let port = start(|options| options.trailing_slash = trailing_slash);
        assert_eq!(post(port, declared, BODY).status, 200);
        let got = post(port, &format!("{other}?a=b"), BODY);
        let location = format!("http://127.0.0.1:{port}{declared}?a=b");
        assert_eq!(
            (got.status, got.header("location")),
            (307, Some(location.as_str()))
        );
        assert_eq!(got.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(received(port, "").len(), 1);
    }
    let port = start(|_| {});
    assert_eq!(post_to(port, "redirect307").status, 307);
    assert_eq!(post(port, "/plain/redirect307/b/tasks/", BODY).status, 200);
}

#[test]
fn pages_get_starlettes_rule() {
    let port = start(|_| {});
    let preflight = |origin: &str, method: &str, asked: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", asked),
        ];
        send(port, "OPTIONS", "/tasks", &headers, b"", PATIENCE)
    };
    let got = preflight(ORIGIN, "POST", "content-type, X-Agent-Token");
    assert_eq!((got.status, got.text()), (200, "OK".to_owned()));
    assert_eq!(got.header("access-control-allow-origin"), Some(ORIGIN));
    let headers = got.header("access-control-allow-headers").unwrap();
    assert!(headers.ends_with("Content-Type, X-AGENT-TOKEN"));
    for (origin, method, asked, says) in [
        (
            ORIGIN,
            "POST",
            "content-type,x-agent-token,idempotency-key",
            "Disallowed CORS headers",
        ),
        (ORIGIN, "POST", "authorization", "Disallowed CORS headers"),
        (ORIGIN, "DELETE", "content-type", "Disallowed CORS method"),
        (
            "http://localhost:8080",
            "POST",
            "content-type",
            "Disallowed CORS origin",
        ),
        (
            "https://evil.example",
            "PUT",
            "x-y",
            "Disallowed CORS origin, method, headers",
        ),
    ] {
        let got = preflight(origin, method, asked);
        assert_eq!((got.status, got.text().as_str()), (400, says));
    }
    let headers = [("Origin", "https://evil.example"), ("X-AGENT-TOKEN", TOKEN)];
    let got = send(port, "POST", "/tasks", &headers, b"{}", PATIENCE);
    assert_eq!(
        (got.status, got.header("access-control-allow-origin")),
        (200, None)
    );
}

#[test]
fn there_is_no_look_up_and_no_other_path() {
    let port = start(|options| options.required = vec!["title".to_owned()]);
    let get = |path: &str| {
        send(
            port,
            "GET",
            path,
            &[("X-AGENT-TOKEN", TOKEN)],
            b"",
            PATIENCE,
        )
    };
    let got = get("/tasks");
    assert_eq!(
        (got.status, got.json()),
        (405, json!({"detail": "Method Not Allowed"}))
    );
    assert_eq!(got.header("allow"), Some("POST"));
    for path in [
        "/",
        "/tasks/1",
        "/tasks/schema",
        "/healthz",
        "/plain",
        "/plain/ok200/b",
    ] {
        let got = get(path);
        assert_eq!(
            (got.status, got.json()),
            (404, json!({"detail": "Not Found"})),
            "{path}"
        );
    }
    let document = get("/openapi.json").json();
    let post = &document["paths"]["/tasks"]["post"];
    assert_eq!(document["openapi"], "3.1.0");
    assert!(!post["parameters"].to_string().contains("Idempotency-Key"));
    let schema = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["title"]));
    assert_eq!(get("/plain/ok200/b/openapi.json").json(), document);
}

#[test]
fn no_bytes_bring_it_down() {
    let port = start(|_| {});
    let deep = format!("{{\"a\":{}", "[".repeat(200_000));
    for body in [
        &b"\xff\xfe"[..],
        b"{\"a\":\"\xff\"}",
        b"null",
        deep.as_bytes(),
    ] {
        let got = post_with(port, "/tasks", TOKEN, body, PATIENCE);
        let status = if std::str::from_utf8(body).is_ok() {
            422
        } else {
            400
        };
        assert_eq!(got.status, status);
    }
    let large = vec![b' '; 3 * 1024 * 1024];
    let got = post_with(port, "/tasks", TOKEN, &large, PATIENCE);
    assert!(got.status == 413 || got.end == End::Reset, "{got:?}");
    assert_eq!(post(port, "/tasks", "{}").status, 200);
}

#[test]
fn a_server_with_an_answer_time_keeps_to_it_for_any_number_at_once() {
    let answer_time = Duration::from_millis(100);
    let port = start(|options| options.answer_time = answer_time);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let sent = Instant::now();
                assert_eq!(post(port, "/tasks", "{}").status, 200);
                assert!(sent.elapsed() >= answer_time);
            });
        }
    });
    // One after the other they would take twice as long.
    assert!(began.elapsed() < 16 * answer_time, "{:?}", began.elapsed());
    assert_eq!(received(port, "").len(), 32);
}

#[test]
fn a_connection_is_kept_between_posts_that_are_answered_late() {
    let port = start(|options| options.answer_time = Duration::from_millis(20));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "POST /tasks HTTP/1.1\r\nHost: a\r\nX-Agent-Token: {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    for number in 1..=3 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let mut buffer = [0; 1024];
        while !answer.ends_with('}') {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection was closed after {answer}");
            answer.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        assert!(
            answer.ends_with(&format!("{{\"task_id\":{number}}}")),
            "{answer}"
        );
    }
}

#[test]
fn a_browser_may_remember_a_preflight_for_as_long_as_the_server_says() {
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "content-type,x-agent-token",
        ),
    ];
    for (max_age, said) in [(None, "600"), (Some(7_200), "7200")] {
        let port = start(|options| {
            options.preflight_max_age_s = max_age.unwrap_or(options.preflight_max_age_s);
        });
        let got = send(port, "OPTIONS", "/tasks", &headers, b"", PATIENCE);
        assert_eq!(got.status, 200);
        assert_eq!(got.header("access-control-max-age"), Some(said));
    }
}
