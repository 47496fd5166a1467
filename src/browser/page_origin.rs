//! The origin of the page.

/// The origin of this page, as servers see it in `Origin`.
#[must_use]
pub fn page_origin() -> String {
    // Without one, as in a sandboxed frame, browsers send `null`.
    web_sys::window()
        .and_then(|window| window.location().origin().ok())
        .unwrap_or_else(|| "null".to_owned())
}
