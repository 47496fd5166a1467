//! Finds the tasks in the text of a response as it arrives.
//!
//! The text may be the envelope `{"tasks":[…]}`, which may have other members, a bare array of
//! tasks, or a single task, each of them also inside prose or a code fence. JSON is read strictly
//! according to RFC 8259: nothing is guessed or repaired, and once a document has begun, the text
//! must continue as JSON. In prose, a document begins at the first `{` that is followed by a member
//! name, or the first `[` that is followed by `{`.
//!
//! However the text is split, each byte is examined once, except that a single task without an
//! envelope is parsed a second time after it closes.

mod error;
mod prose;

pub use error::EnvelopeError;
use prose::{Prose, ProseStep, is_space};

use crate::document::scanner::{ScanLimits, ScanProgress, Scanner};
use crate::document::{Document, DocumentError, Fault};
use crate::text::truncate_bytes;

/// Longest task, and longest value of another member of the envelope, in bytes: 256 KiB.
pub const MAX_TASK_BYTES: usize = 256 << 10;

/// Deepest nesting of a task, in levels of arrays and objects.
pub const MAX_TASK_DEPTH: usize = 64;

/// Maximum number of tasks in one response.
pub const MAX_TASKS: usize = 10_000;

/// The member of the envelope that holds the tasks.
const TASKS: &str = "tasks";

/// How much text before a fault an error quotes, in bytes.
const EXCERPT_BYTES: usize = 80;

