//! Undo and redo of the actions on tasks: two buttons, and Ctrl+Z everywhere outside of fields and dialogs.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::review::history::UndoStep;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::is_from_field;
use crate::ui::screen::Screen;

/// The buttons. They are there as soon as something can be undone or redone.
#[component]
pub fn UndoButtons(screen: Screen) -> impl IntoView {
    let listener =
        window_event_listener(leptos::ev::keydown, move |event| handle_key(screen, &event));
    on_cleanup(move || listener.remove());
    let (undoable, redoable) = (screen.page.undoable, screen.page.redoable);
    let label = |verb: &str, step: Option<UndoStep>| match step {
        Some(step) => format!("{verb}: {}", step.text()),
        None => verb.to_owned(),
    };
    let is_shown = move || undoable.get().is_some() || redoable.get().is_some();
    view! {
        <Show when=is_shown>
            <Button
                kind=ButtonKind::IconOnly
                icon="undo"
                label=move || label("Undo", undoable.get())
                changes_run=screen
                disabled_by=Signal::derive(move || undoable.get().is_none().then_some("nothing-to-undo"))
                on_press=move || screen.undo_tasks()
                attr:title=move || label("Undo", undoable.get())
            />
            <Button
                kind=ButtonKind::IconOnly
                icon="redo"
                label=move || label("Redo", redoable.get())
                changes_run=screen
                disabled_by=Signal::derive(move || redoable.get().is_none().then_some("nothing-to-redo"))
                on_press=move || screen.redo_tasks()
                attr:title=move || label("Redo", redoable.get())
            />
            <span id="nothing-to-undo" hidden>
                "There is nothing to undo. Tasks that were sent cannot be changed."
            </span>
            <span id="nothing-to-redo" hidden>"There is nothing to redo."</span>
        </Show>
    }
}

fn handle_key(screen: Screen, event: &web_sys::KeyboardEvent) {
    let is_shortcut = (event.ctrl_key() || event.meta_key()) && !event.alt_key();
    // Fields have their own history.
    if !is_shortcut || event.default_prevented() || is_from_field(event) || is_from_dialog(event) {
        return;
    }
    match (event.key().to_lowercase().as_str(), event.shift_key()) {
        ("z", false) => screen.undo_tasks(),
        ("z", true) | ("y", false) => screen.redo_tasks(),
        _ => return,
    }
    event.prevent_default();
}

fn is_from_dialog(event: &web_sys::Event) -> bool {
    let target = event.target();
    let element = target.and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest("dialog").is_ok_and(|found| found.is_some()))
}
