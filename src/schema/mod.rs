//! The task schema: validation, and everything derived from the schema.
//!
//! `strict` derives the schema shown to the model; `sample` generates instances; `lint` checks a
//! batch of tasks; `roles` guesses which members are the task key, the title and the dependencies.
//! `validator` is the only user of the jsonschema crate. All other code depends on the [`Check`]
//! trait only, which keeps the large validator out of code that does not need it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;

mod conjunction;
pub(crate) mod guide;
pub mod lint;
mod pattern;
pub mod roles;
mod rule_data;
pub mod sample;
pub mod starting_value;
pub mod strict;
pub mod validator;
pub(crate) mod value_kind;
pub(crate) mod value_limits;

pub use roles::{Roles, UNIQUE_KEY};
pub use rule_data::RuleData;

/// Maximum length of a schema, in bytes: 1 MiB.
pub const MAX_SCHEMA_BYTES: usize = 1 << 20;

/// A rule that a task violates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Violation {
    /// The location in the task, as a JSON Pointer; empty for the task itself.
    pub instance_path: String,
    /// The rule, as a JSON Pointer into the schema; empty for rules that no schema states.
    pub schema_path: String,
    /// The schema keyword, `duplicateMember` for a duplicate member, [`UNIQUE_KEY`], `heldSecret` for a
    /// task that contains a secret, or [`validator::INCOMPLETE_CHECK`].
    pub keyword: String,
    /// A message for the operator.
    pub message: String,
    /// The rule's own data. Records from before this member was added have none.
    #[serde(default, skip_serializing_if = "RuleData::is_empty")]
    pub rule: RuleData,
}

/// Validates a task. Implemented by [`validator::Validator`].
pub trait Check: Send + Sync {
    /// Returns the violations in the order of the schema; empty for a valid task. At most
    /// [`validator::MAX_VIOLATIONS`]. Duplicate members are violations too, because parsers disagree
    /// on their meaning. A task that takes too much work to check is invalid, with a violation that
    /// says what was not checked.
    fn check(&self, task: &Document) -> Vec<Violation>;
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("the schema is not JSON: {reason}")]
    NotJson {
        /// The parser's message, with line and column.
        reason: String,
    },
    /// The text is JSON but not a JSON Schema.
    #[error("the schema is not a valid JSON Schema, at “{pointer}”: {reason}")]
    NotASchema {
        /// The location in the schema, as a JSON Pointer.
        pointer: String,
        /// What is wrong there.
        reason: String,
    },
    /// A `$ref` or `$schema` names another document.
    #[error("the schema refers to {uri}, which is not part of it")]
    RemoteReference {
        /// The URI of the document.
        uri: String,
    },
    /// The target of a local `$ref` does not exist.
    #[error("the target of the schema's reference {reference} does not exist")]
    DanglingReference {
        /// The JSON Pointer or anchor that was not found.
        reference: String,
    },
    /// A reference leads back to itself for the same value, so that validation would not end (JSON
    /// Schema 2020-12 core, section 9.4.1).
    #[error("the schema's reference {reference} leads back to itself without end")]
    EndlessRecursion {
        /// The reference as written.
        reference: String,
    },
    /// Validation against the schema would take too much memory or time.
    #[error("the schema is too complex: it has more than {limit} {what}")]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The schema's text is longer than [`MAX_SCHEMA_BYTES`].
    #[error("the schema is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl SchemaError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SchemaError::NotJson { .. } => "schema_not_json",
            SchemaError::NotASchema { .. } => "schema_invalid",
            SchemaError::RemoteReference { .. } => "schema_remote_reference",
            SchemaError::DanglingReference { .. } => "schema_dangling_reference",
            SchemaError::EndlessRecursion { .. } => "schema_endless_recursion",
            SchemaError::TooComplex { .. } => "schema_too_complex",
            SchemaError::TooLong { .. } => "schema_too_long",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SchemaError::NotJson { .. } => {
                "Paste the complete JSON document, without comments or trailing commas."
            }
            SchemaError::NotASchema { .. } => {
                "Correct the schema at that location. $schema selects the draft; without it, 2020-12 applies."
            }
            SchemaError::RemoteReference { .. } => {
                "Other documents are never fetched. Copy the definition into $defs and refer to it as #/$defs/name."
            }
            SchemaError::DanglingReference { .. } => {
                "Add the definition to $defs, or correct the reference."
            }
            SchemaError::EndlessRecursion { .. } => {
                "A definition may refer to itself for parts of a value, such as in properties or items, but not for the value itself."
            }
            SchemaError::TooComplex { .. } => {
                "Combine fewer definitions by allOf, anyOf, oneOf and $ref, or nest them less."
            }
            SchemaError::TooLong { .. } => "Use a smaller schema.",
        }
    }
}

/// A task schema: the exact text that the operator entered, and what was parsed from it.
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
    /// Parses a schema. This only requires a JSON object; compiling
    /// ([`validator::Validator::compile`]) determines whether it is a valid schema.
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
                reason: "a task schema must be a JSON object".to_owned(),
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

    /// The schema's title, or "task schema" if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The exact text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The schema as a value, with members in their original order.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.inner.value
    }

    /// The same schema, with these roles in place of those that are guessed.
    #[must_use]
    pub fn with_roles(&self, chosen: &Roles) -> TaskSchema {
        let TaskSchemaParts {
            name, text, value, ..
        } = &*self.inner;
        TaskSchema {
            inner: Arc::new(TaskSchemaParts {
                name: name.clone(),
                text: text.clone(),
                value: value.clone(),
                roles: Roles::guess(value).with(chosen),
            }),
        }
    }

    /// The members of a task that are its key, its title and its dependencies.
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

/// An example schema for servers whose tasks are actions with arguments, as JSON text.
#[must_use]
pub fn agent_action_schema() -> &'static str {
    include_str!("agent-action.schema.json")
}
