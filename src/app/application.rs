//! The application behind the page: state, and helpers shared by its parts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};

use super::controller::RunController;
use super::guard::leak::Leak;
use super::guard::{self, Action, Decision, Refusal, RunLock, Situation};
use super::setup::Setup;
use super::vault::{Need, Vaults};
use crate::browser::page_return::PageReturn;
use crate::model::AdaptationMemory;
use crate::pieces;
use crate::review::export::ExportFormat;
use crate::review::{DraftId, RunId};
use crate::run::receipts::ReceiptFormat;
use crate::run::{Event, Mode, Run};
use crate::schema::SchemaError;
use crate::secrets::{Keyring, Secret, SecretSlot};
use crate::settings::{Connection, SettingsError};
use crate::text::heading;
use crate::ui::lazy;
use crate::ui::page::{LeakExit, LeakPrompt, Page, Problem, WorkAction, WorkPrompt};

/// Names of the items in web storage.
pub(super) const STORED_CONNECTIONS: &str = "connections";
/// The id of the connection that new runs use.
pub(super) const STORED_CONNECTION_ID: &str = "connection_id";
/// The only connection that earlier versions stored.
pub(super) const STORED_SINGLE_CONNECTION: &str = "connection";
pub(super) const STORED_RUN: &str = "run";
pub(super) const STORED_ADAPTATIONS: &str = "adaptations";
pub(super) const STORED_LINK_SERVERS: &str = "link_servers";
pub(super) const STORED_MODE: &str = "mode";
/// Name of the item in `localStorage` with the id of the connection whose tasks were last generated live.
pub(super) const LIVE_CONNECTION: &str = "live_connection";

/// An action that waits for the operator, who has to enter a secret or to agree to something first.
pub(super) enum Next {
    Start(Mode),
    Send(Event),
    OpenRun(String),
    Archive,
    DeleteRun(String),
    SaveTasks(Vec<DraftId>, ExportFormat),
    SaveReceipts(ReceiptFormat),
    Connect(Box<Connection>, Vec<(SecretSlot, Secret)>),
    ExportConnections,
    ImportConnections(String),
}

/// What the operator agreed to for one action. The next one asks again.
#[derive(Debug, Clone, Copy, Default)]
struct Consent {
    /// To leave the open work of the current run.
    may_leave_work: bool,
    /// To let out what contains a held secret.
    may_repeat_secrets: bool,
}

/// An action that waits, and what the operator agreed to for this action.
pub(super) struct Waiting {
    next: Next,
    consent: Consent,
}

/// The state of the application behind a page.
pub struct Application {
    pub(super) page: Page,
    pub(super) setup: Rc<Setup>,
    pub(super) controller: Rc<RunController>,
    pub(super) secrets: Rc<RefCell<Keyring>>,
    pub(super) adaptation_memory: Rc<RefCell<AdaptationMemory>>,
    pub(super) vaults: Vaults,
    /// The number of the last reading of a server's description.
    pub(super) readings: Cell<u32>,
    /// The action that waits for the operator.
    waiting: RefCell<Option<Waiting>>,
    /// What the operator agreed to for the action that is being carried out.
    consent: Cell<Consent>,
    /// The run that the operator agreed to post although the browser refuses locks.
    may_post_unlocked: RefCell<Option<RunId>>,
    /// Whether the browser was asked to keep this page's data.
    pub(super) persistence_requested: Cell<bool>,
    /// Listens for the page coming back from the back/forward cache.
    pub(super) page_return: RefCell<Option<PageReturn>>,
}

/// A problem with this message as its heading.
pub(super) fn problem(code: &str, what: impl ToString, hint: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        what: heading(&what.to_string()),
        hint: hint.to_owned(),
    }
}

pub(super) fn settings_problem(error: &SettingsError) -> Problem {
    problem(error.code(), error, error.hint())
}

pub(super) fn refusal_problem(refusal: &Refusal) -> Problem {
    problem(refusal.code(), refusal, refusal.hint())
}

pub(super) fn schema_problem(error: &SchemaError) -> Problem {
    problem(error.code(), error, error.hint())
}

