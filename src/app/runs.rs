//! Starting, restoring and archiving runs.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Set, Update, WithUntracked};
use wasm_bindgen_futures::spawn_local;

use super::application::{
    Application, LIVE_CONNECTION, Next, STORED_MODE, STORED_RUN, problem, refusal_problem,
    schema_problem,
};
use super::guard::{Action, Decision};
use crate::brief::Brief;
use crate::browser::lock::TabLock;
use crate::browser::random;
use crate::browser::web_storage::WebStorage;
use crate::driver;
use crate::driver::Loaded;
use crate::pieces::{self, validator};
use crate::ports::StoreError;
use crate::review::{Origin, Review, RunId, import};
use crate::run::{Event, FollowUp, Mode, Run, Start, Step};
use crate::schema::{Check, TaskSchema};
use crate::ui::lazy;
use crate::ui::page::Problem;

impl Application {
    /// Shows the run that this tab showed last. A new tab shows the one that any tab showed last.
    pub(super) fn restore_run(self: &Rc<Self>) {
        let id = WebStorage::Session
            .read(STORED_RUN)
            .or_else(|| WebStorage::Local.read(STORED_RUN))
            .filter(|id| !id.is_empty());
        if let Some(id) = id {
            let app = Rc::clone(self);
            spawn_local(async move { app.load_run(&id).await });
        }
    }

    /// Stores which run this tab shows, if any. New tabs show it as well.
    pub(super) fn remember_run(&self, id: Option<&str>) {
        // Messages about withdrawn approvals are about the run that was on the page before.
        self.page.problems.update(|problems| {
            problems.retain(|problem| !problem.code.starts_with("approvals_withdrawn"));
        });
        let written = WebStorage::Session
            .write(STORED_RUN, id.unwrap_or_default())
            .and_then(|()| match id {
                Some(id) => WebStorage::Local.write(STORED_RUN, id),
                None => {
                    WebStorage::Local.remove(STORED_RUN);
                    Ok(())
                }
            });
        if let Err(reason) = written {
            self.show_web_storage_error(&reason);
        }
    }

    pub(super) async fn load_run(self: &Rc<Self>, id: &str) {
        match self.controller.try_lock(id).await {
            Some(lock) => self.resume_run(id, lock).await,
            None => self.show_read_only(id).await,
        }
    }

    /// Loads the current run again, because the page was suspended and may have lost its lock.
    pub(super) fn reload_run(self: &Rc<Self>) {
        if let Some(id) = self.controller.with_run(|run| run.id().to_string()) {
            self.controller.close_run();
            let app = Rc::clone(self);
            spawn_local(async move { app.load_run(&id).await });
        }
    }

    /// Shows a run read-only after another tab took it over.
    pub(super) fn follow_taken_run(self: &Rc<Self>, id: String) {
        self.page
            .announcement
            .set("Another tab took this run over. This tab is read-only now.".to_owned());
        let app = Rc::clone(self);
        spawn_local(async move { app.show_read_only(&id).await });
    }

    /// Takes the current run over from the tab that has it.
    pub(super) fn take_over(self: &Rc<Self>) {
        let Some(id) = self.controller.with_run(|run| run.id().to_string()) else {
            return;
        };
        let app = Rc::clone(self);
        spawn_local(async move {
            if let Some(lock) = app.controller.take_over(&id).await {
                app.controller.close_run();
                app.resume_run(&id, lock).await;
                app.page
                    .announcement
                    .set("This tab took the run over. You can continue here.".to_owned());
            }
        });
    }

    /// Loads a stored run and resumes it.
    async fn resume_run(self: &Rc<Self>, id: &str, lock: TabLock) {
        self.load_validator().await;
        let loaded = driver::load(self.controller.store(), id, self.controller.now()).await;
        if let Some((mut run, mut step)) = self.accept_loaded(loaded) {
            // Opening an archived run takes it out of the archive.
            let opened = run.apply(Event::Archive { archived: false }, self.controller.now());
            step.changes.extend(opened.changes);
            step.effects.extend(run.checks_due().effects);
            if let Some(check) = self.check_to_show(&run) {
                self.controller.show_run(run, check, step, Some(lock));
                self.refresh_run_connection();
                self.controller.recheck_for_secrets();
            }
        }
    }

