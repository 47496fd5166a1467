//! Secrets from Vault, here from a server that responds as Vault does.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json as value};

use crate::client::{Request, get, post};
use crate::server::{Start, TestServer};
use crate::upstream::{Upstream, json};

/// A Vault whose responses a test can change: a status and a body for each `METHOD path`.
struct FakeVault {
    server: Upstream,
    replies: Arc<Mutex<BTreeMap<String, (u16, Value)>>>,
}

impl FakeVault {
    fn start() -> Self {
        let replies = Arc::new(Mutex::new(BTreeMap::new()));
        let known: Arc<Mutex<BTreeMap<String, (u16, Value)>>> = Arc::clone(&replies);
        let server = Upstream::start(move |request, stream| {
            let line = request.line.trim_end_matches(" HTTP/1.1");
            let reply = known.lock().unwrap().get(line).cloned();
            let (status, body) = reply.unwrap_or((404, value!({ "errors": [] })));
            stream.write_all(json(&format!("{status} X"), "", &body.to_string()).as_bytes())
        });
        let vault = Self { server, replies };
        vault.reply(
            "GET /v1/sys/internal/ui/mounts/secret/agent",
            200,
            value!({"data": {"path": "secret/", "options": {"version": "2"}}}),
        );
        vault.reply(
            "GET /v1/auth/token/lookup-self",
            200,
            value!({"data": {"ttl": 0, "renewable": false}}),
        );
        vault.hold(value!({"AGENT_API_TOKEN": "s3cret-one,s3cret-two"}));
        vault
    }

    fn reply(&self, line: &str, status: u16, body: Value) {
        let mut replies = self.replies.lock().unwrap();
        replies.insert(line.to_owned(), (status, body));
    }

    /// Stores a secret, as KV version 2 shows it.
    fn hold(&self, members: Value) {
        let body = value!({"data": {"data": members, "metadata": {"version": 1}}});
        self.reply("GET /v1/secret/data/agent", 200, body);
    }

    /// A server with this Vault, signed in by a token.
    fn client(&self) -> Start {
        self.place().variable("VAULT_TOKEN", "s3cret-vault-token")
    }

    fn place(&self) -> Start {
        let start = Start::new();
        let section = value!({"vault": {
            "address": format!("http://{}/", self.server.address), "secrets_path": "secret/agent"
        }});
        let file = start.file("agent_config.json", &section.to_string());
        start.argument("--config", file)
    }
}

fn status(server: &TestServer, token: &str) -> u16 {
    server.send(&get("/tasks").token(token)).status
}

#[test]
fn tokens_and_the_models_key_come_from_vault() {
    let vault = FakeVault::start();
    vault.hold(value!({
        "AGENT_API_TOKEN": "s3cret-one, s3cret-two", "AGENT_MODEL_TOKEN": "s3cret-model",
        "OPENAI_API_KEY": "s3cret-key", "other": 1
    }));
    let model = Upstream::fixed(json("200 OK", "", "{}"));
    let server = vault
        .client()
        .argument("--model-endpoint", model.url())
        .argument("--log-level", "trace")
        .run();
    for (token, expected) in [
        ("s3cret-one", 200),
        ("s3cret-two", 200),
        ("s3cret-model", 403),
        ("changeme", 401),
    ] {
        assert_eq!(status(&server, token), expected, "{token}");
    }
    let asked = post("/v1/chat/completions")
        .token("s3cret-model")
        .json("{}");
    assert_eq!(server.send(&asked).status, 200);
    assert_eq!(
        model.only().header("authorization"),
        Some("Bearer s3cret-key")
    );
    for request in vault.server.received() {
        assert_eq!(request.header("x-vault-token"), Some("s3cret-vault-token"));
    }
    assert!(server.announcement.contains("AGENT_API_TOKEN of Vault"));
    assert!(!server.announcement.contains("s3cret"));
    assert!(!server.log().contains("s3cret"), "{}", server.log());
}

#[test]
fn what_another_place_names_is_not_read_from_vault() {
    let vault = FakeVault::start();
    let server = vault.client().tokens("own").run();
    assert_eq!(status(&server, "own"), 200);
    assert_eq!(status(&server, "s3cret-one"), 401);
    assert!(vault.server.received().is_empty());

    // Only the key is missing, so only that is taken from there.
    vault.hold(value!({"AGENT_API_TOKEN": "s3cret-one", "OPENAI_API_KEY": "s3cret-key"}));
    let model = Upstream::fixed(json("200 OK", "", "{}"));
    let server = vault
        .client()
        .tokens("own")
        .variable("AGENT_MODEL_TOKEN", "own")
        .argument("--model-endpoint", model.url())
        .run();
    assert_eq!(server.send(&get("/v1/models").token("own")).status, 200);
    assert_eq!(status(&server, "s3cret-one"), 401);
    let key = model.only().header("authorization").map(str::to_owned);
    assert_eq!(key.as_deref(), Some("Bearer s3cret-key"));
}

