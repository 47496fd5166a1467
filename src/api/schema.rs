//! Schemas that callers pass.

use serde_json::Value;

use super::error::ApiError;
use crate::schema::TaskSchema;
use crate::schema::validator::{Validator, ValidatorOptions};

/// Reads a schema that is a member of other JSON.
///
/// # Errors
/// [`ApiError::Schema`].
pub fn parse(schema: &Value) -> Result<TaskSchema, ApiError> {
    Ok(TaskSchema::parse(&schema.to_string())?)
}

/// Compiles a schema with the options that tasks are checked with.
///
/// # Errors
/// [`ApiError::Schema`].
pub fn compile(schema: &TaskSchema) -> Result<Validator, ApiError> {
    Ok(Validator::compile(
        schema.value(),
        &ValidatorOptions::default(),
    )?)
}
