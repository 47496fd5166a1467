//! Translates a schema of a document into one JSON Schema (2020-12) without references to anything
//! outside it.
//!
//! OpenAPI 3.0 has a dialect of its own (`nullable`, boolean `exclusiveMinimum`, `discriminator`);
//! 3.1 is JSON Schema. Both are read by the same rules, because documents mix them. A keyword with a
//! value that its definition does not allow is left out: the others still describe the task.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::notice::Notices;
use super::reference;
use crate::settings::secret_like::is_secret_value;
use crate::text::{listed, truncate_chars};

/// Maximum number of subschemas to translate for one operation.
const MAX_NODES: usize = 20_000;
/// Maximum number of subschemas to translate for all operations of a document.
pub(in super::super) const MAX_NODES_OF_DOCUMENT: usize = 300_000;
/// Maximum nesting inside one definition.
const MAX_DEPTH: usize = 64;
/// Where the document's schemas are in the result.
const DEFINITIONS: &str = "#/$defs/";

/// Translates the schemas of one operation.
pub(in super::super) struct Translator<'d> {
    document: &'d Value,
    is_3_0: bool,
    /// The name of each definition by its place in the document.
    names: BTreeMap<String, String>,
    /// The names that definitions have.
    taken: BTreeSet<String>,
    /// The definitions that were not translated yet.
    waiting: Vec<Waiting>,
    /// The place of the schema that references may be relative to: a schema with an `$id` of its own
    /// can have `$defs` of its own.
    base: String,
    nodes: usize,
    budget: &'d mut usize,
    found: Found,
}

/// A definition that was not translated yet.
struct Waiting {
    /// Its place in the document.
    pointer: String,
    /// The place of the schema that its references may be relative to.
    base: String,
}

/// What was translated or left out.
#[derive(Default)]
struct Found {
    read_only: BTreeSet<String>,
    invalid: BTreeSet<String>,
    unknown: BTreeSet<String>,
    references: BTreeSet<String>,
    has_nullable: bool,
    has_exclusive: bool,
    has_discriminator: bool,
    has_ignored_nullable: bool,
    is_too_large: bool,
}

