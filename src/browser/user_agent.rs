//! The browser's name for itself.

/// The browser's name for itself, as in `User-Agent`.
#[must_use]
pub fn user_agent() -> String {
    web_sys::window()
        .and_then(|window| window.navigator().user_agent().ok())
        .unwrap_or_default()
}
