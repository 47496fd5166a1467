//! Whether the page comes back from the back/forward cache (HTML standard, `pageshow`). It was suspended
//! there and may have lost its lock and its database connection.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::PageTransitionEvent;

const EVENT: &str = "pageshow";

/// Listens for the page coming back, until it is dropped.
pub struct PageReturn {
    listener: Closure<dyn FnMut(PageTransitionEvent)>,
}

impl PageReturn {
    /// Calls `on_return` whenever the page comes back from the cache.
    #[must_use]
    pub fn watch(on_return: impl Fn() + 'static) -> PageReturn {
        let listener = Closure::new(move |event: PageTransitionEvent| {
            if event.persisted() {
                on_return();
            }
        });
        if let Some(window) = web_sys::window() {
            // Adding a listener to a live window cannot fail.
            let _ =
                window.add_event_listener_with_callback(EVENT, listener.as_ref().unchecked_ref());
        }
        PageReturn { listener }
    }
}

impl Drop for PageReturn {
    fn drop(&mut self) {
        if let Some(window) = web_sys::window() {
            let _ = window
                .remove_event_listener_with_callback(EVENT, self.listener.as_ref().unchecked_ref());
        }
    }
}
