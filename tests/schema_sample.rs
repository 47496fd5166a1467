//! Samples of operators' schemas are valid according to the real validator and reproducible.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use taskwright::document::Document;
use taskwright::random::SeededRng;
use taskwright::schema::sample::{Fullness, Hints, sample, sample_valid, sample_with};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, agent_action_schema, agent_task_schema};

fn check_of(schema: &Value) -> Validator {
    Validator::compile(schema, &ValidatorOptions::default())
        .unwrap_or_else(|error| panic!("{schema} does not compile: {error}"))
}

/// Generates valid samples from several seeds.
fn samples(schema: &Value) -> Vec<Value> {
    let check = check_of(schema);
    (0..12)
        .map(|seed| {
            let mut random = SeededRng::new(seed);
            let document = sample_valid(schema, &check, &mut random, &Hints::default(), 60)
                .unwrap_or_else(|error| panic!("seed {seed} of {schema}: {error}"));
            serde_json::from_str(document.text()).unwrap()
        })
        .collect()
}

fn refusal(schema: &Value) -> (&'static str, String) {
    let check = check_of(schema);
    let error = sample_valid(
        schema,
        &check,
        &mut SeededRng::new(1),
        &Hints::default(),
        24,
    )
    .expect_err("no sample can exist");
    assert!(!error.hint().is_empty());
    (error.code(), error.to_string())
}

#[test]
fn the_shipped_schemas_yield_valid_samples() {
    for text in [agent_task_schema(), agent_action_schema()] {
        samples(&serde_json::from_str(text).unwrap());
    }
}

/// Schemas that real task servers accept, and schemas that FastAPI derives from models.
#[test]
fn schemas_of_real_task_servers_yield_valid_samples() {
    let schemas = [
        json!({"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}),
        json!({"title": "TaskIn", "type": "object", "properties": {
            "task_name": {"type": "string", "title": "Task Name"},
            "payload": {"type": "object", "title": "Payload"},
            "priority": {"type": "integer", "minimum": 0, "maximum": 10, "default": 5}},
            "required": ["task_name", "payload"]}),
        json!({"type": "object", "additionalProperties": false, "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 80},
            "description": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "target_role": {"$ref": "#/$defs/Role"}},
            "required": ["title", "target_role"],
            "$defs": {"Role": {"enum": ["writer", "coder", "tester"], "type": "string"}}}),
        json!({"type": "object", "properties": {
            "type": {"const": "work"},
            "payload": {"oneOf": [
                {"type": "object", "properties": {"action": {"const": "email"}, "to": {"type": "string", "format": "email"}}, "required": ["action", "to"]},
                {"type": "object", "properties": {"action": {"const": "wait"}, "seconds": {"type": "integer", "exclusiveMinimum": 0}}, "required": ["action", "seconds"]}]}},
            "required": ["type", "payload"]}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
            "definitions": {"tag": {"type": "string", "pattern": "^[A-Z]{2,4}-\\d{1,5}$"}},
            "properties": {"agent_id": {"type": "string", "format": "uuid"},
                "tags": {"type": "array", "minItems": 2, "uniqueItems": true, "items": {"$ref": "#/definitions/tag"}}},
            "required": ["agent_id", "tags"]}),
    ];
    for schema in &schemas {
        samples(schema);
    }
}

