//! Tells JSON documents apart: OpenAPI, JSON Schema, configuration files, examples.

use serde_json::{Map, Value};

use super::{agent_config, openapi};

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonKind {
    /// OpenAPI 3.
    OpenApi,
    /// Swagger 2.0, or OpenAPI of a version that is not known.
    Swagger,
    Schema,
    /// The page's own `config.json`.
    Config,
    AgentConfig,
    /// One object.
    Example,
    /// A list of objects.
    Examples,
    Other,
}

impl JsonKind {
    /// Tells what a value is by its members.
    pub(super) fn of(value: &Value) -> JsonKind {
        let Some(members) = value.as_object() else {
            let is_list = value
                .as_array()
                .is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object));
            return match is_list {
                true => JsonKind::Examples,
                false => JsonKind::Other,
            };
        };
        if openapi::is_readable(value) {
            JsonKind::OpenApi
        } else if openapi::version(value).is_some() {
            JsonKind::Swagger
        } else if is_schema(members) {
            JsonKind::Schema
        } else if is_config(members) {
            JsonKind::Config
        } else if agent_config::is_agent_config(members) {
            JsonKind::AgentConfig
        } else {
            JsonKind::Example
        }
    }
}

/// Whether an object is a JSON Schema. Members such as `title` and `type` occur in tasks, too, so
/// that their values count. An empty object is a schema that allows everything.
fn is_schema(members: &Map<String, Value>) -> bool {
    let is_dialect = members
        .get("$schema")
        .and_then(Value::as_str)
        .is_some_and(|uri| uri.contains("json-schema.org"));
    if members.is_empty() || is_dialect {
        return true;
    }
    let are_schemas = |name: &str| match members.get(name) {
        Some(Value::Object(schemas)) => !schemas.is_empty() && schemas.values().all(is_schema_like),
        Some(Value::Array(schemas)) => !schemas.is_empty() && schemas.iter().all(is_schema_like),
        _ => false,
    };
    let is_reference = |name: &str| {
        let reference = members.get(name).and_then(Value::as_str);
        reference.is_some_and(|reference| reference.contains(['#', '/']))
    };
    let is_object_type = match members.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    };
    let has_names = members
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(|names| !names.is_empty() && names.iter().all(Value::is_string));
    let has_rule = [
        "additionalProperties",
        "minProperties",
        "maxProperties",
        "patternProperties",
    ]
    .iter()
    .any(|rule| members.contains_key(*rule));
    [
        "properties",
        "$defs",
        "definitions",
        "allOf",
        "anyOf",
        "oneOf",
    ]
    .iter()
    .any(|name| are_schemas(name))
        || is_reference("$ref")
        || (is_object_type
            && (members.len() == 1
                || members.contains_key("properties")
                || has_names
                || has_rule
                || members.keys().all(|name| is_keyword(name))))
}

/// Whether a value inside a schema is a schema: it has a keyword whose value is what the keyword
/// needs, or nothing but annotations.
fn is_schema_like(value: &Value) -> bool {
    const TYPES: [&str; 7] = [
        "object", "array", "string", "number", "integer", "boolean", "null",
    ];
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let is_rule = |(name, value): (&String, &Value)| match name.as_str() {
        "type" => match value {
            Value::Array(names) => names.iter().all(is_type),
            name => is_type(name),
        },
        "$ref" | "format" | "pattern" => value.is_string(),
        "enum" | "allOf" | "anyOf" | "oneOf" => value.is_array(),
        "properties" => value.is_object(),
        "items" | "additionalProperties" => value.is_object() || value.is_boolean(),
        "const" => true,
        _ => false,
    };
    let is_annotation = |(name, value): (&String, &Value)| match name.as_str() {
        "title" | "description" => value.is_string(),
        "default" | "deprecated" | "examples" => true,
        _ => false,
    };
    match value {
        Value::Bool(_) => true,
        Value::Object(members) => members.iter().any(is_rule) || members.iter().all(is_annotation),
        _ => false,
    }
}

/// Whether a name is a keyword that schemas of members usually have.
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 34] = [
        "$ref",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "contains",
        "default",
        "deprecated",
        "description",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "nullable",
        "oneOf",
        "pattern",
        "properties",
        "readOnly",
        "required",
        "title",
        "type",
        "uniqueItems",
    ];
    KEYWORDS.contains(&name)
}

