//! What was typed into fields and not saved yet.

use std::collections::{BTreeMap, HashMap};

use leptos::prelude::*;

use crate::review::DraftId;
use crate::review::sheet::FieldKey;

/// The texts in the open editors of fields, by task. They outlive their editors, so that opening
/// another task or tab loses nothing. Copies share them.
#[derive(Clone, Copy)]
pub struct PendingEdits(RwSignal<HashMap<DraftId, BTreeMap<FieldKey, String>>>);

impl PendingEdits {
    /// Without any text.
    #[must_use]
    pub fn new() -> PendingEdits {
        PendingEdits(RwSignal::new(HashMap::new()))
    }

    /// Whether a task has an open editor. Tracks it.
    #[must_use]
    pub fn is_any(&self, task: &DraftId) -> bool {
        self.0.with(|edits| edits.contains_key(task))
    }

    /// Whether this field has an open editor. Tracks it.
    #[must_use]
    pub fn is_open(&self, task: &DraftId, field: &FieldKey) -> bool {
        self.0.with(|edits| {
            edits
                .get(task)
                .is_some_and(|fields| fields.contains_key(field))
        })
    }

    /// The text in the editor of a field, without tracking it.
    #[must_use]
    pub fn text(&self, task: &DraftId, field: &FieldKey) -> Option<String> {
        self.0
            .with_untracked(|edits| edits.get(task)?.get(field).cloned())
    }

    /// The fields of a task with an open editor, and their texts. Tracks them.
    #[must_use]
    pub fn of(&self, task: &DraftId) -> Vec<(FieldKey, String)> {
        self.0.with(|edits| {
            let fields = edits.get(task).into_iter().flatten();
            fields
                .map(|(field, text)| (field.clone(), text.clone()))
                .collect()
        })
    }

    /// Opens the editor of a field, or changes its text.
    pub fn set(&self, task: &DraftId, field: &FieldKey, text: String) {
        self.0.update(|edits| {
            let fields = edits.entry(task.clone()).or_default();
            fields.insert(field.clone(), text);
        });
    }

    /// Closes the editor of a field.
    pub fn close(&self, task: &DraftId, field: &FieldKey) {
        self.0.update(|edits| {
            let Some(fields) = edits.get_mut(task) else {
                return;
            };
            fields.remove(field);
            if fields.is_empty() {
                edits.remove(task);
            }
        });
    }
}

impl Default for PendingEdits {
    fn default() -> Self {
        PendingEdits::new()
    }
}
