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

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// What a thrown value says, cut to size. Whatever was thrown, this does not throw.
#[must_use]
pub fn words(thrown: &JsValue) -> String {
    const MOST: usize = 300;
    // By `Reflect`: the message may be a getter, or no string.
    let said = thrown
        .as_string()
        .or_else(|| Reflect::get(thrown, &"message".into()).ok()?.as_string())
        .unwrap_or_else(|| "the browser gave no reason".to_owned());
    said.chars().take(MOST).collect()
}
