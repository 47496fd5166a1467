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
