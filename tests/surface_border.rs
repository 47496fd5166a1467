//! The border to JavaScript: what crosses it, in both directions, in a browser.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use js_sys::{Array, JSON, Map, Object, Reflect};
use taskwright::api::surface::functions::{
    build_request, default_schema, deliver, dry_run, generate, lint_batch, model_schema,
};
use taskwright::api::surface::stream::TaskStream;
use taskwright::api::surface::validator::Validator;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// The value of a JavaScript expression.
fn js(source: &str) -> JsValue {
    js_sys::eval(&format!("({source})")).unwrap_or_else(|_| panic!("{source}"))
}

fn member(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &name.into()).unwrap()
}

fn word(value: &JsValue, name: &str) -> String {
    member(value, name)
        .as_string()
        .unwrap_or_else(|| panic!("{name} of {value:?}"))
}

fn json(value: &JsValue) -> String {
    JSON::stringify(value).unwrap().into()
}

/// The code of what was thrown, after a look at all that an error has to have.
#[track_caller]
fn code(thrown: Result<JsValue, JsValue>) -> String {
    let thrown = thrown.expect_err("this is wrong");
    assert!(thrown.is_instance_of::<js_sys::Error>(), "{thrown:?}");
    assert_eq!(word(&thrown, "name"), "TaskwrightError");
    assert!(!word(&thrown, "message").is_empty() && !word(&thrown, "hint").is_empty());
    assert!(member(&thrown, "retry").as_bool().is_some());
    word(&thrown, "code")
}

fn nothing() -> JsValue {
    JsValue::UNDEFINED
}

async fn compiled(schema: &str) -> Validator {
    Validator::compile(js(schema), nothing())
        .await
        .ok()
        .unwrap()
}

async fn compile(schema: &str, options: &str) -> Result<JsValue, JsValue> {
    Validator::compile(js(schema), js(options))
        .await
        .map(JsValue::from)
}

#[wasm_bindgen_test]
fn plain_values_come_out_as_objects_and_never_as_maps() {
    let schema = default_schema().unwrap();
    let shown = model_schema(&schema).unwrap();
    for value in [
        schema.clone(),
        member(&schema, "properties"),
        shown.clone(),
        member(&member(&shown, "schema"), "properties"),
    ] {
        assert!(!value.is_instance_of::<Map>(), "{value:?}");
        let prototype = Object::get_prototype_of(&value);
        assert!(Object::is(
            &prototype,
            &Object::get_prototype_of(&Object::new())
        ));
    }
    Reflect::set(&schema, &"title".into(), &"changed".into()).unwrap();
    assert_ne!(word(&default_schema().unwrap(), "title"), "changed");
    let relaxed = Array::from(&member(&shown, "relaxed"));
    assert!(relaxed.length() > 0);
    for name in ["pointer", "keyword", "why"] {
        assert!(member(&relaxed.get(0), name).is_string(), "{name}");
    }
}

#[wasm_bindgen_test]
fn large_numbers_in_a_schema_do_not_stop_it_at_the_border() {
    let schema = js(
        "{type: 'object', required: ['n'], additionalProperties: false, properties: \
         {n: {type: 'integer', maximum: 9007199254740994, enum: [9007199254740994, 1e300]}}}",
    );
    let shown = model_schema(&schema).unwrap();
    assert!(
        json(&shown).contains("9007199254740994"),
        "{}",
        json(&shown)
    );
}

#[wasm_bindgen_test]
async fn a_member_named_proto_is_a_member() {
    let validator = compiled("{type: 'object', additionalProperties: false}").await;
    let found = validator
        .validate_text(&"{\"__proto__\": {\"polluted\": true}}".into())
        .unwrap();
    assert_eq!(Array::from(&found).length(), 1);
    assert!(js("({}).polluted === undefined").is_truthy());
}

