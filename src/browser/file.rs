//! Files that the operator chose.

use js_sys::Uint8Array;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::js_error_message;
use crate::text::decoded;

/// Reads a file of at most `max_bytes`, without the byte order mark that it may begin with.
///
/// # Errors
/// Why it cannot be read: it is too large, it is neither UTF-8 nor UTF-16 with a byte order mark, or the browser's message.
pub async fn read_text(file: &File, max_bytes: usize) -> Result<String, String> {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    if file.size() > max_bytes as f64 {
        return Err(format!("it is larger than {max_bytes} bytes"));
    }
    let buffer = JsFuture::from(file.array_buffer())
        .await
        .map_err(|thrown| js_error_message(&thrown))?;
    let bytes = Uint8Array::new(&buffer).to_vec();
    // `File.text()` would replace what it cannot read, and the tasks would differ from those of the file.
    decoded(bytes).ok_or_else(|| "it is not UTF-8 text".to_owned())
}

/// Says in full sentences that a file was not read, and why.
#[must_use]
pub fn not_read(file: &File, why: &str) -> String {
    format!(
        "“{}” could not be read: {why}. Choose another file, or this one again.",
        file.name()
    )
}
