//! Finds the tasks in the text of a response as it arrives.
//!
//! The text may be the envelope `{"tasks":[…]}`, which may have other members, a bare array of
//! tasks, or a single task, each of them also inside prose or a code fence. JSON is read strictly
//! according to RFC 8259: nothing is guessed or repaired, and once a document has begun, the text
//! must continue as JSON. In prose, a document begins at the first `{` that is followed by a member
//! name, or the first `[` that is followed by `{`.
//!
//! Reasoning between markers is skipped. The opening marker may be missing, so a document after
//! prose may turn out to be part of the reasoning: what is found in it is held until the response
//! has finished, and dropped if a closing marker follows.
//!
//! However the text is split, each byte is examined once, except that a single task without an
//! envelope is parsed a second time after it closes.

mod error;
mod markers;
mod prose;

pub use error::EnvelopeError;
use markers::{Marker, Match, Style};
use prose::{Prose, ProseStep, is_fence, is_space};

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
    /// The response contains reasoning, which was skipped. Reported once.
    Reasoning,
    /// The document closed.
    Closed,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum State {
    /// Before the document.
    Lead(Prose),
    /// Inside reasoning of this style.
    Reasoning {
        style: Style,
        /// Whether the document precedes it.
        after_document: bool,
    },
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
    /// After an error in a document that may be part of the reasoning.
    Broken,
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

/// The result of taking a byte.
enum Step {
    /// It was taken.
    Taken,
    /// What it means depends on the text after it.
    NeedsMore,
}

/// Reads the text of one response.
#[derive(Debug)]
pub(super) struct Envelope {
    state: State,
    root: Option<Root>,
    /// Number of bytes read so far.
    at: usize,
    /// Where the text before the document begins.
    lead: usize,
    /// Number of tasks reported so far.
    tasks: usize,
    reported_text_around: bool,
    has_reasoning: bool,
    /// Whether the document may be part of the reasoning.
    is_tentative: bool,
    /// What was found in a tentative document.
    held: Vec<Found>,
    /// Why a tentative document cannot be read.
    held_error: Option<EnvelopeError>,
    /// Whether the text is complete.
    has_ended: bool,
}

impl Envelope {
    /// Starts reading at this offset of the text.
    pub fn at(offset: usize) -> Self {
        Envelope {
            state: State::Lead(Prose::START),
            root: None,
            at: offset,
            lead: offset,
            tasks: 0,
            reported_text_around: false,
            has_reasoning: false,
            is_tentative: false,
            held: Vec::new(),
            held_error: None,
            has_ended: false,
        }
    }

    /// Whether the document has closed.
    pub fn is_closed(&self) -> bool {
        matches!(
            self.state,
            State::Trail(_)
                | State::Reasoning {
                    after_document: true,
                    ..
                }
        )
    }

    /// Whether a document has begun.
    pub fn has_begun(&self) -> bool {
        self.root.is_some()
    }

    /// Whether there is reasoning and nothing else.
    pub fn is_only_reasoning(&self) -> bool {
        match self.state {
            State::Reasoning { after_document, .. } => !after_document,
            State::Lead(prose) => self.has_reasoning && prose.blank,
            _ => false,
        }
    }

    /// Number of tasks reported so far.
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
            match self.step(text, byte, sink) {
                Ok(Step::Taken) => {}
                Ok(Step::NeedsMore) => return Ok(()),
                Err(error) => self.recover(error)?,
            }
        }
        Ok(())
    }

    /// Reports what was held: the response has finished, and no closing marker followed.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the document could not be read.
    pub fn release(&mut self, sink: &mut impl FnMut(Found)) -> Result<(), EnvelopeError> {
        self.is_tentative = false;
        for found in std::mem::take(&mut self.held) {
            self.report(found, sink);
        }
        self.held_error.take().map_or(Ok(()), Err)
    }

    /// Ends the text.
    ///
    /// # Errors
    /// Like [`Envelope::read`].
    pub fn end(&mut self, text: &str, sink: &mut impl FnMut(Found)) -> Result<(), EnvelopeError> {
        self.has_ended = true;
        self.read(text, sink)?;
        // Nothing followed the bracket that could have made it the start of a document.
        if let State::Trail(Prose {
            bracket: Some(_), ..
        }) = self.state
        {
            self.report_text_around(sink);
        }
        self.release(sink)
    }

    /// Takes the next byte, or several.
    fn step(
        &mut self,
        text: &str,
        byte: u8,
        sink: &mut impl FnMut(Found),
    ) -> Result<Step, EnvelopeError> {
        match &self.state {
            State::Scan { .. } => self.scan(text, sink)?,
            State::Lead(prose) => {
                let prose = *prose;
                match self.marker(text, byte, prose.bracket.is_none(), sink)? {
                    Some(step) => return Ok(step),
                    None => self.lead(text, byte, prose, sink),
                }
            }
            State::Trail(prose) => {
                let prose = *prose;
                match self.marker(text, byte, prose.bracket.is_none(), sink)? {
                    Some(step) => return Ok(step),
                    None => self.trail(text, byte, prose, sink)?,
                }
            }
            State::Broken => {
                if let Some(step) = self.marker(text, byte, true, sink)? {
                    return Ok(step);
                }
                self.at += 1;
            }
            State::Reasoning {
                style,
                after_document,
            } => {
                let (style, after_document) = (*style, *after_document);
                return Ok(self.reasoning(text, style, after_document, sink));
            }
            _ if is_space(byte) => self.at += 1,
            _ => self.token(text, byte, sink)?,
        }
        Ok(Step::Taken)
    }

    /// Continues after an error in a tentative document: only a closing marker matters then.
    fn recover(&mut self, error: EnvelopeError) -> Result<(), EnvelopeError> {
        let (EnvelopeError::Malformed { offset, .. }
        | EnvelopeError::SeveralDocuments { offset }
        | EnvelopeError::DuplicateMember { offset }) = error
        else {
            return Err(error);
        };
        if !self.is_tentative {
            return Err(error);
        }
        // However the text is split, the search continues at the same place.
        self.at = offset;
        self.held_error = Some(error);
        self.state = State::Broken;
        Ok(())
    }

    /// Reports something, or holds it while the document is tentative.
    fn report(&mut self, found: Found, sink: &mut impl FnMut(Found)) {
        if self.is_tentative {
            self.held.push(found);
            return;
        }
        if matches!(found, Found::Task(_)) {
            self.tasks += 1;
        }
        sink(found);
    }

    fn report_reasoning(&mut self, sink: &mut impl FnMut(Found)) {
        if !self.has_reasoning {
            self.has_reasoning = true;
            sink(Found::Reasoning);
        }
    }

    /// Takes a marker outside a document; `None` if there is none.
    fn marker(
        &mut self,
        text: &str,
        byte: u8,
        is_possible: bool,
        sink: &mut impl FnMut(Found),
    ) -> Result<Option<Step>, EnvelopeError> {
        if !is_possible || !markers::may_begin(byte) {
            return Ok(None);
        }
        let (marker, length) = match markers::at_start(text.get(self.at..).unwrap_or_default()) {
            Match::Marker(marker, length) => (marker, length),
            Match::Unfinished if !self.has_ended => return Ok(Some(Step::NeedsMore)),
            Match::Unfinished | Match::None => return Ok(None),
        };
        let is_after_document = matches!(self.state, State::Trail(_)) && !self.is_tentative;
        match marker {
            Marker::Closing if is_after_document => {
                return Err(EnvelopeError::ReasoningAfterTasks { offset: self.at });
            }
            Marker::Closing => {
                self.at += length;
                self.restart(sink);
            }
            Marker::Opening(style) => {
                self.at += length;
                self.state = State::Reasoning {
                    style,
                    after_document: is_after_document,
                };
            }
            Marker::Token => {
                self.at += length;
                self.report_text_around(sink);
            }
        }
        Ok(Some(Step::Taken))
    }

    /// Takes reasoning up to its end.
    fn reasoning(
        &mut self,
        text: &str,
        style: Style,
        after_document: bool,
        sink: &mut impl FnMut(Found),
    ) -> Step {
        let rest = text.get(self.at..).unwrap_or_default();
        let Some(next) = memchr::memchr(markers::first_byte_of_end(style), rest.as_bytes()) else {
            self.at = text.len();
            return Step::Taken;
        };
        self.at += next;
        match markers::ends(style, text.get(self.at..).unwrap_or_default()) {
            Match::Marker(Marker::Closing, length) => {
                self.at += length;
                if after_document {
                    self.state = State::Trail(Prose::START);
                    self.report_reasoning(sink);
                } else {
                    self.restart(sink);
                }
            }
            Match::Unfinished if !self.has_ended => return Step::NeedsMore,
            _ => self.at += 1,
        }
        Step::Taken
    }

    /// Begins again after reasoning: what was found so far is part of it.
    fn restart(&mut self, sink: &mut impl FnMut(Found)) {
        if self.held.contains(&Found::TextAround) {
            self.reported_text_around = false;
        }
        self.held.clear();
        self.held_error = None;
        self.is_tentative = false;
        self.root = None;
        self.lead = self.at;
        self.state = State::Lead(Prose::START);
        self.report_reasoning(sink);
    }

    /// Takes a byte before the document.
    fn lead(&mut self, text: &str, byte: u8, prose: Prose, sink: &mut impl FnMut(Found)) {
        let (bracket, start) = match prose.take(text, byte, &mut self.at) {
            ProseStep::Prose(after) => {
                self.state = State::Lead(after);
                return;
            }
            ProseStep::Document(bracket, start) => (bracket, start),
        };
        self.state = if bracket == b'{' {
            self.root = Some(Root::Object {
                start,
                names_tasks: false,
                is_envelope: false,
            });
            State::NameOrEnd
        } else {
            self.root = Some(Root::Array);
            State::TaskOrEnd
        };
        if !prose.blank {
            self.is_tentative = !is_fence(text.get(self.lead..start).unwrap_or_default());
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
            self.report(Found::TextAround, sink);
        }
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
                if self.tasks + self.held.len() >= MAX_TASKS {
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
            self.report(Found::Task(task), sink);
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
            self.report(Found::Task(task), sink);
        }
        self.close(sink);
        Ok(())
    }

    fn close(&mut self, sink: &mut impl FnMut(Found)) {
        self.state = State::Trail(Prose::START);
        self.report(Found::Closed, sink);
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
