//! Turns the bytes of a model's response into events.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::assembler::ResponseAssembler;
use super::chunk::ChatReader;
use super::error_body::ErrorBody;
use super::event::StreamEvent;
use super::failure::{Failure, FailureKind};
use super::notice::NoticeCode;
use super::outcome::{GenerationOutcome, Stall};
use super::piece::{Malformed, Piece};
use super::responses::ResponsesReader;
use super::sse::{Decoder, SseEvent};
use super::usage::Usage;
use super::{MAX_EXCERPT_BYTES, MAX_MESSAGE_BYTES};
use crate::schema::Check;
use crate::settings::Api;
use crate::text::{truncate_bytes, truncate_lossy};

/// Longest body of an endpoint that sends one JSON document instead of a stream: 64 MiB, enough for
/// the longest response with every other character escaped.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// The message of [`NoticeCode::InvalidUtf8`].
const REPLACED: &str = "Bytes that are not valid UTF-8 were replaced by \u{FFFD}.";

/// How the body of a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The endpoint closed it.
    Ended,
    /// The operator cancelled the request.
    Cancelled,
    /// Nothing arrived for the duration of a timeout.
    Stalled(Stall),
    /// The request timeout expired.
    OutOfTime,
    /// The connection broke; the browser's error message.
    TransportError(String),
}

/// Reads the body of one response, in pieces of any size.
///
/// The events and their order do not depend on how the bytes are split, except for where one text
/// event ends and the next begins.
pub struct TaskStream {
    body: Body,
    decoder: Decoder,
    reader: Reader,
    assembler: ResponseAssembler,
    /// The start of the body, shown if it is not a model response.
    head: Vec<u8>,
    /// Whether the last bytes completed an event.
    has_new_event: bool,
}

/// The kind of body, found from its first bytes.
enum Body {
    /// Nothing but whitespace so far.
    Undecided,
    /// An event stream, or text without events.
    Stream,
    /// One JSON document.
    Document(DocumentBody),
    /// A JSON document that has been read.
    Read,
    /// It starts like a web page.
    Html,
}

enum Reader {
    Chat(ChatReader),
    Responses(ResponsesReader),
}

impl Reader {
    fn read(
        &mut self,
        event: &SseEvent<'_>,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Malformed> {
        match self {
            Reader::Chat(reader) => reader.read(event.name, event.data, sink),
            Reader::Responses(reader) => reader.read(event.name, event.data, sink),
        }
    }

    fn read_body(&mut self, data: &str, sink: &mut impl FnMut(Piece<'_>)) -> Result<(), Malformed> {
        match self {
            Reader::Chat(reader) => reader.read("message", data, sink),
            Reader::Responses(reader) => reader.read_body(data, sink),
        }
    }
}

impl TaskStream {
    /// Creates a stream for a body of `api`. Each task is passed to `check` when its JSON closes.
    #[must_use]
    pub fn new(api: Api, check: Arc<dyn Check>) -> Self {
        TaskStream {
            body: Body::Undecided,
            decoder: Decoder::new(),
            reader: match api {
                Api::ChatCompletions => Reader::Chat(ChatReader::default()),
                Api::Responses => Reader::Responses(ResponsesReader::default()),
            },
            assembler: ResponseAssembler::new(api, check),
            head: Vec::new(),
            has_new_event: false,
        }
    }

    /// Takes the next bytes of the body, which may end anywhere, even inside a character, and returns
    /// the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<StreamEvent> {
        let room = (MAX_EXCERPT_BYTES + 1).saturating_sub(self.head.len());
        self.head
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if matches!(self.body, Body::Undecided) {
            self.detect_body(bytes);
        }
        self.has_new_event = false;
        match &mut self.body {
            Body::Undecided | Body::Stream => self.push_stream(bytes),
            Body::Document(document) => {
                if let Some((end, text)) = document.push(bytes) {
                    self.read_document(text);
                    let rest = bytes.get(end..).unwrap_or_default();
                    self.after_document(rest);
                } else if document.text.len() > MAX_DOCUMENT_BYTES {
                    self.body = Body::Read;
                    self.assembler.fail(Failure::new(
                        FailureKind::ResponseTooLarge,
                        format!("The endpoint sent more than {MAX_DOCUMENT_BYTES} bytes."),
                    ));
                }
            }
            Body::Read => self.after_document(bytes),
            Body::Html => {}
        }
        self.assembler.take_events()
    }

