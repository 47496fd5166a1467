//! The schema the model is shown: the strict subset of structured outputs, derived from any
//! operator's schema.
//!
//! The subset (OpenAI, "Structured Outputs", supported schemas) knows types, `enum`, nested
//! `anyOf`, `$defs`, closed objects whose properties are all required, `pattern`, some formats,
//! numeric limits and the number of items. What an operator's schema says beyond that is left out
//! and listed: every task meets the operator's own schema here, whatever the model was told. An
//! optional property is asked for as "or null"; [`without_model_nulls`] takes those `null`s back
//! out before the task meets the operator's schema.

mod derive;
mod keywords;
mod limits;
mod nulls;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use nulls::without_model_nulls;

use super::conjunction::ExpandError;

/// The schema of one task as the model is shown it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSchema {
    /// The schema, in the strict subset. Its definitions stand in `$defs` at its root.
    pub schema: Value,
    /// What the operator's schema says and this one does not, in the order it was met.
    pub relaxed: Vec<Relaxation>,
    /// JSON Pointers into `schema`: properties that may be `null` for the model only.
    pub nullable: Vec<String>,
}

/// One rule the model is not told in the schema. The check enforces it all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// Where the rule stands in the operator's schema, as a JSON Pointer.
    pub pointer: String,
    /// The rule's keyword.
    pub keyword: String,
    /// Why it was left out or changed, and what follows.
    pub why: String,
}

/// Why a schema has no form in the strict subset. The way out is always the same: ask for JSON
/// without a schema, describe the schema in words, and check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// An object that is required has members whose names are not known beforehand.
    #[error(
        "the object at {pointer:?} has members with free names, which cannot be described to the model"
    )]
    OpenObject {
        /// Where in the operator's schema.
        pointer: String,
    },
    /// A keyword holds what the subset has no words for.
    #[error("{keyword} at {pointer:?} cannot be described to the model: {why}")]
    Inexpressible {
        /// Where in the operator's schema.
        pointer: String,
        /// Which keyword.
        keyword: String,
        /// What it holds.
        why: String,
    },
    /// Nothing satisfies the schema at that place.
    #[error("nothing satisfies the schema at {pointer:?}")]
    Contradiction {
        /// Where in the operator's schema.
        pointer: String,
    },
    /// A reference leads out of the schema or nowhere. Nothing is ever fetched.
    #[error("the reference {reference:?} at {pointer:?} cannot be followed")]
    Reference {
        /// Where the reference stands.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// The schema does not describe a JSON object.
    #[error("a task is a JSON object, and the schema describes something else")]
    NotAnObject,
    /// The derived schema is larger than endpoints accept.
    #[error("the schema for the model has {found} {what}, {limit} are allowed")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is; at least so much.
        found: usize,
        /// How much is allowed.
        limit: usize,
    },
}

impl StrictError {
    /// A stable name for the kind of error.
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

    /// Whether trying the same again makes sense: never, the schema has to change first.
    #[must_use]
    pub fn retry(&self) -> bool {
        false
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            StrictError::OpenObject { .. } => {
                "Name the members in properties, or make the object optional. Until then the model is told the schema in words."
            }
            StrictError::Inexpressible { .. } => {
                "The model is told the schema in words instead; every task is checked all the same."
            }
            StrictError::Contradiction { .. } => {
                "Correct the schema: two of its rules exclude each other."
            }
            StrictError::Reference { .. } => {
                "Copy what it refers to into $defs and refer to it as #/$defs/name."
            }
            StrictError::NotAnObject => {
                "Choose a schema whose type is object; a body template can wrap the task."
            }
            StrictError::TooLarge { .. } => {
                "Use a smaller schema, or let the model be told it in words: every task is checked all the same."
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
/// [`StrictError`] where the schema has no form in the subset, or one beyond its limits.
pub fn model_schema(schema: &Value) -> Result<ModelSchema, StrictError> {
    let derived = derive::derive(schema)?;
    limits::check(&envelope(&derived.schema)?)?;
    Ok(derived)
}

/// The schema of a whole answer, `{"tasks": [ … ]}`, from that of one task; the definitions are
/// lifted to its root, where references look for them.
///
/// # Errors
/// [`StrictError::NotAnObject`] where the task's schema is no JSON object.
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
