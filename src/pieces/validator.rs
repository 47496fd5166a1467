//! The validator: the largest piece. Nothing on the first screen needs it.

use std::sync::Arc;

use super::piece_entry;
use crate::schema::validator::{Validator, ValidatorOptions};
use crate::schema::{Check, SchemaError, TaskSchema};

piece_entry! {
    /// Compiles a task schema, and returns the check of tasks.
    ///
    /// # Errors
    /// `NotLoaded` if the validator could not be loaded; inside, what is wrong with the schema.
    validator(load): pub fn compile(schema: TaskSchema) -> Result<Arc<dyn Check>, SchemaError> {
        Validator::compile(schema.value(), &ValidatorOptions::default())
            .map(|validator| Arc::new(validator) as Arc<dyn Check>)
    }
}
