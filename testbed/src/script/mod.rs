//! Scripts: what the model endpoint does, as data.
//!
//! A script is a JSON file. Its name is the file's name, and a request picks it by the name of its
//! model (`scripted:cut-off`) or by its base URL (`/scripted/cut-off/my-test/v1`), so that tests
//! which want different things run side by side. See [`Selection`] for the picking and [`Library`]
//! for where the files are.

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
    /// What it does and what a client is expected to make of it, in a sentence or two.
    pub about: String,
    /// The key the endpoint wants: absent for none, `"*"` for any, else exactly this one.
    pub needs_key: Option<String>,
    /// What in a request makes the endpoint answer 400.
    #[serde(default)]
    pub refuses: Vec<Refusal>,
    /// Whether a request that lets the endpoint keep the answer gets a 400: `store` is true unless
    /// given in Responses, and false unless given in Chat Completions.
    #[serde(default)]
    pub refuses_storing: bool,
    /// The request headers a preflight allows, in lower case; absent means: whatever it asks for.
    /// It only matters when the script was picked by the base URL, since a preflight has no body.
    pub allow_headers: Option<Vec<String>>,
    /// The replies, one for each request with the same selection; the last one goes on for ever.
    pub replies: Vec<Reply>,
    /// What `GET /v1/models` gets when the script was picked by the base URL; absent means: the
    /// list of the scripts.
    pub models: Option<Reply>,
}

/// A part of a request that a script does not accept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Where the part stands in the request's body, as a JSON pointer.
    pub pointer: String,
    /// The value that is not accepted; absent means: any value.
    pub equals: Option<Value>,
    /// The parameter that the error names.
    pub parameter: String,
    /// The error's code, such as `unsupported_parameter`.
    pub code: String,
    /// The error's message.
    pub message: String,
}

impl Refusal {
    /// Says whether `request` holds what is not accepted.
    #[must_use]
    pub fn applies_to(&self, request: &Value) -> bool {
        match (request.pointer(&self.pointer), &self.equals) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(found), Some(refused)) => found == refused,
        }
    }
}

/// What one request gets.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A model's answer, as a stream or as a document.
    Answer(Box<Answer>),
    /// An HTTP answer as it stands in the script.
    Http(HttpReply),
    /// No answer at all, the connection held open.
    Hang,
    /// No answer at all, the connection reset.
    Drop,
}

/// An HTTP answer that the script spells out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReply {
    /// The status; the parameter `status` of a selection overrides it.
    pub status: u16,
    /// Further headers. `{other_origin}` stands for this server under its other loopback name,
    /// which a browser takes for another origin, `{tag}` for the request's tag.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The response headers that a page may read.
    #[serde(default)]
    pub expose_headers: Vec<String>,
    /// Whether a page may read the answer at all.
    #[serde(default = "yes")]
    pub cors: bool,
    /// The body.
    #[serde(default)]
    pub body: Body,
}

/// The body of a spelled-out answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// A JSON document, `application/json`.
    Json(Value),
    /// A page, `text/html; charset=utf-8`.
    Html(String),
    /// Plain text, `text/plain; charset=utf-8`.
    Text(String),
}

/// What the model says and how it reaches the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What the model says.
    #[serde(default)]
    pub text: Text,
    /// The finish reason of Chat Completions; `null` leaves the chunk out that would carry it. In
    /// Responses it is the event at the end: `stop` and `tool_calls` are completed, `error` is
    /// failed, and the others are the reason for being incomplete.
    #[serde(default = "stop")]
    pub finish_reason: Option<String>,
    /// How it is put into events and bytes.
    #[serde(default)]
    pub wire: Wire,
}

/// What the model says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// Where the text comes from.
    pub source: Source,
    /// What stands before it, such as chatter or the opening of a code fence.
    pub before: String,
    /// What stands after it.
    pub after: String,
    /// Reasoning that is streamed before the answer, as `reasoning_content` or, in Responses, as
    /// the summary of an item of its own.
    pub reasoning: String,
    /// A refusal, said after whatever the text is.
    pub refusal: Option<String>,
    /// How much of the text is said, from 0 to 1; the rest is never sent.
    pub share: Option<f64>,
    /// The text of a second choice, interleaved with the first. Responses have no choices, so it
    /// is not said there.
    pub second_choice: Option<String>,
}

