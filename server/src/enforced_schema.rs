//! The schema that every task must satisfy.

use std::path::Path;

use serde_json::Value;
use taskwright::document::Document;
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Violation, agent_task_schema};

/// A schema, as it was written and ready to check.
pub struct EnforcedSchema {
    text: String,
    value: Value,
    validator: Box<dyn Check>,
}

/// Why a schema cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum EnforcedSchemaError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The JSON is not a schema, or refers to one that is not in it.
    #[error("it cannot be enforced: {0}")]
    NotASchema(String),
}

impl EnforcedSchema {
    /// Reads the schema in `file`, or takes the built-in `agent-task`.
    ///
    /// # Errors
    /// See [`EnforcedSchemaError`].
    pub fn load(file: Option<&Path>) -> Result<Self, EnforcedSchemaError> {
        match file {
            Some(file) => Self::compile(std::fs::read_to_string(file)?),
            None => Self::compile(agent_task_schema().to_owned()),
        }
    }

    fn compile(text: String) -> Result<Self, EnforcedSchemaError> {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let value: Value = serde_json::from_str(&text)?;
        let validator = Validator::compile(&value, &ValidatorOptions::default())
            .map_err(|error| EnforcedSchemaError::NotASchema(error.to_string()))?;
        Ok(Self {
            text,
            value,
            validator: Box::new(validator),
        })
    }

    /// What of a task breaks the schema.
    #[must_use]
    pub fn check(&self, task: &Document) -> Vec<Violation> {
        self.validator.check(task)
    }

    /// The schema as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The schema as a value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}
