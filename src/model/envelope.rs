//! Finds the tasks in the text of an answer while it arrives.
//!
//! Understood are the envelope `{"tasks":[…]}` with any other members beside it, a bare array of
//! tasks, a single task, and any of these inside prose or a code fence. JSON is taken as RFC 8259
//! has it; nothing is guessed or repaired, and what begins as JSON must go on as JSON. In prose a
//! document begins at the first `{` that is followed by a member's name or the first `[` that is
//! followed by `{`.
//!
//! Each byte is looked at once, whatever pieces it comes in. Only an answer that turns out to be a
//! single task is read a second time, when it has closed.

mod error;
mod prose;

pub use error::EnvelopeError;
use prose::{Prose, ProseStep, is_space};

use crate::document::scanner::{ScanLimits, ScanProgress, Scanner};
use crate::document::{Document, DocumentError, Fault};
use crate::text::truncate_bytes;

/// The longest task, and the longest value beside the tasks, in bytes: 256 KiB.
pub const MAX_TASK_BYTES: usize = 256 << 10;

/// The deepest task, in levels of arrays and objects.
pub const MAX_TASK_DEPTH: usize = 64;

/// The most tasks of one answer.
pub const MAX_TASKS: usize = 10_000;

/// The member of the envelope that holds the tasks.
const TASKS: &str = "tasks";

/// How much of the text before a fault an error repeats, in bytes.
const EXCERPT_BYTES: usize = 80;

/// Something found in the text.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A task closed.
    Task(Document),
    /// Text stands around the document.
    TextAround,
    /// The answer began with reasoning between `<think>` and `</think>`; it was left out.
    Reasoning,
    /// The document closed.
    Closed,
}

/// What the bytes that come next belong to.
#[derive(Debug)]
enum State {
    /// Before the document.
    Lead(Prose),
    /// At the start of the answer, after so many characters of `<think>`.
    ThinkOpening { matched: usize },
    /// Inside reasoning, after so many characters of `</think>`.
    Thinking { matched: usize },
    /// In the root object, before a name or `}`.
    NameOrEnd,
    /// In the root object after a comma.
    Name,
    /// After a name.
    Colon { tasks: bool },
    /// Before a member's value.
    Value { tasks: bool },
    /// After a member.
    AfterMember,
    /// In the array of tasks, before a task or `]`.
    TaskOrEnd,
    /// In the array of tasks after a comma.
    Task,
    /// After a task.
    AfterTask,
    /// Inside a value that begins at `start`.
    Scan {
        scanner: Box<Scanner>,
        start: usize,
        what: Scanned,
    },
    /// After the document.
    Trail(Prose),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scanned {
    Name,
    OtherValue,
    Task,
}

#[derive(Debug, Clone, Copy)]
enum Root {
    Array,
    Object {
        start: usize,
        /// It has a member `tasks`.
        names_tasks: bool,
        /// That member is an array, so this is the envelope.
        is_envelope: bool,
    },
}

/// Walks over the text of one answer.
#[derive(Debug)]
pub(super) struct Envelope {
    state: State,
    root: Option<Root>,
    /// Bytes of the answer that were read.
    at: usize,
    tasks: usize,
    told_text_around: bool,
}

const THINK_OPENING: &[u8] = b"<think>";
const THINK_CLOSING: &[u8] = b"</think>";

impl Envelope {
    pub fn new() -> Self {
        Envelope {
            state: State::Lead(Prose::START),
            root: None,
            at: 0,
            tasks: 0,
            told_text_around: false,
        }
    }

    /// Whether the document closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Trail(_))
    }

    /// Whether a document began.
    pub fn has_begun(&self) -> bool {
        self.root.is_some()
    }

    /// How many tasks were found.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Reads on. `answer` is the whole text so far; what was read before is not looked at again.
    ///
    /// # Errors
    /// [`EnvelopeError`]; the walker is of no use afterwards. What was found before has been
    /// handed out.
    pub fn read(
        &mut self,
        answer: &str,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        while let Some(byte) = answer.as_bytes().get(self.at).copied() {
            match &mut self.state {
                State::Scan { .. } => self.scan(answer, sink)?,
                State::Lead(prose) => {
                    let prose = *prose;
                    self.lead(answer, byte, prose, sink);
                }
                State::Trail(prose) => {
                    let prose = *prose;
                    self.trail(answer, byte, prose, sink)?;
                }
                State::ThinkOpening { matched } => {
                    let matched = *matched;
                    self.think_opening(byte, matched);
                }
                State::Thinking { matched } => {
                    if THINK_CLOSING.get(*matched) == Some(&byte) {
                        *matched += 1;
                    } else {
                        *matched = usize::from(byte == b'<');
                    }
                    self.at += 1;
                    if *matched == THINK_CLOSING.len() {
                        self.state = State::Lead(Prose::START);
                        sink(Found::Reasoning);
                    }
                }
                _ if is_space(byte) => self.at += 1,
                _ => self.token(answer, byte, sink)?,
            }
        }
        Ok(())
    }

