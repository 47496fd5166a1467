//! The clipboard.

/// Copies a text. A browser that refuses tells the operator itself.
pub fn copy(text: &str) {
    if let Some(window) = web_sys::window() {
        // The promise is dropped: there is nothing to do after it.
        let _promise = window.navigator().clipboard().write_text(text);
    }
}
