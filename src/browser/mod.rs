//! The ports' real implementations: requests, storage, clock, randomness. The only place that does
//! I/O.

pub mod clock;
pub mod database;
pub mod download;
pub mod fetch;
pub mod local;
pub mod lock;
pub mod network;
pub mod random;
pub mod tabs;

use wasm_bindgen::{JsCast, JsValue};

/// What a thrown value says, cut to size. Whatever was thrown, this does not throw.
#[must_use]
pub fn words(thrown: &JsValue) -> String {
    const MOST: usize = 300;
    let said = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| {
            thrown
                .dyn_ref::<web_sys::DomException>()
                .map(web_sys::DomException::message)
        })
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| "the browser gave no reason".to_owned());
    said.chars().take(MOST).collect()
}
