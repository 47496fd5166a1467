//! The program: its output, its servers and its errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{TIMEOUT, generate, send};

/// A running program, which is killed when the test ends.
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
fn each_command_starts_its_servers_on_the_printed_port() {
    let task = |port| {
        let token = [("X-AGENT-TOKEN", "secret")];
        send(port, "POST", "/tasks", &token, b"{}", TIMEOUT).status
    };
    let (_all, port) = run(&["all", "--port", "0", "--token", "secret"]);
    assert_eq!((generate(port, "scripted").status, task(port)), (200, 200));
    let (_model, port) = run(&["model"]);
    assert_eq!((generate(port, "scripted").status, task(port)), (200, 404));
    let (_plain, port) = run(&["plain", "--token", "secret", "--trailing-slash"]);
    assert_eq!((generate(port, "scripted").status, task(port)), (404, 307));
}

#[test]
fn the_proxy_prints_the_plan_of_its_options_and_follows_it() {
    let (_plain, upstream) = run(&["plain", "--token", "secret"]);
    let to = format!("http://127.0.0.1:{upstream}");
    let options = ["--seed", "9", "--at", "2=status_503", "--fault", "reset=0"];
    let mut child = program(&["proxy", "--to", &to])
        .args(options)
        .args(["--retry-after-s", "4"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _running = Running(child);
    let listening = lines.next().unwrap().unwrap();
    let port = listening.rsplit_once(':').unwrap().1.parse().unwrap();
    let plan = lines.next().unwrap().unwrap();
    let plan: Value = serde_json::from_str(plan.strip_prefix("plan ").unwrap()).unwrap();
    assert_eq!(
        (&plan["seed"], &plan["at"]),
        (&json!(9), &json!({"2": "status_503"}))
    );

    let token = [("X-AGENT-TOKEN", "secret")];
    let post = || send(port, "POST", "/tasks", &token, b"{}", TIMEOUT);
    assert_eq!(post().status, 200);
    let refused = post();
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("4"))
    );
}

#[test]
fn a_proxy_with_a_remote_upstream_or_an_invalid_plan_does_not_start() {
    for (arguments, expected) in [
        (&["--to", "http://192.0.2.1:80"][..], "not on this machine"),
        (&["--to", "127.0.0.1:80"], "not an address of the form"),
        (
            &["--to", "http://127.0.0.1:80", "--fault", "reset=2"],
            "not from 0 to 1",
        ),
        (&["--to", "http://127.0.0.1:80", "--fault", "reset"], "a ="),
        (
            &["--to", "http://127.0.0.1:80", "--at", "1=boom"],
            "no fault `boom`",
        ),
        (
            &["--to", "http://127.0.0.1:80", "--at", "0=reset"],
            "count from 1",
        ),
    ] {
        let output = program(&["proxy"]).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn a_directory_adds_scripts_and_an_invalid_one_is_named() {
    let directory = std::env::temp_dir().join(format!("testbed-scripts-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.to_str().unwrap();
    let script = json!({"about": "A teapot, for this test only.",
        "replies": [{"http": {"status": 418, "body": {"text": "short and stout"}}}]});
    std::fs::write(directory.join("teapot.json"), script.to_string()).unwrap();
    let (_model, port) = run(&["model", "--scripts", path]);
    assert_eq!(generate(port, "scripted:teapot").status, 418);

    std::fs::write(directory.join("broken.json"), "{").unwrap();
    let output = program(&["model", "--scripts", path]).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("the script `broken` is invalid"),
        "{stderr}"
    );
}

#[test]
fn the_error_about_a_port_in_use_suggests_another_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program(&["plain", "--port", &port]).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains(&port) && stderr.contains("--port"),
        "{stderr}"
    );
}
