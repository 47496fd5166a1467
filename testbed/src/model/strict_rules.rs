//! The JSON Schema subset of strict structured outputs, enforced like the public service does.
//!
//! This follows the service's documentation (structured outputs, supported schemas) and shares no
//! code with the product's derivation of model-facing schemas, so that each verifies the other.

use std::fmt;

use serde_json::{Map, Value};

/// The keywords that are supported.
const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "definitions",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
];
/// The formats that are supported.
const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uuid",
];
/// The types that are supported.
const TYPES: &[&str] = &[
    "array", "boolean", "integer", "null", "number", "object", "string",
];
const PROPERTY_LIMIT: usize = 5_000;
const LEVEL_LIMIT: usize = 10;
const CHARACTER_LIMIT: usize = 120_000;
const ENUM_VALUE_LIMIT: usize = 1_000;
/// An enum with more string values than this has a limit on its characters.
const LONG_ENUM: usize = 250;
const LONG_ENUM_CHARACTER_LIMIT: usize = 15_000;

/// A violation of the subset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// The path from the root to the subschema.
    pub context: Vec<String>,
    /// The rule that is violated.
    pub rule: String,
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context: Vec<String> = self
            .context
            .iter()
            .map(|name| format!("'{name}'"))
            .collect();
        write!(
            formatter,
            "In context=({}), {}",
            context.join(", "),
            self.rule
        )
    }
}

/// Checks a schema against the subset.
///
/// # Errors
/// The first violation.
pub fn check(schema: &Value) -> Result<(), BrokenRule> {
    let mut checker = Checker::default();
    if schema.get("anyOf").is_some() {
        return checker.broken("the root must not be 'anyOf'");
    }
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return checker.broken("schema must be a JSON Schema of 'type: \"object\"'");
    }
    checker.schema(schema, 1)?;
    if checker.properties > PROPERTY_LIMIT {
        return checker.broken(format!("more than {PROPERTY_LIMIT} properties"));
    }
    if checker.characters > CHARACTER_LIMIT {
        return checker.broken(format!(
            "more than {CHARACTER_LIMIT} characters of names, enum values and const values"
        ));
    }
    if checker.enum_values > ENUM_VALUE_LIMIT {
        return checker.broken(format!("more than {ENUM_VALUE_LIMIT} enum values"));
    }
    Ok(())
}

#[derive(Default)]
struct Checker {
    context: Vec<String>,
    properties: usize,
    characters: usize,
    enum_values: usize,
}

impl Checker {
    fn broken<T>(&self, rule: impl Into<String>) -> Result<T, BrokenRule> {
        Err(BrokenRule {
            context: self.context.clone(),
            rule: rule.into(),
        })
    }

    /// Checks the subschema with this name.
    fn within(&mut self, name: &str, schema: &Value, level: usize) -> Result<(), BrokenRule> {
        self.context.push(name.to_owned());
        self.schema(schema, level)?;
        self.context.pop();
        Ok(())
    }

