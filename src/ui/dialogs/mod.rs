//! The dialogs. Those that the operator opens are mounted while they are open, so that each
//! begins anew; those that the page opens follow its state.

mod bring;
mod confirm;
mod host;
mod modal;
mod secret;
mod settings;
mod settings_fields;

use leptos::prelude::*;

use super::screen::{Dialog, Screen};
use bring::BringDialog;
use confirm::ConfirmDialog;
use host::HostDialog;
use secret::SecretDialog;
use settings::SettingsDialog;

/// The dialog that is open, if one is.
#[component]
pub fn Dialogs(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let is_asking = Memo::new(move |_| page.asking.with(Option::is_some));
    let has_new_host = Memo::new(move |_| page.new_host.with(Option::is_some));
    view! {
        {move || match screen.dialog.get() {
            None => ().into_any(),
            Some(Dialog::Settings) => view! { <SettingsDialog screen/> }.into_any(),
            Some(Dialog::Confirm) => view! { <ConfirmDialog screen/> }.into_any(),
            Some(Dialog::Bring) => view! { <BringDialog screen/> }.into_any(),
        }}
        <Show when=move || has_new_host.get()>
            <HostDialog screen/>
        </Show>
        <Show when=move || is_asking.get()>
            <SecretDialog screen/>
        </Show>
    }
}
