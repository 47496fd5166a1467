//! A button that reads a text file.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser::file;
use crate::ui::controls::button::Button;

/// The button. The same file can be chosen again.
#[component]
pub fn FileButton(
    /// Its label.
    label: &'static str,
    /// The accessible name of the file input behind it.
    name: &'static str,
    /// The accepted media types and extensions, as in HTML.
    accept: &'static str,
    /// Maximum size of the file, in bytes.
    max_bytes: usize,
    /// Called with the text of the file, or with the reason why it could not be read.
    on_text: Callback<(Result<String, String>,)>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let choose = move || {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let read = move |_| {
        let Some(input) = input.get_untracked() else {
            return;
        };
        let Some(chosen) = input.files().and_then(|files| files.get(0)) else {
            return;
        };
        input.set_value("");
        spawn_local(async move {
            let text = file::read_text(&chosen, max_bytes).await;
            on_text.run((text,));
        });
    };
    view! {
        <Button icon="paste" label=label on_press=choose/>
        <input
            type="file"
            accept=accept
            aria-label=name
            hidden
            node_ref=input
            on:change=read
        />
    }
}