#[test]
fn every_supported_keyword_yields_valid_samples() {
    let schemas = [
        ("const", json!({"const": {"a": [1, null]}})),
        (
            "enum by type",
            json!({"enum": [1, "one", null], "type": "string"}),
        ),
        (
            "integer limits",
            json!({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6}),
        ),
        (
            "draft 4 limits",
            json!({"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer", "minimum": 4, "exclusiveMinimum": true, "maximum": 5}),
        ),
        ("negative", json!({"type": "integer", "maximum": -1000})),
        (
            "narrow",
            json!({"type": "number", "minimum": 0.001, "maximum": 0.002}),
        ),
        (
            "open interval",
            json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.01}),
        ),
        (
            "multiple of a fraction",
            json!({"type": "number", "multipleOf": 0.05, "minimum": 0.2, "maximum": 0.4}),
        ),
        (
            "two multiples",
            json!({"allOf": [{"multipleOf": 6}, {"multipleOf": 4}], "type": "integer", "minimum": 1, "maximum": 12}),
        ),
        (
            "large",
            json!({"type": "integer", "minimum": 4_611_686_018_427_387_904i64}),
        ),
        (
            "lengths",
            json!({"type": "string", "minLength": 300, "maxLength": 301}),
        ),
        ("no length", json!({"type": "string", "maxLength": 0})),
        (
            "pattern and length",
            json!({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 40, "maxLength": 44}),
        ),
        (
            "pattern not anchored",
            json!({"type": "string", "pattern": "[0-9]{3}", "minLength": 30}),
        ),
        (
            "lookahead",
            json!({"type": "string", "pattern": "^(?!admin)[a-z]{5}$"}),
        ),
        (
            "positive lookahead",
            json!({"type": "string", "pattern": "^(?=.*\\d)[a-z0-9]{6,}$"}),
        ),
        (
            "alternation",
            json!({"type": "string", "pattern": "^(?:feat|fix|docs)(?:\\([a-z]+\\))?: .{3,20}$"}),
        ),
        (
            "property escape",
            json!({"type": "string", "pattern": "^\\p{Lu}\\p{L}+$"}),
        ),
        (
            "negated class",
            json!({"type": "string", "pattern": "^[^\\s/\\\\]{4,8}$"}),
        ),
        (
            "two patterns",
            json!({"type": "string", "allOf": [{"pattern": "^[a-z]+$"}, {"pattern": "^.{4,6}$"}]}),
        ),
        (
            "contains",
            json!({"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 500}, "minContains": 2}),
        ),
        (
            "tuple",
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false, "minItems": 2}),
        ),
        (
            "old tuple",
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [{"type": "boolean"}, {"type": "null"}], "additionalItems": false, "minItems": 2}),
        ),
        (
            "all of a small set",
            json!({"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": true, "minItems": 3}),
        ),
        (
            "dictionary",
            json!({"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2, "maxProperties": 3}),
        ),
        (
            "names",
            json!({"type": "object", "propertyNames": {"pattern": "^x-[a-z]+$"}, "minProperties": 2}),
        ),
        (
            "names by pattern",
            json!({"type": "object", "patternProperties": {"^S_[a-z]{3}$": {"type": "string"}}, "additionalProperties": false, "minProperties": 1}),
        ),
        (
            "undeclared but required",
            json!({"type": "object", "required": ["x"], "additionalProperties": {"type": "boolean"}}),
        ),
        (
            "dependent",
            json!({"type": "object", "properties": {"card": {"type": "integer"}, "address": {"type": "string"}}, "dependentRequired": {"card": ["address"]}, "minProperties": 1}),
        ),
        (
            "dependent schema",
            json!({"type": "object", "properties": {"card": {"type": "integer"}}, "required": ["card"], "dependentSchemas": {"card": {"properties": {"cvc": {"type": "string", "pattern": "^\\d{3}$"}}, "required": ["cvc"]}}}),
        ),
        (
            "condition",
            json!({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "integer"}}, "required": ["kind"], "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["size"]}, "else": {"not": {"required": ["size"]}}}),
        ),
        (
            "one of two members",
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        ),
        (
            "not",
            json!({"type": "string", "enum": ["a", "b", "c"], "not": {"enum": ["a", "b"]}}),
        ),
        (
            "all merged",
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"a": {"minLength": 9}, "b": {"type": "null"}}, "required": ["b"]}], "unevaluatedProperties": false}),
        ),
        (
            "tree",
            json!({"$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name", "children"]}}, "$ref": "#/$defs/node"}),
        ),
        (
            "linked list",
            json!({"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]}),
        ),
        (
            "anchor",
            json!({"$defs": {"a": {"$anchor": "word", "type": "string", "maxLength": 5}}, "type": "object", "properties": {"w": {"$ref": "#word"}}, "required": ["w"]}),
        ),
        (
            "escaped reference",
            json!({"$defs": {"a/b c": {"type": "integer"}}, "type": "object", "properties": {"w": {"$ref": "#/$defs/a~1b%20c"}}, "required": ["w"]}),
        ),
        (
            "several types",
            json!({"type": ["integer", "null", "array"], "items": {"type": "boolean"}}),
        ),
        ("anything", json!({})),
        (
            "true",
            json!({"type": "object", "properties": {"x": true}, "required": ["x"]}),
        ),
    ];
    for (name, schema) in &schemas {
        eprintln!("{name}");
        samples(schema);
    }
}

