//! The prompt for an API key or an agent token.

use leptos::html;
use leptos::prelude::*;
use zeroize::Zeroizing;

use super::missing_secret::{header_of, use_of};
use super::modal::Modal;
use super::secret_entry::SecretEntry;
use super::secret_field::SecretField;
use crate::secrets::{SecretSlot, SecretUse};
use crate::text::capitalize;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The dialog. The typed secret is only in the field until it is submitted; no signal holds it.
#[component]
pub fn SecretDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let prompt = move || page.secret_prompt.get();
    let slot = Memo::new(move |_| {
        page.secret_prompt
            .with(|prompt| prompt.as_ref().map(|p| p.slot.clone()))
    });
    let noun = move || {
        slot.get()
            .map(|slot| slot.label().to_owned())
            .unwrap_or_default()
    };
    let title = Signal::derive(move || {
        let host = prompt()
            .map(|prompt| prompt.address.host_and_port())
            .unwrap_or_default();
        format!("{} for {host}", capitalize(&noun()))
    });
    let connection = move || {
        let of_run = page
            .run
            .with(|run| run.as_ref().map(|run| run.connection.clone()));
        of_run.unwrap_or_else(|| page.connection.get())
    };
    let header = move || {
        let (slot, connection) = (slot.get()?, connection());
        if slot == SecretSlot::API_KEY {
            let header = connection.model.and_then(|model| model.key_header);
            return Some(header.unwrap_or_else(|| "Authorization".to_owned()));
        }
        header_of(&slot, &connection)
    };
    let usage = Signal::derive(move || match slot.get() {
        Some(slot) if slot != SecretSlot::API_KEY => use_of(&slot, &connection()),
        // The scheme of an API key is always added.
        _ => SecretUse::Header {
            keeps_scheme: false,
        },
    });
    let entry = SecretEntry::new(usage);
    let keep = NodeRef::<html::Input>::new();
    let use_secret = move |value: &str| {
        let Some(slot) = slot.get_untracked() else {
            return;
        };
        let keep_for_tab = keep.get_untracked().is_some_and(|keep| keep.checked());
        // Overwritten when dropped, like the value in the keyring.
        let value = Zeroizing::new(value.to_owned());
        screen.command(move |commands| commands.give_secret(slot, &value, keep_for_tab));
        if page.secret_prompt.with_untracked(Option::is_some)
            && let Some(field) = entry.field.get_untracked()
        {
            // If it fails, the field is one Tab away.
            let _ = field.focus();
        }
    };
    let submit = Callback::new(move |()| {
        if entry.may_use() {
            use_secret(&entry.text());
        }
    });
    let close =
        Callback::new(move |()| screen.command(move |commands| commands.dismiss_secret_prompt()));
    let error = Signal::derive(move || prompt().and_then(|prompt| prompt.refusal));
    view! {
        <Modal name="secret" title on_close=close on_submit=submit>
            <div class="dialog-body">
                <SecretField
                    entry
                    autofocus=true
                    keep
                    noun=Signal::derive(noun)
                    header=Signal::derive(header)
                    error
                    default_token=Signal::derive(move || prompt()?.default_token)
                    on_default=use_secret
                />
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button
                    kind=ButtonKind::Main
                    label=move || format!("Use {}", noun())
                />
            </div>
        </Modal>
    }
}
