//! Tells the script for offline use (`static/offline.js`) which `config.json` it may keep. In a page
//! without that script, nobody listens.

use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit};

/// The name of the event. Its detail is the text of the file, or `null` if there is no file.
const EVENT: &str = "taskwright:config";

/// Offers the `config.json` that the page has accepted, which therefore holds no secret; `None` if the
/// deployment has none.
pub fn offer(text: Option<&str>) {
    let init = CustomEventInit::new();
    init.set_detail(&text.map_or(JsValue::NULL, JsValue::from_str));
    let event = CustomEvent::new_with_event_init_dict(EVENT, &init);
    if let (Some(window), Ok(event)) = (web_sys::window(), event) {
        // It fails only for an event that is being dispatched already.
        let _ = window.dispatch_event(&event);
    }
}
