//! The model's schema stays within the strict subset, and tasks generated from it are valid by the
//! operator's schema.
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
use taskwright::schema::sample::sample;
use taskwright::schema::strict::{ModelSchema, envelope, model_schema, without_model_nulls};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, agent_action_schema, agent_task_schema};

/// Lists where a schema leaves the strict subset. Written from the documentation of the subset, not
/// from the code.
fn outside_the_subset(schema: &Value, path: &str, root: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(map) = schema.as_object() else {
        return vec![format!("{path}: not an object")];
    };
    const KNOWN: [&str; 19] = [
        "title",
        "description",
        "type",
        "enum",
        "anyOf",
        "$ref",
        "$defs",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "pattern",
        "format",
        "multipleOf",
        "minimum",
        "maximum",
        "exclusiveMinimum",
    ];
    for keyword in map.keys() {
        if !KNOWN.contains(&keyword.as_str()) && keyword != "exclusiveMaximum" {
            wrong.push(format!("{path}: {keyword}"));
        }
    }
    if let Some(reference) = map.get("$ref") {
        let pointer = reference
            .as_str()
            .and_then(|text| text.strip_prefix('#'))
            .unwrap_or("nowhere");
        if !pointer.starts_with("/$defs/") || root.pointer(pointer).is_none() || map.len() > 1 {
            wrong.push(format!("{path}: {reference}"));
        }
        return wrong;
    }
    if let Some(branches) = map.get("anyOf") {
        let branches = branches.as_array().unwrap();
        if branches.is_empty() || map.contains_key("type") {
            wrong.push(format!("{path}: anyOf"));
        }
        for (index, branch) in branches.iter().enumerate() {
            wrong.extend(outside_the_subset(
                branch,
                &format!("{path}/anyOf/{index}"),
                root,
            ));
        }
    } else if !map.contains_key("type") {
        wrong.push(format!("{path}: no type"));
    }
    let is = |name: &str| match map.get("type") {
        Some(Value::Array(types)) => types.iter().any(|it| it == name),
        single => single.is_some_and(|it| it == name),
    };
    if is("object") {
        let properties: Vec<&String> = map["properties"].as_object().unwrap().keys().collect();
        let required: Vec<&str> = map["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        if properties != required || map["additionalProperties"] != json!(false) {
            wrong.push(format!("{path}: an open object"));
        }
    }
    if is("array") && !map.contains_key("items") {
        wrong.push(format!("{path}: no items"));
    }
    for name in ["properties", "$defs"] {
        for (key, inner) in map
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            wrong.extend(outside_the_subset(
                inner,
                &format!("{path}/{name}/{key}"),
                root,
            ));
        }
    }
    if let Some(items) = map.get("items") {
        wrong.extend(outside_the_subset(items, &format!("{path}/items"), root));
    }
    wrong
}

fn derived(schema: &Value) -> ModelSchema {
    let model = model_schema(schema).unwrap_or_else(|error| panic!("{schema}: {error}"));
    let envelope_schema = envelope(&model.schema).unwrap();
    assert_eq!(
        outside_the_subset(&envelope_schema, "", &envelope_schema),
        Vec::<String>::new(),
        "{envelope_schema}"
    );
    assert_eq!(envelope_schema["type"], "object");
    // It is a valid schema, and every pointer resolves.
    Validator::compile(&envelope_schema, &ValidatorOptions::default()).unwrap();
    for pointer in &model.nullable {
        assert!(model.schema.pointer(pointer).is_some(), "{pointer}");
    }
    model
}

fn relaxed(model: &ModelSchema) -> Vec<(&str, &str)> {
    model
        .relaxed
        .iter()
        .map(|it| (it.pointer.as_str(), it.keyword.as_str()))
        .collect()
}

fn refusal(schema: &Value) -> (&'static str, String) {
    let error = model_schema(schema).expect_err("the subset cannot express it");
    assert!(!error.hint().is_empty());
    (error.code(), error.to_string())
}

