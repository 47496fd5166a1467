//! The commands that the page gives. Components call nothing else of the application.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;

use crate::review::DraftId;
use crate::review::export::ExportFormat;
use crate::run::receipts::ReceiptFormat;
use crate::run::{Event, FollowUp, Mode};
use crate::secrets::{Secret, SecretSlot};
use crate::settings::{Address, Connection, ConnectionId};
use crate::vault::VaultCredential;

/// Everything that the page can ask of the application. No command returns a value: its effects
/// show up in [`crate::ui::page::Page`].
pub trait PageCommands {
    /// Starts a run from the brief in the form. Shows errors of the brief at its fields, and asks for
    /// the API key first if the endpoint requires one.
    fn start(&self, mode: Mode);
    /// Chooses the mode of the next run.
    fn choose_mode(&self, mode: Mode);
    /// Starts a live run from the dry run that is shown.
    fn go_live(&self);
    /// Imports tasks: a JSON object, an array, `{"tasks": [...]}`, or JSON Lines. Starts a run of this
    /// mode if there is none. Text that is not JSON is reported as an error and imports nothing.
    fn import(&self, text: &str, mode: Mode);
    /// Passes an action of the operator to the run.
    fn send(&self, event: Event);
    /// Updates the estimate for a follow-up request. `None`, or a request that cannot be made, clears
    /// it.
    fn estimate(&self, follow_up: Option<FollowUp>);
    /// Says that the brief could not be stored, for this reason.
    fn report_unstored_brief(&self, reason: &str);
    /// Takes a secret for the address that it was requested for.
    fn give_secret(&self, slot: SecretSlot, value: &str, keep_for_tab: bool);
    /// Finds out which secret posting the approved tasks needs and the operator has to enter, for the
    /// confirmation.
    fn prepare_post(&self);
    /// Holds a valid secret that was entered before it was asked for.
    fn hold_secret(&self, slot: SecretSlot, address: &Address, value: &str, keep_for_tab: bool);
    /// Closes the prompt for a secret without one.
    fn dismiss_secret_prompt(&self);
    /// Asks the operator for a secret again, because the current one was not accepted.
    fn ask_for(&self, slot: SecretSlot);
    /// Lets the operator sign in to the Vault of the connection for new runs.
    fn open_vault_sign_in(&self);
    /// Signs in to the Vault that the prompt is about.
    fn sign_in_to_vault(&self, credential: VaultCredential);
    /// Closes the prompt for the sign-in. `enters_secret` asks for the secret itself instead.
    fn dismiss_vault_sign_in(&self, enters_secret: bool);
    /// Revokes the Vault token for this origin, if the page obtained it by a sign-in, and forgets it.
    fn revoke_vault_token(&self, origin: String);
    /// Forgets every secret.
    fn forget_secrets(&self);
    /// Uses and saves this connection. Shows in the dialog why it was not accepted, if so.
    ///
    /// `secrets` go to the keyring if it was accepted.
    fn connect(&self, connection: Connection, secrets: Vec<(SecretSlot, Secret)>);
    /// Reads the description of the tasks of the server at this address: its OpenAPI document or its task
    /// schema. `is_document` says whether the address is that of the document itself.
    fn read_description(&self, address: Address, is_document: bool);
    /// Tests the endpoints of a connection, with the secrets that are held and with these.
    fn test_connection(&self, connection: Connection, secrets: Vec<(SecretSlot, Secret)>);
    /// Reads the list of connections.
    fn list_connections(&self);
    /// Uses another connection for new runs.
    fn choose_connection(&self, id: ConnectionId);
    /// Adds a copy of a connection.
    fn duplicate_connection(&self, id: ConnectionId);
    /// Deletes a connection. It can be restored until another one is deleted.
    fn delete_connection(&self, id: ConnectionId);
    /// Restores the connection that was deleted last.
    fn restore_connection(&self);
    /// Saves all connections as a file, without secrets.
    fn export_connections(&self);
    /// Adds the connections of a file.
    fn import_connections(&self, text: &str);
    /// Requests the list of models from the endpoint of this connection.
    fn list_models(&self, connection: Connection);
    /// Accepts or rejects the task server from the link.
    fn decide_host(&self, accepted: bool);
    /// Archives the run that is shown. With open work, asks first.
    fn archive(&self);
    /// Opens the run that was archived or deleted last, for undo.
    fn restore_removed(&self);
    /// Answers the question whether to leave or delete open work.
    fn decide_open_work(&self, accepted: bool);
    /// Answers the question whether to post although another tab may post the same tasks.
    fn decide_unlocked(&self, accepted: bool);
    /// Answers the question whether to let out what contains held secrets.
    fn decide_leaks(&self, accepted: bool);
    /// Takes the run that is shown over from the tab that has it.
    fn take_over(&self);
    /// Reads the list of runs.
    fn list_runs(&self);
    /// Opens a stored run. With open work on the page, asks first.
    fn open_run(&self, id: String);
    /// Gives a run a name. An empty one restores the name made from its brief.
    fn rename_run(&self, id: String, name: String);
    /// Archives a run, or takes it out of the archive.
    fn set_archived(&self, id: String, is_archived: bool);
    /// Deletes a run. It can be restored for 10 seconds. With open work, asks first.
    fn delete_run(&self, id: String);
    /// Deletes a run that cannot be read, for good.
    fn delete_unreadable_run(&self, id: String);
    /// Deletes the raw responses of all finished runs.
    fn delete_raw_responses(&self);
    /// Forgets the adaptations of the connection's endpoint and model.
    fn clear_adaptations(&self);
    /// Deletes everything that this page stored in this browser.
    fn delete_all_data(&self);
    /// Saves the receipts of the run that is shown as a file.
    fn save_receipts(&self, format: ReceiptFormat);