    /// Takes a byte before the document.
    fn lead(&mut self, answer: &str, byte: u8, prose: Prose, sink: &mut impl FnMut(Found)) {
        if prose.blank && prose.bracket.is_none() && byte == b'<' {
            self.state = State::ThinkOpening { matched: 0 };
            return;
        }
        let after = match prose.take(answer, byte, &mut self.at) {
            ProseStep::Prose(after) => {
                self.state = State::Lead(after);
                return;
            }
            ProseStep::Document(bracket, start) => {
                if bracket == b'{' {
                    self.root = Some(Root::Object {
                        start,
                        names_tasks: false,
                        is_envelope: false,
                    });
                    State::NameOrEnd
                } else {
                    self.root = Some(Root::Array);
                    State::TaskOrEnd
                }
            }
        };
        self.state = after;
        if !prose.blank {
            self.tell_text_around(sink);
        }
    }

    /// Takes a byte after the document.
    fn trail(
        &mut self,
        answer: &str,
        byte: u8,
        prose: Prose,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        if prose.blank
            && prose.bracket.is_none()
            && matches!(byte, b'}' | b']' | b',' | b':' | b'"')
        {
            return Err(self.malformed(answer, self.at, Fault::TextAfterValue));
        }
        match prose.take(answer, byte, &mut self.at) {
            ProseStep::Prose(after) => {
                if !after.blank {
                    self.tell_text_around(sink);
                }
                self.state = State::Trail(after);
                Ok(())
            }
            ProseStep::Document(_, offset) => Err(EnvelopeError::SeveralDocuments { offset }),
        }
    }

    fn tell_text_around(&mut self, sink: &mut impl FnMut(Found)) {
        if !self.told_text_around {
            self.told_text_around = true;
            sink(Found::TextAround);
        }
    }

    fn think_opening(&mut self, byte: u8, matched: usize) {
        if THINK_OPENING.get(matched) != Some(&byte) {
            // It was prose; none of the characters matched so far could begin a document.
            self.state = State::Lead(Prose {
                blank: false,
                bracket: None,
            });
            return;
        }
        self.at += 1;
        self.state = if matched + 1 == THINK_OPENING.len() {
            State::Thinking { matched: 0 }
        } else {
            State::ThinkOpening {
                matched: matched + 1,
            }
        };
    }

    /// Takes a byte of the document that belongs to no name, task or other value.
    fn token(
        &mut self,
        answer: &str,
        byte: u8,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        let wanted = match (&self.state, byte) {
            (State::NameOrEnd | State::Name, b'"') => {
                self.begin(Scanned::Name);
                return Ok(());
            }
            (State::NameOrEnd | State::AfterMember, b'}') => {
                self.at += 1;
                return self.close_object(answer, sink);
            }
            (State::Colon { tasks }, b':') => {
                self.state = State::Value { tasks: *tasks };
                self.at += 1;
                return Ok(());
            }
            (State::Value { tasks }, _) => return self.begin_value(*tasks, byte),
            (State::AfterMember, b',') => {
                self.state = State::Name;
                self.at += 1;
                return Ok(());
            }
            (State::TaskOrEnd | State::AfterTask, b']') => {
                self.at += 1;
                self.close_array(sink);
                return Ok(());
            }
            (State::TaskOrEnd | State::Task, _) => {
                if self.tasks == MAX_TASKS {
                    return Err(EnvelopeError::TooManyTasks);
                }
                self.begin(Scanned::Task);
                return Ok(());
            }
            (State::AfterTask, b',') => {
                self.state = State::Task;
                self.at += 1;
                return Ok(());
            }
            (State::NameOrEnd, _) => "a member's name in double quotes or }",
            (State::Name, _) => "a member's name in double quotes",
            (State::Colon { .. }, _) => "a colon",
            (State::AfterMember, _) => "a comma or }",
            _ => "a comma or ]",
        };
        Err(self.malformed(answer, self.at, Fault::Unexpected(wanted)))
    }

    fn begin(&mut self, what: Scanned) {
        self.state = State::Scan {
            scanner: Box::new(Scanner::new(ScanLimits {
                depth: MAX_TASK_DEPTH,
                bytes: MAX_TASK_BYTES,
            })),
            start: self.at,
            what,
        };
    }

