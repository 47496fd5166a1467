//! One answer while it is being told: its text, its tasks, how it ended.

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

/// The longest answer, in bytes of its text: 32 MiB.
pub const MAX_ANSWER_BYTES: usize = 32 << 20;

/// The most of a refusal that is kept, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// The most warnings that one answer gives.
const MAX_NOTICES: usize = 32;

/// Takes the pieces of one answer in their order.
pub(super) struct ResponseAssembler {
    api: Api,
    check: Arc<dyn Check>,
    text: String,
    /// Where the current part of the text begins.
    part: usize,
    envelope: Envelope,
    /// Why no more tasks are read from the text.
    unreadable: Option<Failure>,
    /// Why nothing more is read at all.
    failure: Option<Failure>,
    finish: Option<Finish>,
    done: bool,
    refusal: String,
    usage: Option<Usage>,
    told: Vec<Notice>,
    events: Vec<StreamEvent>,
}

impl ResponseAssembler {
    pub fn new(api: Api, check: Arc<dyn Check>) -> Self {
        ResponseAssembler {
            api,
            check,
            text: String::new(),
            part: 0,
            envelope: Envelope::new(),
            unreadable: None,
            failure: None,
            finish: None,
            done: false,
            refusal: String::new(),
            usage: None,
            told: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Whether the reading has ended with a failure.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether nothing that may still arrive changes the outcome.
    pub fn is_settled(&self) -> bool {
        self.failure.is_some()
            || self.unreadable.is_some()
            || self.done
            || (self.finish.is_some() && self.api == Api::Responses)
    }

    /// The events since the last call.
    pub fn take_events(&mut self) -> Vec<StreamEvent> {
        std::mem::take(&mut self.events)
    }

    /// Takes one piece. After a failure only what the request cost still counts.
    pub fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Usage(usage) => self.take_usage(usage),
            Piece::Done => self.done = true,
            _ if self.failure.is_some() => {}
            Piece::Part => self.part = self.text.len(),
            Piece::Content(text) => self.take_text(&text),
            Piece::WholePart(text) => self.take_whole_part(&text),
            Piece::Refusal(text) => {
                let room = MAX_REFUSAL_BYTES.saturating_sub(self.refusal.len());
                if room > 0 {
                    self.refusal.push_str(&truncate_bytes(&text, room));
                }
            }
            Piece::Finish(finish) => self.take_finish(finish),
            Piece::Error(error) => self.fail(Failure::of_error(None, error)),
            Piece::Notice(NoticeCode::UnknownEvent, kind) => {
                let message = format!("The endpoint sent an event of an unknown kind: {kind}");
                self.warn(NoticeCode::UnknownEvent, message.into());
            }
            Piece::Notice(code, message) => self.warn(code, message.into()),
        }
    }

    /// Ends the reading. What goes wrong after the endpoint said that it had finished takes
    /// nothing away from the answer and is told as a warning.
    pub fn fail(&mut self, failure: Failure) {
        if self.failure.is_some() {
            return;
        }
        if self.finish.is_some() {
            let message = format!(
                "After the end of the answer something went wrong: {}",
                failure.message
            );
            self.warn(NoticeCode::ErrorAfterFinish, message.into());
            self.done = true;
        } else {
            self.failure = Some(failure);
        }
    }

    /// Tells something odd, the same thing once.
    pub fn warn(&mut self, code: NoticeCode, message: Cow<'_, str>) {
        let repeated = |told: &Notice| told.code == code && told.message == message;
        if self.told.len() >= MAX_NOTICES || self.told.iter().any(repeated) {
            return;
        }
        let notice = Notice::new(code, message);
        self.told.push(notice.clone());
        self.events.push(StreamEvent::Notice(notice));
    }

    fn take_usage(&mut self, usage: Usage) {
        // Some endpoints repeat it with every event.
        if self.usage != Some(usage) {
            self.usage = Some(usage);
            self.events.push(StreamEvent::Usage(usage));
        }
    }