#[test]
fn every_supported_format_yields_valid_samples() {
    for format in [
        "date",
        "time",
        "date-time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uri-template",
        "uuid",
        "json-pointer",
        "relative-json-pointer",
        "regex",
    ] {
        for value in samples(&json!({"type": "string", "format": format})) {
            assert!(!value.as_str().unwrap().is_empty(), "{format}");
        }
    }
}

#[test]
fn an_unsatisfiable_schema_yields_an_error_with_the_location() {
    let cases = [
        (
            json!({"type": "object", "properties": {"a": false}, "required": ["a"]}),
            "sample_contradiction",
            "/properties/a",
        ),
        (
            json!({"type": "integer", "minimum": 5, "maximum": 4}),
            "sample_contradiction",
            "minimum",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)b\\1$"}}, "required": ["a"]}),
            "sample_unsupported",
            "/properties/a/pattern",
        ),
        (
            json!({"type": "object", "properties": {"n": {"$ref": "#"}}, "required": ["n"]}),
            "sample_too_large",
            "/",
        ),
        (
            json!({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": true}),
            "sample_contradiction",
            "uniqueItems",
        ),
        (
            json!({"type": "string", "format": "date", "maxLength": 5}),
            "sample_unsupported",
            "format",
        ),
        (
            json!({"type": "string", "minLength": 9, "maxLength": 8}),
            "sample_contradiction",
            "minLength",
        ),
        (
            json!({"type": "object", "minProperties": 1, "additionalProperties": false}),
            "sample_contradiction",
            "minProperties",
        ),
        (json!({"not": {}}), "sample_not_satisfied", "not"),
    ];
    for (schema, code, place) in &cases {
        let (found, message) = refusal(schema);
        assert_eq!(found, *code, "{schema}: {message}");
        assert!(message.contains(place), "{schema}: {message}");
    }
}

#[test]
fn an_optional_member_that_cannot_be_generated_is_omitted() {
    let schema = json!({"type": "object", "properties": {
        "title": {"type": "string"},
        "odd": {"type": "string", "pattern": "^(a)\\1$"}}, "required": ["title"]});
    for value in samples(&schema) {
        assert!(value.get("odd").is_none());
    }
}

#[test]
fn the_same_seed_yields_the_same_sample() {
    let schema: Value = serde_json::from_str(agent_task_schema()).unwrap();
    let text = |seed| {
        sample(&schema, &schema, &mut SeededRng::new(seed))
            .unwrap()
            .to_string()
    };
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

/// The published first outputs for the seed 1234567.
#[test]
fn the_random_number_generator_is_splitmix64() {
    let mut random = SeededRng::new(1_234_567);
    let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
    assert_eq!(
        first,
        [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423
        ]
    );
}

#[test]
fn members_are_in_the_order_of_the_schema() {
    let schema: Value = serde_json::from_str(agent_task_schema()).unwrap();
    let full = sample_with(
        &schema,
        &schema,
        &mut SeededRng::new(3),
        &Hints::default(),
        Fullness::All,
    )
    .unwrap();
    let declared: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        full.as_object().unwrap().keys().collect::<Vec<_>>(),
        declared
    );
    let bare = sample_with(
        &schema,
        &schema,
        &mut SeededRng::new(3),
        &Hints::default(),
        Fullness::Required,
    )
    .unwrap();
    assert_eq!(bare.as_object().unwrap().len(), 4);
}

/// Schemas that are satisfiable by construction.
fn any_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (-50i64..50, 0i64..40).prop_map(|(low, width)| json!({"type": "integer", "minimum": low, "maximum": low + width})),
        (-50i32..50, 1u32..9).prop_map(|(low, step)| json!({"type": "number", "minimum": low, "multipleOf": f64::from(step) / 8.0})),
        (0u32..30, 0u32..30).prop_map(|(min, more)| json!({"type": "string", "minLength": min, "maxLength": min + more})),
        prop::sample::select(vec!["^[a-z]{2,9}$", "^\\d+(\\.\\d+)?$", "^(red|green)-[A-F0-9]{4}$", "^\\w+@\\w+$"])
            .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        prop::sample::select(vec!["date", "date-time", "email", "uri", "uuid", "ipv4"])
            .prop_map(|format| json!({"type": "string", "format": format})),
        Just(json!({"type": ["boolean", "null"]})),
        Just(json!({"enum": ["low", "high", 3]})),
        Just(json!({"$ref": "#/$defs/word"})),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            (inner.clone(), 0u64..3, any::<bool>()).prop_map(|(items, min, _)| json!({"type": "array", "items": items, "minItems": min})),
            (prop::collection::vec((inner.clone(), any::<bool>()), 1..5), any::<bool>()).prop_map(|(members, closed)| {
                let names = ["title", "note", "size", "tags", "url"];
                let properties: serde_json::Map<String, Value> = names.iter().zip(&members).map(|(name, (schema, _))| ((*name).to_owned(), schema.clone())).collect();
                let required: Vec<&str> = names.iter().zip(&members).filter(|(_, (_, required))| *required).map(|(name, _)| *name).collect();
                json!({"type": "object", "properties": properties, "required": required, "additionalProperties": !closed})
            }),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|branches| json!({"anyOf": branches})),
            inner.clone().prop_map(|schema| json!({"allOf": [schema, {"description": "the same"}]})),
            (inner.clone(), inner).prop_map(|(then, otherwise)| json!({"type": "object", "properties": {"kind": {"enum": ["a", "b"]}, "value": true}, "required": ["kind", "value"],
                "if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"value": then}}, "else": {"properties": {"value": otherwise}}})),
        ]
    })
    .prop_map(|schema| json!({"$defs": {"word": {"type": "string", "pattern": "^[a-z]+$"}}, "allOf": [schema]}))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_satisfiable_schema_yields_a_valid_sample(schema in any_schema(), seed in any::<u64>()) {
        let check = check_of(&schema);
        let result = sample_valid(&schema, &check, &mut SeededRng::new(seed), &Hints::default(), 60);
        prop_assert!(result.is_ok(), "{:?}", result);
    }

    #[test]
    fn a_string_generated_from_a_pattern_matches_it(pattern in any_pattern(), min in 0u32..12, seed in any::<u64>()) {
        let schema = json!({"type": "string", "pattern": format!("^{pattern}$"), "minLength": min});
        // Not every pattern matches a string of this length, but every generated string must match
        // according to the validator's regex engine.
        if let Ok(value) = sample(&schema, &schema, &mut SeededRng::new(seed)) {
            let document = Document::parse(&value.to_string()).unwrap();
            prop_assert_eq!(check_of(&schema).check(&document), vec![], "{}", value);
        }
    }

    #[test]
    fn no_pattern_makes_the_parser_panic(pattern in "[\\^$.|?*+()\\[\\]{},:=!<>\\-\\\\a-dpu0-9 é]{0,24}", seed in any::<u64>()) {
        let schema = json!({"type": "string", "pattern": pattern});
        let _ = sample(&schema, &schema, &mut SeededRng::new(seed));
    }

    #[test]
    fn no_schema_makes_the_generator_panic(schema in any_json(), seed in any::<u64>()) {
        // Errors are fine.
        let _ = sample(&schema, &schema, &mut SeededRng::new(seed));
    }
}

