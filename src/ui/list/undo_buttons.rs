//! Undo and redo of the actions on tasks: two buttons, and Ctrl+Z everywhere outside of fields and dialogs.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::review::history::UndoStep;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::is_from_field;
use crate::ui::screen::Screen;

/// The id of the text that says why a button has nothing to do.
const NOTHING: &str = "nothing-to-undo";

/// The buttons. Each is disabled while it has nothing to do.
#[component]
pub fn UndoButtons(screen: Screen) -> impl IntoView {
    let listener =
        window_event_listener(leptos::ev::keydown, move |event| handle_key(screen, &event));
    on_cleanup(move || listener.remove());
    let button = move |icon: &'static str,
                       verb: &'static str,
                       next: RwSignal<Option<UndoStep>>,
                       press: fn(&Screen)| {
        let label = move || match next.get() {
            Some(step) => format!("{verb}: {}", step.text()),
            None => format!("Nothing to {}", verb.to_lowercase()),
        };
        // Each has its place also with nothing to do, so that a second press never meets the other one.
        view! {
            <Button
                kind=ButtonKind::IconOnly
                icon
                label
                changes_run=screen
                disabled_by=Signal::derive(move || next.read().is_none().then_some(NOTHING))
                on_press=move || press(&screen)
                attr:title=label
            />
        }
    };
    view! {
        <span id=NOTHING hidden>
            "Actions on tasks can be undone until the tasks are posted."
        </span>
        {button("undo", "Undo", screen.page.undoable, Screen::undo_tasks)}
        {button("redo", "Redo", screen.page.redoable, Screen::redo_tasks)}
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
