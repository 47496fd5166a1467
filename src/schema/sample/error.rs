//! Why no sample could be made.

use crate::schema::conjunction::ExpandError;

/// Why no instance of a schema could be made. Each names the place in the schema, as a JSON
/// Pointer, and the keyword.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// A keyword holds what the generator does not understand.
    #[error("the generator cannot follow {keyword} at {pointer:?}: {why}")]
    Unsupported {
        /// Where in the schema.
        pointer: String,
        /// Which keyword.
        keyword: String,
        /// What it holds.
        why: String,
    },
    /// Nothing satisfies the schema at that place.
    #[error("nothing satisfies {keyword} at {pointer:?}: {why}")]
    Contradiction {
        /// Where in the schema.
        pointer: String,
        /// Which keyword.
        keyword: String,
        /// What contradicts what.
        why: String,
    },
    /// A reference leads out of the schema or nowhere. Nothing is ever fetched.
    #[error("the reference {reference:?} at {pointer:?} cannot be followed")]
    Reference {
        /// Where the reference stands.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// The schema asks for instances that are nested without end, or larger than the generator
    /// makes them.
    #[error("an instance would become too large at {pointer:?}")]
    TooLarge {
        /// Where in the schema the generator gave up.
        pointer: String,
    },
    /// Instances were made, and the check found each of them wrong.
    #[error(
        "none of {attempts} samples was valid; the last broke {keyword} at {schema_path:?}: {message}"
    )]
    NotSatisfied {
        /// How many were made.
        attempts: u32,
        /// Where in the last sample, as a JSON Pointer.
        instance_path: String,
        /// Which rule, as a JSON Pointer into the schema.
        schema_path: String,
        /// The rule's keyword.
        keyword: String,
        /// What the check said.
        message: String,
    },
}

impl SampleError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SampleError::Unsupported { .. } => "sample_unsupported",
            SampleError::Contradiction { .. } => "sample_contradiction",
            SampleError::Reference { .. } => "sample_reference",
            SampleError::TooLarge { .. } => "sample_too_large",
            SampleError::NotSatisfied { .. } => "sample_not_satisfied",
        }
    }

    /// Whether another seed may succeed with the same schema.
    #[must_use]
    pub fn retry(&self) -> bool {
        matches!(self, SampleError::NotSatisfied { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SampleError::Unsupported { .. } => {
                "Write that rule more simply, or make the member optional: a dry run leaves it out."
            }
            SampleError::Contradiction { .. } => {
                "Correct the schema: two of its rules exclude each other."
            }
            SampleError::Reference { .. } => {
                "Copy what it refers to into $defs and refer to it as #/$defs/name."
            }
            SampleError::TooLarge { .. } => {
                "Give the schema an end: make the member that contains itself optional, or lower the minimum."
            }
            SampleError::NotSatisfied { .. } => {
                "Try another seed. If that fails too, the rule is one that chance does not meet: paste tasks instead."
            }
        }
    }
}

impl From<ExpandError> for SampleError {
    fn from(error: ExpandError) -> Self {
        match error {
            ExpandError::Never { pointer } => SampleError::Contradiction {
                pointer,
                keyword: "false".to_owned(),
                why: "the schema false allows nothing".to_owned(),
            },
            ExpandError::Remote { pointer, reference }
            | ExpandError::Unresolved { pointer, reference } => {
                SampleError::Reference { pointer, reference }
            }
        }
    }
}
