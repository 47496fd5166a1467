//! Which response format an endpoint is asked for.

use taskwright::driver::Report;
use taskwright::model::{NoticeCode, ResponseFormat};

use super::scenario::{Reply, Scenario, envelope};

#[test]
fn a_refused_response_format_falls_back_with_a_notice() {
    let finished = Scenario::default().run([
        Reply::refuses("response_format"),
        Reply::refuses("response_format.json_object"),
        Reply::tasks(["a", "b"]),
    ]);
    assert_eq!(finished.code(), "complete");
    assert_eq!(
        finished.formats(),
        [Some("json_schema"), Some("json_object"), None]
    );
    assert_eq!(finished.notices(), [NoticeCode::ResponseFormatFallback; 2]);
    assert_eq!(finished.times(), [0, 0, 0], "a fallback does not wait");
    let formats: Vec<_> = finished.run.requests()[0]
        .calls
        .iter()
        .map(|call| call.response_format)
        .collect();
    let expected = [
        ResponseFormat::JsonSchema,
        ResponseFormat::JsonObject,
        ResponseFormat::PromptOnly,
    ];
    assert_eq!(formats, expected.map(Some));
    let is_notice = |report: &&Report| matches!(report, Report::Notice { .. });
    assert_eq!(finished.reports.iter().filter(is_notice).count(), 2);
}

#[test]
fn a_refusal_of_the_last_response_format_is_the_outcome() {
    let finished = Scenario::default().run_with(|_| Reply::refuses("response_format"));
    assert_eq!(
        (finished.code(), finished.calls.len()),
        ("parameter_refused", 3)
    );
}

#[test]
fn later_requests_of_the_run_use_the_fallback_from_the_start() {
    let scenario = Scenario {
        count: 60,
        ..Scenario::default()
    };
    let mut number = 0;
    let finished = scenario.run_with(move |call| {
        number += 1;
        match number {
            1 => Reply::refuses("response_format"),
            _ => {
                let keys: Vec<String> = (0..call.count())
                    .map(|at| format!("k{number}-{at}"))
                    .collect();
                Reply::tasks(keys.iter().map(String::as_str))
            }
        }
    });
    assert_eq!(finished.code(), "complete");
    let object = Some("json_object");
    assert_eq!(
        finished.formats(),
        [Some("json_schema"), object, object, object]
    );
}

#[test]
fn a_schema_outside_the_strict_subset_is_requested_as_json_object_from_the_start() {
    let scenario = Scenario {
        schema: r#"{"title":"t","type":"object","required":["more"],"properties":{
            "more":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
        ..Scenario::default()
    };
    let finished = scenario.run([Reply::text(r#"[{"more":{}},{"more":{}}]"#, "stop")]);
    assert_eq!(finished.formats(), [Some("json_object")]);
    assert_eq!(finished.notices(), [NoticeCode::SchemaNotStrict]);
}

#[test]
fn an_endpoint_that_accepts_the_schema_but_does_not_follow_it_gets_a_notice() {
    let around = format!("Here you are: {}", envelope(["a", "b"]));
    for (text, finish, has_notice) in [
        (envelope(["a", "b"]).as_str(), "stop", false),
        // The strict subset cannot express the minimum length.
        (r#"{"tasks":[{"key":"a","title":"x"}]}"#, "stop", false),
        (r#"{"tasks":[{"key":"a","title":null}]}"#, "stop", false),
        (r#"{"tasks":[{"title":"Do it"}]}"#, "stop", true),
        (r#"{"tasks":[{"key":7}]}"#, "stop", true),
        (r#"{"tasks":[{"key":"a","more":1}]}"#, "stop", true),
        (around.as_str(), "stop", true),
        ("I will not.", "stop", true),
        (r#"{"tasks":[{"key":"a"},{"ke"#, "length", false),
        ("{\"tasks\":[{\"key\":'a'}]}", "stop", true),
    ] {
        let finished = Scenario::default().run([Reply::text(text, finish)]);
        let noticed = finished.notices().contains(&NoticeCode::SchemaNotFollowed);
        assert_eq!(noticed, has_notice, "{text}");
        // A request without the schema cannot violate it.
        let finished =
            Scenario::default().run([Reply::refuses("response_format"), Reply::text(text, finish)]);
        assert!(
            !finished.notices().contains(&NoticeCode::SchemaNotFollowed),
            "{text}"
        );
    }
}
