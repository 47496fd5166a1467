//! Cryptographically secure random numbers.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::JsCast;

use super::js_error_message;

/// Returns 128 random bits from `crypto` of the global object: a window, a worker or Node.
///
/// # Errors
/// Returns the browser's message if it has no `crypto`.
pub fn bits() -> Result<u128, String> {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into())
        .map_err(|error| js_error_message(&error))?;
    if !crypto.is_object() {
        return Err("crypto is not available".to_owned());
    }
    let crypto: web_sys::Crypto = crypto.unchecked_into();
    let buffer = Uint8Array::new_with_length(16);
    crypto
        .get_random_values_with_array_buffer_view(&buffer)
        .map_err(|error| js_error_message(&error))?;
    Ok(buffer
        .to_vec()
        .iter()
        .fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
}
