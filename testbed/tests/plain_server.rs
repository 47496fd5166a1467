//! The plain task server and its variants, over real HTTP.
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
use support::{End, ORIGIN, Response, TIMEOUT, TOKEN, send, start};

const BODY: &str = r#"{"title": "Tidy up", "amount": 12345678901234567890}"#;

fn post_with(port: u16, path: &str, token: &str, body: &[u8], timeout: Duration) -> Response {
    let headers = [
        ("Content-Type", "application/json"),
        ("X-AGENT-TOKEN", token),
        ("Origin", ORIGIN),
    ];
    send(port, "POST", path, &headers, body, timeout)
}

fn post(port: u16, path: &str, body: &str) -> Response {
    post_with(port, path, TOKEN, body.as_bytes(), TIMEOUT)
}

/// Posts to a bucket of a variant.
fn post_to(port: u16, variant: &str) -> Response {
    post(port, &format!("/plain/{variant}/b/tasks"), BODY)
}

fn received(port: u16, base: &str) -> Vec<Value> {
    let response = send(port, "GET", &format!("{base}/_received"), &[], b"", TIMEOUT);
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    response.json()["received"].as_array().unwrap().clone()
}

#[test]
fn any_object_is_stored_and_idempotency_keys_are_ignored() {
    let port = start(|_| {});
    for number in 1..=3 {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-AGENT-TOKEN", TOKEN),
            ("Idempotency-Key", "the same every time"),
        ];
        let response = send(port, "POST", "/tasks", &headers, b"{}", TIMEOUT);
        assert_eq!(
            (response.status, response.json()),
            (200, json!({"task_id": number}))
        );
    }
    assert_eq!(received(port, "").len(), 3);
}

#[test]
fn received_posts_are_listed_byte_for_byte_in_order() {
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
        let response = send(port, "GET", &path, &[], b"", TIMEOUT);
        assert_eq!(response.body(), body.as_bytes());
    }
    let token = json!(["x-agent-token", TOKEN]);
    assert!(list[0]["headers"].as_array().unwrap().contains(&token));
    let missing = send(
        port,
        "GET",
        "/plain/ok200/bytes/_received/9",
        &[],
        b"",
        TIMEOUT,
    );
    assert_eq!(missing.status, 404);
    assert_eq!(received(port, "/plain/ok200/other").len(), 0);
}

#[test]
fn a_wrong_token_is_refused_and_a_page_can_read_why() {
    let port = start(|_| {});
    for token in ["", "changeme", "test-token-longer"] {
        let response = post_with(port, "/tasks", token, b"{}", TIMEOUT);
        assert_eq!(response.status, 401);
        assert!(response.json()["detail"].is_string());
        assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    }
    assert!(received(port, "").iter().all(|it| it["stored"] == false));
}

#[test]
fn a_body_that_is_not_an_object_gets_fastapis_422() {
    let port = start(|options| options.required = vec!["title".to_owned()]);
    for (body, kind, location) in [
        ("[1]", "dict_type", json!(["body"])),
        ("\"x\"", "dict_type", json!(["body"])),
        ("{\"name\": 1}", "missing", json!(["body", "title"])),
    ] {
        let response = post(port, "/tasks", body);
        let detail = &response.json()["detail"][0];
        assert_eq!(response.status, 422);
        assert_eq!((&detail["type"], &detail["loc"]), (&json!(kind), &location));
        let input: Value = serde_json::from_str(body).unwrap();
        assert_eq!(detail["input"], input);
        assert!(detail["msg"].is_string());
    }
    for body in ["", "{", "{\"title\":}"] {
        let response = post(port, "/tasks", body);
        assert_eq!(response.status, 422, "{body}");
        assert_eq!(response.json()["detail"][0]["type"], "json_invalid");
    }
    let headers = [("Content-Type", "text/plain"), ("X-AGENT-TOKEN", TOKEN)];
    let response = send(port, "POST", "/tasks", &headers, BODY.as_bytes(), TIMEOUT);
    assert_eq!(response.json()["detail"][0]["type"], "dict_type");
}

