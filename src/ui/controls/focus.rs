//! Where the keyboard is.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Moves the focus to the element with this id, if it is there. Returns whether it was.
pub fn focus_by_id(id: &str) -> bool {
    let Some(element) = document()
        .get_element_by_id(id)
        .and_then(|element| element.dyn_into::<HtmlElement>().ok())
    else {
        return false;
    };
    // An element that cannot take the focus stays without it; nothing follows from that.
    element.focus().is_ok()
}

/// The same after the screen has drawn what just changed.
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

/// Whether the event comes from a field that takes text, so that letters are not commands.
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