    /// Shows a run that another tab has, and resumes it when that tab is closed.
    async fn show_read_only(self: &Rc<Self>, id: &str) {
        self.load_validator().await;
        let loaded = driver::load_read_only(self.controller.store(), id).await;
        let Some((run, step)) = self.accept_loaded(loaded) else {
            return;
        };
        let Some(check) = self.check_to_show(&run) else {
            return;
        };
        self.controller.show_run(run, check, step, None);
        self.page.is_read_only.set(true);
        if let Some(lock) = self.controller.wait_for_lock(id).await {
            // Load it again: the records now include all changes of the other tab.
            self.controller.close_run();
            self.resume_run(id, lock).await;
            self.page
                .announcement
                .set("The other tab released this run. You can continue here.".to_owned());
        }
    }

    /// Compiles the schema of a loaded run. `None` if it is invalid, or if another run was started
    /// meanwhile, which stays on the page.
    fn check_to_show(&self, run: &Run) -> Option<Arc<dyn Check>> {
        if self.controller.with_run(|_| ()).is_some() {
            return None;
        }
        self.check_for(run.mode(), run.schema())
            .map_err(|problem| self.add_problem(problem))
            .ok()
    }

    /// The check of a run's tasks. In a live run it also keeps held secrets out of them; a dry run sends
    /// nothing.
    fn check_for(&self, mode: Mode, schema: &TaskSchema) -> Result<Arc<dyn Check>, Problem> {
        let check = compile(schema)?;
        Ok(match mode {
            Mode::Dry => check,
            Mode::Live => self.secrets.borrow().task_check(check),
        })
    }

    /// Returns the run that was loaded, or shows why it could not be.
    fn accept_loaded(&self, loaded: Result<Loaded, StoreError>) -> Option<(Run, Step)> {
        match loaded {
            Ok(Loaded::Run(run, step)) => return Some((*run, step)),
            Ok(Loaded::Absent) => {
                self.remember_run(None);
                self.add_problem(problem(
                    "run_absent",
                    "This run is no longer stored in this browser.",
                    "It was deleted here or in another tab, or the browser deleted this site's data.",
                ));
            }
            Ok(Loaded::Unreadable(error)) => {
                self.add_problem(problem(
                    error.code(),
                    format!("The run cannot be opened: {error}"),
                    error.hint(),
                ));
            }
            Err(error) => self.controller.show_storage_error(Some(&error)),
        }
        None
    }

    /// Loads the validator, unless it is loaded. The page shows that it waits.
    async fn load_validator(&self) {
        self.page.awaits_validator.set(true);
        lazy::load(self.page, validator::load).await;
        self.page.awaits_validator.set(false);
    }

    /// Continues once the validator is loaded: at once if it is.
    fn with_validator(self: &Rc<Self>, action: impl FnOnce(&Rc<Self>) + 'static) {
        let app = Rc::clone(self);
        pieces::run(async move {
            app.load_validator().await;
            action(&app);
        });
    }

    /// Chooses the mode of the next run. The choice holds in this tab, also after a reload.
    pub(super) fn choose_mode(&self, mode: Mode) {
        self.page.chosen_mode.set(Some(mode));
        if let Ok(text) = serde_json::to_string(&mode)
            && let Err(reason) = WebStorage::Session.write(STORED_MODE, &text)
        {
            self.show_web_storage_error(&reason);
        }
    }

    /// Notes whether tasks were generated live with the connection, for tabs that are opened later.
    fn note_live(&self, mode: Mode) {
        let id = self
            .page
            .connection
            .with_untracked(|connection| connection.id.as_str().to_owned());
        let noted = WebStorage::Local.read(LIVE_CONNECTION);
        match mode {
            // If there is no space, those tabs begin with a dry run, as they say.
            Mode::Live => drop(WebStorage::Local.write(LIVE_CONNECTION, &id)),
            Mode::Dry if noted == Some(id) => WebStorage::Local.remove(LIVE_CONNECTION),
            Mode::Dry => {}
        }
    }

    pub(super) fn start(self: &Rc<Self>, mode: Mode) {
        // The seed is fixed: the same brief always has the same dry run.
        let brief = match self.page.form.get_untracked().check(0) {
            Ok(brief) => {
                self.page.brief_errors.set(Vec::new());
                brief
            }
            Err(errors) => return self.page.brief_errors.set(errors),
        };
        self.with_validator(move |app| {
            if app.may_go_ahead(Action::Generate(mode), || Next::Start(mode))
                && app.start_run(Some(brief), mode)
            {
                app.note_live(mode);
            }
        });
    }

    pub(super) fn start_run(self: &Rc<Self>, brief: Option<Brief>, mode: Mode) -> bool {
        let schema = self.page.schema.get_untracked();
        let check = match self.check_for(mode, &schema) {
            Ok(check) => check,
            Err(problem) => {
                self.add_problem(problem);
                return false;
            }
        };
        let Some(start) = self.new_start(brief, mode, schema) else {
            return false;
        };
        let (run, step) = Run::start(start);
        self.show_new_run(run, check, step);
        if mode == Mode::Live {
            self.announce_changed_schema();
        }
        true
    }

