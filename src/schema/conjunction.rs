//! Normalizes a JSON Schema to a conjunction: everything that one location of an instance must
//! satisfy.
//!
//! `allOf`, `$ref` and a schema's own keywords mean "and"; `anyOf`, `oneOf` and `if` mean "or".
//! [`expand`] splits a list of schemas that apply to the same location into the parts that all
//! apply and the choices that are still open, each with its JSON Pointer. The sampler picks among
//! the choices; the derivation of the model's schema lists them.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::document::escape_token;

/// A subschema and its location in the root schema.
#[derive(Clone, Debug)]
pub(crate) struct Located<'a> {
    /// The subschema: an object or a boolean.
    pub(crate) schema: &'a Value,
    /// The JSON Pointer (RFC 6901) from the root schema.
    pub(crate) pointer: String,
}

impl<'a> Located<'a> {
    /// The root schema.
    pub(crate) fn root(schema: &'a Value) -> Self {
        Located {
            schema,
            pointer: String::new(),
        }
    }

    /// The schemas listed in a keyword such as `anyOf`; empty if it is not an array.
    fn listed(map: &'a Map<String, Value>, pointer: &str, keyword: &str) -> Vec<Self> {
        map.get(keyword)
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .enumerate()
                    .map(|(index, schema)| Located {
                        schema,
                        pointer: format!("{pointer}/{keyword}/{index}"),
                    })
                    .collect()
            })
            .unwrap_or_default()
    }
}

/// Why a schema could not be expanded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum ExpandError {
    /// The schema `false`: nothing satisfies it.
    #[error("nothing satisfies the schema at “{pointer}”")]
    Never {
        /// The location of the `false`.
        pointer: String,
    },
    /// A `$ref` to another document. It is never fetched.
    #[error("“{reference}” at “{pointer}” is outside the schema")]
    Remote {
        /// The location of the reference.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// A `$ref` whose target does not exist.
    #[error("the target of “{reference}” at “{pointer}” does not exist")]
    Unresolved {
        /// The location of the reference.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
}

/// A schema object that applies, to be read for its plain keywords only: `$ref`, `allOf`, `anyOf`,
/// `oneOf` and `if` have been expanded already.
#[derive(Clone, Debug)]
pub(crate) struct Subschema<'a> {
    /// The keywords.
    pub(crate) map: &'a Map<String, Value>,
    /// The object's location in the root schema.
    pub(crate) pointer: String,
}

impl<'a> Subschema<'a> {
    /// The subschema under a keyword.
    pub(crate) fn under(&self, keyword: &str) -> Option<Located<'a>> {
        self.map.get(keyword).map(|schema| Located {
            schema,
            pointer: format!("{}/{keyword}", self.pointer),
        })
    }

    /// The named subschemas under a keyword such as `properties` or `patternProperties`.
    pub(crate) fn named(&self, keyword: &str) -> Vec<(&'a str, Located<'a>)> {
        self.map
            .get(keyword)
            .and_then(Value::as_object)
            .map(|members| {
                members
                    .iter()
                    .map(|(name, schema)| {
                        let pointer = format!("{}/{keyword}/{}", self.pointer, escape_token(name));
                        (name.as_str(), Located { schema, pointer })
                    })
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The subschema of a property.
    pub(crate) fn property(&self, name: &str) -> Option<Located<'a>> {
        let schema = self.map.get("properties")?.get(name)?;
        let pointer = format!("{}/properties/{}", self.pointer, escape_token(name));
        Some(Located { schema, pointer })
    }

    /// The subschemas listed under a keyword.
    pub(crate) fn listed(&self, keyword: &str) -> Vec<Located<'a>> {
        Located::listed(self.map, &self.pointer, keyword)
    }

    /// The pointer of a keyword of this part.
    pub(crate) fn at(&self, keyword: &str) -> String {
        format!("{}/{keyword}", self.pointer)
    }
}

/// An open `anyOf` or `oneOf`.
#[derive(Clone, Debug)]
pub(crate) struct Choice<'a> {
    /// `anyOf` or `oneOf`.
    pub(crate) keyword: &'static str,
    /// The location of the keyword.
    pub(crate) pointer: String,
    /// The alternatives.
    pub(crate) branches: Vec<Located<'a>>,
}