impl<'d> Translator<'d> {
    /// `budget` is the number of subschemas that may still be translated for the document.
    pub(in super::super) fn new(document: &'d Value, budget: &'d mut usize) -> Translator<'d> {
        let is_3_0 = super::version(document).is_some_and(|version| version.starts_with("3.0"));
        Translator {
            document,
            is_3_0,
            names: BTreeMap::new(),
            taken: BTreeSet::new(),
            waiting: Vec::new(),
            base: String::new(),
            nodes: 0,
            budget,
            found: Found::default(),
        }
    }

    /// The complete schema of a body.
    pub(in super::super) fn body(&mut self, schema: &Value) -> Value {
        let only_reference = schema.as_object().is_some_and(|members| {
            members.contains_key("$ref") && (self.is_3_0 || members.len() == 1)
        });
        let target = match only_reference {
            true => reference::target(self.document, schema),
            false => None,
        };
        let target = target.map_or(schema, |(pointer, target)| {
            self.base = pointer;
            target
        });
        let mut root = match self.schema(target, 0) {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut definitions = Map::new();
        while let Some(Waiting { pointer, base }) = self.waiting.pop() {
            self.base = base;
            let Some(name) = self.names.get(&pointer).cloned() else {
                continue;
            };
            let document = self.document;
            let schema = document.pointer(&pointer).unwrap_or(&Value::Bool(true));
            let schema = self.schema(schema, 0);
            definitions.insert(name, schema);
        }
        let mut schema = Map::new();
        schema.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.append(&mut root);
        if !definitions.is_empty() {
            definitions.sort_keys();
            schema.insert("$defs".to_owned(), Value::Object(definitions));
        }
        Value::Object(schema)
    }

    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        let Some(members) = schema.as_object() else {
            if !schema.is_boolean() {
                self.found.invalid.insert("schema".to_owned());
            }
            return json!(schema.as_bool().unwrap_or(true));
        };
        if depth > MAX_DEPTH || self.nodes >= MAX_NODES || *self.budget == 0 {
            self.found.is_too_large = true;
            return json!({});
        }
        self.nodes += 1;
        *self.budget -= 1;
        let mut result = Map::new();
        if let Some(reference) = members.get("$ref") {
            match self.reference(reference) {
                Some(reference) => {
                    result.insert("$ref".to_owned(), json!(reference));
                    if self.is_3_0 {
                        // OpenAPI 3.0 ignores what is beside a reference.
                        self.found.has_ignored_nullable |= is_true(members, "nullable");
                        for annotation in ["title", "description"] {
                            if let Some(text) = members.get(annotation).filter(|it| it.is_string())
                            {
                                result.insert(annotation.to_owned(), text.clone());
                            }
                        }
                        return Value::Object(result);
                    }
                }
                None if self.is_3_0 => return json!({}),
                None => {}
            }
        }
        for (keyword, value) in members {
            self.keyword(keyword, value, members, &mut result, depth);
        }
        self.add_exclusive(members, &mut result);
        if is_true(members, "nullable") {
            self.found.has_nullable = true;
            return Value::Object(nullable(result));
        }
        Value::Object(result)
    }

    /// Translates one keyword into `result`.
    fn keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        members: &Map<String, Value>,
        result: &mut Map<String, Value>,
        depth: usize,
    ) {
        let translated = match keyword {
            "properties" => self.properties(value, depth),
            "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => {
                self.schemas_by_name(value, depth)
            }
            "items" => match value {
                // A tuple of older drafts.
                Value::Array(items) => {
                    let items = self.schemas(items, depth);
                    result.extend(items.map(|items| ("prefixItems".to_owned(), items)));
                    return;
                }
                _ => self.subschema(value, depth),
            },
            "additionalProperties"
            | "not"
            | "contains"
            | "propertyNames"
            | "if"
            | "then"
            | "else"
            | "unevaluatedProperties"
            | "unevaluatedItems" => self.subschema(value, depth),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => match value.as_array() {
                Some(items) => self.schemas(items, depth),
                None => None,
            },
            "required" => self.required(value, members.get("properties")),
            "type" => valid_type(value),
            "enum" => value
                .as_array()
                .filter(|values| !values.is_empty())
                .map(|_| value.clone()),
            // A document may give a real token as the default.
            "default" => (!value.as_str().is_some_and(is_secret_value)).then(|| value.clone()),
            "const" => Some(value.clone()),
            "minimum" | "maximum" => value.is_number().then(|| value.clone()),
            "multipleOf" => value
                .as_f64()
                .filter(|number| *number > 0.0)
                .map(|_| value.clone()),
            "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => return,
            "exclusiveMinimum" | "exclusiveMaximum" => value.is_number().then(|| value.clone()),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" | "minContains" | "maxContains" => whole_number(value),
            "pattern" | "format" | "title" | "description" | "contentEncoding"
            | "contentMediaType" => value.is_string().then(|| value.clone()),
            "uniqueItems" | "deprecated" => value.is_boolean().then(|| value.clone()),
            "dependentRequired" => is_table_of_names(value).then(|| value.clone()),
            "discriminator" => {
                self.found.has_discriminator = true;
                return;
            }
            "$ref" | "nullable" | "example" | "examples" | "readOnly" | "writeOnly" | "xml"
            | "externalDocs" | "$comment" | "$schema" | "$id" | "$anchor" => return,
            extension if extension.starts_with("x-") => return,
            unknown => {
                self.found.unknown.insert(truncate_chars(unknown, 40));
                return;
            }
        };
        match translated {
            Some(translated) => {
                result.insert(keyword.to_owned(), translated);
            }
            None => {
                self.found.invalid.insert(keyword.to_owned());
            }
        }
    }

    fn subschema(&mut self, value: &Value, depth: usize) -> Option<Value> {
        (value.is_object() || value.is_boolean()).then(|| self.schema(value, depth + 1))
    }

    fn schemas(&mut self, items: &[Value], depth: usize) -> Option<Value> {
        let items: Vec<Value> = items
            .iter()
            .filter(|item| item.is_object() || item.is_boolean())
            .map(|item| self.schema(item, depth + 1))
            .collect();
        (!items.is_empty()).then(|| Value::Array(items))
    }

    fn schemas_by_name(&mut self, value: &Value, depth: usize) -> Option<Value> {
        let schemas = value
            .as_object()?
            .iter()
            .map(|(name, schema)| (name.clone(), self.schema(schema, depth + 1)))
            .collect();
        Some(Value::Object(schemas))
    }

    /// The properties of a request: those that are read-only belong to responses.
    fn properties(&mut self, value: &Value, depth: usize) -> Option<Value> {
        let mut properties = Map::new();
        for (name, schema) in value.as_object()? {
            if self.is_read_only(schema) {
                self.found.read_only.insert(truncate_chars(name, 40));
            } else {
                properties.insert(name.clone(), self.schema(schema, depth + 1));
            }
        }
        Some(Value::Object(properties))
    }

    fn is_read_only(&self, schema: &Value) -> bool {
        let has = |schema: &Value| schema.get("readOnly") == Some(&Value::Bool(true));
        has(schema) || has(reference::resolved(self.document, schema))
    }

    fn required(&self, value: &Value, properties: Option<&Value>) -> Option<Value> {
        let names = value.as_array()?;
        let is_sent = |name: &&Value| {
            let property = name
                .as_str()
                .and_then(|name| properties.and_then(|it| it.get(name)));
            name.is_string() && !property.is_some_and(|schema| self.is_read_only(schema))
        };
        Some(names.iter().filter(is_sent).cloned().collect())
    }

    /// The reference to a definition of the result. `None` if the target does not exist.
    fn reference(&mut self, value: &Value) -> Option<String> {
        let written = value.as_str().unwrap_or_default();
        let in_document = reference::pointer(written)
            .filter(|pointer| self.document.pointer(pointer).is_some())
            .map(|pointer| (pointer.clone(), pointer));
        let in_base = || {
            let pointer = format!("{}{}", self.base, reference::pointer(written)?);
            self.document.pointer(&pointer)?;
            Some((pointer, self.base.clone()))
        };
        let Some((pointer, base)) = in_document.or_else(in_base) else {
            self.found.references.insert(truncate_chars(written, 100));
            return None;
        };
        if let Some(name) = self.names.get(&pointer) {
            return Some(format!("{DEFINITIONS}{name}"));
        }
        let last = pointer.rsplit('/').next().unwrap_or_default();
        let plain: String = last
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .take(80)
            .collect();
        let stem = if plain.is_empty() {
            "schema".to_owned()
        } else {
            plain
        };
        let mut name = stem.clone();
        let mut number = self.taken.len();
        while self.taken.contains(&name) {
            name = format!("{stem}_{number}");
            number += 1;
        }
        self.taken.insert(name.clone());
        self.names.insert(pointer.clone(), name.clone());
        self.waiting.push(Waiting { pointer, base });
        Some(format!("{DEFINITIONS}{name}"))
    }

    /// Translates `minimum` with `exclusiveMinimum: true`, and the same for `maximum`.
    fn add_exclusive(&mut self, members: &Map<String, Value>, result: &mut Map<String, Value>) {
        for (limit, exclusive) in [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ] {
            if !members.get(exclusive).is_some_and(Value::is_boolean) {
                continue;
            }
            self.found.has_exclusive = true;
            if is_true(members, exclusive)
                && let Some(number) = result.shift_remove(limit)
            {
                result.insert(exclusive.to_owned(), number);
            }
        }
    }

    /// Whether there were keywords of OpenAPI that JSON Schema does not have.
    pub(in super::super) fn has_dialect(&self) -> bool {
        let found = &self.found;
        found.has_nullable
            || found.has_exclusive
            || found.has_discriminator
            || !found.read_only.is_empty()
    }

    /// Notices about what was translated or left out.
    pub(in super::super) fn report(self, notices: &mut Notices) {
        let found = self.found;
        let names = |names: BTreeSet<String>| {
            let mut names: Vec<String> = names.into_iter().take(9).collect();
            if names.len() > 8 {
                names.truncate(8);
                names.push("others".to_owned());
            }
            (!names.is_empty()).then(|| listed(&names))
        };
        if found.has_nullable {
            notices.changed("nullable was translated: null is one of the types.");
        }
        if found.has_exclusive {
            notices.changed("exclusiveMinimum and exclusiveMaximum were translated to numbers.");
        }
        if found.has_ignored_nullable {
            notices.left_out("nullable beside $ref was left out, as OpenAPI 3.0 defines it.");
        }
        if found.has_discriminator {
            notices.left_out(
                "discriminator was left out. It is not part of JSON Schema, and the alternatives are checked by their own rules.",
            );
        }
        if let Some(names) = names(found.read_only) {
            notices.left_out(format!(
                "Members that only responses have (readOnly) were left out: {names}."
            ));
        }
        if let Some(names) = names(found.references) {
            notices.left_out(format!(
                "References that lead nowhere, or to another document, allow any value: {names}."
            ));
        }
        if let Some(names) = names(found.invalid) {
            notices.left_out(format!(
                "Keywords with an invalid value were left out: {names}."
            ));
        }
        if let Some(names) = names(found.unknown) {
            notices.left_out(format!("Unknown keywords were left out: {names}."));
        }
        if found.is_too_large {
            notices.left_out("The schema is very large. Its innermost parts allow any value.");
        }
    }
}

