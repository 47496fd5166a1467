//! The brief in the form, stored in this browser with every keystroke. `static/shell.js` reads and
//! writes the same item until the page is mounted.

use crate::brief::BriefForm;
use crate::browser::web_storage::WebStorage;

/// Name of the item in `localStorage`.
pub const STORED_BRIEF: &str = "brief";

/// The stored brief. `None` if there is none, or if it cannot be read.
#[must_use]
pub fn read() -> Option<BriefForm> {
    serde_json::from_str(&WebStorage::Local.read(STORED_BRIEF)?).ok()
}

/// Stores the brief.
///
/// # Errors
/// The browser's message if there is no storage, or no space in it.
pub fn write(form: &BriefForm) -> Result<(), String> {
    let text = serde_json::to_string(form).map_err(|error| error.to_string())?;
    WebStorage::Local.write(STORED_BRIEF, &text)
}
