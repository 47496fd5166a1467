//! What the tests share: the testbed in this process, and a client that hides nothing.
//!
//! The client is a bare socket, so that a test sees how a body was cut into chunks and how its
//! connection ended.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use taskwright_testbed::model::ModelWorld;
use taskwright_testbed::plain::{PlainOptions, PlainWorld};
use taskwright_testbed::proxy::{Plan, ProxyWorld, Upstream};
use taskwright_testbed::script::Library;

/// The origin that the plain server allows.
pub const ORIGIN: &str = "http://127.0.0.1:8080";
/// The token that it wants.
pub const TOKEN: &str = "test-token";
/// How long a test waits for an answer that ought to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Starts both servers on one port of their own; they live as long as the test's process.
pub fn start(change: impl FnOnce(&mut PlainOptions)) -> u16 {
    let mut options = PlainOptions {
        token: TOKEN.to_owned(),
        allow_origins: vec![ORIGIN.to_owned()],
        ..PlainOptions::default()
    };
    change(&mut options);
    serve(|listener| {
        let model = ModelWorld::new(Library::embedded().unwrap());
        taskwright_testbed::serve_all(listener, model, PlainWorld::new(options))
    })
}

/// Starts a fault proxy in front of a server on this machine, which follows this plan.
pub fn start_proxy(upstream: u16, plan: &Value) -> u16 {
    let upstream = Upstream::parse(&format!("http://127.0.0.1:{upstream}")).unwrap();
    let plan = Plan::from_json(plan.to_string().as_bytes()).unwrap();
    serve(|listener| taskwright_testbed::serve_proxy(listener, ProxyWorld::new(upstream, plan)))
}

/// Serves on a free port in a thread of its own, as long as the test's process lives.
fn serve<S, F>(server: S) -> u16
where
    S: FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
    F: Future<Output = std::io::Result<()>>,
{
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap().port()).unwrap();
            server(listener).await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

/// How the client's reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The HTTP message was there from beginning to end.
    Whole,
    /// The connection was closed before that.
    Closed,
    /// The connection was reset.
    Reset,
    /// Nothing more came.
    Silence,
}

/// What a client got.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The chunks of the HTTP body as they were sent.
    pub chunks: Vec<Vec<u8>>,
    pub end: End,
}

impl Got {
    pub fn body(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Sends a request and reads until the answer is whole, the connection ends, or the patience does.
pub fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    patience: Duration,
) -> Got {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    // A server may answer and close before it has read a body that is too long for it.
    let _ = stream.write_all(body);
    let started = Instant::now();
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    let end = loop {
        if let Some(got) = parse(&bytes, End::Whole) {
            return got;
        }
        let left = patience.saturating_sub(started.elapsed());
        if left.is_zero() {
            break End::Silence;
        }
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => break End::Closed,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break End::Silence;
            }
            Err(error) => panic!("{error}"),
        }
    };
    parse(&bytes, end).unwrap_or(Got {
        status: 0,
        headers: Vec::new(),
        chunks: Vec::new(),
        end,
    })
}

/// Reads an HTTP answer. When the end is to be [`End::Whole`], there is only an answer if it is.
fn parse(bytes: &[u8], end: End) -> Option<Got> {
    let split = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..split]).unwrap();
    let rest = &bytes[split + 4..];
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let header = |name: &str| headers.iter().find(|(found, _)| found == name);
    let (chunks, whole) = if header("transfer-encoding").is_some() {
        dechunk(rest)
    } else {
        let length = header("content-length").map_or(0, |(_, value)| value.parse().unwrap());
        (vec![rest.to_vec()], rest.len() >= length)
    };
    if end == End::Whole && !whole {
        return None;
    }
    Some(Got {
        status,
        headers,
        chunks,
        end,
    })
}

