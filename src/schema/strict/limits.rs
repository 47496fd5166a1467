//! Size limits of a strict schema (OpenAI, "Structured Outputs", supported schemas).

use serde_json::Value;

use super::StrictError;

const MAX_PROPERTIES: usize = 5_000;
/// Nested objects. Endpoints do not document whether a list counts as a level; here it does not.
const MAX_LEVELS: usize = 10;
/// Characters in the names of properties and definitions and in enum values.
const MAX_CHARACTERS: usize = 120_000;
const MAX_ENUM_VALUES: usize = 1_000;
/// Enums with more values than this are also limited in characters.
const LONG_ENUM: usize = 250;
const MAX_LONG_ENUM_CHARACTERS: usize = 15_000;

#[derive(Default)]
struct Sizes {
    properties: usize,
    levels: usize,
    characters: usize,
    enum_values: usize,
    long_enum_characters: usize,
}

/// Checks the schema of a complete response.
///
/// # Errors
/// [`StrictError::TooLarge`] for the first limit exceeded.
pub(super) fn check(schema: &Value) -> Result<(), StrictError> {
    let mut sizes = Sizes::default();
    measure(schema, 0, &mut sizes);
    let limits = [
        ("properties", sizes.properties, MAX_PROPERTIES),
        ("levels of nested objects", sizes.levels, MAX_LEVELS),
        (
            "characters in names and values",
            sizes.characters,
            MAX_CHARACTERS,
        ),
        ("enum values", sizes.enum_values, MAX_ENUM_VALUES),
        (
            "characters in one long enum",
            sizes.long_enum_characters,
            MAX_LONG_ENUM_CHARACTERS,
        ),
    ];
    match limits.into_iter().find(|(_, found, limit)| found > limit) {
        Some((what, found, limit)) => Err(StrictError::TooLarge { what, found, limit }),
        None => Ok(()),
    }
}

fn measure(schema: &Value, level: usize, sizes: &mut Sizes) {
    let named = |keyword: &str| schema.get(keyword).and_then(Value::as_object);
    let level = level + usize::from(named("properties").is_some());
    sizes.levels = sizes.levels.max(level);
    for (name, inner) in named("properties").into_iter().flatten() {
        sizes.properties += 1;
        sizes.characters += name.chars().count();
        measure(inner, level, sizes);
    }
    for (name, inner) in named("$defs").into_iter().flatten() {
        sizes.characters += name.chars().count();
        measure(inner, 0, sizes);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let characters: usize = values
            .iter()
            .map(|value| match value.as_str() {
                Some(text) => text.chars().count(),
                None => value.to_string().len(),
            })
            .sum();
        sizes.enum_values += values.len();
        sizes.characters += characters;
        if values.len() > LONG_ENUM {
            sizes.long_enum_characters = sizes.long_enum_characters.max(characters);
        }
    }
    let branches = schema.get("anyOf").and_then(Value::as_array);
    for inner in branches.into_iter().flatten().chain(schema.get("items")) {
        measure(inner, level, sizes);
    }
}
