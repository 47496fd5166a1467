//! The schema that every task must satisfy.

use std::path::Path;

use serde_json::Value;
use taskwright::document::Document;
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, Violation, agent_task_schema};

/// A schema, both as written and compiled.
pub struct EnforcedSchema {
    is_built_in: bool,
    text: String,
    value: Value,
    validator: Box<dyn Check>,
}

/// Why a schema cannot be enforced.
#[derive(Debug, thiserror::Error)]
pub enum EnforcedSchemaError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The file is not JSON.
    #[error("the file is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The JSON is not a schema, or has a `$ref` to another document.
    #[error("the schema cannot be enforced: {0}")]
    NotASchema(String),
}

impl EnforcedSchema {
    /// Loads the schema in `file`; the built-in `agent-task` by default.
    ///
    /// # Errors
    /// [`EnforcedSchemaError`].
    pub fn load(file: Option<&Path>) -> Result<Self, EnforcedSchemaError> {
        match file {
            Some(file) => Self::compile(std::fs::read_to_string(file)?, false),
            None => Self::compile(agent_task_schema().to_owned(), true),
        }
    }

    fn compile(text: String, is_built_in: bool) -> Result<Self, EnforcedSchemaError> {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let value: Value = serde_json::from_str(&text)?;
        let validator = Validator::compile(&value, &ValidatorOptions::default())
            .map_err(|error| EnforcedSchemaError::NotASchema(error.to_string()))?;
        Ok(Self {
            is_built_in,
            text,
            value,
            validator: Box::new(validator),
        })
    }

    /// The violations of the schema in `task`.
    #[must_use]
    pub fn check(&self, task: &Document) -> Vec<Violation> {
        self.validator.check(task)
    }

    /// Whether this is `agent-task`, which the page has built in as well.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.is_built_in
    }

    /// The schema as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The schema as a JSON value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }
}