/// Regular expressions of the common subset.
fn any_pattern() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "[a-z]",
        "[^-x]",
        "\\d",
        "\\w",
        "\\.",
        "[A-F0-9_]",
        ".",
        "é",
        "\\u0041",
        "[\\s\\d-]",
        "\\S",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (
                inner,
                prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "{2,}", "+?"])
            )
                .prop_map(|(part, times)| format!("({part}){times}")),
        ]
    })
}

/// JSON with keyword names in arbitrary places and values of any kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "string",
            "object",
            "array",
            "integer",
            "number",
            "#",
            "#/a",
            "#/properties",
            "^a{2,}(b|",
            "[z-a]",
            "\\",
            "(?<x>a){3000}",
            "((){20000}){20000}",
            "(a{20000}){20000}",
            "date",
            "title"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(
                (
                    prop::sample::select(vec![
                        "type",
                        "properties",
                        "items",
                        "prefixItems",
                        "required",
                        "minItems",
                        "maxItems",
                        "minLength",
                        "maxLength",
                        "pattern",
                        "minimum",
                        "maximum",
                        "multipleOf",
                        "exclusiveMinimum",
                        "anyOf",
                        "oneOf",
                        "allOf",
                        "not",
                        "if",
                        "then",
                        "else",
                        "$ref",
                        "enum",
                        "const",
                        "contains",
                        "minContains",
                        "uniqueItems",
                        "additionalProperties",
                        "patternProperties",
                        "minProperties",
                        "propertyNames",
                        "dependentSchemas",
                        "dependentRequired",
                        "format",
                        "a",
                        "title",
                        "description",
                    ]),
                    inner
                ),
                0..6
            )
            .prop_map(|members| Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            )),
        ]
    })
}
