//! Whether the browser is online, as far as it knows (HTML standard, `navigator.onLine`).

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

/// Whether the browser is online now; `true` if it does not say.
#[must_use]
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Listens for the network coming and going, until it is dropped.
pub struct NetworkWatch {
    listener: Closure<dyn FnMut()>,
}

const EVENTS: [&str; 2] = ["online", "offline"];

impl NetworkWatch {
    /// Calls `on_change` with whether the browser is online, whenever that changes.
    #[must_use]
    pub fn start(on_change: impl Fn(bool) + 'static) -> NetworkWatch {
        let listener = Closure::new(move || on_change(is_online()));
        if let Some(window) = web_sys::window() {
            for event in EVENTS {
                // Adding a listener to a live window cannot fail.
                let _ = window
                    .add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
            }
        }
        NetworkWatch { listener }
    }
}

impl Drop for NetworkWatch {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            for event in EVENTS {
                let _ = window.remove_event_listener_with_callback(
                    event,
                    self.listener.as_ref().unchecked_ref(),
                );
            }
        }
    }
}
