//! Files that the operator chose.

use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::js_error_message;

/// Reads a file of at most `max_bytes` as UTF-8; bytes that are no UTF-8 become U+FFFD.
///
/// # Errors
/// Why it cannot be read: it is too large, or the browser's message.
pub async fn read_text(file: &File, max_bytes: usize) -> Result<String, String> {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    if file.size() > max_bytes as f64 {
        return Err(format!("it is larger than {max_bytes} bytes"));
    }
    let text = JsFuture::from(file.text())
        .await
        .map_err(|thrown| js_error_message(&thrown))?;
    Ok(text.as_string().unwrap_or_default())
}

/// Says in full sentences that a file was not read, and why.
#[must_use]
pub fn not_read(file: &File, why: &str) -> String {
    format!(
        "“{}” could not be read: {why}. Choose it again.",
        file.name()
    )
}
