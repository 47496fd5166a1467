//! Checks end with a bounded amount of work, whatever the schema and the task are.

use serde_json::json;

use super::*;

fn compile(schema: &Value) -> Result<Validator, SchemaError> {
    Validator::compile(schema, &ValidatorOptions::default())
}

fn check(schema: &Value, task: &str) -> Vec<Violation> {
    compile(schema)
        .unwrap()
        .check(&Document::parse(task).unwrap())
}

/// Runs in a thread with as much stack as a module in a browser has.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap();
}

#[cfg(target_arch = "wasm32")]
fn with_little_stack(test: impl FnOnce()) {
    test();
}

/// Schemas that refer to themselves for the same value, each as the definition `a`.
fn endless() -> Vec<Value> {
    let a = json!({"$ref": "#/$defs/a"});
    vec![
        json!({"anyOf": [{"maxLength": 1}, a]}),
        json!({"allOf": [{"maxLength": 1}, a]}),
        json!({"oneOf": [{"maxLength": 1}, a]}),
        json!({"not": a}),
        json!({"if": a, "then": true}),
        json!({"if": true, "then": a}),
        json!({"if": false, "else": a}),
        json!({"dependentSchemas": {"a": a}}),
        json!({"allOf": [{"not": {"anyOf": [a]}}]}),
        json!({"$dynamicAnchor": "a", "anyOf": [{"maxLength": 1}, {"$dynamicRef": "#a"}]}),
        json!({"$anchor": "a", "anyOf": [{"maxLength": 1}, {"$ref": "#a"}]}),
        json!({"$id": "https://example.com/a", "anyOf": [{"$ref": "https://example.com/a"}]}),
    ]
}

#[test]
fn a_schema_that_refers_to_itself_for_the_same_value_is_refused() {
    with_little_stack(|| {
        for definition in endless() {
            for schema in [
                json!({"$ref": "#/$defs/a"}),
                json!({"propertyNames": {"$ref": "#/$defs/a"}}),
                json!({"contains": {"$ref": "#/$defs/a"}}),
                json!({"unevaluatedProperties": {"$ref": "#/$defs/a"}}),
                json!({"unevaluatedItems": {"$ref": "#/$defs/a"}}),
                json!({"additionalProperties": {"$ref": "#/$defs/a"}}),
            ] {
                let mut schema = schema;
                schema["$defs"] = json!({"a": definition});
                let error = compile(&schema).expect_err(&schema.to_string());
                assert_eq!(error.code(), "schema_endless_recursion", "{schema}");
            }
        }
        for schema in [
            json!({"$ref": "#"}),
            json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
            json!({"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true,
                "anyOf": [{"$recursiveRef": "#"}]}),
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": {"$ref": "#"}}}),
        ] {
            let error = compile(&schema).expect_err(&schema.to_string());
            assert_eq!(error.code(), "schema_endless_recursion", "{schema}");
        }
    });
}

#[test]
fn an_endless_reference_between_documents_is_refused() {
    let options = ValidatorOptions {
        resources: [
            ("https://example.com/a".to_owned(), json!({"$ref": "b"})),
            (
                "https://example.com/b".to_owned(),
                json!({"anyOf": [{"$ref": "a"}]}),
            ),
        ]
        .into(),
        ..ValidatorOptions::default()
    };
    let schema = json!({"propertyNames": {"$ref": "https://example.com/a"}});
    let error = Validator::compile(&schema, &options).unwrap_err();
    assert_eq!(error.code(), "schema_endless_recursion");
}

