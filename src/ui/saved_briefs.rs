//! The briefs that the operator saved by name, in this browser.

use crate::brief::saved::{SavedBriefs, SavedBriefsError};
use crate::browser::web_storage::WebStorage;

/// Name of the item in `localStorage`.
const SAVED_BRIEFS: &str = "briefs";

/// Reads the saved briefs. Without any, the list is empty.
///
/// # Errors
/// [`SavedBriefsError`] if they cannot be read. They are left unchanged.
pub fn read() -> Result<SavedBriefs, SavedBriefsError> {
    let stored = WebStorage::Local.read(SAVED_BRIEFS);
    stored.map_or_else(
        || Ok(SavedBriefs::default()),
        |text| SavedBriefs::parse(&text),
    )
}

/// Stores the saved briefs for all tabs.
///
/// # Errors
/// The browser's message if there is no storage, or no space in it.
pub fn write(briefs: &SavedBriefs) -> Result<(), String> {
    WebStorage::Local.write(SAVED_BRIEFS, &briefs.to_text())
}
