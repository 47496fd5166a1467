//! Small items in web storage (HTML standard, section 12.2), which is written synchronously.

use web_sys::Storage;

use super::js_error_message;

/// One of the two storage areas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebStorage {
    /// `localStorage`: lasts until it is cleared. Never holds a secret.
    Local,
    /// `sessionStorage`: lasts as long as the tab.
    Session,
}

/// Prefix of all our names, because pages of the same origin share the storage.
const PREFIX: &str = "taskwright.";

impl WebStorage {
    fn open(self) -> Result<Storage, String> {
        let window = web_sys::window().ok_or("there is no window")?;
        let storage = match self {
            WebStorage::Local => window.local_storage(),
            WebStorage::Session => window.session_storage(),
        };
        storage
            .map_err(|error| js_error_message(&error))?
            .ok_or_else(|| "this browser has no storage for this page".to_owned())
    }

    /// Returns the item with this name; `None` also if the storage cannot be used.
    #[must_use]
    pub fn read(self, name: &str) -> Option<String> {
        self.open().ok()?.get_item(&prefixed(name)).ok()?
    }

    /// Stores an item under a name, replacing an earlier one.
    ///
    /// # Errors
    /// Returns the browser's message if there is no storage, or no space in it.
    pub fn write(self, name: &str, text: &str) -> Result<(), String> {
        self.open()?
            .set_item(&prefixed(name), text)
            .map_err(|error| js_error_message(&error))
    }

    /// Removes the item with this name.
    pub fn remove(self, name: &str) {
        if let Ok(storage) = self.open() {
            // Removing an absent item is no error, and nothing else can fail.
            let _ = storage.remove_item(&prefixed(name));
        }
    }

    /// Removes all items whose name starts with `prefix`.
    pub fn remove_all(self, prefix: &str) {
        let Ok(storage) = self.open() else { return };
        let prefix = prefixed(prefix);
        let names: Vec<String> = (0..storage.length().unwrap_or(0))
            .filter_map(|index| storage.key(index).ok().flatten())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        for name in names {
            // Removing an absent item is no error, and nothing else can fail.
            let _ = storage.remove_item(&name);
        }
    }
}

fn prefixed(name: &str) -> String {
    format!("{PREFIX}{name}")
}
