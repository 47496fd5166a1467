//! Leaves keywords out of the schema for the model. Validation still uses the complete schema.

use std::collections::BTreeSet;

use serde_json::Value;

/// Keywords that can be left out without changing the form of the tasks: what they rule out is
/// found by the validation.
pub(super) const OMISSIBLE: [&str; 15] = [
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "additionalProperties",
    "title",
    "description",
    "default",
    "minLength",
    "maxLength",
];

/// Members of a schema whose members are named by the operator.
const NAMED: [&str; 4] = ["properties", "$defs", "definitions", "patternProperties"];
/// Members of a schema whose value is data.
const DATA: [&str; 4] = ["enum", "const", "examples", "default"];

/// The schema without these keywords, at every level.
#[must_use]
pub fn without_keywords<'a>(schema: &Value, keywords: impl Iterator<Item = &'a str>) -> Value {
    let keywords: BTreeSet<&str> = keywords.collect();
    if keywords.is_empty() {
        return schema.clone();
    }
    without(schema, &keywords)
}

fn without(schema: &Value, keywords: &BTreeSet<&str>) -> Value {
    match schema {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !keywords.contains(name.as_str()))
            .map(|(name, value)| {
                let value = match value {
                    _ if DATA.contains(&name.as_str()) => value.clone(),
                    Value::Object(named) if NAMED.contains(&name.as_str()) => named
                        .iter()
                        .map(|(name, schema)| (name.clone(), without(schema, keywords)))
                        .collect(),
                    other => without(other, keywords),
                };
                (name.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| without(item, keywords)).collect(),
        other => other.clone(),
    }
}

/// The keywords that a schema uses and that can be left out, in the order of [`OMISSIBLE`].
pub(super) fn omissible_keywords(schema: &Value) -> Vec<&'static str> {
    let has = |keyword: &&str| without_keywords(schema, std::iter::once(*keyword)) != *schema;
    OMISSIBLE.into_iter().filter(has).collect()
}

/// The formats that a schema uses.
pub(super) fn formats(schema: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect_formats(schema, &mut found);
    found
}

fn collect_formats<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(format) if name == "format" => found.push(format),
                    other => collect_formats(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_formats(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keywords_are_left_out_at_every_level_and_properties_of_that_name_stay() {
        let schema = json!({"type": "object", "properties": {
                "pattern": {"type": "string", "pattern": "^a$", "format": "date"},
                "list": {"type": "array", "maxItems": 3, "items":
                    {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^b$"}]}}},
            "$defs": {"format": {"enum": [{"pattern": 1}]}}});
        assert_eq!(
            omissible_keywords(&schema),
            ["pattern", "format", "maxItems"]
        );
        assert_eq!(formats(&schema), ["date"]);
        let expected = json!({"type": "object", "properties": {
                "pattern": {"type": "string", "format": "date"},
                "list": {"type": "array", "items":
                    {"anyOf": [{"type": "null"}, {"type": "string"}]}}},
            "$defs": {"format": {"enum": [{"pattern": 1}]}}});
        let without = without_keywords(&schema, ["pattern", "maxItems"].into_iter());
        assert_eq!(without, expected);
        assert_eq!(without_keywords(&schema, std::iter::empty()), schema);
    }
}
