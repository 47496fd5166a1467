//! Editing a field in place.

use leptos::prelude::*;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::review::sheet::{Editor, Field, FieldKey, TypedFault};
use crate::run::Event;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon};
use crate::ui::controls::icons::icon;
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
pub fn FieldEditor(context: SheetContext, field: Field, editor: Editor) -> impl IntoView {
    let SheetContext {
        screen, id, draft, ..
    } = context;
    let key = StoredValue::new(field.key.clone());
    let input_id = element_id("input", &field.key);
    let fault = RwSignal::new(None::<String>);
    let fault_id = element_id("fault", &field.key);
    let remarks_id = element_id("remarks", &field.key);
    let initial = id
        .with_value(|id| screen.pending_edits.text(id, &field.key))
        .unwrap_or_else(|| editor.original());
    let close = {
        let edit_id = element_id("edit", &field.key);
        move || {
            id.with_value(|id| key.with_value(|key| screen.pending_edits.close(id, key)));
            focus_by_id_soon(edit_id.clone());
        }
    };
    let typed = move |text: String| {
        fault.set(None);
        id.with_value(|id| key.with_value(|key| screen.pending_edits.set(id, key, text)));
    };
    let ordinal = field.ordinal;
    let save = {
        let editor = editor.clone();
        let close = close.clone();
        move || {
            if context.obstacle.with_untracked(Option::is_some) || screen.refuse_if_read_only() {
                return;
            }
            let text = id
                .with_value(|id| key.with_value(|key| screen.pending_edits.text(id, key)))
                .unwrap_or_default();
            let value = match editor.json(&text) {
                Ok(Some(value)) => value,
                Ok(None) => return close(),
                Err(error) => return fault.set(Some(fault_text(error))),
            };
            let document = draft.with_untracked(|draft| draft.content.document());
            let edited = document.map(|document| document.with_value(ordinal, &value));
            match edited {
                Some(Ok(edited)) => {
                    close();
                    screen.send(Event::Edit {
                        draft: id.get_value(),
                        text: edited.text().to_owned(),
                    });
                }
                Some(Err(error)) => fault.set(Some(error.to_string())),
                None => fault.set(Some("The text of the task is not JSON.".to_owned())),
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
    let described_by = format!("{fault_id} {remarks_id}");
    let is_invalid = move || fault.with(Option::is_some).then_some("true");
    let label = field.label.clone();
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
        Editor::Text { .. } | Editor::Number { .. } if is_one_line => {
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
        Editor::Text { .. } | Editor::Number { .. } => view! {
            <textarea
                class="input"
                id=input_id
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
    view! {
        <form class="field-editor" novalidate on:submit=submit on:keydown=keys>
            {input}
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
        </form>
    }
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

fn fault_text(fault: TypedFault) -> String {
    format!("{fault} {}", fault.hint())
}
