//! Requests that are changed after an endpoint has refused them.

use serde_json::{Value, json};
use taskwright::model::NoticeCode;

use super::scenario::{RecordedCall, Reply, Scenario, envelope};

/// An endpoint that refuses a body in these words as long as `is_refused` holds for it.
fn run_against(
    scenario: Scenario,
    (status, message): (u16, &'static str),
    is_refused: fn(&Value) -> bool,
) -> super::scenario::Finished {
    scenario.run_with(move |call: &RecordedCall| match is_refused(&call.body) {
        true => Reply::refuses_with(status, message),
        false => Reply::tasks(["a", "b"]),
    })
}

fn with_limit() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.endpoint.max_output_tokens = Some(500);
    scenario.endpoint.extra_body = json!({"temperature": 0.2}).as_object().cloned().unwrap();
    scenario
}

#[test]
fn each_refused_part_is_changed_once_with_a_notice() {
    /// The words of the refusal, what is refused, and the change.
    type Row = ((u16, &'static str), fn(&Value) -> bool, &'static str);
    let table: [Row; 9] = [
        (
            (400, "Unknown field max_completion_tokens"),
            |body| body.get("max_completion_tokens").is_some(),
            "token_limit",
        ),
        (
            (400, "stream_options is not recognized"),
            |body| body.get("stream_options").is_some(),
            "omit_stream_options",
        ),
        (
            (
                400,
                "Your organization must be verified to stream this model",
            ),
            |body| body["stream"] == true,
            "no_streaming",
        ),
        (
            (500, "System role not supported"),
            |body| body["messages"][0]["role"] == "system",
            "merge_system_message",
        ),
        (
            (400, "temperature is deprecated for this model"),
            |body| body.get("temperature").is_some(),
            "omit_parameter",
        ),
        (
            (400, "JSON schema: additionalProperties is not implemented"),
            |body| {
                body["response_format"]
                    .to_string()
                    .contains("additionalProperties")
            },
            "omit_keyword",
        ),
        (
            (422, "guided decoding is disabled"),
            |body| body.get("response_format").is_some(),
            "response_format",
        ),
        (
            (400, "Request contains an invalid argument."),
            |body| body["response_format"]["type"] == "json_schema",
            "response_format",
        ),
        (
            (500, "Something failed"),
            |body| body["response_format"]["type"] == "json_schema",
            "response_format",
        ),
    ];
    for (words, is_refused, code) in table {
        let finished = run_against(with_limit(), words, is_refused);
        assert_eq!(finished.code(), "complete", "{words:?}");
        assert!(
            finished.adaptations().iter().all(|one| *one == code),
            "{words:?}"
        );
        assert!(!finished.adaptations().is_empty(), "{words:?}");
        let expected = match code {
            "response_format" => NoticeCode::ResponseFormatFallback,
            _ => NoticeCode::Adapted,
        };
        assert!(
            finished.notices().iter().all(|notice| *notice == expected),
            "{words:?}"
        );
        assert!(
            finished.times().iter().all(|at| *at == 0),
            "no wait: {words:?}"
        );
        assert_eq!(finished.run.requests()[0].retries, 0, "{words:?}");
    }
}

#[test]
fn an_answer_that_is_not_streamed_is_read_as_a_whole() {
    let finished = Scenario::default().run_with(|call| match call.body["stream"] == true {
        true => Reply::refuses_with(400, "streaming is not supported"),
        false => Reply::status(
            200,
            &json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": envelope(["a", "b"])}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
            .to_string(),
        ),
    });
    assert_eq!((finished.code(), finished.calls.len()), ("complete", 2));
    assert_eq!(finished.adaptations(), ["no_streaming"]);
}

#[test]
fn several_refusals_are_cured_one_after_the_other() {
    let finished = with_limit().run_with(|call| {
        let body = &call.body;
        if body.get("stream_options").is_some() {
            Reply::refuses("stream_options")
        } else if body.get("temperature").is_some() {
            Reply::refuses("temperature")
        } else if body.get("max_completion_tokens").is_some() {
            Reply::refuses("max_completion_tokens")
        } else if body.get("response_format").is_some() {
            Reply::refuses_with(400, "no grammar")
        } else {
            Reply::tasks(["a", "b"])
        }
    });
    // Both response formats are refused: the fifth refusal is the last.
    assert_eq!(
        (finished.code(), finished.calls.len()),
        ("request_refused", 5)
    );
    let finished = with_limit().run_with(|call| match call.body.get("stream_options") {
        Some(_) => Reply::refuses("stream_options"),
        None if call.body.get("temperature").is_some() => Reply::refuses("temperature"),
        None => Reply::tasks(["a", "b"]),
    });
    assert_eq!((finished.code(), finished.calls.len()), ("complete", 3));
    assert_eq!(
        finished.adaptations(),
        ["omit_stream_options", "omit_parameter"]
    );
}

#[test]
fn what_no_change_cures_ends_with_the_endpoints_own_message() {
    for (status, message, calls) in [
        // Named, and every change of it is refused as well.
        (400, "response_format is broken here", 3),
        (
            400,
            "max_completion_tokens and max_tokens are both unknown",
            2,
        ),
        // Named, without a cure.
        (400, "max_completion_tokens is too large", 1),
        // Nothing is named.
        (400, "no", 2),
        (422, "", 2),
    ] {
        let finished = with_limit().run_with(move |_| Reply::refuses_with(status, message));
        assert_eq!(finished.calls.len(), calls, "{message}");
        assert!(["request_refused", "parameter_refused"].contains(&finished.code()));
        if !message.is_empty() {
            assert_eq!(finished.message(), message);
        }
        let mut bodies: Vec<String> = finished
            .calls
            .iter()
            .map(|call| call.body.to_string())
            .collect();
        bodies.dedup();
        assert_eq!(bodies.len(), calls, "no body is sent twice: {message}");
    }
}

#[test]
fn a_server_error_that_names_nothing_is_one_attempt_and_then_retried_as_before() {
    let finished = Scenario::default().run([
        Reply::status(500, ""),
        Reply::status(500, ""),
        Reply::status(500, ""),
        Reply::tasks(["a", "b"]),
    ]);
    assert_eq!(finished.code(), "complete");
    let schema = Some("json_schema");
    assert_eq!(
        finished.formats(),
        [schema, Some("json_object"), schema, schema]
    );
    assert_eq!(finished.adaptations(), [""; 0], "it did not help");
    assert_eq!(finished.run.requests()[0].retries, 2);
}

#[test]
fn no_request_is_changed_after_a_task_arrived_or_for_a_refusal_of_the_caller() {
    let task = r#"{"tasks":[{"key":"a","title":"Do a"},"#;
    let error = "data: {\"error\":{\"message\":\"response_format is broken\",\"code\":400}}\n\n";
    let body = super::scenario::streamed(task, None, None);
    let finished = Scenario::default().run([Reply::status(200, &format!("{body}{error}"))]);
    assert_eq!((finished.calls.len(), finished.run.drafts().len()), (1, 1));
    // Before any task, an error inside the stream counts if it names what it refuses.
    let finished = Scenario::default().run([Reply::status(200, error), Reply::tasks(["a", "b"])]);
    assert_eq!((finished.code(), finished.calls.len()), ("complete", 2));
    for status in [401, 402, 403, 404, 413] {
        let reply = Reply::refuses_with(status, "stream and response_format");
        assert_eq!(Scenario::default().run([reply]).calls.len(), 1, "{status}");
    }
}

#[test]
fn an_endpoint_that_ignores_the_token_limit_is_sent_its_other_name_in_further_requests() {
    let mut scenario = with_limit();
    scenario.count = 40;
    let mut number = 0;
    let finished = scenario.run_with(move |call| {
        number += 1;
        let keys: Vec<String> = (0..call.count())
            .map(|at| format!("k{number}-{at}"))
            .collect();
        let used = if call.body.get("max_tokens").is_some() {
            400
        } else {
            900
        };
        Reply::tasks(keys.iter().map(String::as_str)).using(10, used)
    });
    assert_eq!(finished.code(), "complete");
    let names: Vec<bool> = finished
        .calls
        .iter()
        .map(|call| call.body.get("max_tokens").is_some())
        .collect();
    assert_eq!(names, [false, true]);
    assert_eq!(finished.notices(), [NoticeCode::Adapted]);
}
