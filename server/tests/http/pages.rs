//! The page and its configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use taskwright::settings::config::Config;

use crate::client::{Request, get, post};
use crate::server::{Start, TestServer};

/// A server on a folder that looks like a checkout after a build.
fn checkout() -> TestServer {
    let start = Start::new();
    for (name, text) in [
        ("index.html", "<!doctype html><title>page</title>"),
        ("sw.js", "addEventListener"),
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
        ("assets/0123456789abcdef/style.css", "body{color:red}"),
        ("assets/0123456789abcdef/style.css.br", "(brotli)"),
        ("assets/0123456789abcdef/style.css.gz", "(gzip)"),
        ("target/debug/x", "SOURCE"),
        ("server/data/tasks.sqlite3", "SECRET"),
    ] {
        start.file(&format!("checkout/{name}"), text);
    }
    let folder: PathBuf = start.folder().join("checkout");
    start.argument("--static-dir", folder).run()
}

#[test]
fn the_page_is_served_with_its_media_types_and_revalidated() {
    let server = checkout();
    for (target, kind) in [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/sw.js", "text/javascript"),
        ("/static/app.css", "text/css"),
        ("/static/icon.svg", "image/svg+xml"),
        ("/static/app.webmanifest", "application/manifest+json"),
        ("/pkg/taskwright.js", "text/javascript"),
        ("/pkg/taskwright_bg.wasm", "application/wasm"),
    ] {
        let response = server.send(&get(target));
        assert_eq!(response.status, 200, "{target}");
        let sent = response.header("content-type").unwrap();
        assert_eq!(sent.split(';').next(), Some(kind), "{target}");
        assert_eq!(response.header("cache-control"), Some("no-cache"));
        let modified = response.header("last-modified").unwrap();
        let unchanged = server.send(&get(target).header("If-Modified-Since", modified));
        assert_eq!(unchanged.status, 304, "{target}");
        let head = server.send(&Request::new("HEAD", target));
        assert_eq!((head.status, head.body.len()), (200, 0));
        let part = server.send(&get(target).header("Range", "bytes=0-0"));
        assert_eq!(part.body, response.body);
    }
}

#[test]
fn a_compressed_file_is_sent_if_the_browser_accepts_it() {
    let server = checkout();
    let target = "/assets/0123456789abcdef/style.css";
    for (accepted, encoding, body) in [
        (None, None, "body{color:red}"),
        (Some("gzip"), Some("gzip"), "(gzip)"),
        (Some("gzip, deflate, br, zstd"), Some("br"), "(brotli)"),
        (Some("br;q=0, gzip"), Some("gzip"), "(gzip)"),
        (Some("identity"), None, "body{color:red}"),
    ] {
        let mut request = get(target);
        if let Some(accepted) = accepted {
            request = request.header("Accept-Encoding", accepted);
        }
        let response = server.send(&request);
        assert_eq!(
            response.header("content-encoding"),
            encoding,
            "{accepted:?}"
        );
        assert_eq!(
            String::from_utf8_lossy(&response.body),
            body,
            "{accepted:?}"
        );
        let kind = response.header("content-type").unwrap();
        assert!(kind.starts_with("text/css"), "{accepted:?}: {kind}");
        let varies = response.header("vary").unwrap();
        assert!(varies.contains("accept-encoding"), "{accepted:?}: {varies}");
    }
    // Not compressed: sent as it is.
    let plain = server.send(&get("/static/app.css").header("Accept-Encoding", "br, gzip"));
    assert_eq!(plain.header("content-encoding"), None);
}

#[test]
fn only_files_named_after_their_contents_are_kept_without_asking() {
    let server = checkout();
    let asset = server.send(&get("/assets/0123456789abcdef/style.css"));
    assert_eq!(
        asset.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let missing = server.send(&get("/assets/0123456789abcdef/nothing.css"));
    assert_eq!(missing.status, 404);
    let caching = missing.header("cache-control").unwrap_or_default();
    assert!(!caching.contains("immutable"), "{caching}");
}

#[test]
fn every_response_has_the_security_headers() {
    let server = checkout();
    for target in [
        "/",
        "/pkg/taskwright.js",
        "/config.json",
        "/tasks",
        "/nowhere",
    ] {
        let response = server.send(&get(target));
        assert_eq!(
            response.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                 img-src 'self' data:; \
                 connect-src 'self' https: http://localhost:* http://127.0.0.1:*; \
                 manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            )
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            response.header("cross-origin-opener-policy"),
            Some("same-origin")
        );
        assert!(response.header("permissions-policy").is_some());
    }
}

/// The directives of a content security policy with their sources.
fn directives(policy: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut directives = BTreeMap::new();
    for directive in policy.split(';') {
        let mut words = directive.split_whitespace().map(str::to_owned);
        if let Some(name) = words.next() {
            let before = directives.insert(name.clone(), words.collect());
            assert_eq!(before, None, "{name} occurs twice");
        }
    }
    directives
}