/// Reads a chunked body as far as it goes, and says whether it has its end.
fn dechunk(mut rest: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut chunks = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (chunks, rest.len() >= line + 4);
        }
        let start = line + 2;
        let stop = (start + size).min(rest.len());
        chunks.push(rest[start..stop].to_vec());
        rest = rest.get(start + size + 2..).unwrap_or_default();
    }
    (chunks, false)
}

/// The schema of an answer that holds tasks of the schema that ships.
pub fn envelope() -> Value {
    let task: Value = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    json!({"type": "object", "required": ["tasks"], "additionalProperties": false,
        "properties": {"tasks": {"type": "array", "items": task}}})
}

/// A request as the page sends it, for so many tasks.
pub fn request(model: &str, count: usize) -> Value {
    let noun = if count == 1 { "task" } else { "tasks" };
    json!({
        "model": model,
        "messages": [
            {"role": "system", "content": "You break a brief down into tasks."},
            {"role": "user", "content":
                format!("Goal: Move the archive to the new store\n\nMake exactly {count} {noun}.\n")},
        ],
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "tasks", "strict": false, "schema": envelope()}},
        "stream": true,
        "stream_options": {"include_usage": true},
    })
}

/// Posts a request to a path of the model endpoint.
pub fn ask_at(port: u16, path: &str, request: &Value, patience: Duration) -> Got {
    let headers = [
        ("Content-Type", "application/json"),
        ("Authorization", "Bearer testbed-key"),
        ("Origin", ORIGIN),
    ];
    send(
        port,
        "POST",
        path,
        &headers,
        request.to_string().as_bytes(),
        patience,
    )
}

/// Asks a model for three tasks.
pub fn ask(port: u16, model: &str) -> Got {
    ask_at(port, "/v1/chat/completions", &request(model, 3), PATIENCE)
}

/// What a stream said.
#[derive(Debug, Default)]
pub struct Heard {
    pub chunks: Vec<Value>,
    pub content: String,
    pub other: String,
    pub reasoning: String,
    pub refusal: String,
    pub finish: Option<String>,
    pub usage: Option<Value>,
    pub error: Option<Value>,
    pub done: bool,
}

impl Heard {
    /// Reads the events of a stream (HTML standard, section 9.2.6) as far as they are whole.
    pub fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut heard = Self::default();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        for event in whole.split("\n\n") {
            let data: Vec<&str> = event
                .split('\n')
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            match data.as_slice() {
                [] => {}
                ["[DONE]"] => heard.done = true,
                [data] => heard.chunk(serde_json::from_str(data).unwrap()),
                more => panic!("one line of data an event, not {more:?}"),
            }
        }
        heard
    }

    fn chunk(&mut self, chunk: Value) {
        assert!(!self.done, "a chunk after [DONE]: {chunk}");
        if let Some(error) = chunk.get("error") {
            self.error = Some(error.clone());
        }
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let text = |name: &str| choice["delta"][name].as_str().unwrap_or_default();
            if choice["index"] == 1 {
                self.other.push_str(text("content"));
                continue;
            }
            assert!(self.finish.is_none(), "text after the finish: {chunk}");
            self.content.push_str(text("content"));
            self.reasoning.push_str(text("reasoning_content"));
            self.refusal.push_str(text("refusal"));
            self.finish = choice["finish_reason"].as_str().map(str::to_owned);
        }
        if let Some(usage) = chunk.get("usage").filter(|usage| !usage.is_null()) {
            self.usage = Some(usage.clone());
        }
        self.chunks.push(chunk);
    }

    /// The tasks of an answer that is an envelope.
    pub fn tasks(&self) -> Vec<Value> {
        let envelope: Value = serde_json::from_str(&self.content).unwrap();
        envelope["tasks"].as_array().unwrap().clone()
    }
}

/// The violations of a task by the schema that ships.
pub fn violations(task: &str) -> Vec<taskwright::schema::Violation> {
    use taskwright::schema::Check;
    use taskwright::schema::validator::{Validator, ValidatorOptions};
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let validator = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
    validator.check(&taskwright::document::Document::parse(task).unwrap())
}
