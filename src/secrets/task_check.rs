//! A check that also rejects tasks with a held secret in them.

use std::sync::{Arc, PoisonError, RwLock};

use super::Redactor;
use crate::document::Document;
use crate::schema::{Check, RuleData, Violation};

/// The keyword of the violation of a task that contains a held secret.
pub const HELD_SECRET: &str = "heldSecret";

/// The redactor for the secrets that a keyring holds at the moment. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct CurrentRedactor {
    current: Arc<RwLock<Arc<Redactor>>>,
}

impl CurrentRedactor {
    pub fn get(&self) -> Arc<Redactor> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn set(&self, redactor: Redactor) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(redactor);
    }
}

/// Checks a task by the schema, and that it contains no secret that is held when it is checked.
pub(super) struct TaskCheck {
    pub schema: Arc<dyn Check>,
    pub redactor: CurrentRedactor,
}

impl Check for TaskCheck {
    fn check(&self, task: &Document) -> Vec<Violation> {
        let violations = self.schema.check(task);
        let redactor = self.redactor.get();
        let Some(slot) = redactor.find_in_task(task.text()) else {
            return violations;
        };
        let label = slot.label();
        let held_secret = Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: HELD_SECRET.to_owned(),
            message: format!("the task contains the {label}, so it cannot be approved or posted"),
            ..Violation::default()
        };
        // The other messages may quote the task, and the schema may allow only the secret.
        std::iter::once(held_secret)
            .chain(violations.into_iter().map(|violation| Violation {
                instance_path: redactor.redact(&violation.instance_path),
                message: redactor.redact(&violation.message),
                rule: RuleData::default(),
                ..violation
            }))
            .collect()
    }
}
