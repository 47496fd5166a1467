//! Errors of the sample generator.

use crate::schema::conjunction::ExpandError;

/// Why no instance of a schema could be generated. Pointers are JSON Pointers into the schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// A keyword has a value that the generator does not support.
    #[error("the generator does not support {keyword} at “{pointer}”: {why}")]
    Unsupported {
        /// The location in the schema.
        pointer: String,
        /// The keyword.
        keyword: String,
        /// What is not supported.
        why: String,
    },
    /// Nothing satisfies the schema at this location.
    #[error("nothing satisfies {keyword} at “{pointer}”: {why}")]
    Contradiction {
        /// The location in the schema.
        pointer: String,
        /// The keyword.
        keyword: String,
        /// The contradiction.
        why: String,
    },
    /// A reference to another document or without a target. Nothing is ever fetched.
    #[error("the reference “{reference}” at “{pointer}” cannot be resolved")]
    Reference {
        /// The location of the reference.
        pointer: String,
        /// The reference as written.
        reference: String,
    },
    /// Instances would be nested without end or exceed the generator's limits.
    #[error("an instance would become too large at “{pointer}”")]
    TooLarge {
        /// The location in the schema at which the generator gave up.
        pointer: String,
    },
    /// All generated instances are invalid.
    #[error(
        "none of {attempts} samples was valid; the last one violates {keyword} at “{schema_path}”: {message}"
    )]
    NotSatisfied {
        /// The number of instances generated.
        attempts: u32,
        /// The location in the last sample, as a JSON Pointer.
        instance_path: String,
        /// The rule, as a JSON Pointer into the schema.
        schema_path: String,
        /// The rule's keyword.
        keyword: String,
        /// The violation's message.
        message: String,
    },
}

impl SampleError {
    /// A stable identifier for the kind of error.
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
                "Simplify the rule, or make the member optional so that dry runs can omit it."
            }
            SampleError::Contradiction { .. } => {
                "Correct the schema: two of its rules contradict each other."
            }
            SampleError::Reference { .. } => {
                "Copy the definition into $defs and refer to it as #/$defs/name."
            }
            SampleError::TooLarge { .. } => {
                "Make the member that contains itself optional, or lower the minimum."
            }
            SampleError::NotSatisfied { .. } => {
                "Try another seed. If that fails too, random samples cannot satisfy the rule; import tasks instead."
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
                why: "the schema is false, which allows nothing".to_owned(),
            },
            ExpandError::Remote { pointer, reference }
            | ExpandError::Unresolved { pointer, reference } => {
                SampleError::Reference { pointer, reference }
            }
        }
    }
}
