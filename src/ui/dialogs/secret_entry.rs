//! A field for a secret, which notices when more than the secret was typed or pasted. No signal holds
//! what is in it.

use leptos::ev::ClipboardEvent;
use leptos::html;
use leptos::prelude::*;
use zeroize::Zeroizing;

use crate::secrets::{Correction, SecretUse, Surplus, correct};
use crate::text::listed;
use crate::ui::controls::button::Button;
use crate::ui::controls::field::described_by;
use crate::ui::controls::icons::icon;

/// What the page says about the text in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EntryNotice {
    /// It contains more than the secret.
    Surplus {
        surplus: Vec<Surplus>,
        is_optional: bool,
    },
    /// Several lines were pasted, and it is not clear which one is the secret.
    SeveralLines,
}

impl EntryNotice {
    fn text(&self) -> String {
        match self {
            EntryNotice::Surplus { surplus, .. } => {
                let labels = surplus.iter().map(|surplus| surplus.label().to_owned());
                let labels: Vec<String> = labels.collect();
                format!(
                    "Besides the secret, this text seems to contain {}.",
                    listed(&labels)
                )
            }
            EntryNotice::SeveralLines => {
                "The text you pasted has several lines, which a secret cannot have. Copy the secret alone."
                    .to_owned()
            }
        }
    }
}

/// The state of a field for a secret.
#[derive(Clone, Copy)]
pub struct SecretEntry {
    /// The field.
    pub field: NodeRef<html::Input>,
    /// How the secret is sent.
    usage: Signal<SecretUse>,
    notice: RwSignal<Option<EntryNotice>>,
    /// Overwritten when it is dropped, like the value in the keyring.
    correction: StoredValue<Option<Correction>, LocalStorage>,
    /// Whether the operator uses the text as it is.
    is_kept: StoredValue<bool>,
    /// Whether the text was submitted in spite of the notice.
    was_stopped: RwSignal<bool>,
}

impl SecretEntry {
    /// An empty field.
    pub fn new(usage: Signal<SecretUse>) -> SecretEntry {
        SecretEntry {
            field: NodeRef::new(),
            usage,
            notice: RwSignal::new(None),
            correction: StoredValue::new_local(None),
            is_kept: StoredValue::new(false),
            was_stopped: RwSignal::new(false),
        }
    }

    /// The text in the field. Its memory is overwritten when it is dropped.
    pub fn text(self) -> Zeroizing<String> {
        let field = self.field.get_untracked();
        Zeroizing::new(field.map(|field| field.value()).unwrap_or_default())
    }

    /// Empties the field.
    pub fn clear(self) {
        self.replace("");
    }

    /// Puts a text that needs no correction into the field.
    pub fn fill(self, text: &'static str) {
        self.replace(text);
    }

    /// Whether the text in the field may be used: there is nothing to correct, or the operator uses it as
    /// it is. If not, the page says why.
    pub fn may_use(self) -> bool {
        let has_correction = self.correction.with_value(Option::is_some);
        if !self.is_kept.get_value() && !has_correction {
            self.examine(&self.text());
        }
        let may_use = self.notice.with_untracked(Option::is_none);
        self.was_stopped.set(!may_use);
        may_use
    }

    /// Looks again at the text in the field.
    pub fn look_again(self) {
        self.is_kept.set_value(false);
        self.was_stopped.set(false);
        self.examine(&self.text());
    }

    fn examine(self, text: &str) {
        self.show(correct(text, self.usage.get_untracked()));
    }

    fn show(self, correction: Option<Correction>) {
        let notice = correction.as_ref().map(|correction| EntryNotice::Surplus {
            surplus: correction.surplus.clone(),
            is_optional: correction.is_optional,
        });
        if self.notice.with_untracked(|shown| *shown != notice) {
            self.notice.set(notice);
        }
        self.correction.set_value(correction);
    }

    /// A field of one line drops line breaks. So a text of several lines is examined before.
    fn paste(self, event: &ClipboardEvent) {
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok());
        let Some(text) = text.map(Zeroizing::new) else {
            return;
        };
        if !text.trim().contains(['\n', '\r']) {
            return;
        }
        event.prevent_default();
        self.is_kept.set_value(false);
        match correct(&text, self.usage.get_untracked()) {
            None => {
                self.correction.set_value(None);
                self.notice.set(Some(EntryNotice::SeveralLines));
            }
            Some(mut correction) => {
                correction.is_optional = false;
                self.show(Some(correction));
            }
        }
    }

    fn use_correction(self) {
        if let Some(correction) = self.correction.try_update_value(Option::take).flatten() {
            self.replace(correction.value());
        }
        self.focus();
    }

    fn keep(self) {
        self.show(None);
        self.is_kept.set_value(true);
        self.was_stopped.set(false);
        self.focus();
    }

    fn replace(self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
        }
        self.show(None);
        self.is_kept.set_value(false);
        self.was_stopped.set(false);
    }

    fn focus(self) {
        if let Some(field) = self.field.get_untracked() {
            // If it fails, the field is one Tab away.
            let _ = field.focus();
        }
    }
}

/// The field itself. Its hint, its error and its notice describe it.
#[component]
pub fn SecretBox(
    id: &'static str,
    entry: SecretEntry,
    /// Whether the text can be read.
    #[prop(default = Signal::stored(false), into)]
    is_visible: Signal<bool>,
    /// Whether the field has the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Whether the field has an error.
    has_error: Signal<bool>,
) -> impl IntoView {
    let described = described_by(id, true, has_error);
    let has_notice = move || entry.notice.with(Option::is_some);
    view! {
        <input
            class="input mono"
            id=id
            type=move || if is_visible.get() { "text" } else { "password" }
            autofocus=autofocus
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-invalid=move || (has_error.get() || entry.was_stopped.get()).then_some("true")
            aria-describedby=move || {
                let notice = if has_notice() { format!(" {id}-notice") } else { String::new() };
                described().map(|described| format!("{described}{notice}"))
            }
            on:input=move |_| entry.look_again()
            on:paste=move |event| entry.paste(&event)
            node_ref=entry.field
        />
    }
}

/// What the text in the field contains besides the secret, and what can be done about it.
#[component]
pub fn SecretNotice(id: &'static str, entry: SecretEntry) -> impl IntoView {
    let actions = move |is_optional: bool| {
        view! {
            <div class="button-row">
                <Button
                    icon="check"
                    label="Use the corrected value"
                    on_press=move || entry.use_correction()
                />
                {is_optional
                    .then(|| {
                        view! {
                            <Button label="Keep it as it is" on_press=move || entry.keep()/>
                        }
                    })}
            </div>
        }
    };
    move || {
        entry.notice.get().map(|notice| {
            let text = notice.text();
            let actions = match notice {
                EntryNotice::Surplus { is_optional, .. } => Some(actions(is_optional)),
                EntryNotice::SeveralLines => None,
            };
            view! {
                <div class="entry-notice">
                    <p id=format!("{id}-notice") role="alert">
                        {icon("warning")}
                        <span>{text}</span>
                    </p>
                    {actions}
                </div>
            }
        })
    }
}