#[test]
fn every_variant_responds_as_documented() {
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
        let response = post_to(port, variant);
        assert_eq!(
            (response.status, response.json()),
            (status, body),
            "{variant}"
        );
        assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
        let list = received(port, &format!("/plain/{variant}/b"));
        assert_eq!(
            (list.len(), &list[0]["stored"]),
            (1, &json!(stored)),
            "{variant}"
        );
    }
    let response = post_to(port, "requires_payload");
    assert_eq!(
        response.json()["detail"][0]["loc"],
        json!(["body", "payload"])
    );
    let response = post_to(port, "forbids_title");
    assert_eq!(response.status, 422);
    assert_eq!(response.json()["detail"][0]["type"], "extra_forbidden");
    let response = post_to(port, "empty204");
    assert_eq!((response.status, response.body().len()), (204, 0));
    assert_eq!(post_to(port, "text").text(), "OK");
    let response = post_to(port, "html");
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let response = post_to(port, "none");
    assert_eq!(response.status, 404);
    assert!(response.text().contains("no variant `none`"));
}

#[test]
fn an_echo_repeats_the_token() {
    let port = start(|_| {});
    for (variant, status, stored) in [
        ("echo_401", 401, false),
        ("echo_422", 422, false),
        ("echo_500", 500, false),
        ("echo_html", 502, false),
        ("echo_receipt", 201, true),
    ] {
        let response = post_to(port, variant);
        assert_eq!(response.status, status, "{variant}");
        assert!(response.text().contains(TOKEN), "{variant}");
        assert_eq!(response.header("x-echo"), Some(TOKEN), "{variant}");
        let list = received(port, &format!("/plain/{variant}/b"));
        assert_eq!(list[0]["stored"], stored, "{variant}");
    }
    assert_eq!(post_to(port, "echo_receipt").json()["id"], TOKEN);
}

#[test]
fn retry_after_is_readable_or_hidden() {
    let port = start(|_| {});
    for (variant, status, exposed) in [
        ("rate429", 429, Some("retry-after")),
        ("rate429_hidden", 429, None),
        ("error503_retry_after", 503, Some("retry-after")),
        ("error503_hidden", 503, None),
    ] {
        let response = post_to(port, variant);
        assert_eq!(
            (response.status, response.header("retry-after")),
            (status, Some("1"))
        );
        assert_eq!(
            response.header("access-control-expose-headers"),
            exposed,
            "{variant}"
        );
    }
    assert_eq!(post_to(port, "status_503").header("retry-after"), None);
}

#[test]
fn an_unhandled_error_stores_the_task_and_no_page_can_read_it() {
    let port = start(|_| {});
    for (path, body) in [
        ("/plain/error500_nocors/b", BODY),
        ("/plain/ok200/b", r#"{"title": "Tidy up [500]"}"#),
    ] {
        let response = post(port, &format!("{path}/tasks"), body);
        assert_eq!(
            (response.status, response.text()),
            (500, "Internal Server Error".to_owned())
        );
        assert_eq!(response.header("access-control-allow-origin"), None);
        assert_eq!(received(port, path)[0]["stored"], true);
    }
}

#[test]
fn hang_and_drop_store_the_task_and_drop_unstored_does_not() {
    let port = start(|_| {});
    let brief = Duration::from_millis(500);
    let silent = post_with(port, "/plain/hang/b/tasks", TOKEN, BODY.as_bytes(), brief);
    assert_eq!((silent.status, silent.end), (0, End::Timeout));
    for (variant, stored) in [("drop", true), ("drop_unstored", false)] {
        let response = post_to(port, variant);
        assert_eq!(
            (response.status, response.end),
            (0, End::Reset),
            "{variant}"
        );
        let list = received(port, &format!("/plain/{variant}/b"));
        assert_eq!((list.len(), &list[0]["stored"]), (1, &json!(stored)));
        assert_eq!(list[0]["status"], Value::Null);
    }
    assert_eq!(received(port, "/plain/hang/b")[0]["stored"], true);
}

#[test]
fn a_preflight_of_drop_closes_its_connection() {
    let port = start(|_| {});
    let preflight = |variant: &str| {
        let path = format!("/plain/{variant}/b/tasks");
        let headers = [
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "POST"),
        ];
        send(port, "OPTIONS", &path, &headers, b"", TIMEOUT)
    };
    assert_eq!(preflight("drop").header("connection"), Some("close"));
    assert_eq!(preflight("ok200").header("connection"), None);
}

