//! The bytes of a model's answer in, events out.

use std::sync::Arc;

use serde_json::Value;

use super::assembler::ResponseAssembler;
use super::chunk::ChatReader;
use super::error_body::ErrorBody;
use super::event::StreamEvent;
use super::failure::{Failure, FailureKind};
use super::http::looks_like_a_page;
use super::notice::NoticeCode;
use super::outcome::GenerationOutcome;
use super::piece::{Malformed, Piece};
use super::responses::ResponsesReader;
use super::sse::{Decoder, SseEvent};
use super::usage::Usage;
use super::{MAX_EXCERPT_BYTES, MAX_MESSAGE_BYTES};
use crate::schema::Check;
use crate::settings::Api;
use crate::text::{truncate_bytes, truncate_lossy};

/// The longest body that is taken where an endpoint answers one JSON document in place of a
/// stream: 64 MiB, enough for the longest answer with every other character escaped.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// How the body of an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The endpoint closed it.
    Ended,
    /// The operator stopped it.
    Cancelled,
    /// Nothing arrived for the idle time.
    Stalled,
    /// The time of the whole call was over.
    OutOfTime,
    /// The connection broke; what the browser said.
    TransportError(String),
}

/// Reads the body of one answer, in pieces of any size.
///
/// Whatever way the bytes are split, the same events come in the same order; only where one text
/// event ends and the next begins may differ.
pub struct TaskStream {
    body: Body,
    decoder: Decoder,
    reader: Reader,
    answer: ResponseAssembler,
    /// The beginning of the body, to be shown where it is not an answer.
    head: Vec<u8>,
}

/// What the body turned out to be.
enum Body {
    /// Nothing but whitespace so far.
    Undecided,
    /// An event stream, or text that holds no event.
    Stream,
    /// One JSON document.
    Document(DocumentBody),
    /// A document that has been read.
    Read,
    /// It begins like a page.
    Page,
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
    /// A stream at the start of a body that speaks `api`. Each task is given to `check` as it
    /// closes.
    #[must_use]
    pub fn new(api: Api, check: Arc<dyn Check>) -> Self {
        TaskStream {
            body: Body::Undecided,
            decoder: Decoder::new(),
            reader: match api {
                Api::ChatCompletions => Reader::Chat(ChatReader::default()),
                Api::Responses => Reader::Responses(ResponsesReader::default()),
            },
            answer: ResponseAssembler::new(api, check),
            head: Vec::new(),
        }
    }