#[test]
fn the_default_schema_requires_every_member_and_lists_its_relaxations() {
    let schema: Value = serde_json::from_str(agent_task_schema()).unwrap();
    let model = derived(&schema);
    assert_eq!(
        model.schema["properties"]["due"]["type"],
        json!(["string", "null"])
    );
    assert_eq!(model.schema["properties"]["due"]["format"], "date");
    assert_eq!(
        model.schema["properties"]["priority"]["enum"],
        json!(["low", "normal", "high", "urgent"])
    );
    assert_eq!(model.schema["properties"]["labels"]["maxItems"], 10);
    assert_eq!(
        model.nullable,
        [
            "role",
            "inputs",
            "acceptance",
            "labels",
            "depends_on",
            "due"
        ]
        .map(|name| format!("/properties/{name}"))
    );
    assert_eq!(
        relaxed(&model),
        [
            ("/properties/key/maxLength", "maxLength"),
            ("/properties/title/minLength", "minLength"),
            ("/properties/title/maxLength", "maxLength"),
            ("/properties/instructions/minLength", "minLength"),
            ("/properties/instructions/maxLength", "maxLength"),
            ("/properties/role/maxLength", "maxLength"),
            ("/properties/acceptance/items/minLength", "minLength"),
            ("/properties/acceptance/items/maxLength", "maxLength"),
            ("/properties/labels/uniqueItems", "uniqueItems"),
            ("/properties/labels/items/maxLength", "maxLength"),
            ("/properties/depends_on/uniqueItems", "uniqueItems"),
        ]
    );
    assert!(model.relaxed.iter().all(|it| !it.why.is_empty()));
}

#[test]
fn the_action_schema_becomes_one_branch_for_each_action() {
    let schema: Value = serde_json::from_str(agent_action_schema()).unwrap();
    let model = derived(&schema);
    let forms = model.schema["anyOf"].as_array().unwrap();
    let actions: Vec<&Value> = forms
        .iter()
        .map(|form| &form["properties"]["action"]["enum"][0])
        .collect();
    assert_eq!(
        actions,
        ["fetch_page", "write_file", "run_command", "send_message"]
    );
    // `$defs` are at the root of the envelope, where references are resolved.
    let envelope_schema = envelope(&model.schema).unwrap();
    assert!(envelope_schema.pointer("/$defs/title").is_some());
    assert!(
        envelope_schema
            .pointer("/properties/tasks/items/$defs")
            .is_none()
    );
}

#[test]
fn each_construct_becomes_its_equivalent_in_the_subset() {
    let object = |property: Value| json!({"type": "object", "properties": {"x": property}, "required": ["x"]});
    let cases = [
        (
            json!({"const": 3}),
            json!({"type": "integer", "enum": [3]}),
            vec![],
        ),
        (
            json!({"enum": ["a", null, 1.5]}),
            json!({"type": ["string", "number", "null"], "enum": ["a", null, 1.5]}),
            vec![],
        ),
        (
            json!({"type": ["integer", "null"], "minimum": 1}),
            json!({"type": ["integer", "null"], "minimum": 1}),
            vec![],
        ),
        (
            json!({"type": ["string", "array"], "items": {"type": "boolean"}}),
            json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "boolean"}}]}),
            vec![],
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            vec!["oneOf"],
        ),
        (
            json!({"allOf": [{"type": "number", "minimum": 1, "maximum": 9}, {"minimum": 3, "maximum": 20}]}),
            json!({"type": "number", "minimum": 3, "maximum": 9}),
            vec![],
        ),
        (
            json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
            json!({"type": "integer", "exclusiveMinimum": 1}),
            vec![],
        ),
        (
            json!({"type": "string", "format": "uri"}),
            json!({"type": "string"}),
            vec!["format"],
        ),
        (
            json!({"type": "string", "format": "uuid", "default": "x", "examples": ["y"], "x-note": 1}),
            json!({"type": "string", "format": "uuid"}),
            vec![],
        ),
        (
            json!({"type": "string", "pattern": "^(?!a)b"}),
            json!({"type": "string"}),
            vec!["pattern"],
        ),
        (
            json!({"pattern": "^b"}),
            json!({"type": "string", "pattern": "^b"}),
            vec![],
        ),
        (
            json!({"type": "array"}),
            json!({"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}),
            vec!["type"],
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false}),
            json!({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "maxItems": 2}),
            vec!["prefixItems"],
        ),
        (
            json!(true),
            json!({"type": ["string", "number", "boolean", "null"]}),
            vec!["type"],
        ),
        (
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false}),
            vec![],
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}}),
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"], "additionalProperties": false}),
            vec!["additionalProperties"],
        ),
        (
            json!({"type": "string", "not": {"const": "x"}}),
            json!({"type": "string"}),
            vec!["not"],
        ),
        (
            json!({"description": "Own", "allOf": [{"type": "string", "description": "Other"}]}),
            json!({"description": "Own", "type": "string"}),
            vec![],
        ),
    ];
    for (operator, expected, omitted) in cases {
        let model = derived(&object(operator.clone()));
        assert_eq!(model.schema["properties"]["x"], expected, "{operator}");
        assert_eq!(
            model
                .relaxed
                .iter()
                .map(|it| it.keyword.as_str())
                .collect::<Vec<_>>(),
            omitted,
            "{operator}"
        );
    }
}

