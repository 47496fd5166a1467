//! Keyboard focus.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Moves the focus to the element with this id. Returns whether there is such an element.
pub fn focus_by_id(id: &str) -> bool {
    let Some(element) = document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    else {
        return false;
    };
    element.focus().is_ok()
}

/// Moves the focus to the element with this id after the next frame is drawn.
pub fn focus_by_id_soon(id: String) {
    request_animation_frame(move || {
        focus_by_id(&id);
    });
}

/// Whether any element has the focus.
pub fn has_focus() -> bool {
    document()
        .active_element()
        .is_some_and(|element| element.tag_name() != "BODY")
}

/// Whether the event comes from a text field, where letters are text and not shortcuts.
pub fn is_from_field(event: &web_sys::Event) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|element| {
            element
                .closest("input, textarea, select, [contenteditable]")
                .is_ok_and(|field| field.is_some())
        })
}