    fn new_start(&self, brief: Option<Brief>, mode: Mode, schema: TaskSchema) -> Option<Start> {
        match random::bits() {
            Ok(bits) => Some(Start {
                id: RunId::from_bits(bits),
                mode,
                at: self.controller.now(),
                brief,
                connection: self.page.connection.get_untracked(),
                schema,
            }),
            Err(reason) => {
                self.add_problem(problem(
                    "no_randomness",
                    format!("The browser's random number generator failed: {reason}"),
                    "Open the page in a current browser.",
                ));
                None
            }
        }
    }

    fn show_new_run(self: &Rc<Self>, run: Run, check: Arc<dyn Check>, step: Step) {
        self.remember_run(Some(&run.id().to_string()));
        self.controller.show_run(run, check, step, None);
        self.controller.lock_new_run();
    }

    /// Sends an event to the current run, if the guard allows it.
    pub(super) fn send(self: &Rc<Self>, event: Event) {
        if self.may_go_ahead(Action::Send(&event), || Next::Send(event.clone())) {
            if matches!(
                event,
                Event::Approve { .. } | Event::Post { .. } | Event::PostTest { .. }
            ) {
                self.request_persistence();
            }
            self.controller.apply_in_batches(event);
        }
    }

    pub(super) fn estimate(&self, follow_up: Option<FollowUp>) {
        let estimate =
            follow_up.and_then(|follow_up| self.controller.with_run(|run| run.estimate(follow_up)));
        self.page.estimate.set(estimate.flatten());
    }

    /// Starts a live run from the dry run: with its imported tasks, or from its brief if there are none.
    pub(super) fn go_live(self: &Rc<Self>) {
        if self.controller.is_busy() {
            return self.add_problem(problem(
                "busy",
                "The dry run has not finished.",
                "Wait until it finishes or stop it, then go live.",
            ));
        }
        let brief = self
            .controller
            .with_run(|run| run.brief().cloned())
            .flatten();
        let schema = self.page.schema.get_untracked();
        let imported: Vec<String> = self
            .controller
            .with_run(|run| {
                run.drafts()
                    .iter()
                    .filter(|draft| draft.origin == Origin::Imported)
                    .filter(|draft| draft.review != Review::Deleted)
                    .map(|draft| draft.content.text().to_owned())
                    .collect()
            })
            .unwrap_or_default();
        if brief.is_some() && imported.is_empty() {
            // The live run replaces the dry run, whose approvals are not meant to be posted.
            return self.with_consent(|| self.start(Mode::Live));
        }
        let check = match self.check_for(Mode::Live, &schema) {
            Ok(check) => check,
            Err(problem) => return self.add_problem(problem),
        };
        let Some(start) = self.new_start(None, Mode::Live, schema) else {
            return;
        };
        if let Some((run, step)) = self.controller.with_run(|run| run.go_live(start)) {
            self.show_new_run(run, check, step);
        }
    }

    pub(super) fn import(self: &Rc<Self>, text: &str, mode: Mode) {
        let texts = match import::split(text) {
            Ok(texts) => texts,
            Err(error) => {
                let problem = problem(error.code(), &error, error.hint());
                return self.page.import_problem.set(Some(problem));
            }
        };
        if let Decision::Refuse(refusal) = self.decide(Action::Import) {
            let problem = refusal_problem(&refusal);
            return self.page.import_problem.set(Some(problem));
        }
        self.page.import_problem.set(None);
        let has_run = self.controller.with_run(|_| ()).is_some();
        if has_run || self.start_run(None, mode) {
            self.controller.apply_in_batches(Event::Import { texts });
        } else {
            // The text stays in its field. The page shows why no run was started.
            self.page.import_problem.set(Some(problem(
                "no_run",
                "The tasks were not imported, because no run could be started.",
                "See the message at the top of the page.",
            )));
        }
    }
}

/// Compiles a task schema. The validator has to be loaded.
pub(super) fn compile(schema: &TaskSchema) -> Result<Arc<dyn Check>, Problem> {
    match pieces::if_ready(validator::compile(schema.clone())) {
        Some(Ok(compiled)) => compiled.map_err(|error| schema_problem(&error)),
        Some(Err(_)) | None => Err(problem(
            "validator_missing",
            "Tasks cannot be checked yet, because the validator is not loaded",
            "Wait until it is loaded, or reload the page.",
        )),
    }
}