#[test]
fn a_variant_can_apply_to_the_first_or_the_later_posts_of_a_bucket() {
    let port = start(|_| {});
    let statuses = |variant: &str, count: usize| -> Vec<u16> {
        (0..count).map(|_| post_to(port, variant).status).collect()
    };
    assert_eq!(statuses("rate429_first_2", 4), [429, 429, 200, 200]);
    assert_eq!(statuses("unauthorized_after_2", 4), [200, 200, 401, 401]);
    let renewed = format!("{TOKEN}-renewed");
    let path = "/plain/unauthorized_after_2/b/tasks";
    let response = post_with(port, path, &renewed, BODY.as_bytes(), TIMEOUT);
    assert_eq!(response.json()["task_id"], 3);
}

#[test]
fn a_missing_or_extra_trailing_slash_redirects() {
    for (trailing_slash, declared, other) in
        [(false, "/tasks", "/tasks/"), (true, "/tasks/", "/tasks")]
    {
        let port = start(|options| options.trailing_slash = trailing_slash);
        assert_eq!(post(port, declared, BODY).status, 200);
        let response = post(port, &format!("{other}?a=b"), BODY);
        let location = format!("http://127.0.0.1:{port}{declared}?a=b");
        assert_eq!(
            (response.status, response.header("location")),
            (307, Some(location.as_str()))
        );
        assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(received(port, "").len(), 1);
    }
    let port = start(|_| {});
    assert_eq!(post_to(port, "redirect307").status, 307);
    assert_eq!(post(port, "/plain/redirect307/b/tasks/", BODY).status, 200);
}

#[test]
fn a_get_redirects_like_a_post() {
    let port = start(|_| {});
    let get = |path: &str| send(port, "GET", path, &[], b"", TIMEOUT);
    assert_eq!(get("/plain/redirect307/b/tasks").status, 307);
    assert_eq!(get("/plain/redirect307/b/tasks/").status, 405);
    assert_eq!(get("/plain/ok200/b/tasks/").status, 307);
}

#[test]
fn refusals_have_the_forms_of_frameworks() {
    let port = start(|_| {});
    for (variant, status, part) in [
        ("refusal_problem", 422, "\"pointer\":\"#/title\""),
        (
            "refusal_jsonapi",
            422,
            "\"pointer\":\"/data/attributes/title\"",
        ),
        (
            "refusal_rails",
            422,
            "{\"errors\":{\"title\":[\"is too long\"]}}",
        ),
        ("refusal_validator", 400, "\"location\":\"body\""),
        ("refusal_zod", 400, "\"issues\":[{"),
        ("duplicate409", 409, "duplicate_title"),
        ("in_progress409", 409, "in_progress"),
        ("contradiction_error", 200, "{\"error\":{"),
        ("contradiction_nested", 200, "\"success\":false"),
        ("contradiction_text", 200, "ERROR: "),
    ] {
        let response = post_to(port, variant);
        assert_eq!(response.status, status, "{variant}");
        assert!(
            response.text().contains(part),
            "{variant}: {}",
            response.text()
        );
        assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
        let received = received(port, &format!("/plain/{variant}/b"));
        assert_eq!(received[0]["stored"], false, "{variant}");
    }
}

#[test]
fn a_firewall_blocks_the_bodies_with_its_text() {
    let port = start(|_| {});
    let path = "/plain/blocks_fern/b/tasks";
    let blocked = post(port, path, r#"{"title": "Water the fern"}"#);
    assert_eq!(blocked.status, 403);
    assert!(blocked.text().contains("Request blocked"));
    assert_eq!(
        post(port, path, r#"{"title": "Water the rose"}"#).status,
        200
    );
}

#[test]
fn a_task_can_be_stored_although_the_response_does_not_say_so() {
    for (variant, status) in [("303_after_store", 303), ("503_after_store", 503)] {
        let port = start(|_| {});
        let response = post_to(port, variant);
        assert_eq!(response.status, status, "{variant}");
        assert_eq!(response.header("retry-after"), None, "{variant}");
        assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
        let received = received(port, &format!("/plain/{variant}/b"));
        assert_eq!(received[0]["stored"], true, "{variant}");
    }
}

#[test]
fn cors_is_that_of_starlette() {
    let port = start(|_| {});
    let preflight = |origin: &str, method: &str, headers: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", headers),
        ];
        send(port, "OPTIONS", "/tasks", &headers, b"", TIMEOUT)
    };
    let response = preflight(ORIGIN, "POST", "content-type, X-Agent-Token");
    assert_eq!((response.status, response.text()), (200, "OK".to_owned()));
    assert_eq!(response.header("access-control-allow-origin"), Some(ORIGIN));
    let headers = response.header("access-control-allow-headers").unwrap();
    assert!(headers.ends_with("Content-Type, X-AGENT-TOKEN"));
    for (origin, method, headers, expected) in [
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
        let response = preflight(origin, method, headers);
        assert_eq!((response.status, response.text().as_str()), (400, expected));
    }
    let headers = [("Origin", "https://evil.example"), ("X-AGENT-TOKEN", TOKEN)];
    let response = send(port, "POST", "/tasks", &headers, b"{}", TIMEOUT);
    assert_eq!(
        (
            response.status,
            response.header("access-control-allow-origin")
        ),
        (200, None)
    );
}

