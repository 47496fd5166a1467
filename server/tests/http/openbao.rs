//! Secrets from a real OpenBao, which has the HTTP API of HashiCorp Vault. `cargo xtask test --peers`
//! installs it and names its program in `PEERS_BAO`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json as value};

use crate::client::{Request, get, post};
use crate::server::{Start, TestServer};
use crate::upstream::{Upstream, json};

const ROOT: &str = "root-s3cret";

fn program() -> String {
    std::env::var("PEERS_BAO").expect("PEERS_BAO: run `cargo xtask test --peers`")
}

/// A development server that keeps everything in memory.
struct OpenBao {
    child: Child,
    address: SocketAddr,
    unseal_key: String,
    folder: tempfile::TempDir,
}

impl OpenBao {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        Self::start_at(address)
    }

    fn start_at(address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let child = Command::new(program())
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address={address}"))
            .env("HOME", folder.path())
            .stdout(std::fs::File::create(&log).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut bao = Self {
            child,
            address,
            unseal_key: String::new(),
            folder,
        };
        let started = Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap();
            let key = text
                .lines()
                .find_map(|line| line.strip_prefix("Unseal Key: "));
            let is_ready = get("/v1/secret/config")
                .token(ROOT)
                .header("X-Vault-Token", ROOT);
            if let Some(key) = key
                && is_ready.try_send(address).is_ok_and(|it| it.status == 200)
            {
                bao.unseal_key = key.trim().to_owned();
                return bao;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A request as root; returns the body of the response.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = Request::new(method, &format!("/v1/{path}"))
            .header("X-Vault-Token", ROOT)
            .json(body.to_string());
        let response = request.send(self.address);
        assert!(response.status < 300, "{path}: {response:?}");
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// Stores a secret in the engine of version 2 that a development server has.
    fn put(&self, path: &str, members: Value) {
        self.call(
            "POST",
            &format!("secret/data/{path}"),
            &value!({ "data": members }),
        );
    }

    /// A token that may only read secrets below `path`.
    fn reader(&self, path: &str, seconds: u32, renewable: bool) -> String {
        self.policy(path);
        let options = value!({
            "policies": ["reader"], "ttl": format!("{seconds}s"), "renewable": renewable,
            "no_parent": true
        });
        let created = self.call("POST", "auth/token/create", &options);
        created["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    fn policy(&self, path: &str) {
        let rules = format!("path \"{path}\" {{ capabilities = [\"read\"] }}");
        self.call(
            "POST",
            "sys/policies/acl/reader",
            &value!({ "policy": rules }),
        );
    }

    /// A role of AppRole, with the life of its tokens. Returns its id and a secret id.
    fn role(&self, seconds: u32, longest: u32) -> (String, String) {
        self.policy("secret/data/*");
        self.call("POST", "sys/auth/approle", &value!({"type": "approle"}));
        let options = value!({
            "token_policies": ["reader"], "token_ttl": format!("{seconds}s"),
            "token_max_ttl": format!("{longest}s")
        });
        self.call("POST", "auth/approle/role/server", &options);
        let id = self.call("GET", "auth/approle/role/server/role-id", &value!({}));
        let secret = self.call("POST", "auth/approle/role/server/secret-id", &value!({}));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&id["data"]["role_id"]),
            text(&secret["data"]["secret_id"]),
        )
    }

    /// A server that reads the secret at a path.
    fn client(&self, path: &str) -> Start {
        Start::new()
            .variable("VAULT_ADDR", &format!("http://{}", self.address))
            .argument("--vault-secrets-path", path)
    }

    fn stop(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.folder.path();
    }
}

fn accepts(server: &TestServer, token: &str) -> bool {
    server.send(&get("/tasks").token(token)).status == 200
}

fn wait_until(what: &str, server: &TestServer, mut is_true: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{what}: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn tokens(list: &str) -> Value {
    value!({"AGENT_API_TOKEN": list, "note": "of another program"})
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn both_versions_of_the_kv_engine_are_read_by_a_token_that_may_read_only_that() {
    let bao = OpenBao::start();
    bao.put("team/server", tokens("of-v2"));
    let kv1 = value!({"type": "kv", "options": {"version": "1"}});
    bao.call("POST", "sys/mounts/old/kv", &kv1);
    bao.call("POST", "old/kv/server", &tokens("of-v1"));
    for (policy, path, token) in [
        ("secret/data/team/*", "secret/team/server", "of-v2"),
        ("secret/data/team/*", "/secret/data/team/server", "of-v2"),
        ("old/kv/*", "old/kv/server", "of-v1"),
    ] {
        let vault_token = bao.reader(policy, 600, true);
        let server = bao.client(path).variable("VAULT_TOKEN", &vault_token).run();
        assert!(accepts(&server, token), "{path}");
        assert!(!accepts(&server, "changeme"));
    }
    // With a mount and a version, Vault is not asked for them.
    let vault_token = bao.reader("old/kv/*", 600, true);
    let start = Start::new();
    let section = value!({"vault": {
        "address": format!("http://{}", bao.address), "mount": "old/kv", "kv_version": 1,
        "secrets_path": "server", "auth": {"method": "token"}
    }});
    let file = start.file("agent_config.json", &section.to_string());
    let server = start
        .argument("--config", file)
        .variable("VAULT_TOKEN", &vault_token)
        .run();
    assert!(accepts(&server, "of-v1"));
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn errors_of_a_real_vault_are_told_apart() {
    let bao = OpenBao::start();
    bao.put("server", tokens("a"));
    bao.put("gone", tokens("a"));
    bao.call("DELETE", "secret/data/gone", &value!({}));
    bao.put("empty", value!({"x": "y"}));
    let reader = bao.reader("secret/data/server", 600, true);
    for (token, path, exit, expected) in [
        (ROOT, "secret/absent", 78, "no secret at vault.secrets_path"),
        (ROOT, "secret/gone", 78, "latest version of the secret"),
        (ROOT, "secret/empty", 78, "no AGENT_API_TOKEN"),
        (ROOT, "nowhere/server", 78, "denied access to the mount"),
        (
            reader.as_str(),
            "secret/other",
            78,
            "denied access to the secret",
        ),
        (
            "wrong-s3cret",
            "secret/server",
            78,
            "denied access to the mount",
        ),
    ] {
        let output = bao.client(path).variable("VAULT_TOKEN", token).fail();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expected), "{path}: {text}");
        assert_eq!(output.status.code(), Some(exit), "{path}: {text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
    let refused = bao
        .client("secret/server")
        .variable("VAULT_ROLE_ID", "no-role")
        .variable("VAULT_SECRET_ID", "s3cret")
        .fail();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("refused the sign-in"), "{text}");

    bao.call("POST", "sys/seal", &value!({}));
    let start = bao.client("secret/server").variable("VAULT_TOKEN", ROOT);
    let output = start.fail();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("sealed"), "{text}");
    assert_eq!(output.status.code(), Some(69), "{text}");
    bao.stop();
    let output = start.fail();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("cannot be reached"), "{text}");
    assert_eq!(output.status.code(), Some(69), "{text}");
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn approle_signs_in_again_when_its_token_cannot_be_renewed_any_more() {
    let bao = OpenBao::start();
    bao.put("server", tokens("first"));
    let (id, secret) = bao.role(2, 5);
    let server = bao
        .client("secret/server")
        .variable("VAULT_ROLE_ID", &id)
        .variable("VAULT_SECRET_ID", &secret)
        .argument("--vault-refresh", "2")
        .run();
    // Longer than any single token of this role may live.
    std::thread::sleep(Duration::from_secs(9));
    bao.put("server", tokens("second"));
    wait_until("rotation", &server, || accepts(&server, "second"));
    assert!(!accepts(&server, "first"));
    let log = server.log();
    assert!(!log.contains("could not be read"), "{log}");
    for text in [&id, &secret] {
        assert!(!log.contains(text.as_str()), "{log}");
    }
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn a_short_token_is_renewed_and_without_renewal_the_log_says_that_it_ended() {
    let bao = OpenBao::start();
    bao.put("server", tokens("first"));
    let renewable = bao.reader("secret/data/*", 3, true);
    let fixed = bao.reader("secret/data/*", 3, false);
    let start = |token: &str| {
        bao.client("secret/server")
            .variable("VAULT_TOKEN", token)
            .argument("--vault-refresh", "1")
            .run()
    };
    let (renewed, ended) = (start(&renewable), start(&fixed));
    std::thread::sleep(Duration::from_secs(6));
    bao.put("server", tokens("second"));
    wait_until("rotation", &renewed, || accepts(&renewed, "second"));
    assert!(
        !renewed.log().contains("could not be read"),
        "{}",
        renewed.log()
    );
    ended.wait_for_log("vault_denied", 1);
    assert!(accepts(&ended, "first"));
    assert!(!ended.log().contains(&fixed), "{}", ended.log());
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn the_vault_of_docker_compose_is_prepared_for_the_server_and_the_page() {
    let bao = OpenBao::start();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let programs = Path::new(&program()).parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    // A second time, as when only this container starts again.
    for _ in 0..2 {
        let output = Command::new("sh")
            .arg(root.join("docker/set-up-vault.sh"))
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("BAO_ADDR", format!("http://{}", bao.address))
            .env("BAO_TOKEN", ROOT)
            .env_remove("OPENAI_API_KEY")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let model = Upstream::fixed(json("200 OK", "", "{}"));
    let server = bao
        .client("secret/taskwright")
        .argument("--config", root.join("docker/agent_config.json"))
        .argument("--model-endpoint", model.url())
        .variable("VAULT_ROLE_ID", "sample-role")
        .variable("VAULT_SECRET_ID", "sample-secret")
        .run();
    assert!(accepts(&server, "sample-task-token"));
    let ask = get("/v1/models").token("sample-model-token");
    assert_eq!(server.send(&ask).status, 200);
    let key = model.only().header("authorization").map(str::to_owned);
    assert_eq!(key.as_deref(), Some("Bearer sample-model-key"));

    // What the page does: sign in by name, and read its own secret only.
    let origin = "http://localhost:8080";
    let password = value!({"password": "sample-password"}).to_string();
    let signed_in = post("/v1/auth/userpass/login/sample")
        .header("Origin", origin)
        .json(password)
        .send(bao.address);
    let allowed = signed_in.header("access-control-allow-origin");
    assert_eq!(allowed, Some(origin), "{signed_in:?}");
    let token = signed_in.json()["auth"]["client_token"].clone();
    let read = |path: &str| {
        get(&format!("/v1/secret/data/{path}"))
            .header("Origin", origin)
            .header("X-Vault-Token", token.as_str().unwrap())
            .send(bao.address)
    };
    let page = read("taskwright-page").json();
    assert_eq!(page["data"]["data"]["OPENAI_API_KEY"], "sample-model-token");
    assert_eq!(read("taskwright").status, 403);
}

#[test]
#[ignore = "needs OpenBao; run by `cargo xtask test --peers`"]
fn a_rotation_on_sighup_survives_a_vault_that_is_sealed_or_down_meanwhile() {
    let bao = OpenBao::start();
    let address = bao.address;
    bao.put("server", tokens("old"));
    let server = bao
        .client("secret/server")
        .variable("VAULT_TOKEN", ROOT)
        .run();
    bao.put("server", tokens("new, old"));
    server.ask_to_reload();
    wait_until("rotation", &server, || accepts(&server, "new"));
    assert!(accepts(&server, "old"));

    bao.call("POST", "sys/seal", &value!({}));
    server.ask_to_reload();
    server.wait_for_log("vault_not_ready", 1);
    assert!(accepts(&server, "old"));
    let unseal = value!({ "key": bao.unseal_key });
    let unsealed = post("/v1/sys/unseal")
        .json(unseal.to_string())
        .send(address);
    assert_eq!(unsealed.status, 200, "{unsealed:?}");
    wait_until("reading", &server, || {
        server.log().matches("were read again").count() >= 2
    });

    bao.stop();
    server.ask_to_reload();
    server.wait_for_log("vault_unreachable", 1);
    assert!(accepts(&server, "old"));
    let again = OpenBao::start_at(address);
    again.put("server", tokens("new"));
    wait_until("recovery", &server, || !accepts(&server, "old"));
    assert!(accepts(&server, "new"));
}
