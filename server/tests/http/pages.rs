//! The page beside the tasks.

use std::path::PathBuf;

use crate::client::{Request, get, post};
use crate::server::{Start, TestServer};

/// A server on a folder that looks like a checkout after a build.
fn checkout() -> TestServer {
    let start = Start::new();
    for (name, text) in [
        ("index.html", "<!doctype html><title>page</title>"),
        ("Cargo.toml", "SOURCE"),
        ("agent_config.json", "SECRET"),
        (".env", "SECRET"),
        (".git/config", "SECRET"),
        ("src/lib.rs", "SOURCE"),
        ("static/app.css", "body{}"),
        ("static/icon.svg", "<svg/>"),
        ("static/app.webmanifest", "{}"),
        ("static/.hidden", "SECRET"),
        ("pkg/taskwright.js", "export default 1"),
        ("pkg/taskwright_bg.wasm", "\0asm"),
        ("pkg/.gitignore", "*"),
        ("target/debug/x", "SOURCE"),
        ("server/data/tasks.sqlite3", "SECRET"),
    ] {
        start.file(&format!("checkout/{name}"), text);
    }
    let folder: PathBuf = start.folder().join("checkout");
    start.argument("--static-dir", folder).run()
}

#[test]
fn the_page_is_served_with_the_right_types_and_never_stale() {
    let server = checkout();
    for (target, kind) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/static/app.css", "text/css"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/static/app.webmanifest", "application/manifest+json"),
        ("/pkg/taskwright.js", "text/javascript"),
        ("/pkg/taskwright_bg.wasm", "application/wasm"),
    ] {
        let answer = server.send(&get(target));
        assert_eq!(answer.status, 200, "{target}");
        let sent = answer.header("content-type").unwrap();
        assert_eq!(sent.split(';').next(), Some(kind), "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let modified = answer.header("last-modified").unwrap();
        let unchanged = server.send(&get(target).header("If-Modified-Since", modified));
        assert_eq!(unchanged.status, 304, "{target}");
        let head = server.send(&Request::new("HEAD", target));
        assert_eq!((head.status, head.body.len()), (200, 0));
        let part = server.send(&get(target).header("Range", "bytes=0-0"));
        assert_eq!(part.body, answer.body);
    }
}

#[test]
fn every_answer_carries_the_security_headers() {
    let server = checkout();
    for target in [
        "/",
        "/pkg/taskwright.js",
        "/config.json",
        "/tasks",
        "/nowhere",
    ] {
        let answer = server.send(&get(target));
        assert_eq!(
            answer.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                 img-src 'self' data:; font-src 'self'; \
                 connect-src 'self' https: http://localhost:* http://127.0.0.1:*; \
                 manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            )
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            Some("same-origin")
        );
        assert!(answer.header("permissions-policy").is_some());
    }
}

#[test]
fn nothing_but_the_page_is_served_of_a_checkout() {
    let server = checkout();
    for target in [
        "/Cargo.toml",
        "/agent_config.json",
        "/.env",
        "/.git/config",
        "/src/lib.rs",
        "/target/debug/x",
        "/server/data/tasks.sqlite3",
        "/static",
        "/static/",
        "/static/.hidden",
        "/static/%2ehidden",
        "/static/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/..%2fCargo.toml",
        "/static/..%5cCargo.toml",
        "/static//../../Cargo.toml",
        "/static/%00",
        "/pkg/",
        "/pkg/.gitignore",
        "/pkg/%252e%252e/Cargo.toml",
        "/pkg/missing.js",
    ] {
        let answer = server.send(&get(target));
        answer.problem(404, "not_found");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("SECRET") && !text.contains("SOURCE"));
    }
    server
        .send(&post("/static/app.css").body("x"))
        .problem(405, "method_not_allowed");
}

#[test]
fn the_page_is_pointed_at_the_server_that_serves_it() {
    let server = checkout();
    let address = server.address;
    let expected = |url: String| {
        serde_json::json!({"task_server": {
            "url": url, "path": "/tasks", "token_header": "X-AGENT-TOKEN",
            "honours_idempotency_keys": true, "idempotency_key_retention_hours": 168
        }})
    };
    let answer = server.send(&get("/config.json"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.json(), expected(format!("http://{address}")));
    // Under the name the operator typed, so that the page's requests stay within one origin.
    let host = format!("localhost:{}", address.port());
    let named = server.send(&get("/config.json").header("Host", &host));
    assert_eq!(named.json(), expected(format!("http://{host}")));
}

#[test]
fn a_configuration_in_the_folder_is_stronger_and_one_by_name_the_strongest() {
    let server = checkout();
    let own = r#"{ "name": "own" }"#;
    std::fs::write(server.folder().join("checkout/config.json"), own).unwrap();
    assert_eq!(server.send(&get("/config.json")).text(), own);

    let folder = server.folder().join("checkout");
    let start = Start::new();
    let named = start.file("page.json", r#"{ "name": "named" }"#);
    let other = start
        .argument("--static-dir", folder)
        .argument("--page-config", named)
        .run();
    assert_eq!(
        other.send(&get("/config.json")).text(),
        r#"{ "name": "named" }"#
    );
}

#[test]
fn the_page_learns_where_vault_is_and_no_token() {
    let start = Start::new();
    start.file("checkout/index.html", "<!doctype html>");
    let config = start.file(
        "agent_config.json",
        r#"{"AGENT_API_TOKEN":"s3cret-of-the-file","vault":{"address":"https://vault.example.org","secrets_path":"secret/agent","token":"s.vault"}}"#,
    );
    let folder = start.folder().join("checkout");
    let server = start
        .argument("--static-dir", folder)
        .argument("--config", config)
        .run();
    let answer = server.send(&get("/config.json"));
    assert_eq!(
        answer.json()["vault"],
        serde_json::json!({"address": "https://vault.example.org", "secrets_path": "secret/agent"})
    );
    assert!(!answer.text().contains("s3cret") && !answer.text().contains("s.vault"));
    assert_eq!(
        server
            .send(&get("/tasks").token("s3cret-of-the-file"))
            .status,
        200
    );
}
