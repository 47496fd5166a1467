//! Starting the server, and errors that keep it from starting.

use std::net::TcpListener;
use std::process::Output;

use crate::client::get;
use crate::server::{Start, TASK};

fn error_text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_announcement_names_the_address_and_the_default_token() {
    let server = Start::new().run();
    let line = &server.announcement;
    assert!(
        line.contains(&format!("http://{}", server.address)),
        "{line}"
    );
    assert!(line.contains("changeme (the default)"), "{line}");
    assert_ne!(server.address.port(), 0);
    assert!(server.address.ip().is_loopback());
}

#[test]
fn the_announcement_contains_no_token_but_the_default() {
    let server = Start::new().tokens("s3cret").run();
    assert!(!server.announcement.contains("s3cret"));
    assert!(server.announcement.contains("AGENT_API_TOKEN"));
    assert_eq!(server.send(&get("/tasks").token("changeme")).status, 401);
    assert_eq!(server.send(&get("/tasks").token("s3cret")).status, 200);
}

#[test]
fn several_tokens_are_accepted_together() {
    let server = Start::new().tokens(" new , old ").run();
    for (token, status) in [
        ("new", 200),
        ("old", 200),
        ("new,old", 401),
        ("changeme", 401),
    ] {
        assert_eq!(
            server.send(&get("/tasks").token(token)).status,
            status,
            "{token}"
        );
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let start = Start::new();
    let file = start.file("agent.json", r#"{"AGENT_API_TOKEN": "of-file"}"#);
    let server = start
        .argument("--config", file)
        .tokens("of-environment")
        .run();
    assert_eq!(
        server.send(&get("/tasks").token("of-environment")).status,
        200
    );
    assert_eq!(server.send(&get("/tasks").token("of-file")).status, 401);
}

#[test]
fn a_token_variable_without_a_token_is_an_error_on_loopback_too() {
    for tokens in ["", " ", ",", " , "] {
        let start = Start::new().tokens(tokens);
        let output = start.fail();
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let text = error_text(&output);
        assert!(text.contains("AGENT_API_TOKEN"), "{text}");
        assert!(text.contains("names no token"), "{text}");
        assert!(!start.folder().join("data").exists());
    }
}

#[test]
fn a_configuration_file_without_a_token_is_an_error() {
    let vault = r#""vault":{"address":"https://vault.example.org","secrets_path":"secret/agent"}"#;
    for (file, expected) in [
        (
            format!("{{{vault}}}"),
            "neither VAULT_TOKEN, nor VAULT_ROLE_ID",
        ),
        (
            format!("{{\"AGENT_API_TOKEN\":\"\",{vault}}}"),
            "names no token",
        ),
        (
            format!("{{\"AGENT_API_TOKEN\":null,{vault}}}"),
            "names no token",
        ),
        (
            "{\"AGENT_API_TOKENS\":\"mistyped\"}".to_owned(),
            "has AGENT_API_TOKEN",
        ),
    ] {
        let start = Start::new();
        let path = start.file("agent_config.json", &file);
        let output = start.argument("--config", path).fail();
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let text = error_text(&output);
        assert!(text.contains(expected), "{file}: {text}");
        assert!(
            text.contains("set AGENT_API_TOKEN") || text.contains("Set AGENT_API_TOKEN"),
            "{file}: {text}"
        );
    }
}

#[test]
fn a_configuration_file_with_a_vault_needs_the_token_from_the_environment() {
    let start = Start::new();
    let file = start.file(
        "agent_config.json",
        r#"{"vault":{"address":"https://vault.example.org","secrets_path":"secret/agent"}}"#,
    );
    let server = start.argument("--config", file).tokens("own").run();
    assert_eq!(server.send(&get("/tasks").token("own")).status, 200);
    assert_eq!(server.send(&get("/tasks").token("changeme")).status, 401);
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_other_users_can_enter_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    for (of_folder, of_file, is_reported) in [
        (0o700, 0o644, false),
        (0o755, 0o600, false),
        (0o755, 0o644, true),
        (0o777, 0o600, true),
    ] {
        let start = Start::new();
        let file = start.file("data/tasks.sqlite3", "");
        let set = |path: &std::path::Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        set(&file, of_file);
        set(file.parent().unwrap(), of_folder);
        let server = start.run();
        assert_eq!(server.post(TASK).status, 201);
        let log = server.log();
        let reported = log.contains("other users of this machine have access");
        assert_eq!(reported, is_reported, "{of_folder:o} {of_file:o}: {log}");
    }
}

#[test]
fn the_default_token_is_refused_on_other_than_loopback_addresses() {
    for tokens in [None, Some(""), Some("changeme"), Some("own,changeme")] {
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            let mut start = Start::new().argument("--host", host);
            if let Some(tokens) = tokens {
                start = start.tokens(tokens);
            }
            let output = start.fail();
            assert_eq!(output.status.code(), Some(78), "{output:?}");
            assert!(error_text(&output).contains("AGENT_API_TOKEN"));
            assert!(!start.folder().join("data").exists());
        }
    }
}

#[test]
fn with_another_token_the_server_listens_on_any_address() {
    let server = Start::new()
        .argument("--host", "0.0.0.0")
        .tokens("own")
        .run();
    let address = ([127, 0, 0, 1], server.address.port()).into();
    assert_eq!(get("/tasks").token("own").send(address).status, 200);
}

#[test]
fn a_port_in_use_is_named_and_has_its_own_exit_code() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let start = Start::new().argument("--port", &port);
    let output = start.fail();
    assert_eq!(output.status.code(), Some(98));
    let text = error_text(&output);
    assert!(text.contains(&port), "{text}");
    assert!(text.contains("in use"), "{text}");
    assert!(text.contains("--port"), "{text}");
}

