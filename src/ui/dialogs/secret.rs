//! The prompt for an API key or an agent token.

use leptos::html;
use leptos::prelude::*;
use zeroize::Zeroizing;

use super::modal::Modal;
use super::secret_entry::{SecretBox, SecretEntry, SecretNotice};
use crate::secrets::{SecretSlot, SecretUse};
use crate::settings::DEFAULT_TOKEN_HEADER;
use crate::text::capitalize;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::FieldError;
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
    let label = move || capitalize(&noun());
    let title = Signal::derive(move || {
        let host = prompt()
            .map(|prompt| prompt.address.host_and_port())
            .unwrap_or_default();
        format!("{} for {host}", label())
    });
    let connection = move || {
        let of_run = page
            .run
            .with(|run| run.as_ref().map(|run| run.connection.clone()));
        of_run.unwrap_or_else(|| page.connection.get())
    };
    let header = move || {
        let slot = slot.get()?;
        if let Some(name) = slot.header_name() {
            return Some(name.to_owned());
        }
        let connection = connection();
        if slot == SecretSlot::API_KEY {
            let header = connection.model.and_then(|model| model.key_header);
            return Some(header.unwrap_or_else(|| "Authorization".to_owned()));
        }
        let header = connection.task_server.map(|server| server.token_header);
        Some(header.unwrap_or_else(|| DEFAULT_TOKEN_HEADER.to_owned()))
    };
    // The scheme of the agent token is a setting, and that of an API key is always added.
    let usage = Signal::derive(move || {
        let has_scheme = slot.get().as_ref() == Some(&SecretSlot::AGENT_TOKEN)
            && connection()
                .task_server
                .is_some_and(|server| server.token_scheme.is_some());
        let is_api_key = slot.get().as_ref() == Some(&SecretSlot::API_KEY);
        let is_authorization =
            header().is_some_and(|name| name.eq_ignore_ascii_case("authorization"));
        SecretUse::Header {
            keeps_scheme: is_authorization && !has_scheme && !is_api_key,
        }
    });
    let entry = SecretEntry::new(usage);
    let keep = NodeRef::<html::Input>::new();
    let is_visible = RwSignal::new(false);
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
    let has_error = Signal::derive(move || error.with(Option::is_some));
    view! {
        <Modal name="secret" title on_close=close on_submit=submit>
            <div class="dialog-body">
                <div class="field">
                    <label for="secret">{label}</label>
                    <div class="field-with-button">
                        <SecretBox id="secret" entry is_visible autofocus=true has_error/>
                        <Button
                            icon="eye"
                            label="Show"
                            name=move || format!("Show {}", noun())
                            on_press=move || is_visible.update(|is_visible| *is_visible = !*is_visible)
                            attr:aria-pressed=move || is_visible.get().to_string()
                        />
                    </div>
                    <p class="hint" id="secret-hint">
                        "Sent as "
                        <code class="whole">{header}</code>
                        " to this host only. Kept in memory until you reload or close the tab, unless you choose otherwise below."
                    </p>
                    <FieldError id="secret" text=error/>
                    <SecretNotice id="secret" entry/>
                </div>
                {move || {
                    prompt()
                        .and_then(|prompt| prompt.default_token)
                        .map(|token| {
                            view! {
                                <div class="button-row">
                                    <Button
                                        icon="key"
                                        label=format!("Use “{token}”, the local default")
                                        on_press=move || use_secret(token)
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
