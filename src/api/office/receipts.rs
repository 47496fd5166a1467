//! Receipts of the run that is shown, saved as a file.

use leptos::prelude::Set;

use super::{Office, problem};
use crate::browser::download;
use crate::run::receipts::{self, Format};

impl Office {
    pub(super) fn save_receipts(&self, format: Format) {
        let now = self.engine.now();
        let file = self.engine.with_run(|run| {
            let name = receipts::file_name(run.id(), format, now);
            (name, receipts::text(run, format, now))
        });
        let Some((name, text)) = file else { return };
        match download::save(&name, format.media_type(), &text) {
            Ok(()) => self.page.saved_file.set(Some(name)),
            Err(reason) => self.add_problem(problem(
                "not_saved",
                format!("The receipts could not be saved: {reason}"),
                "Allow this page to save files, then try again.",
            )),
        }
    }
}
