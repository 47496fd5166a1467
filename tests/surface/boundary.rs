//! Values that no argument can have: each is reported as a `TaskwrightError`, and the module works
//! afterwards.

use taskwright::api::functions::{
    build_request, deliver, dry_run, generate, lint_batch, model_schema,
};
use taskwright::api::mount::mount;
use taskwright::api::stream::JsTaskStream;
use taskwright::api::validator::JsValidator;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{code, js, json, nothing};

const UNDEFINED: &str = "undefined";
/// Values that are wrong wherever a string, a number, a list or a schema is expected.
const WRONG: [&str; 8] = [
    "NaN",
    "10n",
    // A cycle.
    "(() => { const a = {}; a.a = a; return a })()",
    // An object of depth 10,000.
    "(() => { let a = {}; for (let i = 0; i < 10000; i++) a = {a}; return a })()",
    "{get a() { throw new Error('no') }}",
    // A lone surrogate.
    "'\\ud800'",
    "new Proxy({}, {ownKeys() { throw new Error('no') }, get() { throw new Error('no') }})",
    // A revoked proxy.
    "(() => { const {proxy, revoke} = Proxy.revocable({}, {}); revoke(); return proxy })()",
];

/// Arguments of the exported functions, with `$` in place of the wrong value.
const REQUIRED: [(&str, &str); 14] = [
    ("Validator.compile", "$"),
    ("modelSchema", "$"),
    ("buildRequest brief", "{goal: $}"),
    ("buildRequest settings", "{baseUrl: $, model: 'm'}"),
    ("lintBatch", "[$]"),
    ("dryRun", "$"),
    ("dryRun", "{goal: $}"),
    ("generate brief", "{goal: $}"),
    (
        "generate settings",
        "{baseUrl: 'https://a.invalid', model: $}",
    ),
    (
        "generate settings",
        "{baseUrl: 'https://a.invalid', model: 'm', apiKey: $}",
    ),
    ("deliver", "[$]"),
    ("deliver", "[{text: $}]"),
    ("deliver settings", "{url: $, agentToken: 't'}"),
    ("TaskStream.open", "{api: $, schema: {}}"),
];

/// The same for members that may be omitted, so that `undefined` is not wrong.
const OPTIONAL: [(&str, &str); 21] = [
    ("Validator.compile", "{properties: {a: $}}"),
    ("Validator.compile options", "{formats: $}"),
    ("Validator.compile options", "{resources: $}"),
    ("modelSchema", "{type: 'object', properties: {a: $}}"),
    ("buildRequest brief", "{goal: 'g', context: $}"),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', model: 'm', api: $}",
    ),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', model: 'm', apiKey: $}",
    ),
    ("lintBatch options", "{expectedCount: $}"),
    ("lintBatch options", "{roles: {key: $}}"),
    ("lintBatch options", "{schema: {properties: {a: $}}}"),
    ("dryRun", "{goal: 'g', seed: $}"),
    ("dryRun", "{goal: 'g', schema: {properties: {a: $}}}"),
    ("generate options", "{signal: $}"),
    ("generate options", "{onEvent: $}"),
    ("deliver", "[{text: '{}', idempotencyKey: $}]"),
    (
        "deliver settings",
        "{url: 'https://a.invalid', agentToken: 't', concurrency: $}",
    ),
    ("deliver options", "{signal: $}"),
    ("deliver options", "{onReceipt: $}"),
    ("deliver options", "{schema: $}"),
    (
        "TaskStream.open",
        "{api: 'responses', schema: {properties: {a: $}}}",
    ),
    ("mount", "{query: $}"),
];

/// Objects with a member that does not exist, or with a getter or proxy in place of a member.
const OBJECTS: [(&str, &str); 22] = [
    ("Validator.compile options", "{format: 'assert'}"),
    ("buildRequest brief", "{goal: 'g', gaol: 'g'}"),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', model: 'm', limits: {}}",
    ),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', model: 'm', ['__proto__']: {}}",
    ),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', get model() { throw 'no' }}",
    ),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', get model() { throw {get message() { throw 'no' }} }}",
    ),
    (
        "buildRequest settings",
        "{baseUrl: 'https://a.invalid', model: 'm', get apiKey() { throw Object.assign(new Error(), {message: 7}) }}",
    ),
    (
        "lintBatch",
        "Object.defineProperty([''], 0, {get() { throw 'no' }})",
    ),
    ("lintBatch", "new Array(2 ** 32 - 1)"),
    ("lintBatch", "new Proxy([], {get() { throw 'no' }})"),
    ("lintBatch options", "{roles: {keys: 'id'}}"),
    ("dryRun", "{goal: 'g', toJSON() { throw 'no' }}"),
    ("generate options", "{sginal: AbortSignal.abort()}"),
    ("generate options", "[]"),
    ("generate options", "() => 1"),
    (
        "generate options",
        "{signal: {aborted: false, get addEventListener() { throw 'no' }}}",
    ),
    ("deliver", "[{text: '{}', key: 'a'}]"),
    ("deliver", "[{get text() { throw 'no' }}]"),
    ("deliver options", "{get onReceipt() { throw 'no' }}"),
    (
        "deliver settings",
        "{url: 'https://a.invalid', agentToken: 't', headers: {}}",
    ),
    (
        "TaskStream.open",
        "{api: 'responses', schema: {}, model: 'm'}",
    ),
    ("mount", "{search: ''}"),
];

