//! Changes of one field of a task: its value, its parts, and its place in its list.
//!
//! Each change is a splice of the task's text. Whatever it does not concern keeps every byte.

mod kind;
mod place;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod properties;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use place::FieldPlace;

use super::sheet::{Editor, EditorChoice, FieldKey, readable};
use crate::document::{Document, EditError, Kind};
use crate::schema::TaskSchema;
use crate::text::truncate_chars;

/// Longest description of a member that can be added, in characters.
const MAX_DESCRIPTION: usize = 600;

/// A change of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldChange {
    /// Another value: its JSON text.
    Replace(String),
    /// A value of another kind, by its position in [`kinds`]. Members that this kind has too are kept.
    SetKind(usize),
    /// A new member at the end of the object, with a value to begin with.
    AddMember(String),
    /// A new item at the end of the array, with a value to begin with.
    AddItem,
    /// The field is removed.
    Remove,
    /// The item is exchanged with the one before it.
    MoveUp,
    /// The item is exchanged with the one after it.
    MoveDown,
}

/// A task after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedTask {
    /// Its text.
    pub document: Document,
    /// The field that was changed, added or moved; after a removal, the one in its place or the container.
    pub field: FieldKey,
}

/// Why a field was not changed. The task is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldChangeError {
    /// The task has no such field, or the field has no such part.
    #[error("The task has no such field any more.")]
    NoSuchField,
    /// The object has a member of this name.
    #[error("There is a field with this name already.")]
    NameTaken,
    /// The text would not be JSON, or too long or too deeply nested.
    #[error("The change was not made: {0}.")]
    NotEdited(#[from] EditError),
}

impl FieldChangeError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            FieldChangeError::NoSuchField => "no_such_field",
            FieldChangeError::NameTaken => "name_taken",
            FieldChangeError::NotEdited(_) => "not_edited",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            FieldChangeError::NoSuchField => "Close the editor and look at the task again.",
            FieldChangeError::NameTaken => "Enter another name, or edit that field.",
            FieldChangeError::NotEdited(_) => "Edit the whole task in the tab JSON.",
        }
    }
}

/// A member that can be added to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMember {
    /// Its exact name.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// The schema's description of it.
    pub description: Option<String>,
}

/// The members that can be added to an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewMembers {
    /// Those that the schema names.
    pub named: Vec<NewMember>,
    /// Whether other names are allowed.
    pub is_open: bool,
}

/// Makes a change.
///
/// # Errors
/// [`FieldChangeError`] says why the task stays as it is.
pub fn change(
    task: &Document,
    schema: &TaskSchema,
    key: &FieldKey,
    change: &FieldChange,
) -> Result<ChangedTask, FieldChangeError> {
    let place = FieldPlace::find(task, schema.value(), key).ok_or(FieldChangeError::NoSuchField)?;
    let mut steps = key.steps();
    let node = place.node;
    let document = match change {
        FieldChange::Replace(json) => task.with_value(node.ordinal(), json)?,
        FieldChange::SetKind(kind) => {
            let kind = place.guide.kinds().get(*kind);
            let kind = kind.ok_or(FieldChangeError::NoSuchField)?;
            kind::with_kind(task, &place, &steps, kind)?
        }
        FieldChange::AddMember(name) => {
            if node.get(name).is_some() {
                return Err(FieldChangeError::NameTaken);
            }
            let value = place.book.new_member(&place.guide, name);
            steps.push(node.len());
            task.with_member(node.ordinal(), name, &value.to_string())?
        }
        FieldChange::AddItem => {
            let value = place.book.new_item(&place.guide, node.len());
            steps.push(node.len());
            task.with_item(node.ordinal(), &value.to_string())?
        }
        FieldChange::Remove => {
            let container = place.container.ok_or(FieldChangeError::NoSuchField)?;
            let position = steps.pop().unwrap_or_default();
            if let Some(last) = container.len().checked_sub(2) {
                steps.push(position.min(last));
                task.without(&HashSet::from([node.ordinal()]))?
            } else {
                let empty = if container.kind() == Kind::Object {
                    "{}"
                } else {
                    "[]"
                };
                task.with_value(container.ordinal(), empty)?
            }
        }
        FieldChange::MoveUp | FieldChange::MoveDown => {
            let array = place.container.ok_or(FieldChangeError::NoSuchField)?;
            let from = steps.pop().unwrap_or_default();
            let to = if *change == FieldChange::MoveUp {
                from.checked_sub(1)
            } else {
                from.checked_add(1)
            };
            let to = to.ok_or(FieldChangeError::NoSuchField)?;
            steps.push(to);
            task.with_item_moved(array.ordinal(), from, to)?
        }
    };
    let field = FieldKey::at(&document, &steps).ok_or(FieldChangeError::NoSuchField)?;
    Ok(ChangedTask { document, field })
}

