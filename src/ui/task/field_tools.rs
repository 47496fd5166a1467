//! What can be done with a field besides editing its value, as a row of buttons.

use leptos::prelude::*;

use crate::review::field_change::FieldChange;
use crate::review::sheet::{Block, Field, FieldActions};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon};
use crate::ui::controls::icons::icon;
use crate::ui::screen::UNSAVED;
use crate::ui::task::field_changes::{begin, begin_new, begin_with, editor_for, make};
use crate::ui::task::pending_edits::EditWay;
use crate::ui::task::sheet_view::{SheetContext, element_id};

/// One of the buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    AddItem,
    AddField,
    ChangeKind,
    EditAsJson,
    MoveUp,
    MoveDown,
    Remove,
    Close,
}

impl Tool {
    const ALL: [Tool; 8] = [
        Tool::AddItem,
        Tool::AddField,
        Tool::ChangeKind,
        Tool::EditAsJson,
        Tool::MoveUp,
        Tool::MoveDown,
        Tool::Remove,
        Tool::Close,
    ];

    /// Its text, what its id begins with, and its icon.
    fn look(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Tool::AddItem => ("Add item", "add-item", Some("plus")),
            Tool::AddField => ("Add field", "add-field", Some("plus")),
            Tool::ChangeKind => ("Change kind", "change-kind", None),
            Tool::EditAsJson => ("Edit as JSON", "edit-as-json", None),
            Tool::MoveUp => ("Move up", "move-up", None),
            Tool::MoveDown => ("Move down", "move-down", None),
            Tool::Remove => ("Remove", "remove", Some("remove")),
            Tool::Close => ("Close", "close-tools", None),
        }
    }

    /// Its name, which says what it is about.
    fn name(self, label: &str) -> String {
        match self {
            Tool::AddItem => format!("Add item to {label}"),
            Tool::AddField => format!("Add field to {label}"),
            Tool::ChangeKind => format!("Change kind of {label}"),
            Tool::EditAsJson => format!("Edit {label} as JSON"),
            Tool::MoveUp => format!("Move up {label}"),
            Tool::MoveDown => format!("Move down {label}"),
            Tool::Remove => format!("Remove {label}"),
            Tool::Close => format!("Close {label}"),
        }
    }

    /// Whether it is offered for the field. The task itself has the tab *JSON*, and its tools stay.
    fn is_offered(self, field: &Field) -> bool {
        let FieldActions {
            can_remove,
            can_move_up,
            can_move_down,
            can_add_item,
            can_add_member,
            can_change_kind,
        } = field.actions;
        let is_task = field.key.positions.is_empty();
        match self {
            Tool::AddItem => can_add_item,
            Tool::AddField => can_add_member,
            Tool::ChangeKind => can_change_kind,
            Tool::EditAsJson => !is_task,
            Tool::MoveUp => can_move_up,
            Tool::MoveDown => can_move_down,
            Tool::Remove => can_remove,
            Tool::Close => field.editor.is_none() && !has_lasting_tools(field),
        }
    }
}

/// Whether the tools of a field are always there: those of a task that is an object.
pub fn has_lasting_tools(field: &Field) -> bool {
    field.key.positions.is_empty() && matches!(field.block, Block::Members(_))
}

