//! A press counts for the control that was pressed, even if the page moved below the pointer before the
//! button was released. While tasks arrive or are posted, banners come and go above the list; the browser
//! alone would give such a click to neither control.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};

/// What can be pressed.
const CONTROLS: &str = "button, a[href], summary, label, input";
/// How far the pointer may move between press and release, in CSS pixels. Farther is a drag.
const MAX_MOVE: i32 = 4;

/// A control and where the pointer pressed it.
struct Pressed {
    control: HtmlElement,
    at: (i32, i32),
}

/// Watches presses on the whole page until the current owner ends.
pub fn keep_presses_steady() {
    let pressed = StoredValue::new_local(None::<Pressed>);
    let down = window_event_listener(leptos::ev::pointerdown, move |event| {
        let control = (event.button() == 0).then(|| control_of(event.target()));
        pressed.set_value(control.flatten().map(|control| Pressed {
            control,
            at: (event.client_x(), event.client_y()),
        }));
    });
    let click = window_event_listener(leptos::ev::click, move |event| {
        let Some(Pressed { control, at }) = pressed.try_update_value(Option::take).flatten() else {
            return;
        };
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Node>().ok());
        let is_still = (event.client_x() - at.0).abs() <= MAX_MOVE
            && (event.client_y() - at.1).abs() <= MAX_MOVE;
        // The browser gives a click between two elements to one that contains both.
        let is_lost = target.is_some_and(|target| {
            !control.contains(Some(&target)) && target.contains(Some(&control))
        });
        if is_lost && is_still && control.is_connected() {
            control.click();
        }
    });
    on_cleanup(move || {
        down.remove();
        click.remove();
    });
}

fn control_of(target: Option<web_sys::EventTarget>) -> Option<HtmlElement> {
    let element = target?.dyn_into::<Element>().ok()?;
    element.closest(CONTROLS).ok()??.dyn_into().ok()
}
