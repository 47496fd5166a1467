//! Exact text with a button that copies it.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::ui::controls::icons::icon;

/// A block of exact text.
#[component]
pub fn CodeBlock(
    /// What it is.
    #[prop(into)]
    caption: Signal<String>,
    /// A number beside it.
    #[prop(into, optional)]
    size: Signal<Option<String>>,
    /// The words of the button.
    copy: &'static str,
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// What is copied, where it is not the text as it is shown.
    #[prop(into, optional)]
    copied_text: Option<Signal<String>>,
) -> impl IntoView {
    let text_to_copy = copied_text.unwrap_or(text);
    let copied = RwSignal::new(None::<String>);
    let put = move |_| {
        let now = text_to_copy.get_untracked();
        // What comes of it is not waited for: the browser says itself where it refuses.
        let _promise = window().navigator().clipboard().write_text(&now);
        copied.set(Some(now));
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
                            <button class="button quiet push" type="button" on:click=put>
                                {icon("copy")}
                                {move || if is_copied() { "Copied" } else { copy }}
                            </button>
                        }
                    })}
            </figcaption>
            <pre tabindex="0"><code>{text}</code></pre>
        </figure>
    }
}

/// A page that is not in a secure context has no clipboard.
fn can_copy() -> bool {
    let navigator: JsValue = window().navigator().into();
    js_sys::Reflect::get(&navigator, &"clipboard".into())
        .is_ok_and(|clipboard| clipboard.is_object())
}
