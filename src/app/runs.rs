//! Runs: begun, brought back, put aside.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::application::{Application, KEPT_BRIEF, KEPT_RUN, Next, problem, schema_problem};
use crate::brief::{Brief, BriefForm};
use crate::browser::local::WebStorage;
use crate::browser::lock::HeldLock;
use crate::browser::{local, random};
use crate::driver;
use crate::driver::Loaded;
use crate::ports::StoreError;
use crate::review::{RunId, import};
use crate::run::{Event, FollowUp, Mode, Run, Start, Step};
use crate::schema::validator::{Validator, ValidatorOptions};
use crate::schema::{Check, SchemaError, TaskSchema, agent_task_schema};
use crate::secrets::SecretName;
use crate::settings::Connection;
use crate::ui::page::Problem;

impl Application {
    pub(super) fn restore_run(self: &Rc<Self>) {
        let Some(id) = local::read(WebStorage::Browser, KEPT_RUN) else {
            return;
        };
        let app = Rc::clone(self);
        spawn_local(async move { app.load_run(&id).await });
    }

    pub(super) async fn load_run(self: &Rc<Self>, id: &str) {
        match self.controller.lock_for(id).await {
            Some(lock) => self.go_on_with(id, lock).await,
            None => self.load_read_only(id).await,
        }
    }

    /// Shows a run as it stood and goes on with it.
    async fn go_on_with(self: &Rc<Self>, id: &str, lock: HeldLock) {
        let loaded = driver::load(self.controller.store(), id, self.controller.now()).await;
        if let Some((run, mut step)) = self.read(loaded) {
            step.effects.extend(run.checks_due().effects);
            if let Some(check) = self.check_for(&run) {
                self.controller.begin(run, check, step, Some(lock));
            }
        }
    }

    /// Shows a run that another tab has, and goes on with it once that tab is gone.
    async fn load_read_only(self: &Rc<Self>, id: &str) {
        let loaded = driver::load_read_only(self.controller.store(), id).await;
        let Some((run, step)) = self.read(loaded) else {
            return;
        };
        let Some(check) = self.check_for(&run) else {
            return;
        };
        self.controller.begin(run, check, step, None);
        self.page.is_read_only.set(true);
        if let Some(lock) = self.controller.wait_for_lock(id).await {
            // What the other tab did until the end stands in the records.
            self.controller.leave();
            self.go_on_with(id, lock).await;
            self.page
                .announcement
                .set("The other tab is gone. This tab goes on with the run.".to_owned());
        }
    }

    /// What is checked with, where the run can be shown at all: one that was started while this one
    /// was read stays.
    fn check_for(&self, run: &Run) -> Option<Arc<dyn Check>> {
        if self.controller.with_run(|_| ()).is_some() {
            return None;
        }
        compile(run.schema())
            .inspect_err(|error| self.add_problem(schema_problem(error)))
            .ok()
    }

    /// What was read of a run; what cannot be read is said.
    fn read(&self, loaded: Result<Loaded, StoreError>) -> Option<(Run, Step)> {
        match loaded {
            Ok(Loaded::Run(run, step)) => return Some((*run, step)),
            Ok(Loaded::Absent) => {}
            Ok(Loaded::Unreadable(error)) => {
                self.add_problem(problem(
                    error.code(),
                    format!("The last run: {error}"),
                    error.hint(),
                ));
            }
            Err(error) => self.controller.note_storage(Some(&error)),
        }
        None
    }

    pub(super) fn start(self: &Rc<Self>, mode: Mode) {
        if !self.may_begin() {
            return;
        }
        // The same brief gives the same dry run.
        let brief = match self.page.form.get_untracked().check(0) {
            Ok(brief) => {
                self.page.brief_errors.set(Vec::new());
                brief
            }
            Err(errors) => return self.page.brief_errors.set(errors),
        };
        if mode == Mode::Live {
            if !self.may_leave_for(&self.page.connection.get_untracked()) {
                return;
            }
            let Some(endpoint) = self.page.connection.get_untracked().model else {
                return self.add_problem(problem(
                    "no_model",
                    "No model endpoint is configured.",
                    "Name a base address and a model in the settings, or make a dry run.",
                ));
            };
            if endpoint.requires_api_key() && !self.holds(SecretName::ModelKey) {
                return self.ask(SecretName::ModelKey, None, Next::Start(mode));
            }
        }
        self.start_run(Some(brief), mode);
    }