#[test]
fn unevaluated_rules_that_do_not_cover_all_parts_are_relaxed() {
    let text = json!({"type": "string"});
    for (schema, omitted) in [
        (
            json!({"properties": {"x": text}, "allOf": [{"unevaluatedProperties": false}]}),
            vec![("/allOf/0/unevaluatedProperties", "unevaluatedProperties")],
        ),
        (
            json!({"properties": {"x": text}, "$ref": "#/$defs/a", "$defs": {"a": {"unevaluatedProperties": false}}}),
            vec![("/$defs/a/unevaluatedProperties", "unevaluatedProperties")],
        ),
        (
            json!({"required": ["x"], "unevaluatedProperties": false}),
            vec![
                ("", "type"),
                ("/unevaluatedProperties", "unevaluatedProperties"),
            ],
        ),
        (
            json!({"properties": {"l": {"type": "array", "items": text, "allOf": [{"unevaluatedItems": false}]}}}),
            vec![("/properties/l/allOf/0/unevaluatedItems", "unevaluatedItems")],
        ),
        // The rule covers these.
        (
            json!({"properties": {"x": text}, "$ref": "#/$defs/a", "unevaluatedProperties": false,
                "$defs": {"a": {"properties": {"y": text}}}}),
            vec![],
        ),
        (
            json!({"anyOf": [{"properties": {"x": text}}, {"$ref": "#/$defs/a"}], "unevaluatedProperties": false,
                "$defs": {"a": {"properties": {"y": text}}}}),
            vec![],
        ),
    ] {
        assert_eq!(relaxed(&derived(&schema)), omitted, "{schema}");
    }
}

#[test]
fn a_rule_that_may_forbid_an_enum_value_is_relaxed() {
    for (schema, omitted) in [
        (
            json!({"enum": ["a", "b"], "pattern": "^b"}),
            vec!["pattern"],
        ),
        (
            json!({"enum": ["2026-01-01", "x"], "format": "date"}),
            vec!["format"],
        ),
        (
            json!({"enum": [1, 5], "minimum": 3, "multipleOf": 5}),
            vec!["minimum", "multipleOf"],
        ),
        (json!({"enum": [1, 5], "pattern": "^b"}), vec![]),
        (json!({"enum": ["a"], "minimum": 3}), vec![]),
    ] {
        let model = derived(&json!({"type": "object", "properties": {"x": schema}}));
        let keywords: Vec<&str> = relaxed(&model).iter().map(|it| it.1).collect();
        assert_eq!(keywords, omitted, "{schema}");
    }
}

#[test]
fn all_of_merges_the_members_of_its_schemas() {
    let model = derived(&json!({
        "allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"size": {"type": "integer"}}, "required": ["size"]}],
        "$defs": {"Base": {"type": "object", "properties": {"name": {"type": "string"}, "note": {"type": "string"}}, "required": ["name"]}},
    }));
    assert_eq!(model.schema["required"], json!(["name", "note", "size"]));
    assert_eq!(model.nullable, ["/properties/note"]);
    assert_eq!(model.relaxed, []);
}

