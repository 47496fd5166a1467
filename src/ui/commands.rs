//! What the page can ask for. Components call this and nothing else; `api` stands behind it.

use std::rc::Rc;

use leptos::prelude::*;

use crate::brief::BriefForm;
use crate::run::receipts::ReceiptFormat;
use crate::run::{Event, FollowUp, Mode};
use crate::secrets::SecretSlot;
use crate::settings::Connection;

/// The page's way to the run and to the world. Nothing here returns a value: what comes of it is
/// seen in [`crate::ui::page::Page`].
pub trait PageCommands {
    /// Start a run from the brief in the form. What is wrong with the brief is shown beside its
    /// fields; a key that the endpoint wants is asked for first.
    fn start(&self, mode: Mode);
    /// Start a live run from the dry one that is shown.
    fn go_live(&self);
    /// Bring in tasks that exist already: a JSON object, an array, `{"tasks": [...]}`, or JSON
    /// Lines. Starts a run of this mode where there is none. Text that is not JSON is an error on the page and
    /// stays in its field.
    fn bring(&self, text: &str, mode: Mode);
    /// Tell the run what the operator did.
    fn send(&self, event: Event);
    /// Say what asking again is expected to use; nothing where it cannot be asked.
    fn estimate(&self, again: Option<FollowUp>);
    /// The brief was typed in: keep it.
    fn typed(&self, form: BriefForm);
    /// A secret was given. It belongs to the address it was asked for.
    fn give_secret(&self, name: SecretSlot, value: &str, keep_for_tab: bool);
    /// The operator closed the question for a secret without giving one.
    fn dismiss_secret_prompt(&self);
    /// Ask the operator for a secret now, because the one that is there was not accepted.
    fn ask_for(&self, name: SecretSlot);
    /// Forget every secret.
    fn forget_secrets(&self);
    /// Use and save these endpoints. What is refused is shown in the dialog.
    fn connect(&self, connection: Connection);
    /// Ask the endpoint of this connection which models it has.
    fn list_models(&self, connection: Connection);
    /// The host that came from the link is accepted, or not.
    fn decide_host(&self, accepted: bool);
    /// Put the shown run aside and begin with an empty list. Its tasks stay stored.
    fn clear(&self);
    /// Show the run that was put aside last, for undo.
    fn restore_archived(&self);
    /// Let the browser save the receipts of the run that is shown as a file.
    fn save_receipts(&self, format: ReceiptFormat);
    /// Hide a problem that was read.
    fn dismiss(&self, code: &str);
}

/// A handle that components can hold: ports are neither `Send` nor `Sync`.
pub type CommandsHandle = StoredValue<Rc<dyn PageCommands>, LocalStorage>;
