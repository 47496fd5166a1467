//! Instances of a JSON Schema, made from a seed: the tasks of a dry run, and those of the
//! testbed's model.
//!
//! Read are: types, `enum`, `const`, numeric limits, `multipleOf`, lengths, `pattern`, `format`,
//! all keywords of arrays and objects, `allOf`, `anyOf`, `oneOf`, `if`, simple `not`, and local
//! references, recursive ones too. What chance has to meet (`not`, the exclusiveness of `oneOf`,
//! `unevaluated…`) is left to a [`Check`]: [`sample_valid`] makes instances until one passes, so
//! that what it returns is valid by the operator's own schema and nothing else.

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

/// How much of what is optional a sample has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fullness {
    /// Only what is required.
    Required,
    /// About half of it.
    Some,
    /// Everything that can be made.
    All,
}

/// Makes an instance of a schema. `schema` may be any part of `root`, the document its local
/// references are looked up in. The members of objects stand in the order of the schema, so the
/// value's compact text reads like the schema. The same arguments and generator give the same
/// value on every platform.
///
/// The value is made to be valid; where the schema has rules that only chance can meet, it may
/// not be. Who needs certainty calls [`sample_valid`].
///
/// # Errors
/// [`SampleError`] naming the place and the keyword that cannot be met.
pub fn sample(schema: &Value, root: &Value, random: &mut SeededRng) -> Result<Value, SampleError> {
    sample_with(schema, root, random, &Hints::default(), Fullness::Some)
}

/// Makes an instance as [`sample`] does, with words of the caller's and as full as asked for.
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

/// Makes instances of a schema until the check finds nothing wrong with one, at most `attempts`
/// times, and returns it as a document: compact JSON, members in the order of the schema.
///
/// # Errors
/// [`SampleError::NotSatisfied`] with the last violation where instances were made but none was
/// valid; otherwise why none could be made.
pub fn sample_valid(
    schema: &Value,
    check: &dyn Check,
    random: &mut SeededRng,
    hints: &Hints,
    attempts: u32,
) -> Result<Document, SampleError> {
    sample_adjusted(schema, check, random, hints, attempts, &mut |_, _| {})
}

/// Makes instances as [`sample_valid`] does, each of them passed through `adjust` before it is
/// checked, together with the number of the attempt, from 0.
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
        // A sample nested too deeply for a document is as good as none.
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