#[test]
fn contradictory_choices_are_not_expanded_in_every_combination() {
    let choice = json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]});
    let model = derived(&json!({"type": "object", "required": ["x"], "properties": {
        "x": {"allOf": vec![choice; 20]}}}));
    assert_eq!(
        model.schema["properties"]["x"]
            .to_string()
            .matches("string")
            .count(),
        1,
        "{}",
        model.schema
    );
}

#[test]
fn constraints_next_to_any_of_are_merged_into_each_branch() {
    let model = derived(&json!({
        "type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"],
        "anyOf": [
            {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
            {"properties": {"kind": {"const": "b"}, "size": {"type": "integer"}}, "required": ["kind", "size"]}],
    }));
    let names: Vec<&Value> = model.schema["anyOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|form| &form["required"])
        .collect();
    assert_eq!(
        names,
        [&json!(["kind", "id"]), &json!(["kind", "size", "id"])]
    );
    assert_eq!(model.relaxed, []);
}

#[test]
fn members_declared_only_under_a_condition_are_offered_as_optional() {
    let model = derived(&json!({
        "type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"properties": {"x": {"const": 1}}, "required": ["x"]},
        "else": {"properties": {"x": {"const": 2}}},
    }));
    assert_eq!(
        model.schema["properties"]["x"]["anyOf"],
        json!([
        {"type": "integer", "enum": [1]}, {"type": "integer", "enum": [2]}, {"type": "null"}])
    );
    assert_eq!(relaxed(&model), [("/if", "if")]);
}

#[test]
fn recursion_stays_a_reference_that_resolves_in_the_envelope() {
    let tree = json!({"type": "object", "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#"}}}, "required": ["name"]});
    let model = derived(&tree);
    assert_eq!(
        model.schema["properties"]["parts"]["items"],
        json!({"$ref": "#/$defs/task"})
    );
    assert_eq!(
        model.nullable,
        ["/$defs/task/properties/parts", "/properties/parts"]
    );
    let list = json!({"type": "object", "properties": {"next": {"description": "The rest", "$ref": "#/definitions/List"}}, "definitions": {"List": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/definitions/List"}, {"type": "null"}]}}, "required": ["next"]}}});
    let model = derived(&list);
    assert_eq!(
        model.schema["$defs"]["List"]["properties"]["next"]["anyOf"][0],
        json!({"$ref": "#/$defs/List"})
    );
}

#[test]
fn a_definition_whose_name_begins_with_anothers_name_does_not_contain_itself() {
    let model = derived(&json!({"type": "object", "properties": {
        "part": {"description": "The part", "$ref": "#/$defs/item2"}},
        "required": ["part"],
        "$defs": {
            "item": {"type": "string"},
            "item2": {"type": "object", "properties": {"name": {"$ref": "#/$defs/item"}}, "required": ["name"]}}}));
    let part = &model.schema["properties"]["part"];
    assert_eq!(part["description"], "The part");
    assert_eq!(part["type"], "object", "inlined, with its description");
}

#[test]
fn an_optional_member_that_the_subset_cannot_express_is_omitted() {
    let model = derived(&json!({"type": "object", "properties": {
        "title": {"type": "string"},
        "metadata": {"$ref": "#/$defs/Free"},
        "choice": {"enum": [[1], [2]]}},
        "required": ["title"],
        "$defs": {"Free": {"type": "object", "additionalProperties": {"type": "string"}}}}));
    assert_eq!(model.schema["required"], json!(["title"]));
    assert_eq!(
        relaxed(&model),
        [
            ("/properties/metadata", "properties"),
            ("/properties/choice", "properties")
        ]
    );
    assert!(model.schema.get("$defs").is_none());
}

#[test]
fn an_inexpressible_schema_is_refused_with_a_reason() {
    let many: serde_json::Map<String, Value> = (0..5_001)
        .map(|index| (format!("m{index}"), json!({"type": "null"})))
        .collect();
    let mut deep = json!({"type": "string"});
    for _ in 0..12 {
        deep = json!({"type": "object", "properties": {"a": deep}, "required": ["a"]});
    }
    let values: Vec<String> = (0..1_001).map(|index| index.to_string()).collect();
    let cases = [
        (json!({"type": "object"}), "strict_open_object", "“”"),
        (json!({}), "strict_open_object", "“”"),
        (
            json!({"type": "object", "properties": {"payload": {"type": "object"}}, "required": ["payload"]}),
            "strict_open_object",
            "/properties/payload",
        ),
        (
            json!({"type": "object", "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": false}),
            "strict_open_object",
            "",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            "strict_not_an_object",
            "",
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/a.json"}}}),
            "strict_reference",
            "https://example.com/a.json",
        ),
        (
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}),
            "strict_reference",
            "/properties/a",
        ),
        (
            json!({"type": "object", "properties": {"a": {"const": {"b": 1}}}, "required": ["a"]}),
            "strict_inexpressible",
            "/properties/a",
        ),
        (
            json!({"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"type": "integer"}]}}, "required": ["a"]}),
            "strict_contradiction",
            "/properties/a",
        ),
        (
            json!({"type": "object", "properties": {}, "required": ["a"], "additionalProperties": false}),
            "strict_contradiction",
            "/additionalProperties",
        ),
        (
            json!({"type": "object", "properties": many}),
            "strict_too_large",
            "5002 properties",
        ),
        (deep, "strict_too_large", "levels"),
        (
            json!({"type": "object", "properties": {"a": {"enum": values}}, "required": ["a"]}),
            "strict_too_large",
            "enum values",
        ),
    ];
    for (schema, code, part) in &cases {
        let (found, message) = refusal(schema);
        assert_eq!(found, *code, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn nulls_that_only_the_model_may_write_are_removed_and_every_other_byte_stays() {
    let schema: Value = serde_json::from_str(agent_task_schema()).unwrap();
    let model = derived(&schema);
    let cases = [
        (
            "{ \"key\" : \"a\",\n  \"role\": null,\n  \"title\":\"\\u0041b\" }",
            "{ \"key\" : \"a\",\n  \"title\":\"\\u0041b\" }",
        ),
        (r#"{"role":null}"#, "{}"),
        (r#"{"key":null,"due":null}"#, r#"{"key":null}"#),
        (
            r#"{"priority":12345678901234567890.10,"labels":null}"#,
            r#"{"priority":12345678901234567890.10}"#,
        ),
        // A member the model was not asked for and duplicate members stay.
        (
            r#"{"other":null,"role":null,"role":"x"}"#,
            r#"{"other":null,"role":null,"role":"x"}"#,
        ),
        (r#"[null]"#, "[null]"),
        (
            r#"{"inputs":[{"name":null}]}"#,
            r#"{"inputs":[{"name":null}]}"#,
        ),
    ];
    for (before, after) in cases {
        let document = Document::parse(before).unwrap();
        assert_eq!(without_model_nulls(&document, &model).text(), after);
    }
}

#[test]
fn removing_nulls_does_not_take_exponential_time() {
    // Each level has two forms, and only the innermost value decides which one fits: trying both
    // again at every level would take exponential time.
    let form = |kind: &str| {
        json!({"type": "object", "required": ["kind"], "properties": {
            "inner": {"$ref": "#/$defs/node"}, "note": {"type": "string"}, "kind": {"const": kind}}})
    };
    let model = derived(&json!({"type": "object", "$ref": "#/$defs/node",
        "$defs": {"node": {"anyOf": [form("x"), form("y")]}}}));
    let nested = |inner: &str, note: &str| {
        (0..40).fold("null".to_owned(), |task, _| {
            format!("{{{inner}{task},{note}\"kind\":\"y\"}}")
        })
    };
    let task = Document::parse(&nested("\"inner\":", "\"note\":null,")).unwrap();
    let expected = nested("\"inner\":", "").replace("\"inner\":null,", "");
    assert_eq!(without_model_nulls(&task, &model).text(), expected);

    let model = derived(
        &json!({"type": "object", "required": ["list"], "properties": {"list":
        {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}}}),
    );
    let list = |item: &str| format!("{{\"list\":[{}]}}", vec![item; 5_000].join(","));
    let task = Document::parse(&list("{\"a\":null}")).unwrap();
    assert_eq!(without_model_nulls(&task, &model).text(), list("{}"));
}

#[test]
fn a_null_that_the_operators_schema_allows_stays() {
    let model = derived(&json!({"type": "object", "properties": {
        "a": {"type": ["string", "null"]}, "b": {"anyOf": [{"type": "null"}, {"type": "integer"}]}, "c": {"enum": ["x", null]}, "d": {"type": "string"}}}));
    let document = Document::parse(r#"{"a":null,"b":null,"c":null,"d":null}"#).unwrap();
    assert_eq!(
        without_model_nulls(&document, &model).text(),
        r#"{"a":null,"b":null,"c":null}"#
    );
}

#[test]
fn only_the_form_that_fits_the_task_decides_which_nulls_are_removed() {
    let model = derived(&json!({"anyOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "note": {"type": "string"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "b"}, "note": {"type": ["string", "null"]}}, "required": ["kind", "note"]}]}));
    let cleaned = |text: &str| {
        without_model_nulls(&Document::parse(text).unwrap(), &model)
            .text()
            .to_owned()
    };
    assert_eq!(cleaned(r#"{"kind":"a","note":null}"#), r#"{"kind":"a"}"#);
    assert_eq!(
        cleaned(r#"{"kind":"b","note":null}"#),
        r#"{"kind":"b","note":null}"#
    );
}

#[test]
fn a_single_form_decides_if_several_fit() {
    let (string, nullable) = (
        json!({"type": "string"}),
        json!({"type": ["string", "null"]}),
    );
    let form = |a: &Value, b: &Value| json!({"type": "object", "properties": {"a": a, "b": b}});
    let model = derived(&json!({"type": "object", "properties": {
        "value": {"anyOf": [form(&string, &nullable), form(&nullable, &string)]},
        "list": {"anyOf": [
            {"type": "array", "items": form(&string, &nullable)},
            {"type": "array", "items": form(&nullable, &string)}]}}}));
    let cleaned = |text: &str| {
        without_model_nulls(&Document::parse(text).unwrap(), &model)
            .text()
            .to_owned()
    };
    let null = r#"{"a":null,"b":null}"#;
    assert_eq!(
        cleaned(&format!(r#"{{"value":{null},"list":[{null},{null}]}}"#)),
        r#"{"value":{"b":null},"list":[{"b":null},{"b":null}]}"#
    );
}

#[test]
fn patterns_and_limits_distinguish_forms() {
    let model = derived(&json!({"anyOf": [
        {"type": "object", "properties": {"id": {"type": "string", "pattern": "^[a-z]{1,5}$"}, "size": {"type": "integer", "maximum": 9}, "note": {"type": ["string", "null"]}}, "required": ["id", "size", "note"]},
        {"type": "object", "properties": {"id": {"type": "string"}, "size": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id", "size"]}]}));
    let cleaned = |text: &str| {
        without_model_nulls(&Document::parse(text).unwrap(), &model)
            .text()
            .to_owned()
    };
    assert_eq!(
        cleaned(r#"{"id":"short","size":1,"note":null}"#),
        r#"{"id":"short","size":1,"note":null}"#
    );
    assert_eq!(
        cleaned(r#"{"id":"longer-than-that","size":1,"note":null}"#),
        r#"{"id":"longer-than-that","size":1}"#
    );
    assert_eq!(
        cleaned(r#"{"id":"short","size":10,"note":null}"#),
        r#"{"id":"short","size":10}"#
    );
}

#[test]
fn nulls_are_removed_at_every_depth() {
    let model = derived(
        &json!({"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#"}}, "note": {"type": "string"}}}),
    );
    let document = Document::parse(r#"{"note":null,"parts":[{"parts":null,"note":"n"},{"parts":[{"note":null,"parts":null}],"note":null}]}"#).unwrap();
    assert_eq!(
        without_model_nulls(&document, &model).text(),
        r#"{"parts":[{"note":"n"},{"parts":[{}]}]}"#
    );
}

/// Schemas of closed objects with optional members and choices that the subset can express.
fn expressible() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "string", "pattern": "^[a-z]{1,5}$"})),
        Just(json!({"type": ["string", "null"]})),
        Just(json!({"type": "integer", "minimum": 0, "maximum": 9})),
        Just(json!({"const": "fixed"})),
        Just(json!({"enum": ["x", "y", null]})),
        Just(json!({"$ref": "#/$defs/word"})),
        Just(json!({"$ref": "#/$defs/tree"})),
    ];
    let inner = leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "minItems": 1})),
            members(inner.clone()),
            (members(inner.clone()), members(inner.clone())).prop_map(|(left, right)| json!({"anyOf": [left, right]})),
            (members(inner.clone()), members(inner)).prop_map(|(left, right)| json!({"allOf": [left, {"description": "d"}], "anyOf": [right, {"type": "object"}]})),
        ]
    });
    members(inner).prop_map(|mut schema| {
        schema["$defs"] = json!({"word": {"type": "string", "pattern": "^[a-z]+$"},
            "tree": {"type": "object", "properties": {"name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["name"], "additionalProperties": false}});
        schema
    })
}

fn members(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> {
    prop::collection::vec((inner, any::<bool>()), 1..4).prop_map(|members| {
        let names = ["title", "note", "a/b~c"];
        let properties: serde_json::Map<String, Value> = names.iter().zip(&members).map(|(name, (schema, _))| ((*name).to_owned(), schema.clone())).collect();
        let required: Vec<&str> = names.iter().zip(&members).filter(|(_, (_, required))| *required).map(|(name, _)| *name).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_task_that_is_valid_by_the_models_schema_is_valid_by_the_operators(schema in expressible(), seed in any::<u64>()) {
        let Ok(model) = model_schema(&schema) else {
            // Contradictory members cannot be expressed.
            return Ok(());
        };
        let envelope_schema = envelope(&model.schema).unwrap();
        prop_assert_eq!(outside_the_subset(&envelope_schema, "", &envelope_schema), Vec::<String>::new());
        if !model.relaxed.is_empty() {
            // For example two patterns: only validation decides.
            return Ok(());
        }
        let models = Validator::compile(&model.schema, &ValidatorOptions::default()).unwrap();
        let operators = Validator::compile(&schema, &ValidatorOptions::default()).unwrap();
        let mut random = SeededRng::new(seed);
        for _ in 0..6 {
            let Ok(value) = sample(&model.schema, &model.schema, &mut random) else { continue };
            let task = Document::parse(&value.to_string()).unwrap();
            if !models.check(&task).is_empty() {
                continue;
            }
            let cleaned = without_model_nulls(&task, &model);
            let violations = operators.check(&cleaned);
            prop_assert!(violations.is_empty(), "{} became {} under {}: {:?}", task.text(), cleaned.text(), schema, violations);
        }
    }

    #[test]
    fn any_json_is_derived_or_refused_without_a_panic(schema in any_json()) {
        if let Ok(model) = model_schema(&schema) {
            let envelope_schema = envelope(&model.schema).unwrap();
            prop_assert_eq!(outside_the_subset(&envelope_schema, "", &envelope_schema), Vec::<String>::new(), "{}", schema);
        }
    }
}

/// JSON with keyword names in arbitrary places and values of any kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..9).prop_map(Value::from),
        prop::sample::select(vec![
            "string",
            "object",
            "array",
            "integer",
            "null",
            "#",
            "#/properties/a",
            "^a",
            "date",
            "title"
        ])
        .prop_map(Value::from),
    ];
    let inner = leaf.prop_recursive(6, 80, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((prop::sample::select(vec![
                "type", "properties", "items", "prefixItems", "required", "minItems", "maxItems", "minLength", "pattern",
                "minimum", "multipleOf", "exclusiveMinimum", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "$ref",
                "enum", "const", "uniqueItems", "additionalProperties", "patternProperties", "dependentSchemas", "format", "a", "title", "description",
            ]), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    });
    inner.prop_map(|a| json!({"type": "object", "properties": {"a": a, "b": {"type": "string"}}, "required": ["b"]}))
}