/// Something found in the text.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A task closed.
    Task(Document),
    /// There is text around the document. Reported once.
    TextAround,
    /// The response began with reasoning between `<think>` and `</think>`, which was skipped.
    Reasoning,
    /// The document closed.
    Closed,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum State {
    /// Before the document.
    Lead(Prose),
    /// At the start of the response, after `matched` characters of `<think>`.
    ThinkOpening { matched: usize },
    /// Inside reasoning, after `matched` characters of `</think>`.
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
    /// Inside a name or value that begins at `start`.
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

/// Reads the text of one response.
#[derive(Debug)]
pub(super) struct Envelope {
    state: State,
    root: Option<Root>,
    /// Number of bytes read so far.
    at: usize,
    tasks: usize,
    reported_text_around: bool,
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
            reported_text_around: false,
        }
    }

    /// Whether the document has closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Trail(_))
    }

    /// Whether a document has begun.
    pub fn has_begun(&self) -> bool {
        self.root.is_some()
    }

    /// Number of tasks found so far.
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Reads the new end of `text`, which is the complete text so far.
    ///
    /// # Errors
    /// [`EnvelopeError`]. Nothing can be read after an error. What was found before it has been
    /// passed to `sink`.
    pub fn read(&mut self, text: &str, sink: &mut impl FnMut(Found)) -> Result<(), EnvelopeError> {
        while let Some(byte) = text.as_bytes().get(self.at).copied() {
            match &mut self.state {
                State::Scan { .. } => self.scan(text, sink)?,
                State::Lead(prose) => {
                    let prose = *prose;
                    self.lead(text, byte, prose, sink);
                }
                State::Trail(prose) => {
                    let prose = *prose;
                    self.trail(text, byte, prose, sink)?;
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
                _ => self.token(text, byte, sink)?,
            }
        }
        Ok(())
    }

    /// Takes a byte before the document.
    fn lead(&mut self, text: &str, byte: u8, prose: Prose, sink: &mut impl FnMut(Found)) {
        if prose.blank && prose.bracket.is_none() && byte == b'<' {
            self.state = State::ThinkOpening { matched: 0 };
            return;
        }
        let after = match prose.take(text, byte, &mut self.at) {
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
            self.report_text_around(sink);
        }
    }

    /// Takes a byte after the document.
    fn trail(
        &mut self,
        text: &str,
        byte: u8,
        prose: Prose,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        if prose.blank
            && prose.bracket.is_none()
            && matches!(byte, b'}' | b']' | b',' | b':' | b'"')
        {
            return Err(self.malformed(text, self.at, Fault::TextAfterValue));
        }
        match prose.take(text, byte, &mut self.at) {
            ProseStep::Prose(after) => {
                if !after.blank {
                    self.report_text_around(sink);
                }
                self.state = State::Trail(after);
                Ok(())
            }
            ProseStep::Document(_, offset) => Err(EnvelopeError::SeveralDocuments { offset }),
        }
    }

    fn report_text_around(&mut self, sink: &mut impl FnMut(Found)) {
        if !self.reported_text_around {
            self.reported_text_around = true;
            sink(Found::TextAround);
        }
    }

    fn think_opening(&mut self, byte: u8, matched: usize) {
        if THINK_OPENING.get(matched) != Some(&byte) {
            // It is prose. None of the characters matched so far can begin a document.
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

    /// Takes a byte of the document outside names, tasks and other values.
    fn token(
        &mut self,
        text: &str,
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
                return self.close_object(text, sink);
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
        Err(self.malformed(text, self.at, Fault::Expected(wanted)))
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

    /// Begins the value of a member. The array of tasks is entered; any other value is skipped.
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
                return Err(EnvelopeError::DuplicateMember { offset: self.at });
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

    fn scan(&mut self, text: &str, sink: &mut impl FnMut(Found)) -> Result<(), EnvelopeError> {
        let State::Scan {
            scanner,
            start,
            what,
        } = &mut self.state
        else {
            return Ok(());
        };
        let (start, what) = (*start, *what);
        let rest = text.get(self.at..).unwrap_or_default();
        let consumed = match scanner.push(rest) {
            Ok(ScanProgress::Done { consumed }) => consumed,
            Ok(ScanProgress::More) => {
                self.at = text.len();
                return Ok(());
            }
            Err(error) => return Err(self.refuse(text, start, &error)),
        };
        self.at += consumed;
        let value = text.get(start..self.at).unwrap_or_default();
        let after = match what {
            Scanned::Name => State::Colon {
                tasks: is_tasks(value),
            },
            Scanned::OtherValue => State::AfterMember,
            Scanned::Task => State::AfterTask,
        };
        if let (State::Scan { scanner, .. }, Scanned::Task) =
            (std::mem::replace(&mut self.state, after), what)
        {
            let task = scanner
                .into_document(value)
                .map_err(|error| self.refuse(text, start, &error))?;
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
        text: &str,
        sink: &mut impl FnMut(Found),
    ) -> Result<(), EnvelopeError> {
        if let Some(Root::Object {
            start,
            is_envelope: false,
            ..
        }) = self.root
        {
            let object = text.get(start..self.at).unwrap_or_default();
            if object.len() > MAX_TASK_BYTES {
                return Err(EnvelopeError::TooLarge { offset: start });
            }
            let task = Document::parse(object).map_err(|error| self.refuse(text, start, &error))?;
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

    /// The error for text that the scanner refused. The offset in `error` counts from `start`.
    fn refuse(&self, text: &str, start: usize, error: &DocumentError) -> EnvelopeError {
        match error.fault() {
            Fault::TooLong(_) => EnvelopeError::TooLarge { offset: start },
            Fault::TooDeep(_) => EnvelopeError::TooDeep { offset: start },
            fault => self.malformed(text, start + error.offset(), fault),
        }
    }

    /// The error for a fault at `offset`. The excerpt ends there, so it does not depend on how much of
    /// the text has arrived.
    fn malformed(&self, text: &str, offset: usize, fault: Fault) -> EnvelopeError {
        let mut end = offset + 1;
        while end < text.len() && !text.is_char_boundary(end) {
            end += 1;
        }
        let mut begin = offset.saturating_sub(EXCERPT_BYTES);
        while !text.is_char_boundary(begin) {
            begin += 1;
        }
        EnvelopeError::Malformed {
            offset,
            reason: fault.to_string(),
            excerpt: truncate_bytes(text.get(begin..end).unwrap_or_default(), 2 * EXCERPT_BYTES),
        }
    }
}

/// Whether a name, including its quotes, is `"tasks"`, possibly written with escapes.
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
