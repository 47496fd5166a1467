//! The dialogs. Each is mounted while it is open. The operator opens most of them; the prompts for a
//! secret, for the sign-in to a Vault, for a new task server, about open work, about secrets
//! that would leave and about missing locks open and close with the state of the page.

mod briefs;
mod confirm;
mod connection_test;
mod connections;
mod export;
mod folded_fields;
mod follow_up;
mod host;
mod import;
mod leaks;
mod missing_secret;
mod modal;
mod open_work;
mod paste_group;
mod receipts;
mod reject;
mod runs;
mod secret;
mod secret_entry;
mod secret_field;
mod settings;
mod settings_fields;
mod shortcuts;
mod unlocked;
mod unsaved_tasks;
mod vault_sign_in;
mod vault_token_list;
mod without_journal;

use leptos::prelude::*;

use crate::ui::screen::{Dialog, Screen};
use briefs::BriefsDialog;
use confirm::ConfirmDialog;
use connections::ConnectionsDialog;
use export::ExportDialog;
use follow_up::FollowUpDialog;
use host::HostDialog;
use import::ImportDialog;
use leaks::LeaksDialog;
use open_work::OpenWorkDialog;
use receipts::ReceiptsDialog;
use reject::RejectDialog;
use runs::RunsDialog;
use secret::SecretDialog;
use settings::SettingsDialog;
use shortcuts::ShortcutsDialog;
use unlocked::UnlockedDialog;
use vault_sign_in::VaultSignInDialog;
use without_journal::WithoutJournalDialog;

/// The open dialogs.
#[component]
pub fn Dialogs(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let needs_secret = Memo::new(move |_| page.secret_prompt.with(Option::is_some));
    let has_vault_prompt = Memo::new(move |_| page.has_vault_prompt.get());
    let has_work_prompt = Memo::new(move |_| page.work_prompt.with(Option::is_some));
    let has_leak_prompt = Memo::new(move |_| page.leak_prompt.with(Option::is_some));
    let has_new_host = Memo::new(move |_| page.new_host.with(Option::is_some));
    view! {
        {move || match screen.dialog.get() {
            None => ().into_any(),
            Some(Dialog::Settings(connection)) => {
                view! { <SettingsDialog screen connection=*connection/> }.into_any()
            }
            Some(Dialog::Connections) => view! { <ConnectionsDialog screen/> }.into_any(),
            Some(Dialog::Confirm) => view! { <ConfirmDialog screen/> }.into_any(),
            Some(Dialog::Import) => view! { <ImportDialog screen/> }.into_any(),
            Some(Dialog::Shortcuts) => view! { <ShortcutsDialog screen/> }.into_any(),
            Some(Dialog::Receipts) => view! { <ReceiptsDialog screen/> }.into_any(),
            Some(Dialog::Export) => view! { <ExportDialog screen/> }.into_any(),
            Some(Dialog::Runs) => view! { <RunsDialog screen/> }.into_any(),
            Some(Dialog::Briefs) => view! { <BriefsDialog screen/> }.into_any(),
            Some(Dialog::WithoutJournal) => view! { <WithoutJournalDialog screen/> }.into_any(),
            Some(Dialog::Reject(drafts)) => view! { <RejectDialog screen drafts/> }.into_any(),
            Some(Dialog::FollowUp(follow_up)) => {
                view! { <FollowUpDialog screen follow_up/> }.into_any()
            }
        }}
        <Show when=move || has_work_prompt.get()>
            <OpenWorkDialog screen/>
        </Show>
        <Show when=move || has_leak_prompt.get()>
            <LeaksDialog screen/>
        </Show>
        <Show when=move || page.has_unlocked_prompt.get()>
            <UnlockedDialog screen/>
        </Show>
        <Show when=move || has_new_host.get()>
            <HostDialog screen/>
        </Show>
        <Show when=move || has_vault_prompt.get()>
            <VaultSignInDialog screen/>
        </Show>
        <Show when=move || needs_secret.get()>
            <SecretDialog screen/>
        </Show>
    }
}