    /// Begins a member's value. The array of the envelope is entered, all else is passed over.
    fn begin_value(&mut self, tasks: bool, byte: u8) -> Result<(), EnvelopeError> {
        if let (
            true,
            Some(Root::Object {
                names_tasks,
                is_envelope,
                ..
            }),
        ) = (tasks, &mut self.root)
        {
            if *names_tasks {
                return Err(EnvelopeError::RepeatedMember { offset: self.at });
            }
            *names_tasks = true;
            if byte == b'[' {
                *is_envelope = true;
                self.state = State::TaskOrEnd;
                self.at += 1;
                return Ok(());
            }
        }
        self.begin(Scanned::OtherValue);
        Ok(())
    }

    fn scan(&mut self, answer: &str, sink: &mut impl FnMut(Found)) -> Result<(), EnvelopeError> {
        let State::Scan {
            scanner,
            start,
            what,
        } = &mut self.state
        else {
            return Ok(());
        };
        let (start, what) = (*start, *what);
        let rest = answer.get(self.at..).unwrap_or_default();
        let consumed = match scanner.push(rest) {
            Ok(ScanProgress::Done { consumed }) => consumed,
            Ok(ScanProgress::More) => {
                self.at = answer.len();
                return Ok(());
            }
            Err(error) => return Err(self.refuse(answer, start, &error)),
        };
        self.at += consumed;
        let text = answer.get(start..self.at).unwrap_or_default();
        let after = match what {
            Scanned::Name => State::Colon {
                tasks: is_tasks(text),
            },
            Scanned::OtherValue => State::AfterMember,
            Scanned::Task => State::AfterTask,
        };
        if let (State::Scan { scanner, .. }, Scanned::Task) =
            (std::mem::replace(&mut self.state, after), what)
        {
            let task = scanner
                .into_document(text)
                .map_err(|error| self.refuse(answer, start, &error))?;
            self.tasks += 1;
            sink(Found::Task(task));
        }
        Ok(())
    }

    fn close_array(&mut self, sink: &mut impl FnMut(Found)) {
        if matches!(self.root, Some(Root::Object { .. })) {
            self.state = State::AfterMember;
        } else {
            self.close(sink);
        }
    }

    fn close_object(
        &mut self,
        answer: &str,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        if let Some(Root::Object {
            start,
            is_envelope: false,
            ..
        }) = self.root
        {
            let text = answer.get(start..self.at).unwrap_or_default();
            if text.len() > MAX_TASK_BYTES {
                return Err(EnvelopeError::TooLarge { offset: start });
            }
            let task = Document::parse(text).map_err(|error| self.refuse(answer, start, &error))?;
            self.tasks += 1;
            sink(Found::Task(task));
        }
        self.close(sink);
        Ok(())
    }

    fn close(&mut self, sink: &mut impl FnMut(Found)) {
        self.state = State::Trail(Prose::START);
        sink(Found::Closed);
    }

    /// The error for what a scanner refused. Its offsets count from `start`.
    fn refuse(&self, answer: &str, start: usize, error: &DocumentError) -> EnvelopeError {
        match error.fault() {
            Fault::TooLong(_) => EnvelopeError::TooLarge { offset: start },
            Fault::TooDeep(_) => EnvelopeError::TooDeep { offset: start },
            fault => self.malformed(answer, start + error.offset(), fault),
        }
    }

    /// The error for a fault at `offset`. Its excerpt ends there, so that it is the same however
    /// much of the answer has arrived.
    fn malformed(&self, answer: &str, offset: usize, fault: Fault) -> EnvelopeError {
        let mut end = offset + 1;
        while end < answer.len() && !answer.is_char_boundary(end) {
            end += 1;
        }
        let mut begin = offset.saturating_sub(EXCERPT_BYTES);
        while !answer.is_char_boundary(begin) {
            begin += 1;
        }
        EnvelopeError::Malformed {
            offset,
            reason: fault.to_string(),
            excerpt: truncate_bytes(
                answer.get(begin..end).unwrap_or_default(),
                2 * EXCERPT_BYTES,
            ),
        }
    }
}

/// Whether a name, with its quotes, is that of the array of tasks, however it is escaped.
fn is_tasks(name: &str) -> bool {
    let plain = name.strip_prefix('"').and_then(|n| n.strip_suffix('"'));
    if plain == Some(TASKS) {
        return true;
    }
    name.contains('\\')
        && Document::parse(name).is_ok_and(|name| name.root().as_str().as_deref() == Some(TASKS))
}

#[cfg(test)]
mod tests;
