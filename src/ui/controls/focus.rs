//! Keyboard focus.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

/// The errors of a form: its invalid fields, or else its messages, which may be older.
const ERRORS: [&str; 2] = ["[aria-invalid=\"true\"]", "[role=\"alert\"]"];

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

/// Scrolls the element with this id to its top after the next frame is drawn.
pub fn scroll_to_top_soon(id: &'static str) {
    request_animation_frame(move || {
        if let Some(element) = document().get_element_by_id(id) {
            element.set_scroll_top(0);
        }
    });
}

/// Moves the focus to the first error below the element with this id, and scrolls to the error and
/// its text, after the next frame is drawn. Does nothing if there is no error by then.
pub fn reveal_error_soon(container: String) {
    request_animation_frame(move || {
        let Some(container) = document().get_element_by_id(&container) else {
            return;
        };
        let error = ERRORS
            .iter()
            .find_map(|selector| container.query_selector(selector).ok().flatten());
        if let Some(error) = error {
            reveal(&error);
        }
    });
}

/// Moves the focus to an invalid field or a message, and scrolls to it.
fn reveal(error: &Element) {
    let mut around = error.parent_element();
    while let Some(element) = around {
        // Nothing in a closed group can take the focus. Opening one that is open changes nothing.
        if element.tag_name() == "DETAILS" {
            let _ = element.set_attribute("open", "");
        }
        around = element.parent_element();
    }
    if error.get_attribute("role").as_deref() == Some("alert") {
        let _ = error.set_attribute("tabindex", "-1");
    }
    if let Some(element) = error.dyn_ref::<HtmlElement>() {
        // If it fails, the error is still scrolled to.
        let _ = element.focus();
    }
    // The text of a field's error is below the field. If both do not fit, the text counts.
    let field = error.closest(".field").ok().flatten();
    let text = field
        .as_ref()
        .and_then(|field| field.query_selector(".field-error").ok().flatten());
    for element in [
        field.as_ref().unwrap_or(error),
        text.as_ref().unwrap_or(error),
    ] {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    }
}

/// Whether the element with this id has the focus.
pub fn is_focused(id: &str) -> bool {
    document()
        .active_element()
        .is_some_and(|element| element.id() == id)
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
