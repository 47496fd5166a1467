//! The handle that components hold.

use std::rc::Rc;

use leptos::prelude::Update;

use super::Office;
use crate::brief::BriefForm;
use crate::run::receipts::Format;
use crate::run::{Again, Event, Mode};
use crate::secrets::SecretName;
use crate::settings::Connection;
use crate::ui::desk::Desk;

/// The desk of an office.
pub(in crate::api) struct OfficeDesk(pub Rc<Office>);

impl Desk for OfficeDesk {
    fn start(&self, mode: Mode) {
        self.0.start(mode);
    }

    fn go_live(&self) {
        self.0.go_live();
    }

    fn bring(&self, text: &str, mode: Mode) {
        self.0.bring(text, mode);
    }

    fn send(&self, event: Event) {
        self.0.send(event);
    }

    fn quote(&self, again: Option<Again>) {
        self.0.quote(again);
    }

    fn typed(&self, form: BriefForm) {
        self.0.typed(form);
    }

    fn give_secret(&self, name: SecretName, value: &str, keep_for_tab: bool) {
        self.0.give_secret(name, value, keep_for_tab);
    }

    fn ask_for(&self, name: SecretName) {
        self.0.ask_for(name);
    }

    fn keep_asking_later(&self) {
        self.0.keep_asking_later();
    }

    fn forget_secrets(&self) {
        self.0.forget_secrets();
    }

    fn connect(&self, connection: Connection) {
        self.0.connect(connection);
    }

    fn suggest_models(&self, connection: Connection) {
        self.0.suggest_models(connection);
    }

    fn decide_host(&self, accepted: bool) {
        self.0.decide_host(accepted);
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn bring_back(&self) {
        self.0.bring_back();
    }

    fn save_receipts(&self, format: Format) {
        self.0.save_receipts(format);
    }

    fn dismiss(&self, code: &str) {
        self.0
            .page
            .problems
            .update(|problems| problems.retain(|held| held.code != code));
    }
}