/// The result of expanding a conjunction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded<'a> {
    /// Schema objects that all apply.
    pub(crate) parts: Vec<Subschema<'a>>,
    /// Choices, each of which requires one branch.
    pub(crate) choices: Vec<Choice<'a>>,
    /// Parts that contain an `if`.
    pub(crate) conditionals: Vec<Subschema<'a>>,
}

/// Expands a conjunction of schemas. Each location is expanded once, so that circular references
/// terminate.
///
/// # Errors
/// A schema `false`, or a reference that is remote or has no target.
pub(crate) fn expand<'a>(
    root: &'a Value,
    conjuncts: Vec<Located<'a>>,
) -> Result<Expanded<'a>, ExpandError> {
    let mut expanded = Expanded::default();
    let mut seen: Vec<String> = Vec::new();
    let mut waiting = conjuncts;
    waiting.reverse();
    while let Some(Located { schema, pointer }) = waiting.pop() {
        if seen.contains(&pointer) {
            continue;
        }
        seen.push(pointer.clone());
        let map = match schema {
            Value::Bool(false) => return Err(ExpandError::Never { pointer }),
            Value::Object(map) => map,
            _ => continue,
        };
        let mut inner = Vec::new();
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(reference) = map.get(keyword).and_then(Value::as_str) {
                inner.push(resolve(root, reference, &pointer)?);
            }
        }
        inner.extend(Located::listed(map, &pointer, "allOf"));
        for keyword in ["anyOf", "oneOf"] {
            let branches = Located::listed(map, &pointer, keyword);
            if !branches.is_empty() {
                expanded.choices.push(Choice {
                    keyword,
                    pointer: format!("{pointer}/{keyword}"),
                    branches,
                });
            }
        }
        let part = Subschema { map, pointer };
        if map.contains_key("if") {
            expanded.conditionals.push(part.clone());
        }
        expanded.parts.push(part);
        waiting.extend(inner.into_iter().rev());
    }
    Ok(expanded)
}

/// Resolves a `$ref` within the schema: by JSON Pointer, by `$anchor` or `$dynamicAnchor`, or by
/// the `$id` of a subschema (JSON Schema 2020-12, core, 8.2). `pointer` is the location of the
/// reference, for error messages.
///
/// # Errors
/// A reference to another document, or without a target.
pub(crate) fn resolve<'a>(
    root: &'a Value,
    reference: &str,
    pointer: &str,
) -> Result<Located<'a>, ExpandError> {
    let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    let base = if document.is_empty() || root.get("$id").and_then(Value::as_str) == Some(document) {
        Located::root(root)
    } else {
        find(root, "", &|map| {
            map.get("$id").and_then(Value::as_str) == Some(document)
        })
        .ok_or_else(|| ExpandError::Remote {
            pointer: pointer.to_owned(),
            reference: reference.to_owned(),
        })?
    };
    let found = if fragment.is_empty() {
        Some(base)
    } else if fragment.starts_with('/') {
        // A fragment that does not decode to UTF-8 is taken literally.
        let path = percent_decode_str(fragment)
            .decode_utf8()
            .unwrap_or(Cow::Borrowed(fragment));
        base.schema.pointer(&path).map(|schema| Located {
            schema,
            pointer: format!("{}{path}", base.pointer),
        })
    } else {
        let with_hash = format!("#{fragment}");
        find(base.schema, &base.pointer, &|map| {
            let is =
                |keyword: &str, name: &str| map.get(keyword).and_then(Value::as_str) == Some(name);
            is("$anchor", fragment) || is("$dynamicAnchor", fragment) || is("$id", &with_hash)
        })
    };
    found.ok_or_else(|| ExpandError::Unresolved {
        pointer: pointer.to_owned(),
        reference: reference.to_owned(),
    })
}

