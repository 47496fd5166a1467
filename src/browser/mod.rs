//! The implementations of the ports in a browser: requests, storage, clock, randomness. All I/O
//! happens here.

pub mod clipboard;
pub mod clock;
pub mod database;
pub mod download;
pub mod fetch;
pub mod file;
pub mod kept_config;
pub mod lock;
pub mod network;
mod page_origin;
pub mod page_return;
pub mod random;
pub mod storage_use;
pub mod tabs;
mod user_agent;
pub mod web_storage;

pub use page_origin::page_origin;
pub use user_agent::user_agent;

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// Returns the message of a thrown value, at most 300 characters of it. Accepts any value.
#[must_use]
pub fn js_error_message(thrown: &JsValue) -> String {
    const MAX_CHARACTERS: usize = 300;
    // By `Reflect`: the message may be a getter, or no string.
    let message = thrown
        .as_string()
        .or_else(|| Reflect::get(thrown, &"message".into()).ok()?.as_string())
        .unwrap_or_else(|| "the browser gave no reason".to_owned());
    message.chars().take(MAX_CHARACTERS).collect()
}
