//! The question for a key or a token.

use leptos::html;
use leptos::prelude::*;

use super::modal::Modal;
use crate::secrets::SecretSlot;
use crate::settings::DEFAULT_TOKEN_HEADER;
use crate::ui::controls::field::{FieldError, described_by};
use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;

/// The dialog. What is typed stands in the field alone until it is given; no signal holds it.
#[component]
pub fn SecretDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let asking = move || page.asking.get();
    let name = Memo::new(move |_| {
        page.asking
            .with(|asking| asking.as_ref().map(|a| a.name.clone()))
    });
    let is_token = move || name.get() == Some(SecretSlot::AGENT_TOKEN);
    let noun = move || if is_token() { "token" } else { "key" };
    let title = Signal::derive(move || {
        let host = asking()
            .map(|asking| asking.address.host_and_port())
            .unwrap_or_default();
        match is_token() {
            true => format!("Token for {host}"),
            false => format!("Key for {host}"),
        }
    });
    let header = move || match is_token() {
        false => "Authorization".to_owned(),
        true => page.run.with(|run| {
            run.as_ref()
                .and_then(|run| run.connection.task_server.as_ref())
                .map_or(DEFAULT_TOKEN_HEADER.to_owned(), |server| {
                    server.token_header.clone()
                })
        }),
    };
    let field = NodeRef::<html::Input>::new();
    let keep = NodeRef::<html::Input>::new();
    let is_shown = RwSignal::new(false);
    let give_value = move |value: &str| {
        let Some(name) = name.get_untracked() else {
            return;
        };
        let keeps = keep.get_untracked().is_some_and(|keep| keep.checked());
        screen.ask(|commands| commands.give_secret(name, value, keeps));
        if page.asking.with_untracked(Option::is_some)
            && let Some(field) = field.get_untracked()
        {
            // Without the focus the field is one Tab away.
            let _ = field.focus();
        }
    };
    let give = Callback::new(move |()| {
        let value = field.get_untracked().map(|field| field.value());
        give_value(&value.unwrap_or_default());
    });
    let close = Callback::new(move |()| screen.ask(|commands| commands.dismiss_secret_prompt()));
    let error = Signal::derive(move || asking().and_then(|asking| asking.refused));
    let has_error = Signal::derive(move || error.with(Option::is_some));
    view! {
        <Modal name="secret" title on_close=close on_submit=give>
            <div class="dialog-body">
                <div class="field">
                    <label for="secret">
                        {move || if is_token() { "Agent token" } else { "API key" }}
                    </label>
                    <div class="field-with-button">
                        <input
                            class="input mono"
                            id="secret"
                            type=move || if is_shown.get() { "text" } else { "password" }
                            autofocus
                            autocomplete="off"
                            autocapitalize="off"
                            spellcheck="false"
                            aria-invalid=move || has_error.get().then_some("true")
                            aria-describedby=described_by(
                                Some("secret-hint"),
                                "secret-error",
                                has_error,
                            )
                            node_ref=field
                        />
                        <button
                            class="button"
                            type="button"
                            aria-pressed=move || is_shown.get().to_string()
                            aria-label=move || format!("Show the {}", noun())
                            on:click=move |_| is_shown.update(|shown| *shown = !*shown)
                        >
                            {icon("eye")}
                            "Show"
                        </button>
                    </div>
                    <p class="hint" id="secret-hint">
                        {move || {
                            format!(
                                "Sent as {}, to this host only. It stays in memory and is gone when the tab closes.",
                                header(),
                            )
                        }}
                    </p>
                    <FieldError id="secret-error" text=error/>
                </div>
                {move || {
                    asking()
                        .and_then(|asking| asking.offer)
                        .map(|offer| {
                            view! {
                                <div class="button-row">
                                    <button
                                        class="button"
                                        type="button"
                                        on:click=move |_| give_value(offer)
                                    >
                                        {icon("key")}
                                        {format!("Use “{offer}”, the local default")}
                                    </button>
                                </div>
                            }
                        })
                }}
                <label class="check">
                    <input type="checkbox" node_ref=keep/>
                    <span>"Keep it for this tab, so that a reload does not ask again"</span>
                </label>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| close.run(())>
                    "Cancel"
                </button>
                <button class="button main" type="submit">
                    {move || format!("Use the {}", noun())}
                </button>
            </div>
        </Modal>
    }
}