/// Calls an exported function with one argument replaced by `argument`.
async fn call(function: &str, argument: JsValue) -> Result<JsValue, JsValue> {
    let brief = || js("{goal: 'g', count: 1}");
    let model = || js("{baseUrl: 'https://a.invalid', model: 'm', apiKey: 'k'}");
    let server = || js("{url: 'https://a.invalid', agentToken: 't'}");
    let tasks = || js("['{}']");
    match function {
        "Validator.compile" => JsValidator::compile(argument, nothing())
            .await
            .map(JsValue::from),
        "Validator.compile options" => JsValidator::compile(js("{}"), argument)
            .await
            .map(JsValue::from),
        "modelSchema" => model_schema(&argument),
        "buildRequest brief" => build_request(&argument, &model()),
        "buildRequest settings" => build_request(&brief(), &argument),
        "lintBatch" => lint_batch(&argument, &nothing()),
        "lintBatch options" => lint_batch(&tasks(), &argument),
        "dryRun" => dry_run(argument).await,
        "generate brief" => generate(argument, model(), nothing()).await,
        "generate settings" => generate(brief(), argument, nothing()).await,
        "generate options" => generate(brief(), model(), argument).await,
        "deliver" => deliver(argument, server(), nothing()).await,
        "deliver settings" => deliver(tasks(), argument, nothing()).await,
        "deliver options" => deliver(tasks(), server(), argument).await,
        "TaskStream.open" => JsTaskStream::open(argument).await.map(JsValue::from),
        "mount" => {
            let element = js("document.createElement('div')");
            mount(&element, &argument).map(JsValue::from)
        }
        other => panic!("{other}"),
    }
}

/// The error has a code and tells nothing that it should not; the module works after it.
async fn refuses(function: &str, source: &str) {
    let thrown = call(function, js(source)).await;
    assert!(thrown.is_err(), "{function} accepts {source}");
    assert!(!code(thrown).is_empty(), "{function} {source}");
    let validator = JsValidator::compile(js("{type: 'object'}"), nothing())
        .await
        .ok()
        .unwrap();
    assert_eq!(json(&validator.validate_text(&"{}".into()).unwrap()), "[]");
    let request = call("buildRequest brief", js("{goal: 'g'}")).await;
    assert!(request.is_ok(), "after {function} {source}");
}

#[wasm_bindgen_test]
async fn values_that_an_argument_cannot_have_are_errors_in_required_members() {
    for (function, template) in REQUIRED {
        for value in WRONG.into_iter().chain([UNDEFINED]) {
            refuses(function, &template.replace('$', value)).await;
        }
    }
}

#[wasm_bindgen_test]
async fn values_that_an_argument_cannot_have_are_errors_in_optional_members() {
    for (function, template) in OPTIONAL {
        for value in WRONG {
            refuses(function, &template.replace('$', value)).await;
        }
    }
}

#[wasm_bindgen_test]
async fn unknown_members_getters_that_throw_and_endless_arrays_are_errors() {
    for (function, source) in OBJECTS {
        refuses(function, source).await;
    }
}

#[wasm_bindgen_test]
async fn a_value_without_json_text_cannot_be_validated() {
    let validator = JsValidator::compile(js("{}"), nothing())
        .await
        .ok()
        .unwrap();
    // `JSON.stringify` writes NaN as null.
    for value in WRONG
        .into_iter()
        .chain([UNDEFINED])
        .filter(|value| *value != "NaN")
    {
        let thrown = validator.validate(&js(value));
        assert!(thrown.is_err(), "{value}");
        assert!(!code(thrown).is_empty(), "{value}");
        assert_eq!(json(&validator.validate(&js("{}")).unwrap()), "[]");
    }
}