#[wasm_bindgen_test]
async fn a_value_is_judged_as_the_text_that_json_stringify_makes_of_it() {
    let validator = compiled(
        "{type: 'object', required: ['n'], properties: {n: {type: 'integer', maximum: 100}}}",
    )
    .await;
    for source in [
        "{n: 1}",
        "{n: 1.0}",
        "{n: 1.5}",
        "{n: 1e21}",
        "{n: 101}",
        "{n: NaN}",
        "{n: null}",
        "{n: undefined}",
        "{n: () => 1}",
        "{n: {toJSON: () => 7}}",
        "{}",
        "[]",
        "null",
        "'text'",
        "new Map([['n', 1]])",
        "new Date(0)",
        "{n: 1, text: '\\ud800'.toString()}",
    ] {
        let value = js(source);
        let text = JSON::stringify(&value).unwrap();
        let of_value = validator.validate(&value).map(|found| json(&found));
        let of_text = validator.validate_text(&text).map(|found| json(&found));
        assert_eq!(of_value.ok(), of_text.ok(), "{source}");
    }
    let violations = Array::from(&validator.validate(&js("{n: 101}")).unwrap());
    let first = violations.get(0);
    assert_eq!(word(&first, "instancePath"), "/n");
    assert_eq!(word(&first, "schemaPath"), "/properties/n/maximum");
    assert_eq!(word(&first, "keyword"), "maximum");
    assert!(!word(&first, "message").is_empty());
    assert_eq!(Object::keys(first.unchecked_ref::<Object>()).length(), 4);
    let exact = validator.validate_text(&"{\"n\": 20.0, \"n\": 3}".into());
    assert_eq!(
        word(&Array::from(&exact.unwrap()).get(0), "keyword"),
        "duplicateKey"
    );
}

#[wasm_bindgen_test]
async fn what_has_no_json_text_is_an_error_and_no_violation() {
    let validator = compiled("{}").await;
    for source in [
        "undefined",
        "() => 1",
        "Symbol()",
        "10n",
        "(() => { const a = {}; a.a = a; return a })()",
        "{get n() { throw new Error('no') }}",
        "{toJSON() { throw 7 }}",
        "new Proxy({}, {ownKeys() { throw new Error('no') }})",
    ] {
        assert_eq!(
            code(validator.validate(&js(source))),
            "invalid_argument",
            "{source}"
        );
    }
    for source in [
        "undefined",
        "null",
        "{}",
        "7",
        "['{}']",
        "new String('{}')",
        "'\"\\ud800\"'",
    ] {
        assert_eq!(
            code(validator.validate_text(&js(source))),
            "invalid_argument",
            "{source}"
        );
    }
    for (text, expected) in [
        ("", "json_empty"),
        ("{", "json_unfinished"),
        ("{'a':1}", "json_syntax"),
        ("{} {}", "json_text_after_value"),
        ("\"\\ud800\"", "json_lone_surrogate"),
    ] {
        assert_eq!(
            code(validator.validate_text(&text.into())),
            expected,
            "{text}"
        );
    }
    let deep = "[".repeat(100_000);
    assert_eq!(
        code(validator.validate_text(&deep.as_str().into())),
        "json_too_deep"
    );
}

#[wasm_bindgen_test]
async fn a_schema_that_cannot_be_used_is_refused_with_its_code() {
    for (schema, options, expected) in [
        ("{type: 7}", "undefined", "schema_invalid"),
        ("[]", "undefined", "schema_invalid"),
        ("true", "undefined", "schema_invalid"),
        ("null", "undefined", "schema_invalid"),
        ("'{}'", "undefined", "schema_invalid"),
        ("undefined", "undefined", "invalid_argument"),
        (
            "{$ref: 'https://example.com/a.json'}",
            "undefined",
            "schema_remote_reference",
        ),
        (
            "{$ref: '#/$defs/none'}",
            "undefined",
            "schema_dangling_reference",
        ),
        ("{pattern: '('}", "undefined", "schema_invalid"),
        (
            "{description: 'x'.repeat(2 << 20)}",
            "undefined",
            "schema_too_long",
        ),
        ("{}", "{formats: 'ignore'}", "invalid_argument"),
        ("{}", "{formats: null}", "invalid_argument"),
        ("{}", "{resources: []}", "invalid_argument"),
        ("{}", "{assertFormats: true}", "invalid_argument"),
        ("{}", "null", "invalid_argument"),
        ("{}", "7", "invalid_argument"),
    ] {
        assert_eq!(
            code(compile(schema, options).await),
            expected,
            "{schema} {options}"
        );
    }
}