#[test]
fn a_schema_may_refer_to_itself_for_parts_of_a_value() {
    with_little_stack(|| {
        let nested = |levels: usize, inner: &str| {
            format!(
                "{}{inner}{}",
                r#"{"a":["#.repeat(levels),
                "]}".repeat(levels)
            )
        };
        let part = json!({"$ref": "#"});
        for schema in [
            json!({"type": ["object", "null"], "properties": {"a": {"items": part}}}),
            json!({"type": ["object", "null"], "additionalProperties": {"prefixItems": [part]}}),
            json!({"type": ["object", "null"], "patternProperties": {"^a": {"contains": part}}}),
            json!({"type": ["object", "null"], "unevaluatedProperties": {"unevaluatedItems": part}}),
            json!({"$dynamicAnchor": "a", "type": ["object", "null"],
                "properties": {"a": {"items": {"$dynamicRef": "#a"}}}}),
            json!({"type": ["object", "null"], "propertyNames": {"maxLength": 1},
                "allOf": [{"anyOf": [{"properties": {"a": {"items": {"allOf": [{"oneOf": [part]}]}}}}]}]}),
        ] {
            assert_eq!(check(&schema, &nested(32, "null")), [], "{schema}");
            let found = check(&schema, &nested(32, "1"));
            assert!(!found.is_empty(), "{schema}");
        }
        let metaschema = json!({"$ref": "https://json-schema.org/draft/2020-12/schema"});
        assert_eq!(
            check(&metaschema, r#"{"items":{"allOf":[{"type":"string"}]}}"#),
            []
        );
    });
}

#[test]
fn long_chains_of_subschemas_are_checked_or_refused() {
    with_little_stack(|| {
        let chain = |length: usize| {
            let mut definitions: serde_json::Map<String, Value> = (0..length)
                .map(|n| {
                    (
                        format!("d{n}"),
                        json!({"allOf": [{"$ref": format!("#/$defs/d{}", n + 1)}]}),
                    )
                })
                .collect();
            definitions.insert(format!("d{length}"), json!({"type": "string"}));
            json!({"$ref": "#/$defs/d0", "$defs": definitions})
        };
        let longest = chain(extent::MAX_CHAIN / 2 - 1);
        assert_eq!(check(&longest, r#""a""#), []);
        assert_eq!(check(&longest, "1").len(), 1);
        for length in [extent::MAX_CHAIN, 20_000] {
            assert_eq!(
                compile(&chain(length)).unwrap_err().code(),
                "schema_too_complex"
            );
        }
        // A chain through the parts of a value is bounded by the depth of the document.
        let mut definitions: serde_json::Map<String, Value> = (0..5_000)
            .map(|n| {
                (
                    format!("d{n}"),
                    json!({"items": {"$ref": format!("#/$defs/d{}", n + 1)}}),
                )
            })
            .collect();
        definitions.insert("d5000".to_owned(), json!({}));
        let deep = json!({"$ref": "#/$defs/d0", "$defs": definitions});
        let task = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert_eq!(check(&deep, &task), []);
    });
}

/// Ways to apply a subschema to the same value. Each is satisfied by values that satisfy it.
fn in_place(subschema: &Value) -> Vec<Value> {
    vec![
        json!({"allOf": [true, subschema]}),
        json!({"anyOf": [false, subschema]}),
        json!({"oneOf": [false, subschema]}),
        json!({"not": {"not": subschema}}),
        json!({"if": subschema, "else": false}),
        json!({"if": true, "then": subschema}),
        json!({"dependentSchemas": {"a": subschema}}),
        json!({"allOf": [subschema], "unevaluatedProperties": {}, "unevaluatedItems": {}}),
        json!({"$ref": "#/$defs/any", "anyOf": [subschema], "unevaluatedProperties": true}),
    ]
}

/// A schema that applies `count` subschemas of one kind to the same value before `last`.
fn nested_in_place(
    kind: usize,
    count: usize,
    last: &Value,
) -> (Value, serde_json::Map<String, Value>) {
    let mut definitions: serde_json::Map<String, Value> = (0..count)
        .map(|n| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (format!("d{n}"), in_place(&next)[kind].clone())
        })
        .collect();
    definitions.insert(format!("d{count}"), last.clone());
    definitions.insert("any".to_owned(), json!({}));
    (json!({"$ref": "#/$defs/d0"}), definitions)
}

#[test]
fn the_longest_chains_of_every_keyword_fit_into_the_stack() {
    with_little_stack(|| {
        for kind in 0..in_place(&Value::Null).len() {
            let last = json!({"properties": {"a": {"type": "string"}}});
            // How many of them there may be, at most.
            let most = match kind {
                3 => extent::MAX_CHAIN / 3,
                0..=6 => extent::MAX_CHAIN / 2,
                // Subschemas multiply below `unevaluated…` keywords.
                _ => 20,
            };
            let longest = (1..=most)
                .rev()
                .find_map(|count| {
                    let (mut schema, definitions) = nested_in_place(kind, count, &last);
                    schema["$defs"] = definitions.into();
                    compile(&schema).ok()
                })
                .unwrap();
            assert!(kind > 6 || longest.extent.chain + 3 > extent::MAX_CHAIN);
            let check = |task: &str| longest.check(&Document::parse(task).unwrap());
            assert_eq!(check(r#"{"a":"b"}"#), [], "{kind}");
            assert!(!check(r#"{"a":1}"#).is_empty(), "{kind}");
        }
    });
}

#[test]
fn the_deepest_tasks_of_recursive_schemas_fit_into_the_stack() {
    with_little_stack(|| {
        for kind in 0..in_place(&Value::Null).len() {
            for count in [1, 2, 5, 20] {
                let part = json!({"type": "object", "$ref": "#/$defs/d0"});
                let again = json!({"properties": {"a": part}});
                let (mut schema, definitions) = nested_in_place(kind, count, &again);
                schema["$defs"] = definitions.into();
                let Ok(validator) = compile(&schema) else {
                    // Subschemas multiply below `unevaluated…` keywords.
                    assert!(count == 20 && kind > 6, "{kind} {count}");
                    continue;
                };
                let levels = validator.deepest_task().unwrap_or(63);
                let task = |inner: &str| {
                    let levels = levels - 1;
                    format!("{}{inner}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
                };
                let check = |task: &str| validator.check(&Document::parse(task).unwrap());
                assert_eq!(check(&task("{}")), [], "{kind} {count}");
                assert!(!check(&task("1")).is_empty(), "{kind} {count}");
            }
        }
    });
}

#[test]
fn a_task_that_is_nested_too_deeply_for_a_recursive_schema_says_so() {
    with_little_stack(|| {
        // Each level of the task applies a long chain of subschemas.
        let length = 90;
        let mut definitions: serde_json::Map<String, Value> = (0..length)
            .map(|n| {
                (
                    format!("d{n}"),
                    json!({"anyOf": [{"$ref": format!("#/$defs/d{}", n + 1)}]}),
                )
            })
            .collect();
        definitions.insert(format!("d{length}"), json!({"items": {"$ref": "#"}}));
        let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
        assert_eq!(check(&schema, "[[]]"), []);
        let found = check(&schema, "[[[[[[[[]]]]]]]]");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].keyword, INCOMPLETE_CHECK);
        assert!(found[0].message.contains("nested levels"), "{found:?}");
    });
}

#[test]
fn a_schema_whose_applications_multiply_is_refused() {
    let double = |levels: usize| {
        let mut definitions: serde_json::Map<String, Value> = (0..levels)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                (format!("d{n}"), json!({"anyOf": [next, next]}))
            })
            .collect();
        definitions.insert(format!("d{levels}"), json!({"maxLength": 1}));
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    };
    assert_eq!(
        compile(&double(40)).unwrap_err().code(),
        "schema_too_complex"
    );
    assert!(!check(&double(8), r#""ab""#).is_empty());
}

#[test]
fn violations_of_a_long_array_are_bounded_while_they_are_collected() {
    let schema = json!({"required": ["b"], "properties": {"a": {"items": {"type": "string"}}}});
    let validator = compile(&schema).unwrap();
    for count in [1_000, 300_000] {
        let task = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(count));
        let document = Document::parse(&task).unwrap();
        let budget = validator.budget(document.root(), None);
        let built = validator.compiled.iter_errors(budget.instance()).count();
        assert!(built <= 2_002, "{built}");
        let found = validator.check(&document);
        assert_eq!(found.len(), MAX_VIOLATIONS);
        assert!(found.iter().all(|it| it.keyword != INCOMPLETE_CHECK));
    }
}

#[test]
fn violations_inside_alternatives_are_bounded_too() {
    let branch = json!({"type": "object", "required": ["x"]});
    let schema = json!({"items": {"anyOf": vec![branch; 50]}});
    let task = format!("[{}0]", "0,".repeat(100_000));
    let found = check(&schema, &task);
    assert!(
        (2..MAX_VIOLATIONS).contains(&found.len()),
        "{}",
        found.len()
    );
    let (last, others) = found.split_last().unwrap();
    assert_eq!(last.keyword, INCOMPLETE_CHECK);
    assert!(others.iter().all(|it| it.keyword == "anyOf"), "{others:?}");
}

#[test]
fn a_check_that_ends_early_reports_nothing_that_is_wrong() {
    // After the budget is spent, `contains` finds nothing although there is a string.
    let schema = json!({"properties": {"a": {"contains": {"const": "x"}, "items": {"type": "string"}}},
        "required": ["b"]});
    let task = format!(r#"{{"a":[{}"x"]}}"#, "0,".repeat(10_000));
    let found = check(&schema, &task);
    assert!(found.iter().all(|it| it.keyword != "contains"), "{found:?}");
}

#[test]
fn a_check_with_too_many_steps_says_so() {
    let node = json!({"properties": {"a": {"$ref": "#/$defs/n"}}});
    let schema = json!({"$ref": "#/$defs/n", "required": ["b"],
        "$defs": {"n": {"type": "object", "allOf": [node, node]}}});
    let mut validator = compile(&schema).unwrap();
    validator.limits.accesses = 100_000;
    // Each level of the task is visited twice as often as the one above.
    let task = |levels: usize| format!("{}{{}}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    let found = validator.check(&Document::parse(&task(40)).unwrap());
    assert!(
        found.iter().any(|it| it.keyword == INCOMPLETE_CHECK),
        "{}",
        found.len()
    );
    let found = validator.check(&Document::parse(&task(3)).unwrap());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].keyword, "required");
}

#[test]
fn violations_with_long_locations_take_a_bounded_amount_of_memory() {
    let schema = json!({"additionalProperties": {"items": {"type": "string"}}});
    let name = "n".repeat(100_000);
    let task = format!(r#"{{"{name}":[{}0]}}"#, "0,".repeat(10_000));
    let found = check(&schema, &task);
    let bytes: usize = found.iter().map(|it| it.instance_path.len()).sum();
    assert!(bytes < 2_000_000, "{bytes}");
    assert!(found.iter().any(|it| it.keyword == INCOMPLETE_CHECK));
    let duplicates = format!(r#"{{"{name}":{{{}"a":0}}}}"#, r#""a":0,"#.repeat(10_000));
    let found = check(&json!({}), &duplicates);
    let bytes: usize = found.iter().map(|it| it.instance_path.len()).sum();
    assert!(!found.is_empty() && bytes < 2_000_000, "{bytes}");
}

#[test]
fn messages_are_bounded() {
    let names: Vec<String> = (0..5_000).map(|n| format!(r#""name-{n}":0"#)).collect();
    let found = check(
        &json!({"additionalProperties": false}),
        &format!("{{{}}}", names.join(",")),
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].message.chars().count() <= MAX_MESSAGE_CHARACTERS + 1);
}

/// A string that these patterns cannot decide with few steps.
fn costly(length: usize) -> String {
    format!("{}!", "a".repeat(length))
}

#[test]
fn a_match_that_takes_too_many_steps_is_a_violation_that_names_the_pattern() {
    for pattern in [r"^(a|a)*\1b", r"^(?:(a|a|b)+)\1c"] {
        let schema = json!({"properties": {"k": {"pattern": pattern}}});
        let task = json!({"k": costly(40)}).to_string();
        let found = check(&schema, &task);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].instance_path, "/k");
        assert_eq!(found[0].schema_path, "/properties/k/pattern");
        assert_eq!(found[0].keyword, "pattern");
        assert!(found[0].message.contains(pattern), "{found:?}");
        assert!(found[0].message.contains("not checked"), "{found:?}");
        // The same pattern decides other strings.
        assert_eq!(check(&schema, r#"{"k":"c"}"#)[0].keyword, "pattern");
    }
    let names = json!({"patternProperties": {r"^(a|a)*\1b": {"type": "string"}}, "additionalProperties": false});
    let task = format!(r#"{{"{}":1}}"#, costly(40));
    let found = check(&names, &task);
    assert!(found[0].message.contains(r"^(a|a)*\1b"), "{found:?}");
}

#[test]
fn many_strings_with_a_costly_pattern_are_not_all_matched() {
    for pattern in [r"^(a|a)*\1b", r"^(?=(a+)+b)(\1)?$"] {
        let validator = compile(&json!({"items": {"pattern": pattern}})).unwrap();
        let strings: Vec<String> = (0..2_000).map(|n| costly(28 + n % 5)).collect();
        let document = Document::parse(&json!(strings).to_string()).unwrap();
        for backtracking in [QUICK_BACKTRACKING, THOROUGH_BACKTRACKING] {
            let budget = validator.budget(document.root(), Some(backtracking));
            let steps = budget.pattern_bytes_left() * backtracking as u64;
            assert!(steps <= MAX_PATTERN_STEPS, "{steps}");
        }
        let found = validator.check(&document);
        assert!(!found.is_empty());
        assert!(
            found.iter().all(|it| it.message.contains(pattern)),
            "{found:?}"
        );
        assert!(!validator.accepts(document.root()));
    }
}

#[test]
fn ordinary_look_around_is_decided_in_long_tasks() {
    let schema = json!({"items": {"pattern": r"^(?!aws)[a-z]+(?<!-)$"}});
    let task = |last: &str| {
        let mut strings = vec!["abcdefghijklmnopqrstuvwxyz".to_owned(); 20_000];
        strings.push(last.to_owned());
        json!(strings).to_string()
    };
    assert_eq!(check(&schema, &task("abc")), []);
    let found = check(&schema, &task("awsabc"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].instance_path, "/20000");
}

#[test]
fn a_string_that_takes_more_than_the_usual_number_of_steps_is_decided_in_a_short_task() {
    // Each `a` doubles the steps.
    let schema = json!({"pattern": r"^(a|a)*\1b"});
    let found = check(&schema, &json!(costly(12)).to_string());
    assert_eq!(found.len(), 1);
    assert!(!found[0].message.contains("not checked"), "{found:?}");
}

#[test]
fn a_duplicate_member_with_a_costly_string_does_not_panic() {
    let schema =
        json!({"additionalProperties": {"additionalProperties": {"pattern": r"^(a|a)*\1b"}}});
    let task = format!(r#"{{"a":{{"b":"{}"}},"a":{{}}}}"#, costly(40));
    let found = check(&schema, &task);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].keyword, "duplicateMember");
}

#[test]
fn a_pattern_whose_compiled_form_is_too_large_is_refused() {
    for pattern in [
        r"(((a{100}){100}){100}){100}",
        r"(?!x)((\p{L}{100}){100}){100}",
    ] {
        let error = compile(&json!({"pattern": pattern})).unwrap_err();
        assert_eq!(error.code(), "schema_invalid", "{pattern}");
    }
}

#[test]
fn every_array_of_the_built_in_schemas_is_bounded() {
    fn assert_bounded(schema: &Value, path: &str) {
        match schema {
            Value::Object(members) => {
                if members.get("type") == Some(&json!("array")) {
                    assert!(members.contains_key("maxItems"), "{path}");
                }
                for (name, member) in members {
                    assert_bounded(member, &format!("{path}/{name}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|it| assert_bounded(it, path)),
            _ => {}
        }
    }
    for text in [
        crate::schema::agent_task_schema(),
        crate::schema::agent_action_schema(),
    ] {
        assert_bounded(&serde_json::from_str(text).unwrap(), "");
    }
}

#[test]
fn odd_identifiers_of_a_schema_are_accepted_or_refused_without_a_panic() {
    for draft in ["2020-12", "draft-07", "draft-04"] {
        let draft = match draft {
            "2020-12" => "https://json-schema.org/draft/2020-12/schema",
            "draft-07" => "http://json-schema.org/draft-07/schema#",
            _ => "http://json-schema.org/draft-04/schema#",
        };
        for id in [
            "",
            "#",
            "#a",
            "a",
            "a#",
            "a#b",
            "https://example.com/a#b",
            "urn:a#",
            ":",
            "a b",
        ] {
            for name in ["id", "$id"] {
                let schema = json!({"$schema": draft, name: id, "type": "string",
                    "definitions": {"a": {name: id, "$ref": "#/definitions/b"}, "b": {}}});
                if let Ok(validator) = compile(&schema) {
                    assert!(
                        !validator.check(&Document::parse("1").unwrap()).is_empty(),
                        "{schema}"
                    );
                }
            }
        }
    }
}