#[test]
fn there_is_no_look_up_and_other_paths_are_404() {
    let port = start(|options| options.required = vec!["title".to_owned()]);
    let get = |path: &str| send(port, "GET", path, &[("X-AGENT-TOKEN", TOKEN)], b"", TIMEOUT);
    let response = get("/tasks");
    assert_eq!(
        (response.status, response.json()),
        (405, json!({"detail": "Method Not Allowed"}))
    );
    assert_eq!(response.header("allow"), Some("POST"));
    for path in [
        "/",
        "/tasks/1",
        "/tasks/schema",
        "/healthz",
        "/plain",
        "/plain/ok200/b",
    ] {
        let response = get(path);
        assert_eq!(
            (response.status, response.json()),
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
fn invalid_bodies_are_refused_and_the_server_keeps_running() {
    let port = start(|_| {});
    let deep = format!("{{\"a\":{}", "[".repeat(200_000));
    for body in [
        &b"\xff\xfe"[..],
        b"{\"a\":\"\xff\"}",
        b"null",
        deep.as_bytes(),
    ] {
        let response = post_with(port, "/tasks", TOKEN, body, TIMEOUT);
        let status = if std::str::from_utf8(body).is_ok() {
            422
        } else {
            400
        };
        assert_eq!(response.status, status);
    }
    let large = vec![b' '; 3 * 1024 * 1024];
    let response = post_with(port, "/tasks", TOKEN, &large, TIMEOUT);
    assert!(
        response.status == 413 || response.end == End::Reset,
        "{response:?}"
    );
    assert_eq!(post(port, "/tasks", "{}").status, 200);
}

#[test]
fn the_response_time_does_not_depend_on_the_number_of_posts() {
    let response_time = Duration::from_millis(100);
    let port = start(|options| options.response_time = response_time);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let sent = Instant::now();
                assert_eq!(post(port, "/tasks", "{}").status, 200);
                assert!(sent.elapsed() >= response_time);
            });
        }
    });
    // Sequentially they would take twice as long.
    assert!(
        began.elapsed() < 16 * response_time,
        "{:?}",
        began.elapsed()
    );
    assert_eq!(received(port, "").len(), 32);
}

#[test]
fn a_connection_is_reused_after_a_delayed_response() {
    let port = start(|options| options.response_time = Duration::from_millis(20));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let request = format!(
        "POST /tasks HTTP/1.1\r\nHost: a\r\nX-Agent-Token: {TOKEN}\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    for number in 1..=3 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        let mut buffer = [0; 1024];
        while !response.ends_with('}') {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the connection was closed after {response}");
            response.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
        assert!(
            response.ends_with(&format!("{{\"task_id\":{number}}}")),
            "{response}"
        );
    }
}

#[test]
fn the_max_age_of_a_preflight_is_configurable() {
    let headers = [
        ("Origin", ORIGIN),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "content-type,x-agent-token",
        ),
    ];
    for (max_age, expected) in [(None, "600"), (Some(7_200), "7200")] {
        let port = start(|options| {
            options.preflight_max_age_s = max_age.unwrap_or(options.preflight_max_age_s);
        });
        let response = send(port, "OPTIONS", "/tasks", &headers, b"", TIMEOUT);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("access-control-max-age"), Some(expected));
    }
}
