//! Randomness that nobody can guess.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsCast;

use super::words;

/// 128 random bits from the `crypto` of whatever global there is: a window, a worker, Node.
///
/// # Errors
/// What the browser said, where it has none.
pub fn bits() -> Result<u128, String> {
    let crypto =
        Reflect::get(&js_sys::global(), &"crypto".into()).map_err(|error| words(&error))?;
    if !crypto.is_object() {
        return Err("there is no crypto".to_owned());
    }
    let crypto: web_sys::Crypto = crypto.unchecked_into();
    let buffer = Uint8Array::new_with_length(16);
    crypto
        .get_random_values_with_array_buffer_view(&buffer)
        .map_err(|error| words(&error))?;
    Ok(buffer
        .to_vec()
        .iter()
        .fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
}