/// The first object in document order that passes the test.
fn find<'a>(
    value: &'a Value,
    pointer: &str,
    test: &dyn Fn(&Map<String, Value>) -> bool,
) -> Option<Located<'a>> {
    match value {
        Value::Object(map) if test(map) => Some(Located {
            schema: value,
            pointer: pointer.to_owned(),
        }),
        Value::Object(map) => map.iter().find_map(|(name, inner)| {
            find(inner, &format!("{pointer}/{}", escape_token(name)), test)
        }),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(index, inner)| find(inner, &format!("{pointer}/{index}"), test)),
        _ => None,
    }
}

/// A set of JSON Schema types. `number` includes `integer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const NULL: Types = Types(1);
    pub(crate) const BOOLEAN: Types = Types(2);
    pub(crate) const INTEGER: Types = Types(4);
    pub(crate) const NUMBER: Types = Types(4 | 8);
    pub(crate) const STRING: Types = Types(16);
    pub(crate) const ARRAY: Types = Types(32);
    pub(crate) const OBJECT: Types = Types(64);
    pub(crate) const ALL: Types = Types(127);
    /// Each single type, scalars first except `null`.
    pub(crate) const EACH: [(Types, &'static str); 7] = [
        (Types::STRING, "string"),
        (Types::INTEGER, "integer"),
        (Types::NUMBER, "number"),
        (Types::BOOLEAN, "boolean"),
        (Types::ARRAY, "array"),
        (Types::OBJECT, "object"),
        (Types::NULL, "null"),
    ];

    /// The set that a `type` keyword describes; unknown names are ignored.
    fn of_keyword(value: &Value) -> Types {
        let single = |name: &Value| {
            Types::EACH
                .iter()
                .find(|(_, known)| Some(*known) == name.as_str())
                .map_or(0, |(types, _)| types.0)
        };
        match value {
            Value::Array(names) => Types(names.iter().fold(0, |all, name| all | single(name))),
            name => Types(single(name)),
        }
    }

    /// The type of a value.
    pub(crate) fn of_value(value: &Value) -> Types {
        match value {
            Value::Null => Types::NULL,
            Value::Bool(_) => Types::BOOLEAN,
            Value::Number(number) if is_integer(number) => Types::INTEGER,
            Value::Number(_) => Types(8),
            Value::String(_) => Types::STRING,
            Value::Array(_) => Types::ARRAY,
            Value::Object(_) => Types::OBJECT,
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn intersects(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn contains(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn and(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Types) -> Types {
        Types(self.0 & !other.0)
    }

    /// The type names; `number` covers `integer`.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let fraction = self.intersects(Types::NUMBER.without(Types::INTEGER));
        Types::EACH
            .iter()
            .filter(|(types, name)| match *name {
                "number" => fraction,
                "integer" => !fraction && self.contains(*types),
                _ => self.contains(*types),
            })
            .map(|(_, name)| *name)
            .collect()
    }
}

/// Whether a number has no fractional part: `1.0` is an integer (JSON Schema validation, 6.1.1).
fn is_integer(number: &serde_json::Number) -> bool {
    number.is_i64()
        || number.is_u64()
        || number
            .as_f64()
            .is_some_and(|value| value.is_finite() && value.fract() == 0.0)
}

/// The types that all parts allow.
pub(crate) fn types(parts: &[Subschema<'_>]) -> Types {
    parts
        .iter()
        .filter_map(|part| part.map.get("type"))
        .fold(Types::ALL, |all, value| all.and(Types::of_keyword(value)))
}

/// The types that the keywords of the parts apply to, for schemas without `type`; all types if no
/// keyword is specific to a type.
pub(crate) fn implied_types(parts: &[Subschema<'_>]) -> Types {
    let mut implied = Types(0);
    for keyword in parts.iter().flat_map(|part| part.map.keys()) {
        implied = implied.or(match keyword.as_str() {
            "properties"
            | "required"
            | "additionalProperties"
            | "patternProperties"
            | "minProperties"
            | "maxProperties"
            | "propertyNames"
            | "unevaluatedProperties"
            | "dependentRequired"
            | "dependentSchemas" => Types::OBJECT,
            "items" | "prefixItems" | "contains" | "minItems" | "maxItems" | "uniqueItems"
            | "unevaluatedItems" => Types::ARRAY,
            "pattern" | "format" | "minLength" | "maxLength" => Types::STRING,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                Types::NUMBER
            }
            _ => Types(0),
        });
    }
    if implied.is_empty() {
        Types::ALL
    } else {
        implied
    }
}

/// The values that `enum` and `const` allow: the intersection of all lists, in the order of the
/// first. `None` if no part has such a keyword.
pub(crate) fn enumeration<'a>(parts: &[Subschema<'a>]) -> Option<Vec<&'a Value>> {
    let mut left: Option<Vec<&'a Value>> = None;
    for part in parts {
        let listed = part
            .map
            .get("enum")
            .and_then(Value::as_array)
            .map(|values| values.iter().collect::<Vec<_>>());
        let constant = part.map.get("const").map(|value| vec![value]);
        for values in listed.into_iter().chain(constant) {
            left = Some(match left {
                None => values,
                Some(before) => before
                    .into_iter()
                    .filter(|value| values.contains(value))
                    .collect(),
            });
        }
    }
    left
}

/// The names in `required`, in order, without duplicates.
pub(crate) fn required<'a>(parts: &[Subschema<'a>]) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    parts
        .iter()
        .filter_map(|part| part.map.get("required").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| seen.insert(*name))
        .collect()
}

