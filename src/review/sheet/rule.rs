//! The limits of a value in words, for the operator who edits it.

use serde_json::Number;

use crate::document::{Kind, Node};
use crate::schema::value_limits::ValueLimits;
use crate::text::{capitalize, counted, truncate_chars};

/// Longest pattern and format that are shown, in characters.
const MAX_SHOWN: usize = 120;

/// What the schema limits a value to; `None` if it sets no limit.
pub(super) fn rule(node: Node<'_>, limits: &ValueLimits<'_>) -> Option<String> {
    let mut rules: Vec<String> = Vec::new();
    match node.kind() {
        Kind::String => {
            rules.extend(limits.format.map(format));
            rules.extend(range(limits.characters, |count| {
                counted(count, "character")
            }));
            let patterns = limits.patterns.iter();
            rules.extend(patterns.map(|it| format!("matching {}", truncate_chars(it, MAX_SHOWN))));
        }
        Kind::Number => {
            if limits.is_whole {
                rules.push("a whole number".to_owned());
            }
            rules.extend(match limits.numbers {
                (Some(least), Some(most)) => Some(format!("{least} to {most}")),
                (Some(least), None) => Some(format!("at least {least}")),
                (None, Some(most)) => Some(format!("at most {most}")),
                (None, None) => None,
            });
            let (above, below) = limits.between;
            rules.extend(above.map(|above: &Number| format!("more than {above}")));
            rules.extend(below.map(|below| format!("less than {below}")));
            rules.extend(limits.multiple_of.map(|of| format!("a multiple of {of}")));
        }
        Kind::Array => rules.extend(range(limits.items, |count| counted(count, "item"))),
        Kind::Null | Kind::Boolean | Kind::Object => {}
    }
    (!rules.is_empty()).then(|| capitalize(&rules.join(", ")))
}

/// A number of parts that is limited.
fn range(
    (least, most): (Option<u64>, Option<u64>),
    counted: impl Fn(usize) -> String,
) -> Option<String> {
    let counted = |count: u64| counted(usize::try_from(count).unwrap_or(usize::MAX));
    match (least.filter(|least| *least > 0), most) {
        (Some(least), Some(most)) if least == most => Some(format!("exactly {}", counted(most))),
        (Some(least), Some(most)) => Some(format!("{least} to {}", counted(most))),
        (Some(least), None) => Some(format!("at least {}", counted(least))),
        (None, Some(most)) => Some(format!("at most {}", counted(most))),
        (None, None) => None,
    }
}

/// The formats of JSON Schema, each with an example where the form is not obvious.
fn format(name: &str) -> String {
    match name {
        "date" => "a date, such as 2026-12-31".to_owned(),
        "date-time" => "a date and time, such as 2026-12-31T23:59:00Z".to_owned(),
        "time" => "a time, such as 23:59:00Z".to_owned(),
        "duration" => "a duration, such as P3DT12H".to_owned(),
        "email" | "idn-email" => "an e-mail address".to_owned(),
        "uri" | "iri" | "url" => "a URL, such as https://example.com/".to_owned(),
        "uuid" => "a UUID".to_owned(),
        other => format!("format {}", truncate_chars(other, MAX_SHOWN)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::document::Document;
    use crate::schema::guide::Guidebook;

    fn ruled(schema: &Value, value: &str) -> Option<String> {
        let document = Document::parse(value).unwrap();
        let guide = Guidebook::new(schema).root(document.root());
        rule(document.root(), &guide.limits())
    }

    #[test]
    fn limits_are_said_in_words() {
        for (schema, value, expected) in [
            (
                json!({ "minLength": 3, "maxLength": 80 }),
                "\"\"",
                "3 to 80 characters",
            ),
            (json!({ "maxLength": 1 }), "\"\"", "At most 1 character"),
            (
                json!({ "minLength": 2, "maxLength": 2 }),
                "\"\"",
                "Exactly 2 characters",
            ),
            (
                json!({ "format": "date", "pattern": "^2" }),
                "\"\"",
                "A date, such as 2026-12-31, matching ^2",
            ),
            (
                json!({ "type": "integer", "minimum": 0, "maximum": 1e3, "allOf": [{ "minimum": 1 }] }),
                "0",
                "A whole number, 1 to 1000.0",
            ),
            (
                json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.25 }),
                "0",
                "More than 0, less than 1, a multiple of 0.25",
            ),
            (json!({ "minItems": 1 }), "[]", "At least 1 item"),
            (
                json!({ "anyOf": [{ "type": "string", "maxLength": 9 }, { "type": "null" }] }),
                "\"\"",
                "At most 9 characters",
            ),
        ] {
            assert_eq!(ruled(&schema, value).as_deref(), Some(expected), "{schema}");
        }
        assert_eq!(
            ruled(&json!({ "minLength": 0, "minItems": 1 }), "\"\""),
            None
        );
        assert_eq!(ruled(&json!({ "maxLength": 3 }), "3"), None);
    }
}
