//! A value to begin with, where the operator adds a member or an item, or chooses another kind of value.
//!
//! Nothing is invented: of what the schema offers, the first that applies is taken (`default`, `const`
//! or `enum`, `examples`), and else the smallest value of the type. A text that has to be written is
//! empty, so that the check says that it is missing. Unlike a sample, the value depends on the schema
//! alone.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::conjunction::{
    Located, Subschema, Types, counts, enumeration, expand, implied_types, item, member,
    property_names, required, types,
};

/// How deep values are nested.
const MAX_DEPTH: usize = 12;
/// How many values there are together.
const MAX_VALUES: usize = 500;
/// How many choices are made for one value.
const MAX_CHOICES: usize = 16;
/// How many items a list begins with.
const MAX_ITEMS: u64 = 20;
/// The largest whole number that a double holds exactly.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// The JSON text of a task to begin with, by its schema.
#[must_use]
pub fn starting_task(schema: &Value) -> String {
    starting_value(schema, vec![Located::root(schema)], Types::ALL).to_string()
}

/// A value for a place to which these schemas apply, of one of these types.
pub(super) fn starting_value<'s>(
    schema: &'s Value,
    conjuncts: Vec<Located<'s>>,
    only: Types,
) -> Value {
    Starter {
        schema,
        left: MAX_VALUES,
    }
    .value(conjuncts, only, 0)
}

struct Starter<'s> {
    schema: &'s Value,
    /// How many more values there may be.
    left: usize,
}

impl<'s> Starter<'s> {
    fn value(&mut self, conjuncts: Vec<Located<'s>>, only: Types, depth: usize) -> Value {
        let Some(left) = self.left.checked_sub(1).filter(|_| depth <= MAX_DEPTH) else {
            return Value::Null;
        };
        self.left = left;
        let parts = self.parts(conjuncts, only);
        let allowed = types(&parts).and(only);
        let options = enumeration(&parts);
        let is_allowed = |value: &&Value| {
            allowed.intersects(Types::of_value(value))
                && options
                    .as_ref()
                    .is_none_or(|options| options.contains(value))
        };
        let default = parts.iter().filter_map(|part| part.map.get("default"));
        let listed = options.iter().flatten().copied();
        let examples = parts
            .iter()
            .filter_map(|part| part.map.get("examples").and_then(Value::as_array))
            .flatten();
        let mut offered = default.chain(listed).chain(examples).filter(is_allowed);
        if let Some(first) = offered.next() {
            // A null says nothing where there is anything else.
            let other = if first.is_null() {
                offered.find(|value| !value.is_null())
            } else {
                None
            };
            return other.unwrap_or(first).clone();
        }
        let implied = allowed.and(implied_types(&parts));
        let of_type = if implied.is_empty() { allowed } else { implied };
        let first = Types::EACH
            .iter()
            .find(|(each, _)| of_type.intersects(*each));
        match first.map(|(each, _)| *each) {
            Some(Types::STRING) => Value::String(String::new()),
            Some(Types::INTEGER | Types::NUMBER) => {
                number(&parts, !of_type.contains(Types::NUMBER))
            }
            Some(Types::BOOLEAN) => Value::Bool(false),
            Some(Types::ARRAY) => self.list(&parts, depth),
            Some(Types::OBJECT) => self.object(&parts, depth),
            _ => Value::Null,
        }
    }

