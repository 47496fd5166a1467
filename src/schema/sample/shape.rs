//! The constraints on one location of a sample, after all choices in the schema have been made.

use serde_json::Value;

use crate::random::SeededRng;
use crate::schema::conjunction::{
    Choice, ExpandError, Located, Subschema, enumeration, expand, required,
};

/// Maximum nesting of choices at one location.
const MAX_ROUNDS: u32 = 40;

/// The schemas that apply at a location, and what to avoid there.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape<'a> {
    /// Schema objects that all apply.
    pub(super) parts: Vec<Subschema<'a>>,
    /// Members to avoid because of a `not`, another branch or a dependency.
    pub(super) avoided: Vec<&'a str>,
    /// Excluded values.
    pub(super) excluded: Vec<&'a Value>,
    /// The number of combinations of choices; 1 if there is no choice.
    pub(super) ways: u64,
}

/// Makes all choices. Incrementing `turn` cycles through the branches of a single choice. `shallow`
/// prefers branches that end soon.
///
/// # Errors
/// A chosen branch is `false`, or a reference cannot be resolved.
pub(super) fn shape<'a>(
    root: &'a Value,
    conjuncts: Vec<Located<'a>>,
    turn: u64,
    shallow: bool,
    random: &mut SeededRng,
) -> Result<Shape<'a>, ShapeError> {
    let mut shape = Shape {
        ways: 1,
        ..Shape::default()
    };
    let mut waiting = conjuncts;
    let mut triggered: Vec<String> = Vec::new();
    for _ in 0..MAX_ROUNDS {
        let expanded = expand(root, std::mem::take(&mut waiting)).map_err(|error| ShapeError {
            error,
            ways: shape.ways,
        })?;
        for part in expanded.parts {
            if !shape
                .parts
                .iter()
                .any(|known| known.pointer == part.pointer)
            {
                record_not(&part, &mut shape);
                shape.parts.push(part);
            }
        }
        for choice in expanded.choices {
            waiting.extend(branch(&choice, turn, shallow, random, &mut shape));
        }
        for part in expanded.conditionals {
            let then = part.under("then");
            let otherwise = part.under("else");
            let holds = turn.wrapping_add(shape.ways).is_multiple_of(2);
            shape.ways = shape.ways.saturating_mul(2);
            if holds {
                waiting.extend(part.under("if"));
                waiting.extend(then);
            } else {
                record_denied(part.under("if"), &mut shape);
                waiting.extend(otherwise);
            }
        }
        if waiting.is_empty() {
            waiting.extend(dependents(&mut shape, &mut triggered));
        }
        if waiting.is_empty() {
            break;
        }
    }
    Ok(shape)
}

/// Why the choices could not be made, and the number of combinations found until then.
pub(super) struct ShapeError {
    pub(super) error: ExpandError,
    pub(super) ways: u64,
}

/// Picks a branch. For `oneOf`, records how to violate the other branches.
fn branch<'a>(
    choice: &Choice<'a>,
    turn: u64,
    shallow: bool,
    random: &mut SeededRng,
    shape: &mut Shape<'a>,
) -> Option<Located<'a>> {
    let count = choice.branches.len() as u64;
    shape.ways = shape.ways.saturating_mul(count.max(1));
    let preferred: Vec<u64> = (0u64..)
        .zip(&choice.branches)
        .filter(|(_, branch)| {
            if shallow {
                ends_soon(branch.schema)
            } else {
                !is_null(branch.schema)
            }
        })
        .map(|(index, _)| index)
        .collect();
    // The first turn starts at a random preferred branch; further turns cycle through the rest.
    let usual = random.chance(7, 8) || shallow;
    let start = random
        .pick(&preferred)
        .copied()
        .filter(|_| usual)
        .unwrap_or_else(|| random.below(count));
    let chosen = (start + turn % count.max(1)) % count.max(1);
    if choice.keyword == "oneOf" {
        for (index, other) in (0u64..).zip(&choice.branches) {
            if index != chosen {
                record_denied(Some(other.clone()), shape);
            }
        }
    }
    choice
        .branches
        .get(usize::try_from(chosen).unwrap_or(0))
        .cloned()
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
        || schema.get("const").is_some_and(Value::is_null)
}

/// Whether a branch is neither a reference nor a container.
fn ends_soon(schema: &Value) -> bool {
    schema.get("$ref").is_none()
        && !matches!(
            schema.get("type").and_then(Value::as_str),
            Some("object" | "array")
        )
        && schema.get("properties").is_none()
}

/// Records the simple forms of `not`.
fn record_not<'a>(part: &Subschema<'a>, shape: &mut Shape<'a>) {
    let Some(denied) = part.under("not") else {
        return;
    };
    let listed = denied.schema.get("anyOf").and_then(Value::as_array);
    for branch in listed.into_iter().flatten() {
        record_denied(
            Some(Located {
                schema: branch,
                pointer: denied.pointer.clone(),
            }),
            shape,
        );
    }
    record_denied(Some(denied), shape);
}

/// Records how to violate a schema in simple cases: omit a member that it requires, or exclude its
/// values.
fn record_denied<'a>(denied: Option<Located<'a>>, shape: &mut Shape<'a>) {
    let Some(map) = denied.as_ref().and_then(|denied| denied.schema.as_object()) else {
        return;
    };
    let part = Subschema {
        map,
        pointer: String::new(),
    };
    if map.keys().all(|key| key == "required" || key == "type") {
        let needed = required(&shape.parts);
        let omitted = required(std::slice::from_ref(&part))
            .into_iter()
            .find(|name| !needed.contains(name));
        shape.avoided.extend(omitted);
    }
    if map
        .keys()
        .all(|key| matches!(key.as_str(), "enum" | "const" | "type"))
    {
        shape
            .excluded
            .extend(enumeration(&[part]).unwrap_or_default());
    }
}

/// The schemas that `dependentSchemas` (formerly `dependencies`) adds for required members. Optional
/// members that would add a schema are avoided.
fn dependents<'a>(shape: &mut Shape<'a>, triggered: &mut Vec<String>) -> Vec<Located<'a>> {
    let needed = required(&shape.parts);
    let mut added = Vec::new();
    let mut avoided = Vec::new();
    for part in &shape.parts {
        for (name, schema) in ["dependentSchemas", "dependencies"]
            .iter()
            .flat_map(|keyword| part.named(keyword))
            .filter(|(_, schema)| !schema.schema.is_array())
        {
            if triggered.contains(&schema.pointer) {
                continue;
            }
            if needed.contains(&name) {
                triggered.push(schema.pointer.clone());
                added.push(schema);
            } else {
                avoided.push(name);
            }
        }
    }
    shape.avoided.extend(avoided);
    added
}