#[wasm_bindgen_test]
async fn given_resources_are_found_and_formats_can_be_annotations() {
    let validator = Validator::compile(
        js("{$ref: 'https://example.com/a.json'}"),
        js("{formats: 'annotate', resources: \
            {'https://example.com/a.json': {type: 'string', format: 'date'}}}"),
    )
    .await
    .ok()
    .unwrap();
    let found = validator.validate(&"no date".into()).unwrap();
    assert_eq!(Array::from(&found).length(), 0);
    assert_eq!(
        Array::from(&validator.validate(&7.into()).unwrap()).length(),
        1
    );
}

#[wasm_bindgen_test]
async fn a_dry_run_is_the_same_for_the_same_brief_and_its_faults_have_codes() {
    let brief = || js("{goal: 'Tidy the shed', count: 3, seed: 7}");
    let tasks = dry_run(brief()).await.unwrap();
    assert_eq!(json(&tasks), json(&dry_run(brief()).await.unwrap()));
    let other = dry_run(js("{goal: 'Tidy the shed', count: 3, seed: 8}"))
        .await
        .unwrap();
    assert_ne!(json(&tasks), json(&other));
    let tasks = Array::from(&tasks);
    assert_eq!(tasks.length(), 3);
    let validator = Validator::compile(default_schema().unwrap(), nothing())
        .await
        .ok()
        .unwrap();
    for task in tasks.iter() {
        assert!(task.is_string(), "a task crosses as its text");
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
        "undefined is left out"
    );
}

#[wasm_bindgen_test]
fn a_built_request_shows_a_placeholder_and_never_the_key() {
    let brief = js("{goal: 'g', count: 2}");
    let settings = js("{baseUrl: 'https://api.example.com/v1/', model: 'm', modelKey: 'hunter2'}");
    let request = build_request(&brief, &settings).unwrap();
    assert_eq!(
        word(&request, "url"),
        "https://api.example.com/v1/chat/completions"
    );
    assert_eq!(word(&request, "method"), "POST");
    let headers = member(&request, "headers");
    assert_eq!(word(&headers, "Authorization"), "Bearer $OPENAI_API_KEY");
    assert_eq!(word(&headers, "Content-Type"), "application/json");
    let body = JSON::parse(&word(&request, "body")).unwrap();
    assert_eq!(word(&body, "model"), "m");
    assert!(!json(&request).contains("hunter2"));
    for (settings, expected) in [
        ("undefined", "invalid_argument"),
        ("null", "invalid_argument"),
        ("[]", "invalid_argument"),
        ("{}", "invalid_argument"),
        ("{baseUrl: 'https://a.example'}", "invalid_argument"),
        (
            "{baseUrl: 'https://a.example', model: 'm', apiKey: 'hunter2'}",
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
            "{get modelKey() { throw new Error('no') }, baseUrl: 'https://a.example', model: 'm'}",
            "invalid_argument",
        ),
    ] {
        let made = build_request(&brief, &js(settings));
        if let Err(thrown) = &made {
            assert!(!word(thrown, "message").contains("hunter2"), "{settings}");
        }
        assert_eq!(code(made), expected, "{settings}");
    }
}

