//! Briefs, settings and options: which ones work, and which are rejected before anything is sent.

use js_sys::{Array, JSON, Reflect};
use taskwright::api::functions::{build_request, default_schema, deliver, dry_run, generate};
use taskwright::api::validator::JsValidator;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{code, js, json, member, nothing, string};

#[wasm_bindgen_test]
async fn a_dry_run_is_deterministic_and_its_errors_have_codes() {
    let brief = || js("{goal: 'Tidy the shed', count: 3, seed: 7}");
    let tasks = dry_run(brief()).await.unwrap();
    assert_eq!(json(&tasks), json(&dry_run(brief()).await.unwrap()));
    let other = dry_run(js("{goal: 'Tidy the shed', count: 3, seed: 8}"))
        .await
        .unwrap();
    assert_ne!(json(&tasks), json(&other));
    let tasks = Array::from(&tasks);
    assert_eq!(tasks.length(), 3);
    let validator = JsValidator::compile(default_schema().unwrap(), nothing())
        .await
        .ok()
        .unwrap();
    for task in tasks.iter() {
        assert!(task.is_string(), "a task is returned as its text");
        assert_eq!(json(&validator.validate_text(&task).unwrap()), "[]");
    }
    for (brief, expected) in [
        ("undefined", "invalid_argument"),
        ("'Tidy'", "invalid_argument"),
        ("{}", "invalid_argument"),
        ("{goal: ''}", "brief_empty"),
        ("{goal: 'g', count: 0}", "count_out_of_range"),
        ("{goal: 'g', count: 501}", "count_out_of_range"),
        ("{goal: 'g', count: 'ten'}", "count_not_a_number"),
        ("{goal: 'g', count: NaN}", "count_not_a_number"),
        ("{goal: 'g', count: Infinity}", "count_not_a_number"),
        ("{goal: 'g', count: null}", "count_not_a_number"),
        ("{goal: 'g', count: 10n}", "invalid_argument"),
        ("{goal: 'g', context: null}", "invalid_argument"),
        ("{goal: 'g', schema: {type: 7}}", "schema_invalid"),
        (
            "{goal: 'g', schema: {type: 'string'}}",
            "dry_run_not_an_object",
        ),
        (
            "{goal: 'g', schema: {type: 'object', properties: {a: false}, required: ['a']}}",
            "dry_run_unsatisfied",
        ),
    ] {
        assert_eq!(code(dry_run(js(brief)).await), expected, "{brief}");
    }
    let left_out = dry_run(js("{goal: 'g', count: undefined, context: undefined}")).await;
    assert_eq!(
        Array::from(&left_out.unwrap()).length(),
        3,
        "undefined means omitted"
    );
}

#[wasm_bindgen_test]
fn a_built_request_shows_a_placeholder_and_never_the_key() {
    let brief = js("{goal: 'g', count: 2}");
    let settings = js("{baseUrl: 'https://api.example.com/v1/', model: 'm', apiKey: 'hunter2'}");
    let request = build_request(&brief, &settings).unwrap();
    assert_eq!(
        string(&request, "url"),
        "https://api.example.com/v1/chat/completions"
    );
    assert_eq!(string(&request, "method"), "POST");
    let headers = member(&request, "headers");
    assert_eq!(string(&headers, "Authorization"), "Bearer $OPENAI_API_KEY");
    assert_eq!(string(&headers, "Content-Type"), "application/json");
    let body = JSON::parse(&string(&request, "body")).unwrap();
    assert_eq!(string(&body, "model"), "m");
    assert!(!json(&request).contains("hunter2"));
    for (settings, expected) in [
        ("undefined", "invalid_argument"),
        ("null", "invalid_argument"),
        ("[]", "invalid_argument"),
        ("{}", "invalid_argument"),
        ("{baseUrl: 'https://a.example'}", "invalid_argument"),
        (
            "{baseUrl: 'https://a.example', model: 'm', modelKey: 'hunter2'}",
            "invalid_argument",
        ),
        ("{baseUrl: 'ftp://a.example', model: 'm'}", "address_scheme"),
        (
            "{baseUrl: 'https://user:hunter2@a.example', model: 'm'}",
            "address_credentials",
        ),
        (
            "{get model() { throw new Error('no') }, baseUrl: ''}",
            "invalid_argument",
        ),
        (
            "{get apiKey() { throw new Error('no') }, baseUrl: 'https://a.example', model: 'm'}",
            "invalid_argument",
        ),
    ] {
        let made = build_request(&brief, &js(settings));
        if let Err(thrown) = &made {
            assert!(!string(thrown, "message").contains("hunter2"), "{settings}");
        }
        assert_eq!(code(made), expected, "{settings}");
    }
}

