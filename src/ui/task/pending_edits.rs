//! What was typed into fields and not saved yet.

use std::collections::{BTreeMap, HashMap};

use leptos::prelude::*;

use crate::review::DraftId;
use crate::review::sheet::{Field, FieldKey};

/// How a field is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditWay {
    /// Its value, in the editor that suits it.
    Value,
    /// Its exact JSON text.
    Json,
    /// The kind of its value.
    Kind,
    /// The name of a new field inside it.
    NewField,
}

impl EditWay {
    /// Whether a field can be edited in this way. While an editor is open, the task may have got another
    /// value there.
    #[must_use]
    pub fn fits(self, field: &Field) -> bool {
        match self {
            EditWay::Value => field.editor.is_some(),
            EditWay::Json => true,
            EditWay::Kind => field.actions.can_change_kind,
            EditWay::NewField => field.actions.can_add_member,
        }
    }
}

/// An open editor.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PendingEdit {
    way: EditWay,
    text: String,
}

/// The texts in the open editors of fields, by task. They outlive their editors, so that opening
/// another task or tab loses nothing. Copies share them.
#[derive(Clone, Copy)]
pub struct PendingEdits(RwSignal<HashMap<DraftId, BTreeMap<FieldKey, PendingEdit>>>);

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

    /// Whether any task has an open editor. Not tracked.
    #[must_use]
    pub fn has_any_untracked(&self) -> bool {
        self.0.with_untracked(|edits| !edits.is_empty())
    }

    /// Whether a part of this field has an open editor. Tracks it.
    #[must_use]
    pub fn is_any_inside(&self, task: &DraftId, field: &FieldKey) -> bool {
        self.0.with(|edits| {
            let mut fields = edits.get(task).into_iter().flatten();
            fields.any(|(key, _)| key.is_inside(field))
        })
    }

    /// How this field is edited; `None` while it has no open editor. Tracks it.
    #[must_use]
    pub fn way(&self, task: &DraftId, field: &FieldKey) -> Option<EditWay> {
        self.0.with(|edits| Some(edits.get(task)?.get(field)?.way))
    }

    /// The text in the editor of a field, without tracking it.
    #[must_use]
    pub fn text(&self, task: &DraftId, field: &FieldKey) -> Option<String> {
        self.0
            .with_untracked(|edits| Some(edits.get(task)?.get(field)?.text.clone()))
    }

    /// The fields of a task with an open editor, how they are edited, and their texts. Tracks them.
    #[must_use]
    pub fn of(&self, task: &DraftId) -> Vec<(FieldKey, EditWay, String)> {
        self.0.with(|edits| {
            let fields = edits.get(task).into_iter().flatten();
            fields
                .map(|(field, edit)| (field.clone(), edit.way, edit.text.clone()))
                .collect()
        })
    }

    /// Opens an editor of a field, with this text.
    pub fn open(&self, task: &DraftId, field: &FieldKey, way: EditWay, text: String) {
        self.0.update(|edits| {
            let fields = edits.entry(task.clone()).or_default();
            fields.insert(field.clone(), PendingEdit { way, text });
        });
    }

    /// Changes the text in the open editor of a field.
    pub fn set(&self, task: &DraftId, field: &FieldKey, text: String) {
        self.0.update(|edits| {
            let edit = edits.get_mut(task).and_then(|fields| fields.get_mut(field));
            if let Some(edit) = edit {
                edit.text = text;
            }
        });
    }

    /// Closes the editor of a field.
    pub fn close(&self, task: &DraftId, field: &FieldKey) {
        self.follow(task, |key| (key != field).then(|| key.clone()));
    }

    /// Takes the editors of a task along to where their fields are now, and closes those without one.
    pub fn follow(&self, task: &DraftId, now: impl Fn(&FieldKey) -> Option<FieldKey>) {
        self.0.update(|edits| {
            let Some(fields) = edits.remove(task) else {
                return;
            };
            let fields: BTreeMap<_, _> = fields
                .into_iter()
                .filter_map(|(key, edit)| Some((now(&key)?, edit)))
                .collect();
            if !fields.is_empty() {
                edits.insert(task.clone(), fields);
            }
        });
    }
}

impl Default for PendingEdits {
    fn default() -> Self {
        PendingEdits::new()
    }
}