impl Application {
    /// Creates the application behind a page and restores the run that the tab showed.
    pub fn open(setup: Rc<Setup>) -> Rc<Application> {
        let page = setup.page;
        let secrets = Rc::clone(&setup.secrets);
        let adaptation_memory: Rc<RefCell<AdaptationMemory>> = Rc::default();
        let controller =
            RunController::new(page, Rc::clone(&secrets), Rc::clone(&adaptation_memory));
        let app = Rc::new(Application {
            page,
            setup,
            controller,
            secrets,
            adaptation_memory,
            vaults: Vaults::default(),
            waiting: RefCell::new(None),
            readings: Cell::new(0),
            consent: Cell::default(),
            may_post_unlocked: RefCell::new(None),
            persistence_requested: Cell::new(false),
            page_return: RefCell::new(None),
        });
        let weak = Rc::downgrade(&app);
        app.controller.on_secret_needed(move |slot| {
            if let Some(app) = weak.upgrade() {
                app.request_secret(slot);
            }
        });
        let weak = Rc::downgrade(&app);
        app.controller.on_adapted(move |endpoint, adaptations| {
            if let Some(app) = weak.upgrade() {
                app.remember_adaptations(endpoint, adaptations);
            }
        });
        let weak = Rc::downgrade(&app);
        app.controller.on_lock_lost(move |id| {
            if let Some(app) = weak.upgrade() {
                app.follow_taken_run(id);
            }
        });
        let weak = Rc::downgrade(&app);
        *app.page_return.borrow_mut() = Some(PageReturn::watch(move || {
            if let Some(app) = weak.upgrade() {
                app.reload_run();
            }
        }));
        app.restore_adaptations();
        app.restore_run();
        app.purge_deleted_runs();
        app
    }

    /// Goes on when the setup was read: takes over what it found, loads all pieces that are missing, and
    /// says whether the task schema is valid.
    pub fn settle(self: &Rc<Self>) {
        self.show_adaptations();
        self.refresh_run_connection();
        self.restore_secrets();
        let app = Rc::clone(self);
        pieces::run(async move {
            lazy::load_all(app.page).await;
            app.check_schema();
        });
    }

    /// Stops all work, because the page is unmounted. Stored data is kept.
    pub fn close(&self) {
        self.controller.close_run();
    }

    /// Asks the guard about an action.
    pub(super) fn decide(&self, action: Action<'_>) -> Decision {
        let connection = self.page.connection.get_untracked();
        let hosts = self.setup.hosts.borrow();
        let secrets = self.secrets.borrow();
        let lock = self.run_lock();
        let brief = self.page.form.get_untracked();
        let consent = self.consent.get();
        let decide = |run: Option<&Run>| {
            let situation = Situation {
                connection: &connection,
                brief: Some(&brief),
                run,
                lock,
                may_leave_work: consent.may_leave_work,
                may_repeat_secrets: consent.may_repeat_secrets,
                hosts: self.setup.config_is_read.get().then_some(&hosts),
                secrets: &secrets,
            };
            guard::decide(action, &situation)
        };
        self.controller
            .with_run(|run| decide(Some(run)))
            .unwrap_or_else(|| decide(None))
    }

    fn run_lock(&self) -> RunLock {
        let may_post = || {
            let agreed = self.may_post_unlocked.borrow();
            self.controller
                .with_run(|run| agreed.as_ref() == Some(run.id()))
                == Some(true)
        };
        match self.controller.is_protected() {
            None => RunLock::OtherTab,
            Some(true) => RunLock::Held,
            Some(false) => RunLock::Refused {
                may_post: may_post(),
            },
        }
    }

    /// Whether the guard refuses to take the current run off the page, whatever the operator agrees to.
    /// If so, the page says why.
    pub(super) fn refuses_leaving(&self) -> bool {
        let refusal = match self.with_consent(|| self.decide(Action::LeaveRun)) {
            Decision::Refuse(refusal) => refusal,
            _ => return false,
        };
        self.add_problem(refusal_problem(&refusal));
        true
    }

    /// Carries out an action for which the operator agreed to leave the open work of the current run.
    pub(super) fn with_consent<T>(&self, act: impl FnOnce() -> T) -> T {
        self.consent.set(Consent {
            may_leave_work: true,
            ..self.consent.get()
        });
        let result = act();
        self.consent.set(Consent::default());
        result
    }

