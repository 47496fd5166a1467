//! `POST /tasks`, each case of the contract.

use crate::client::{Request, post};
use crate::server::{Start, TASK};

#[test]
fn a_task_is_stored_and_confirmed() {
    let server = Start::new().run();
    let response = server.post(TASK);
    assert_eq!(response.status, 201, "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    let receipt = response.json();
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(receipt["status"], "queued");
    assert_eq!(receipt.as_object().unwrap().len(), 3);
    let received_at = receipt["received_at"].as_str().unwrap();
    assert!(
        received_at.len() == 24 && received_at.starts_with("20") && received_at.ends_with('Z'),
        "{received_at}"
    );
    let location = format!("/tasks/{id}");
    assert_eq!(response.header("location"), Some(location.as_str()));
    assert_eq!(server.get(&location).json()["id"], id);
}

#[test]
fn a_repeated_post_gets_the_first_response_again() {
    let server = Start::new().run();
    let first = server.post_with_key("k-1", TASK);
    assert_eq!(first.status, 201);
    assert_eq!(first.header("idempotent-replayed"), None);
    let again = server.post_with_key("k-1", TASK);
    assert_eq!(again.status, 200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn an_idempotency_key_is_refused_with_a_different_body() {
    let server = Start::new().run();
    server.post_with_key("k-1", TASK);
    // A body that differs by one space is different: the contract compares bytes.
    let other = server.post_with_key("k-1", format!("{TASK} "));
    other.problem(422, "idempotency_key_reused");
    assert_eq!(server.stored().len(), 1);
}

#[test]
fn an_idempotency_key_is_valid_across_tokens() {
    let server = Start::new().tokens("new,old").run();
    let send = |token: &str| {
        server.send(
            &post("/tasks")
                .token(token)
                .header("Idempotency-Key", "k")
                .json(TASK),
        )
    };
    assert_eq!(send("old").status, 201);
    assert_eq!(send("new").status, 200);
}

#[test]
fn without_an_idempotency_key_every_post_stores_a_task() {
    let server = Start::new().run();
    assert_ne!(
        server.post(TASK).json()["id"],
        server.post(TASK).json()["id"]
    );
    assert_eq!(server.stored().len(), 2);
}

#[test]
fn an_error_response_is_not_replayed() {
    let server = Start::new().run();
    server
        .post_with_key("k", "{}")
        .problem(422, "schema_violation");
    assert_eq!(server.post_with_key("k", TASK).status, 201);
}

#[test]
fn a_replay_does_not_depend_on_the_current_schema() {
    let server = Start::new().any_task().run();
    let first = server.post_with_key("k", "[1]");
    assert_eq!(first.status, 201);
    let start = server.kill();
    start.file("anything.schema.json", r#"{"type":"object"}"#);
    let server = start.run();
    server.post("[1]").problem(422, "schema_violation");
    assert_eq!(server.post_with_key("k", "[1]").body, first.body);
}

#[test]
fn invalid_idempotency_keys_are_refused() {
    let server = Start::new().run();
    for key in ["", "a\tb", "schl\u{fc}ssel", &"k".repeat(256)] {
        server
            .post_with_key(key, TASK)
            .problem(400, "invalid_idempotency_key");
    }
    let twice = post("/tasks")
        .token("changeme")
        .header("Idempotency-Key", "a")
        .header("Idempotency-Key", "a")
        .json(TASK);
    server.send(&twice).problem(400, "invalid_idempotency_key");
    assert!(server.stored().is_empty());
    assert_eq!(server.post_with_key(&"k".repeat(255), TASK).status, 201);
}

#[test]
fn malformed_json_is_refused_with_its_position() {
    let server = Start::new().any_task().run();
    for (body, line, column) in [
        ("", 1, 1),
        ("{\n  \"a\": tru\n}", 2, 8),
        ("{} {}", 1, 4),
        ("\u{feff}{}", 1, 1),
        ("{'a': 1}", 1, 2),
    ] {
        let problem = server.post(body).problem(400, "malformed_json");
        assert_eq!(problem["line"], line, "{body:?} {problem}");
        let found = problem["column"].as_u64().unwrap();
        assert!(found.abs_diff(column) <= 3, "{body:?} {problem}");
    }
    let problem = server
        .post(b"{\n\"a\": \"\xff\"}".to_vec())
        .problem(400, "malformed_json");
    assert_eq!(problem["line"], 2);
    server
        .post("[".repeat(100_000))
        .problem(400, "malformed_json");
    assert!(server.stored().is_empty());
}

#[test]
fn a_missing_or_wrong_token_is_refused() {
    let server = Start::new().run();
    let requests = [
        post("/tasks").json(TASK),
        post("/tasks").token("wrong").json(TASK),
        post("/tasks").token("").json(TASK),
        post("/tasks")
            .token("changeme")
            .token("changeme")
            .json(TASK),
        post("/tasks").token("changeme,other").json(TASK),
        Request::new("GET", "/tasks"),
        Request::new("GET", "/tasks/some-id"),
        Request::new("GET", "/tasks?idempotency_key=k").token("Changeme"),
    ];
    for request in requests {
        let response = server.send(&request);
        response.problem(401, "bad_token");
        assert!(response.header("www-authenticate").is_some());
    }
    assert!(server.stored().is_empty());
}

#[test]
fn only_json_is_accepted() {
    let server = Start::new().run();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
    ] {
        let request = post("/tasks")
            .token("changeme")
            .header("Content-Type", kind)
            .body(TASK);
        server.send(&request).problem(415, "unsupported_media_type");
    }
    let none = post("/tasks").token("changeme").body(TASK);
    server.send(&none).problem(415, "unsupported_media_type");
    let compressed = post("/tasks")
        .token("changeme")
        .header("Content-Encoding", "gzip")
        .json(TASK);
    server
        .send(&compressed)
        .problem(415, "unsupported_media_type");
    let plain = post("/tasks")
        .token("changeme")
        .header("Content-Type", "application/json; charset=UTF-8")
        .body(TASK);
    assert_eq!(server.send(&plain).status, 201);
}

#[test]
fn all_violations_of_the_schema_are_reported() {
    let server = Start::new().run();
    let broken =
        r#"{"key":"Not A Key","title":"ab","instructions":"x","priority":"soon","extra":1}"#;
    let problem = server.post(broken).problem(422, "schema_violation");
    let violations = problem["violations"].as_array().unwrap();
    let broken: Vec<(&str, &str)> = violations
        .iter()
        .map(|violation| {
            for member in ["schema_path", "message"] {
                assert!(violation[member].is_string(), "{violation}");
            }
            (
                violation["instance_path"].as_str().unwrap(),
                violation["keyword"].as_str().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("/key", "pattern"),
        ("/title", "minLength"),
        ("/priority", "enum"),
        ("", "additionalProperties"),
    ] {
        assert!(broken.contains(&expected), "{expected:?} in {broken:?}");
    }
    assert!(server.stored().is_empty());
}

#[test]
fn a_duplicate_member_is_refused() {
    let server = Start::new().run();
    let twice = TASK.replace("\"priority\"", "\"title\":\"Another\",\"priority\"");
    let problem = server.post(twice).problem(422, "schema_violation");
    assert_eq!(problem["violations"][0]["keyword"], "duplicateMember");
}

#[test]
fn the_operators_own_schema_is_enforced() {
    let start = Start::new();
    let schema = r#"{ "type": "object", "required": ["action"],  "properties": {"action": {"const": "sweep"}} }"#;
    let file = start.file("own.json", schema);
    let server = start.argument("--schema", file).run();
    assert_eq!(server.post(r#"{"action":"sweep"}"#).status, 201);
    server.post(TASK).problem(422, "schema_violation");
    assert_eq!(server.get("/tasks/schema").text(), schema);
}
