//! The field for a secret that is used at once: with the header that carries it, and the choice to keep it
//! for the tab.

use leptos::html;
use leptos::prelude::*;

use super::secret_entry::{SecretBox, SecretEntry, SecretNotice};
use crate::text::capitalize;
use crate::ui::controls::button::Button;
use crate::ui::controls::field::FieldError;

/// The id of the field.
pub const SECRET: &str = "secret";

/// The field and the choice.
#[component]
pub fn SecretField(
    entry: SecretEntry,
    /// Whether the field gets the focus when the dialog opens.
    autofocus: bool,
    /// The box that keeps the secret for the tab.
    keep: NodeRef<html::Input>,
    /// The name of the secret, such as "agent token".
    #[prop(into)]
    noun: Signal<String>,
    /// The header that carries it.
    #[prop(into)]
    header: Signal<Option<String>>,
    /// Why the last secret was not accepted.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// The default token of a local task server, if this may be one.
    #[prop(into)]
    default_token: Signal<Option<&'static str>>,
    /// Uses the default token.
    #[prop(into)]
    on_default: Callback<&'static str>,
) -> impl IntoView {
    let is_visible = RwSignal::new(false);
    let has_error = Signal::derive(move || error.with(Option::is_some));
    view! {
        <div class="field">
            <label for=SECRET>{move || capitalize(&noun.get())}</label>
            <div class="field-with-button">
                <SecretBox id=SECRET entry is_visible autofocus has_error/>
                <Button
                    icon="eye"
                    label="Show"
                    name=move || format!("Show {}", noun.get())
                    on_press=move || is_visible.update(|is_visible| *is_visible = !*is_visible)
                    attr:aria-pressed=move || is_visible.get().to_string()
                />
            </div>
            <p class="hint" id="secret-hint">
                "Sent as "
                <code class="whole">{header}</code>
                " to this host only. Kept in memory until you reload or close the tab, unless you choose otherwise below."
            </p>
            <FieldError id=SECRET text=error/>
            <SecretNotice id=SECRET entry/>
        </div>
        {move || {
            default_token
                .get()
                .map(|token| {
                    view! {
                        <div class="button-row">
                            <Button
                                icon="key"
                                label=format!("Use “{token}”, the local default")
                                on_press=move || on_default.run(token)
                            />
                        </div>
                    }
                })
        }}
        <div class="field">
            <label class="check">
                <input type="checkbox" aria-describedby="secret-keep-hint" node_ref=keep/>
                <span>"Keep for this tab, so that a reload does not ask again"</span>
            </label>
            <p class="hint" id="secret-keep-hint">
                "The browser may write it to disk. Duplicating the tab copies it, and reopening the closed tab restores it. "
                "Forget it in the settings."
            </p>
        </div>
    }
}
