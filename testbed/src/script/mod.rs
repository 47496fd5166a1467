//! Scripts, which determine the responses of the model endpoint.
//!
//! A script is a JSON file, and its name is the file name. A request selects a script by its model
//! (`scripted:cut-off`) or by its base URL (`/scripted/cut-off/my-test/v1`), so that tests that need
//! different scripts can share an endpoint. [`Selection`] parses that choice, and [`Library`] loads
//! the files.

mod echo;
mod library;
mod selection;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use library::{Library, LibraryError};
pub use selection::{Overrides, Selection, SelectionError};

/// One script file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What the script does and how a client should handle it, in a sentence or two.
    pub about: String,
    /// The API key that the endpoint requires; `"*"` accepts any key, absent requires none.
    pub needs_key: Option<String>,
    /// The parameters to which the endpoint responds with 400.
    #[serde(default)]
    pub refuses: Vec<Refusal>,
    /// Whether a request whose `store` is true gets a 400. It defaults to true in Responses and to
    /// false in Chat Completions.
    #[serde(default)]
    pub refuses_storing: bool,
    /// The request headers that a preflight allows, in lower case; absent allows those it requests.
    /// This needs a script that is selected by the base URL, since a preflight has no body.
    pub allow_headers: Option<Vec<String>>,
    /// The replies to successive requests with the same selection; the last one repeats.
    pub replies: Vec<Reply>,
    /// The reply to `GET /v1/models` if the script is selected by the base URL; absent means the
    /// list of scripts.
    pub models: Option<Reply>,
}

/// A request parameter that a script refuses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The place in the request body, as a JSON Pointer.
    pub pointer: String,
    /// The value that is refused; absent means any value.
    pub equals: Option<Value>,
    /// Text that the value, written as JSON, must contain to be refused.
    pub contains: Option<String>,
    /// The parameter that the error names.
    #[serde(default)]
    pub parameter: String,
    /// The error's code, such as `unsupported_parameter`.
    #[serde(default)]
    pub code: String,
    /// The error's message.
    #[serde(default)]
    pub message: String,
    /// The response, if it is not a 400 with this error.
    pub reply: Option<HttpReply>,
}

impl Refusal {
    /// Whether the request body contains what is refused.
    #[must_use]
    pub fn applies_to(&self, request: &Value) -> bool {
        let Some(found) = request.pointer(&self.pointer) else {
            return false;
        };
        let is_equal = self.equals.as_ref().is_none_or(|refused| found == refused);
        let has_text = |text: &String| found.to_string().contains(text);
        is_equal && self.contains.as_ref().is_none_or(has_text)
    }
}

/// The reply to one request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A model response, as a stream or as a document.
    #[serde(rename = "answer")]
    Model(Box<ModelReply>),
    /// A fixed HTTP response.
    Http(HttpReply),
    /// No response; the connection stays open.
    Hang,
    /// No response; the connection is reset.
    Drop,
}

/// A fixed HTTP response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReply {
    /// The status, unless the selection overrides it.
    pub status: u16,
    /// The reason phrase of the status line; absent means that of the standard.
    pub reason: Option<String>,
    /// Additional headers. `{other_origin}` is replaced by the address of this server under its
    /// other loopback name, which is another origin to a browser, and `{tag}` by the request's tag.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The response headers that a page may read.
    #[serde(default)]
    pub expose_headers: Vec<String>,
    /// Whether a page may read the response at all.
    #[serde(default = "yes")]
    pub cors: bool,
    /// The body.
    #[serde(default)]
    pub body: Body,
}

/// The body of a fixed HTTP response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// No body.
    #[default]
    Empty,
    /// A JSON document, `application/json`.
    Json(Value),
    /// HTML, `text/html; charset=utf-8`.
    Html(String),
    /// Plain text, `text/plain; charset=utf-8`.
    Text(String),
}

/// A model response: its text and its transmission.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelReply {
    /// The text.
    #[serde(default)]
    pub text: Text,
    /// The finish reason of Chat Completions; `null` omits its chunk. In Responses it determines the
    /// last event: `response.completed` for `stop` and `tool_calls`, `response.failed` for `error`,
    /// and otherwise `response.incomplete` with this reason.
    #[serde(default = "stop")]
    pub finish_reason: Option<String>,
    /// How the response is split into events and bytes.
    #[serde(default)]
    pub wire: Wire,
}

/// The text of a model response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// Where the text comes from.
    pub source: Source,
    /// Text before it, such as prose or the start of a code fence.
    pub before: String,
    /// Text after it.
    pub after: String,
    /// Reasoning that is streamed before the text, as `reasoning_content` or, in Responses, as the
    /// summary of a separate item.
    pub reasoning: String,
    /// A refusal, sent after the text.
    pub refusal: Option<String>,
    /// The share of the text that is sent, from 0 to 1.
    pub share: Option<f64>,
    /// The text of a second choice, interleaved with the first. Responses has no choices, so it is
    /// omitted there.
    pub second_choice: Option<String>,
}

