//! The application behind the page: state, and helpers shared by its parts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::controller::RunController;
use super::guard::{self, Action, Decision, Refusal, Situation};
use super::startup;
use crate::model::FormatMemory;
use crate::run::{Event, Mode, Run};
use crate::schema::SchemaError;
use crate::secrets::Keyring;
use crate::settings::link::Link;
use crate::settings::{HostPolicy, SettingsError};
use crate::text::heading;
use crate::ui::page::{Page, Problem};

/// Names of the items in web storage.
pub(super) const STORED_BRIEF: &str = "brief";
pub(super) const STORED_CONNECTION: &str = "connection";
pub(super) const STORED_RUN: &str = "run";
pub(super) const STORED_FORMATS: &str = "response_formats";

/// What continues once the operator has entered a secret.
pub(super) enum Next {
    Nothing,
    Start(Mode),
    Send(Event),
}

/// The state of the application behind a page.
pub struct Application {
    pub(super) page: Page,
    pub(super) controller: Rc<RunController>,
    pub(super) secrets: Rc<RefCell<Keyring>>,
    pub(super) format_memory: Rc<RefCell<FormatMemory>>,
    pub(super) hosts: RefCell<HostPolicy>,
    pub(super) next: RefCell<Next>,
    /// The id of the run that was archived last, for undo.
    pub(super) archived_run: RefCell<Option<String>>,
    pub(super) link_requests_dry_run: Cell<bool>,
    /// Whether `config.json` was read, so that the allowed hosts are known.
    pub(super) config_is_read: Cell<bool>,
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
    /// Creates the application for a page and starts it: restores stored data, reads `config.json`, and
    /// applies the link in `query`, the query of the page's own address.
    pub fn open(page: Page, query: &str) -> Rc<Application> {
        let secrets: Rc<RefCell<Keyring>> = Rc::default();
        let format_memory: Rc<RefCell<FormatMemory>> = Rc::default();
        let controller = RunController::new(page, Rc::clone(&secrets), Rc::clone(&format_memory));
        let app = Rc::new(Application {
            page,
            controller,
            secrets,
            format_memory,
            hosts: RefCell::new(HostPolicy::default()),
            next: RefCell::new(Next::Nothing),
            archived_run: RefCell::new(None),
            link_requests_dry_run: Cell::new(false),
            config_is_read: Cell::new(false),
        });
        let weak = Rc::downgrade(&app);
        app.controller.on_secret_needed(move |slot| {
            if let Some(app) = weak.upgrade() {
                app.request_secret(slot);
            }
        });
        let weak = Rc::downgrade(&app);
        app.controller.on_format(move |endpoint, response_format| {
            if let Some(app) = weak.upgrade() {
                app.remember_format(endpoint, response_format);
            }
        });
        app.restore_formats();
        app.restore_brief();
        app.restore_run();
        let link = Link::parse(query, &startup::fragment());
        // Before anything can fail or be stored.
        startup::clean_address(&link);
        app.apply_link_count(&link);
        let starting = Rc::clone(&app);
        page.is_open.set(false);
        spawn_local(async move {
            starting.read_config().await;
            starting.apply_link(link);
            starting.suggest_mode();
            starting.page.is_open.set(true);
        });
        app
    }

    /// Stops all work, because the page is unmounted. Stored data is kept.
    pub fn close(&self) {
        self.controller.close_run();
    }

    /// Asks the guard about an action.
    pub(super) fn decide(&self, action: Action<'_>) -> Decision {
        let connection = self.page.connection.get_untracked();
        let hosts = self.hosts.borrow();
        let secrets = self.secrets.borrow();
        let is_read_only = !self.controller.holds_lock();
        let decide = |run: Option<&Run>| {
            let situation = Situation {
                connection: &connection,
                run,
                is_read_only,
                hosts: self.config_is_read.get().then_some(&hosts),
                secrets: &secrets,
            };
            guard::decide(action, &situation)
        };
        self.controller
            .with_run(|run| decide(Some(run)))
            .unwrap_or_else(|| decide(None))
    }

    /// Whether the guard refuses an action. If so, the page says why.
    pub(super) fn refuses(&self, action: Action<'_>) -> bool {
        let Decision::Refuse(refusal) = self.decide(action) else {
            return false;
        };
        self.add_problem(refusal_problem(&refusal));
        true
    }

    /// Whether an action may go ahead now. If it needs a secret first, asks the operator for it and
    /// continues with `next` afterwards. If the guard refuses the action, the page says why.
    pub(super) fn may_go_ahead(&self, action: Action<'_>, next: impl FnOnce() -> Next) -> bool {
        match self.decide(action) {
            Decision::Local | Decision::Send(_) => true,
            Decision::Prompt { slot, address } => {
                self.prompt_for(slot, address, None, next());
                false
            }
            Decision::Refuse(refusal) => {
                self.add_problem(refusal_problem(&refusal));
                false
            }
        }
    }

    pub(super) fn add_problem(&self, problem: Problem) {
        self.page.problems.update(|problems| {
            problems.retain(|shown| shown.code != problem.code);
            problems.push(problem);
        });
    }

    pub(super) fn show_web_storage_error(&self, reason: &str) {
        self.add_problem(problem(
            "local_storage",
            format!("Your input and settings cannot be stored, so a reload loses them: {reason}"),
            "Open the page in a regular (not private) window, or free some browser storage.",
        ));
    }
}