    /// Takes the next bytes of the body; they may end anywhere, inside a character too.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<StreamEvent> {
        let room = (MAX_EXCERPT_BYTES + 1).saturating_sub(self.head.len());
        self.head
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if matches!(self.body, Body::Undecided) {
            self.decide(bytes);
        }
        match &mut self.body {
            Body::Undecided | Body::Stream => self.push_stream(bytes),
            Body::Document(document) => {
                if let Some((end, whole)) = document.push(bytes) {
                    self.read_document(whole);
                    let rest = bytes.get(end..).unwrap_or_default();
                    self.after_document(rest);
                } else if document.text.len() > MAX_DOCUMENT_BYTES {
                    self.body = Body::Read;
                    self.answer.fail(Failure::new(
                        FailureKind::AnswerTooLarge,
                        format!("The endpoint answered more than {MAX_DOCUMENT_BYTES} bytes."),
                    ));
                }
            }
            Body::Read => self.after_document(bytes),
            Body::Page => {}
        }
        self.answer.take_events()
    }

    /// Whether nothing that may still arrive changes the outcome. The request can be ended then;
    /// what it cost may still be told by what follows.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.answer.is_settled() || matches!(self.body, Body::Read | Body::Page)
    }

    /// Says how the body ended, and gives the outcome of the request.
    ///
    /// What the endpoint has said counts before how the body ended: an answer that was told to be
    /// finished is complete although the connection broke or was stopped after that.
    pub fn finish(&self, end: End) -> GenerationOutcome {
        if let Some(outcome) = self.answer.outcome() {
            return self.with_excerpt(outcome);
        }
        match end {
            End::Cancelled => GenerationOutcome::Cancelled,
            End::Stalled => GenerationOutcome::Stalled,
            End::OutOfTime => GenerationOutcome::Failed(Box::new(Failure::took_too_long())),
            End::TransportError(reason) => GenerationOutcome::Interrupted {
                reason: Some(truncate_bytes(&reason, MAX_MESSAGE_BYTES)),
            },
            End::Ended => match self.not_an_answer() {
                Some(failure) => GenerationOutcome::Failed(Box::new(failure)),
                None => GenerationOutcome::Interrupted { reason: None },
            },
        }
    }

    /// All of the answer's text so far, whatever became of it.
    #[must_use]
    pub fn raw_text(&self) -> &str {
        self.answer.text()
    }

    /// What the request cost, as far as the endpoint has said.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.answer.usage()
    }

    /// Tells a body's kind by its first byte that is neither whitespace nor part of a byte order
    /// mark.
    fn decide(&mut self, bytes: &[u8]) {
        let blank =
            |byte: &&u8| !(byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF));
        self.body = match bytes.iter().find(blank) {
            None => return,
            Some(b'{' | b'[') => Body::Document(DocumentBody::default()),
            Some(b'<') => Body::Page,
            Some(_) => Body::Stream,
        };
    }

    fn push_stream(&mut self, bytes: &[u8]) {
        let (reader, answer) = (&mut self.reader, &mut self.answer);
        let result = self.decoder.push(bytes, |event| {
            if event.replaced {
                answer.warn(
                    NoticeCode::InvalidUtf8,
                    "Bytes that are no text were replaced on their way; look for \u{FFFD}.".into(),
                );
            }
            if let Err(malformed) = reader.read(&event, &mut |piece| answer.take(piece)) {
                answer.fail(malformed.into());
            }
        });
        if let Err(error) = result {
            self.answer.fail(error.into());
        }
    }

    /// Reads the document that was answered in place of a stream.
    fn read_document(&mut self, bytes: Vec<u8>) {
        self.body = Body::Read;
        let text = String::from_utf8_lossy(&bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.answer.warn(
                NoticeCode::InvalidUtf8,
                "Bytes that are no text were replaced on their way; look for \u{FFFD}.".into(),
            );
        }
        let text = text.trim_start_matches(|c: char| c == '\u{FEFF}' || c.is_whitespace());
        let mut understood = false;
        let answer = &mut self.answer;
        let result = self.reader.read_body(text, &mut |piece| {
            if !matches!(piece, Piece::Notice(NoticeCode::UnknownEvent, _)) {
                understood = true;
                answer.take(piece);
            }
        });
        if result.is_ok() && understood {
            if !self.answer.has_failed() {
                self.answer.warn(
                    NoticeCode::NotStreamed,
                    "The endpoint answered in one piece although a stream was asked for.".into(),
                );
            }
            return;
        }
        let said = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|value| ErrorBody::find(&value));
        let failure = match (said, result) {
            (Some(error), _) => Failure::of_error(None, error),
            (None, Err(malformed)) => malformed.into(),
            (None, Ok(())) => Failure::new(
                FailureKind::NotAnAnswer,
                "The endpoint answered JSON that is no answer of a model.",
            ),
        };
        self.answer.fail(failure);
    }

    /// Nothing but whitespace may follow a document.
    fn after_document(&mut self, bytes: &[u8]) {
        if !bytes.trim_ascii().is_empty() {
            self.answer.fail(Failure::new(
                FailureKind::NotAnAnswer,
                "The endpoint answered several JSON documents that are no event stream.",
            ));
        }
    }

    /// Shows the beginning of a document that was not understood. Only now, when all of it is
    /// there, is the excerpt the same however the bytes were split.
    fn with_excerpt(&self, outcome: GenerationOutcome) -> GenerationOutcome {
        match outcome {
            GenerationOutcome::Failed(failure)
                if matches!(self.body, Body::Read)
                    && matches!(
                        failure.kind,
                        FailureKind::NotAnAnswer | FailureKind::MalformedStream
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

    /// The failure of a body that ended without being an answer at all.
    fn not_an_answer(&self) -> Option<Failure> {
        let (kind, message) = match self.body {
            Body::Page if looks_like_a_page(&self.head) => (
                FailureKind::WebPage,
                "The endpoint answered with a web page.",
            ),
            Body::Page => (FailureKind::NotAnAnswer, "The endpoint answered with text."),
            Body::Stream if !self.decoder.is_event_stream() => {
                (FailureKind::NotAnAnswer, "The endpoint answered with text.")
            }
            _ => return None,
        };
        Some(Failure {
            body: Some(truncate_lossy(&self.head, MAX_EXCERPT_BYTES)),
            ..Failure::new(kind, message)
        })
    }
}

/// Gathers one JSON document and finds its end, without reading it yet.
#[derive(Default)]
struct DocumentBody {
    text: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl DocumentBody {
    /// Takes more bytes. Where the document closes in them: how many belong to it, and all of it.
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