    /// Saves these tasks of the run as a file.
    fn save_tasks(&self, tasks: Vec<DraftId>, format: ExportFormat);
    /// Copies diagnostics to the clipboard, without any secret.
    fn copy_diagnostics(&self);
    /// Dismisses a problem.
    fn dismiss(&self, code: &str);
    /// Takes over what was read from `config.json`, the link and the stored settings. Given once, by the
    /// caller of `mount`.
    fn settle(&self);
    /// Stops all work, because the page is unmounted. Stored data is kept.
    fn close(&self);
}

/// A command that waits for the application.
type Command = Box<dyn FnOnce(&dyn PageCommands)>;

/// Passes commands to the application, in order. The page is on the screen before the application is
/// loaded; until then the commands wait.
#[derive(Default)]
pub struct CommandQueue {
    application: RefCell<Option<Rc<dyn PageCommands>>>,
    waiting: RefCell<Vec<Command>>,
}

impl CommandQueue {
    /// A queue for an application that is loaded.
    pub fn to(application: Rc<dyn PageCommands>) -> CommandQueue {
        CommandQueue {
            application: RefCell::new(Some(application)),
            waiting: RefCell::default(),
        }
    }

    /// Gives a command.
    pub fn give(&self, command: impl FnOnce(&dyn PageCommands) + 'static) {
        let application = self.application.borrow().clone();
        match application {
            Some(application) => command(&*application),
            None => self.waiting.borrow_mut().push(Box::new(command)),
        }
    }

    /// Passes on the commands that wait, and every later one at once.
    pub fn attach(&self, application: Rc<dyn PageCommands>) {
        *self.application.borrow_mut() = Some(Rc::clone(&application));
        for command in self.waiting.take() {
            command(&*application);
        }
    }

    /// Drops the commands that wait.
    pub fn clear(&self) {
        self.waiting.take();
    }
}

/// A handle for components to hold. It is local to the thread: commands are neither `Send` nor
/// `Sync`.
pub type CommandsHandle = StoredValue<Rc<CommandQueue>, LocalStorage>;