    /// What applies once a branch of each choice is taken: the first one with a value other than null.
    fn parts(&self, mut conjuncts: Vec<Located<'s>>, only: Types) -> Vec<Subschema<'s>> {
        let mut made = HashSet::new();
        for _ in 0..MAX_CHOICES {
            let Ok(expanded) = expand(self.schema, conjuncts.clone()) else {
                return Vec::new();
            };
            let is_taken = |branch: &Located<'s>| {
                conjuncts
                    .iter()
                    .any(|taken| taken.pointer == branch.pointer)
            };
            let open = expanded.choices.into_iter().find(|choice| {
                !made.contains(&choice.pointer) && !choice.branches.iter().any(is_taken)
            });
            let Some(choice) = open else {
                return expanded.parts;
            };
            let fits = |branch: &&Located<'s>| {
                expand(self.schema, vec![(*branch).clone()])
                    .is_ok_and(|all| types(&all.parts).and(only).intersects(NOT_NULL))
            };
            let branch = choice.branches.iter().find(fits);
            conjuncts.extend(branch.or(choice.branches.first()).cloned());
            made.insert(choice.pointer);
        }
        expand(self.schema, conjuncts).map_or_else(|_| Vec::new(), |all| all.parts)
    }

    fn list(&mut self, parts: &[Subschema<'s>], depth: usize) -> Value {
        let least = counts(parts, "minItems").into_iter().max().unwrap_or(0);
        let mut items = Vec::new();
        while (items.len() as u64) < least.min(MAX_ITEMS) {
            let Some(conjuncts) = item(parts, items.len()) else {
                break;
            };
            items.push(self.value(conjuncts, Types::ALL, depth + 1));
        }
        Value::Array(items)
    }

    fn object(&mut self, parts: &[Subschema<'s>], depth: usize) -> Value {
        let required = required(parts);
        let named = property_names(parts);
        let others = required.iter().filter(|name| !named.contains(name));
        let names = named.iter().filter(|name| required.contains(name));
        let mut members = Map::new();
        for name in names.chain(others).take(MAX_VALUES) {
            let conjuncts = member(parts, name).unwrap_or_default();
            let value = self.value(conjuncts, Types::ALL, depth + 1);
            members.insert((*name).to_owned(), value);
        }
        Value::Object(members)
    }
}

/// Every type but null.
const NOT_NULL: Types = Types::ALL.without(Types::NULL);

/// The number nearest to zero that the limits allow, as far as doubles tell.
fn number(parts: &[Subschema<'_>], is_whole: bool) -> Value {
    let limits = |keyword: &str| -> Vec<f64> {
        let values = parts.iter().filter_map(|part| part.map.get(keyword));
        values.filter_map(Value::as_f64).collect()
    };
    let least = limits("minimum").into_iter().reduce(f64::max);
    let most = limits("maximum").into_iter().reduce(f64::min);
    let above = limits("exclusiveMinimum").into_iter().reduce(f64::max);
    let below = limits("exclusiveMaximum").into_iter().reduce(f64::min);
    let multiple = limits("multipleOf").into_iter().find(|of| *of > 0.0);
    let step = multiple.unwrap_or(1.0);
    let middle = above.zip(below).map(|(above, below)| (above + below) / 2.0);
    let candidates = [
        Some(0.0),
        least,
        least.map(|least| (least / step).ceil() * step),
        above.map(|above| ((above / step).floor() + 1.0) * step),
        most,
        most.map(|most| (most / step).floor() * step),
        below.map(|below| ((below / step).ceil() - 1.0) * step),
        middle,
    ];
    let is_allowed = |number: &f64| {
        least.is_none_or(|least| *number >= least)
            && most.is_none_or(|most| *number <= most)
            && above.is_none_or(|above| *number > above)
            && below.is_none_or(|below| *number < below)
            && multiple.is_none_or(|of| (number / of).fract() == 0.0)
            && (!is_whole || number.fract() == 0.0)
    };
    let found = candidates.into_iter().flatten().find(is_allowed);
    let found = found.unwrap_or_default();
    let number = if found.fract() == 0.0 && found.abs() < LARGEST_WHOLE {
        // Exact in this range.
        Some(Number::from(found as i64))
    } else {
        Number::from_f64(found)
    };
    number.map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn started(schema: &Value) -> Value {
        starting_value(schema, vec![Located::root(schema)], Types::ALL)
    }

    #[test]
    fn a_value_begins_with_what_the_schema_offers_or_with_the_smallest_of_its_type() {
        for (schema, expected) in [
            (json!({ "type": "string" }), json!("")),
            (json!({ "type": "string", "default": "d" }), json!("d")),
            (
                json!({ "type": "string", "default": 3, "minLength": 1 }),
                json!(""),
            ),
            (json!({ "const": [1] }), json!([1])),
            (json!({ "enum": [null, "low"] }), json!("low")),
            (
                json!({ "enum": ["low", "high"], "default": "high" }),
                json!("high"),
            ),
            (
                json!({ "enum": ["low", "high"], "default": "other" }),
                json!("low"),
            ),
            (json!({ "type": "string", "examples": ["e"] }), json!("e")),
            (json!({ "format": "date" }), json!("")),
            (json!({ "type": "boolean" }), json!(false)),
            (json!({ "type": ["null", "integer"] }), json!(0)),
            (json!({ "type": "integer", "minimum": 2.5 }), json!(3)),
            (
                json!({ "type": "integer", "exclusiveMinimum": 3 }),
                json!(4),
            ),
            (json!({ "type": "number", "maximum": -0.5 }), json!(-0.5)),
            (
                json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 1 }),
                json!(0.5),
            ),
            (
                json!({ "type": "integer", "minimum": 7, "multipleOf": 5 }),
                json!(10),
            ),
            (json!({ "type": "null" }), Value::Null),
            (json!({ "type": "array" }), json!([])),
            (
                json!({ "items": { "type": "integer" }, "minItems": 2 }),
                json!([0, 0]),
            ),
            (
                json!({ "prefixItems": [{ "const": "a" }, { "type": "boolean" }], "items": false, "minItems": 3 }),
                json!(["a", false]),
            ),
            (
                json!({ "properties": { "b": { "default": 1 }, "o": {}, "a": {} }, "required": ["c", "a", "b"] }),
                json!({ "b": 1, "a": "", "c": "" }),
            ),
            (
                json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/d" }], "$defs": { "d": { "type": "array" } } }),
                json!([]),
            ),
            (json!(true), json!("")),
            (json!({}), json!("")),
            (json!({ "$ref": "https://example.com/" }), json!("")),
        ] {
            assert_eq!(started(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn schemas_without_end_end() {
        let nested = json!({
            "$ref": "#/$defs/n",
            "$defs": { "n": {
                "properties": { "a": { "$ref": "#/$defs/n" }, "b": { "$ref": "#/$defs/n" } },
                "required": ["a", "b"],
            } },
        });
        assert!(started(&nested).to_string().len() < 100_000);
        let endless = json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }], "type": "array", "minItems": 1e9 });
        assert!(started(&endless).to_string().len() < 100_000);
    }
}