/// Where the text of a model response comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Tasks for the schema and the count of the request.
    Tasks(TaskOptions),
    /// This text, regardless of the request.
    Verbatim(String),
}

impl Default for Source {
    fn default() -> Self {
        Source::Tasks(TaskOptions::default())
    }
}

/// How tasks are made and written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskOptions {
    /// The JSON around the tasks.
    pub shape: Shape,
    /// The number of tasks in excess of the requested count; negative for fewer.
    pub count_off_by: i64,
    /// Defects that are added to the tasks.
    #[serde(rename = "spoil")]
    pub defects: Vec<Defect>,
    /// Whether the JSON is indented.
    pub pretty: bool,
}

/// The JSON around the tasks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The envelope that the schema describes.
    #[default]
    Envelope,
    /// An array of tasks without the envelope.
    Array,
    /// The first task alone.
    Single,
    /// One task per line.
    Lines,
}

/// A defect of a task. Tasks count from 0; a defect of a task that does not exist is ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Defect {
    /// Removes a member.
    Remove {
        /// The task.
        task: usize,
        /// The member.
        member: String,
    },
    /// Sets a member, whether it exists or not.
    Set {
        /// The task.
        task: usize,
        /// The member.
        member: String,
        /// Its new value.
        to: Value,
    },
    /// Copies a member from another task.
    Copy {
        /// The task.
        task: usize,
        /// The member.
        member: String,
        /// The task to copy from.
        from: usize,
    },
    /// Adds a duplicate member at the start of the object.
    Repeat {
        /// The task.
        task: usize,
        /// The member.
        member: String,
        /// The value of the duplicate.
        with: Value,
    },
}

/// How a model response is split into events and bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wire {
    /// Whether a stream is sent; absent means what the request asks for.
    pub stream: Option<bool>,
    /// Characters of text in one event.
    pub piece: usize,
    /// Bytes in one write, regardless of characters; absent means one event per write.
    pub write: Option<usize>,
    /// Milliseconds before the first byte of the body.
    pub delay_ms: u64,
    /// Milliseconds between two writes.
    pub pause_ms: u64,
    /// The line end of the stream.
    pub line_end: LineEnd,
    /// Whether a comment precedes each event, as gateways send them to keep a connection alive.
    pub comments: bool,
    /// Whether every event also has `event:`, `id:` and `retry:` lines.
    pub extra_fields: bool,
    /// Whether the first chunk has no choice and `created: 0`; Chat Completions only.
    pub empty_first_chunk: bool,
    /// Whether chunks have the padding member `obfuscation`.
    pub obfuscation: bool,
    /// Whether characters outside ASCII are written as `\u` escapes.
    pub ascii: bool,
    /// Whether the usage is sent if the request asks for it; a Responses request always does.
    pub usage: bool,
    /// Whether `[DONE]` ends the stream. Responses has no such line; there it controls the events
    /// that end a part (`response.output_text.done` and those after it).
    pub done: bool,
    /// An error that is sent in the stream after the text, instead of the finish reason.
    pub error: Option<Value>,
    /// The number of bytes after which the body ends.
    pub cut_at_byte: Option<usize>,
    /// Whether the last event lacks its closing empty line.
    pub open_last_event: bool,
    /// Whether the last chunk repeats the whole text as a `message`; Chat Completions only.
    pub repeats_text: bool,
    /// What happens to the connection at the end.
    pub ending: Ending,
    /// Milliseconds for which a stalled connection stays open.
    pub hold_ms: u64,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            stream: None,
            piece: 16,
            write: None,
            delay_ms: 0,
            pause_ms: 0,
            line_end: LineEnd::default(),
            comments: false,
            extra_fields: false,
            empty_first_chunk: false,
            obfuscation: true,
            ascii: false,
            usage: true,
            done: true,
            error: None,
            cut_at_byte: None,
            open_last_event: false,
            repeats_text: false,
            ending: Ending::default(),
            hold_ms: 600_000,
        }
    }
}

/// The line end of a stream. The HTML standard, section 9.2.6, allows all three.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// LF.
    #[default]
    LineFeed,
    /// CR LF.
    Both,
    /// CR.
    CarriageReturn,
}

impl LineEnd {
    /// The characters.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::LineFeed => "\n",
            Self::Both => "\r\n",
            Self::CarriageReturn => "\r",
        }
    }
}

/// What happens to the connection at the end of the body.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The HTTP body is terminated properly.
    #[default]
    Clean,
    /// The connection is closed before the end of the HTTP body.
    Broken,
    /// The connection is reset.
    Reset,
    /// Nothing more is sent, and the connection stays open.
    Stall,
}

fn yes() -> bool {
    true
}

fn stop() -> Option<String> {
    Some("stop".to_owned())
}
