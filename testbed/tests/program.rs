//! The program: what it prints, what it serves, and how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use support::{PATIENCE, ask, send};

/// A running program, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskwright-testbed"));
    command.args(arguments);
    command
}

/// Starts the program and reads its port from the first line.
fn run(arguments: &[&str]) -> (Running, u16) {
    let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    let running = Running(child);
    let line = BufReader::new(output).lines().next().unwrap().unwrap();
    let port = line.strip_prefix("listening on http://127.0.0.1:").unwrap();
    (running, port.parse().unwrap())
}

#[test]
fn each_command_serves_what_it_says_at_the_port_it_prints() {
    let task = |port| {
        let token = [("X-AGENT-TOKEN", "secret")];
        send(port, "POST", "/tasks", &token, b"{}", PATIENCE).status
    };
    let (_all, port) = run(&["all", "--port", "0", "--token", "secret"]);
    assert_eq!((ask(port, "scripted").status, task(port)), (200, 200));
    let (_model, port) = run(&["model"]);
    assert_eq!((ask(port, "scripted").status, task(port)), (200, 404));
    let (_plain, port) = run(&["plain", "--token", "secret", "--trailing-slash"]);
    assert_eq!((ask(port, "scripted").status, task(port)), (404, 307));
}

#[test]
fn a_directory_adds_scripts_and_one_that_is_not_right_is_named() {
    let directory = std::env::temp_dir().join(format!("testbed-scripts-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.to_str().unwrap();
    let script = json!({"about": "A teapot, as one may meet it.",
        "replies": [{"http": {"status": 418, "body": {"text": "short and stout"}}}]});
    std::fs::write(directory.join("teapot.json"), script.to_string()).unwrap();
    let (_model, port) = run(&["model", "--scripts", path]);
    assert_eq!(ask(port, "scripted:teapot").status, 418);

    std::fs::write(directory.join("broken.json"), "{").unwrap();
    let output = program(&["model", "--scripts", path]).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the script `broken` is not right"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_an_error_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program(&["plain", "--port", &port]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
}
