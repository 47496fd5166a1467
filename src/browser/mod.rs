//! The implementations of the ports in a browser: requests, storage, clock, randomness. All I/O
//! happens here.

pub mod clock;
pub mod database;
pub mod download;
pub mod fetch;
pub mod lock;
pub mod network;
pub mod random;
pub mod tabs;
pub mod web_storage;

use wasm_bindgen::{JsCast, JsValue};

/// Returns the message of a thrown value, at most 300 characters of it. Accepts any value.
#[must_use]
pub fn js_error_message(thrown: &JsValue) -> String {
    const MAX_CHARACTERS: usize = 300;
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| {
            thrown
                .dyn_ref::<web_sys::DomException>()
                .map(web_sys::DomException::message)
        })
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| "the browser gave no reason".to_owned());
    message.chars().take(MAX_CHARACTERS).collect()
}
