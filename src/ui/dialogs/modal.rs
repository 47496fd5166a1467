//! The frame of all dialogs: title, close button, and focus handling.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::{focus_by_id, has_focus, reveal_error_soon};

/// Moves the focus to the first error in the open dialog of this name and scrolls to it. Submitting a
/// dialog does so by itself.
pub(super) fn reveal_error_in(name: &str) {
    reveal_error_soon(dialog_id(name));
}

fn dialog_id(name: &str) -> String {
    format!("{name}-dialog")
}

/// A modal dialog, open while it is mounted. The browser keeps the focus inside. Escape and the close
/// button call `on_close`; afterwards the focus returns to where it was. An error that is found when the
/// dialog is submitted gets the focus.
#[component]
pub fn Modal(
    /// The prefix of its ids.
    name: &'static str,
    /// The title.
    #[prop(into)]
    title: Signal<String>,
    /// Whether it is as wide as a form.
    #[prop(optional)]
    wide: bool,
    /// Called when the operator closes it. The caller has to unmount it.
    on_close: Callback<()>,
    /// Called when the operator submits it.
    on_submit: Callback<()>,
    /// Content next to the title.
    #[prop(optional, into)]
    beside_title: ViewFn,
    /// The body and the buttons.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let opened_from = StoredValue::new_local(
        document()
            .active_element()
            .and_then(|element| element.dyn_into::<HtmlElement>().ok()),
    );
    dialog.on_load(|dialog| {
        // It fails only if the dialog is already open.
        let _ = dialog.show_modal();
    });
    on_cleanup(move || {
        let opened_from = opened_from.try_get_value().flatten();
        request_animation_frame(move || {
            let is_restored = opened_from.is_some_and(|element| {
                element.is_connected() && element.tag_name() != "BODY" && element.focus().is_ok()
            });
            if !is_restored && !has_focus() {
                focus_by_id("tasks");
            }
        });
    });
    view! {
        <dialog
            class="dialog"
            class:wide=wide
            id=dialog_id(name)
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
                    reveal_error_in(name);
                }
            >
                <div class="dialog-head">
                    <h2 id=format!("{name}-title")>{title}</h2>
                    {beside_title.run()}
                    <Button
                        kind=ButtonKind::IconOnly
                        icon="cross"
                        label="Close"
                        on_press=move || on_close.run(())
                    />
                </div>
                {children()}
            </form>
        </dialog>
    }
}
