//! Classification of keywords for the model's schema: kept, omitted, and why.

use serde_json::Value;

/// Formats in the subset.
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

/// Keywords that do not affect validity.
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

/// Keywords that combine schemas.
pub(super) const COMBINATORS: [&str; 4] = ["$ref", "allOf", "anyOf", "oneOf"];

/// Whether a keyword restricts what is valid at its location, other than by combining schemas.
/// Unknown keywords restrict nothing.
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
        || (!COMBINATORS.contains(&keyword) && omission_reason(keyword, &Value::Null).is_some())
}

/// Why a keyword with this value is omitted. `None` if it is kept, has no meaning, or the derived
/// schema satisfies it anyway.
pub(super) fn omission_reason(keyword: &str, value: &Value) -> Option<&'static str> {
    let zero = value.as_u64() == Some(0);
    Some(match keyword {
        "minLength" if zero => return None,
        "minLength" | "maxLength" => {
            "Length limits cannot be expressed to the model. Validation checks them."
        }
        "uniqueItems" if *value == Value::Bool(false) => return None,
        "uniqueItems" => "Uniqueness cannot be expressed to the model. Validation checks it.",
        "contains" | "minContains" | "maxContains" => {
            "Required list contents cannot be expressed to the model. Validation checks them."
        }
        "prefixItems" => ITEM_POSITIONS,
        "not" => "Exclusions cannot be expressed to the model. Validation checks them.",
        "patternProperties" => "The model is asked for members with known names only.",
        "additionalProperties" if value.is_object() => {
            "The model is asked for members with known names only."
        }
        "propertyNames" | "minProperties" | "maxProperties" => {
            "The model is asked for all declared members. Validation checks this rule."
        }
        "dependentRequired" | "dependencies" | "dependentSchemas" => {
            "Dependencies between members cannot be expressed to the model. Validation checks them."
        }
        "if" => {
            "Conditions cannot be expressed to the model; the members of both branches are offered as optional. Validation checks the condition."
        }
        "unevaluatedItems" | "unevaluatedProperties" if value.is_object() => {
            "Rules for unevaluated parts cannot be expressed to the model. Validation checks them."
        }
        "contentEncoding" | "contentMediaType" | "contentSchema" => {
            "The content of a string cannot be expressed to the model. Validation does not check it either."
        }
        "oneOf" => "The model may choose any branch. Validation checks that exactly one matches.",
        "$dynamicRef" | "$recursiveRef" => {
            "The model sees the definition in this schema, which cannot be overridden."
        }
        _ => return None,
    })
}

/// Why `prefixItems`, or the list form of `items`, is omitted.
pub(super) const ITEM_POSITIONS: &str =
    "The model sees which items are allowed, but not their positions. Validation checks them.";

/// Whether a pattern avoids what endpoints refuse: lookaround and backreferences.
pub(super) fn is_plain_pattern(pattern: &str) -> bool {
    let looks = ["(?=", "(?!", "(?<=", "(?<!"];
    let escaped_digit = pattern
        .split('\\')
        .skip(1)
        .any(|after| after.starts_with(|first: char| ('1'..='9').contains(&first)));
    !looks.iter().any(|look| pattern.contains(look)) && !escaped_digit
}