    /// Whether an action may go ahead now. If it needs a secret or the operator's consent first, asks for
    /// it and continues with `next` afterwards. If the guard refuses the action, the page says why.
    pub(super) fn may_go_ahead(
        self: &Rc<Self>,
        action: Action<'_>,
        next: impl FnOnce() -> Next,
    ) -> bool {
        match self.decide(action) {
            Decision::Local | Decision::Send(_) => {
                if guard::sends_prompt(action) {
                    let agrees = self.consent.get().may_repeat_secrets;
                    self.secrets.borrow_mut().allow_in_prompts(agrees);
                }
                return true;
            }
            Decision::Prompt { slot, address } => {
                self.supply(Need::of(slot, address), Some(next()));
            }
            Decision::ConfirmLeaving(work) => {
                self.wait_with(Some(next()));
                self.page.work_prompt.set(Some(WorkPrompt {
                    work,
                    action: WorkAction::Leave,
                }));
            }
            Decision::ConfirmUnlocked => {
                self.wait_with(Some(next()));
                self.page.has_unlocked_prompt.set(true);
            }
            Decision::ConfirmLeaks(leaks) => {
                self.ask_about_leaks(&leaks, LeakExit::Send, next());
            }
            Decision::Refuse(refusal) => self.add_problem(refusal_problem(&refusal)),
        }
        false
    }

    /// Whether something may be let out: it contains no held secret, or the operator agreed.
    pub(super) fn may_let_out(&self, leaks: &[Leak]) -> bool {
        leaks.is_empty() || self.consent.get().may_repeat_secrets
    }

    /// Asks whether to let out what contains held secrets, and continues with `next` afterwards.
    pub(super) fn ask_about_leaks(&self, leaks: &[Leak], exit: LeakExit, next: Next) {
        self.wait_with(Some(next));
        self.page.leak_prompt.set(Some(LeakPrompt {
            exit,
            leaks: leaks.iter().map(ToString::to_string).collect(),
        }));
    }

    /// Keeps the action that waits for the operator, with what was agreed to for it. It replaces an
    /// earlier one.
    pub(super) fn wait_with(&self, next: Option<Next>) {
        *self.waiting.borrow_mut() = next.map(|next| Waiting {
            next,
            consent: self.consent.get(),
        });
    }

    /// Continues with the action that waited for the operator.
    pub(super) fn run_next(self: &Rc<Self>) {
        let Some(waiting) = self.waiting.borrow_mut().take() else {
            return;
        };
        self.consent.set(waiting.consent);
        match waiting.next {
            Next::Start(mode) => self.start(mode),
            Next::Send(event) => self.send(event),
            Next::OpenRun(id) => self.open_run(id),
            Next::Archive => self.archive_run(),
            Next::DeleteRun(id) => self.delete_run(id),
            Next::SaveTasks(tasks, format) => self.save_tasks(tasks, format),
            Next::SaveReceipts(format) => self.save_receipts(format),
            Next::Connect(connection, secrets) => self.connect(*connection, secrets),
            Next::ExportConnections => self.export_connections(),
            Next::ImportConnections(text) => self.import_connections(&text),
        }
        self.consent.set(Consent::default());
    }

    /// Whether the operator agreed to leave or delete the open work that the action being carried out
    /// is about.
    pub(super) fn may_leave_work(&self) -> bool {
        self.consent.get().may_leave_work
    }

    /// Handles the answer to the question whether to leave or delete open work.
    pub(super) fn decide_open_work(self: &Rc<Self>, accepted: bool) {
        self.page.work_prompt.set(None);
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.consent.may_leave_work = true;
        }
        self.continue_if(accepted);
    }

    /// Handles the answer to the question whether to let out what contains a held secret.
    pub(super) fn decide_leaks(self: &Rc<Self>, accepted: bool) {
        self.page.leak_prompt.set(None);
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.consent.may_repeat_secrets = true;
        }
        self.continue_if(accepted);
    }

    /// Handles the answer to the question whether to post although another tab may post the same tasks.
    /// Consent is for this run, until the page is reloaded.
    pub(super) fn decide_unlocked(self: &Rc<Self>, accepted: bool) {
        self.page.has_unlocked_prompt.set(false);
        if accepted {
            *self.may_post_unlocked.borrow_mut() = self.controller.with_run(|run| run.id().clone());
        }
        self.continue_if(accepted);
    }

    fn continue_if(self: &Rc<Self>, accepted: bool) {
        if accepted {
            self.run_next();
        } else {
            self.wait_with(None);
        }
    }

    pub(super) fn add_problem(&self, problem: Problem) {
        self.setup.add_problem(problem);
    }

    pub(super) fn show_web_storage_error(&self, reason: &str) {
        self.setup.show_web_storage_error(reason);
    }
}
