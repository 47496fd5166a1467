//! Derivation of scalars: strings, numbers, booleans, `null` and enums.

use serde_json::{Map, Value, json};

use super::super::StrictError;
use super::super::keywords::{FORMATS, is_plain_pattern};
use super::{Deriver, descriptions};
use crate::schema::conjunction::{Subschema, Types, strings};

impl<'a> Deriver<'a> {
    /// Derives a schema for scalar types.
    pub(super) fn scalar(&mut self, parts: &[Subschema<'a>], form: Types) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), type_keyword(form));
        if form.intersects(Types::STRING) {
            let patterns = "Only one pattern, without lookaround, can be given to the model. Validation checks this one.";
            let formats =
                "This format cannot be given to the model. Validation checks it if it is known.";
            for (keyword, why) in [("pattern", patterns), ("format", formats)] {
                for (text, pointer) in strings(parts, keyword) {
                    let same = schema.get(keyword).and_then(Value::as_str) == Some(text);
                    if is_kept(keyword, text) && !schema.contains_key(keyword) {
                        schema.insert(keyword.to_owned(), Value::from(text));
                    } else if !same {
                        self.relax(&pointer, keyword, why);
                    }
                }
            }
        }
        if form.intersects(Types::NUMBER) {
            self.numeric(parts, &mut schema);
        }
        schema
    }

    /// Records the rules that may forbid some of the enum values offered to the model.
    pub(super) fn relax_rules_on_enum(&mut self, parts: &[Subschema<'a>], values: &[&Value]) {
        for part in parts {
            for keyword in part.map.keys() {
                let forbids = match keyword.as_str() {
                    "pattern" | "format" => values.iter().any(|value| value.is_string()),
                    "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"
                    | "multipleOf" => values.iter().any(|value| value.is_number()),
                    _ => false,
                };
                if forbids {
                    let why = "The model may choose any listed value. Validation checks this rule.";
                    self.relax(&part.at(keyword), keyword, why);
                }
            }
        }
    }

    fn numeric(&mut self, parts: &[Subschema<'a>], schema: &mut Map<String, Value>) {
        for part in parts {
            for (keyword, tightest_is_largest) in [
                ("minimum", true),
                ("exclusiveMinimum", true),
                ("maximum", false),
                ("exclusiveMaximum", false),
            ] {
                let Some(number) = part.map.get(keyword).filter(|value| value.is_number()) else {
                    continue;
                };
                // In draft 4, a boolean makes the limit exclusive.
                let exclusive = match keyword {
                    "minimum" => "exclusiveMinimum",
                    "maximum" => "exclusiveMaximum",
                    other => other,
                };
                let is_exclusive = part.map.get(exclusive).and_then(Value::as_bool) == Some(true);
                let keyword = if is_exclusive { exclusive } else { keyword };
                let tighter = match (schema.get(keyword).and_then(Value::as_f64), number.as_f64()) {
                    (Some(before), Some(now)) => {
                        (now > before) == tightest_is_largest && now != before
                    }
                    _ => true,
                };
                if tighter {
                    schema.insert(keyword.to_owned(), number.clone());
                }
            }
            if let Some(multiple) = part.map.get("multipleOf") {
                match schema.get("multipleOf") {
                    None => {
                        schema.insert("multipleOf".to_owned(), multiple.clone());
                    }
                    Some(before) if before == multiple => {}
                    Some(_) => self.relax(
                        &part.at("multipleOf"),
                        "multipleOf",
                        "Only one multipleOf can be given to the model. Validation checks this one.",
                    ),
                }
            }
        }
    }
}

/// Whether the subset supports a pattern or format.
fn is_kept(keyword: &str, text: &str) -> bool {
    if keyword == "pattern" {
        is_plain_pattern(text)
    } else {
        FORMATS.contains(&text)
    }
}

/// Derives an enum.
pub(super) fn enumerated(
    parts: &[Subschema<'_>],
    values: &[&Value],
    allowed: Types,
    pointer: String,
) -> Result<Value, StrictError> {
    let left: Vec<&Value> = values
        .iter()
        .copied()
        .filter(|value| allowed.intersects(Types::of_value(value)))
        .collect();
    if left.is_empty() {
        return Err(StrictError::Contradiction { pointer });
    }
    if left
        .iter()
        .any(|value| value.is_object() || value.is_array())
    {
        return Err(StrictError::Inexpressible {
            pointer,
            keyword: "enum".to_owned(),
            why: "it contains arrays or objects".to_owned(),
        });
    }
    let kinds = left
        .iter()
        .map(|value| Types::of_value(value))
        .reduce(Types::or)
        .unwrap_or(Types::NULL);
    let mut schema = descriptions(parts);
    schema.insert("type".to_owned(), type_keyword(kinds));
    schema.insert("enum".to_owned(), left.into_iter().cloned().collect());
    Ok(Value::Object(schema))
}

/// The value of `type` for a set of types: a name or a list of names.
fn type_keyword(types: Types) -> Value {
    match types.names().as_slice() {
        [only] => Value::from(*only),
        names => json!(names),
    }
}

/// Extends a schema to allow `null`.
pub(super) fn or_null(schema: Value) -> Value {
    let Value::Object(mut map) = schema else {
        return schema;
    };
    if map.contains_key("$ref") {
        return json!({"anyOf": [map, {"type": "null"}]});
    }
    if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
        let has_null = branches.iter().any(|branch| match branch.get("type") {
            Some(Value::Array(types)) => types.iter().any(|name| name == "null"),
            single => single.is_some_and(|name| name == "null"),
        });
        if !has_null {
            branches.push(json!({"type": "null"}));
        }
        return Value::Object(map);
    }
    match map.get_mut("type") {
        Some(Value::Array(types)) if !types.iter().any(|name| name == "null") => {
            types.push(Value::from("null"));
        }
        Some(Value::String(name)) if name != "null" => {
            let both = json!([name, "null"]);
            map.insert("type".to_owned(), both);
        }
        _ => {}
    }
    if let Some(Value::Array(values)) = map.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(map)
}