    /// Whether the outcome is final, and nothing else of use can arrive: the request can be ended.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let has_excerpt = self.head.len() > MAX_EXCERPT_BYTES;
        self.assembler.is_settled()
            || matches!(self.body, Body::Read)
            || (matches!(self.body, Body::Html) && has_excerpt)
    }

    /// Ends the body, and returns the events that its end completes.
    ///
    /// An event without its closing empty line counts if it is whole: its data is a JSON object that
    /// closes, or `[DONE]`.
    pub fn close(&mut self) -> Vec<StreamEvent> {
        if matches!(self.body, Body::Undecided | Body::Stream) {
            let (reader, assembler) = (&mut self.reader, &mut self.assembler);
            self.decoder.finish(|event| {
                if is_whole(event.data) {
                    read_event(reader, assembler, &event);
                }
            });
        }
        self.assembler.close();
        self.assembler.take_events()
    }

    /// Whether the model has begun to write, be it reasoning.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.assembler.has_begun()
    }

    /// Whether the last bytes completed an event. Comments are none.
    #[must_use]
    pub fn has_new_event(&self) -> bool {
        self.has_new_event
    }

    /// Whether the endpoint said that the response has finished. Only the token usage may follow.
    #[must_use]
    pub fn has_finished(&self) -> bool {
        self.assembler.has_finished()
    }

    /// Returns the outcome of the request, given how the body ended. Call [`TaskStream::close`] before,
    /// so that the last event counts.
    ///
    /// What the endpoint said takes precedence over how the body ended: a finished response is
    /// complete even if the connection broke or the operator cancelled after that.
    pub fn finish(&self, end: End) -> GenerationOutcome {
        if let Some(outcome) = self.assembler.outcome() {
            return self.with_excerpt(outcome);
        }
        match end {
            End::Cancelled => GenerationOutcome::Cancelled,
            End::Stalled(stall) => GenerationOutcome::Stalled(stall),
            End::OutOfTime => GenerationOutcome::Failed(Box::new(Failure::took_too_long())),
            End::TransportError(reason) => GenerationOutcome::Interrupted {
                reason: Some(truncate_bytes(&reason, MAX_MESSAGE_BYTES)),
            },
            End::Ended => match self.body_failure() {
                Some(failure) => GenerationOutcome::Failed(Box::new(failure)),
                None => GenerationOutcome::Interrupted { reason: None },
            },
        }
    }

    /// The complete text of the response so far, usable or not.
    #[must_use]
    pub fn raw_text(&self) -> &str {
        self.assembler.text()
    }

    /// The reasoning that was sent apart from the text; its start, if it is very long.
    #[must_use]
    pub fn reasoning(&self) -> &str {
        self.assembler.reasoning()
    }

    /// The tokens used so far, if the endpoint said.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.assembler.usage()
    }

    /// Finds the kind of body by its first byte that is neither whitespace nor part of a byte order
    /// mark.
    fn detect_body(&mut self, bytes: &[u8]) {
        let blank =
            |byte: &&u8| !(byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF));
        self.body = match bytes.iter().find(blank) {
            None => return,
            Some(b'{' | b'[') => Body::Document(DocumentBody::default()),
            Some(b'<') => Body::Html,
            Some(_) => Body::Stream,
        };
    }

    fn push_stream(&mut self, bytes: &[u8]) {
        let (reader, assembler) = (&mut self.reader, &mut self.assembler);
        let has_new_event = &mut self.has_new_event;
        let result = self.decoder.push(bytes, |event| {
            *has_new_event = true;
            read_event(reader, assembler, &event);
        });
        if let Err(error) = result {
            self.assembler.fail(error.into());
        }
    }

    /// Reads a document that the endpoint sent instead of a stream.
    fn read_document(&mut self, bytes: Vec<u8>) {
        self.body = Body::Read;
        let text = String::from_utf8_lossy(&bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.assembler
                .add_notice(NoticeCode::InvalidUtf8, REPLACED.into());
        }
        let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
        let mut understood = false;
        let assembler = &mut self.assembler;
        let result = self.reader.read_body(text, &mut |piece| {
            if !matches!(piece, Piece::Notice(NoticeCode::UnknownEvent, _)) {
                understood = true;
                assembler.take(piece);
            }
        });
        if result.is_ok() && understood {
            if !self.assembler.has_failed() {
                self.assembler.add_notice(
                    NoticeCode::NotStreamed,
                    "The endpoint sent the response in one piece although a stream was requested."
                        .into(),
                );
            }
            return;
        }
        let error = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|value| ErrorBody::find(&value));
        let failure = match (error, result) {
            (Some(error), _) => Failure::of_error(None, error),
            (None, Err(malformed)) => malformed.into(),
            (None, Ok(())) => Failure::new(
                FailureKind::NotAModelResponse,
                "The endpoint sent JSON that is not a model response.",
            ),
        };
        self.assembler.fail(failure);
    }

    /// Fails unless only whitespace follows the document.
    fn after_document(&mut self, bytes: &[u8]) {
        if !bytes.trim_ascii().is_empty() {
            self.assembler.fail(Failure::new(
                FailureKind::NotAModelResponse,
                "The endpoint sent several JSON documents instead of an event stream.",
            ));
        }
    }

    /// Adds an excerpt of a document that was not understood. It is added at the end so that it does
    /// not depend on how the bytes were split.
    fn with_excerpt(&self, outcome: GenerationOutcome) -> GenerationOutcome {
        match outcome {
            GenerationOutcome::Failed(failure)
                if matches!(self.body, Body::Read)
                    && matches!(
                        failure.kind,
                        FailureKind::NotAModelResponse | FailureKind::MalformedStream
                    ) =>
            {
                GenerationOutcome::Failed(Box::new(Failure {
                    body: Some(truncate_lossy(&self.head, MAX_EXCERPT_BYTES)),
                    ..*failure
                }))
            }
            other => other,
        }
    }

    /// The failure of a body that ended and is not a model response.
    fn body_failure(&self) -> Option<Failure> {
        let (kind, message) = match self.body {
            Body::Html => (FailureKind::WebPage, "The endpoint sent a web page."),
            Body::Stream if !self.decoder.is_event_stream() => (
                FailureKind::NotAModelResponse,
                "The endpoint sent plain text.",
            ),
            _ => return None,
        };
        Some(Failure {
            body: Some(truncate_lossy(&self.head, MAX_EXCERPT_BYTES)),
            ..Failure::new(kind, message)
        })
    }
}

/// Reads one event of a stream.
fn read_event(reader: &mut Reader, assembler: &mut ResponseAssembler, event: &SseEvent<'_>) {
    if event.replaced {
        assembler.add_notice(NoticeCode::InvalidUtf8, REPLACED.into());
    }
    if let Err(malformed) = reader.read(event, &mut |piece| assembler.take(piece)) {
        assembler.fail(malformed.into());
    }
}

/// Whether the data of an event is not cut off.
fn is_whole(data: &str) -> bool {
    let data = data.trim_ascii();
    data == "[DONE]" || (data.starts_with('{') && serde_json::from_str::<IgnoredAny>(data).is_ok())
}

/// Collects one JSON document and finds its end, without parsing it.
#[derive(Default)]
struct DocumentBody {
    text: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl DocumentBody {
    /// Takes more bytes. Once the document closes, returns how many of them belong to it and the
    /// complete document.
    fn push(&mut self, bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        let end = at + 1;
                        self.text
                            .extend_from_slice(bytes.get(..end).unwrap_or_default());
                        return Some((end, std::mem::take(&mut self.text)));
                    }
                }
                _ => {}
            }
        }
        self.text.extend_from_slice(bytes);
        None
    }
}
