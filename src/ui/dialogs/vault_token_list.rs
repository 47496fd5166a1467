//! The Vault tokens in memory, in the settings.

use leptos::prelude::*;

use crate::browser::clock::PageClock;
use crate::ports::Clock;
use crate::text::{about, listed};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::page::HeldVaultToken;
use crate::ui::screen::Screen;

/// The life of a token, in a sentence.
fn life(token: &HeldVaultToken) -> String {
    let life = &token.life;
    let end = match life.ends_at {
        None => "does not end".to_owned(),
        Some(end) => format!("ends in {}", about(end.saturating_sub(PageClock.now()))),
    };
    let renewal = match (life.ends_at, life.is_renewable) {
        (None, _) => "",
        (_, true) => ", and is renewed while a live run uses it",
        (_, false) => ", and cannot be renewed",
    };
    let policies = match life.policies.is_empty() {
        true => "no policy".to_owned(),
        false => listed(&life.policies),
    };
    let origin = &token.origin;
    format!("The Vault token for {origin} {end}{renewal}. Policies: {policies}.")
}

/// Each token with its life, and buttons that sign in and revoke.
#[component]
pub fn VaultTokenList(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let has_vault = Memo::new(move |_| page.connection.with(|it| it.vault.is_some()));
    let items = move || {
        page.vaults
            .get()
            .tokens
            .into_iter()
            .map(|token| {
                let origin = token.origin.clone();
                view! {
                    <p>{life(&token)}</p>
                    {token
                        .life
                        .is_own
                        .then(|| {
                            view! {
                                <div class="button-row">
                                    <Button
                                        kind=ButtonKind::Danger
                                        icon="remove"
                                        label="Revoke the Vault token"
                                        on_press=move || {
                                            let origin = origin.clone();
                                            screen
                                                .command(move |commands| {
                                                    commands.revoke_vault_token(origin);
                                                });
                                        }
                                    />
                                </div>
                            }
                        })}
                }
            })
            .collect_view()
    };
    view! {
        {items}
        <Show when=move || has_vault.get()>
            <div class="button-row">
                <Button
                    icon="key"
                    label="Sign in to Vault…"
                    opens_dialog=true
                    on_press=move || screen.command(|commands| commands.open_vault_sign_in())
                />
            </div>
        </Show>
    }
}