/// Where the field `key` is after the field `changed` was changed; `None` if it was removed. `after` is
/// the task after the change.
#[must_use]
pub fn key_after(
    key: &FieldKey,
    changed: &FieldKey,
    change: &FieldChange,
    after: &Document,
) -> Option<FieldKey> {
    let mut steps = key.steps();
    let around = changed.steps();
    let Some((at, container)) = around.split_last() else {
        return Some(key.clone());
    };
    // Whatever is not in the same container stays where it is.
    let (Some(step), true) = (
        steps.get(container.len()).copied(),
        steps.starts_with(container),
    ) else {
        return Some(key.clone());
    };
    let other = match change {
        FieldChange::MoveUp => at.checked_sub(1),
        FieldChange::MoveDown => at.checked_add(1),
        _ => None,
    };
    let now = match change {
        FieldChange::Remove if step == *at => return None,
        FieldChange::Remove if step > *at => step.saturating_sub(1),
        _ if other == Some(step) => *at,
        _ if step == *at => other.unwrap_or(step),
        _ => step,
    };
    if let Some(step) = steps.get_mut(container.len()) {
        *step = now;
    }
    FieldKey::at(after, &steps).or_else(|| Some(key.clone()))
}

/// The exact JSON text of a field; `None` if the task has no such field.
#[must_use]
pub fn json_of(task: &Document, key: &FieldKey) -> Option<String> {
    let node = place::node_at(task, &key.steps())?;
    Some(node.text().to_owned())
}

/// The kinds of value that a field can have, to choose from; `None` if there is no choice. The JSON text
/// of a choice is its number, for [`FieldChange::SetKind`].
#[must_use]
pub fn kinds(task: &Document, schema: &TaskSchema, key: &FieldKey) -> Option<Editor> {
    let place = FieldPlace::find(task, schema.value(), key)?;
    let kinds = place.guide.kinds();
    let choices: Vec<EditorChoice> = kinds
        .iter()
        .enumerate()
        .map(|(index, kind)| EditorChoice {
            label: kind.name().to_owned(),
            json: index.to_string(),
        })
        .collect();
    let original = place.guide.kind();
    (!choices.is_empty()).then_some(Editor::Choice { choices, original })
}

/// The members that can be added to an object.
#[must_use]
pub fn new_members(task: &Document, schema: &TaskSchema, key: &FieldKey) -> NewMembers {
    let Some(place) = FieldPlace::find(task, schema.value(), key) else {
        return NewMembers::default();
    };
    let named = place.guide.missing_members(place.node).into_iter();
    let named = named.map(|name| {
        let own = place.book.missing_member(&place.guide, name);
        let shortened = |text: &str| truncate_chars(text, MAX_DESCRIPTION);
        NewMember {
            name: name.to_owned(),
            label: own.title().map_or_else(|| readable(name), shortened),
            description: own.description().map(shortened),
        }
    });
    NewMembers {
        named: named.collect(),
        is_open: place.guide.is_open(),
    }
}