/// The buttons of a field. Escape closes them.
#[component]
pub fn FieldTools(context: SheetContext, field: Field) -> impl IntoView {
    let fault = RwSignal::new(None::<String>);
    let fault_id = element_id("tools-fault", &field.key);
    let tools_id = element_id("tools", &field.key);
    let label = format!("Tools of {}", field.label);
    let closes = Tool::Close.is_offered(&field);
    let field = StoredValue::new(field);
    let buttons = Tool::ALL
        .into_iter()
        .filter(|tool| field.with_value(|field| tool.is_offered(field)))
        .map(|tool| {
            let (label, id, icon) = tool.look();
            let press = Callback::new(move |()| {
                let message = field.with_value(|field| run(context, field, tool));
                fault.set(message.err());
            });
            let name = field.with_value(|field| tool.name(&field.label));
            let id = field.with_value(|field| element_id(id, &field.key));
            match icon {
                Some(icon) => view! {
                    <Button
                        kind=ButtonKind::Quiet
                        icon
                        label
                        name
                        changes_run=context.screen
                        on_press=press
                        attr:id=id
                    />
                }
                .into_any(),
                None => view! {
                    <Button
                        kind=ButtonKind::Quiet
                        label
                        name
                        changes_run=context.screen
                        on_press=press
                        attr:id=id
                    />
                }
                .into_any(),
            }
        })
        .collect_view();
    let keys = move |event: web_sys::KeyboardEvent| {
        if closes && event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            fault.set(
                field
                    .with_value(|field| run(context, field, Tool::Close))
                    .err(),
            );
        }
    };
    view! {
        <div class="field-tools" id=tools_id role="group" aria-label=label on:keydown=keys>
            {buttons}
            <p class="field-error" id=fault_id role="alert" hidden=move || fault.with(Option::is_none)>
                {icon("warning")}
                <span>{move || fault.get()}</span>
            </p>
        </div>
    }
}

/// Does what a button says. The message says why not.
fn run(context: SheetContext, field: &Field, tool: Tool) -> Result<(), String> {
    let key = &field.key;
    match tool {
        Tool::AddItem => {
            let added = make(context, key, &FieldChange::AddItem)?;
            begin_new(context, &added, "added");
        }
        Tool::AddField => begin(context, field, EditWay::NewField),
        Tool::ChangeKind => {
            if is_changed(context, field) {
                return Err(UNSAVED.to_owned());
            }
            begin(context, field, EditWay::Kind);
        }
        Tool::EditAsJson => begin_with(context, key, EditWay::Json, json_so_far(context, field)?),
        Tool::MoveUp | Tool::MoveDown => {
            let (it, way) = if tool == Tool::MoveUp {
                (FieldChange::MoveUp, "up")
            } else {
                (FieldChange::MoveDown, "down")
            };
            let now = make(context, key, &it)?;
            let announcement = format!("{} moved {way}", field.label);
            context.screen.page.announcement.set(announcement);
            let (_, first, _) = tool.look();
            let (first, others) = (element_id(first, &now), ["move-up", "move-down"]);
            let others = others.map(|id| element_id(id, &now));
            // At an end, the button that was pressed is gone.
            request_animation_frame(move || {
                if !focus_by_id(&first) {
                    others.iter().any(|other| focus_by_id(other));
                }
            });
        }
        Tool::Remove => {
            let next = make(context, key, &FieldChange::Remove)?;
            let announcement = format!("{} removed", field.label);
            context.screen.page.announcement.set(announcement);
            let target = if next.positions.is_empty() {
                "task-title".to_owned()
            } else {
                element_id("field", &next)
            };
            focus_by_id_soon(target);
        }
        Tool::Close => {
            context.open_tools.set(None);
            focus_by_id_soon(element_id("edit", key));
        }
    }
    Ok(())
}

/// Whether something was typed into the editor of the value.
fn is_changed(context: SheetContext, field: &Field) -> bool {
    let edits = context.screen.pending_edits;
    let typed = context.id.with_value(|id| edits.text(id, &field.key));
    let original = field.editor.as_ref().map(|editor| editor.original());
    typed.is_some() && typed != original
}

/// The JSON text of a field with what was typed into its editor. The message says why that is none.
fn json_so_far(context: SheetContext, field: &Field) -> Result<String, String> {
    let edits = context.screen.pending_edits;
    let typed = context.id.with_value(|id| edits.text(id, &field.key));
    if let (Some(typed), Some(editor)) = (typed, &field.editor)
        && let Some(json) = editor.json(&typed).map_err(|fault| fault.to_string())?
    {
        return Ok(json);
    }
    let editor = editor_for(context, field, EditWay::Json);
    Ok(editor.map_or_else(String::new, |editor| editor.original()))
}