/// A file of the repository.
fn repository_file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let after = text.split_once(start).unwrap().1;
    after.split_once(end).unwrap().0
}

/// The directives that only a header may have, each with the reason.
const HEADER_ONLY: [(&str, &str); 1] = [(
    "frame-ancestors",
    "browsers ignore it in a <meta> element; static/shell.js refuses to run in a foreign frame",
)];

/// The directives that only the `<meta>` element has, each with the reason.
const META_ONLY: [(&str, &str); 2] = [
    (
        "require-trusted-types-for",
        "a page that mounts Taskwright itself may not load static/shell.js, which has the policy",
    ),
    ("trusted-types", "as above"),
];

#[test]
fn the_policies_of_the_server_the_page_and_the_documentation_are_the_same() {
    let server = checkout();
    let response = server.send(&get("/"));
    let mut header = directives(response.header("content-security-policy").unwrap());
    let page = repository_file("index.html");
    let mut meta = directives(between(
        between(&page, "http-equiv=\"Content-Security-Policy\"", ">"),
        "content=\"",
        "\"",
    ));
    let documentation = repository_file("SECURITY.md");
    let section = between(&documentation, "## The page's policy", "\n## ");
    let documented = directives(between(section, "```", "```"));
    assert_eq!(documented, meta);
    for (policy, only) in [(&mut header, &HEADER_ONLY[..]), (&mut meta, &META_ONLY[..])] {
        for (name, reason) in only {
            assert!(!reason.is_empty());
            assert!(policy.remove(*name).is_some(), "{name} is missing");
        }
    }
    assert_eq!(header, meta);
}

#[test]
fn the_header_files_for_other_hosts_have_the_page_s_policy() {
    let page = repository_file("index.html");
    let meta = between(&page, "http-equiv=\"Content-Security-Policy\"", ">");
    let meta = directives(between(meta, "content=\"", "\""));
    for (file, start, end) in [
        ("_headers", "Content-Security-Policy: ", "\n"),
        ("nginx.conf", "Content-Security-Policy \"", "\""),
        ("Caddyfile", "Content-Security-Policy \"", "\""),
    ] {
        let text = repository_file(&format!("xtask/src/dist/hosts/{file}"));
        let mut header = directives(between(&text, start, end));
        for (name, _) in HEADER_ONLY {
            assert!(header.remove(name).is_some(), "{file}: {name} is missing");
        }
        assert_eq!(header, meta, "{file}");
    }
}

#[test]
fn only_the_page_is_served_from_a_checkout() {
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
        let response = server.send(&get(target));
        response.problem(404, "not_found");
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert!(!text.contains("SECRET") && !text.contains("SOURCE"));
    }
    server
        .send(&post("/static/app.css").body("x"))
        .problem(405, "method_not_allowed");
}

