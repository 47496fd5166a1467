//! The page after a panic, which ends a WebAssembly instance.

use std::panic::PanicHookInfo;

use wasm_bindgen::prelude::*;

/// Installs a panic hook that reports the panic in the console and on the page. Brief, decisions and
/// journal are stored as they change, so a reload restores what the browser could store.
pub fn install() {
    std::panic::set_hook(Box::new(show));
}

fn show(info: &PanicHookInfo<'_>) {
    let detail = info.to_string();
    web_sys::console::error_1(&JsValue::from_str(&detail));
    let Some(window) = web_sys::window() else {
        return;
    };
    let event_details = js_sys::Object::new();
    for (name, text) in [
        ("what", "Taskwright stopped unexpectedly"),
        ("why", "This is a bug in Taskwright."),
        (
            "todo",
            "Reload the page. It restores the brief, the tasks and the journal, if the browser could store them. If a task was being posted, the page shows what became of it. If it happens again, report it and include the text below.",
        ),
        ("raw", &detail),
    ] {
        // Setting a member of a new object cannot fail.
        let _ = js_sys::Reflect::set(&event_details, &name.into(), &text.into());
    }
    let init = web_sys::CustomEventInit::new();
    init.set_detail(&event_details);
    if let Ok(event) =
        web_sys::CustomEvent::new_with_event_init_dict("taskwright:cannot-run", &init)
    {
        let _ = window.dispatch_event(&event);
    }
}
