//! Starts the real program for a test, and stops it afterwards.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::client::{Request, Response, get, post};

/// A task that satisfies the built-in schema.
pub const TASK: &str =
    r#"{"key":"a-task","title":"A task","instructions":"Do it.","priority":"normal"}"#;

/// A schema that accepts any JSON.
pub const ANYTHING: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#;

/// Variables of the environment that the server must not inherit from whoever runs the tests.
const SECRET_VARIABLES: [&str; 10] = [
    "AGENT_API_TOKEN",
    "AGENT_POST_TOKEN",
    "AGENT_READ_TOKEN",
    "AGENT_MODEL_TOKEN",
    "OPENAI_API_KEY",
    "VAULT_ADDR",
    "VAULT_NAMESPACE",
    "VAULT_TOKEN",
    "VAULT_ROLE_ID",
    "VAULT_SECRET_ID",
];

/// How to start a server.
pub struct Start {
    folder: TempDir,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// The command line in front of the server's own, if another program starts the server.
    launcher: Vec<String>,
}

impl Start {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            arguments: Vec::new(),
            variables: Vec::new(),
            launcher: Vec::new(),
        }
    }

    pub fn argument(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.arguments.push(name.to_owned());
        self.arguments
            .push(value.as_ref().to_str().unwrap().to_owned());
        self
    }

    /// Adds an option without a value.
    pub fn flag(mut self, name: &str) -> Self {
        self.arguments.push(name.to_owned());
        self
    }

    pub fn tokens(self, tokens: &str) -> Self {
        self.variable("AGENT_API_TOKEN", tokens)
    }

    /// Sets a variable of the server's environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Limits the files and connections the server can have open.
    #[cfg(unix)]
    pub fn open_files(self, count: u32) -> Self {
        self.after_shell_command(&format!("ulimit -n {count}"))
    }

    /// Runs a shell command first; the shell then executes the server.
    #[cfg(unix)]
    pub fn after_shell_command(self, command: &str) -> Self {
        self.launched_by(["sh", "-c", &format!("{command}; exec \"$0\" \"$@\"")])
    }

    /// Starts the server through another program, which takes a command line as its last arguments.
    #[cfg(unix)]
    pub fn launched_by<'a>(mut self, launcher: impl IntoIterator<Item = &'a str>) -> Self {
        self.launcher = launcher.into_iter().map(str::to_owned).collect();
        self
    }

    /// Makes the server accept any JSON.
    pub fn any_task(self) -> Self {
        let file = self.file("anything.schema.json", ANYTHING);
        self.argument("--schema", file)
    }

    /// Writes a file into the test's folder and returns its path.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_taskwright-server");
        let mut line = self.launcher.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(line.next().unwrap());
        command.args(line);
        command
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env_remove("XDG_DATA_HOME");
        for name in SECRET_VARIABLES {
            command.env_remove(name);
        }
        for (name, value) in [("--port", "0"), ("--data-dir", "data")] {
            if !self.arguments.iter().any(|argument| argument == name) {
                command.args([name, value]);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the server and asserts that it does not start.
    pub fn fail(&self) -> Output {
        let output = self.command().output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        output
    }

    pub fn run(self) -> TestServer {
        let log = self.folder.path().join("log");
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(
                File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        let mut announcement = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut announcement)
            .unwrap();
        let address = announcement
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once(", "))
            .and_then(|(address, _)| address.parse().ok())
            .unwrap_or_else(|| {
                panic!(
                    "{announcement:?} {}",
                    std::fs::read_to_string(&log).unwrap()
                )
            });
        TestServer {
            start: self,
            child,
            address,
            announcement,
            log,
        }
    }
}

/// A running server, killed on drop.
pub struct TestServer {
    start: Start,
    child: Child,
    pub address: SocketAddr,
    pub announcement: String,
    log: PathBuf,
}

impl TestServer {
    pub fn send(&self, request: &Request) -> Response {
        request.send(self.address)
    }

    /// A token the server accepts.
    pub fn token(&self) -> &str {
        let named = |(name, _): &&(String, String)| name == "AGENT_API_TOKEN";
        let list = self.start.variables.iter().find(named);
        let first = list.map_or("changeme", |(_, list)| list.as_str());
        first.split(',').next().unwrap()
    }

    pub fn get(&self, target: &str) -> Response {
        self.send(&get(target).token(self.token()))
    }

    pub fn post(&self, task: impl Into<Vec<u8>>) -> Response {
        self.send(&post("/tasks").token(self.token()).json(task))
    }

    pub fn post_with_key(&self, key: &str, task: impl Into<Vec<u8>>) -> Response {
        self.send(
            &post("/tasks")
                .token(self.token())
                .header("Idempotency-Key", key)
                .json(task),
        )
    }

    /// All stored tasks, fetched page by page.
    pub fn stored(&self) -> Vec<serde_json::Value> {
        let mut all = Vec::new();
        let mut target = "/tasks?limit=200".to_owned();
        loop {
            let page = self.get(&target).json();
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => target = format!("/tasks?limit=200&cursor={cursor}"),
                None => return all,
            }
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn folder(&self) -> &Path {
        self.start.folder()
    }

    /// The process ID of the server.
    #[cfg(target_os = "linux")]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the server with `kill -9`.
    pub fn kill(mut self) -> Start {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.into_start()
    }

    /// Sends SIGTERM, as a service manager does.
    #[cfg(unix)]
    pub fn ask_to_stop(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Sends SIGHUP, which asks the server to read its secrets again.
    #[cfg(unix)]
    pub fn ask_to_reload(&self) {
        let status = Command::new("kill")
            .args(["-HUP", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until the log has a text `count` times.
    pub fn wait_for_log(&self, text: &str, count: usize) {
        let started = std::time::Instant::now();
        while self.log().matches(text).count() < count {
            let elapsed = started.elapsed();
            assert!(elapsed.as_secs() < 20, "{text}: {}", self.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[cfg(unix)]
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn into_start(mut self) -> Start {
        std::mem::replace(&mut self.start, Start::new())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
