//! Saves tasks of the current run as a file.

use leptos::prelude::Set;

use super::application::{Application, problem};
use crate::browser::download;
use crate::review::DraftId;
use crate::review::export::{ExportFormat, export};

impl Application {
    /// Tasks that the run does not have, and those that are not JSON, are left out.
    pub(super) fn save_tasks(&self, tasks: &[DraftId], format: ExportFormat) {
        let now = self.controller.now();
        let file = self.controller.with_run(|run| {
            let documents: Vec<_> = tasks
                .iter()
                .filter_map(|id| run.draft(id)?.content.document())
                .collect();
            let schema = run.schema();
            let text = export(&documents, format, schema, schema.roles());
            (format.file_name(run.id(), now), text)
        });
        let Some((name, text)) = file else { return };
        match download::save(&name, format.media_type(), &text) {
            Ok(()) => self.page.saved_file.set(Some(name)),
            Err(reason) => self.add_problem(problem(
                "not_saved",
                format!("The tasks could not be saved: {reason}"),
                "Allow downloads for this page, then try again.",
            )),
        }
    }
}