/// Whether an object is the page's own configuration.
fn is_config(members: &Map<String, Value>) -> bool {
    let has = |section: &str, member: &str| {
        members
            .get(section)
            .is_some_and(|value| value.get(member).is_some())
    };
    has("task_server", "url")
        || has("model", "base_url")
        || members.get("allowed_hosts").is_some_and(Value::is_array)
        || members.get("task_schema").is_some_and(Value::is_object)
}

/// Whether a text may be an OpenAPI document in YAML.
pub(super) fn may_be_openapi_in_yaml(text: &str) -> bool {
    text.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, _)| {
            ["openapi", "swagger"].contains(&name.trim_matches(['"', '\'']))
        })
    })
}

/// Whether a text in YAML may be one of the kinds that are read from YAML.
pub(super) fn may_be_yaml(text: &str) -> bool {
    const NAMES: [&str; 11] = [
        "openapi",
        "swagger",
        "$schema",
        "properties",
        "type",
        "vault",
        "host",
        "url",
        "server",
        "mcp_server",
        "task_server",
    ];
    text.lines().take(20_000).any(|line| {
        line.split_once(':')
            .is_some_and(|(name, _)| NAMES.contains(&name.trim_matches(['"', '\'', ' '])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_told_apart() {
        for (value, kind) in [
            (json!({"openapi": "3.1.0", "info": {}}), JsonKind::OpenApi),
            (json!({"openapi": "3.0.3", "paths": {}}), JsonKind::OpenApi),
            (json!({"swagger": "2.0", "paths": {}}), JsonKind::Swagger),
            (json!({"swagger": 2.0, "paths": {}}), JsonKind::Swagger),
            (json!({}), JsonKind::Schema),
            (
                json!({"$schema": "https://json-schema.org/draft/2020-12/schema"}),
                JsonKind::Schema,
            ),
            (json!({"type": "object"}), JsonKind::Schema),
            (
                json!({"type": "object", "title": "Task", "description": "x"}),
                JsonKind::Schema,
            ),
            (
                json!({"properties": {"title": {"type": "string"}}}),
                JsonKind::Schema,
            ),
            (
                json!({"title": "Task", "properties": {"a": true}}),
                JsonKind::Schema,
            ),
            (
                json!({"$ref": "#/$defs/Task", "$defs": {"Task": {"type": "object"}}}),
                JsonKind::Schema,
            ),
            (
                json!({"oneOf": [{"type": "object"}, {"$ref": "#/a"}]}),
                JsonKind::Schema,
            ),
            (
                json!({"type": ["object", "null"], "required": ["a"]}),
                JsonKind::Schema,
            ),
            (
                json!({"title": "Write the notes", "type": "object"}),
                JsonKind::Schema,
            ),
            (
                json!({"title": "a", "type": "object", "colour": "red"}),
                JsonKind::Example,
            ),
            (
                json!({"title": "a", "type": "bug", "required": true}),
                JsonKind::Example,
            ),
            (
                json!({"type": "object_created", "properties": {"colour": "red"}}),
                JsonKind::Example,
            ),
            (json!({"title": "a", "properties": {}}), JsonKind::Example),
            (
                json!({"parent": {"id": "x"}, "properties": {"Name": {"title": [{"text": "a"}]}}}),
                JsonKind::Example,
            ),
            (
                json!({"properties": {"a": {"title": "A", "description": "Any value."}}}),
                JsonKind::Schema,
            ),
            (
                json!({"type": "work", "payload": {"title": "a"}}),
                JsonKind::Example,
            ),
            (
                json!({"title": "a", "items": ["b"], "enum": "c"}),
                JsonKind::Example,
            ),
            (json!({"title": "a", "host": "build-7"}), JsonKind::Example),
            (json!([{"title": "a"}]), JsonKind::Examples),
            (json!([]), JsonKind::Other),
            (json!([1]), JsonKind::Other),
            (json!("a"), JsonKind::Other),
            (
                json!({"task_server": {"url": "https://a.example"}}),
                JsonKind::Config,
            ),
            (json!({"allowed_hosts": ["a.example"]}), JsonKind::Config),
            (
                json!({"vault": {"secrets_path": "secret/agent"}}),
                JsonKind::AgentConfig,
            ),
            (
                json!({"host": "http://localhost", "port": 8080}),
                JsonKind::AgentConfig,
            ),
            (
                json!({"mcp_server": {"url": "https://a.example", "token": "x"}}),
                JsonKind::AgentConfig,
            ),
            (
                json!({"mcpServers": {"a": {"url": "https://a.example/mcp"}}}),
                JsonKind::AgentConfig,
            ),
        ] {
            assert_eq!(JsonKind::of(&value), kind, "{value}");
        }
    }
}