    fn schema(&mut self, schema: &Value, level: usize) -> Result<(), BrokenRule> {
        let Value::Object(schema) = schema else {
            return self.broken("a schema must be an object");
        };
        if let Some(keyword) = schema
            .keys()
            .find(|keyword| !KEYWORDS.contains(&keyword.as_str()))
        {
            return self.broken(format!("'{keyword}' is not permitted"));
        }
        if level > LEVEL_LIMIT {
            return self.broken(format!("more than {LEVEL_LIMIT} levels of nesting"));
        }
        let types = self.types(schema)?;
        let determining = ["type", "enum", "const", "anyOf", "$ref"];
        if !determining
            .iter()
            .any(|keyword| schema.contains_key(*keyword))
        {
            return self.broken("schema must have a 'type' key");
        }
        self.reference(schema)?;
        self.values(schema)?;
        if let Some(format) = schema.get("format")
            && !format.as_str().is_some_and(|name| FORMATS.contains(&name))
        {
            return self.broken(format!("{format} is not a supported format"));
        }
        if types.contains(&"object") || schema.contains_key("properties") {
            self.object(schema, level)?;
        }
        if types.contains(&"array") {
            match schema.get("items") {
                Some(items) => self.within("items", items, level + 1)?,
                None => return self.broken("array schema missing items"),
            }
        }
        match schema.get("anyOf") {
            None => {}
            Some(Value::Array(branches)) if !branches.is_empty() => {
                for (index, branch) in branches.iter().enumerate() {
                    self.context.push("anyOf".to_owned());
                    self.within(&index.to_string(), branch, level)?;
                    self.context.pop();
                }
            }
            Some(_) => return self.broken("'anyOf' must be an array with at least one schema"),
        }
        for keyword in ["$defs", "definitions"] {
            for (name, definition) in schema
                .get(keyword)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                self.characters += name.chars().count();
                self.context.push(keyword.to_owned());
                self.within(name, definition, 1)?;
                self.context.pop();
            }
        }
        Ok(())
    }

    fn types<'a>(&self, schema: &'a Map<String, Value>) -> Result<Vec<&'a str>, BrokenRule> {
        let types: Vec<Option<&str>> = match schema.get("type") {
            None => Vec::new(),
            Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
            Some(one) => vec![one.as_str()],
        };
        types
            .into_iter()
            .map(|name| match name {
                Some(name) if TYPES.contains(&name) => Ok(name),
                _ => self.broken("'type' names an unsupported type"),
            })
            .collect()
    }

    fn reference(&self, schema: &Map<String, Value>) -> Result<(), BrokenRule> {
        match schema.get("$ref").map(Value::as_str) {
            None => Ok(()),
            Some(Some(target)) if target.starts_with('#') => Ok(()),
            Some(_) => self.broken("'$ref' must point into this schema"),
        }
    }

    fn values(&mut self, schema: &Map<String, Value>) -> Result<(), BrokenRule> {
        if let Some(Value::String(text)) = schema.get("const") {
            self.characters += text.chars().count();
        }
        match schema.get("enum") {
            None => Ok(()),
            Some(Value::Array(values)) if !values.is_empty() => {
                let characters: usize = values
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|text| text.chars().count())
                    .sum();
                if values.len() > LONG_ENUM && characters > LONG_ENUM_CHARACTER_LIMIT {
                    return self.broken(format!(
                        "an enum of more than {LONG_ENUM} values has more than \
                         {LONG_ENUM_CHARACTER_LIMIT} characters"
                    ));
                }
                self.enum_values += values.len();
                self.characters += characters;
                Ok(())
            }
            Some(_) => self.broken("'enum' must be an array with at least one value"),
        }
    }

    fn object(&mut self, schema: &Map<String, Value>, level: usize) -> Result<(), BrokenRule> {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return self
                .broken("'additionalProperties' is required to be supplied and to be false");
        }
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return self.broken("object schema missing properties");
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if let Some(name) = properties
            .keys()
            .find(|name| !required.contains(&name.as_str()))
        {
            return self.broken(format!(
                "'required' is required to be supplied and to be an array including every key in \
                 properties. Missing '{name}'"
            ));
        }
        if let Some(name) = required
            .iter()
            .find(|name| !properties.contains_key(**name))
        {
            return self.broken(format!(
                "'required' names '{name}', which is not a property"
            ));
        }
        for (name, property) in properties {
            self.properties += 1;
            self.characters += name.chars().count();
            self.context.push("properties".to_owned());
            self.within(name, property, level + 1)?;
            self.context.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn envelope(item: &Value) -> Value {
        json!({"type": "object", "additionalProperties": false, "required": ["tasks"],
            "properties": {"tasks": {"type": "array", "items": item}}})
    }

    #[test]
    fn a_schema_in_the_subset_passes() {
        let item = json!({"type": "object", "additionalProperties": false,
        "required": ["title", "due", "next", "kind"],
        "properties": {
            "title": {"type": "string", "pattern": "^[a-z]+$", "description": "What it is."},
            "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "kind": {"enum": ["a", "b"]},
            "next": {"type": ["array", "null"], "maxItems": 3, "items": {"$ref": "#/$defs/n"}},
        }});
        let mut schema = envelope(&item);
        schema["$defs"] = json!({"n": {"type": "number", "minimum": 1}});
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn every_rule_of_the_subset_is_enforced() {
        let object = |properties: Value, required: Value| {
            json!({"type": "object", "additionalProperties": false,
                "properties": properties, "required": required})
        };
        let many: serde_json::Map<String, Value> = (0..=PROPERTY_LIMIT)
            .map(|number| (format!("p{number}"), json!({"type": "null"})))
            .collect();
        let names: Vec<&String> = many.keys().collect();
        let deep = (0..LEVEL_LIMIT).fold(json!({"type": "null"}), |inner, _| {
            object(json!({"a": inner}), json!(["a"]))
        });
        for (schema, expected) in [
            (
                json!({"anyOf": [{"type": "object"}]}),
                "must not be 'anyOf'",
            ),
            (
                json!({"type": "array", "items": {"type": "null"}}),
                "of 'type: \"object\"'",
            ),
            (
                json!({"type": "object", "properties": {}}),
                "'additionalProperties'",
            ),
            (
                json!({"type": "object", "additionalProperties": false}),
                "missing properties",
            ),
            (
                object(json!({"a": {"type": "null"}}), json!([])),
                "Missing 'a'",
            ),
            (object(json!({}), json!(["a"])), "not a property"),
            (envelope(&json!(true)), "must be an object"),
            (envelope(&json!({})), "must have a 'type' key"),
            (envelope(&json!({"type": "text"})), "unsupported type"),
            (envelope(&json!({"type": "array"})), "missing items"),
            (
                envelope(&json!({"type": "string", "minLength": 1})),
                "'minLength' is not permitted",
            ),
            (
                envelope(&json!({"type": "string", "format": "uri"})),
                "not a supported format",
            ),
            (
                envelope(&json!({"oneOf": [{"type": "null"}]})),
                "'oneOf' is not permitted",
            ),
            (
                envelope(&json!({"$ref": "https://example.org/s"})),
                "into this schema",
            ),
            (envelope(&json!({"anyOf": []})), "at least one schema"),
            (envelope(&json!({"enum": []})), "at least one value"),
            (
                envelope(&json!({"enum": (0..=ENUM_VALUE_LIMIT).collect::<Vec<_>>()})),
                "enum values",
            ),
            (
                envelope(
                    &json!({"enum": (0..=LONG_ENUM).map(|n| format!("{n:060}")).collect::<Vec<_>>()}),
                ),
                "characters",
            ),
            (
                envelope(&json!({"const": "x".repeat(CHARACTER_LIMIT)})),
                "characters",
            ),
            (
                object(Value::Object(many.clone()), json!(names)),
                "5000 properties",
            ),
            (deep, "levels of nesting"),
        ] {
            let broken = check(&schema).unwrap_err().to_string();
            assert!(
                broken.contains(expected),
                "{broken} should contain {expected}"
            );
        }
    }

    #[test]
    fn a_violation_has_the_path_of_the_subschema() {
        let broken = check(&envelope(&json!({"type": "string", "maxLength": 1}))).unwrap_err();
        assert_eq!(
            broken.to_string(),
            "In context=('properties', 'tasks', 'items'), 'maxLength' is not permitted"
        );
    }
}
