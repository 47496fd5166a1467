//! Copies diagnostics, without any secret.

use leptos::prelude::GetUntracked;

use super::application::Application;
use crate::browser::{clipboard, page_origin, user_agent};
use crate::run::diagnostics::{PageFacts, diagnostics};

impl Application {
    pub(super) fn copy_diagnostics(&self) {
        let problems = self.page.problems.get_untracked().into_iter();
        let stored = self.page.storage_problem.get_untracked().into_iter();
        let facts = PageFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            browser: user_agent(),
            origin: page_origin(),
            now: self.controller.now(),
            problems: problems
                .chain(stored)
                .map(|problem| (problem.code, problem.what))
                .collect(),
        };
        let connection = self.page.connection.get_untracked();
        let text = self
            .controller
            .with_run(|run| diagnostics(&facts, &connection, Some(run)))
            .unwrap_or_else(|| diagnostics(&facts, &connection, None));
        clipboard::copy(&self.secrets.borrow().redactor().redact_long(&text));
    }
}
