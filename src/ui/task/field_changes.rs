//! What the fields of the open task do with its text: opening editors and making changes.

use leptos::prelude::*;

use crate::review::field_change::{ChangedTask, FieldChange, change, json_of, key_after, kinds};
use crate::review::sheet::{Editor, Field, FieldKey};
use crate::run::Event;
use crate::text::sentences;
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::screen::UNSAVED;
use crate::ui::task::field_editor::focus_editor_soon;
use crate::ui::task::pending_edits::EditWay;
use crate::ui::task::sheet_view::{SheetContext, element_id};

/// The editor of a field for this way of editing; `None` if there is none.
pub fn editor_for(context: SheetContext, field: &Field, way: EditWay) -> Option<Editor> {
    let document = context
        .draft
        .with_untracked(|draft| draft.content.document())?;
    match way {
        EditWay::Value => field.editor.clone(),
        EditWay::Json => json_of(&document, &field.key).map(|original| Editor::Json { original }),
        EditWay::Kind => kinds(&document, &context.schema()?, &field.key),
        EditWay::NewField => None,
    }
}

/// Opens an editor of a field, and moves the focus to it.
pub fn begin(context: SheetContext, field: &Field, way: EditWay) {
    if context.obstacle.with_untracked(Option::is_some) {
        return;
    }
    let editor = editor_for(context, field, way);
    let text = editor.map_or_else(String::new, |editor| editor.original());
    begin_with(context, &field.key, way, text);
}

/// Opens an editor of a field with this text, and moves the focus to it.
pub fn begin_with(context: SheetContext, key: &FieldKey, way: EditWay, text: String) {
    let edits = context.screen.pending_edits;
    context.id.with_value(|id| edits.open(id, key, way, text));
    focus_editor_soon(element_id("input", key));
}

/// Changes the task at a field, and takes open editors along. Returns where the field is then, or what
/// to tell the operator.
pub fn make(context: SheetContext, key: &FieldKey, it: &FieldChange) -> Result<FieldKey, String> {
    let SheetContext {
        screen, id, draft, ..
    } = context;
    if let Some(obstacle) = context.obstacle.get_untracked() {
        return Err(obstacle.to_owned());
    }
    let replaces = matches!(
        it,
        FieldChange::Replace(_) | FieldChange::SetKind(_) | FieldChange::Remove
    );
    let is_unsaved = || id.with_value(|id| untrack(|| screen.pending_edits.is_any_inside(id, key)));
    if replaces && is_unsaved() {
        return Err(UNSAVED.to_owned());
    }
    let document = draft.with_untracked(|draft| draft.content.document());
    let (Some(document), Some(schema)) = (document, context.schema()) else {
        return Err("The text of the task is not JSON.".to_owned());
    };
    let changed = change(&document, &schema, key, it)
        .map_err(|error| sentences(&error.to_string(), error.hint()))?;
    let ChangedTask { document, field } = changed;
    let now = |other: &FieldKey| key_after(other, key, it, &document);
    id.with_value(|id| screen.pending_edits.follow(id, now));
    context
        .open_tools
        .update(|open| *open = open.as_ref().and_then(now));
    screen.send(Event::Edit {
        draft: id.get_value(),
        text: document.text().to_owned(),
    });
    Ok(field)
}

/// Opens the editor that a new value begins with, or else its tools, and says what was done: "added" or
/// "changed".
pub fn begin_new(context: SheetContext, key: &FieldKey, done: &str) {
    let Some(sheet) = context.sheet.get_untracked() else {
        return;
    };
    let Some(field) = sheet.field(key) else {
        return;
    };
    let message = format!("{} {done}", field.label);
    context.screen.page.announcement.set(message);
    let is_here = |other: &&Field| other.key == *key || other.key.is_inside(key);
    let inside = || sheet.fields().filter(is_here);
    let is_empty = |field: &&Field| {
        let editor = field.editor.as_ref();
        editor.is_some_and(|editor| editor.original().is_empty())
    };
    let first = inside()
        .find(is_empty)
        .or_else(|| inside().find(|field| field.editor.is_some()));
    match first {
        Some(field) => begin(context, field, EditWay::Value),
        None => {
            context.open_tools.set(Some(key.clone()));
            focus_by_id_soon(element_id("field", key));
        }
    }
}