#[wasm_bindgen_test]
async fn wrong_arguments_are_rejected_before_anything_is_sent() {
    let good = "{baseUrl: 'https://a.invalid', model: 'm', apiKey: 'hunter2'}";
    for (brief, settings, options, expected) in [
        ("{goal: ''}", good, "undefined", "brief_empty"),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm'}",
            "undefined",
            "secret_missing",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', apiKey: 7}",
            "undefined",
            "invalid_argument",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', apiKey: null}",
            "undefined",
            "invalid_argument",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', apiKey: ' '}",
            "undefined",
            "secret_empty",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', apiKey: 'a\\nb'}",
            "undefined",
            "secret_not_a_header_value",
        ),
        ("{goal: 'g'}", good, "null", "invalid_argument"),
        ("{goal: 'g'}", good, "{onEvent: 7}", "invalid_argument"),
        ("{goal: 'g'}", good, "{signal: {}}", "invalid_argument"),
        ("{goal: 'g'}", good, "{signal: null}", "invalid_argument"),
        (
            "{goal: 'g'}",
            good,
            "{sginal: AbortSignal.abort()}",
            "invalid_argument",
        ),
    ] {
        let made = generate(js(brief), js(settings), js(options)).await;
        if let Err(thrown) = &made {
            assert!(!string(thrown, "message").contains("hunter2"), "{settings}");
        }
        assert_eq!(code(made), expected, "{brief} {settings} {options}");
    }
    let good = "{url: 'https://a.invalid', agentToken: 'hunter2'}";
    for (tasks, settings, options, expected) in [
        ("undefined", good, "undefined", "invalid_argument"),
        ("'{}'", good, "undefined", "invalid_argument"),
        ("[{}]", good, "undefined", "invalid_argument"),
        ("['{}', 7]", good, "undefined", "invalid_argument"),
        ("['{}', '{']", good, "undefined", "json_unfinished"),
        ("['[]']", good, "undefined", "task_not_an_object"),
        (
            "['{}']",
            "{url: 'https://a.invalid'}",
            "undefined",
            "secret_missing",
        ),
        (
            "['{}']",
            "{url: 'https://a.invalid', agentToken: ''}",
            "undefined",
            "secret_empty",
        ),
        (
            "['{}']",
            "{url: 'http://a.invalid', agentToken: 'hunter2'}",
            "undefined",
            "address_not_secure",
        ),
        (
            "['{}']",
            "{url: 'https://a.invalid', agentToken: 'hunter2', path: 'x'}",
            "undefined",
            "path_invalid",
        ),
        (
            "['{}']",
            "{url: 'https://a.invalid', agentToken: 'hunter2', tokenHeader: 'Cookie'}",
            "undefined",
            "token_header_invalid",
        ),
        (
            "['{}']",
            good,
            "{idempotencyKeys: ['a']}",
            "invalid_argument",
        ),
        (
            "[{text: '{}', idempotencyKey: 7}]",
            good,
            "undefined",
            "invalid_argument",
        ),
        (
            "[{text: '{}', idempotencyKey: ''}]",
            good,
            "undefined",
            "invalid_argument",
        ),
        (
            "[{text: '{}', key: 'a'}]",
            good,
            "undefined",
            "invalid_argument",
        ),
        (
            "[{idempotencyKey: 'a'}]",
            good,
            "undefined",
            "invalid_argument",
        ),
        ("[['{}']]", good, "undefined", "invalid_argument"),
        ("['{}']", good, "{schema: {type: 7}}", "schema_invalid"),
        ("['{}']", good, "{schema: null}", "schema_invalid"),
        ("['{}']", good, "{onReceipt: {}}", "invalid_argument"),
        ("['{}']", good, "{onEvent() {}}", "invalid_argument"),
    ] {
        let made = deliver(js(tasks), js(settings), js(options)).await;
        if let Err(thrown) = &made {
            assert!(!string(thrown, "message").contains("hunter2"), "{settings}");
        }
        assert_eq!(code(made), expected, "{tasks} {settings} {options}");
    }
    let none = deliver(js("[]"), js(good), nothing()).await.unwrap();
    assert_eq!(json(&none), "[]");
}

#[wasm_bindgen_test]
async fn an_aborted_signal_is_an_outcome_not_an_error() {
    let settings = js("{baseUrl: 'https://a.invalid', model: 'm', needsKey: false}");
    let options = js("{signal: AbortSignal.abort('a reason that is not an error')}");
    let generation = generate(js("{goal: 'g'}"), settings, options)
        .await
        .unwrap();
    let outcome = member(&generation, "outcome");
    assert_eq!(string(&outcome, "outcome"), "cancelled");
    assert_eq!(string(&outcome, "rawText"), "");
    assert!(
        !Reflect::has(&generation, &"usage".into()).unwrap(),
        "absent, not null"
    );
}