#[test]
fn the_generated_configuration_names_this_server() {
    let server = checkout();
    let address = server.address;
    let expected = |url: String| {
        serde_json::json!({"task_server": {
            "url": url, "path": "/tasks", "token_header": "X-AGENT-TOKEN",
            "honours_idempotency_keys": true, "idempotency_key_retention_hours": 168, "concurrency": 4
        }})
    };
    let response = server.send(&get("/config.json"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("cache-control"), Some("no-cache"));
    assert_eq!(response.json(), expected(format!("http://{address}")));
    // With the host the operator typed, so that the page's requests are same-origin.
    let host = format!("localhost:{}", address.port());
    let named = server.send(&get("/config.json").header("Host", &host));
    assert_eq!(named.json(), expected(format!("http://{host}")));
}

#[test]
fn config_json_in_the_folder_overrides_the_generated_one_and_page_config_overrides_both() {
    let server = checkout();
    let own = r#"{ "name": "own" }"#;
    std::fs::write(server.folder().join("checkout/config.json"), own).unwrap();
    assert_eq!(server.send(&get("/config.json")).text(), own);
    std::fs::write(server.folder().join("checkout/config.json"), "{ }\n").unwrap();
    assert!(
        server.send(&get("/config.json")).json()["task_server"].is_object(),
        "an empty configuration overrides nothing"
    );

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
fn the_generated_configuration_has_the_vault_section_and_no_token() {
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
    let response = server.send(&get("/config.json"));
    assert_eq!(
        response.json()["vault"],
        serde_json::json!({"address": "https://vault.example.org", "secrets_path": "secret/agent"})
    );
    assert!(!response.text().contains("s3cret") && !response.text().contains("s.vault"));
    assert_eq!(
        server
            .send(&get("/tasks").token("s3cret-of-the-file"))
            .status,
        200
    );
}

/// A server with a page in its folder.
fn page() -> Start {
    let start = Start::new();
    start.file("checkout/index.html", "<!doctype html>");
    let folder = start.folder().join("checkout");
    start.argument("--static-dir", folder)
}

#[test]
fn the_page_accepts_the_generated_configuration() {
    let vault = r#"{"AGENT_API_TOKEN":"own","vault":{"address":"https://vault.example.org:8200/","secrets_path":"secret/agent","role":"agent"}}"#;
    let start = page();
    let config = start.file("agent_config.json", vault);
    let with_vault = start.argument("--config", config).run();
    for (server, has_vault) in [(checkout(), false), (with_vault, true)] {
        let response = server.send(&get("/config.json"));
        assert_eq!(response.status, 200);
        let config = Config::parse(response.text()).unwrap();
        let connection = config.connection.unwrap();
        let task_server = connection.task_server.unwrap();
        assert_eq!(
            task_server.tasks_url(),
            format!("http://{}/tasks", server.address)
        );
        assert_eq!(task_server.token_header, "X-AGENT-TOKEN");
        assert!(task_server.honours_idempotency_keys);
        assert_eq!(task_server.idempotency_key_retention_hours, 7 * 24);
        assert_eq!(config.notice, None);
        let vault = connection.vault.map(|vault| {
            assert_eq!(vault.secrets_path, "secret/agent");
            vault.address.to_string()
        });
        let expected = has_vault.then(|| "https://vault.example.org:8200".to_owned());
        assert_eq!(vault, expected);
    }
}

#[test]
fn addresses_the_page_cannot_call_are_left_out_of_the_generated_configuration() {
    let start = page();
    let config = start.file(
        "agent_config.json",
        r#"{"AGENT_API_TOKEN":"own","vault":{"address":"http://vault.internal:8200","secrets_path":"secret/agent"}}"#,
    );
    let server = start
        .argument("--config", config)
        .argument("--allow-origin", "http://192.168.1.5:8080")
        .run();
    let response = server.send(&get("/config.json").header("Host", "192.168.1.5:8080"));
    let config = Config::parse(response.text()).unwrap();
    assert_eq!(config.connection, None);
    let notice = config.notice.unwrap();
    assert!(notice.contains("http://192.168.1.5:8080"), "{notice}");
    assert!(notice.contains("https://"), "{notice}");
    let log = server.log();
    assert!(log.contains("vault.address"), "{log}");
    assert!(!log.contains("vault.internal"), "{log}");
}

#[test]
fn the_generated_configuration_names_no_server_that_only_the_request_names() {
    let server = page().tokens("own").run();
    for host in [
        "evil.example",
        "localhost",
        "user@localhost",
        "evil example",
    ] {
        let response = server.send(&get("/config.json").header("Host", host));
        let config = Config::parse(response.text()).unwrap();
        assert_eq!(config.connection, None, "{host}");
        let notice = config.notice.unwrap();
        assert!(notice.contains("--allow-origin"), "{notice}");
        assert!(!response.text().contains("evil"), "{notice}");
    }
}

#[test]
fn behind_a_proxy_with_tls_the_generated_configuration_names_the_public_address() {
    let server = page()
        .tokens("own")
        .argument("--allow-origin", "https://tasks.example.org")
        .run();
    let response = server.send(&get("/config.json").header("Host", "tasks.example.org"));
    let config = Config::parse(response.text()).unwrap();
    let task_server = config.connection.unwrap().task_server.unwrap();
    assert_eq!(task_server.tasks_url(), "https://tasks.example.org/tasks");
}

#[test]
fn the_generated_configuration_has_the_schema_that_the_server_enforces() {
    let start = page();
    // "key" and "token" are names of members here, not of secrets.
    let schema = r#"{"type":"object","required":["token"],"properties":{"token":{"type":"string"},"key":{"minimum":1.5}}}"#;
    let file = start.file("own.schema.json", &format!("\u{feff}{schema}"));
    let server = start.argument("--schema", file).run();
    let text = server.send(&get("/config.json"));
    let connection = Config::parse(text.text()).unwrap().connection.unwrap();
    assert_eq!(connection.task_schema.as_deref(), Some(schema));
    assert!(connection.task_server.is_some());
}

#[test]
fn the_generated_configuration_leaves_the_built_in_schema_to_the_page() {
    let server = page().run();
    let text = server.send(&get("/config.json"));
    let connection = Config::parse(text.text()).unwrap().connection.unwrap();
    assert_eq!(connection.task_schema, None);
}

#[test]
fn a_schema_too_large_for_the_configuration_is_left_out_with_a_notice() {
    let start = page();
    let schema = format!(r#"{{"description":"{}"}}"#, "x".repeat(70_000));
    let file = start.file("own.schema.json", &schema);
    let server = start.argument("--schema", file).run();
    let response = server.send(&get("/config.json"));
    let config = Config::parse(response.text()).unwrap();
    let connection = config.connection.unwrap();
    assert!(connection.task_server.is_some());
    assert_eq!(connection.task_schema, None);
    let notice = config.notice.unwrap();
    assert!(notice.contains("/tasks/schema"), "{notice}");
}