#[wasm_bindgen_test]
async fn nothing_is_sent_where_an_argument_is_wrong() {
    let good = "{baseUrl: 'https://a.invalid', model: 'm', modelKey: 'hunter2'}";
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
            "{baseUrl: 'https://a.invalid', model: 'm', modelKey: 7}",
            "undefined",
            "invalid_argument",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', modelKey: null}",
            "undefined",
            "invalid_argument",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', modelKey: ' '}",
            "undefined",
            "secret_empty",
        ),
        (
            "{goal: 'g'}",
            "{baseUrl: 'https://a.invalid', model: 'm', modelKey: 'a\\nb'}",
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
            assert!(!word(thrown, "message").contains("hunter2"), "{settings}");
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
        ("['{}']", good, "{idempotencyKeys: []}", "invalid_argument"),
        ("['{}']", good, "{idempotencyKeys: [7]}", "invalid_argument"),
        ("['{}']", good, "{onReceipt: {}}", "invalid_argument"),
        ("['{}']", good, "{onEvent() {}}", "invalid_argument"),
    ] {
        let made = deliver(js(tasks), js(settings), js(options)).await;
        if let Err(thrown) = &made {
            assert!(!word(thrown, "message").contains("hunter2"), "{settings}");
        }
        assert_eq!(code(made), expected, "{tasks} {settings} {options}");
    }
    let none = deliver(js("[]"), js(good), nothing()).await.unwrap();
    assert_eq!(json(&none), "[]");
}

#[wasm_bindgen_test]
async fn an_aborted_signal_is_an_outcome_and_no_error() {
    let settings = js("{baseUrl: 'https://a.invalid', model: 'm', needsKey: false}");
    let options = js("{signal: AbortSignal.abort('a reason that is no error')}");
    let generation = generate(js("{goal: 'g'}"), settings, options)
        .await
        .unwrap();
    let outcome = member(&generation, "outcome");
    assert_eq!(word(&outcome, "outcome"), "cancelled");
    assert_eq!(word(&outcome, "rawText"), "");
    assert!(
        !Reflect::has(&generation, &"usage".into()).unwrap(),
        "absent, not null"
    );
}

#[wasm_bindgen_test]
fn a_batch_is_looked_at_by_the_roles_that_are_named() {
    let tasks = js("['{\"id\":1,\"after\":[\"2\"]}', '{\"id\":1}']");
    let options = js("{roles: {key: 'id', dependsOn: 'after'}, expectedCount: 3}");
    let findings = Array::from(&lint_batch(&tasks, &options).unwrap());
    let codes: Vec<String> = findings
        .iter()
        .map(|finding| word(&finding, "code"))
        .collect();
    assert_eq!(
        codes,
        ["duplicate_key", "dangling_dependency", "wrong_count"]
    );
    assert_eq!(json(&member(&findings.get(0), "tasks")), "[0,1]");
    assert_eq!(json(&member(&findings.get(2), "tasks")), "[]");
    assert_eq!(
        code(lint_batch(&js("['{']"), &nothing())),
        "json_unfinished"
    );
    assert_eq!(code(lint_batch(&js("[1]"), &nothing())), "invalid_argument");
    assert_eq!(
        code(lint_batch(&js("[]"), &js("{roles: {title: null}}"))),
        "invalid_argument"
    );
    assert_eq!(
        code(lint_batch(&js("[]"), &js("{expectedCount: -1}"))),
        "invalid_argument"
    );
    assert_eq!(json(&lint_batch(&js("[]"), &nothing()).unwrap()), "[]");
}

/// A body of the Chat Completions API that says `text` and then that it finished.
const BODY: &str = r#"(text) => new TextEncoder().encode(
    ["\n", ...text].map((delta) => "data: " + JSON.stringify({choices: [{index: 0, delta: {content: delta}}]}) + "\n\n").join("")
    + 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    + 'data: {"choices":[],"usage":{"prompt_tokens":1e300,"completion_tokens":2}}\n\ndata: [DONE]\n\n')"#;

async fn opened() -> TaskStream {
    let options = js(
        "{api: 'chat_completions', schema: {type: 'object', required: ['n'], \
        additionalProperties: false, properties: {n: {type: 'number'}, note: {type: 'string'}}}}",
    );
    TaskStream::open(options).await.ok().unwrap()
}

