//! Saves the receipts of the current run as a file.

use leptos::prelude::Set;

use super::application::{Application, Next, problem};
use super::guard::leak;
use crate::browser::download;
use crate::run::receipts::{self, ReceiptFormat};
use crate::ui::page::LeakExit;

impl Application {
    pub(super) fn save_receipts(&self, format: ReceiptFormat) {
        let now = self.controller.now();
        let file = self.controller.with_run(|run| {
            let name = receipts::file_name(run.id(), format, now);
            (name, receipts::text(run, format, now))
        });
        let Some((name, text)) = file else { return };
        let leaks = leak::in_file(&text, &self.secrets.borrow().redactor());
        if !self.may_let_out(&leaks) {
            return self.ask_about_leaks(&leaks, LeakExit::Export, Next::SaveReceipts(format));
        }
        match download::save(&name, format.media_type(), &text) {
            Ok(()) => self.page.saved_file.set(Some(name)),
            Err(reason) => self.add_problem(problem(
                "not_saved",
                format!("The receipts could not be saved: {reason}"),
                "Allow downloads for this page, then try again.",
            )),
        }
    }
}
