//! Events of a stream as JavaScript objects.
//!
//! The common event, a few characters of text, is put together member by member: there are
//! hundreds of thousands of it, and JSON text would be written and parsed for each.

use js_sys::{Array, JsString, Object};
use wasm_bindgen::prelude::*;

use super::arguments::{self, Thrown};
use super::events::JsStreamEvent;

#[wasm_bindgen]
extern "C" {
    /// `{type: "text", delta: string}`.
    #[wasm_bindgen(extends = Object)]
    type TextEvent;

    #[wasm_bindgen(method, setter, js_name = "type")]
    fn set_kind(this: &TextEvent, kind: &JsString);

    #[wasm_bindgen(method, setter)]
    fn set_delta(this: &TextEvent, delta: &str);
}

thread_local! {
    static TEXT: JsString = JsString::from("text");
}

/// One event.
///
/// # Errors
/// As [`arguments::to_js`].
fn one(event: &JsStreamEvent) -> Result<JsValue, Thrown> {
    let JsStreamEvent::Text { delta } = event else {
        return arguments::to_js(event);
    };
    let object: TextEvent = Object::new().unchecked_into();
    TEXT.with(|text| object.set_kind(text));
    object.set_delta(delta);
    Ok(object.into())
}

/// An array of all of them.
///
/// # Errors
/// As [`one`].
pub fn all(events: &[JsStreamEvent]) -> Result<JsValue, Thrown> {
    let array = Array::new();
    for event in events {
        array.push(&one(event)?);
    }
    Ok(array.into())
}
