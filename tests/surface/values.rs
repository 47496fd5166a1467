//! Results as JavaScript values, and the schemas, values and texts that validators accept.

use js_sys::{Array, JSON, Map, Object, Reflect};
use taskwright::api::functions::{default_schema, lint_batch, model_schema};
use taskwright::api::validator::JsValidator;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{code, js, json, member, nothing, string};

async fn compiled(schema: &str) -> JsValidator {
    JsValidator::compile(js(schema), nothing())
        .await
        .ok()
        .unwrap()
}

async fn compile(schema: &str, options: &str) -> Result<JsValue, JsValue> {
    JsValidator::compile(js(schema), js(options))
        .await
        .map(JsValue::from)
}

#[wasm_bindgen_test]
fn results_are_plain_objects_and_never_maps() {
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
    assert_ne!(string(&default_schema().unwrap(), "title"), "changed");
    let relaxed = Array::from(&member(&shown, "relaxed"));
    assert!(relaxed.length() > 0);
    for name in ["pointer", "keyword", "why"] {
        assert!(member(&relaxed.get(0), name).is_string(), "{name}");
    }
}

#[wasm_bindgen_test]
fn a_schema_may_contain_numbers_beyond_2_to_the_53() {
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
async fn a_member_named_proto_is_an_ordinary_member() {
    let validator = compiled("{type: 'object', additionalProperties: false}").await;
    let found = validator
        .validate_text(&"{\"__proto__\": {\"polluted\": true}}".into())
        .unwrap();
    assert_eq!(Array::from(&found).length(), 1);
    assert!(js("({}).polluted === undefined").is_truthy());
}

#[wasm_bindgen_test]
async fn a_value_is_validated_as_its_json_stringify_text() {
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
    assert_eq!(string(&first, "instancePath"), "/n");
    assert_eq!(string(&first, "schemaPath"), "/properties/n/maximum");
    assert_eq!(string(&first, "keyword"), "maximum");
    assert!(!string(&first, "message").is_empty());
    // The data of the rule.
    assert_eq!(member(&first, "limit"), JsValue::from(100));
    assert_eq!(Object::keys(first.unchecked_ref::<Object>()).length(), 5);
    let exact = validator.validate_text(&"{\"n\": 20.0, \"n\": 3}".into());
    assert_eq!(
        string(&Array::from(&exact.unwrap()).get(0), "keyword"),
        "duplicateMember"
    );
}

#[wasm_bindgen_test]
async fn a_value_without_json_text_is_an_error_not_a_violation() {
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
async fn texts_of_any_length_and_script_are_validated_in_sequence() {
    let validator = compiled("{type: 'string', minLength: 2}").await;
    for (source, expected) in [
        ("'\"ab\"'", 0),
        ("'\"a\"'", 1),
        // The replacement character may also be part of the text.
        ("'\"\\ufffd\\ufffd\"'", 0),
        ("'\"\\ufffd\"'", 1),
        ("'\"🦀\"'", 1),
        ("'\"日本🦀\"'", 0),
        ("'\"' + '日'.repeat(1 << 20) + '\"'", 0),
        ("'\"b\"'", 1),
    ] {
        let found = validator.validate_text(&js(source)).unwrap();
        assert_eq!(Array::from(&found).length(), expected, "{source}");
    }
}

#[wasm_bindgen_test]
async fn the_tasks_of_one_text_are_validated_as_if_each_were_alone() {
    let validator = compiled("{type: 'object', required: ['a'], maxProperties: 2}").await;
    let good = r#"{"a": {"b": 1}}"#;
    let twice = r#"{"a": {"c": 1, "c": 2}}"#;
    let bad = "{}";
    for text in [
        format!("[{good}, {twice}, {bad}]"),
        format!("{{\"tasks\": [{good}, {twice}, {bad}]}}"),
        format!("{good}\n{twice}\r\n\n{bad}\n"),
    ] {
        let lists = Array::from(&validator.validate_tasks(&text.clone().into()).unwrap());
        let lists: Vec<String> = lists.iter().map(|list| json(&list)).collect();
        let alone: Vec<String> = [good, twice, bad]
            .map(|task| json(&validator.validate_text(&task.into()).unwrap()))
            .into();
        assert_eq!(lists, alone, "{text}");
        assert_eq!(lists[0], "[]");
        assert!(lists[1].contains("/a/c") && lists[2].contains("required"));
    }
    for (text, expected) in [
        ("''", "import_empty"),
        ("'[1]'", "import_not_an_object"),
        ("7", "invalid_argument"),
    ] {
        let thrown = validator.validate_tasks(&js(text));
        assert_eq!(code(thrown), expected);
    }
}

#[wasm_bindgen_test]
async fn each_kind_of_unusable_schema_has_its_code() {
    for (schema, options, expected) in [
        ("{type: 7}", "undefined", "schema_invalid"),
        ("[]", "undefined", "schema_invalid"),
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
async fn a_validator_accepts_boolean_schemas_and_model_schema_does_not() {
    for (schema, violations) in [("true", 0), ("false", 1)] {
        let found = compiled(schema).await.validate(&7.into()).unwrap();
        assert_eq!(Array::from(&found).length(), violations, "{schema}");
        assert_eq!(code(model_schema(&js(schema))), "schema_invalid");
    }
}

#[wasm_bindgen_test]
async fn resources_are_resolved_and_formats_can_be_annotations() {
    let validator = JsValidator::compile(
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
fn lint_batch_uses_the_roles_that_are_named() {
    let tasks = js("['{\"id\":1,\"after\":[\"2\"]}', '{\"id\":1}']");
    let options = js("{roles: {key: 'id', dependsOn: 'after'}, expectedCount: 3}");
    let findings = Array::from(&lint_batch(&tasks, &options).unwrap());
    let codes: Vec<String> = findings
        .iter()
        .map(|finding| string(&finding, "code"))
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
