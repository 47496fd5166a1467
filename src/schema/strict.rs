//! Derives the schema shown to the model: the strict subset of structured outputs.
//!
//! The subset (OpenAI, "Structured Outputs", supported schemas) has types, `enum`, nested `anyOf`,
//! `$defs`, closed objects whose properties are all required, `pattern`, some formats, numeric
//! limits and the number of items. All other rules of the operator's schema are omitted and listed
//! as relaxations; tasks are still validated against the operator's schema. Optional properties
//! become nullable; [`without_model_nulls`] removes those `null`s before validation.

mod derive;
mod keywords;
mod limits;
mod nulls;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use nulls::without_model_nulls;

use super::conjunction::ExpandError;

/// The schema of one task as shown to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSchema {
    /// The schema, in the strict subset, with its definitions in `$defs` at the root.
    pub schema: Value,
    /// The rules of the operator's schema that this one omits, in the order of discovery.
    pub relaxed: Vec<Relaxation>,
    /// JSON Pointers into `schema` to properties that may be `null` for the model only.
    pub nullable: Vec<String>,
}

/// A rule that the model's schema omits or changes. Validation still enforces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// The location of the rule in the operator's schema, as a JSON Pointer.
    pub pointer: String,
    /// The rule's keyword.
    pub keyword: String,
    /// Why it was omitted or changed, and the consequence.
    pub why: String,
}

/// Why a schema cannot be expressed in the strict subset. The fallback is always the same: request
/// JSON without a schema, include the schema in the prompt, and validate. Pointers are JSON Pointers
/// into the operator's schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// A required object has members whose names are not known in advance.
    #[error(
        "the object at “{pointer}” has members with arbitrary names, which the model's schema cannot describe"
    )]
    OpenObject {
        /// The location of the object.
        pointer: String,
    },
    /// A keyword has a value that the subset cannot express.
    #[error("the model's schema cannot express {keyword} at “{pointer}”: {why}")]
    Inexpressible {
        /// The location in the schema.
        pointer: String,
        /// The keyword.
        keyword: String,
        /// What cannot be expressed.
        why: String,
    },
    /// Nothing satisfies the schema at this location.
    #[error("nothing satisfies the schema at “{pointer}”")]
    Contradiction {
        /// The location in the schema.
        pointer: String,
    },
    /// A reference to another document or without a target. Nothing is ever fetched.
    #[error("the reference “{reference}” at “{pointer}” cannot be resolved")]
    Reference {
        /// The location of the reference.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// The schema does not describe a JSON object.
    #[error("a task must be a JSON object, but the schema describes something else")]
    NotAnObject,
    /// The derived schema exceeds the limits of endpoints.
    #[error("the model's schema has {found} {what}; the limit is {limit}")]
    TooLarge {
        /// The quantity that is too large.
        what: &'static str,
        /// Its size, or a lower bound of it.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

impl StrictError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            StrictError::OpenObject { .. } => "strict_open_object",
            StrictError::Inexpressible { .. } => "strict_inexpressible",
            StrictError::Contradiction { .. } => "strict_contradiction",
            StrictError::Reference { .. } => "strict_reference",
            StrictError::NotAnObject => "strict_not_an_object",
            StrictError::TooLarge { .. } => "strict_too_large",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StrictError::OpenObject { .. } => {
                "List the members in properties, or make the object optional. Until then the prompt describes the schema instead."
            }
            StrictError::Inexpressible { .. } => {
                "The prompt describes the schema instead. Every task is still validated."
            }
            StrictError::Contradiction { .. } => {
                "Correct the schema: two of its rules contradict each other."
            }
            StrictError::Reference { .. } => {
                "Copy the definition into $defs and refer to it as #/$defs/name."
            }
            StrictError::NotAnObject => {
                "Use a schema of type object. A body template can wrap the task if the server expects another shape."
            }
            StrictError::TooLarge { .. } => {
                "Use a smaller schema. Until then the prompt describes the schema instead, and every task is still validated."
            }
        }
    }
}

impl From<ExpandError> for StrictError {
    fn from(error: ExpandError) -> Self {
        match error {
            ExpandError::Never { pointer } => StrictError::Contradiction { pointer },
            ExpandError::Remote { pointer, reference }
            | ExpandError::Unresolved { pointer, reference } => {
                StrictError::Reference { pointer, reference }
            }
        }
    }
}

/// Derives the schema of one task in the strict subset.
///
/// # Errors
/// [`StrictError`] if the subset cannot express the schema, or its limits are exceeded.
pub fn model_schema(schema: &Value) -> Result<ModelSchema, StrictError> {
    let derived = derive::derive(schema)?;
    limits::check(&envelope(&derived.schema)?)?;
    Ok(derived)
}

/// Builds the schema of a complete response, `{"tasks": [ … ]}`, from the schema of one task. Moves
/// the definitions to the root, where references are resolved.
///
/// # Errors
/// [`StrictError::NotAnObject`] if the task's schema is not a JSON object.
pub fn envelope(model_schema: &Value) -> Result<Value, StrictError> {
    let mut task: Map<String, Value> = model_schema
        .as_object()
        .cloned()
        .ok_or(StrictError::NotAnObject)?;
    let definitions = task.shift_remove("$defs");
    let mut envelope = json!({
        "type": "object",
        "properties": {"tasks": {"type": "array", "items": task}},
        "required": ["tasks"],
        "additionalProperties": false,
    });
    if let (Some(definitions), Some(map)) = (definitions, envelope.as_object_mut()) {
        map.insert("$defs".to_owned(), definitions);
    }
    Ok(envelope)
}