    fn take_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.text.len() + text.len() > MAX_ANSWER_BYTES {
            self.unreadable.get_or_insert_with(|| {
                Failure::new(
                    FailureKind::AnswerTooLarge,
                    format!("The answer is longer than {MAX_ANSWER_BYTES} bytes."),
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
        if self.unreadable.is_some() {
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
                Found::TextAround => self.warn(
                    NoticeCode::TextAroundJson,
                    "Text stands around the JSON: the model or endpoint does not keep to the \
                     schema it was given."
                        .into(),
                ),
                Found::Reasoning => self.warn(
                    NoticeCode::ReasoningInResponse,
                    "The answer begins with the model's reasoning; it is left out of the tasks."
                        .into(),
                ),
                Found::Closed if self.envelope.tasks() == 0 => self.warn(
                    NoticeCode::NoTasks,
                    "The model answered, and its answer holds no task.".into(),
                ),
                Found::Closed => {}
            }
        }
        self.unreadable = result.err().map(Failure::from);
    }

    /// Takes the whole text of the current part, told a second time. Space around it may differ.
    fn take_whole_part(&mut self, whole: &str) {
        if self.text.len() == self.part {
            self.take_text(whole);
            return;
        }
        if self.unreadable.is_some() {
            return;
        }
        let streamed = self.text.get(self.part..).unwrap_or_default();
        if streamed.trim() != whole.trim() {
            self.unreadable = Some(Failure::new(
                FailureKind::TextMismatch,
                "The text that the endpoint gave at the end is not the text that it streamed.",
            ));
        }
    }

    fn take_finish(&mut self, finish: Finish) {
        match &self.finish {
            None => self.finish = Some(finish),
            Some(first) if *first == finish => {}
            Some(first) => {
                let message =
                    "The endpoint named two different reasons for ending; the worse one counts.";
                if *first == Finish::Stop {
                    self.finish = Some(finish);
                }
                self.warn(NoticeCode::FinishChanged, message.into());
            }
        }
    }

    /// The outcome as far as the endpoint has told it. `None` where it has not said that it
    /// finished and nothing failed: then how the body ended decides.
    pub fn outcome(&self) -> Option<GenerationOutcome> {
        let failed = |failure: &Failure| Some(GenerationOutcome::Failed(Box::new(failure.clone())));
        if let Some(failure) = &self.failure {
            return failed(failure);
        }
        let Some(finish) = &self.finish else {
            return self.unreadable.as_ref().and_then(failed);
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
                format!("The model asked for a tool to be called ({reason})."),
            ),
            Finish::Other(reason) => fail(
                FailureKind::UnknownFinish,
                format!("The endpoint ended the answer for a reason that is not known: {reason:?}"),
            ),
            Finish::Stop | Finish::Length if self.unreadable.is_some() => {
                self.unreadable.as_ref().and_then(failed)
            }
            Finish::Length => Some(GenerationOutcome::cut_off(self.api)),
            Finish::Stop if self.envelope.is_closed() => Some(GenerationOutcome::Complete),
            Finish::Stop if self.envelope.has_begun() => fail(
                FailureKind::AnswerNotClosed,
                "The model said that it had finished, and its JSON is not closed.".to_owned(),
            ),
            Finish::Stop if self.text.trim().is_empty() => fail(
                FailureKind::EmptyAnswer,
                "The model finished without writing anything.".to_owned(),
            ),
            Finish::Stop => fail(
                FailureKind::NoJson,
                "The model answered in prose; there is no JSON in it.".to_owned(),
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

/// What is wrong with a task: what the schema says, and that a task is an object whatever the
/// schema says.
fn violations(check: &dyn Check, task: &Document) -> Vec<Violation> {
    let mut violations = check.check(task);
    if violations.is_empty() && task.root().kind() != Kind::Object {
        violations.push(Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: "type".to_owned(),
            message: "a task is a JSON object".to_owned(),
        });
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error_body::ErrorBody;

    struct Anything;

    impl Check for Anything {
        fn check(&self, _: &Document) -> Vec<Violation> {
            Vec::new()
        }
    }

    fn answer() -> ResponseAssembler {
        ResponseAssembler::new(Api::ChatCompletions, Arc::new(Anything))
    }

    fn code(answer: &ResponseAssembler) -> &'static str {
        answer.outcome().map_or("open", |outcome| outcome.code())
    }

    fn say(answer: &mut ResponseAssembler, text: &str) {
        answer.take(Piece::Content(Cow::Borrowed(text)));
    }

    fn notices(answer: &mut ResponseAssembler) -> Vec<&'static str> {
        answer
            .take_events()
            .iter()
            .filter_map(|event| match event {
                StreamEvent::Notice(notice) => Some(notice.code.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_task_that_is_no_object_is_never_valid_whatever_the_schema_says() {
        let mut answer = answer();
        say(&mut answer, r#"{"tasks":[7,{"a":1}]}"#);
        let valid: Vec<bool> = answer
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
    fn an_answer_beyond_the_limit_fails_and_keeps_the_text_that_came_before() {
        let mut answer = answer();
        let piece = " ".repeat(1 << 20);
        for _ in 0..32 {
            say(&mut answer, &piece);
            answer.take_events();
        }
        assert_eq!(
            (answer.text().len(), code(&answer)),
            (MAX_ANSWER_BYTES, "open")
        );
        say(&mut answer, "[]");
        answer.take(Piece::Finish(Finish::Stop));
        assert_eq!(
            (answer.text().len(), code(&answer)),
            (MAX_ANSWER_BYTES, "answer_too_large")
        );
    }

    #[test]
    fn trouble_after_the_end_takes_nothing_away_from_a_whole_answer() {
        let mut answer = answer();
        say(&mut answer, "[{}]");
        answer.take(Piece::Finish(Finish::Stop));
        answer.take(Piece::Error(ErrorBody::default()));
        assert_eq!(code(&answer), "complete");
        assert_eq!(notices(&mut answer), ["error_after_finish"]);
    }

    #[test]
    fn of_two_reasons_for_ending_the_worse_one_counts() {
        for (first, second) in [
            (Finish::Stop, Finish::Length),
            (Finish::Length, Finish::Stop),
        ] {
            let mut answer = answer();
            say(&mut answer, "[{}]");
            answer.take(Piece::Finish(first));
            answer.take(Piece::Finish(second));
            assert_eq!(code(&answer), "cut_off");
            assert_eq!(notices(&mut answer), ["finish_changed"]);
        }
    }

    #[test]
    fn a_filter_or_a_refusal_counts_before_what_is_wrong_with_the_text() {
        for (refusal, finish, expected) in [
            ("", Finish::ContentFilter, "filtered"),
            ("No.", Finish::Stop, "refused"),
            ("No.", Finish::Length, "refused"),
            ("No.", Finish::ContentFilter, "filtered"),
            ("", Finish::Stop, "malformed_answer"),
            ("", Finish::Length, "malformed_answer"),
        ] {
            let mut answer = answer();
            say(&mut answer, "{oops}");
            answer.take(Piece::Refusal(Cow::Borrowed(refusal)));
            answer.take(Piece::Finish(finish));
            assert_eq!(code(&answer), expected);
        }
    }

    #[test]
    fn what_it_cost_is_told_once_for_each_change_and_after_a_failure_too() {
        let usage = |output| Usage {
            output,
            ..Usage::default()
        };
        let mut answer = answer();
        answer.take(Piece::Usage(usage(1)));
        answer.take(Piece::Usage(usage(1)));
        answer.take(Piece::Error(ErrorBody::default()));
        answer.take(Piece::Usage(usage(2)));
        assert_eq!(answer.take_events().len(), 2);
        assert_eq!(answer.usage(), Some(usage(2)));
    }

    #[test]
    fn an_endpoint_cannot_flood_the_page_with_warnings() {
        let mut answer = answer();
        for kind in 0..1000 {
            let kind = format!("kind.{}", kind / 2);
            answer.take(Piece::Notice(NoticeCode::UnknownEvent, kind));
        }
        assert_eq!(answer.take_events().len(), MAX_NOTICES);
    }
}
