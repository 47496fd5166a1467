//! A JSON Schema seen as a conjunction: everything that one place of an instance has to satisfy.
//!
//! `allOf`, `$ref` and a schema's own keywords all say "and"; `anyOf`, `oneOf` and `if` say "or".
//! [`expand`] sorts a list of schemas that hold for the same place into the plain parts that all
//! hold, and the choices that are still open, each with the JSON Pointer it stands at. The
//! sampler picks among the choices, the model-facing derivation lists them.

use std::collections::HashSet;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::document::escape_token;

/// A subschema and where it stands in the root schema.
#[derive(Clone, Debug)]
pub(crate) struct Located<'a> {
    /// The subschema: an object or a boolean.
    pub(crate) schema: &'a Value,
    /// The JSON Pointer (RFC 6901) from the root schema.
    pub(crate) pointer: String,
}

impl<'a> Located<'a> {
    /// The root schema itself.
    pub(crate) fn root(schema: &'a Value) -> Self {
        Located {
            schema,
            pointer: String::new(),
        }
    }

    /// The schemas listed in a keyword such as `anyOf`; none where it is no array.
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

/// Why a schema cannot be expanded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum ExpandError {
    /// The schema `false`: nothing satisfies it.
    #[error("nothing satisfies the schema at {pointer:?}")]
    Never {
        /// Where the `false` stands.
        pointer: String,
    },
    /// A `$ref` to another document. It is never fetched.
    #[error("{reference:?} at {pointer:?} is outside of the schema")]
    Remote {
        /// Where the reference stands.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// A `$ref` to a place that is not there.
    #[error("{reference:?} at {pointer:?} leads nowhere")]
    Unresolved {
        /// Where the reference stands.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
}

/// One schema object that holds, to be read for its plain keywords only: what it says with
/// `$ref`, `allOf`, `anyOf`, `oneOf` and `if` has been taken apart already.
#[derive(Clone, Debug)]
pub(crate) struct Subschema<'a> {
    /// The keywords.
    pub(crate) map: &'a Map<String, Value>,
    /// Where the object stands in the root schema.
    pub(crate) pointer: String,
}

impl<'a> Subschema<'a> {
    /// The subschema under one keyword.
    pub(crate) fn under(&self, keyword: &str) -> Option<Located<'a>> {
        self.map.get(keyword).map(|schema| Located {
            schema,
            pointer: format!("{}/{keyword}", self.pointer),
        })
    }

    /// The subschemas under one keyword, by name: `properties`, `patternProperties` and the like.
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

    /// The subschema of one property.
    pub(crate) fn property(&self, name: &str) -> Option<Located<'a>> {
        let schema = self.map.get("properties")?.get(name)?;
        let pointer = format!("{}/properties/{}", self.pointer, escape_token(name));
        Some(Located { schema, pointer })
    }

    /// The subschemas listed under one keyword.
    pub(crate) fn listed(&self, keyword: &str) -> Vec<Located<'a>> {
        Located::listed(self.map, &self.pointer, keyword)
    }

    /// The pointer of one of this part's keywords.
    pub(crate) fn at(&self, keyword: &str) -> String {
        format!("{}/{keyword}", self.pointer)
    }
}

/// An open `anyOf` or `oneOf`.
#[derive(Clone, Debug)]
pub(crate) struct Choice<'a> {
    /// `anyOf` or `oneOf`.
    pub(crate) keyword: &'static str,
    /// Where the keyword stands.
    pub(crate) pointer: String,
    /// What there is to choose from.
    pub(crate) branches: Vec<Located<'a>>,
}

/// What a conjunction comes down to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expanded<'a> {
    /// Schema objects that all hold.
    pub(crate) parts: Vec<Subschema<'a>>,
    /// Choices of which each asks for one branch.
    pub(crate) choices: Vec<Choice<'a>>,
    /// Parts that hold an `if`.
    pub(crate) conditionals: Vec<Subschema<'a>>,
}

/// Takes a conjunction of schemas apart. A place that occurs twice counts once, so that a
/// reference which leads back to itself ends.
///
/// # Errors
/// A `false`, or a reference that is remote or leads nowhere.
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

/// Finds what a `$ref` of the schema means, inside the schema only: by JSON Pointer, by
/// `$anchor` or `$dynamicAnchor`, or by the `$id` of a part (JSON Schema 2020-12, core, 8.2).
/// `pointer` is where the reference stands, for the error.
///
/// # Errors
/// A reference to another document, or to a place that is not there.
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
        let path = percent_decoded(fragment);
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

/// The first object, in the order of the text, of which the test holds.
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

/// Undoes percent-encoding (RFC 3986, section 2.1); what is no valid encoding stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digits = (byte == b'%')
            .then(|| Some((hexadecimal(ahead.next()?)?, hexadecimal(ahead.next()?)?)))
            .flatten();
        match digits {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = ahead;
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The value of one hexadecimal digit.
fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// A set of JSON Schema types. `number` contains `integer`.
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
    /// Every single type, the scalar ones first.
    pub(crate) const EACH: [(Types, &'static str); 7] = [
        (Types::STRING, "string"),
        (Types::INTEGER, "integer"),
        (Types::NUMBER, "number"),
        (Types::BOOLEAN, "boolean"),
        (Types::ARRAY, "array"),
        (Types::OBJECT, "object"),
        (Types::NULL, "null"),
    ];

    /// The set a `type` keyword means; a name that does not exist counts for nothing.
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

    pub(crate) fn without(self, other: Types) -> Types {
        Types(self.0 & !other.0)
    }

    /// The type names; `number` stands for `integer` too.
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

/// Whether a number has no fraction: `1.0` is an integer (JSON Schema validation, 6.1.1).
fn is_integer(number: &serde_json::Number) -> bool {
    number.is_i64()
        || number.is_u64()
        || number
            .as_f64()
            .is_some_and(|value| value.is_finite() && value.fract() == 0.0)
}

/// The types all parts allow.
pub(crate) fn types(parts: &[Subschema<'_>]) -> Types {
    parts
        .iter()
        .filter_map(|part| part.map.get("type"))
        .fold(Types::ALL, |all, value| all.and(Types::of_keyword(value)))
}

/// The types the keywords of the parts speak of, for schemas that leave `type` out; every type
/// where no keyword speaks of one.
pub(crate) fn types_spoken_of(parts: &[Subschema<'_>]) -> Types {
    let mut spoken = Types(0);
    for keyword in parts.iter().flat_map(|part| part.map.keys()) {
        spoken = spoken.or(match keyword.as_str() {
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
    if spoken.is_empty() {
        Types::ALL
    } else {
        spoken
    }
}

/// The values `enum` and `const` leave, if any part has one: those in the first list that every
/// other list has too.
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

/// The names in `required`, in order, each once.
pub(crate) fn required<'a>(parts: &[Subschema<'a>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in parts
        .iter()
        .filter_map(|part| part.map.get("required").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The names in `properties`, in order, each once.
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

/// Everything the member of that name has to satisfy, or the pointer of the keyword that
/// forbids the member. A member that also matches `patternProperties` is not looked for there.
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

/// A keyword that counts something, such as `minLength`: the values of all parts. `3.0` counts
/// as 3 (JSON Schema validation, 6.3).
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

/// The strings a keyword such as `pattern` has in the parts, with the pointer of each.
pub(crate) fn strings<'a>(parts: &[Subschema<'a>], keyword: &str) -> Vec<(&'a str, String)> {
    parts
        .iter()
        .filter_map(|part| {
            let text = part.map.get(keyword)?.as_str()?;
            Some((text, part.at(keyword)))
        })
        .collect()
}
