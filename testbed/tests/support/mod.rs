//! Shared by the tests: the testbed in this process, and an HTTP client.
//!
//! The client is a plain socket, so that a test sees the chunks of a body and the end of the
//! connection.
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
use taskwright_testbed::model::ModelState;
use taskwright_testbed::plain::{PlainOptions, PlainState};
use taskwright_testbed::proxy::{Plan, ProxyState, Upstream};
use taskwright_testbed::script::Library;

/// The origin that the plain server allows.
pub const ORIGIN: &str = "http://127.0.0.1:8080";
/// The agent token of the plain server.
pub const TOKEN: &str = "test-token";
/// Time limit for a response that should arrive.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Starts both servers on one free port, until the test process ends.
pub fn start(change: impl FnOnce(&mut PlainOptions)) -> u16 {
    let mut options = PlainOptions {
        token: TOKEN.to_owned(),
        allow_origins: vec![ORIGIN.to_owned()],
        ..PlainOptions::default()
    };
    change(&mut options);
    serve(|listener| {
        let model = ModelState::new(Library::embedded().unwrap());
        taskwright_testbed::serve_all(listener, model, PlainState::new(options))
    })
}

/// Starts a fault proxy in front of a server on this machine, with this plan.
pub fn start_proxy(upstream: u16, plan: &Value) -> u16 {
    let upstream = Upstream::parse(&format!("http://127.0.0.1:{upstream}")).unwrap();
    let plan = Plan::from_json(plan.to_string().as_bytes()).unwrap();
    serve(|listener| taskwright_testbed::serve_proxy(listener, ProxyState::new(upstream, plan)))
}

/// Serves on a free port in a new thread, until the test process ends.
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

/// How reading a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The HTTP message is complete.
    Whole,
    /// The connection was closed before the end of the message.
    Closed,
    /// The connection was reset.
    Reset,
    /// The time limit passed.
    Timeout,
}

/// A response as the client received it.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The chunks of the HTTP body.
    pub chunks: Vec<Vec<u8>>,
    pub end: End,
}

impl Response {
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

/// Sends a request and reads until the response is complete, the connection ends, or time is up.
pub fn send(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
) -> Response {
    exchange(port, (method, path), headers, body, timeout, timeout)
}

/// Like [`send`], but reads for at most `stay` after the first byte of the response. The time before
/// that byte depends on the load of the machine.
fn exchange(
    port: u16,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
    timeout: Duration,
    stay: Duration,
) -> Response {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).unwrap();
    // A server may respond and close before it has read a body that is too large.
    let _ = stream.write_all(body);
    let started = Instant::now();
    let mut began: Option<Instant> = None;
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    let end = loop {
        if let Some(response) = parse(&bytes, End::Whole) {
            return response;
        }
        let left = match began {
            Some(began) => stay.saturating_sub(began.elapsed()),
            None => timeout.saturating_sub(started.elapsed()),
        };
        if left.is_zero() {
            break End::Timeout;
        }
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut buffer) {
            Ok(0) => break End::Closed,
            Ok(count) => {
                began.get_or_insert_with(Instant::now);
                bytes.extend_from_slice(&buffer[..count]);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break End::Timeout;
            }
            Err(error) => panic!("{error}"),
        }
    };
    parse(&bytes, end).unwrap_or(Response {
        status: 0,
        headers: Vec::new(),
        chunks: Vec::new(),
        end,
    })
}

/// Parses an HTTP response. If `end` is [`End::Whole`], returns `None` unless it is complete.
fn parse(bytes: &[u8], end: End) -> Option<Response> {
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
    Some(Response {
        status,
        headers,
        chunks,
        end,
    })
}

/// Parses a chunked body. Returns the chunks so far, and whether it is complete.
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

/// The envelope schema with tasks of the schema `agent-task`.
pub fn envelope() -> Value {
    let task: Value = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    json!({"type": "object", "required": ["tasks"], "additionalProperties": false,
        "properties": {"tasks": {"type": "array", "items": task}}})
}

/// A request for `count` tasks as the page sends it.
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

/// The headers for the model endpoint.
const MODEL_HEADERS: [(&str, &str); 3] = [
    ("Content-Type", "application/json"),
    ("Authorization", "Bearer testbed-key"),
    ("Origin", ORIGIN),
];

/// Posts a request to a path of the model endpoint.
pub fn post_at(port: u16, path: &str, request: &Value, timeout: Duration) -> Response {
    let body = request.to_string();
    send(port, "POST", path, &MODEL_HEADERS, body.as_bytes(), timeout)
}

/// Requests three tasks by Chat Completions.
pub fn generate(port: u16, model: &str) -> Response {
    Api::Chat.generate(port, model)
}

/// The APIs of the model endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Chat,
    Responses,
}

