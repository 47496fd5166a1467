//! Assembles one response: its text, its tasks and how it ended.

use std::borrow::Cow;
use std::sync::Arc;

use super::envelope::{Envelope, EnvelopeError, Found};
use super::event::StreamEvent;
use super::failure::{Failure, FailureKind};
use super::finish::{Finish, stands_for_nothing};
use super::notice::{Notice, NoticeCode};
use super::outcome::GenerationOutcome;
use super::piece::Piece;
use super::repetition::Repetition;
use super::usage::Usage;
use crate::document::{Document, Kind};
use crate::schema::{Check, Violation};
use crate::settings::Api;
use crate::text::truncate_bytes;

/// Longest response, in bytes of its text: 32 MiB.
pub const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// Longest refusal that is kept, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// Longest reasoning that is kept, in bytes: 1 MiB.
const MAX_REASONING_BYTES: usize = 1 << 20;

/// Maximum number of notices per response.
const MAX_NOTICES: usize = 32;

/// Takes the pieces of one response in order.
pub(super) struct ResponseAssembler {
    api: Api,
    check: Arc<dyn Check>,
    text: String,
    /// Where the current message starts in the text.
    message_start: usize,
    /// Where the current part starts in the text.
    part_start: usize,
    repetition: Repetition,
    envelope: Envelope,
    /// The reasoning that was sent apart from the text.
    reasoning: String,
    /// Why the text cannot be used; no more tasks are read from it.
    text_failure: Option<Failure>,
    /// Why reading ended.
    failure: Option<Failure>,
    finish: Option<Finish>,
    done: bool,
    /// Whether the usage arrived in an event of its own after the finish reason.
    has_final_usage: bool,
    refusal: String,
    usage: Option<Usage>,
    notices: Vec<Notice>,
    events: Vec<StreamEvent>,
}

impl ResponseAssembler {
    pub fn new(api: Api, check: Arc<dyn Check>) -> Self {
        ResponseAssembler {
            api,
            check,
            text: String::new(),
            message_start: 0,
            part_start: 0,
            repetition: Repetition::default(),
            envelope: Envelope::at(0),
            reasoning: String::new(),
            text_failure: None,
            failure: None,
            finish: None,
            done: false,
            has_final_usage: false,
            refusal: String::new(),
            usage: None,
            notices: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The reasoning that was sent apart from the text, up to [`MAX_REASONING_BYTES`].
    pub fn reasoning(&self) -> &str {
        &self.reasoning
    }

    /// Whether the model has begun to write, be it reasoning.
    pub fn has_begun(&self) -> bool {
        !self.text.is_empty()
            || !self.reasoning.is_empty()
            || !self.refusal.is_empty()
            || self.finish.is_some()
            || self.failure.is_some()
    }

    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether reading ended with a failure.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether the outcome is final, and nothing else of use can arrive.
    pub fn is_settled(&self) -> bool {
        let is_too_large =
            |failure: &Failure| matches!(failure.kind, FailureKind::ResponseTooLarge);
        self.failure.is_some()
            || self.text_failure.as_ref().is_some_and(is_too_large)
            || self.done
            || self.has_final_usage
            || (self.finish.is_some() && self.api == Api::Responses)
    }

    /// Whether the endpoint said that the response has finished.
    pub fn has_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Returns the events since the last call.
    pub fn take_events(&mut self) -> Vec<StreamEvent> {
        std::mem::take(&mut self.events)
    }

    /// Takes one piece. After a failure, only its token usage counts.
    pub fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Usage(usage) => self.take_usage(usage),
            Piece::FinalUsage(usage) => {
                self.take_usage(usage);
                self.has_final_usage |= self.finish.is_some();
            }
            Piece::Done => self.done = true,
            _ if self.failure.is_some() => {}
            Piece::Message => self.begin_message(),
            Piece::Part => self.begin_part(),
            Piece::Content(text) => self.take_delta(&text),
            Piece::CompletePart(text) => self.take_complete_part(&text),
            Piece::Snapshot(text) => self.take_snapshot(&text),
            Piece::Reasoning(text) => {
                let room = MAX_REASONING_BYTES.saturating_sub(self.reasoning.len());
                if room > 0 {
                    self.reasoning.push_str(&truncate_bytes(&text, room));
                }
            }
            Piece::Refusal(text) => {
                let room = MAX_REFUSAL_BYTES.saturating_sub(self.refusal.len());
                if room > 0 {
                    self.refusal.push_str(&truncate_bytes(&text, room));
                }
            }
            Piece::Finish(finish) => self.take_finish(finish),
            Piece::Error(error) => self.fail(Failure::of_error(None, error)),
            Piece::Notice(NoticeCode::UnknownEvent, kind) => {
                let message = format!("The endpoint sent an event of an unknown type: {kind}");
                self.add_notice(NoticeCode::UnknownEvent, message.into());
            }
            Piece::Notice(code, message) => self.add_notice(code, message.into()),
        }
    }

