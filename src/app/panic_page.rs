//! What a person sees when the module stops: a panic ends a WebAssembly instance.

use std::panic::PanicHookInfo;

use wasm_bindgen::prelude::*;

/// Says what happened in the console and on the page. What was typed, approved and journaled was
/// kept as it happened, so a reload brings it back.
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
        ("what", "Taskwright stopped."),
        (
            "why",
            "It met a case that it does not know: a fault of this page, not of yours.",
        ),
        (
            "todo",
            "Reload the page. Your brief, the tasks and the journal were kept as you worked; a task that was on its way is shown as unknown.",
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
