//! What stands under a field: what is wrong with it.

use leptos::prelude::*;

use crate::ui::controls::icons::icon;

/// The error under a field, only where there is one.
#[component]
pub fn FieldError(
    /// What the field's `aria-describedby` names.
    id: &'static str,
    /// What is wrong.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    move || {
        text.get().map(|text| {
            view! {
                <p class="field-error" id=id>
                    {icon("warning")}
                    <span>{text}</span>
                </p>
            }
        })
    }
}

/// The value of `aria-describedby` for a field with a hint and perhaps an error.
pub fn described_by(
    hint: Option<&'static str>,
    error: &'static str,
    has_error: Signal<bool>,
) -> impl Fn() -> Option<String> {
    move || match (hint, has_error.get()) {
        (None, false) => None,
        (Some(hint), false) => Some(hint.to_owned()),
        (None, true) => Some(error.to_owned()),
        (Some(hint), true) => Some(format!("{hint} {error}")),
    }
}
