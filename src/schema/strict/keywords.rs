//! What happens to each keyword on the way to the model, and why.

use serde_json::Value;

/// Formats the subset knows.
pub(super) const FORMATS: [&str; 9] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Keywords that say nothing about what is valid.
pub(super) const ANNOTATIONS: [&str; 14] = [
    "title",
    "description",
    "default",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "$schema",
    "$id",
    "$anchor",
    "$defs",
    "definitions",
];

/// Keywords that put schemas together.
pub(super) const COMBINES: [&str; 4] = ["$ref", "allOf", "anyOf", "oneOf"];

/// Whether a keyword narrows what is valid at its own place, other than by putting schemas
/// together. Keywords JSON Schema does not know narrow nothing.
pub(super) fn is_rule(keyword: &str) -> bool {
    const KEPT: [&str; 16] = [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "additionalItems",
        "minItems",
        "maxItems",
        "pattern",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ];
    KEPT.contains(&keyword)
        || matches!(
            keyword,
            "multipleOf" | "unevaluatedItems" | "unevaluatedProperties"
        )
        || (!COMBINES.contains(&keyword) && why_left_out(keyword, &Value::Null).is_some())
}

/// Why a keyword with that value is left out; `None` where it is kept, means nothing here, or is
/// met by the form the derived schema has anyway.
pub(super) fn why_left_out(keyword: &str, value: &Value) -> Option<&'static str> {
    let zero = value.as_u64() == Some(0);
    Some(match keyword {
        "minLength" if zero => return None,
        "minLength" | "maxLength" => "The model cannot be held to a length. It is checked here.",
        "uniqueItems" if *value == Value::Bool(false) => return None,
        "uniqueItems" => "The model cannot be held to unlike entries. It is checked here.",
        "contains" | "minContains" | "maxContains" => {
            "The model cannot be told what a list must contain. It is checked here."
        }
        "prefixItems" => {
            "The model is told which entries there may be, not in which place. It is checked here."
        }
        "not" => "The model cannot be told what is forbidden. It is checked here.",
        "patternProperties" => "The model is asked for members with known names only.",
        "additionalProperties" if value.is_object() => {
            "The model is asked for members with known names only."
        }
        "propertyNames" | "minProperties" | "maxProperties" => {
            "The model is asked for all members by name. It is checked here."
        }
        "dependentRequired" | "dependencies" | "dependentSchemas" => {
            "The model cannot be told which member needs which. It is checked here."
        }
        "if" => {
            "The model cannot be told a condition; members of either case are offered as optional. It is checked here."
        }
        "unevaluatedItems" | "unevaluatedProperties" if value.is_object() => {
            "The model cannot be told what the rest must be. It is checked here."
        }
        "contentEncoding" | "contentMediaType" | "contentSchema" => {
            "The model cannot be told what a text contains. It is not checked either."
        }
        "oneOf" => {
            "The model may choose any of the forms; that exactly one of them fits is checked here."
        }
        "$dynamicRef" | "$recursiveRef" => {
            "The model is told the definition in this schema; it cannot be replaced."
        }
        _ => return None,
    })
}

/// Whether a pattern uses what endpoints refuse: look-around and back-references.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    let looks = ["(?=", "(?!", "(?<=", "(?<!"];
    let escaped_digit = pattern
        .split('\\')
        .skip(1)
        .any(|after| after.starts_with(|first: char| ('1'..='9').contains(&first)));
    !looks.iter().any(|look| pattern.contains(look)) && !escaped_digit
}