/// Where the text of an answer comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Tasks, made from the request's schema and count.
    Tasks(Batch),
    /// Exactly this text, whatever was asked for.
    Verbatim(String),
}

impl Default for Source {
    fn default() -> Self {
        Source::Tasks(Batch::default())
    }
}

/// How tasks are put together, and what is wrong with them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// The JSON around the tasks.
    pub shape: Shape,
    /// How many tasks more (or, below zero, fewer) than asked for there are.
    pub count_off_by: i64,
    /// What is done to single tasks after they were made.
    pub spoil: Vec<Spoil>,
    /// Whether the JSON is indented.
    pub pretty: bool,
}

/// The JSON around the tasks.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The envelope that the schema asks for.
    #[default]
    Envelope,
    /// An array of tasks without the envelope.
    Array,
    /// The first task, and nothing around it.
    Single,
    /// One task per line.
    Lines,
}

/// What is done to a task after it was made. Tasks count from 0; one that is not there is left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Spoil {
    /// Takes a member out.
    Remove {
        /// The task.
        task: usize,
        /// The member.
        member: String,
    },
    /// Sets a member, whether it was there or not.
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
        /// The task it is copied from.
        from: usize,
    },
    /// Writes a member a second time, before the first one, so that the object has it twice.
    Repeat {
        /// The task.
        task: usize,
        /// The member.
        member: String,
        /// The value of the one that was added.
        with: Value,
    },
}

/// How an answer is put into events and bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wire {
    /// Whether a stream is sent; absent means: as the request asks.
    pub stream: Option<bool>,
    /// Characters of text in one event.
    pub piece: usize,
    /// Bytes in one write; absent means: one event each. Writes do not care for characters, so a
    /// small number splits them.
    pub write: Option<usize>,
    /// Milliseconds before the first byte of the answer.
    pub delay_ms: u64,
    /// Milliseconds between two writes.
    pub pause_ms: u64,
    /// What ends a line of the stream.
    pub line_end: LineEnd,
    /// Whether comments stand between the events, as gateways send them to keep a connection alive.
    pub comments: bool,
    /// Whether every event also carries `event:`, `id:` and `retry:` lines.
    pub extra_fields: bool,
    /// Whether the first chunk has no choice and `created: 0`; Chat Completions only.
    pub empty_first_chunk: bool,
    /// Whether chunks carry the padding called `obfuscation`.
    pub obfuscation: bool,
    /// Whether everything beyond ASCII is written as `\u` escapes.
    pub ascii: bool,
    /// Whether the usage is sent where the request asks for it, which in Responses is always.
    pub usage: bool,
    /// Whether `[DONE]` ends the stream; in Responses, which have no such line, whether the events
    /// come that end a part (`response.output_text.done` and those after it).
    pub done: bool,
    /// An error that is sent inside the stream after the text, in place of the finish reason.
    pub error: Option<Value>,
    /// The byte of the stream after which nothing more is sent.
    pub cut_at_byte: Option<usize>,
    /// What happens to the connection when everything was sent.
    pub ending: Ending,
    /// Milliseconds that a stalled connection is held.
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
            ending: Ending::default(),
            hold_ms: 600_000,
        }
    }
}

/// What ends a line of a stream. All three are allowed by the HTML standard, section 9.2.6.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// A line feed.
    #[default]
    LineFeed,
    /// A carriage return and a line feed.
    Both,
    /// A carriage return.
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

/// What happens to the connection when everything was sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The HTTP body ends as it should.
    #[default]
    Clean,
    /// The connection is closed without the end of the HTTP body.
    Broken,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and the connection is held.
    Stall,
}

fn yes() -> bool {
    true
}

fn stop() -> Option<String> {
    Some("stop".to_owned())
}
