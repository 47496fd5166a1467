//! Secrets stay out of the log.

use crate::client::{get, post};
use crate::server::{Start, TASK};

#[test]
fn no_token_header_body_or_url_is_logged() {
    let server = Start::new()
        .tokens("s3cret-token,s3cret-second")
        .argument("--log-level", "trace")
        .argument("--max-store-size", "1")
        .any_task()
        .run();
    let requests = [
        post("/tasks")
            .token("s3cret-token")
            .json(r#"{"a":"s3cret-body"}"#),
        post("/tasks")
            .token("s3cret-token")
            .header("Idempotency-Key", "s3cret-key")
            .header("Authorization", "Bearer s3cret-bearer")
            .json("\"s3cret-body\""),
        post("/tasks")
            .token("s3cret-token")
            .json("{\"s3cret-broken"),
        post("/tasks").token("s3cret-wrong").json(TASK),
        post("/tasks")
            .token("s3cret-token")
            .json(format!("\"s3cret-large{}\"", "x".repeat(1_045_000))),
        get("/tasks?idempotency_key=s3cret-query").token("s3cret-token"),
        get("/tasks?s3cret-name=1").token("s3cret-token"),
        get("/tasks/s3cret-path").token("s3cret-second"),
        get("/s3cret-nowhere").header("Origin", "https://s3cret.example"),
        get("/healthz").header("Host", "s3cret.example"),
    ];
    let statuses: Vec<u16> = requests
        .iter()
        .map(|request| server.send(request).status)
        .collect();
    assert_eq!(statuses, [201, 201, 400, 401, 503, 200, 400, 404, 404, 200]);
    let log = server.log();
    assert!(!log.contains("s3cret"), "{log}");
    assert!(!server.announcement.contains("s3cret"));
    // The requests themselves are logged.
    assert_eq!(log.matches(" request ").count(), requests.len(), "{log}");
    for expected in [
        "status=201",
        "code=\"bad_token\"",
        "route=\"/tasks/{id}\"",
        "store_unavailable",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
}
