//! The commands of the page, carried out by the application.

use std::rc::Rc;

use leptos::prelude::Update;

use super::application::Application;
use crate::review::DraftId;
use crate::review::export::ExportFormat;
use crate::run::receipts::ReceiptFormat;
use crate::run::{Event, FollowUp, Mode};
use crate::secrets::{Secret, SecretSlot};
use crate::settings::{Address, Connection, ConnectionId};
use crate::ui::commands::PageCommands;
use crate::vault::VaultCredential;

/// Passes the commands of a page to its application.
pub struct ApplicationCommands(pub Rc<Application>);

impl PageCommands for ApplicationCommands {
    fn start(&self, mode: Mode) {
        self.0.start(mode);
    }

    fn choose_mode(&self, mode: Mode) {
        self.0.choose_mode(mode);
    }

    fn go_live(&self) {
        self.0.go_live();
    }

    fn import(&self, text: &str, mode: Mode) {
        self.0.import(text, mode);
    }

    fn send(&self, event: Event) {
        self.0.send(event);
    }

    fn estimate(&self, follow_up: Option<FollowUp>) {
        self.0.estimate(follow_up);
    }

    fn report_unstored_brief(&self, reason: &str) {
        self.0.show_web_storage_error(reason);
    }

    fn prepare_post(&self) {
        self.0.prepare_post();
    }
    fn hold_secret(&self, slot: SecretSlot, address: &Address, value: &str, keep_for_tab: bool) {
        // The page checked it, and posting asks for it again if it was not accepted.
        let _ = self.0.hold_secret(&slot, address, value, keep_for_tab);
    }
    fn give_secret(&self, slot: SecretSlot, value: &str, keep_for_tab: bool) {
        self.0.give_secret(slot, value, keep_for_tab);
    }

    fn ask_for(&self, slot: SecretSlot) {
        self.0.ask_for(slot);
    }

    fn dismiss_secret_prompt(&self) {
        self.0.dismiss_secret_prompt();
    }

    fn open_vault_sign_in(&self) {
        self.0.open_vault_sign_in();
    }

    fn sign_in_to_vault(&self, credential: VaultCredential) {
        self.0.sign_in_to_vault(credential);
    }

    fn dismiss_vault_sign_in(&self, enters_secret: bool) {
        self.0.dismiss_vault_sign_in(enters_secret);
    }

    fn revoke_vault_token(&self, origin: String) {
        self.0.revoke_vault_token(origin);
    }

    fn forget_secrets(&self) {
        self.0.forget_secrets();
    }

    fn connect(&self, connection: Connection, secrets: Vec<(SecretSlot, Secret)>) {
        self.0.connect(connection, secrets);
    }

    fn test_connection(&self, connection: Connection, secrets: Vec<(SecretSlot, Secret)>) {
        self.0.test_connection(connection, secrets);
    }

    fn read_description(&self, address: Address, is_document: bool) {
        self.0.read_description(address, is_document);
    }

    fn list_connections(&self) {
        self.0.list_connections();
    }

    fn choose_connection(&self, id: ConnectionId) {
        self.0.choose_connection(&id);
    }

    fn duplicate_connection(&self, id: ConnectionId) {
        self.0.duplicate_connection(&id);
    }

    fn delete_connection(&self, id: ConnectionId) {
        self.0.delete_connection(&id);
    }

    fn restore_connection(&self) {
        self.0.restore_connection();
    }

    fn export_connections(&self) {
        self.0.export_connections();
    }

    fn import_connections(&self, text: &str) {
        self.0.import_connections(text);
    }

    fn list_models(&self, connection: Connection) {
        self.0.list_models(connection);
    }

    fn decide_host(&self, accepted: bool) {
        self.0.decide_host(accepted);
    }

    fn archive(&self) {
        self.0.archive_run();
    }

    fn restore_removed(&self) {
        self.0.restore_removed();
    }

    fn decide_open_work(&self, accepted: bool) {
        self.0.decide_open_work(accepted);
    }

    fn decide_unlocked(&self, accepted: bool) {
        self.0.decide_unlocked(accepted);
    }

    fn decide_leaks(&self, accepted: bool) {
        self.0.decide_leaks(accepted);
    }

    fn take_over(&self) {
        self.0.take_over();
    }

    fn list_runs(&self) {
        self.0.list_runs();
    }

    fn open_run(&self, id: String) {
        self.0.open_run(id);
    }

    fn rename_run(&self, id: String, name: String) {
        self.0.rename_run(id, name);
    }

    fn set_archived(&self, id: String, is_archived: bool) {
        self.0.set_archived(id, is_archived);
    }

    fn delete_run(&self, id: String) {
        self.0.delete_run(id);
    }

    fn delete_unreadable_run(&self, id: String) {
        self.0.delete_unreadable_run(id);
    }

    fn delete_raw_responses(&self) {
        self.0.delete_raw_responses();
    }

    fn clear_adaptations(&self) {
        self.0.clear_adaptations();
    }

    fn delete_all_data(&self) {
        self.0.delete_all_data();
    }

    fn save_receipts(&self, format: ReceiptFormat) {
        self.0.save_receipts(format);
    }

    fn save_tasks(&self, tasks: Vec<DraftId>, format: ExportFormat) {
        self.0.save_tasks(tasks, format);
    }

    fn copy_diagnostics(&self) {
        self.0.copy_diagnostics();
    }

    fn dismiss(&self, code: &str) {
        self.0
            .page
            .problems
            .update(|problems| problems.retain(|shown| shown.code != code));
    }

    fn settle(&self) {
        self.0.settle();
    }

    fn close(&self) {
        self.0.close();
    }
}