fn is_true(members: &Map<String, Value>, keyword: &str) -> bool {
    members.get(keyword) == Some(&Value::Bool(true))
}

/// A schema that also allows `null`.
fn nullable(mut schema: Map<String, Value>) -> Map<String, Value> {
    let add_null = |values: &mut Vec<Value>| {
        if !values.contains(&Value::Null) {
            values.push(Value::Null);
        }
    };
    match schema.get_mut("type") {
        Some(Value::Array(types)) => {
            if !types.contains(&json!("null")) {
                types.push(json!("null"));
            }
        }
        Some(name) => *name = json!([name.take(), "null"]),
        None => {
            let restricts = |keyword: &&String| {
                ["$ref", "allOf", "anyOf", "oneOf", "enum", "const", "not"]
                    .contains(&keyword.as_str())
            };
            if !schema.keys().any(|keyword| restricts(&keyword)) {
                return schema;
            }
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        add_null(values);
    }
    let combines = ["$ref", "allOf", "anyOf", "oneOf", "const", "not"];
    if !schema
        .keys()
        .any(|keyword| combines.contains(&keyword.as_str()))
    {
        return schema;
    }
    let mut outer = Map::new();
    for annotation in ["title", "description", "default", "deprecated"] {
        if let Some(value) = schema.shift_remove(annotation) {
            outer.insert(annotation.to_owned(), value);
        }
    }
    outer.insert("anyOf".to_owned(), json!([schema, {"type": "null"}]));
    outer
}

/// A type or list of types that JSON Schema has.
fn valid_type(value: &Value) -> Option<Value> {
    const TYPES: [&str; 7] = [
        "null", "boolean", "object", "array", "number", "string", "integer",
    ];
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(names) => {
            let mut types: Vec<Value> = Vec::new();
            for name in names.iter().filter(|name| is_type(name)) {
                if !types.contains(name) {
                    types.push(name.clone());
                }
            }
            (!types.is_empty()).then(|| Value::Array(types))
        }
        name => is_type(name).then(|| name.clone()),
    }
}

/// A number of things.
fn whole_number(value: &Value) -> Option<Value> {
    let is_whole = |number: &f64| *number >= 0.0 && number.fract() == 0.0;
    value.as_f64().filter(is_whole).map(|_| value.clone())
}

fn is_table_of_names(value: &Value) -> bool {
    let is_names = |value: &Value| {
        value
            .as_array()
            .is_some_and(|names| names.iter().all(Value::is_string))
    };
    value
        .as_object()
        .is_some_and(|table| table.values().all(is_names))
}