#[test]
fn configuration_errors_are_explained() {
    let start = Start::new();
    let broken = start.file("broken.json", "{\"AGENT_API_TOKEN\": \"s3cret\",,}");
    let no_schema = start.file("no-schema.json", r#"{"type": "no such type"}"#);
    let remote = start.file(
        "remote.json",
        r#"{"$ref": "https://example.org/task.json"}"#,
    );
    let folder = start.folder().to_owned();
    for (name, value, expected) in [
        ("--config", broken.clone(), "line 1"),
        ("--config", folder.join("absent.json"), "absent.json"),
        ("--schema", broken, "not JSON"),
        ("--schema", no_schema, "no-schema.json"),
        ("--schema", remote, "https://example.org/task.json"),
        ("--schema", folder.join("absent.json"), "absent.json"),
        ("--static-dir", folder.clone(), "index.html"),
        ("--page-config", folder.join("absent.json"), "absent.json"),
        ("--data-dir", folder.join("no-schema.json"), "--data-dir"),
    ] {
        let output = Start::new().argument(name, &value).fail();
        assert_eq!(output.status.code(), Some(78), "{output:?}");
        let text = error_text(&output);
        assert!(text.contains(expected), "{name}: {text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn an_invalid_command_line_has_its_own_exit_code() {
    assert_eq!(
        Start::new().argument("--port", "none").fail().status.code(),
        Some(2)
    );
}

#[test]
fn the_default_data_folder_is_in_the_users_data_folder() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let program = env!("CARGO_BIN_EXE_taskwright-server");
    let home = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(program)
        .args(["--port", "0"])
        .env("HOME", home.path())
        .env_remove("XDG_DATA_HOME")
        .env_remove("AGENT_API_TOKEN")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = home.path().join(".local/share/taskwright-server");
    assert!(folder.join("tasks.sqlite3").exists());
    assert!(line.contains(folder.to_str().unwrap()), "{line}");
}

#[test]
fn the_help_lists_every_section_and_no_token() {
    let program = env!("CARGO_BIN_EXE_taskwright-server");
    let output = std::process::Command::new(program)
        .arg("--help")
        .env("AGENT_API_TOKEN", "s3cret")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Address:",
        "Tasks:",
        "Page:",
        "Limits:",
        "Examples:",
        "AGENT_API_TOKEN",
        "98",
    ] {
        assert!(help.contains(part), "{part}");
    }
    assert!(!help.contains("s3cret"));
    assert!(!help.contains(TASK));
}
