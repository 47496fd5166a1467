//! Small things that are kept as they are typed: `localStorage`, which is written at once, and
//! `sessionStorage` for what the operator wants kept for this tab only.

use web_sys::Storage;

use super::words;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebStorage {
    /// Stays until it is cleared. Never holds a secret.
    Local,
    /// Goes with the tab.
    Session,
}

/// Every key of ours begins so: other pages of the same origin share the storage.
const PREFIX: &str = "taskwright.";

fn storage(shelf: WebStorage) -> Result<Storage, String> {
    let window = web_sys::window().ok_or("there is no window")?;
    let storage = match shelf {
        WebStorage::Local => window.local_storage(),
        WebStorage::Session => window.session_storage(),
    };
    storage
        .map_err(|error| words(&error))?
        .ok_or_else(|| "this browser keeps nothing for this page".to_owned())
}

/// What is kept under a name; `None` also where nothing can be kept.
#[must_use]
pub fn read(shelf: WebStorage, name: &str) -> Option<String> {
    storage(shelf)
        .ok()?
        .get_item(&format!("{PREFIX}{name}"))
        .ok()?
}

/// Keeps a text under a name.
///
/// # Errors
/// What the browser said: there is no storage, or no room.
pub fn write(shelf: WebStorage, name: &str, text: &str) -> Result<(), String> {
    storage(shelf)?
        .set_item(&format!("{PREFIX}{name}"), text)
        .map_err(|error| words(&error))
}

/// Forgets everything whose name begins with `prefix`.
pub fn remove_all(shelf: WebStorage, prefix: &str) {
    let Ok(storage) = storage(shelf) else { return };
    let prefix = format!("{PREFIX}{prefix}");
    let names: Vec<String> = (0..storage.length().unwrap_or(0))
        .filter_map(|index| storage.key(index).ok().flatten())
        .filter(|name| name.starts_with(&prefix))
        .collect();
    for name in names {
        // Removing what is not there is no error, and nothing else can go wrong.
        let _ = storage.remove_item(&name);
    }
}

/// Forgets what is kept under a name.
pub fn remove(shelf: WebStorage, name: &str) {
    if let Ok(storage) = storage(shelf) {
        // Removing what is not there is no error, and nothing else can go wrong.
        let _ = storage.remove_item(&format!("{PREFIX}{name}"));
    }
}