#[wasm_bindgen_test]
async fn a_stream_gives_each_task_as_its_exact_text_however_the_bytes_are_split() {
    let answer = r#"{"tasks":[{ "n":12345678901234567890.50 },{"n":"é","note":null}]}"#;
    let body = js_sys::Function::from(js(BODY))
        .call1(&nothing(), &answer.into())
        .unwrap();
    for size in ["1", "7", "100000"] {
        let mut stream = opened().await;
        let pieces = js(&format!(
            "(body) => Array.from({{length: Math.ceil(body.length / {size})}}, \
             (_, at) => body.slice(at * {size}, (at + 1) * {size}))"
        ));
        let pieces = js_sys::Function::from(pieces)
            .call1(&nothing(), &body)
            .unwrap();
        let mut tasks = Vec::new();
        let (mut said, mut input) = (String::new(), 0.0);
        for piece in Array::from(&pieces).iter() {
            for event in Array::from(&stream.push(&piece).unwrap()).iter() {
                match word(&event, "type").as_str() {
                    "task" => tasks.push(event),
                    "text" => said += &word(&event, "delta"),
                    "usage" => input = member(&event, "input").as_f64().unwrap(),
                    other => panic!("{other}"),
                }
            }
        }
        assert_eq!(said.trim_start(), answer);
        assert!(input > 1e19, "a number beyond 2^53 does not stop the event");
        assert_eq!(
            word(&tasks[0], "text"),
            r#"{ "n":12345678901234567890.50 }"#
        );
        assert_eq!(json(&member(&tasks[0], "violations")), "[]");
        // The model may write null where a member is optional; the task has no such member then.
        assert_eq!(word(&tasks[1], "text"), r#"{"n":"é"}"#);
        let violations = Array::from(&member(&tasks[1], "violations"));
        assert_eq!(violations.length(), 1, "{}", json(&violations));
        assert_eq!(word(&violations.get(0), "keyword"), "type");
        let outcome = stream.finish().unwrap();
        assert_eq!(word(&outcome, "outcome"), "complete");
        assert_eq!(word(&outcome, "rawText").trim_start(), answer);
        assert_eq!(json(&stream.finish().unwrap()), json(&outcome));
        assert_eq!(code(stream.push(&body)), "stream_finished");
    }
}

#[wasm_bindgen_test]
async fn a_stream_takes_bytes_alone_and_half_an_answer_is_not_complete() {
    let mut stream = opened().await;
    for source in [
        "undefined",
        "null",
        "'data: {}'",
        "[1, 2]",
        "new ArrayBuffer(4)",
        "new Uint16Array(4)",
    ] {
        assert_eq!(
            code(stream.push(&js(source))),
            "invalid_argument",
            "{source}"
        );
    }
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{\\\"tasks\\\":[{\\\"n\\\":1}\"}}]}\n\n";
    let bytes = js_sys::Uint8Array::from(event.as_bytes());
    let events = Array::from(&stream.push(&bytes).unwrap());
    assert!(events.iter().any(|event| word(&event, "type") == "task"));
    let outcome = stream.finish().unwrap();
    assert_eq!(word(&outcome, "outcome"), "interrupted");
    assert!(member(&outcome, "retry").is_truthy());
    for name in ["limit", "text", "status", "body", "retryAfter"] {
        assert!(
            !Reflect::has(&outcome, &name.into()).unwrap(),
            "{name} is absent"
        );
    }
    for options in [
        "undefined",
        "{}",
        "{schema: {}}",
        "{schema: {}, api: 'soap'}",
        "{schema: {}, api: null}",
    ] {
        let opened = TaskStream::open(js(options)).await.map(JsValue::from);
        assert_eq!(code(opened), "invalid_argument", "{options}");
    }
    let opened = TaskStream::open(js("{schema: {type: 7}, api: 'responses'}")).await;
    assert_eq!(code(opened.map(JsValue::from)), "schema_invalid");
}