    /// Ends reading. A failure after the endpoint said that it finished does not affect the
    /// response and becomes a notice.
    pub fn fail(&mut self, failure: Failure) {
        if self.failure.is_some() {
            return;
        }
        if self.finish.is_some() {
            let message = format!(
                "The endpoint reported an error after the response had finished: {}",
                failure.message
            );
            self.add_notice(NoticeCode::ErrorAfterFinish, message.into());
            self.done = true;
        } else {
            self.failure = Some(failure);
        }
    }

    /// Adds a notice, unless the response already has the same one.
    pub fn add_notice(&mut self, code: NoticeCode, message: Cow<'_, str>) {
        let repeated = |notice: &Notice| notice.code == code && notice.message == message;
        if self.notices.len() >= MAX_NOTICES || self.notices.iter().any(repeated) {
            return;
        }
        let notice = Notice::new(code, message);
        self.notices.push(notice.clone());
        self.events.push(StreamEvent::Notice(notice));
    }

    fn take_usage(&mut self, usage: Usage) {
        // Some endpoints repeat the usage in every event.
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            self.events.push(StreamEvent::Usage(usage));
        }
    }

    /// Begins another message. The text before it is a commentary, unless tasks were found in it.
    fn begin_message(&mut self) {
        self.settle_pending_text();
        if !self.text.is_empty() && self.envelope.tasks() == 0 {
            self.text_failure = None;
            self.envelope = Envelope::at(self.text.len());
            self.add_reasoning_notice();
        }
        self.message_start = self.text.len();
        self.begin_part();
    }

    fn begin_part(&mut self) {
        self.settle_pending_text();
        self.repetition = Repetition::default();
        self.part_start = self.text.len();
    }

    /// Takes more text of the current part, or the complete text so far again.
    fn take_delta(&mut self, delta: &str) {
        let part = self.text.get(self.part_start..).unwrap_or_default();
        let is_closed = self.envelope.is_closed();
        // Some endpoints write "null" for no text. Between the parts of a document it is a value.
        if (part.is_empty() || is_closed) && stands_for_nothing(delta) && !delta.trim().is_empty() {
            return;
        }
        match self.repetition.take(part, is_closed, delta) {
            Ok(text) => self.take_text(&text),
            Err(_) => self.fail_text_mismatch(),
        }
    }

    /// Takes the complete text so far: what is already known is not added again.
    fn take_snapshot(&mut self, text: &str) {
        self.settle_pending_text();
        let known = self.text.get(self.message_start..).unwrap_or_default();
        match text.strip_prefix(known) {
            Some(more) => self.take_text(more),
            None if known.trim() == text.trim() || stands_for_nothing(text) => {}
            None => self.fail_text_mismatch(),
        }
    }

    /// Takes a delta that may have been the complete text again, now that no other follows.
    fn settle_pending_text(&mut self) {
        let part = self.text.get(self.part_start..).unwrap_or_default();
        let closes = |text: &str| {
            let mut envelope = Envelope::at(0);
            envelope.read(text, &mut |_| {}).is_ok() && envelope.is_closed()
        };
        if let Some(more) = self.repetition.end(part, closes) {
            self.take_text(&more);
        }
    }

    fn take_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.text.len() + text.len() > MAX_RESPONSE_BYTES {
            self.text_failure.get_or_insert_with(|| {
                Failure::new(
                    FailureKind::ResponseTooLarge,
                    format!("The response is longer than {MAX_RESPONSE_BYTES} bytes."),
                )
            });
            return;
        }
        self.text.push_str(text);
        match self.events.last_mut() {
            Some(StreamEvent::Text { delta }) => delta.push_str(text),
            _ => self.events.push(StreamEvent::Text {
                delta: text.to_owned(),
            }),
        }
        if self.text_failure.is_some() {
            return;
        }
        self.read_text(|envelope, text, mut sink| envelope.read(text, &mut sink));
    }

    /// Reads the text and reports what was found.
    fn read_text(
        &mut self,
        read: impl FnOnce(&mut Envelope, &str, &mut dyn FnMut(Found)) -> Result<(), EnvelopeError>,
    ) {
        let mut found = Vec::new();
        let mut index = self.envelope.tasks();
        let result = read(&mut self.envelope, &self.text, &mut |one| found.push(one));
        for one in found {
            match one {
                Found::Task(document) => {
                    let violations = violations(self.check.as_ref(), &document);
                    self.events.push(StreamEvent::Task {
                        index,
                        document,
                        violations,
                    });
                    index += 1;
                }
                Found::TextAround => self.add_notice(
                    NoticeCode::TextAroundJson,
                    "There is text around the JSON: the model or endpoint does not follow the \
                     schema."
                        .into(),
                ),
                Found::Reasoning => self.add_reasoning_notice(),
                Found::Closed if self.envelope.tasks() == 0 => self.add_notice(
                    NoticeCode::NoTasks,
                    "The response contains no tasks.".into(),
                ),
                Found::Closed => {}
            }
        }
        self.text_failure = result.err().map(Failure::from);
    }

    fn add_reasoning_notice(&mut self) {
        self.add_notice(
            NoticeCode::ReasoningInResponse,
            "The response contains the model's reasoning, which was skipped.".into(),
        );
    }

    fn fail_text_mismatch(&mut self) {
        if self.text_failure.is_none() {
            self.text_failure = Some(Failure::new(
                FailureKind::TextMismatch,
                "The text that the endpoint repeated at the end differs from the text it streamed.",
            ));
        }
    }

    /// Ends the body: reports what was held, and reasoning that was never followed by a response.
    pub fn close(&mut self) {
        if self.failure.is_some() {
            return;
        }
        self.settle_pending_text();
        if self.text_failure.is_none() {
            self.read_text(|envelope, text, mut sink| envelope.end(text, &mut sink));
        }
        if self.is_only_reasoning() && self.finish != Some(Finish::Stop) {
            self.add_notice(
                NoticeCode::OnlyReasoning,
                "So far the model wrote only reasoning, and no response.".into(),
            );
        }
    }

    /// Whether the model wrote reasoning and nothing else.
    fn is_only_reasoning(&self) -> bool {
        let message = self.text.get(self.message_start..).unwrap_or_default();
        if message.trim().is_empty() {
            self.message_start > 0 || !self.reasoning.trim().is_empty()
        } else {
            self.envelope.is_only_reasoning()
        }
    }

    /// Takes the complete text of the current part. If it was streamed before, it must be the same
    /// except for surrounding whitespace.
    fn take_complete_part(&mut self, text: &str) {
        self.settle_pending_text();
        if self.text.len() == self.part_start {
            self.take_text(text);
            return;
        }
        let streamed = self.text.get(self.part_start..).unwrap_or_default();
        if streamed.trim() != text.trim() {
            self.fail_text_mismatch();
        }
    }

    fn take_finish(&mut self, finish: Finish) {
        self.settle_pending_text();
        if self.text_failure.is_none() {
            self.read_text(|envelope, _, mut sink| envelope.release(&mut sink));
        }
        match &self.finish {
            None => self.finish = Some(finish),
            Some(first) if *first == finish => {}
            Some(first) => {
                let message =
                    "The endpoint sent two different finish reasons. The worse one counts.";
                if *first == Finish::Stop {
                    self.finish = Some(finish);
                }
                self.add_notice(NoticeCode::FinishChanged, message.into());
            }
        }
    }

    /// The outcome, if the endpoint said that it finished or something failed. With `None`, the
    /// outcome depends on how the body ended.
    pub fn outcome(&self) -> Option<GenerationOutcome> {
        let failed = |failure: &Failure| Some(GenerationOutcome::Failed(Box::new(failure.clone())));
        if let Some(failure) = &self.failure {
            return failed(failure);
        }
        let Some(finish) = &self.finish else {
            return self.text_failure.as_ref().and_then(failed);
        };
        let fail = |kind, message: String| {
            Some(GenerationOutcome::Failed(Box::new(Failure::new(
                kind, message,
            ))))
        };
        match finish {
            Finish::ContentFilter => Some(GenerationOutcome::Filtered),
            _ if !self.refusal.is_empty() => Some(GenerationOutcome::Refused {
                text: self.refusal.clone(),
            }),
            Finish::Refusal => Some(GenerationOutcome::Refused {
                text: truncate_bytes(self.text.trim(), MAX_REFUSAL_BYTES),
            }),
            Finish::Error(reason) => fail(
                FailureKind::EndpointError,
                format!("The endpoint ended the response with an error: “{reason}”"),
            ),
            Finish::ToolCall(reason) => fail(
                FailureKind::ToolCall,
                format!("The model asked for a tool call ({reason})."),
            ),
            Finish::Other(reason) => fail(
                FailureKind::UnknownFinish,
                format!("The endpoint ended the response for an unknown reason: “{reason}”"),
            ),
            Finish::Stop | Finish::Length if self.text_failure.is_some() => {
                self.text_failure.as_ref().and_then(failed)
            }
            Finish::Length => Some(GenerationOutcome::cut_off(self.api)),
            Finish::Stop if self.envelope.is_closed() => Some(GenerationOutcome::Complete),
            Finish::Stop if self.envelope.has_begun() => fail(
                FailureKind::JsonNotClosed,
                "The model finished, but its JSON is not closed.".to_owned(),
            ),
            Finish::Stop if self.is_only_reasoning() => fail(
                FailureKind::OnlyReasoning,
                "The model wrote only reasoning, and no response.".to_owned(),
            ),
            Finish::Stop if self.text.trim().is_empty() => fail(
                FailureKind::EmptyResponse,
                "The model finished without writing anything.".to_owned(),
            ),
            Finish::Stop => fail(
                FailureKind::NoJson,
                "The model responded in prose, without any JSON.".to_owned(),
            ),
        }
    }
}

/// The rules that a task breaks: those of the schema, and that a task is an object even if the
/// schema allows other values.
fn violations(check: &dyn Check, task: &Document) -> Vec<Violation> {
    let mut violations = check.check(task);
    if violations.is_empty() && task.root().kind() != Kind::Object {
        violations.push(Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: "type".to_owned(),
            message: "a task is a JSON object".to_owned(),
            ..Violation::default()
        });
    }
    violations
}

#[cfg(test)]
mod tests;
