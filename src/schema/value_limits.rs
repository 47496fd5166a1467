//! The limits that a schema sets for a single value, for the operator to read.

use serde_json::{Number, Value};

use super::conjunction::{Subschema, Types, counts, strings, types};

/// Limits of a text, a number or an array. They are what the schema says; the check decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ValueLimits<'s> {
    /// The fewest and the most characters of a text.
    pub(crate) characters: (Option<u64>, Option<u64>),
    /// The fewest and the most items of an array.
    pub(crate) items: (Option<u64>, Option<u64>),
    /// The least and the greatest number that are allowed.
    pub(crate) numbers: (Option<&'s Number>, Option<&'s Number>),
    /// The numbers that it must be above and below.
    pub(crate) between: (Option<&'s Number>, Option<&'s Number>),
    /// What a number is a multiple of.
    pub(crate) multiple_of: Option<&'s Number>,
    /// Whether a number must be whole.
    pub(crate) is_whole: bool,
    /// The patterns that a text must match.
    pub(crate) patterns: Vec<&'s str>,
    /// The format of a text.
    pub(crate) format: Option<&'s str>,
}

impl<'s> ValueLimits<'s> {
    /// The limits that these parts set together.
    pub(super) fn of(parts: &[Subschema<'s>]) -> ValueLimits<'s> {
        let range = |least: &str, most: &str| {
            (
                counts(parts, least).into_iter().max(),
                counts(parts, most).into_iter().min(),
            )
        };
        let numbers = |keyword: &str| {
            parts
                .iter()
                .filter_map(|part| match part.map.get(keyword)? {
                    Value::Number(number) => Some(number),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        let by_size = |a: &&Number, b: &&Number| {
            let size = |number: &Number| number.as_f64().unwrap_or_default();
            size(a).total_cmp(&size(b))
        };
        let greatest = |keyword: &str| numbers(keyword).into_iter().max_by(by_size);
        let least = |keyword: &str| numbers(keyword).into_iter().min_by(by_size);
        let allowed = types(parts);
        ValueLimits {
            characters: range("minLength", "maxLength"),
            items: range("minItems", "maxItems"),
            numbers: (greatest("minimum"), least("maximum")),
            between: (greatest("exclusiveMinimum"), least("exclusiveMaximum")),
            multiple_of: numbers("multipleOf").first().copied(),
            is_whole: allowed.contains(Types::INTEGER) && !allowed.contains(Types::NUMBER),
            patterns: strings(parts, "pattern")
                .into_iter()
                .map(|(pattern, _)| pattern)
                .collect(),
            format: strings(parts, "format").first().map(|(format, _)| *format),
        }
    }
}
