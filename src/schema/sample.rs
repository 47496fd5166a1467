//! Generates instances of a JSON Schema from a seed: the tasks of dry runs and of the testbed's
//! model.
//!
//! The generator follows types, `enum`, `const`, numeric limits, `multipleOf`, lengths, `pattern`,
//! `format`, all keywords of arrays and objects, `allOf`, `anyOf`, `oneOf`, `if`, simple `not`, and
//! local references, including recursive ones. Rules that only random attempts can meet (`not`,
//! the exclusiveness of `oneOf`, `unevaluated…`) are left to a [`Check`]: [`sample_valid`] generates
//! instances until one is valid by the operator's own schema.

mod error;
mod formats;
mod hints;
mod instance;
mod number;
mod shape;
mod text;

use serde_json::Value;

pub use error::SampleError;
pub use hints::Hints;

use super::Check;
use super::conjunction::Located;
use crate::document::Document;
use crate::random::SeededRng;

/// How many optional members and items a sample has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// Only required ones.
    Required,
    /// About half of the optional ones.
    Some,
    /// All that can be generated.
    All,
}

/// Generates an instance of a schema. `schema` may be any part of `root`, in which its local
/// references are resolved. Members are in the order of the schema. The same arguments and
/// generator state produce the same value on every platform.
///
/// The value may be invalid if the schema has rules that only random attempts can meet; use
/// [`sample_valid`] for a valid one.
///
/// # Errors
/// [`SampleError`] with the location and keyword that cannot be met.
pub fn sample(schema: &Value, root: &Value, random: &mut SeededRng) -> Result<Value, SampleError> {
    sample_with(schema, root, random, &Hints::default(), Fullness::Some)
}

/// Like [`sample`], with hints for texts and a given fullness.
///
/// # Errors
/// As [`sample`].
pub fn sample_with(
    schema: &Value,
    root: &Value,
    random: &mut SeededRng,
    hints: &Hints,
    fullness: Fullness,
) -> Result<Value, SampleError> {
    let start = Located {
        schema,
        pointer: String::new(),
    };
    instance::Sampler::new(root, random, hints, fullness).instance(vec![start])
}

/// Generates instances of a schema, at most `attempts`, until one passes the check. Returns it as
/// compact JSON with members in the order of the schema.
///
/// # Errors
/// [`SampleError::NotSatisfied`] with the last violation if none of the instances was valid, or the
/// reason why none could be generated.
pub fn sample_valid(
    schema: &Value,
    check: &dyn Check,
    random: &mut SeededRng,
    hints: &Hints,
    attempts: u32,
) -> Result<Document, SampleError> {
    sample_adjusted(schema, check, random, hints, attempts, &mut |_, _| {})
}

/// Like [`sample_valid`], but calls `adjust` with each instance and the number of the attempt, from
/// 0, before the check.
///
/// # Errors
/// As [`sample_valid`].
pub fn sample_adjusted(
    schema: &Value,
    check: &dyn Check,
    random: &mut SeededRng,
    hints: &Hints,
    attempts: u32,
    adjust: &mut dyn FnMut(&mut Value, u32),
) -> Result<Document, SampleError> {
    let mut last = SampleError::TooLarge {
        pointer: String::new(),
    };
    for attempt in 0..attempts {
        let fullness = match attempt % 4 {
            0 | 1 => Fullness::Some,
            2 => Fullness::Required,
            _ => Fullness::All,
        };
        let mut value = match sample_with(schema, schema, random, hints, fullness) {
            Ok(value) => value,
            Err(error) => {
                last = error;
                continue;
            }
        };
        adjust(&mut value, attempt);
        // Skip samples that are nested too deeply for a document.
        let Ok(document) = Document::parse(&value.to_string()) else {
            continue;
        };
        match check.check(&document).into_iter().next() {
            None => return Ok(document),
            Some(violation) => {
                last = SampleError::NotSatisfied {
                    attempts: attempt + 1,
                    instance_path: violation.instance_path,
                    schema_path: violation.schema_path,
                    keyword: violation.keyword,
                    message: violation.message,
                };
            }
        }
    }
    Err(last)
}
