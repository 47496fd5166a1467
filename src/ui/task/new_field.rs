//! The form that adds a field to an object.

use leptos::prelude::*;

use crate::review::field_change::{FieldChange, NewMembers, new_members};
use crate::review::sheet::Field;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::icon;
use crate::ui::task::field_changes::{begin_new, make};
use crate::ui::task::sheet_view::{SheetContext, element_id};

/// What the text of the form begins with if the name was typed, and not chosen.
const TYPED: char = '+';
/// What it begins with if the name was chosen.
const CHOSEN: char = '=';

/// The form: a list of the members that the schema names, and a field for another name where the schema
/// allows one. Escape closes it.
#[component]
pub fn NewField(context: SheetContext, field: Field) -> impl IntoView {
    let SheetContext {
        screen, id, draft, ..
    } = context;
    let key = StoredValue::new(field.key.clone());
    let document = draft.with_untracked(|draft| draft.content.document());
    let NewMembers { named, is_open } = match (document, context.schema()) {
        (Some(document), Some(schema)) => new_members(&document, &schema, &field.key),
        _ => NewMembers::default(),
    };
    let initial = id
        .with_value(|id| screen.pending_edits.text(id, &field.key))
        .unwrap_or_default();
    let has_list = !named.is_empty();
    let initial = if has_list || !initial.is_empty() {
        initial
    } else {
        TYPED.to_string()
    };
    let text = RwSignal::new(initial);
    let fault = RwSignal::new(None::<String>);
    let set = move |typed: String| {
        fault.set(None);
        id.with_value(|id| key.with_value(|key| screen.pending_edits.set(id, key, typed.clone())));
        text.set(typed);
    };
    let close = move || {
        id.with_value(|id| key.with_value(|key| screen.pending_edits.close(id, key)));
        focus_by_id_soon(key.with_value(|key| element_id("add-field", key)));
    };
    let save = move || {
        let typed = text.get_untracked();
        let name = typed.strip_prefix([TYPED, CHOSEN]).unwrap_or_default();
        if !typed.starts_with(CHOSEN) && name.is_empty() {
            let message = if has_list {
                "Choose a field."
            } else {
                "Enter a name."
            };
            return fault.set(Some(message.to_owned()));
        }
        let it = FieldChange::AddMember(name.to_owned());
        match key.with_value(|key| make(context, key, &it)) {
            Ok(added) => {
                id.with_value(|id| key.with_value(|key| screen.pending_edits.close(id, key)));
                begin_new(context, &added, "added");
            }
            Err(message) => fault.set(Some(message)),
        }
    };
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        save();
    };
    let keys = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            close();
        }
    };
    let fault_id = element_id("fault", &field.key);
    let input_id = element_id("input", &field.key);
    let name_id = if has_list {
        element_id("name", &field.key)
    } else {
        input_id.clone()
    };
    let is_invalid = move || fault.with(Option::is_some).then_some("true");
    let select = has_list.then(|| {
        let options = named
            .into_iter()
            .map(|member| {
                let value = format!("{CHOSEN}{}", member.name);
                let is_chosen = text.with_untracked(|text| *text == value);
                view! {
                    <option value=value selected=is_chosen title=member.description>
                        {member.label}
                    </option>
                }
            })
            .collect_view();
        let is_typed = text.with_untracked(|text| text.starts_with(TYPED));
        let other = is_open.then(|| {
            view! { <option value=TYPED.to_string() selected=is_typed>"Another name…"</option> }
        });
        view! {
            <select
                class="input"
                id=input_id
                aria-label=format!("New field of {}", field.label)
                aria-invalid=is_invalid
                aria-describedby=fault_id.clone()
                on:change=move |event| set(event_target_value(&event))
            >
                <option value="">"Choose a field"</option>
                {options}
                {other}
            </select>
        }
        .into_any()
    });
    let is_typed = Memo::new(move |_| text.with(|text| text.starts_with(TYPED)));
    let described_by = fault_id.clone();
    let label = format!("Name of the new field of {}", field.label);
    let input = move || {
        let typed = text.with_untracked(|text| text.strip_prefix(TYPED).map(str::to_owned));
        is_typed.get().then(|| {
            view! {
                <input
                    class="input mono"
                    id=name_id.clone()
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="Name"
                    aria-label=label.clone()
                    aria-invalid=is_invalid
                    aria-describedby=described_by.clone()
                    prop:value=typed.unwrap_or_default()
                    on:input=move |event| set(format!("{TYPED}{}", event_target_value(&event)))
                />
            }
        })
    };
    view! {
        <form class="field-editor" novalidate on:submit=submit on:keydown=keys>
            {select}
            {input}
            <p class="field-error" id=fault_id hidden=move || fault.with(Option::is_none)>
                {icon("warning")}
                <span>{move || fault.get()}</span>
            </p>
            <div class="button-row">
                <Button
                    kind=ButtonKind::Main
                    label="Add"
                    name=format!("Add the field to {}", field.label)
                    changes_run=screen
                />
                <Button
                    label="Cancel"
                    name=format!("Cancel adding a field to {}", field.label)
                    on_press=close
                />
            </div>
        </form>
    }
}