#[test]
fn approle_signs_in_and_a_kv_engine_of_version_1_is_read() {
    let vault = FakeVault::start();
    vault.reply(
        "POST /v1/auth/approle/login",
        200,
        value!({"auth": {"client_token": "of-role", "lease_duration": 3600, "renewable": true}}),
    );
    vault.reply(
        "GET /v1/sys/internal/ui/mounts/secret/agent",
        200,
        value!({"data": {"path": "secret/", "options": null}}),
    );
    let body = value!({"data": {"AGENT_READ_TOKEN": "reader"}});
    vault.reply("GET /v1/secret/agent", 200, body);
    let server = vault
        .place()
        .variable("VAULT_ROLE_ID", "s3cret-role")
        .variable("VAULT_SECRET_ID", "s3cret-id")
        .run();
    assert_eq!(status(&server, "reader"), 200);
    let received = vault.server.received();
    assert_eq!(
        serde_json::from_slice::<Value>(&received[0].body).unwrap(),
        value!({"role_id": "s3cret-role", "secret_id": "s3cret-id"})
    );
    assert_eq!(received[0].header("x-vault-token"), None);
    assert_eq!(received[2].header("x-vault-token"), Some("of-role"));
}

#[test]
fn errors_of_vault_keep_the_server_from_starting_and_name_no_secret() {
    let read = "GET /v1/secret/data/agent";
    let deleted = value!({"data": {"data": null, "metadata": {"deletion_time": "2026-01-01"}}});
    let none = value!({ "errors": ["s3cret"] });
    let members = |members: Value| value!({"data": {"data": members, "metadata": {}}});
    for (status, body, exit, expected) in [
        (503, none.clone(), 69, "sealed"),
        (403, none.clone(), 78, "denied access to the secret"),
        (404, none.clone(), 78, "no secret at vault.secrets_path"),
        (404, deleted, 78, "latest version of the secret"),
        (307, none.clone(), 78, "redirects"),
        (500, none, 78, "status 500"),
        (200, value!("s3cret"), 78, "unexpected way"),
        (
            200,
            members(value!({"x": "s3cret"})),
            78,
            "no AGENT_API_TOKEN",
        ),
        (
            200,
            members(value!({"AGENT_API_TOKEN": ["s3cret"]})),
            78,
            "not a text",
        ),
        (
            200,
            members(value!({"AGENT_API_TOKEN": null})),
            78,
            "of Vault",
        ),
    ] {
        let vault = FakeVault::start();
        vault.reply(read, status, body);
        let output = vault.client().fail();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{text}");
        let found = text.contains(expected) || expected == "of Vault" && text.contains("in Vault");
        assert!(found, "{status} {text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let unused = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let output = Start::new()
        .variable("VAULT_ADDR", &address)
        .variable("VAULT_TOKEN", "s3cret")
        .argument("--vault-secrets-path", "secret/agent")
        .fail();
    assert_eq!(output.status.code(), Some(69));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Vault cannot be reached"), "{text}");
    assert!(text.contains("VAULT_ADDR"), "{text}");
}

#[cfg(unix)]
#[test]
fn on_sighup_new_tokens_are_accepted_and_old_ones_refused() {
    let vault = FakeVault::start();
    vault.hold(value!({
        "AGENT_API_TOKEN": "old", "AGENT_MODEL_TOKEN": "old", "OPENAI_API_KEY": "old-s3cret"
    }));
    let model = Upstream::fixed(json("200 OK", "", "{}"));
    let server = vault
        .client()
        .argument("--model-endpoint", model.url())
        .argument("--rate-limit", "3")
        .run();
    assert_eq!(status(&server, "old"), 200);
    vault.hold(value!({
        "AGENT_API_TOKEN": "new,old", "AGENT_MODEL_TOKEN": "new", "OPENAI_API_KEY": "new-s3cret"
    }));
    server.ask_to_reload();
    server.wait_for_log("were read again", 1);
    assert_eq!(status(&server, "new"), 200);
    assert_eq!(status(&server, "old"), 200);
    assert_eq!(server.send(&get("/v1/models").token("old")).status, 403);
    assert_eq!(server.send(&get("/v1/models").token("new")).status, 200);
    let key = model.only().header("authorization").map(str::to_owned);
    assert_eq!(key.as_deref(), Some("Bearer new-s3cret"));
    vault.hold(value!({
        "AGENT_API_TOKEN": "new", "AGENT_MODEL_TOKEN": "new", "OPENAI_API_KEY": "new-s3cret"
    }));
    server.ask_to_reload();
    server.wait_for_log("were read again", 2);
    assert_eq!(status(&server, "old"), 401);
    // A token that stays accepted has used its limit before.
    assert_eq!(status(&server, "new"), 200);
    assert_eq!(status(&server, "new"), 200);
    assert_eq!(status(&server, "new"), 429);
}

#[cfg(unix)]
#[test]
fn while_vault_fails_what_is_held_stays_in_use() {
    let vault = FakeVault::start();
    let server = vault.client().argument("--host", "0.0.0.0").run();
    let address = ([127, 0, 0, 1], server.address.port()).into();
    let accepts = |token: &str| get("/tasks").token(token).send(address).status == 200;
    let held = value!({"data": {"data": {"AGENT_API_TOKEN": ""}, "metadata": {}}});
    let known = value!({"data": {"data": {"AGENT_API_TOKEN": "changeme"}, "metadata": {}}});
    let failures = [
        (503, value!({}), "vault_not_ready"),
        (403, value!({}), "vault_denied"),
        (200, held, "empty_token"),
        (200, known, "default_token"),
    ];
    vault.reply("GET /v1/secret/data/agent", 500, value!({}));
    server.ask_to_reload();
    server.wait_for_log("vault_unexpected", 1);
    assert!(accepts("s3cret-one"));
    // Without another signal: a failed reading is repeated.
    vault.hold(value!({"AGENT_API_TOKEN": "s3cret-new"}));
    let started = std::time::Instant::now();
    while !accepts("s3cret-new") {
        assert!(started.elapsed().as_secs() < 30, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(!accepts("s3cret-one"));
    for (status, body, code) in failures {
        vault.reply("GET /v1/secret/data/agent", status, body);
        server.ask_to_reload();
        server.wait_for_log(code, 1);
        assert!(accepts("s3cret-new") && !accepts("changeme"), "{code}");
    }
    assert!(!server.log().contains("s3cret"), "{}", server.log());
}

#[cfg(unix)]
#[test]
fn on_sighup_the_configuration_file_is_read_again() {
    let start = Start::new();
    let file = start.file("agent_config.json", r#"{"AGENT_API_TOKEN":"old"}"#);
    let server = start.argument("--config", &file).run();
    std::fs::write(&file, r#"{"AGENT_API_TOKEN":"new"}"#).unwrap();
    assert_eq!(status(&server, "old"), 200);
    server.ask_to_reload();
    server.wait_for_log("were read again", 1);
    assert_eq!(status(&server, "new"), 200);
    assert_eq!(status(&server, "old"), 401);
    std::fs::write(&file, "{").unwrap();
    server.ask_to_reload();
    server.wait_for_log("agent_config", 1);
    assert_eq!(status(&server, "new"), 200);
    // Stopping still closes the store: a task is there after a restart.
    let stored = server.send(&Request::new("HEAD", "/healthz")).status;
    assert_eq!(stored, 200);
}

#[test]
fn the_secret_is_read_again_at_the_interval() {
    let vault = FakeVault::start();
    let server = vault.client().argument("--vault-refresh", "1").run();
    vault.hold(value!({"AGENT_API_TOKEN": "rotated"}));
    server.wait_for_log("were read again", 1);
    assert_eq!(status(&server, "rotated"), 200);
    assert_eq!(status(&server, "s3cret-one"), 401);
}

#[test]
fn a_short_token_is_renewed_and_one_that_cannot_be_is_replaced() {
    let vault = FakeVault::start();
    let auth = |token: &str, renewable: bool| value!({"auth": {"client_token": token, "lease_duration": 2, "renewable": renewable}});
    vault.reply("POST /v1/auth/approle/login", 200, auth("first", true));
    vault.reply("POST /v1/auth/token/renew-self", 200, auth("first", false));
    let server = vault
        .place()
        .variable("VAULT_ROLE_ID", "role")
        .variable("VAULT_SECRET_ID", "id")
        .run();
    let started = std::time::Instant::now();
    let count = |line: &str| {
        let all = vault.server.received();
        all.iter().filter(|it| it.line.starts_with(line)).count()
    };
    while count("POST /v1/auth/approle/login") < 2 {
        assert!(started.elapsed().as_secs() < 20);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(count("POST /v1/auth/token/renew-self"), 1);
    assert_eq!(status(&server, "s3cret-one"), 200);
}
