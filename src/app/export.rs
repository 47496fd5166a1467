//! Saves tasks of the current run as a file.

use leptos::prelude::Set;

use super::application::{Application, Next, problem};
use super::guard::leak;
use crate::browser::download;
use crate::review::DraftId;
use crate::review::export::{ExportFormat, export};
use crate::ui::page::LeakExit;

impl Application {
    /// Tasks that the run does not have, and those that are not JSON, are left out.
    pub(super) fn save_tasks(&self, tasks: Vec<DraftId>, format: ExportFormat) {
        let redactor = self.secrets.borrow().redactor();
        let leaks = self
            .controller
            .with_run(|run| leak::in_tasks(run, &tasks, &redactor))
            .unwrap_or_default();
        if !self.may_let_out(&leaks) {
            let next = Next::SaveTasks(tasks, format);
            return self.ask_about_leaks(&leaks, LeakExit::Export, next);
        }
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
