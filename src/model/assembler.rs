//! Assembles one response: its text, its tasks and how it ended.

use std::borrow::Cow;
use std::sync::Arc;

use super::envelope::{Envelope, Found};
use super::event::StreamEvent;
use super::failure::{Failure, FailureKind};
use super::notice::{Notice, NoticeCode};
use super::outcome::GenerationOutcome;
use super::piece::{Finish, Piece};
use super::usage::Usage;
use crate::document::{Document, Kind};
use crate::schema::{Check, Violation};
use crate::settings::Api;
use crate::text::truncate_bytes;

/// Longest response, in bytes of its text: 32 MiB.
pub const MAX_RESPONSE_BYTES: usize = 32 << 20;

/// Longest refusal that is kept, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// Maximum number of notices per response.
const MAX_NOTICES: usize = 32;

/// Takes the pieces of one response in order.
pub(super) struct ResponseAssembler {
    api: Api,
    check: Arc<dyn Check>,
    text: String,
    /// Where the current part starts in the text.
    part_start: usize,
    envelope: Envelope,
    /// Why the text cannot be used; no more tasks are read from it.
    text_failure: Option<Failure>,
    /// Why reading ended.
    failure: Option<Failure>,
    finish: Option<Finish>,
    done: bool,
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
            part_start: 0,
            envelope: Envelope::new(),
            text_failure: None,
            failure: None,
            finish: None,
            done: false,
            refusal: String::new(),
            usage: None,
            notices: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
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
            Piece::Done => self.done = true,
            _ if self.failure.is_some() => {}
            Piece::Part => self.part_start = self.text.len(),
            Piece::Content(text) => self.take_text(&text),
            Piece::CompletePart(text) => self.take_complete_part(&text),
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
        let mut found = Vec::new();
        let result = self.envelope.read(&self.text, &mut |one| found.push(one));
        let first = self.envelope.tasks() - count_tasks(&found);
        let mut index = first;
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
                Found::Reasoning => self.add_notice(
                    NoticeCode::ReasoningInResponse,
                    "The response starts with the model's reasoning, which was skipped.".into(),
                ),
                Found::Closed if self.envelope.tasks() == 0 => self.add_notice(
                    NoticeCode::NoTasks,
                    "The response contains no tasks.".into(),
                ),
                Found::Closed => {}
            }
        }
        self.text_failure = result.err().map(Failure::from);
    }

    /// Takes the complete text of the current part. If it was streamed before, it must be the same
    /// except for surrounding whitespace.
    fn take_complete_part(&mut self, text: &str) {
        if self.text.len() == self.part_start {
            self.take_text(text);
            return;
        }
        if self.text_failure.is_some() {
            return;
        }
        let streamed = self.text.get(self.part_start..).unwrap_or_default();
        if streamed.trim() != text.trim() {
            self.text_failure = Some(Failure::new(
                FailureKind::TextMismatch,
                "The text that the endpoint repeated at the end differs from the text it streamed.",
            ));
        }
    }

    fn take_finish(&mut self, finish: Finish) {
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

fn count_tasks(found: &[Found]) -> usize {
    found
        .iter()
        .filter(|one| matches!(one, Found::Task(_)))
        .count()
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
mod tests {
    use super::*;
    use crate::model::error_body::ErrorBody;

    struct AcceptAll;

    impl Check for AcceptAll {
        fn check(&self, _: &Document) -> Vec<Violation> {
            Vec::new()
        }
    }

    fn assembler() -> ResponseAssembler {
        ResponseAssembler::new(Api::ChatCompletions, Arc::new(AcceptAll))
    }

    fn code(assembler: &ResponseAssembler) -> &'static str {
        assembler.outcome().map_or("open", |outcome| outcome.code())
    }

    fn push_text(assembler: &mut ResponseAssembler, text: &str) {
        assembler.take(Piece::Content(Cow::Borrowed(text)));
    }

    fn notices(assembler: &mut ResponseAssembler) -> Vec<&'static str> {
        assembler
            .take_events()
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Notice(notice) => Some(notice.code.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_task_that_is_not_an_object_is_invalid_even_if_the_schema_allows_it() {
        let mut assembler = assembler();
        push_text(&mut assembler, r#"{"tasks":[7,{"a":1}]}"#);
        let valid: Vec<bool> = assembler
            .take_events()
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Task { violations, .. } => Some(violations.is_empty()),
                _ => None,
            })
            .collect();
        assert_eq!(valid, [false, true]);
    }

    #[test]
    fn a_response_over_the_size_limit_fails_and_keeps_the_text_up_to_the_limit() {
        let mut assembler = assembler();
        let piece = " ".repeat(1 << 20);
        for _ in 0..32 {
            push_text(&mut assembler, &piece);
            assembler.take_events();
        }
        assert_eq!(
            (assembler.text().len(), code(&assembler)),
            (MAX_RESPONSE_BYTES, "open")
        );
        push_text(&mut assembler, "[]");
        assembler.take(Piece::Finish(Finish::Stop));
        assert_eq!(
            (assembler.text().len(), code(&assembler)),
            (MAX_RESPONSE_BYTES, "response_too_large")
        );
    }

    #[test]
    fn an_error_after_the_end_leaves_the_response_complete() {
        let mut assembler = assembler();
        push_text(&mut assembler, "[{}]");
        assembler.take(Piece::Finish(Finish::Stop));
        assembler.take(Piece::Error(ErrorBody::default()));
        assert_eq!(code(&assembler), "complete");
        assert_eq!(notices(&mut assembler), ["error_after_finish"]);
    }

    #[test]
    fn the_worse_of_two_finish_reasons_counts() {
        for (first, second) in [
            (Finish::Stop, Finish::Length),
            (Finish::Length, Finish::Stop),
        ] {
            let mut assembler = assembler();
            push_text(&mut assembler, "[{}]");
            assembler.take(Piece::Finish(first));
            assembler.take(Piece::Finish(second));
            assert_eq!(code(&assembler), "cut_off");
            assert_eq!(notices(&mut assembler), ["finish_changed"]);
        }
    }

    #[test]
    fn a_filter_or_a_refusal_takes_precedence_over_malformed_text() {
        for (refusal, finish, expected) in [
            ("", Finish::ContentFilter, "filtered"),
            ("No.", Finish::Stop, "refused"),
            ("No.", Finish::Length, "refused"),
            ("No.", Finish::ContentFilter, "filtered"),
            ("", Finish::Stop, "malformed_response"),
            ("", Finish::Length, "malformed_response"),
        ] {
            let mut assembler = assembler();
            push_text(&mut assembler, "{oops}");
            assembler.take(Piece::Refusal(Cow::Borrowed(refusal)));
            assembler.take(Piece::Finish(finish));
            assert_eq!(code(&assembler), expected);
        }
    }

    #[test]
    fn each_change_of_the_usage_is_reported_once_even_after_a_failure() {
        let usage = |output| Usage {
            output,
            ..Usage::default()
        };
        let mut assembler = assembler();
        assembler.take(Piece::Usage(usage(1)));
        assembler.take(Piece::Usage(usage(1)));
        assembler.take(Piece::Error(ErrorBody::default()));
        assembler.take(Piece::Usage(usage(2)));
        assert_eq!(assembler.take_events().len(), 2);
        assert_eq!(assembler.usage(), Some(usage(2)));
    }

    #[test]
    fn the_number_of_notices_is_limited() {
        let mut assembler = assembler();
        for kind in 0..1000 {
            let kind = format!("kind.{}", kind / 2);
            assembler.take(Piece::Notice(NoticeCode::UnknownEvent, kind));
        }
        assert_eq!(assembler.take_events().len(), MAX_NOTICES);
    }
}
