//! Editing a field in place.

use leptos::prelude::*;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::review::field_change::FieldChange;
use crate::review::sheet::{Editor, Field, FieldKey, TypedFault};
use crate::text::sentences;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::icons::icon;
use crate::ui::task::field_changes::{begin_new, editor_for, make};
use crate::ui::task::field_tools::FieldTools;
use crate::ui::task::pending_edits::EditWay;
use crate::ui::task::sheet_view::{SheetContext, element_id};

/// A text of more characters than this is edited in a field of several lines.
const MAX_ONE_LINE: usize = 120;

/// The button that opens the editor of a field. It is shown while the pointer or the focus is at the
/// field.
#[component]
pub fn EditButton(
    context: SheetContext,
    key: FieldKey,
    label: String,
    begin: Callback<()>,
) -> impl IntoView {
    let id = element_id("edit", &key);
    move || {
        context.can_edit().then(|| {
            let name = format!("Edit {label}");
            view! {
                <Button
                    kind=ButtonKind::IconOnly
                    class="edit"
                    icon="rename"
                    label=name.clone()
                    on_press=begin
                    attr:id=id.clone()
                    attr:title=name
                />
            }
        })
    }
}

/// The editor of a field. Escape closes it without a change; Ctrl+Enter or *Save* saves. What was typed
/// stays if the focus moves elsewhere.
#[component]
pub fn FieldEditor(context: SheetContext, field: Field, way: EditWay) -> impl IntoView {
    let SheetContext { screen, id, .. } = context;
    let editor = editor_for(context, &field, way)?;
    let key = StoredValue::new(field.key.clone());
    let input_id = element_id("input", &field.key);
    let fault = RwSignal::new(None::<String>);
    let fault_id = element_id("fault", &field.key);
    let rule_id = element_id("rule", &field.key);
    let remarks_id = element_id("remarks", &field.key);
    let initial = id
        .with_value(|id| screen.pending_edits.text(id, &field.key))
        .unwrap_or_else(|| editor.original());
    let close = {
        let edit_id = element_id("edit", &field.key);
        let kind_id = element_id("change-kind", &field.key);
        move || {
            id.with_value(|id| key.with_value(|key| screen.pending_edits.close(id, key)));
            let (edit_id, kind_id) = (edit_id.clone(), kind_id.clone());
            // The task itself has no edit button.
            request_animation_frame(move || {
                if !focus_by_id(&edit_id) {
                    focus_by_id(&kind_id);
                }
            });
        }
    };
    let typed = move |text: String| {
        fault.set(None);
        id.with_value(|id| key.with_value(|key| screen.pending_edits.set(id, key, text)));
    };
    let save = {
        let editor = editor.clone();
        let close = close.clone();
        let input_id = input_id.clone();
        move || {
            if context.obstacle.with_untracked(Option::is_some) || screen.refuse_if_read_only() {
                return;
            }
            let text = id
                .with_value(|id| key.with_value(|key| screen.pending_edits.text(id, key)))
                .unwrap_or_default();
            if matches!(editor, Editor::Date { .. }) && is_half_typed(&input_id) {
                return fault.set(Some(fault_text(&TypedFault::NotADate)));
            }
            let value = match editor.json(&text) {
                Ok(Some(value)) => value,
                Ok(None) => return close(),
                Err(error) => return fault.set(Some(fault_text(&error))),
            };
            let change = match (way, value.parse()) {
                (EditWay::Kind, Ok(kind)) => FieldChange::SetKind(kind),
                _ => FieldChange::Replace(value),
            };
            match key.with_value(|key| make(context, key, &change)) {
                // What comes next is the new value. Without the focus in a field, typing would be shortcuts.
                Ok(changed) if way == EditWay::Kind => {
                    id.with_value(|id| key.with_value(|key| screen.pending_edits.close(id, key)));
                    begin_new(context, &changed, "changed");
                }
                Ok(_) => close(),
                Err(message) => fault.set(Some(message)),
            }
        }
    };
    let is_one_line = editor.is_one_line(MAX_ONE_LINE);
    let keys = {
        let save = save.clone();
        let close = close.clone();
        move |event: web_sys::KeyboardEvent| {
            if event.is_composing() {
                return;
            }
            match event.key().as_str() {
                "Escape" => {
                    event.prevent_default();
                    close();
                }
                "Enter" if event.ctrl_key() || event.meta_key() => {
                    event.prevent_default();
                    save();
                }
                _ => {}
            }
        }
    };
    let submit = {
        let save = save.clone();
        move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            save();
        }
    };
    let described_by = format!("{fault_id} {rule_id} {remarks_id}");
    let is_invalid = move || fault.with(Option::is_some).then_some("true");
    let label = match way {
        EditWay::Json => format!("{} as JSON", field.label),
        EditWay::Kind => format!("Kind of {}", field.label),
        EditWay::Value | EditWay::NewField => field.label.clone(),
    };
    let rule = field.rule.clone().filter(|_| way == EditWay::Value);
    let is_json = way == EditWay::Json;
    let tools = (way == EditWay::Value).then(|| field.clone());
    let input = match editor {
        Editor::Choice { choices, .. } => {
            let chosen: Option<usize> = initial.parse().ok();
            let options = choices
                .into_iter()
                .enumerate()
                .map(|(index, choice)| {
                    view! {
                        <option value=index.to_string() selected=chosen == Some(index)>
                            {choice.label}
                        </option>
                    }
                })
                .collect_view();
            let nothing = chosen.is_none().then(|| {
                view! { <option value="" selected=true>"Choose a value"</option> }
            });
            view! {
                <select
                    class="input"
                    id=input_id
                    aria-label=label
                    aria-invalid=is_invalid
                    aria-describedby=described_by
                    on:change=move |event| typed(event_target_value(&event))
                >
                    {nothing}
                    {options}
                </select>
            }
            .into_any()
        }
        Editor::Date { .. } => view! {
            <input
                class="input"
                id=input_id
                type="date"
                aria-label=label
                aria-invalid=is_invalid
                aria-describedby=described_by
                prop:value=initial
                on:input=move |event| typed(event_target_value(&event))
            />
        }
        .into_any(),
        _ if is_one_line => {
            let is_number = matches!(editor, Editor::Number { .. });
            view! {
                <input
                    class="input"
                    class:mono=is_number
                    id=input_id
                    type="text"
                    inputmode=is_number.then_some("decimal")
                    autocomplete="off"
                    aria-label=label
                    aria-invalid=is_invalid
                    aria-describedby=described_by
                    prop:value=initial
                    on:input=move |event| typed(event_target_value(&event))
                />
            }
            .into_any()
        }
        _ => view! {
            <textarea
                class="input"
                class:mono=is_json
                id=input_id
                spellcheck=is_json.then_some("false")
                aria-label=label
                aria-invalid=is_invalid
                aria-describedby=described_by
                prop:value=initial
                on:input=move |event| typed(event_target_value(&event))
            ></textarea>
        }
        .into_any(),
    };
    let disabled_by = Signal::derive(move || (!context.can_edit()).then_some("edit-why"));
    let rule = rule.map(|rule| view! { <p class="hint" id=rule_id>{rule}</p> });
    let tools = tools.map(|field| view! { <FieldTools context field/> });
    Some(view! {
        <form class="field-editor" novalidate on:submit=submit on:keydown=keys>
            {input}
            {rule}
            <p class="field-error" id=fault_id hidden=move || fault.with(Option::is_none)>
                {icon("warning")}
                <span>{move || fault.get()}</span>
            </p>
            <div class="button-row">
                <Button
                    kind=ButtonKind::Main
                    label="Save"
                    name=format!("Save {}", field.label)
                    changes_run=screen
                    disabled_by
                />
                <Button label="Cancel" name=format!("Cancel editing {}", field.label) on_press=close/>
                <span class="hint">"Ctrl+Enter saves, Escape cancels"</span>
            </div>
            {tools}
        </form>
    })
}

/// Whether a date in this field is not complete. The field has no text then.
fn is_half_typed(id: &str) -> bool {
    let input = document().get_element_by_id(id);
    input.is_some_and(|input| input.matches(":invalid").unwrap_or_default())
}

/// Moves the focus into the editor whose field has this id, and scrolls to its buttons too, after the
/// next frame is drawn.
pub fn focus_editor_soon(id: String) {
    request_animation_frame(move || {
        focus_by_id(&id);
        let input = document().get_element_by_id(&id);
        let form = input.and_then(|input| input.closest("form").ok().flatten());
        if let Some(form) = form {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            form.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}

fn fault_text(fault: &TypedFault) -> String {
    sentences(&fault.to_string(), fault.hint())
}
