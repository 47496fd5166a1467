//! Whether the browser has a network, as far as it says (HTML standard, `navigator.onLine`).

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

/// Whether there is a network now. Where the browser does not say, there is one.
#[must_use]
pub fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Hears of a network that comes and goes until it is dropped.
pub struct NetworkWatch {
    listener: Closure<dyn FnMut()>,
}

const EVENTS: [&str; 2] = ["online", "offline"];

impl NetworkWatch {
    /// Calls `changed` with whether there is a network now, whenever that changes.
    #[must_use]
    pub fn start(changed: impl Fn(bool) + 'static) -> NetworkWatch {
        let listener = Closure::new(move || changed(is_online()));
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
