//! How much of structured output an endpoint is asked for.

use taskwright::driver::Report;
use taskwright::model::{NoticeCode, ResponseFormat};

use super::world::{Reply, World, envelope};

#[test]
fn an_endpoint_that_refuses_the_form_is_asked_again_with_less_and_the_operator_is_told() {
    let played = World::default().play([
        Reply::refuses("response_format"),
        Reply::refuses("response_format.json_object"),
        Reply::tasks(["a", "b"]),
    ]);
    assert_eq!(played.code(), "complete");
    assert_eq!(
        played.formats(),
        [Some("json_schema"), Some("json_object"), None]
    );
    assert_eq!(played.notices(), [NoticeCode::ResponseFormatFallback; 2]);
    assert_eq!(played.times(), [0, 0, 0], "there is nothing to wait for");
    let format_memory: Vec<_> = played.run.requests()[0]
        .calls
        .iter()
        .map(|call| call.response_format)
        .collect();
    let expected = [
        ResponseFormat::JsonSchema,
        ResponseFormat::JsonObject,
        ResponseFormat::PromptOnly,
    ];
    assert_eq!(format_memory, expected.map(Some));
    let told = |report: &&Report| matches!(report, Report::Notice { .. });
    assert_eq!(played.told.iter().filter(told).count(), 2);
}

#[test]
fn below_the_last_rung_there_is_nothing() {
    let played = World::default().play_by(|_| Reply::refuses("response_format"));
    assert_eq!(
        (played.code(), played.asked.len()),
        ("parameter_refused", 3)
    );
}

#[test]
fn what_a_request_was_refused_the_next_ones_of_the_run_do_not_ask_for() {
    let world = World {
        count: 60,
        ..World::default()
    };
    let mut number = 0;
    let played = world.play_by(move |asked| {
        number += 1;
        match number {
            1 => Reply::refuses("response_format"),
            _ => {
                let keys: Vec<String> = (0..asked.count())
                    .map(|at| format!("k{number}-{at}"))
                    .collect();
                Reply::tasks(keys.iter().map(String::as_str))
            }
        }
    });
    assert_eq!(played.code(), "complete");
    let object = Some("json_object");
    assert_eq!(
        played.formats(),
        [Some("json_schema"), object, object, object]
    );
}

#[test]
fn a_schema_that_cannot_be_expressed_is_told_in_words_from_the_start() {
    let world = World {
        schema: r#"{"title":"t","type":"object","required":["more"],"properties":{
            "more":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
        ..World::default()
    };
    let played = world.play([Reply::says(r#"[{"more":{}},{"more":{}}]"#, "stop")]);
    assert_eq!(played.formats(), [Some("json_object")]);
    assert_eq!(played.notices(), [NoticeCode::SchemaNotStrict]);
}

#[test]
fn an_endpoint_that_took_the_schema_and_does_not_keep_to_it_is_named() {
    let around = format!("Here you are: {}", envelope(["a", "b"]));
    for (text, finish, is_named) in [
        (envelope(["a", "b"]).as_str(), "stop", false),
        // No schema of the strict subset says how long a text must be.
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
        let played = World::default().play([Reply::says(text, finish)]);
        let is_told = played.notices().contains(&NoticeCode::SchemaNotFollowed);
        assert_eq!(is_told, is_named, "{text}");
        // Asked for no schema, it breaks no word.
        let played =
            World::default().play([Reply::refuses("response_format"), Reply::says(text, finish)]);
        assert!(
            !played.notices().contains(&NoticeCode::SchemaNotFollowed),
            "{text}"
        );
    }
}