impl Api {
    /// The path.
    pub fn path(self) -> &'static str {
        match self {
            Api::Chat => "/v1/chat/completions",
            Api::Responses => "/v1/responses",
        }
    }

    /// A request for `count` tasks as the page sends it.
    pub fn request(self, model: &str, count: usize) -> Value {
        let chat = request(model, count);
        match self {
            Api::Chat => chat,
            Api::Responses => json!({
                "model": model,
                "instructions": chat["messages"][0]["content"],
                "input": [chat["messages"][1]],
                "store": false,
                "text": {"format": {"type": "json_schema", "name": "tasks", "strict": false,
                    "schema": envelope()}},
                "stream": true,
            }),
        }
    }

    /// The same request for a document instead of a stream.
    pub fn request_for_document(self, model: &str, count: usize) -> Value {
        let mut body = self.request(model, count);
        body["stream"] = json!(false);
        body.as_object_mut().unwrap().remove("stream_options");
        body
    }

    /// Sends a request.
    pub fn send(self, port: u16, request: &Value) -> Response {
        post_at(port, self.path(), request, TIMEOUT)
    }

    /// Requests three tasks, and stops reading two seconds after the response starts.
    pub fn generate_and_leave(self, port: u16, model: &str) -> Response {
        let body = self.request(model, 3).to_string();
        let stay = Duration::from_secs(2);
        let to = ("POST", self.path());
        exchange(port, to, &MODEL_HEADERS, body.as_bytes(), TIMEOUT, stay)
    }

    /// Requests three tasks.
    pub fn generate(self, port: u16, model: &str) -> Response {
        self.send(port, &self.request(model, 3))
    }

    /// The parameter with the response format.
    pub fn format(self) -> &'static str {
        match self {
            Api::Chat => "response_format",
            Api::Responses => "text.format",
        }
    }
}

/// A parsed stream. The end of a Responses stream is represented by the equivalent finish reason.
#[derive(Debug, Default)]
pub struct ParsedStream {
    /// The data of every event.
    pub chunks: Vec<Value>,
    pub content: String,
    /// The text of the second choice.
    pub other: String,
    pub reasoning: String,
    pub refusal: String,
    pub finish: Option<String>,
    pub usage: Option<Value>,
    pub error: Option<Value>,
    /// Whether `[DONE]` or the end of a part was received.
    pub done: bool,
}

impl ParsedStream {
    /// Parses the complete events of a stream (HTML standard, section 9.2.6).
    pub fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut stream = Self::default();
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end]);
        for event in whole.split("\n\n") {
            let data: Vec<&str> = event
                .split('\n')
                .filter_map(|line| line.strip_prefix("data: "))
                .collect();
            match data.as_slice() {
                [] => {}
                ["[DONE]"] => stream.done = true,
                [data] => {
                    let data: Value = serde_json::from_str(data).unwrap();
                    let name = event
                        .split('\n')
                        .find_map(|line| line.strip_prefix("event: "));
                    match data["type"].as_str() {
                        Some(kind) => {
                            assert_eq!(name, Some(kind));
                            stream.event(&data);
                            stream.chunks.push(data);
                        }
                        None => stream.chunk(data),
                    }
                }
                more => panic!("expected one line of data in an event, not {more:?}"),
            }
        }
        stream
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

    /// An event of a Responses stream.
    fn event(&mut self, event: &Value) {
        assert!(self.finish.is_none(), "an event after the end: {event}");
        assert_eq!(event["sequence_number"], self.chunks.len());
        let text = |name: &str| event[name].as_str().unwrap();
        let response = &event["response"];
        match text("type") {
            "response.output_text.delta" => self.content.push_str(text("delta")),
            "response.output_text.done" => {
                assert_eq!(text("text"), self.content);
                self.done = true;
            }
            "response.refusal.delta" => self.refusal.push_str(text("delta")),
            "response.refusal.done" => {
                assert_eq!(text("refusal"), self.refusal);
                self.done = true;
            }
            "response.reasoning_summary_text.delta" => self.reasoning.push_str(text("delta")),
            "response.completed" => {
                assert_eq!(response["status"], "completed");
                let output = response["output"].as_array().unwrap();
                let calls = output.iter().any(|item| item["type"] == "function_call");
                self.finish = Some(if calls { "tool_calls" } else { "stop" }.to_owned());
            }
            "response.incomplete" => {
                assert_eq!(response["status"], "incomplete");
                let reason = response["incomplete_details"]["reason"].as_str().unwrap();
                let reason = reason.replace("max_output_tokens", "length");
                self.finish = Some(reason);
            }
            "response.failed" => {
                assert_eq!(response["status"], "failed");
                assert!(response["error"]["message"].is_string());
                self.finish = Some("error".to_owned());
            }
            "error" => self.error = Some(event.clone()),
            "response.created"
            | "response.in_progress"
            | "response.output_item.added"
            | "response.output_item.done"
            | "response.content_part.added"
            | "response.content_part.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done"
            | "response.reasoning_summary_text.done"
            | "response.function_call_arguments.delta"
            | "response.function_call_arguments.done" => {}
            other => panic!("unknown event: {other}"),
        }
        if !response["usage"].is_null() {
            self.usage = Some(response["usage"].clone());
        }
    }

    /// The tasks in the envelope.
    pub fn tasks(&self) -> Vec<Value> {
        let envelope: Value = serde_json::from_str(&self.content).unwrap();
        envelope["tasks"].as_array().unwrap().clone()
    }
}

/// The violations of the schema `agent-task`.
pub fn violations(task: &str) -> Vec<taskwright::schema::Violation> {
    use taskwright::schema::Check;
    use taskwright::schema::validator::{Validator, ValidatorOptions};
    let schema = serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    let validator = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
    validator.check(&taskwright::document::Document::parse(task).unwrap())
}
