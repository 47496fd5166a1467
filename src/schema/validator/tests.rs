use serde_json::json;

use super::*;

fn check(schema: &Value, task: &str) -> Vec<Violation> {
    Validator::compile(schema, &ValidatorOptions::default())
        .unwrap()
        .check(&Document::parse(task).unwrap())
}

#[test]
fn a_violation_has_an_instance_path_a_schema_path_and_a_keyword() {
    let schema = json!({"type": "object", "required": ["title"], "additionalProperties": false,
        "properties": {"title": {"type": "string", "maxLength": 3}, "n": {"type": "integer", "maximum": 5},
            "due": {"type": "string", "format": "date"}}});
    let found = check(&schema, r#"{"n": 7, "extra/one": 1, "due": "2026-02-30"}"#);
    let places: Vec<_> = found
        .iter()
        .map(|v| {
            (
                v.instance_path.as_str(),
                v.schema_path.as_str(),
                v.keyword.as_str(),
            )
        })
        .collect();
    assert!(
        places.contains(&("/n", "/properties/n/maximum", "maximum")),
        "{found:?}"
    );
    assert!(places.contains(&("", "/required", "required")), "{found:?}");
    assert!(
        places.contains(&("", "/additionalProperties", "additionalProperties")),
        "{found:?}"
    );
    assert!(
        places.contains(&("/due", "/properties/due/format", "format")),
        "{found:?}"
    );
    assert!(found.iter().all(|v| !v.message.is_empty()));
    assert!(check(&schema, r#"{"title":"abc","n":5}"#).is_empty());
}

#[test]
fn a_violation_has_the_data_of_its_rule() {
    for (rule, value, expected) in [
        (json!({"maxLength": 3}), r#""long""#, json!({"limit": 3})),
        (json!({"minItems": 2}), "[1]", json!({"limit": 2})),
        (json!({"minProperties": 1}), "{}", json!({"limit": 1})),
        (json!({"maximum": 0.5}), "1", json!({"limit": 0.5})),
        (json!({"exclusiveMinimum": 7}), "7", json!({"limit": 7})),
        (json!({"multipleOf": 4}), "7", json!({"limit": 4})),
        (
            json!({"enum": ["a", null, 1]}),
            "2",
            json!({"allowed": ["a", null, 1]}),
        ),
        (
            json!({"const": {"a": 1}}),
            "2",
            json!({"allowed": [{"a": 1}]}),
        ),
        (
            json!({"required": ["a/b"]}),
            "{}",
            json!({"missing": "a/b"}),
        ),
        (
            json!({"dependentRequired": {"a": ["b"]}}),
            r#"{"a": 1}"#,
            json!({"missing": "b"}),
        ),
        (json!({"type": "string"}), "2", json!({})),
        (json!({"enum": ["x".repeat(5_000)]}), "2", json!({})),
    ] {
        let found = check(&rule, value);
        assert_eq!(found.len(), 1, "{rule}");
        let data = serde_json::to_value(&found[0].rule).unwrap();
        // A divisor is a floating-point number in the jsonschema crate.
        let limit = |value: &Value| value["limit"].as_f64();
        assert_eq!(limit(&data), limit(&expected), "{rule}");
        assert_eq!(data.get("allowed"), expected.get("allowed"), "{rule}");
        assert_eq!(data.get("missing"), expected.get("missing"), "{rule}");
    }
}

#[test]
fn a_duplicate_member_is_a_violation_under_any_schema() {
    let found = check(&json!({}), r#"{"a":{"b":1,"b":1}}"#);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].instance_path, "/a/b");
    assert_eq!(found[0].keyword, "duplicateMember");
}

#[test]
fn numbers_are_validated_by_their_digits() {
    let integer = json!({"type": "integer"});
    for (text, whole) in [
        ("1", true),
        ("1.0", true),
        ("1e2", true),
        ("10e-1", true),
        ("1.50e1", true),
        ("1.5e1", true),
        ("98765432109876543210", true),
        ("1.5", false),
        ("1e-2", false),
        ("0.0", true),
        ("0e-9", true),
        ("-0", true),
        ("1e400", true),
        ("12e-400", false),
        ("1.25e1", false),
    ] {
        assert_eq!(check(&integer, text).is_empty(), whole, "{text}");
    }
    let schema = json!({"minimum": 98_765_432_109_876_543_000.0});
    assert!(check(&schema, "98765432109876543210").is_empty());
    assert!(check(&json!({"enum": [1.0]}), "1").is_empty());
    assert!(check(&json!({"uniqueItems": true}), "[1, 1.0]").len() == 1);
}

#[test]
fn an_invalid_schema_is_refused_with_a_code() {
    let compile =
        |schema: Value| Validator::compile(&schema, &ValidatorOptions::default()).unwrap_err();
    assert_eq!(compile(json!({"type": 7})).code(), "schema_invalid");
    assert_eq!(
        compile(json!({"properties": {"a": {"pattern": "("}}})).code(),
        "schema_invalid"
    );
    assert_eq!(
        compile(json!({"$ref": "https://example.com/a.json"})),
        SchemaError::RemoteReference {
            uri: "https://example.com/a.json".into()
        }
    );
    assert_eq!(
        compile(json!({"$schema": "https://example.com/draft"})).code(),
        "schema_remote_reference"
    );
    assert_eq!(
        compile(json!({"$ref": "#/$defs/none"})).code(),
        "schema_dangling_reference"
    );
    assert_eq!(
        compile(json!({"$ref": "#none"})).code(),
        "schema_dangling_reference"
    );
}

#[test]
fn resources_are_resolved_and_formats_can_be_annotations() {
    let schema = json!({"$ref": "https://example.com/a.json"});
    let options = ValidatorOptions {
        assert_formats: false,
        resources: [(
            "https://example.com/a.json".to_owned(),
            json!({"type": "string", "format": "date"}),
        )]
        .into(),
    };
    let validator = Validator::compile(&schema, &options).unwrap();
    assert!(
        validator
            .check(&Document::parse("\"no date\"").unwrap())
            .is_empty()
    );
    assert_eq!(validator.check(&Document::parse("1").unwrap()).len(), 1);
}

#[test]
fn member_names_are_decoded_before_validation() {
    let schema = json!({"propertyNames": {"maxLength": 1}, "properties": {"é": {"type": "null"}}});
    assert!(check(&schema, r#"{"\u00e9": null}"#).is_empty());
    assert_eq!(check(&schema, r#"{"\u00e9": 1}"#).len(), 1);
    assert_eq!(check(&schema, r#"{"ab": 1}"#).len(), 1);
}

#[test]
fn strings_are_decoded_before_lengths_and_uniqueness_are_checked() {
    for (schema, task, valid) in [
        (json!({"minLength": 2, "maxLength": 2}), r#""ab""#, true),
        (json!({"minLength": 2, "maxLength": 2}), r#""é🦀""#, true),
        (
            json!({"minLength": 2, "maxLength": 2}),
            r#""\u00e9\ud83e\udd80""#,
            true,
        ),
        (json!({"minLength": 2}), r#""\ud83e\udd80""#, false),
        (json!({"minLength": 2}), r#""🦀""#, false),
        (json!({"maxLength": 1}), r#""\ud83e\udd80""#, true),
        (json!({"maxLength": 0}), r#""""#, true),
        (json!({"maxLength": 3}), "1234", true),
        (json!({"uniqueItems": true}), r#"["a","b",""]"#, true),
        (json!({"uniqueItems": true}), r#"["a","\u0061"]"#, false),
        (json!({"uniqueItems": true}), r#"["1",1]"#, true),
        (
            json!({"uniqueItems": true}),
            r#"["a",{"a":1},{"a":1.0}]"#,
            false,
        ),
        (json!({"uniqueItems": true}), "[]", true),
    ] {
        assert_eq!(check(&schema, task).is_empty(), valid, "{schema} {task}");
    }
    let many: Vec<String> = (0..40).map(|index| index.to_string()).collect();
    let task = |items: &[String]| serde_json::to_string(items).unwrap();
    let unique = json!({"uniqueItems": true});
    assert!(check(&unique, &task(&many)).is_empty());
    assert_eq!(
        check(&unique, &task(&[&many[..], &many[7..8]].concat())).len(),
        1
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Reader;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec!["", "a", "b", "ab", "2026-02-28", "2026-02-30", "é🦀"])
                .prop_map(str::to_owned),
            "[a-c\\n\"é🦀-]{0,6}",
        ]
    }

    fn name() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a", "b", "c", "é"]).prop_map(str::to_owned)
    }

    fn instance() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-3_i64..9).prop_map(Value::from),
            (-3.0..9.0).prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(text(), 0..20).prop_map(Value::from),
                prop::collection::vec((name(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn schema() -> impl Strategy<Value = Value> {
        let kind = prop::sample::select(vec![
            "string", "object", "array", "integer", "number", "boolean", "null",
        ]);
        let leaf = prop_oneof![
            kind.prop_map(|kind| json!({"type": kind})),
            (0_u64..5, 0_u64..8).prop_map(|(min, max)| {
                json!({"type": "string", "minLength": min, "maxLength": max})
            }),
            prop::sample::select(vec!["^[a-c]+(-[a-c]+)*$", "^a", "b", "^(a|b)$", "^\\S*$"])
                .prop_map(|pattern| json!({"pattern": pattern})),
            prop::collection::vec(instance(), 1..4).prop_map(|list| json!({"enum": list})),
            prop::collection::vec(text(), 1..4).prop_map(|list| json!({"enum": list})),
            instance().prop_map(|value| json!({"const": value})),
            Just(json!({"format": "date"})),
            (-2_i64..5, 0_i64..9).prop_map(|(min, max)| {
                json!({"minimum": min, "exclusiveMaximum": max, "multipleOf": 0.5})
            }),
            Just(json!({"propertyNames": {"maxLength": 1, "pattern": "[a-c]"}})),
            Just(json!(true)),
            Just(json!(false)),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let members = prop::collection::vec((name(), inner.clone()), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()));
            prop_oneof![
                (members, prop::collection::vec(name(), 0..3), any::<bool>()).prop_map(
                    |(members, mut required, closed)| {
                        required.sort();
                        required.dedup();
                        let mut schema = json!({"type": "object", "properties": members,
                            "required": required});
                        if closed {
                            schema["additionalProperties"] = json!(false);
                        }
                        schema
                    }
                ),
                (inner.clone(), 0_u64..3, any::<bool>()).prop_map(|(items, min, unique)| {
                    json!({"type": "array", "items": items, "minItems": min, "maxItems": 9,
                        "uniqueItems": unique})
                }),
                prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({"anyOf": list})),
                prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({"oneOf": list})),
                inner.prop_map(|inner| json!({"not": inner})),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]
        #[test]
        fn validation_in_place_agrees_with_validation_of_the_parsed_value(
            schema in schema(),
            instances in prop::collection::vec(instance(), 1..6),
        ) {
            let validator = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
            let reference = jsonschema::options()
                .should_validate_formats(true)
                .build(&schema)
                .unwrap();
            let mut reader = Reader::default();
            for instance in &instances {
                let text = instance.to_string();
                let expected = reference.is_valid(instance);
                let found = validator.check(&Document::parse(&text).unwrap());
                prop_assert_eq!(found.is_empty(), expected, "{} {}", &schema, &text);
                let accepted = validator.accepts(reader.read(&text).unwrap());
                prop_assert_eq!(accepted, expected, "{} {}", &schema, &text);
                prop_assert_eq!(reference.iter_errors(instance).count() == 0, expected);
            }
        }
    }
}
