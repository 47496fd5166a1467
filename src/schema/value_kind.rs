//! The kinds of value that a schema lets one choose from: the alternatives of `oneOf` or `anyOf`, or
//! several types.

use serde_json::Value;

use super::conjunction::{
    Located, Subschema, Types, enumeration, expand, implied_types, required, types,
};
use super::guide::Conjunction;
use crate::text::truncate_chars;

/// How many members a kind is named by.
const MAX_NAMED_MEMBERS: usize = 3;
/// The longest name of a kind, in characters.
const MAX_NAME: usize = 80;

/// One kind of value.
#[derive(Debug, Clone)]
pub(crate) struct ValueKind<'s> {
    /// The schemas that apply to a value of this kind.
    pub(super) branch: Conjunction<'s>,
    /// The types that a value of this kind has.
    pub(super) only: Types,
    name: String,
}

impl<'s> ValueKind<'s> {
    /// The kind of an alternative.
    pub(super) fn of_branch(schema: &'s Value, branch: Conjunction<'s>) -> ValueKind<'s> {
        let parts = expand(schema, branch.clone()).map_or_else(|_| Vec::new(), |all| all.parts);
        ValueKind {
            name: truncate_chars(&name(&branch, &parts), MAX_NAME),
            branch,
            only: Types::ALL,
        }
    }

    /// One kind for each of the types that the schemas list; none if they list fewer than two.
    pub(super) fn of_types(parts: &[Subschema<'s>]) -> Vec<ValueKind<'s>> {
        let allowed = types(parts);
        let kinds: Vec<ValueKind<'s>> = Types::EACH
            .iter()
            .filter(|(_, name)| allowed != Types::ALL && allowed.names().contains(name))
            .map(|(only, _)| ValueKind {
                branch: Vec::new(),
                only: *only,
                name: type_name(*only).to_owned(),
            })
            .collect();
        if kinds.len() > 1 { kinds } else { Vec::new() }
    }

    /// What the kind is called: by its title, by the value that tells it apart, by its definition, or by
    /// its type.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn name(branch: &[Located<'_>], parts: &[Subschema<'_>]) -> String {
    let title = parts
        .iter()
        .filter_map(|part| part.map.get("title").and_then(Value::as_str))
        .find(|title| !title.trim().is_empty());
    if let Some(title) = title {
        return title.to_owned();
    }
    if let Some(options) = enumeration(parts) {
        let texts: Vec<String> = options
            .iter()
            .take(MAX_NAMED_MEMBERS)
            .map(|option| text_of(option))
            .collect();
        let more = if options.len() > texts.len() {
            ", …"
        } else {
            ""
        };
        return format!("{}{more}", texts.join(", "));
    }
    let constant = parts
        .iter()
        .flat_map(|part| part.named("properties"))
        .find_map(|(_, own)| own.schema.get("const"));
    if let Some(constant) = constant {
        return text_of(constant);
    }
    let definition = branch
        .iter()
        .filter_map(|own| own.schema.get("$ref").and_then(Value::as_str))
        .filter_map(|reference| reference.rsplit(['/', '#']).next())
        .find(|name| !name.is_empty());
    if let Some(definition) = definition {
        return definition.to_owned();
    }
    let allowed = types(parts).and(implied_types(parts));
    let of_type = if allowed == Types::ALL {
        "any value"
    } else {
        let mut each = Types::EACH.iter().map(|(of_type, _)| *of_type);
        each.find(|of_type| allowed.contains(*of_type))
            .map_or("any value", type_name)
    };
    let members = required(parts);
    if of_type == "object" && !members.is_empty() {
        let named: Vec<&str> = members.into_iter().take(MAX_NAMED_MEMBERS).collect();
        return format!("object with {}", named.join(", "));
    }
    of_type.to_owned()
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What a value of a single type is called.
fn type_name(of_type: Types) -> &'static str {
    match of_type {
        Types::STRING => "text",
        Types::INTEGER => "whole number",
        Types::NUMBER => "number",
        Types::BOOLEAN => "true or false",
        Types::ARRAY => "list",
        Types::OBJECT => "object",
        _ => "null",
    }
}
