//! What each token may be used for.

use crate::client::{Request, get, post};
use crate::server::{Start, TASK};
use crate::upstream::{Upstream, json};

/// The token of each list, and one of several lists.
const TOKENS: [(&str, &[&str]); 6] = [
    ("t-api", &["post", "read"]),
    ("t-post", &["post"]),
    ("t-read", &["read"]),
    ("t-model", &["model"]),
    ("t-post-model", &["post", "model"]),
    ("t-all", &["post", "read", "model"]),
];

fn with_every_list(start: Start) -> Start {
    start
        .variable("AGENT_API_TOKEN", "t-api, t-all")
        .variable("AGENT_POST_TOKEN", "t-post,t-post-model")
        .variable("AGENT_READ_TOKEN", "t-read")
        .variable("AGENT_MODEL_TOKEN", "t-model,t-post-model,t-all")
}

/// Every route that needs a token, with its scope and the status that shows that it was reached.
fn routes() -> Vec<(Request, &'static str, u16)> {
    vec![
        (post("/tasks").json(TASK), "post", 201),
        (get("/tasks"), "read", 200),
        (Request::new("HEAD", "/tasks"), "read", 200),
        (get("/tasks?idempotency_key=k"), "read", 200),
        (get("/tasks/absent"), "read", 404),
        (post("/v1/chat/completions").json("{}"), "model", 200),
        (post("/v1/responses").json("{}"), "model", 200),
        (get("/v1/models"), "model", 200),
        (Request::new("HEAD", "/v1/models"), "model", 200),
    ]
}

#[test]
fn every_route_accepts_exactly_the_tokens_with_its_scope() {
    let upstream = Upstream::fixed(json("200 OK", "", "{}"));
    let server = with_every_list(Start::new())
        .argument("--model-endpoint", upstream.url())
        .flag("--model-needs-no-key")
        .run();
    for (request, scope, reached) in routes() {
        for (token, scopes) in TOKENS {
            let response = server.send(&request.clone().token(token));
            let case = format!("{request:?} {token}");
            if scopes.contains(&scope) {
                assert_eq!(response.status, reached, "{case}");
                continue;
            }
            assert_eq!(response.status, 403, "{case}");
            if !response.body.is_empty() {
                let problem = response.problem(403, "insufficient_scope");
                assert_eq!(problem["scope"], scope, "{case}");
            }
        }
        let wrong = server.send(&request.clone().token("t-none"));
        assert_eq!(wrong.status, 401, "{request:?}");
        assert_eq!(server.send(&request).status, 401, "{request:?}");
    }
    for target in ["/healthz", "/openapi.json", "/tasks/schema"] {
        for (token, _) in TOKENS {
            let response = server.send(&get(target).token(token));
            assert_eq!(response.status, 200, "{target}");
        }
    }
}

#[test]
fn a_token_of_another_scope_is_no_wrong_guess() {
    let server = with_every_list(Start::new()).run();
    let started = std::time::Instant::now();
    for _ in 0..25 {
        let response = server.send(&get("/tasks").token("t-post"));
        response.problem(403, "insufficient_scope");
    }
    // The delay of the 25th wrong token alone would be 4 seconds.
    assert!(started.elapsed() < std::time::Duration::from_secs(3));
}

#[test]
fn the_configuration_file_has_the_same_lists() {
    let start = Start::new();
    let file = start.file(
        "agent_config.json",
        r#"{"AGENT_API_TOKEN":"of-file","AGENT_READ_TOKEN":"reader"}"#,
    );
    let server = start
        .argument("--config", file)
        .variable("AGENT_API_TOKEN", "of-environment")
        .run();
    let status = |request: Request, token: &str| server.send(&request.token(token)).status;
    assert_eq!(status(get("/tasks"), "reader"), 200);
    assert_eq!(status(post("/tasks").json(TASK), "reader"), 403);
    assert_eq!(status(get("/tasks"), "of-environment"), 200);
    assert_eq!(status(get("/tasks"), "of-file"), 401);
    let line = &server.announcement;
    assert!(
        line.contains("AGENT_API_TOKEN of the environment"),
        "{line}"
    );
    assert!(line.contains("AGENT_READ_TOKEN of the --config"), "{line}");
}

#[test]
fn an_empty_list_of_any_scope_keeps_the_server_from_starting() {
    for name in ["AGENT_POST_TOKEN", "AGENT_READ_TOKEN", "AGENT_MODEL_TOKEN"] {
        let output = Start::new().tokens("own").variable(name, " ").fail();
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(&format!("{name} is set")), "{text}");
    }
}

#[test]
fn the_log_names_a_token_by_its_number() {
    let server = with_every_list(Start::new()).run();
    server.send(&get("/tasks").token("t-all"));
    server.send(&get("/tasks").token("t-post"));
    server.send(&get("/tasks").token("t-none"));
    let log = server.log();
    let numbers: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split_once(" token="))
        .map(|(_, rest)| rest.split(' ').next().unwrap())
        .collect();
    assert_eq!(numbers, ["2", "3", "0"], "{log}");
    assert!(!log.contains("t-"), "{log}");
}
