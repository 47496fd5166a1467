//! What every dialog has: a title, a way to close it, and the focus given back.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::ui::controls::focus::{focus_by_id, has_focus};
use crate::ui::controls::icons::icon;

/// A dialog over the page, for as long as it is mounted. The browser keeps the focus inside and
/// closes it at Escape; both that and the cross call `on_close`.
#[component]
pub fn Modal(
    /// What its ids begin with.
    name: &'static str,
    /// Its title.
    #[prop(into)]
    title: Signal<String>,
    /// Whether it needs the width of a form.
    #[prop(optional)]
    wide: bool,
    /// Called when the operator closes it. It has to be unmounted then.
    on_close: Callback<()>,
    /// Called when the operator presses the main button.
    on_submit: Callback<()>,
    /// What stands beside the title.
    #[prop(optional, into)]
    beside_title: ViewFn,
    /// The body and the foot.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let opened_from = StoredValue::new_local(
        document()
            .active_element()
            .and_then(|element| element.dyn_into::<HtmlElement>().ok()),
    );
    dialog.on_load(|dialog| {
        // It fails only for a dialog that is open already.
        let _ = dialog.show_modal();
    });
    on_cleanup(move || {
        let opened_from = opened_from.try_get_value().flatten();
        request_animation_frame(move || {
            let is_back = opened_from.is_some_and(|element| {
                element.is_connected() && element.tag_name() != "BODY" && element.focus().is_ok()
            });
            if !is_back && !has_focus() {
                focus_by_id("tasks");
            }
        });
    });
    view! {
        <dialog
            class="dialog"
            class:wide=wide
            aria-labelledby=format!("{name}-title")
            node_ref=dialog
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
        >
            <form
                method="dialog"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    on_submit.run(());
                }
            >
                <div class="dialog-head">
                    <h2 id=format!("{name}-title")>{title}</h2>
                    {beside_title.run()}
                    <button
                        class="button quiet icon-only"
                        type="button"
                        aria-label="Close"
                        on:click=move |_| on_close.run(())
                    >
                        {icon("cross")}
                    </button>
                </div>
                {children()}
            </form>
        </dialog>
    }
}