    pub(super) fn start_run(self: &Rc<Self>, brief: Option<Brief>, mode: Mode) -> bool {
        let schema = self.page.schema.get_untracked();
        let check = match compile(&schema) {
            Ok(check) => check,
            Err(error) => {
                self.add_problem(schema_problem(&error));
                return false;
            }
        };
        let Some(start) = self.starting(brief, mode, schema) else {
            return false;
        };
        let (run, step) = Run::start(start);
        self.show(run, check, step);
        true
    }

    pub(super) fn starting(
        &self,
        brief: Option<Brief>,
        mode: Mode,
        schema: TaskSchema,
    ) -> Option<Start> {
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
                    format!("This browser gives no random numbers: {reason}"),
                    "Open the page in a current browser.",
                ));
                None
            }
        }
    }

    pub(super) fn show(self: &Rc<Self>, run: Run, check: Arc<dyn Check>, step: Step) {
        *self.aside.borrow_mut() = self.controller.with_run(|run| run.id().to_string());
        if let Err(reason) = local::write(WebStorage::Browser, KEPT_RUN, &run.id().to_string()) {
            self.note_local(&reason);
        }
        self.controller.begin(run, check, step, None);
        self.controller.take_lock();
    }

    /// Whether a new run may take the place of the one that is shown.
    pub(super) fn may_begin(&self) -> bool {
        let is_posting = self
            .controller
            .with_run(|run| run.is_posting() || run.is_sending())
            .unwrap_or(false);
        if is_posting {
            self.add_problem(problem(
                "posting",
                "Tasks are being posted.",
                "Pause or stop posting and let the task that is on its way end, then start anew.",
            ));
        }
        !is_posting
    }

    pub(super) fn send(self: &Rc<Self>, event: Event) {
        if !self.controller.holds_lock() {
            return self.add_problem(other_tab());
        }
        let leaves = matches!(
            event,
            Event::Post { .. }
                | Event::Resume
                | Event::ContinueWithoutJournal
                | Event::Retry { .. }
                | Event::ResendSameKey { .. }
                | Event::LookUp { .. }
        );
        let is_live = self
            .controller
            .with_run(|run| run.mode() == Mode::Live)
            .unwrap_or(false);
        let connection = self.controller.with_run(|run| run.connection().clone());
        if leaves
            && is_live
            && !connection.is_some_and(|connection| self.may_leave_for(&connection))
        {
            return;
        }
        if leaves && is_live && !self.holds(SecretName::AgentToken) {
            return self.ask(SecretName::AgentToken, None, Next::Send(event));
        }
        let asks = matches!(event, Event::AskForMissing { .. } | Event::FollowUp(_));
        if asks && is_live && !self.may_ask_the_model(&event) {
            return;
        }
        self.controller.act(event);
    }

    pub(super) fn estimate(&self, again: Option<FollowUp>) {
        let estimate = again.and_then(|again| self.controller.with_run(|run| run.estimate(again)));
        self.page.estimate.set(estimate.flatten());
    }

    /// Whether the model of the run that is shown can be asked once more. A key that is wanted is
    /// asked for; what is to be done goes on with it.
    fn may_ask_the_model(&self, event: &Event) -> bool {
        let connection = self.controller.with_run(|run| run.connection().clone());
        let Some(connection) = connection.filter(|connection| self.may_leave_for(connection))
        else {
            return false;
        };
        let Some(endpoint) = connection.model else {
            return true;
        };
        let held = self.secrets.borrow();
        let lacks_key = endpoint.requires_api_key()
            && held.get(SecretName::ModelKey, &endpoint.base_url).is_none();
        drop(held);
        if lacks_key {
            self.ask_for_address(
                SecretName::ModelKey,
                endpoint.base_url,
                None,
                Next::Send(event.clone()),
            );
        }
        !lacks_key
    }

    pub(super) fn go_live(self: &Rc<Self>) {
        if self.controller.is_busy() {
            return self.add_problem(problem(
                "busy",
                "The dry run is still under way.",
                "Let it end, or stop it, then go live.",
            ));
        }
        let brief = self
            .controller
            .with_run(|run| run.brief().cloned())
            .flatten();
        let schema = self.page.schema.get_untracked();
        let brought: Vec<String> = self
            .controller
            .with_run(|run| {
                run.drafts()
                    .iter()
                    .filter(|draft| draft.origin == crate::review::Origin::Pasted)
                    .map(|draft| draft.content.text().to_owned())
                    .collect()
            })
            .unwrap_or_default();
        if brief.is_some() && brought.is_empty() {
            return self.start(Mode::Live);
        }
        let check = match compile(&schema) {
            Ok(check) => check,
            Err(error) => return self.add_problem(schema_problem(&error)),
        };
        let Some(start) = self.starting(None, Mode::Live, schema) else {
            return;
        };
        if let Some((run, step)) = self.controller.with_run(|run| run.go_live(start)) {
            self.show(run, check, step);
        }
    }

    pub(super) fn bring(self: &Rc<Self>, text: &str, mode: Mode) {
        let texts = match import::split(text) {
            Ok(texts) => texts,
            Err(error) => {
                let problem = problem(error.code(), &error, error.hint());
                return self.page.import_problem.set(Some(problem));
            }
        };
        let there_is_one = self.controller.with_run(|_| ()).is_some();
        if there_is_one && !self.controller.holds_lock() {
            return self.page.import_problem.set(Some(other_tab()));
        }
        self.page.import_problem.set(None);
        if there_is_one || self.start_run(None, mode) {
            self.controller.act(Event::Import { texts });
        } else {
            // The text stays in its field; why no run began is said on the page.
            self.page.import_problem.set(Some(problem(
                "no_run",
                "No run could be started for these tasks.",
                "See the message above the panes.",
            )));
        }
    }

    pub(super) fn typed(self: &Rc<Self>, form: BriefForm) {
        if let Ok(text) = serde_json::to_string(&form)
            && let Err(reason) = local::write(WebStorage::Browser, KEPT_BRIEF, &text)
        {
            self.note_local(&reason);
        }
        self.page.form.set(form);
    }

    pub(super) fn clear(self: &Rc<Self>) {
        if self.may_begin() {
            *self.aside.borrow_mut() = self.controller.with_run(|run| run.id().to_string());
            local::remove(WebStorage::Browser, KEPT_RUN);
            self.controller.leave();
        }
    }

    pub(super) fn restore_archived(self: &Rc<Self>) {
        let app = Rc::clone(self);
        if !app.may_begin() {
            return;
        }
        let Some(id) = app.aside.borrow_mut().take() else {
            return;
        };
        app.controller.leave();
        if let Err(reason) = local::write(WebStorage::Browser, KEPT_RUN, &id) {
            app.note_local(&reason);
        }
        spawn_local(async move { app.load_run(&id).await });
    }
}

/// This tab looks on while another one has the run.
fn other_tab() -> Problem {
    problem(
        "other_tab",
        "Another tab shows this run, and one tab changes and posts it at a time.",
        "Go on in that tab, or close it: this one then goes on with the run.",
    )
}

/// The task schema of a connection: its own text, or the default one.
pub(super) fn schema_of(connection: &Connection) -> Result<TaskSchema, SchemaError> {
    TaskSchema::parse(
        connection
            .task_schema
            .as_deref()
            .unwrap_or_else(|| agent_task_schema()),
    )
}

pub(super) fn compile(schema: &TaskSchema) -> Result<Arc<dyn Check>, SchemaError> {
    let validator = Validator::compile(schema.value(), &ValidatorOptions::default())?;
    Ok(Arc::new(validator))
}
