//! The runs in this browser: the list, and opening, renaming, archiving and deleting a run.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::application::{Application, Next, problem};
use super::guard::Action;
use crate::brief::BriefForm;
use crate::browser::storage_use;
use crate::browser::web_storage::WebStorage;
use crate::driver::{self, StoredRun};
use crate::ports::{Clock, StoreError};
use crate::run::{Event, Mode, OpenWork, RunRecord};
use crate::settings::Connection;
use crate::text::counted;
use crate::ui::page::{Removal, RemovedRun, RunList, WorkAction, WorkPrompt};

/// How long the page offers to restore a run, in milliseconds.
const OFFER_MILLISECONDS: u32 = 10_000;

impl Application {
    /// Reads the list of runs and how much is stored.
    pub(super) fn list_runs(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move { app.read_runs().await });
    }

    async fn read_runs(&self) {
        match driver::list_runs(self.controller.store()).await {
            Ok(runs) => {
                let storage = storage_use::storage_use().await;
                self.page.run_list.set(Some(RunList {
                    runs: runs.into_iter().filter(|run| !is_deleted(run)).collect(),
                    bytes_used: storage.used,
                    is_persistent: storage.is_persistent,
                }));
            }
            Err(error) => self.controller.show_storage_error(Some(&error)),
        }
    }

    /// Asks the browser to keep this page's data, once there is something to lose.
    pub(super) fn request_persistence(&self) {
        let is_live = self.controller.with_run(|run| run.mode() == Mode::Live) == Some(true);
        if is_live && !self.persistence_requested.replace(true) {
            spawn_local(storage_use::request_persistence());
        }
    }

    fn is_current(&self, id: &str) -> bool {
        self.controller.with_run(|run| run.id().to_string() == id) == Some(true)
    }

    pub(super) fn open_run(self: &Rc<Self>, id: String) {
        if self.is_current(&id)
            || !self.may_go_ahead(Action::LeaveRun, || Next::OpenRun(id.clone()))
        {
            return;
        }
        self.controller.close_run();
        self.remember_run(Some(&id));
        let app = Rc::clone(self);
        spawn_local(async move { app.load_run(&id).await });
    }

    /// Takes the current run off the page.
    fn leave_run(&self) {
        self.remember_run(None);
        self.controller.close_run();
    }

    pub(super) fn archive_run(self: &Rc<Self>) {
        if !self.may_go_ahead(Action::LeaveRun, || Next::Archive) {
            return;
        }
        let Some(id) = self.controller.with_run(|run| run.id().to_string()) else {
            return;
        };
        self.controller
            .apply_unless_read_only(Event::Archive { archived: true });
        self.leave_run();
        self.offer_restore(RemovedRun {
            id,
            removal: Removal::Archived,
            was_shown: true,
        });
    }

    /// Offers to undo the removal of a run for a while.
    fn offer_restore(self: &Rc<Self>, removed: RemovedRun) {
        self.page.removed_run.set(Some(removed.clone()));
        let app = Rc::clone(self);
        spawn_local(async move {
            app.read_runs().await;
            app.controller.clock().sleep(OFFER_MILLISECONDS).await;
            if app.page.removed_run.get_untracked().as_ref() == Some(&removed) {
                app.page.removed_run.set(None);
            }
            if removed.removal == Removal::Deleted {
                app.purge(&removed.id).await;
            }
        });
    }

    /// Archives a run that is not on the page, or takes it out of the archive.
    pub(super) fn set_archived(self: &Rc<Self>, id: String, is_archived: bool) {
        if self.is_current(&id) {
            return self.archive_run();
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            app.change_run(&id, |run| run.archived(is_archived)).await;
            app.read_runs().await;
        });
    }

    pub(super) fn rename_run(self: &Rc<Self>, id: String, name: String) {
        if self.is_current(&id) && self.controller.holds_lock() {
            self.controller.apply(Event::Rename { name });
            let app = Rc::clone(self);
            return spawn_local(async move {
                app.controller.persisted().await;
                app.read_runs().await;
            });
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            app.change_run(&id, |run| run.renamed(&name)).await;
            app.read_runs().await;
        });
    }

    /// Restores the run that was archived or deleted last, and opens it if it was on the page.
    pub(super) fn restore_removed(self: &Rc<Self>) {
        let Some(removed) = self.page.removed_run.get_untracked() else {
            return;
        };
        self.page.removed_run.set(None);
        let app = Rc::clone(self);
        spawn_local(async move {
            app.change_run(&removed.id, |run| run.deleted(false).archived(false))
                .await;
            app.read_runs().await;
            if removed.was_shown {
                app.open_run(removed.id);
            }
        });
    }

    /// Deletes a run. It can be restored for a while. With open work, asks first.
    pub(super) fn delete_run(self: &Rc<Self>, id: String) {
        if let Some(work) = self.work_of(&id)
            && !self.may_leave_work()
        {
            self.wait_with(Some(Next::DeleteRun(id)));
            return self.page.work_prompt.set(Some(WorkPrompt {
                work,
                action: WorkAction::Delete,
            }));
        }
        let was_shown = self.is_current(&id);
        if was_shown {
            if self.refuses_leaving() {
                return;
            }
            self.leave_run();
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            if app.change_run(&id, |run| run.deleted(true)).await {
                app.offer_restore(RemovedRun {
                    id,
                    removal: Removal::Deleted,
                    was_shown,
                });
            }
        });
    }

    /// The open work of a run, according to the list.
    fn work_of(&self, id: &str) -> Option<OpenWork> {
        self.page
            .run_list
            .get_untracked()?
            .runs
            .iter()
            .find_map(|run| match run {
                StoredRun::Readable(summary) if summary.id.to_string() == id => {
                    summary.counts.open_work()
                }
                _ => None,
            })
    }

    /// Changes the record of a run that is not on the page. `false` if another tab has the run, or if it
    /// cannot be stored; the page then says so.
    async fn change_run(&self, id: &str, change: impl FnOnce(RunRecord) -> RunRecord) -> bool {
        let Some(_lock) = self.controller.try_lock(id).await else {
            self.add_problem(problem(
                "run_in_use",
                "Another tab is using this run.",
                "Change it in that tab, or close that tab and try again.",
            ));
            return false;
        };
        let result = driver::update_run(self.controller.store(), id, change).await;
        self.controller.show_storage_error(result.as_ref().err());
        result.is_ok()
    }

    /// Removes the records of runs that were deleted in an earlier session.
    pub(super) fn purge_deleted_runs(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let runs = driver::list_runs(app.controller.store()).await;
            for run in runs.unwrap_or_default() {
                if let (true, Some(id)) = (is_deleted(&run), run.id()) {
                    app.purge(&id).await;
                }
            }
        });
    }

    /// Removes the records of a run if it is still marked as deleted and no other tab has it.
    async fn purge(&self, id: &str) {
        if self.is_current(id) {
            return;
        }
        let Some(_lock) = self.controller.try_lock(id).await else {
            return;
        };
        let runs = driver::list_runs(self.controller.store()).await;
        let is_marked = |run: &StoredRun| is_deleted(run) && run.id().as_deref() == Some(id);
        if runs.unwrap_or_default().iter().any(is_marked) {
            let result = driver::delete_run(self.controller.store(), id).await;
            self.controller.show_storage_error(result.as_ref().err());
        }
    }

    /// Deletes a run that cannot be read, for good.
    pub(super) fn delete_unreadable_run(self: &Rc<Self>, id: String) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let result = driver::delete_run(app.controller.store(), &id).await;
            app.controller.show_storage_error(result.as_ref().err());
            app.read_runs().await;
        });
    }

    /// Deletes the raw responses of all finished runs that are not open in a tab.
    pub(super) fn delete_raw_responses(self: &Rc<Self>) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let runs = driver::list_runs(app.controller.store()).await;
            let mut done = 0_usize;
            let mut result = Ok(());
            for run in runs.unwrap_or_default() {
                let StoredRun::Readable(summary) = run else {
                    continue;
                };
                let id = summary.id.to_string();
                if !summary.is_finished() || app.is_current(&id) {
                    continue;
                }
                let Some(_lock) = app.controller.try_lock(&id).await else {
                    continue;
                };
                result = driver::delete_responses(app.controller.store(), &id).await;
                if result.is_err() {
                    break;
                }
                done += 1;
            }
            app.controller.show_storage_error(result.as_ref().err());
            app.page.run_list_message.set(Some(format!(
                "Deleted the raw responses of {}.",
                counted(done, "finished run")
            )));
            app.read_runs().await;
        });
    }

    /// Deletes everything that this page stored in this browser: runs, brief, settings and secrets.
    /// Refused while another tab has a run; then nothing changes.
    pub(super) fn delete_all_data(self: &Rc<Self>) {
        if self.refuses_leaving() {
            return;
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            match app.delete_all_runs().await {
                Ok(Deletion::Done) => {
                    WebStorage::Local.remove_all("");
                    WebStorage::Session.remove_all("");
                    app.forget_secrets();
                    app.page.form.set(BriefForm::default());
                    app.page.chosen_mode.set(None);
                    app.page.live_connection.set(None);
                    app.page.connection.set(Connection::built_in());
                    app.setup.read_config().await;
                    app.settle();
                    app.page
                        .run_list_message
                        .set(Some("All data of this page was deleted.".to_owned()));
                }
                Ok(Deletion::Refused) => {}
                Ok(Deletion::RunInUse) => app.add_problem(problem(
                    "run_in_use",
                    "Nothing was deleted, because another tab is using a run.",
                    "Close the other tabs of this page and try again.",
                )),
                Err(error) => app.controller.show_storage_error(Some(&error)),
            }
            app.read_runs().await;
        });
    }

    /// Takes the current run off the page and deletes the records of all runs. First locks all runs, so
    /// that no other tab stores one again, and the page stays as it is if one has a run.
    async fn delete_all_runs(self: &Rc<Self>) -> Result<Deletion, StoreError> {
        let mut locks = Vec::new();
        for run in driver::list_runs(self.controller.store()).await? {
            let Some(id) = run.id() else { continue };
            if self.is_current(&id) && self.controller.holds_lock() {
                continue;
            }
            match self.controller.try_lock(&id).await {
                Some(lock) => locks.push(lock),
                None => return Ok(Deletion::RunInUse),
            }
        }
        // Posting may have started meanwhile.
        if self.refuses_leaving() {
            return Ok(Deletion::Refused);
        }
        self.remember_run(None);
        locks.extend(self.controller.close_run_and_keep_lock().await);
        driver::delete_all_runs(self.controller.store()).await?;
        Ok(Deletion::Done)
    }
}

/// What became of the deletion of all runs.
enum Deletion {
    Done,
    /// The page says why.
    Refused,
    /// Another tab has a run.
    RunInUse,
}

fn is_deleted(run: &StoredRun) -> bool {
    matches!(run, StoredRun::Readable(summary) if summary.is_deleted)
}
