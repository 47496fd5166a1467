//! Randomness that nobody can guess.

use js_sys::Uint8Array;

use super::words;

/// 128 random bits from the browser's `crypto`.
///
/// # Errors
/// What the browser said, where it has none.
pub fn bits() -> Result<u128, String> {
    let window = web_sys::window().ok_or("there is no window")?;
    let crypto = window.crypto().map_err(|error| words(&error))?;
    let buffer = Uint8Array::new_with_length(16);
    crypto
        .get_random_values_with_array_buffer_view(&buffer)
        .map_err(|error| words(&error))?;
    Ok(buffer
        .to_vec()
        .iter()
        .fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
}
