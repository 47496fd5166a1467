//! Exact text with a button that copies it.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::ui::controls::button::{Button, ButtonKind};

/// A block of exact text.
#[component]
pub fn CodeBlock(
    /// A title for the text.
    #[prop(into)]
    caption: Signal<String>,
    /// The size of the text, beside the caption.
    #[prop(into, optional)]
    size: Signal<Option<String>>,
    /// The label of the button that copies.
    copy: &'static str,
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// The text to copy, if it differs from the text shown.
    #[prop(into, optional)]
    copied_text: Option<Signal<String>>,
) -> impl IntoView {
    let text_to_copy = copied_text.unwrap_or(text);
    let copied = RwSignal::new(None::<String>);
    let write_to_clipboard = move || {
        let text = text_to_copy.get_untracked();
        // The promise is dropped: a browser that refuses tells the operator itself.
        let _promise = window().navigator().clipboard().write_text(&text);
        copied.set(Some(text));
    };
    let is_copied =
        move || copied.with(|copied| text_to_copy.with(|text| copied.as_ref() == Some(text)));
    view! {
        <figure class="code-block">
            <figcaption>
                {caption}
                {move || size.get().map(|size| view! { <span class="soft number">{size}</span> })}
                {can_copy()
                    .then(|| {
                        view! {
                            <Button
                                kind=ButtonKind::Quiet
                                class="push"
                                icon="copy"
                                label=move || if is_copied() { "Copied" } else { copy }
                                on_press=write_to_clipboard
                            />
                        }
                    })}
            </figcaption>
            <pre tabindex="0"><code>{text}</code></pre>
        </figure>
    }
}

/// Whether there is a clipboard: a page outside a secure context has none.
fn can_copy() -> bool {
    let navigator: JsValue = window().navigator().into();
    js_sys::Reflect::get(&navigator, &"clipboard".into())
        .is_ok_and(|clipboard| clipboard.is_object())
}
