//! The shape of a task: the operator's schema, what it says of a task, and what is derived from
//! it for the model and for the page.
//!
//! `strict` derives what the model is shown; `sample` makes instances; `lint` looks at a batch as
//! a whole; `roles` guesses which member is key, title and dependencies; `validator` is the only
//! user of the jsonschema crate. Everyone else sees [`Check`] alone, so that the heavy validator
//! stays out of whatever can do without it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;

mod conjunction;
pub mod lint;
mod pattern;
pub mod roles;
pub mod sample;
pub mod strict;
pub mod validator;

pub use roles::{Roles, UNIQUE_KEY};

/// Schemas longer than this are refused: 1 MiB.
pub const MAX_SCHEMA_BYTES: usize = 1 << 20;

/// One rule that a task breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Where in the task, as a JSON Pointer; empty for the task itself.
    pub instance_path: String,
    /// Which rule, as a JSON Pointer into the schema; empty for rules of JSON itself.
    pub schema_path: String,
    /// The schema keyword, or `duplicateKey`.
    pub keyword: String,
    /// What is wrong, in words.
    pub message: String,
}

/// Says what is wrong with a task. Implemented by [`validator::Validator`].
pub trait Check: Send + Sync {
    /// Every violation, in the order of the schema; none for a valid task. Member names that stand
    /// twice in one object are violations too: no two parsers agree on what they mean.
    fn check(&self, task: &Document) -> Vec<Violation>;
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("the schema is not JSON: {reason}")]
    NotJson {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// It is JSON but not a JSON Schema.
    #[error("this is not a valid JSON Schema, at {pointer:?}: {reason}")]
    NotASchema {
        /// Where in the schema, as a JSON Pointer.
        pointer: String,
        /// What is wrong there.
        reason: String,
    },
    /// A `$ref` or `$schema` names a document that is not part of this one.
    #[error("the schema refers to {uri}, which is not part of it")]
    RemoteReference {
        /// The address it names.
        uri: String,
    },
    /// A local `$ref` leads nowhere.
    #[error("the schema's reference {reference} leads nowhere")]
    DanglingReference {
        /// What was to be found.
        reference: String,
    },
    /// The schema's text is longer than [`MAX_SCHEMA_BYTES`].
    #[error("the schema is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl SchemaError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SchemaError::NotJson { .. } => "schema_not_json",
            SchemaError::NotASchema { .. } => "schema_invalid",
            SchemaError::RemoteReference { .. } => "schema_remote_reference",
            SchemaError::DanglingReference { .. } => "schema_dangling_reference",
            SchemaError::TooLong { .. } => "schema_too_long",
        }
    }

    /// Whether trying the same again makes sense: never, a schema has to change first.
    #[must_use]
    pub fn retry(&self) -> bool {
        false
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SchemaError::NotJson { .. } => {
                "Paste the whole JSON document, without comments or trailing commas."
            }
            SchemaError::NotASchema { .. } => {
                "Correct the schema at that place; $schema says which draft it is read as."
            }
            SchemaError::RemoteReference { .. } => {
                "Other documents are never fetched. Copy what it refers to into $defs and refer to it as #/$defs/name."
            }
            SchemaError::DanglingReference { .. } => {
                "Define what it refers to in $defs, or correct the reference."
            }
            SchemaError::TooLong { .. } => "Use a smaller schema.",
        }
    }
}

/// A task schema as the operator gave it: its exact text, and what was read from it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskSchema {
    inner: Arc<TaskSchemaParts>,
}

#[derive(Debug, PartialEq)]
struct TaskSchemaParts {
    name: String,
    text: String,
    value: Value,
    roles: Roles,
}

impl TaskSchema {
    /// Reads a schema from text. Whether it is a valid schema is found by compiling it
    /// ([`validator::Validator::compile`]); here it must be a JSON object.
    ///
    /// # Errors
    /// [`SchemaError::NotJson`], [`SchemaError::NotASchema`], [`SchemaError::TooLong`].
    pub fn parse(text: &str) -> Result<TaskSchema, SchemaError> {
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(SchemaError::TooLong {
                limit: MAX_SCHEMA_BYTES,
            });
        }
        let document = Document::parse(text).map_err(|error| SchemaError::NotJson {
            reason: error.to_string(),
        })?;
        let value = document.root().to_value();
        if !value.is_object() {
            return Err(SchemaError::NotASchema {
                pointer: String::new(),
                reason: "a task schema is a JSON object".to_owned(),
            });
        }
        let name = value
            .get("title")
            .and_then(Value::as_str)
            .filter(|title| !title.trim().is_empty())
            .unwrap_or("task schema")
            .to_owned();
        let roles = Roles::guess(&value);
        Ok(TaskSchema {
            inner: Arc::new(TaskSchemaParts {
                name,
                text: document.text().to_owned(),
                value,
                roles,
            }),
        })
    }

    /// Its title, or a plain word where it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its exact text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The schema as a value, members in their order.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.inner.value
    }

    /// Which members of a task are its key, its title and its dependencies.
    #[must_use]
    pub fn roles(&self) -> &Roles {
        &self.inner.roles
    }
}

/// The default task schema, `agent-task`, as JSON text.
#[must_use]
pub fn agent_task_schema() -> &'static str {
    include_str!("agent-task.schema.json")
}

/// The example schema for servers whose tasks are actions with arguments, as JSON text.
#[must_use]
pub fn agent_action_schema() -> &'static str {
    include_str!("agent-action.schema.json")
}