/// The names in `properties`, in order, without duplicates.
pub(crate) fn property_names<'a>(parts: &[Subschema<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&'a str> = Vec::new();
    let mut seen = HashSet::new();
    for name in parts
        .iter()
        .filter_map(|part| part.map.get("properties").and_then(Value::as_object))
        .flat_map(Map::keys)
    {
        if seen.insert(name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// The schemas that the member `name` must satisfy, or the pointer of the keyword that forbids it.
/// `patternProperties` are ignored.
pub(crate) fn member<'a>(parts: &[Subschema<'a>], name: &str) -> Result<Vec<Located<'a>>, String> {
    let mut conjuncts = Vec::new();
    for part in parts {
        if let Some(own) = part.property(name) {
            conjuncts.push(own);
        } else if let Some(additional) = part.under("additionalProperties") {
            let by_pattern = part.map.contains_key("patternProperties");
            match additional.schema {
                Value::Bool(false) if !by_pattern => return Err(additional.pointer),
                Value::Object(_) if !by_pattern => conjuncts.push(additional),
                _ => {}
            }
        }
    }
    Ok(conjuncts)
}

/// The schemas that the item at `index` must satisfy; `None` if the list must end before it.
pub(crate) fn item<'a>(parts: &[Subschema<'a>], index: usize) -> Option<Vec<Located<'a>>> {
    let mut conjuncts = Vec::new();
    for part in parts {
        // Drafts before 2020-12 write `prefixItems` as a list under `items`, and the rest as
        // `additionalItems`.
        let prefixes = [part.listed("prefixItems"), part.listed("items")].concat();
        let is_list = part.map.get("items").is_some_and(Value::is_array);
        let rest = part.under(if is_list { "additionalItems" } else { "items" });
        let schema = match prefixes.get(index) {
            Some(prefix) => Some(prefix.clone()),
            None => rest.or_else(|| part.under("unevaluatedItems")),
        };
        if let Some(schema) = schema {
            if *schema.schema == Value::Bool(false) {
                return None;
            }
            conjuncts.push(schema);
        }
    }
    Some(conjuncts)
}

/// The values of a counting keyword such as `minLength` in all parts. `3.0` counts as 3 (JSON
/// Schema validation, 6.3).
pub(crate) fn counts(parts: &[Subschema<'_>], keyword: &str) -> Vec<u64> {
    parts
        .iter()
        .filter_map(|part| part.map.get(keyword))
        .filter_map(|value| {
            value.as_u64().or_else(|| {
                value
                    .as_f64()
                    .filter(|number| *number >= 0.0 && number.fract() == 0.0)
                    .map(|number| number as u64)
            })
        })
        .collect()
}

/// The string values of a keyword such as `pattern` in all parts, each with its pointer.
pub(crate) fn strings<'a>(parts: &[Subschema<'a>], keyword: &str) -> Vec<(&'a str, String)> {
    parts
        .iter()
        .filter_map(|part| {
            let text = part.map.get(keyword)?.as_str()?;
            Some((text, part.at(keyword)))
        })
        .collect()
}
